#include "blindproof/fhe/frbgv/rerandomizer.h"

#include "blindproof/base/check.h"
#include "blindproof/fhe/rlwe/timing.h"

namespace blindproof::fhe::frbgv {
namespace {

constexpr std::uint64_t kLimbHalf = std::uint64_t{1} << (kLimbBits - 1);

/// Uniform in [0, t).   Timing: tells which draws were thrown away, and nothing about the values.
/// Ref: Lemire, arXiv:1805.10941.
std::uint64_t draw_below(std::uint64_t t, crypto::Csprng& random) {
  const std::uint64_t excess = (0 - t) % t;
  for (;;) {
    const base::Uint128 product = static_cast<base::Uint128>(random.next_u64()) * t;
    bool good = static_cast<std::uint64_t>(product) >= excess;
    rlwe::reveal(good);
    if (good) return static_cast<std::uint64_t>(product >> 64);
  }
}

/// Coefficients sum_k 2^(16k) (limb_k + 2^15) as elements.
SecretFrVector from_limbs(const Ring& ring, std::span<const std::int16_t> columns, std::size_t count) {
  const std::size_t n = ring.degree();
  rlwe::SecretVector<Fr> values(n);
  for (std::size_t j = 0; j < n; ++j) {
    field::Limbs limbs{};
    for (std::size_t k = 0; k < count; ++k) {
      const auto word = static_cast<std::uint64_t>(static_cast<std::uint16_t>(columns[k * n + j])) ^ kLimbHalf;
      limbs[k / 4] |= word << (kLimbBits * (k % 4));
    }
    values[j] = Fr::from_limbs(limbs);
  }
  return SecretFrVector(FrVector(std::span<const Fr>(values)));
}

}  // namespace

Rerandomizer draw_rerandomizer(const Ring& ring, std::uint64_t t, const RerandomizerShape& shape, crypto::Csprng& random) {
  BLINDPROOF_CHECK(shape.components == 2 || shape.components == 3, "outputs of 2 or 3 components");
  BLINDPROOF_CHECK(shape.flood_limbs >= 1 && shape.flood_limbs <= kMaxFloodLimbs, "a flood below the modulus");
  BLINDPROOF_CHECK(shape.hiding_limbs >= 1 && shape.hiding_limbs <= 4 && (shape.hiding_limbs == 4 || t >> (kLimbBits * shape.hiding_limbs) == 0),
                   "limbs that hold residues modulo t");
  const std::size_t n = ring.degree();
  Rerandomizer r{shape, n, rlwe::SecretVector<std::int8_t>(shape.outputs * shape.mask_columns() * n),
                 rlwe::SecretVector<std::int8_t>(shape.outputs * shape.error_columns() * n),
                 rlwe::SecretVector<std::int16_t>(shape.outputs * shape.limb_columns() * n)};
  rlwe::sample_ternary(random, r.masks);
  rlwe::sample_error(random, r.errors);
  for (std::size_t o = 0; o < shape.outputs; ++o) {
    const std::span<std::int16_t> columns = std::span(r.limbs).subspan(o * shape.limb_columns() * n, shape.limb_columns() * n);
    const std::span<std::int16_t> flood = columns.first(shape.flood_limbs * n);
    random.fill({reinterpret_cast<std::uint8_t*>(flood.data()), flood.size_bytes()});
    const std::span<std::int16_t> hiding = columns.subspan(flood.size());
    for (std::size_t j = 0; j < n; ++j) {
      const std::uint64_t h = draw_below(t, random);
      for (std::size_t k = 0; k < shape.hiding_limbs; ++k) {
        hiding[k * n + j] = static_cast<std::int16_t>(static_cast<std::uint16_t>((h >> (kLimbBits * k)) ^ kLimbHalf));
      }
    }
  }
  return r;
}

FrVector vanishing_values(const Ring& ring, const SlotEncoder& encoder, std::size_t records) {
  BLINDPROOF_CHECK(records <= ring.degree() && encoder.degree() == ring.degree(), "at most as many records as slots");
  std::vector<std::int64_t> slots(ring.degree(), 1);
  for (std::size_t i = 0; i < records; ++i) slots[i] = 0;
  const SecretIntegers coefficients = encoder.encode(slots);
  return values_of(ring, std::span<const std::int64_t>(coefficients), Fr::one()).expose();
}

void add_rerandomizer(const Ring& ring, const PublicKey& key, std::uint64_t t, const FrVector& vanishing, const Rerandomizer& rerandomizer,
                      std::size_t index, Ciphertext& output) {
  const RerandomizerShape& shape = rerandomizer.shape;
  BLINDPROOF_CHECK(index < shape.outputs && output.size() == shape.components && rerandomizer.degree == ring.degree(),
                   "an output of the re-randomiser");
  const std::size_t n = ring.degree();
  const Fr t_fr = Fr::from_u64(t);
  const auto mask = [&](std::size_t c) {
    return values_of(ring, std::span<const std::int8_t>(rerandomizer.masks).subspan((index * shape.mask_columns() + c) * n, n), Fr::one());
  };
  const auto error = [&](std::size_t c) {
    return values_of(ring, std::span<const std::int8_t>(rerandomizer.errors).subspan((index * shape.error_columns() + c) * n, n), t_fr);
  };
  const std::span<const std::int16_t> columns =
      std::span<const std::int16_t>(rerandomizer.limbs).subspan(index * shape.limb_columns() * n, shape.limb_columns() * n);

  SecretFrVector flood = from_limbs(ring, columns, shape.flood_limbs);
  {
    const std::vector<Fr> offset(n, -Fr::power_of_two(static_cast<int>(kLimbBits * shape.flood_limbs) - 1));
    add(flood.expose_mutable(), FrVector(offset));
  }
  scale(flood.expose_mutable(), t_fr);
  ring.forward(flood.expose_mutable());
  add(output[0], flood.expose());
  SecretFrVector hiding = from_limbs(ring, columns.subspan(shape.flood_limbs * n), shape.hiding_limbs);
  ring.forward(hiding.expose_mutable());
  multiply_add(output[0], hiding.expose(), vanishing);

  for (std::size_t c = 0; c + 1 < shape.components; ++c) {
    const SecretFrVector u = mask(c);
    multiply_add(output[c], u.expose(), key.components[0]);
    multiply_add(output[c + 1], u.expose(), key.components[1]);
  }
  add(output[1], error(0).expose());
  if (shape.components == 3) {
    add(output[1], error(1).expose());
    add(output[2], error(2).expose());
  }
}

}  // namespace blindproof::fhe::frbgv
