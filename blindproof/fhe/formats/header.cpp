#include "blindproof/fhe/formats/header.h"

#include <algorithm>
#include <type_traits>

#include "blindproof/crypto/sha256.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMaxParameterBytes = 1024;
constexpr std::string_view kMagic[] = {"BPSK", "BPPK", "BPEK", "BPCT"};
constexpr std::string_view kKindNames[] = {"secret key", "public key", "evaluation keys", "ciphertexts"};
constexpr std::string_view kPlace = "parameters";

enum class SchemeTag : std::uint8_t { kCkks, kBfv, kBgv };

// The fields that a builder takes, apart from the special moduli.
struct Fields {
  std::uint8_t scheme, log_degree, digits, security;
  std::array<std::uint8_t, 3> shape;
  std::uint64_t t;
};

std::uint8_t byte(int value) { return static_cast<std::uint8_t>(value); }

Fields fields_of(const ckks::Parameters& p) {
  return {byte(0), byte(p.log_degree), byte(p.digits), byte(static_cast<int>(p.security)),
          {byte(p.levels), byte(p.scale_bits), byte(p.first_bits)}, 0};
}
Fields fields_of(const bfv::Parameters& p) {
  return {byte(1), byte(p.log_degree), byte(p.digits), byte(static_cast<int>(p.security)),
          {byte(p.limbs), byte(p.limb_bits), 0}, p.t};
}
Fields fields_of(const bgv::Parameters& p) {
  return {byte(2), byte(p.log_degree), byte(p.digits), byte(static_cast<int>(p.security)),
          {byte(p.levels), byte(p.limb_bits), 0}, p.t};
}

template <class ContextPtr>
base::Result<AnyContext> widen(base::Result<ContextPtr> context) {
  if (!context.ok()) return std::move(context).error();
  return AnyContext(*std::move(context));
}

base::Result<AnyContext> build(const Fields& fields, int special_limbs) {
  const auto security = static_cast<rlwe::SecurityLevel>(fields.security);
  switch (static_cast<SchemeTag>(fields.scheme)) {
    case SchemeTag::kCkks:
      return widen(ckks::Context::create({.log_degree = fields.log_degree, .scale_bits = fields.shape[1],
                                          .levels = fields.shape[0], .first_bits = fields.shape[2], .digits = fields.digits,
                                          .special_limbs = special_limbs, .security = security}));
    case SchemeTag::kBfv:
      return widen(bfv::Context::create({.log_degree = fields.log_degree, .t = fields.t, .limbs = fields.shape[0],
                                         .limb_bits = fields.shape[1], .digits = fields.digits,
                                         .special_limbs = special_limbs, .security = security}));
    case SchemeTag::kBgv:
      return widen(bgv::Context::create({.log_degree = fields.log_degree, .t = fields.t, .levels = fields.shape[0],
                                         .limb_bits = fields.shape[1], .digits = fields.digits,
                                         .special_limbs = special_limbs, .security = security}));
  }
  return base::error(ErrorCode::kMalformed, std::string(kPlace), "the scheme isn't known");
}

base::Result<AnyContext> parse_parameters(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, kPlace);
  Fields fields{};
  fields.scheme = reader.u8();
  fields.log_degree = reader.u8();
  fields.digits = reader.u8();
  fields.security = reader.u8();
  for (std::uint8_t& value : fields.shape) value = reader.u8();
  fields.t = reader.u64();
  const std::size_t q_count = reader.u8();
  reader.raw(8 * q_count);
  const std::size_t p_count = reader.u8();
  reader.raw(8 * p_count);
  BLINDPROOF_TRY(reader.finish());
  const bool no_switching = fields.scheme == static_cast<std::uint8_t>(SchemeTag::kBfv) && fields.digits == 0;
  if (fields.scheme > 2 || fields.security > 2 || q_count < 1 || q_count > 64 || p_count > 16 || (p_count == 0) != no_switching) {
    return base::error(ErrorCode::kMalformed, std::string(kPlace), "no builder makes such parameters");
  }
  BLINDPROOF_ASSIGN(AnyContext context, build(fields, static_cast<int>(p_count)));
  if (!std::ranges::equal(write_parameters(context), bytes)) {
    return base::error(ErrorCode::kUnsupported, std::string(kPlace),
                       "the moduli or their grouping are not those that this program chooses");
  }
  return context;
}

template <class Parameters>
std::string name_among(std::span<const rlwe::NamedParameters<Parameters>> sets, const Parameters& parameters) {
  for (const auto& set : sets) {
    Parameters chosen = set.parameters;
    if (parameters.digits == 0) continue;  // all of these switch keys
    if (chosen.special_limbs == 0) chosen.special_limbs = parameters.special_limbs;
    chosen.digits = std::min(chosen.digits, parameters.digits);
    if constexpr (std::is_same_v<Parameters, bgv::Parameters>) {
      if (chosen.limb_bits == 0) chosen.limb_bits = parameters.limb_bits;
    }
    if (chosen == parameters) return std::string(set.name);
  }
  return "";
}

}  // namespace

KeyId generate_key_id(crypto::Csprng& random) {
  KeyId id;
  random.fill(id);
  return id;
}

const rlwe::RingPtr& ring_of(const AnyContext& context) noexcept {
  return std::visit([](const auto& known) -> const rlwe::RingPtr& { return known->ring(); }, context);
}

std::uint64_t error_multiplier_of(const AnyContext& context) noexcept {
  const auto* bgv = std::get_if<bgv::ContextPtr>(&context);
  return bgv != nullptr ? (*bgv)->parameters().t : 1;
}

