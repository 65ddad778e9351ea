// Kernels between field elements and small integers, in plain C++.
//
// An integer w of b bits is offset to u = w + 2^(b-1) >= 0; sums of u e are taken over the integers, on the elements'
// Montgomery limbs, reduced once, and 2^(b-1) sum e is subtracted.
#pragma once

#include <type_traits>

#include "blindproof/field/fr_kernels.h"
#include "blindproof/field/lanes_portable.h"

namespace blindproof::field {

template <class IntType, class Isa>
struct PortableIntegers {
  using Int = IntType;
  using Unsigned = std::make_unsigned_t<Int>;
  using Lanes = PortableLanes<Fr, Isa>;
  static constexpr int kBits = 8 * static_cast<int>(sizeof(Int));
  static constexpr std::uint64_t kOffset = std::uint64_t{1} << (kBits - 1);

  static BLINDPROOF_INLINE std::uint64_t offset(Int w) {
    return (static_cast<std::uint64_t>(static_cast<std::int64_t>(w)) + kOffset) & static_cast<Unsigned>(-1);
  }

  /// sum of u e as an integer: 384 bits hold 2^66 terms below 2^64 2^254.
  struct Sum {
    std::uint64_t limb[6];

    BLINDPROOF_INLINE void add(const Limbs& e, std::uint64_t u) {
      std::uint64_t carry = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        const base::Uint128 t = static_cast<base::Uint128>(e[i]) * u + limb[i] + carry;
        limb[i] = static_cast<std::uint64_t>(t);
        carry = static_cast<std::uint64_t>(t >> 64);
      }
      const base::Uint128 t = static_cast<base::Uint128>(limb[4]) + carry;
      limb[4] = static_cast<std::uint64_t>(t);
      if constexpr (kBits == 64) limb[5] += static_cast<std::uint64_t>(t >> 64);
    }

    BLINDPROOF_INLINE Fr reduced() const {
      return Fr::from_montgomery({limb[0], limb[1], limb[2], limb[3]}) * Fr::from_montgomery(Fr::kR) +
             Fr::from_montgomery({limb[4], limb[5], 0, 0}) * Fr::from_montgomery(Fr::kR2);
    }
  };

  static void from_integers(const Int* in, std::size_t packs, FrPack* out) {
    for (std::size_t i = 0; i < packs; ++i) {
      typename Lanes::Value v;
      for (std::size_t j = 0; j < Lanes::kLanes; ++j) v.lane[j] = Fr::from_i64(in[i * Lanes::kLanes + j]);
      Lanes::store(out[i].words, v);
    }
  }

  static Fr dot(const FrPack* a, const Int* b, std::size_t packs) {
    Sum sum{};
    Fr total;
    for (std::size_t i = 0; i < packs; ++i) {
      const typename Lanes::Value v = Lanes::load(a[i].words);
      for (std::size_t j = 0; j < Lanes::kLanes; ++j) {
        sum.add(v.lane[j].montgomery(), offset(b[i * Lanes::kLanes + j]));
        total += v.lane[j];
      }
    }
    return sum.reduced() - total * Fr::from_u64(kOffset);
  }

  static void prepare_weights(const Fr*, std::size_t, std::uint64_t*) {}  // their own limbs serve

  static void combine_rows(const MatrixView<Int>& matrix, const Fr* weights, const std::uint64_t*, FrPack* out) {
    Fr total;
    for (std::size_t i = 0; i < matrix.rows; ++i) total += weights[i];
    const Fr correction = total * Fr::from_u64(kOffset);
    // 64 columns at a time: one cache line of int8, and 3 KiB of sums.
    constexpr std::size_t kPanel = 64;
    for (std::size_t first = 0; first < matrix.columns; first += kPanel) {
      const std::size_t columns = matrix.columns - first < kPanel ? matrix.columns - first : kPanel;
      Sum sums[kPanel] = {};
      for (std::size_t i = 0; i < matrix.rows; ++i) {
        const Int* row = matrix.data + i * matrix.stride + first;
        const Limbs e = weights[i].montgomery();
        for (std::size_t j = 0; j < columns; ++j) sums[j].add(e, offset(row[j]));
      }
      for (std::size_t pack = 0; pack * Lanes::kLanes < columns; ++pack) {
        typename Lanes::Value v{};
        for (std::size_t j = 0; j < Lanes::kLanes && pack * Lanes::kLanes + j < columns; ++j) {
          v.lane[j] = sums[pack * Lanes::kLanes + j].reduced() - correction;
        }
        Lanes::store(out[first / Lanes::kLanes + pack].words, v);
      }
    }
  }
};

}  // namespace blindproof::field
