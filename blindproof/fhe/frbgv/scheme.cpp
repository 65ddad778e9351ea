#include "blindproof/fhe/frbgv/scheme.h"

#include <algorithm>
#include <bit>

#include "blindproof/base/bytes.h"
#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/fhe/frbgv/kernels.h"
#include "blindproof/fhe/rlwe/timing.h"
#include "blindproof/field/fr_kernels.h"

namespace blindproof::fhe::frbgv {
namespace {

constexpr int kModulusBits = 254;

std::span<const std::int8_t> as_signed(base::ByteSpan bytes) { return {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()}; }
std::span<std::int8_t> as_signed(std::span<std::uint8_t> bytes) { return {reinterpret_cast<std::int8_t*>(bytes.data()), bytes.size()}; }

template <class Int>
SecretFrVector transform(const Ring& ring, std::span<const Int> coefficients, const Fr& factor) {
  BLINDPROOF_CHECK(coefficients.size() == ring.degree(), "a polynomial of the ring");
  SecretFrVector result(FrVector::from_integers(coefficients));
  if (!(factor == Fr::one())) scale(result.expose_mutable(), factor);
  ring.forward(result.expose_mutable());
  return result;
}

crypto::SecretBytes sample_error_bytes(const Ring& ring, crypto::Csprng& random) {
  crypto::SecretBytes errors(ring.degree());
  rlwe::sample_error(random, as_signed(errors.expose_mutable()));
  return errors;
}

// (r - 1) / 2.
constexpr field::Limbs half_modulus() {
  field::Limbs h = Fr::kModulus;
  for (std::size_t i = 0; i < 4; ++i) h[i] = h[i] >> 1 | (i < 3 ? h[i + 1] << 63 : 0);
  return h;
}

}  // namespace

field::Limbs load_limbs(const std::uint8_t* bytes) noexcept {
  field::Limbs limbs;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t* b = bytes + 8 * i;  // spelled out, which compilers turn into one load
    limbs[i] = std::uint64_t{b[0]} | std::uint64_t{b[1]} << 8 | std::uint64_t{b[2]} << 16 | std::uint64_t{b[3]} << 24 |
               std::uint64_t{b[4]} << 32 | std::uint64_t{b[5]} << 40 | std::uint64_t{b[6]} << 48 | std::uint64_t{b[7]} << 56;
  }
  return limbs;
}

void store_limbs(const field::Limbs& limbs, std::uint8_t* bytes) noexcept {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t x = limbs[i];
    for (std::size_t k = 0; k < 8; ++k) bytes[8 * i + k] = static_cast<std::uint8_t>(x >> (8 * k));
  }
}

bool is_below_modulus(const field::Limbs& x) noexcept {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const base::Uint128 d = static_cast<base::Uint128>(x[i]) - Fr::kModulus[i] - borrow;
    borrow = static_cast<std::uint64_t>(d >> 64) & 1;
  }
  return borrow != 0;
}

base::Result<rlwe::SecurityLevel> security(int log_degree) {
  for (const auto level : {rlwe::SecurityLevel::k256, rlwe::SecurityLevel::k192, rlwe::SecurityLevel::k128}) {
    const auto limit = rlwe::max_log_modulus(log_degree, level);
    if (limit.ok() && *limit >= kModulusBits) return level;
  }
  return base::error(base::ErrorCode::kInvalidArgument, "parameters", "a ring of this degree is not secure with a modulus of 254 bits");
}

SecretFrVector& SecretFrVector::operator=(SecretFrVector&& other) noexcept {
  if (this != &other) {
    clear();
    values_ = std::move(other.values_);
  }
  return *this;
}

void SecretFrVector::clear() noexcept {
  if (values_.size() != 0) crypto::wipe({reinterpret_cast<std::uint8_t*>(values_.packs()), values_.pack_count() * sizeof(field::FrPack)});
}

SecretFrVector values_of(const Ring& ring, std::span<const std::int8_t> coefficients, const Fr& factor) {
  return transform(ring, coefficients, factor);
}
SecretFrVector values_of(const Ring& ring, std::span<const std::int64_t> coefficients, const Fr& factor) {
  return transform(ring, coefficients, factor);
}

