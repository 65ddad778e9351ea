#include "blindproof/field/prime_field.h"

#include <vector>

namespace blindproof::field {
namespace {

Limbs load_limbs(const std::uint8_t* bytes) {
  Limbs limbs{};
  for (std::size_t i = 0; i < 32; ++i) limbs[i / 8] |= static_cast<std::uint64_t>(bytes[i]) << (8 * (i % 8));
  return limbs;
}

// Inversion by Bernstein-Yang division steps, 62 at a time on the low words of f and g, with the half-delta start
// (delta = 1/2), for which 590 steps are enough below 2^256; ten batches make 620.
// Ref: Bernstein and Yang, ePrint 2019/266; Wuille, "The safegcd implementation in libsecp256k1 explained" (bounds).

using base::Int128;

constexpr std::uint64_t kLow62 = ~std::uint64_t{0} >> 2;

// Five limbs of 62 bits, least significant first; the top one carries the sign.
struct Signed62 {
  std::int64_t limb[5];
};

constexpr Signed62 to_signed62(const Limbs& a) {
  const std::uint64_t limbs[5] = {a[0] & kLow62, (a[0] >> 62 | a[1] << 2) & kLow62, (a[1] >> 60 | a[2] << 4) & kLow62,
                                  (a[2] >> 58 | a[3] << 6) & kLow62, a[3] >> 56};
  Signed62 result{};
  for (std::size_t i = 0; i < 5; ++i) result.limb[i] = static_cast<std::int64_t>(limbs[i]);
  return result;
}

// Requires: 0 <= a < 2^256.
Limbs from_signed62(const Signed62& a) {
  std::uint64_t w[5];
  for (std::size_t i = 0; i < 5; ++i) w[i] = static_cast<std::uint64_t>(a.limb[i]);
  return {w[0] | w[1] << 62, w[1] >> 2 | w[2] << 60, w[2] >> 4 | w[3] << 58, w[3] >> 6 | w[4] << 56};
}

// The lowest 64 bits.
std::uint64_t low_word(const Signed62& a) {
  return static_cast<std::uint64_t>(a.limb[0]) | static_cast<std::uint64_t>(a.limb[1]) << 62;
}

// 2^62 times the matrix of 62 division steps: |u| + |v| <= 2^62 and |q| + |r| <= 2^62.
struct Transition {
  std::int64_t u, v, q, r;
};

// `zeta` is -(delta + 1/2).
Transition division_steps(std::int64_t& zeta, std::uint64_t f, std::uint64_t g) {
  // Unsigned arithmetic: the matrix entries wrap like two's complement.
  std::uint64_t u = 1, v = 0, q = 0, r = 1;
  for (int i = 0; i < 62; ++i) {
    const std::uint64_t g_odd = ~(g & 1) + 1;
    std::uint64_t swap = static_cast<std::uint64_t>(zeta >> 63);  // all ones if delta > 0
    g += ((f ^ swap) - swap) & g_odd;
    q += ((u ^ swap) - swap) & g_odd;
    r += ((v ^ swap) - swap) & g_odd;
    swap &= g_odd;
    zeta = (zeta ^ static_cast<std::int64_t>(swap)) - 1;
    f += g & swap;
    u += q & swap;
    v += r & swap;
    g >>= 1;
    u <<= 1;
    v <<= 1;
  }
  return {static_cast<std::int64_t>(u), static_cast<std::int64_t>(v), static_cast<std::int64_t>(q),
          static_cast<std::int64_t>(r)};
}

// (f, g) := (u f + v g, q f + r g) / 2^62, exactly.
void update_pair(Signed62& f, Signed62& g, const Transition& t) {
  Int128 new_f = 0, new_g = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    new_f += static_cast<Int128>(t.u) * f.limb[i] + static_cast<Int128>(t.v) * g.limb[i];
    new_g += static_cast<Int128>(t.q) * f.limb[i] + static_cast<Int128>(t.r) * g.limb[i];
    if (i > 0) {
      f.limb[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(new_f) & kLow62);
      g.limb[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(new_g) & kLow62);
    }
    new_f >>= 62;
    new_g >>= 62;
  }
  f.limb[4] = static_cast<std::int64_t>(new_f);
  g.limb[4] = static_cast<std::int64_t>(new_g);
}

// (d, e) := (u d + v e, q d + r e) / 2^62 mod p.  Domain: d and e in (-2p, p), before and after: a negative one counts
// as itself plus p, so that the combination lies in (-2^62 p, 2^62 p), and then k p with k in (-2^62, 0] makes it
// divisible.
void update_coefficients(Signed62& d, Signed62& e, const Transition& t, const Signed62& p, std::uint64_t p_inverse) {
  const std::int64_t d_negative = d.limb[4] >> 63, e_negative = e.limb[4] >> 63;
  const auto correction = [&](std::int64_t a, std::int64_t b) {
    const std::int64_t lift = (a & d_negative) + (b & e_negative);
    const std::uint64_t low = static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(d.limb[0]) +
                              static_cast<std::uint64_t>(b) * static_cast<std::uint64_t>(e.limb[0]);
    return lift - static_cast<std::int64_t>((low * p_inverse + static_cast<std::uint64_t>(lift)) & kLow62);
  };
  const std::int64_t d_multiple = correction(t.u, t.v), e_multiple = correction(t.q, t.r);
  Int128 new_d = 0, new_e = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    new_d += static_cast<Int128>(t.u) * d.limb[i] + static_cast<Int128>(t.v) * e.limb[i] +
             static_cast<Int128>(d_multiple) * p.limb[i];
    new_e += static_cast<Int128>(t.q) * d.limb[i] + static_cast<Int128>(t.r) * e.limb[i] +
             static_cast<Int128>(e_multiple) * p.limb[i];
    if (i > 0) {
      d.limb[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(new_d) & kLow62);
      e.limb[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(new_e) & kLow62);
    }
    new_d >>= 62;
    new_e >>= 62;
  }
  d.limb[4] = static_cast<std::int64_t>(new_d);
  e.limb[4] = static_cast<std::int64_t>(new_e);
}

