#include "blindproof/groth16/ceremony.h"

#include <algorithm>
#include <cstring>

#include "blindproof/crypto/chacha20.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/curve/pairing.h"

namespace blindproof::groth16 {
namespace {

constexpr std::size_t kLongestName = 64;

enum Parameter : std::uint8_t { kName = 1, kIterations = 2, kBeacon = 3 };

}  // namespace

CeremonyStream::CeremonyStream(std::span<const std::uint8_t, 32> seed) {
  // Words of the seed count as big-endian.
  std::array<std::uint8_t, 32>& key = key_.expose_mutable();
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = seed[i / 4 * 4 + 3 - i % 4];
}

std::uint32_t CeremonyStream::next() {
  std::array<std::uint8_t, 512>& block = block_.expose_mutable();
  if (position_ == block.size()) {
    crypto::chacha20_eight_blocks(key_.expose(), block, next_block_);
    next_block_ += 8;
    position_ = 0;
  }
  std::uint32_t word;
  std::memcpy(&word, &block[position_], sizeof word);
  position_ += sizeof word;
  return word;
}

// Four numbers of 64 bits, each with its high word first, make one of 254, until that is below the modulus. It counts as the element times 2^256.
template <class Field>
Field CeremonyStream::element() {
  for (;;) {
    field::Limbs limbs;
    for (std::uint64_t& limb : limbs) {
      const std::uint64_t high = next();
      limb = high << 32 | next();
    }
    limbs[3] &= ~std::uint64_t{0} >> 2;
    if (field::detail::less(limbs, Field::kModulus)) return Field::from_montgomery(limbs);
  }
}

Fr CeremonyStream::scalar() { return element<Fr>(); }

template <class Point>
Point CeremonyStream::point() {
  for (;;) {
    Point point;
    if constexpr (std::is_same_v<Point, G1Affine>) {
      point.x = element<Fq>();
    } else {
      point.x.c0 = element<Fq>();
      point.x.c1 = element<Fq>();
    }
    const bool larger = (next() & 1) != 0;
    // b: that of the generator.
    static const auto b = [] {
      const Point g = Point::generator();
      return g.y * g.y - g.x * g.x * g.x;
    }();
    const auto y = (point.x * point.x * point.x + b).square_root();
    if (!y) continue;
    point.y = is_larger_root(*y) == larger ? *y : -*y;
    return point;
  }
}

G1Affine CeremonyStream::g1() { return point<G1Affine>(); }

G2Affine CeremonyStream::g2() {
  // The order of the curve's group over r.
  constexpr field::Limbs kCofactor = {0x345f2299c0f9fa8d, 0x06ceecda572a2489, 0xb85045b68181585e, 0x30644e72e131a029};
  return curve::G2(point<G2Affine>()).multiplied(kCofactor).to_affine();
}

base::Result<CeremonyStream> beacon_stream(const Beacon& beacon, const base::Progress& progress) {
  if (beacon.value.empty() || beacon.value.size() > 255) return base::error(base::ErrorCode::kInvalidArgument, "beacon", "must have 1 to 255 bytes");
  if (beacon.log_iterations < kFewestBeaconIterations || beacon.log_iterations > kMostBeaconIterations) {
    return base::error(base::ErrorCode::kInvalidArgument, "beacon",
                       "is hashed 2^" + std::to_string(beacon.log_iterations) + " times; 2^" + std::to_string(kFewestBeaconIterations) + " to 2^" +
                           std::to_string(kMostBeaconIterations) + " are supported");
  }
  const std::uint64_t iterations = std::uint64_t{1} << beacon.log_iterations;
  crypto::Digest256 digest = crypto::sha256(beacon.value);
  for (std::uint64_t i = 1; i < iterations; ++i) {
    if (i % (1 << 20) == 0) progress.report("beacon", i, iterations);
    digest = crypto::sha256(digest);
  }
  return CeremonyStream(digest);
}

CeremonyStream contributor_stream(std::string_view words) {
  crypto::SecretSeed seed = crypto::random_seed();
  const Digest512 own = crypto::blake2b(base::as_bytes(words));
  for (std::size_t i = 0; i < seed.expose().size(); ++i) seed.expose_mutable()[i] ^= own[i];
  return CeremonyStream(seed.expose());
}

Origin read_origin(base::ByteReader& reader) {
  Origin origin;
  const std::uint32_t type = reader.u32();
  const std::uint32_t size = reader.u32();
  const base::ByteSpan bytes = reader.raw(size);
  if (!reader.ok()) return origin;
  if (type > 1) reader.fail("has a contribution of unknown type " + std::to_string(type));
  base::ByteReader parameters(bytes, "contribution");
  Beacon beacon;
  unsigned last = 0;
  while (parameters.ok() && parameters.remaining() > 0) {
    const unsigned parameter = parameters.u8();
    if (parameter <= last || parameter > kBeacon) parameters.fail("has unknown parameters or in another order");
    last = parameter;
    if (parameter == kIterations) {
      beacon.log_iterations = parameters.u8();
      continue;
    }
    const base::ByteSpan value = parameters.raw(parameters.u8());
    if (parameter == kName) origin.name.assign(value.begin(), value.end());
    if (parameter == kBeacon) beacon.value.assign(value.begin(), value.end());
  }
  if (const base::Status status = parameters.finish(); !status.ok()) reader.fail(status.error().message());
  if (type == 1) origin.beacon = std::move(beacon);
  return origin;
}

void write_origin(base::ByteWriter& out, const Origin& origin) {
  base::ByteWriter parameters;
  if (!origin.name.empty()) {
    parameters.u8(kName);
    parameters.u8(static_cast<std::uint8_t>(origin.name.size()));
    parameters.raw(base::as_bytes(origin.name));
  }
  if (origin.beacon) {
    parameters.u8(kIterations);
    parameters.u8(origin.beacon->log_iterations);
    parameters.u8(kBeacon);
    parameters.u8(static_cast<std::uint8_t>(origin.beacon->value.size()));
    parameters.raw(origin.beacon->value);
  }
  out.u32(origin.beacon ? 1 : 0);
  out.u32(static_cast<std::uint32_t>(parameters.bytes().size()));
  out.raw(parameters.bytes());
}

base::Status check_origin(const Origin& origin) {
  if (origin.name.size() > kLongestName) return base::error(base::ErrorCode::kInvalidArgument, "name", "must have at most 64 bytes");
  return {};
}

G2Affine hash_to_g2(const Digest512& digest) { return CeremonyStream(std::span<const std::uint8_t, 64>(digest).first<32>()).g2(); }

bool same_ratio(const G1Affine& a1, const G1Affine& a2, const G2Affine& b1, const G2Affine& b2) {
  if (a1.is_identity() || a2.is_identity() || b1.is_identity() || b2.is_identity()) return false;
  const std::array<curve::PairingTerm, 2> terms{{{a1, b2}, {-a2, b1}}};
  return curve::pairing_product_is_one(terms);
}

void absorb(Blake2b& hash, std::span<const G1Affine> points) { hash.absorb(uncompressed(points)); }
void absorb(Blake2b& hash, std::span<const G2Affine> points) { hash.absorb(uncompressed(points)); }

void wipe(std::span<Fr> secrets) { crypto::wipe({reinterpret_cast<std::uint8_t*>(secrets.data()), secrets.size_bytes()}); }

std::vector<Fr> combination(std::size_t count, crypto::Csprng& random) {
  std::vector<Fr> result(count);
  for (Fr& value : result) value = Fr::from_limbs({random.next_u64(), random.next_u64(), 0, 0});
  return result;
}

}  // namespace blindproof::groth16