FrVector expand_uniform(const Ring& ring, const Seed& seed, std::uint64_t index) {
  base::ByteWriter input;
  input.raw(base::as_bytes("blindproof frbgv uniform v1"));
  input.raw(seed);
  input.u64(index);
  Seed stream_seed;
  crypto::shake256(input.bytes(), stream_seed);
  crypto::Csprng stream(std::span<const std::uint8_t, 32>{stream_seed});
  constexpr std::size_t kRun = 64;
  std::array<std::uint8_t, 32 * kRun> bytes;
  std::vector<Fr> values(ring.degree());
  for (std::size_t filled = 0; filled < values.size();) {
    stream.fill(bytes);
    for (std::size_t k = 0; k < kRun && filled < values.size(); ++k) {
      field::Limbs limbs = load_limbs(bytes.data() + 32 * k);
      limbs[3] &= ~std::uint64_t{0} >> 2;
      values[filled] = Fr::from_montgomery(limbs);
      filled += is_below_modulus(limbs) ? 1u : 0u;
    }
  }
  FrVector result(values);
  scale(result, Fr::power_of_two(256));  // from_montgomery(x) stands for x / 2^256
  return result;
}

SecretKey SecretKey::generate(RingPtr ring, crypto::Csprng& random) {
  crypto::SecretBytes ternary(ring->degree());
  rlwe::sample_ternary(random, as_signed(ternary.expose_mutable()));
  SecretFrVector values = values_of(*ring, as_signed(ternary.expose()), Fr::one());
  return SecretKey(std::move(ring), std::move(ternary), std::move(values));
}

base::Result<SecretKey> SecretKey::from_coefficients(RingPtr ring, crypto::SecretBytes ternary) {
  unsigned bad = ternary.size() != ring->degree();
  for (const std::uint8_t byte : ternary.expose()) bad |= static_cast<unsigned>(static_cast<std::uint8_t>(byte + 1) > 2);
  if (bad != 0) return base::error(base::ErrorCode::kMalformed, "secret key", "the coefficients are not N of -1, 0 and 1");
  SecretFrVector values = values_of(*ring, as_signed(ternary.expose()), Fr::one());
  return SecretKey(std::move(ring), std::move(ternary), std::move(values));
}

PublicKey PublicKey::generate(const SecretKey& secret, std::uint64_t t, crypto::Csprng& random) {
  const Ring& ring = *secret.ring();
  PublicKey key;
  random.fill(key.seed);
  rlwe::reveal(key.seed);
  key.components[1] = expand_uniform(ring, key.seed, 0);
  const crypto::SecretBytes errors = sample_error_bytes(ring, random);
  key.components[0] = values_of(ring, as_signed(errors.expose()), Fr::from_u64(t)).expose();
  SecretFrVector product{key.components[1]};
  multiply(product.expose_mutable(), secret.values());
  subtract(key.components[0], product.expose());
  return key;
}

Ciphertext encrypt(const SecretKey& secret, const SlotEncoder& encoder, std::span<const std::int64_t> slots, const Seed& seed,
                   std::uint64_t index, crypto::Csprng& random) {
  const Ring& ring = *secret.ring();
  BLINDPROOF_CHECK(encoder.degree() == ring.degree(), "an encoder of the ring");
  // m + t e: below 22 2^62, which takes two words; the error is added in the transform's domain.
  const SecretIntegers message = encoder.encode(slots);
  SecretFrVector sum = values_of(ring, std::span<const std::int64_t>(message), Fr::one());
  const crypto::SecretBytes errors = sample_error_bytes(ring, random);
  add(sum.expose_mutable(), values_of(ring, as_signed(errors.expose()), Fr::from_u64(encoder.t())).expose());
  Ciphertext result(2);
  result[1] = expand_uniform(ring, seed, index);
  SecretFrVector product{result[1]};
  multiply(product.expose_mutable(), secret.values());
  subtract(sum.expose_mutable(), product.expose());
  result[0] = sum.expose();
  return result;
}

