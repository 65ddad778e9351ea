#include "blindproof/fhe/formats/ciphertext_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "blindproof/fhe/formats/packing.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::string_view kPlace = "ciphertexts";
constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr std::uint8_t kFreshForm = 0;
constexpr std::size_t kMinCiphertextBytes = 10;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, std::string(kPlace), std::move(detail)); }

// What a scheme adds to the polynomials: a level, and a number of eight bytes.
std::uint8_t level_of(const ckks::Ciphertext& a) { return static_cast<std::uint8_t>(a.level()); }
std::uint8_t level_of(const bfv::Ciphertext&) { return 0; }
std::uint8_t level_of(const bgv::Ciphertext& a) { return static_cast<std::uint8_t>(a.level()); }
void write_factor(base::ByteWriter& writer, const ckks::Ciphertext& a) { writer.f64(a.scale()); }
void write_factor(base::ByteWriter& writer, const bfv::Ciphertext&) { writer.u64(0); }
void write_factor(base::ByteWriter& writer, const bgv::Ciphertext& a) { writer.u64(a.factor()); }

bool is_fresh(const auto& a) { return a.seed().has_value() && a.parts().size() == 2; }

template <class Ciphertext>
void write_ciphertext(base::ByteWriter& writer, const Ciphertext& a) {
  writer.u8(level_of(a));
  const bool fresh = is_fresh(a);
  writer.u8(fresh ? kFreshForm : static_cast<std::uint8_t>(a.parts().size() - 1));
  write_factor(writer, a);
  if (fresh) writer.raw(*a.seed());
  for (std::size_t part = 0; part < (fresh ? 1 : a.parts().size()); ++part) write_packed(writer, a.parts()[part]);
}

struct Polynomials {
  rlwe::Parts parts;
  std::optional<rlwe::Seed> seed;
};

base::Result<Polynomials> read_polynomials(base::ByteReader& reader, const rlwe::RingPtr& ring, const rlwe::Basis& basis,
                                           std::uint8_t form) {
  Polynomials result;
  if (form == kFreshForm) {
    const base::ByteSpan stored = reader.raw(sizeof(rlwe::Seed));
    result.seed.emplace();
    std::ranges::copy(stored, result.seed->begin());
  }
  for (std::size_t part = 0; part < (form == kFreshForm ? 1u : form + 1u); ++part) {
    BLINDPROOF_ASSIGN(rlwe::NttPoly poly, read_packed(reader, ring, basis, kPlace));
    result.parts.push_back(std::move(poly));
  }
  if (result.seed) result.parts.push_back(rlwe::expand_uniform(ring, basis, *result.seed, 0));
  if (rlwe::is_transparent(result.parts)) {
    return failed(ErrorCode::kRejected, "a ciphertext is not encrypted: its message stands in the open");
  }
  return result;
}

struct Preamble {
  int level;
  std::uint8_t form;
};

base::Result<Preamble> read_preamble(base::ByteReader& reader, int top_level) {
  const Preamble preamble{reader.u8(), reader.u8()};
  if (preamble.level > top_level) reader.fail("level " + std::to_string(preamble.level) + " doesn't exist");
  if (preamble.form > 2) reader.fail("this form of a ciphertext isn't known");
  BLINDPROOF_TRY(reader.status());
  return preamble;
}

base::Result<ckks::Ciphertext> read_ciphertext(base::ByteReader& reader, const ckks::ContextPtr& context) {
  BLINDPROOF_ASSIGN(const Preamble preamble, read_preamble(reader, context->top_level()));
  const rlwe::Basis basis = context->basis(preamble.level);
  const double scale = reader.f64();
  if (!(scale >= 1) || std::log2(scale) > context->ring()->log2_modulus(basis)) reader.fail("the scale is out of range");
  BLINDPROOF_ASSIGN(Polynomials read, read_polynomials(reader, context->ring(), basis, preamble.form));
  return ckks::Ciphertext(context, preamble.level, scale, std::move(read.parts), {kUnlimited, kUnlimited}, read.seed);
}

base::Result<bfv::Ciphertext> read_ciphertext(base::ByteReader& reader, const bfv::ContextPtr& context) {
  BLINDPROOF_ASSIGN(const Preamble preamble, read_preamble(reader, 0));
  if (reader.u64() != 0) reader.fail("a BFV ciphertext has no factor");
  BLINDPROOF_ASSIGN(Polynomials read, read_polynomials(reader, context->ring(), context->basis(), preamble.form));
  return bfv::Ciphertext(context, std::move(read.parts), kUnlimited, 1, read.seed);
}

