#if defined(__AVX512IFMA__)

#include "blindproof/field/residue_gemm_kernels_impl.h"
#include "blindproof/field/residue_lanes_ifma.h"

namespace blindproof::field {
namespace {

struct IfmaTile {
  using Engine = IfmaResidueLanes<IfmaTile>;
  static constexpr std::size_t kRows = 4, kPacks = 3;

  // The upper halves of `terms` products, what the lower ones carry, and a folded sum must stay below 2^52.
  BLINDPROOF_INLINE static std::size_t terms_between_folds(const Modulus& q) {
    const int upper_bits = 2 * q.bits() > 52 ? 2 * q.bits() - 52 : 0;
    return ((std::uint64_t{1} << 52) - 2 * ResidueGemm::kMaxColumns) >> upper_bits;
  }
  BLINDPROOF_INLINE static std::uint64_t pack(std::uint64_t a) { return a; }
  BLINDPROOF_INLINE static __m512i load(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, __m512i a) { _mm512_storeu_si512(p, a); }
  BLINDPROOF_INLINE static __m512i broadcast(const std::uint64_t* p) { return _mm512_set1_epi64(static_cast<long long>(*p)); }
};

}  // namespace

constinit const ResidueGemmKernels kResidueGemmIfma = ResidueGemmTemplates<IfmaTile>::table();

}  // namespace blindproof::field

#endif
