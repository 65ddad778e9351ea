#include "blindproof/fhe/rlwe/flooding.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr int kMaxTerms = 4 * kMinBellTerms;

base::Result<Flood> checked(std::string_view operation, const Flood& flood) {
  if (flood.bits <= kMaxFloodBits) return flood;
  return invalid(operation, "would take a flood of " + std::to_string(flood.bits) + " bits, at most " +
                                std::to_string(kMaxFloodBits) + " are supported: hide less, or lower the error first");
}

base::Error unbounded(std::string_view operation) {
  return invalid(operation, "nothing is known of the ciphertext's error: state a bound of it, or compute the ciphertext here");
}

}  // namespace

double Flood::deviation() const noexcept { return std::ldexp(std::sqrt(static_cast<double>(terms) / 12), bits); }

base::Result<Flood> uniform_flood(std::string_view operation, double bound, int hiding_bits) {
  if (!std::isfinite(bound)) return unbounded(operation);
  if (hiding_bits < 1) return invalid(operation, "hides by at least 1 bit");
  // Errors e and e' are as far from each other as from 0 together.
  const double bits = std::ceil(std::log2(std::max(2 * bound, 1.0))) + hiding_bits;
  return checked(operation, {static_cast<int>(std::min(bits, 1e6)), 1});
}

base::Result<Flood> bell_flood(std::string_view operation, double deviation) {
  if (!std::isfinite(deviation)) return unbounded(operation);
  const double of_fewest = deviation * std::sqrt(12.0 / kMinBellTerms);
  const int bits = of_fewest > 2 ? std::ilogb(of_fewest) : 1;
  const double ratio = std::ldexp(deviation, -bits);
  return checked(operation, {bits, std::clamp(static_cast<int>(std::ceil(12 * ratio * ratio)), kMinBellTerms, kMaxTerms)});
}

NttPoly sample_flood_poly(const RingPtr& ring, const Basis& basis, const Flood& flood, std::uint64_t multiplier,
                          crypto::Csprng& random) {
  BLINDPROOF_CHECK(flood.bits >= 1 && flood.bits <= kMaxFloodBits && flood.terms >= 1 && flood.terms <= kMaxTerms,
                   "a flood within its limits");
  const std::size_t n = ring->degree(), words = (static_cast<std::size_t>(flood.bits) + 63) / 64;
  const int spare = static_cast<int>(64 * words) - flood.bits;
  CoeffPoly result(ring, basis, Secrecy::kSecret);
  LimbBuffer drawn(n * words, Secrecy::kSecret);  // word by word, the most significant first
  for (int term = 0; term < flood.terms; ++term) {
    const std::span<std::uint64_t> integers = drawn.words();
    random.fill({reinterpret_cast<std::uint8_t*>(integers.data()), integers.size_bytes()});
    base::parallel_for(result.limbs(), [&](std::size_t i) {
      const field::Modulus& q = result.modulus(i);
      const std::uint64_t two_64 = q.add(q.reduce(~std::uint64_t{0}), 1);
      const std::uint64_t half = q.power(2, static_cast<std::uint64_t>(flood.bits - 1));
      const std::span<std::uint64_t> limb = result.limb(i);
      for (std::size_t j = 0; j < n; ++j) {
        std::uint64_t residue = q.reduce(integers[j] >> spare);
        for (std::size_t word = 1; word < words; ++word) {
          residue = q.add(q.multiply(residue, two_64), q.reduce(integers[word * n + j]));
        }
        residue = q.subtract(residue, half);
        limb[j] = term == 0 ? residue : q.add(limb[j], residue);
      }
    });
  }
  if (multiplier != 1) {
    for (std::size_t i = 0; i < result.limbs(); ++i) {
      const field::Modulus& q = result.modulus(i);
      field::scale(q, result.limb(i), q.reduce(multiplier), result.limb(i));
    }
  }
  return to_values(std::move(result));
}

Parts encrypt_flooded_zero(const PublicKey& key, const Basis& basis, const Flood& flood, std::uint64_t error_multiplier,
                           crypto::Csprng& random) {
  Parts result = encrypt_zero(key, basis, error_multiplier, random);
  add_to(result[0], sample_flood_poly(key.b.ring_ptr(), basis, flood, error_multiplier, random));
  return result;
}

}  // namespace blindproof::fhe::rlwe