base::Result<bgv::Ciphertext> read_ciphertext(base::ByteReader& reader, const bgv::ContextPtr& context) {
  BLINDPROOF_ASSIGN(const Preamble preamble, read_preamble(reader, context->top_level()));
  const std::uint64_t factor = reader.u64();
  if (factor == 0 || factor >= context->parameters().t) reader.fail("the factor is out of range");
  BLINDPROOF_ASSIGN(Polynomials read,
                    read_polynomials(reader, context->ring(), context->basis(preamble.level), preamble.form));
  return bgv::Ciphertext(context, preamble.level, factor, std::move(read.parts), kUnlimited, 1, read.seed);
}

template <class Ciphertext, class ContextPtr>
base::Result<AnyCiphertexts> read_all(base::ByteReader& reader, std::size_t count, const ContextPtr& context) {
  std::vector<Ciphertext> result;
  for (std::size_t i = 0; i < count; ++i) {
    BLINDPROOF_ASSIGN(Ciphertext one, read_ciphertext(reader, context));
    result.push_back(std::move(one));
  }
  return AnyCiphertexts(std::move(result));
}

base::Result<AnyCiphertexts> read_all(base::ByteReader& reader, std::size_t count, const AnyContext& context) {
  if (const auto* ckks = std::get_if<ckks::ContextPtr>(&context)) return read_all<ckks::Ciphertext>(reader, count, *ckks);
  if (const auto* bfv = std::get_if<bfv::ContextPtr>(&context)) return read_all<bfv::Ciphertext>(reader, count, *bfv);
  return read_all<bgv::Ciphertext>(reader, count, std::get<bgv::ContextPtr>(context));
}

// Integers belong to the exact schemes, other numbers to CKKS; programs and their batches to any.
bool fits_scheme(Content content, const AnyContext& context) {
  if (content == Content::kProgram || content == Content::kBatch) return true;
  return (content == Content::kIntegers) != std::holds_alternative<ckks::ContextPtr>(context);
}

base::Result<Layout> read_layout(base::ByteReader& reader, const AnyContext& context) {
  Layout layout;
  const std::uint8_t content = reader.u8();
  if (content > static_cast<std::uint8_t>(Content::kBatch)) reader.fail("this kind of content isn't known");
  layout.content = static_cast<Content>(content);
  if (!fits_scheme(layout.content, context)) reader.fail("the scheme doesn't encrypt such numbers");
  if (reader.ok() && layout.content != Content::kProgram) {
    const std::uint8_t dimensions = reader.u8();
    if (dimensions > kMaxDimensions) reader.fail("the array has too many dimensions");
    for (std::uint8_t i = 0; reader.ok() && i < dimensions; ++i) {
      const std::uint64_t dimension = reader.u64();
      if (!std::in_range<std::size_t>(dimension)) reader.fail("a dimension is too large", ErrorCode::kLimit);
      layout.shape.push_back(static_cast<std::size_t>(dimension));
    }
  }
  BLINDPROOF_TRY(reader.status());
  return layout;
}

base::Status check_layout(const Layout& layout, const AnyContext& context, std::size_t count) {
  if (!fits_scheme(layout.content, context)) {
    return failed(ErrorCode::kInvalidArgument, scheme_name(context) + " doesn't encrypt such numbers");
  }
  if (layout.content == Content::kProgram) return {};
  if (layout.content == Content::kBatch) {
    if (layout.shape.size() == 1 && layout.shape[0] >= 1 && layout.shape[0] <= slots_of(context)) return {};
    return failed(ErrorCode::kInvalidArgument, "a batch has 1 to " + std::to_string(slots_of(context)) + " samples");
  }
  BLINDPROOF_ASSIGN(const std::size_t needed, ciphertexts_of(context, layout.shape));
  if (needed == count) return {};
  return failed(ErrorCode::kInvalidArgument, "an array of this shape takes " + std::to_string(needed) + " ciphertexts, not " +
                                                 std::to_string(count));
}

}  // namespace

std::size_t slots_of(const AnyContext& context) noexcept {
  const std::size_t degree = ring_of(context)->degree();
  return std::holds_alternative<ckks::ContextPtr>(context) ? degree / 2 : degree;
}

