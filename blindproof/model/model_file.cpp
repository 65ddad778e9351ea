#include "blindproof/model/model_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <type_traits>

namespace blindproof::model {
namespace {

using base::ByteReader;
using base::ByteSpan;
using base::ByteWriter;
using base::ErrorCode;
using base::Uint128;

constexpr std::uint32_t kMagic = 0x004D5042;  // "BPM\0"
constexpr std::uint16_t kWithoutRanges = 1, kWithRanges = 2;

void write_values(ByteWriter& out, const ParameterValues& values) {
  std::visit(
      [&](const auto& v) {
        using Value = typename std::decay_t<decltype(v)>::value_type;
        base::Bytes packed(v.size() * sizeof(Value));
        std::size_t at = 0;
        for (Value value : v) {
          const Uint128 bits = static_cast<Uint128>(Int128{value});
          for (std::size_t i = 0; i < sizeof(Value); ++i) packed[at++] = static_cast<std::uint8_t>(bits >> (8 * i));
        }
        out.sized(packed);
      },
      values);
}

base::Status read_values(ByteReader& in, const ParameterInfo& info, ParameterValues& values) {
  // The length is checked against the bytes that are there before anything of that size is allocated.
  ParameterInfo probe = info;
  probe.shape = {1};
  const std::size_t width = std::visit([](const auto& v) { return sizeof(v[0]); }, zero_values(probe));
  const std::size_t size = element_count(info.shape) * width;
  const ByteSpan packed = in.sized(size);
  if (in.ok() && packed.size() != size)
    in.fail("a parameter of " + std::to_string(packed.size()) + " bytes instead of " + std::to_string(size));
  BLINDPROOF_TRY(in.status());
  values = zero_values(info);
  std::visit(
      [&](auto& v) {
        using Value = typename std::decay_t<decltype(v)>::value_type;
        std::size_t at = 0;
        for (Value& value : v) {
          Uint128 bits = 0;
          for (std::size_t i = 0; i < sizeof(Value); ++i) bits |= static_cast<Uint128>(packed[at++]) << (8 * i);
          value = static_cast<Value>(bits);
        }
      },
      values);
  return {};
}

base::Status read_ranges(ByteReader& in, ModelFile& file) {
  if (!file.float_graph) in.fail("ranges without a float graph");
  BLINDPROOF_TRY(in.status());
  const auto is_canonical = [](float bound) { return std::isfinite(bound) && !(bound == 0 && std::signbit(bound)); };
  for (std::size_t i = 0; i < file.float_graph->shapes.size(); ++i) {
    const auto low = std::bit_cast<float>(in.u32()), high = std::bit_cast<float>(in.u32());
    if (!is_canonical(low) || !is_canonical(high) || low > high) in.fail("a range that isn't one");
    BLINDPROOF_TRY(in.status());
    file.float_ranges.push_back({low, high});
  }
  return {};
}

}  // namespace

base::Bytes write_model_file(const ModelFile& file) {
  ByteWriter out;
  out.u32(kMagic);
  out.u16(file.float_ranges.empty() ? kWithoutRanges : kWithRanges);
  out.sized(write_architecture(file.graph.architecture));
  for (const ParameterValues& values : file.graph.values) write_values(out, values);
  out.raw(file.blinding_seed);
  out.u8(file.float_graph ? 1 : 0);
  if (file.float_graph) out.sized(write_float_graph(*file.float_graph));
  for (const FloatRange& range : file.float_ranges) {
    for (const float bound : {range.low, range.high}) out.u32(std::bit_cast<std::uint32_t>(bound == 0 ? 0.0f : bound));
  }
  return std::move(out).take();
}

base::Result<ModelFile> parse_model_file(ByteSpan bytes) {
  ByteReader in(bytes, "model file");
  if (const std::uint32_t magic = in.u32(); in.ok() && magic != kMagic) in.fail("not a .bpm file");
  const std::uint16_t version = in.u16();
  if (in.ok() && version != kWithoutRanges && version != kWithRanges) {
    in.fail("version " + std::to_string(version) + " is unknown; this program reads versions 1 and 2", ErrorCode::kUnsupported);
  }
  const ByteSpan architecture = in.sized(bytes.size());
  BLINDPROOF_TRY(in.status());
  ModelFile file{};
  BLINDPROOF_ASSIGN(file.graph.architecture, parse_architecture(architecture));
  for (const ParameterInfo& info : file.graph.architecture.parameters) {
    BLINDPROOF_TRY(read_values(in, info, file.graph.values.emplace_back()));
  }
  const ByteSpan seed = in.raw(file.blinding_seed.size());
  std::copy(seed.begin(), seed.end(), file.blinding_seed.begin());
  const std::uint8_t has_float_graph = in.u8();
  if (has_float_graph > 1) in.fail("a flag that is neither 0 nor 1");
  if (has_float_graph == 1) {
    const ByteSpan section = in.sized(bytes.size());
    BLINDPROOF_TRY(in.status());
    BLINDPROOF_ASSIGN(file.float_graph, parse_float_graph(section));
  }
  if (version == kWithRanges) BLINDPROOF_TRY(read_ranges(in, file));
  BLINDPROOF_TRY(in.finish());
  BLINDPROOF_TRY(validate(file.graph));
  return file;
}

}  // namespace blindproof::model
