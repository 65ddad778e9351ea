#include "blindproof/fhe/formats/packing.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <string>

#include "blindproof/base/thread_pool.h"

namespace blindproof::fhe::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "words are copied as they stand");

std::size_t limb_bytes(const rlwe::Ring& ring, const rlwe::Basis& basis, std::size_t limb) noexcept {
  return ring.degree() / 8 * static_cast<std::size_t>(ring.modulus(basis, limb).bits());
}

// Eight values are `bits` whole bytes.
void pack(std::span<const std::uint64_t> values, int bits, std::uint8_t* out) {
  for (std::size_t i = 0; i < values.size(); i += 8, out += bits) {
    std::uint64_t pending = 0;
    int filled = 0;
    std::size_t word = 0;
    for (std::size_t j = 0; j < 8; ++j) {
      pending |= values[i + j] << filled;
      filled += bits;
      if (filled >= 64) {
        std::memcpy(out + 8 * word++, &pending, 8);
        filled -= 64;
        pending = values[i + j] >> (bits - filled);
      }
    }
    std::memcpy(out + 8 * word, &pending, static_cast<std::size_t>(filled) / 8);
  }
}

// A value of at most 50 bits begins within a byte, so eight bytes hold it.   Returns whether all are below q.
bool unpack(base::ByteSpan in, const field::Modulus& modulus, std::span<std::uint64_t> values) {
  const std::size_t bits = static_cast<std::size_t>(modulus.bits());
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1, q = modulus.value();
  std::uint64_t above = 0;
  const auto take = [&](std::size_t i, std::size_t available) {
    std::uint64_t word = 0;
    std::memcpy(&word, in.data() + i * bits / 8, available);
    values[i] = word >> (i * bits % 8) & mask;
    above |= static_cast<std::uint64_t>(values[i] >= q);
  };
  const std::size_t whole = std::min(values.size(), (in.size() - 8) * 8 / bits);
  for (std::size_t i = 0; i < whole; ++i) take(i, 8);
  for (std::size_t i = whole; i < values.size(); ++i) take(i, std::min<std::size_t>(8, in.size() - i * bits / 8));
  return above == 0;
}

}  // namespace

std::size_t packed_bytes(const rlwe::Ring& ring, const rlwe::Basis& basis) noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < ring.limbs(basis); ++i) bytes += limb_bytes(ring, basis, i);
  return bytes;
}

void write_packed(base::ByteWriter& writer, const rlwe::NttPoly& poly) {
  base::Bytes packed;
  for (std::size_t i = 0; i < poly.limbs(); ++i) {
    packed.resize(limb_bytes(poly.ring(), poly.basis(), i));
    pack(poly.limb(i), poly.modulus(i).bits(), packed.data());
    writer.raw(packed);
  }
}

base::Result<rlwe::NttPoly> read_packed(base::ByteReader& reader, const rlwe::RingPtr& ring, const rlwe::Basis& basis,
                                        std::string_view place) {
  std::vector<base::ByteSpan> limbs;
  for (std::size_t i = 0; i < ring->limbs(basis); ++i) limbs.push_back(reader.raw(limb_bytes(*ring, basis, i)));
  BLINDPROOF_TRY(reader.status());
  rlwe::NttPoly poly(ring, basis);
  std::atomic<bool> reduced = true;
  base::parallel_for(poly.limbs(), [&](std::size_t i) {
    if (!unpack(limbs[i], poly.modulus(i), poly.limb(i))) reduced = false;
  });
  if (!reduced) {
    return base::error(base::ErrorCode::kMalformed, std::string(place), "a residue is not below its modulus");
  }
  return poly;
}

bool is_reduced(const rlwe::NttPoly& poly) noexcept {
  std::atomic<bool> reduced = true;
  base::parallel_for(poly.limbs(), [&](std::size_t i) {
    const std::uint64_t q = poly.modulus(i).value();
    std::uint64_t above = 0;
    for (const std::uint64_t value : poly.limb(i)) above |= static_cast<std::uint64_t>(value >= q);
    if (above != 0) reduced = false;
  });
  return reduced;
}

}  // namespace blindproof::fhe::formats