// a := (a ^ flip) - flip + (addend & mask), carried. `flip` and `mask` are all ones or zero.
void negate_and_add(Signed62& a, std::int64_t flip, const Signed62& addend, std::int64_t mask) {
  std::int64_t carry = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    carry += ((a.limb[i] ^ flip) - flip) + (addend.limb[i] & mask);
    if (i == 4) {
      a.limb[i] = carry;
    } else {
      a.limb[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(carry) & kLow62);
      carry >>= 62;
    }
  }
}

Limbs invert(const Limbs& value, const Limbs& modulus, std::uint64_t negative_inverse) {
  const Signed62 p = to_signed62(modulus);
  const std::uint64_t p_inverse = ~negative_inverse + 1;
  Signed62 f = p, g = to_signed62(value), d{}, e{{1, 0, 0, 0, 0}};
  std::int64_t zeta = -1;
  for (int batch = 0; batch < 10; ++batch) {
    const Transition t = division_steps(zeta, low_word(f), low_word(g));
    update_coefficients(d, e, t, p, p_inverse);
    update_pair(f, g, t);
  }
  // g = 0 and f = +-gcd: the inverse is d with f's sign, from (-2p, p).
  negate_and_add(d, 0, p, d.limb[4] >> 63);
  negate_and_add(d, f.limb[4] >> 63, p, 0);
  negate_and_add(d, 0, p, d.limb[4] >> 63);
  return from_signed62(d);
}

}  // namespace

template <class Parameters>
std::optional<PrimeField<Parameters>> PrimeField<Parameters>::from_bytes(std::span<const std::uint8_t, 32> bytes) {
  const Limbs limbs = load_limbs(bytes.data());
  if (!detail::less(limbs, kModulus)) return std::nullopt;
  return from_limbs(limbs);
}

template <class Parameters>
PrimeField<Parameters> PrimeField<Parameters>::from_wide_bytes(std::span<const std::uint8_t, 64> bytes) {
  // value = low + 2^256*high. The second factor of a Montgomery product may be any four limbs: with the first one
  // below p intermediate values stay below 2p, and so does the result before its final subtraction (p*2^256/2^256 + p).
  const PrimeField low = from_montgomery(kR2) * from_montgomery(load_limbs(bytes.data()));
  const PrimeField high = from_montgomery(kR3) * from_montgomery(load_limbs(bytes.data() + 32));
  return low + high;
}

template <class Parameters>
std::array<std::uint8_t, 32> PrimeField<Parameters>::to_bytes() const {
  const Limbs limbs = to_limbs();
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(limbs[i / 8] >> (8 * (i % 8)));
  return bytes;
}

template <class Parameters>
PrimeField<Parameters> PrimeField<Parameters>::power(const Limbs& exponent) const {
  // Fixed windows of four bits, top window first.
  std::array<PrimeField, 16> table;
  table[0] = one();
  for (std::size_t i = 1; i < 16; ++i) table[i] = table[i - 1] * *this;
  PrimeField result = one();
  for (std::size_t window = 64; window-- > 0;) {
    for (int i = 0; i < 4; ++i) result = result.squared();
    result *= table[exponent[window / 16] >> (4 * (window % 16)) & 15];
  }
  return result;
}

template <class Parameters>
PrimeField<Parameters> PrimeField<Parameters>::inverse() const {
  // (x 2^256)^-1 = x^-1 2^-256, and a Montgomery product by 2^768 makes that x^-1 2^256.
  return from_montgomery(invert(limbs_, kModulus, kNegativeInverse)) * from_montgomery(kR3);
}

template <class Parameters>
std::optional<PrimeField<Parameters>> PrimeField<Parameters>::square_root() const
  requires(Parameters::kModulus[0] % 4 == 3)
{
  // (p+1)/4
  Limbs exponent{};
  for (std::size_t i = 0; i < 4; ++i) exponent[i] = kModulus[i] >> 2 | (i < 3 ? kModulus[i + 1] << 62 : 0);
  exponent[0] += 1;  // p = 3 mod 4: (p-3)/4 + 1
  const PrimeField root = power(exponent);
  if (root.squared() == *this) return root;
  return std::nullopt;
}

template class PrimeField<FrParameters>;
template class PrimeField<FqParameters>;

template <class Field>
void batch_invert(std::span<Field> values) {
  std::vector<Field> prefix(values.size());
  Field product = Field::one();
  for (std::size_t i = 0; i < values.size(); ++i) {
    prefix[i] = product;
    if (!values[i].is_zero()) product *= values[i];
  }
  Field inverse = product.inverse();
  for (std::size_t i = values.size(); i-- > 0;) {
    if (values[i].is_zero()) continue;
    const Field original = values[i];
    values[i] = inverse * prefix[i];
    inverse *= original;
  }
}

template void batch_invert<Fr>(std::span<Fr>);
template void batch_invert<Fq>(std::span<Fq>);

}  // namespace blindproof::field