base::Result<std::size_t> ciphertexts_of(const AnyContext& context, std::span<const std::size_t> shape) {
  if (shape.size() > kMaxDimensions) {
    return failed(ErrorCode::kLimit, "arrays have at most " + std::to_string(kMaxDimensions) + " dimensions");
  }
  const std::size_t slots = slots_of(context), most = kMaxCiphertexts * slots;
  std::size_t values = std::ranges::find(shape, 0u) != shape.end() ? 0 : 1;
  for (const std::size_t dimension : shape) {
    if (values > 0 && dimension > most / values) {
      return failed(ErrorCode::kLimit, "an array has at most " + std::to_string(most) + " values");
    }
    values *= dimension;
  }
  return std::max<std::size_t>(1, (values + slots - 1) / slots);
}

base::Result<base::Bytes> write_ciphertexts(const CiphertextFile& file) {
  base::ByteWriter writer;
  write_header(writer, Kind::kCiphertexts, file.header);
  writer.u8(static_cast<std::uint8_t>(file.layout.content));
  if (file.layout.content != Content::kProgram) {
    writer.u8(static_cast<std::uint8_t>(file.layout.shape.size()));
    for (const std::size_t dimension : file.layout.shape) writer.u64(dimension);
  }
  const base::Status written = std::visit(
      [&](const auto& ciphertexts) -> base::Status {
        if (ciphertexts.empty() || ciphertexts.size() > kMaxCiphertexts) {
          return failed(ErrorCode::kInvalidArgument, "a file has 1 to " + std::to_string(kMaxCiphertexts) + " of them");
        }
        BLINDPROOF_TRY(check_layout(file.layout, file.header.context, ciphertexts.size()));
        writer.u32(static_cast<std::uint32_t>(ciphertexts.size()));
        for (const auto& one : ciphertexts) {
          if (AnyContext(one.context()) != file.header.context) {
            return failed(ErrorCode::kMismatch, "they belong to other parameters than the file");
          }
          write_ciphertext(writer, one);
        }
        return {};
      },
      file.ciphertexts);
  BLINDPROOF_TRY(written);
  return with_checksum(std::move(writer));
}

base::Result<CiphertextFile> parse_ciphertexts(base::ByteSpan bytes, Contexts& contexts) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, checked(bytes, kPlace));
  base::ByteReader reader(body, kPlace);
  BLINDPROOF_ASSIGN(Header header, read_header(reader, Kind::kCiphertexts, contexts));
  BLINDPROOF_ASSIGN(Layout layout, read_layout(reader, header.context));
  const std::uint32_t count = reader.u32();
  if (count < 1 || count > kMaxCiphertexts) reader.fail("there are 1 to " + std::to_string(kMaxCiphertexts) + " ciphertexts");
  if (count > reader.remaining() / kMinCiphertextBytes) reader.fail("there are fewer ciphertexts than announced");
  BLINDPROOF_TRY(reader.status());
  if (const base::Status fits = check_layout(layout, header.context, count); !fits.ok()) {
    reader.fail(fits.error().detail);
    return reader.status().error();
  }
  BLINDPROOF_ASSIGN(AnyCiphertexts ciphertexts, read_all(reader, count, header.context));
  BLINDPROOF_TRY(reader.finish());
  return CiphertextFile{std::move(header), std::move(layout), std::move(ciphertexts)};
}

ckks::Ciphertext assume_fresh(ckks::Ciphertext a, double magnitude) {
  const ckks::Prediction prediction = ckks::predict_fresh(*a.context(), magnitude);
  return assume(std::move(a), prediction);
}
bfv::Ciphertext assume_fresh(bfv::Ciphertext a) {
  const double noise = bfv::fresh_noise(*a.context());
  return assume(std::move(a), noise, 1);
}
bgv::Ciphertext assume_fresh(bgv::Ciphertext a) {
  const double deviation = bgv::fresh_deviation(*a.context());
  return assume(std::move(a), deviation, 1);
}

ckks::Ciphertext assume(ckks::Ciphertext a, const ckks::Prediction& prediction) {
  const ckks::ContextPtr context = a.context();
  const auto seed = a.seed();
  return {context, a.level(), a.scale(), std::move(a).parts(), prediction, seed};
}
bfv::Ciphertext assume(bfv::Ciphertext a, double noise, int secret_power) {
  const bfv::ContextPtr context = a.context();
  const auto seed = a.seed();
  return {context, std::move(a).parts(), noise, secret_power, seed};
}
bgv::Ciphertext assume(bgv::Ciphertext a, double deviation, int secret_power) {
  const bgv::ContextPtr context = a.context();
  const auto seed = a.seed();
  return {context, a.level(), a.factor(), std::move(a).parts(), deviation, secret_power, seed};
}

}  // namespace blindproof::fhe::formats
