#if defined(__AVX512IFMA__)

#include "blindproof/fhe/frbgv/kernels_impl.h"
#include "blindproof/field/lanes_ifma.h"

namespace blindproof::fhe::frbgv {
namespace {

struct Ifma {};
using Engine = field::IfmaLanes<Fr, Ifma>;

struct IfmaAccess {
  using Vector = Engine::Vector;

  /// Lane i of pack j becomes lane j of pack i.
  static BLINDPROOF_INLINE void transpose(FrPack* packs) {
    for (std::size_t limb = 0; limb < 5; ++limb) {
      Vector r[8], s[8];
      for (std::size_t i = 0; i < 8; ++i) r[i] = _mm512_load_si512(packs[i].words + 8 * limb);
      for (std::size_t i = 0; i < 8; i += 2) {
        s[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        s[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
      }
      for (std::size_t i = 0; i < 8; i += 4) {
        for (std::size_t j = 0; j < 2; ++j) {
          r[i + j] = _mm512_shuffle_i64x2(s[i + j], s[i + j + 2], 0x88);
          r[i + j + 2] = _mm512_shuffle_i64x2(s[i + j], s[i + j + 2], 0xdd);
        }
      }
      for (std::size_t j = 0; j < 4; ++j) {
        s[j] = _mm512_shuffle_i64x2(r[j], r[j + 4], 0x88);
        s[j + 4] = _mm512_shuffle_i64x2(r[j], r[j + 4], 0xdd);
      }
      for (std::size_t i = 0; i < 8; ++i) _mm512_store_si512(packs[i].words + 8 * limb, s[i]);
    }
  }

  /// sum_k w_k x_k of `kCount` rows: low and high halves of products of a limb and a weight, carried at the end. Values are below 2^255 and
  /// weights below 2^17, so sums of kMaxColumns are below 2^282.
  template <std::size_t kCount>
  class Sums {
   public:
    BLINDPROOF_INLINE Sums() {
      for (std::size_t j = 0; j < kCount; ++j)
        for (std::size_t i = 0; i < 6; ++i) limb_[j][i] = _mm512_setzero_si512();
    }
    /// Row j's weight stands at weights[j * stride].
    BLINDPROOF_INLINE void add(const std::uint64_t* words, const std::uint32_t* weights, std::size_t stride) {
      Vector x[5];
      for (std::size_t i = 0; i < 5; ++i) x[i] = _mm512_load_si512(words + 8 * i);
      for (std::size_t j = 0; j < kCount; ++j) {
        const Vector w = Engine::broadcast_word(weights[j * stride]);
        for (std::size_t i = 0; i < 5; ++i) limb_[j][i] = Engine::multiply_low(limb_[j][i], x[i], w);
        for (std::size_t i = 0; i < 5; ++i) limb_[j][i + 1] = Engine::multiply_high(limb_[j][i + 1], x[i], w);
      }
    }
    BLINDPROOF_INLINE Engine::Value value(std::size_t j) const {
      const Vector low = Engine::broadcast_word(field::ifma::kLow52);
      Vector carried[7], carry = _mm512_setzero_si512();
      for (std::size_t i = 0; i < 6; ++i) {
        const Vector sum = _mm512_add_epi64(limb_[j][i], carry);
        carried[i] = _mm512_and_si512(sum, low);
        carry = _mm512_srli_epi64(sum, 52);
      }
      carried[6] = carry;
      return Engine::reduce_integer(carried);
    }

   private:
    Vector limb_[kCount][6];
  };
};

}  // namespace

constinit const FrBgvKernels kFrBgvKernelsIfma = KernelTemplates<Engine, IfmaAccess>::table();

}  // namespace blindproof::fhe::frbgv

#endif
