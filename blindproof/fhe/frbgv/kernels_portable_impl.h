// What the portable engine's kernels know of its packs.
#pragma once

#include "blindproof/fhe/frbgv/kernels_impl.h"
#include "blindproof/field/lanes_portable.h"

namespace blindproof::fhe::frbgv {

template <class E>
struct PortableAccess {
  /// Lane i of pack j becomes lane j of pack i.
  static void transpose(FrPack* packs) {
    for (std::size_t i = 0; i < E::kLanes; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const Fr a = E::get(packs[i].words, j);
        E::set(packs[i].words, j, E::get(packs[j].words, i));
        E::set(packs[j].words, i, a);
      }
    }
  }

  /// sum_k w_k x_k of `kCount` rows, as 320-bit integers.
  template <std::size_t kCount>
  class Sums {
   public:
    BLINDPROOF_INLINE Sums() : wide_{} {}
    /// Row j's weight stands at weights[j * stride].
    BLINDPROOF_INLINE void add(const std::uint64_t* words, const std::uint32_t* weights, std::size_t stride) {
      for (std::size_t lane = 0; lane < E::kLanes; ++lane) {
        for (std::size_t j = 0; j < kCount; ++j) {
          std::uint64_t* wide = wide_[j][lane];
          base::Uint128 carried = 0;
          for (std::size_t i = 0; i < 4; ++i) {
            carried += static_cast<base::Uint128>(words[4 * lane + i]) * weights[j * stride] + wide[i];
            wide[i] = static_cast<std::uint64_t>(carried);
            carried >>= 64;
          }
          wide[4] += static_cast<std::uint64_t>(carried);
        }
      }
    }
    BLINDPROOF_INLINE typename E::Value value(std::size_t j) const {
      typename E::Value v;
      for (std::size_t lane = 0; lane < E::kLanes; ++lane) {
        const std::uint64_t* w = wide_[j][lane];
        // A Montgomery product takes any four limbs as one factor if the other is below p.
        v.lane[lane] = Fr::from_montgomery({w[0], w[1], w[2], w[3]}) * Fr::from_montgomery(Fr::kR) +
                       Fr::from_montgomery({w[4], 0, 0, 0}) * Fr::from_montgomery(Fr::kR2);
      }
      return v;
    }

   private:
    std::uint64_t wide_[kCount][E::kLanes][5];
  };
};

}  // namespace blindproof::fhe::frbgv
