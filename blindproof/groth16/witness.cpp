#include "blindproof/groth16/witness.h"

#include <algorithm>
#include <array>
#include <string>

#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/r1cs.h"
#include "blindproof/groth16/sections.h"

namespace blindproof::groth16 {
namespace {

constexpr std::uint32_t kHeader = 1, kValues = 2, kVersion = 2;

base::Result<std::vector<Fr>> parse(const Sections& sections) {
  BLINDPROOF_ASSIGN(const base::Bytes header, sections.read_all(kHeader, 4096));
  base::ByteReader reader(header, sections.name());
  if (reader.u32() != 32 || !is_modulus<Fr>(reader.raw(32))) {
    return base::error(base::ErrorCode::kUnsupported, sections.name(), "is over another field than BN254's scalars");
  }
  const std::uint32_t count = reader.u32();
  BLINDPROOF_TRY(reader.finish());
  if (count > kMostConstraints) return base::error(base::ErrorCode::kLimit, sections.name(), "has more than 2^24 values");
  if (sections.size(kValues) != std::uint64_t{32} * count) return sections.malformed("has another number of values than it says");
  std::vector<Fr> values(count);
  constexpr std::size_t kAtOnce = 1 << 16;
  std::vector<std::uint8_t> buffer;
  for (std::size_t first = 0; first < values.size(); first += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, values.size() - first);
    buffer.resize(32 * size);
    BLINDPROOF_TRY(sections.read(kValues, 32 * first, buffer));
    for (std::size_t i = 0; i < size; ++i) {
      const std::optional<Fr> value = Fr::from_bytes(std::span<const std::uint8_t, 32>(buffer.data() + 32 * i, 32));
      if (!value) return sections.malformed("value " + std::to_string(first + i) + " isn't reduced");
      values[first + i] = *value;
    }
  }
  return values;
}

}  // namespace

base::Result<std::vector<Fr>> read_witness(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const Sections sections, Sections::open(path, "wtns", kVersion));
  return parse(sections);
}

base::Result<std::vector<Fr>> parse_witness(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(const Sections sections, Sections::of(bytes, std::move(name), "wtns", kVersion));
  return parse(sections);
}

base::Bytes write_witness(std::span<const Fr> values) {
  base::ByteWriter file;
  file.raw(base::as_bytes("wtns"));
  file.u32(kVersion);
  file.u32(2);
  file.u32(kHeader);
  file.u64(40);
  file.u32(32);
  file.raw(modulus_bytes<Fr>());
  file.u32(static_cast<std::uint32_t>(values.size()));
  file.u32(kValues);
  file.u64(32 * values.size());
  for (const Fr& value : values) file.raw(value.to_bytes());
  return std::move(file).take();
}

}  // namespace blindproof::groth16