std::string scheme_name(const AnyContext& context) {
  return std::array{"CKKS", "BFV", "BGV"}[context.index()];
}

std::string parameters_name(const AnyContext& context) {
  if (const auto* ckks = std::get_if<ckks::ContextPtr>(&context)) {
    return name_among(ckks::named_parameters(), (*ckks)->parameters());
  }
  if (const auto* bfv = std::get_if<bfv::ContextPtr>(&context)) {
    return name_among(bfv::named_parameters(), (*bfv)->parameters());
  }
  return name_among(bgv::named_parameters(), std::get<bgv::ContextPtr>(context)->parameters());
}

rlwe::SecurityLevel security_of(const AnyContext& context) noexcept {
  return std::visit([](const auto& known) { return known->parameters().security; }, context);
}

base::Result<AnyContext> create_context(std::string_view name) {
  std::string names;
  const auto look = [&](const auto& sets) {
    for (const auto& set : sets) {
      if (set.name == name) return true;
      names += (names.empty() ? "" : ", ") + std::string(set.name);
    }
    return false;
  };
  if (look(ckks::named_parameters())) return widen(ckks::Context::create(name));
  if (look(bfv::named_parameters())) return widen(bfv::Context::create(name));
  if (look(bgv::named_parameters())) return widen(bgv::Context::create(name));
  return base::error(ErrorCode::kInvalidArgument, std::string(kPlace), "'" + std::string(name) + "' is not one of " + names);
}

base::Bytes write_parameters(const AnyContext& context) {
  const Fields fields = std::visit([](const auto& known) { return fields_of(known->parameters()); }, context);
  base::ByteWriter writer;
  writer.u8(fields.scheme);
  writer.u8(fields.log_degree);
  writer.u8(fields.digits);
  writer.u8(fields.security);
  writer.raw(fields.shape);
  writer.u64(fields.t);
  const rlwe::RingParameters& ring = ring_of(context)->parameters();
  for (const std::vector<std::uint64_t>& moduli : {ring.q, ring.p}) {
    writer.u8(static_cast<std::uint8_t>(moduli.size()));
    for (const std::uint64_t modulus : moduli) writer.u64(modulus);
  }
  return std::move(writer).take();
}

void Contexts::add(AnyContext context) {
  base::Bytes parameters = write_parameters(context);
  known_.push_back({std::move(parameters), std::move(context)});
}

base::Result<AnyContext> Contexts::find(base::ByteSpan parameters) {
  for (const Known& known : known_) {
    if (std::ranges::equal(known.parameters, parameters)) return known.context;
  }
  if (restricted_) {
    return base::error(ErrorCode::kMismatch, std::string(kPlace), "the file has other parameters than are expected here");
  }
  BLINDPROOF_ASSIGN(AnyContext context, parse_parameters(parameters));
  add(context);
  return context;
}

std::string_view kind_name(Kind kind) noexcept { return kKindNames[static_cast<std::size_t>(kind)]; }

base::Result<Kind> kind_of(base::ByteSpan bytes) {
  for (std::size_t i = 0; i < std::size(kMagic); ++i) {
    const base::ByteSpan magic = base::as_bytes(kMagic[i]);
    if (bytes.size() >= magic.size() && std::ranges::equal(bytes.first(magic.size()), magic)) return static_cast<Kind>(i);
  }
  return base::error(ErrorCode::kMalformed, "header", "is not a file of keys or ciphertexts");
}

void write_header(base::ByteWriter& writer, Kind kind, const Header& header) {
  writer.raw(base::as_bytes(kMagic[static_cast<std::size_t>(kind)]));
  writer.u16(kVersion);
  const base::Bytes parameters = write_parameters(header.context);
  writer.u16(static_cast<std::uint16_t>(parameters.size()));
  writer.raw(parameters);
  writer.raw(header.key_id);
}

base::Result<Header> read_header(base::ByteReader& reader, Kind kind, Contexts& contexts) {
  const base::ByteSpan magic = reader.raw(4);
  if (reader.ok()) {
    const base::Result<Kind> found = kind_of(magic);
    if (!found.ok()) return found.error();
    if (*found != kind) {
      return base::error(ErrorCode::kMalformed, "header",
                         "the file holds " + std::string(kind_name(*found)) + ", not " + std::string(kind_name(kind)));
    }
  }
  const std::uint16_t version = reader.u16();
  if (reader.ok() && version != kVersion) {
    reader.fail("version " + std::to_string(version) + " isn't known; this program reads version 1", ErrorCode::kUnsupported);
  }
  const std::size_t size = reader.u16();
  if (size > kMaxParameterBytes) reader.fail("the parameters are too long");
  const base::ByteSpan parameters = reader.raw(size);
  const base::ByteSpan id = reader.raw(sizeof(KeyId));
  BLINDPROOF_TRY(reader.status());
  BLINDPROOF_ASSIGN(AnyContext context, contexts.find(parameters));
  Header header{std::move(context), {}};
  std::ranges::copy(id, header.key_id.begin());
  return header;
}

base::Bytes with_checksum(base::ByteWriter&& writer) {
  writer.raw(crypto::sha256(writer.bytes()));
  return std::move(writer).take();
}

base::Result<base::ByteSpan> checked(base::ByteSpan bytes, std::string_view place) {
  if (bytes.size() >= kChecksumBytes) {
    const base::ByteSpan content = bytes.first(bytes.size() - kChecksumBytes);
    if (std::ranges::equal(crypto::sha256(content), bytes.last(kChecksumBytes))) return content;
  }
  return base::error(ErrorCode::kMalformed, std::string(place), "the file is damaged: its checksum doesn't fit");
}

}  // namespace blindproof::fhe::formats