Decryption decrypt(const SecretKey& secret, const SlotEncoder& encoder, const Ciphertext& ciphertext) {
  const Ring& ring = *secret.ring();
  BLINDPROOF_CHECK(ciphertext.size() == 2 || ciphertext.size() == 3, "a ciphertext of 2 or 3 components");
  SecretFrVector phase{ciphertext.back()};
  for (std::size_t k = ciphertext.size() - 1; k-- > 0;) {
    multiply(phase.expose_mutable(), secret.values());
    add(phase.expose_mutable(), ciphertext[k]);
  }
  ring.inverse(phase.expose_mutable());

  // Ordinary integers from [0, r); those above r/2 stand for negative ones: r is subtracted modulo t, and they are r - x in magnitude.
  scale(phase.expose_mutable(), Fr::power_of_two(256).inverse());
  rlwe::SecretVector<Fr> integers(ring.degree());
  field::fr_kernels().to_fields(phase.expose().packs(), ring.degree(), integers.data());
  constexpr field::Limbs kHalf = half_modulus();
  const std::uint64_t modulus = encoder.reduce(Fr::kModulus.data());
  rlwe::SecretVector<std::uint64_t> residues(ring.degree());
  field::Limbs largest{};
  for (std::size_t j = 0; j < ring.degree(); ++j) {
    const field::Limbs& x = integers[j].montgomery();
    field::Limbs negated{};
    std::uint64_t above = 0, borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const base::Uint128 compared = static_cast<base::Uint128>(kHalf[i]) - x[i] - above;
      above = static_cast<std::uint64_t>(compared >> 64) & 1;
      const base::Uint128 difference = static_cast<base::Uint128>(Fr::kModulus[i]) - x[i] - borrow;
      negated[i] = static_cast<std::uint64_t>(difference);
      borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    const std::uint64_t mask = ~above + 1;
    residues[j] = encoder.subtract(encoder.reduce(x.data()), modulus & mask);
    for (std::size_t i = 0; i < 4; ++i) largest[i] |= (x[i] & ~mask) | (negated[i] & mask);
  }
  rlwe::reveal(largest);
  Decryption result;
  for (std::size_t i = 4; i-- > 0 && result.phase_bits == 0;) {
    if (largest[i] != 0) result.phase_bits = static_cast<int>(64 * i) + static_cast<int>(std::bit_width(largest[i]));
  }
  result.slots = encoder.decode(residues);
  return result;
}

Ciphertext square(const Ciphertext& a) {
  BLINDPROOF_CHECK(a.size() == 2, "a ciphertext of 2 components");
  Ciphertext result;
  for (int k = 0; k < 3; ++k) result.push_back(FrVector::uninitialized(a[0].size()));
  base::parallel_ranges(a[0].pack_count(), 256, [&](std::size_t begin, std::size_t end) {
    field::FrPack* const out[3] = {result[0].packs() + begin, result[1].packs() + begin, result[2].packs() + begin};
    kernels().square(a[0].packs() + begin, a[1].packs() + begin, end - begin, out);
  });
  return result;
}

std::vector<Ciphertext> combine(std::span<const std::int32_t> weights, std::size_t rows, std::span<const Ciphertext> in) {
  const std::size_t columns = in.size(), components = columns > 0 ? in[0].size() : 0;
  BLINDPROOF_CHECK(columns > 0 && weights.size() == rows * columns, "one weight for each row and column");
  const std::size_t size = in[0][0].size(), packs = in[0][0].pack_count();
  for (const Ciphertext& c : in) {
    BLINDPROOF_CHECK(c.size() == components, "ciphertexts of one degree");
    for (const FrVector& v : c) BLINDPROOF_CHECK(v.size() == size, "ciphertexts of one ring");
  }
  std::vector<Ciphertext> out(rows, Ciphertext(components));
  for (Ciphertext& c : out)
    for (FrVector& v : c) v = FrVector(size);
  for (std::size_t first = 0; first < columns; first += kMaxColumns) {
    const std::size_t count = std::min(kMaxColumns, columns - first);
    std::vector<std::uint32_t> shifted(rows * count);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < count; ++k) {
        const std::int32_t w = weights[i * columns + first + k];
        BLINDPROOF_CHECK(w >= -kWeightOffset && w < kWeightOffset, "weights of 16 bits");
        shifted[i * count + k] = static_cast<std::uint32_t>(w + kWeightOffset);
      }
    }
    for (std::size_t k = 0; k < components; ++k) {
      std::vector<const field::FrPack*> from;
      std::vector<field::FrPack*> to;
      for (std::size_t d = 0; d < count; ++d) from.push_back(in[first + d][k].packs());
      for (Ciphertext& c : out) to.push_back(c[k].packs());
      base::parallel_ranges(packs, 8, [&](std::size_t begin, std::size_t end) {
        kernels().combine({shifted.data(), rows, count}, from.data(), begin, end, to.data());
      });
    }
  }
  return out;
}

// The transform of a constant polynomial is that constant everywhere, and so are its slots.
void add_constant(Ciphertext& a, const Fr& value) {
  const std::vector<Fr> ones(a[0].size(), value);
  add(a[0], FrVector(ones));
}

}  // namespace blindproof::fhe::frbgv
