#if defined(__AVX2__)

#include "blindproof/field/residue_gemm_kernels_impl.h"
#include "blindproof/field/residue_lanes_avx2.h"

namespace blindproof::field {
namespace {

struct Avx2Tile {
  using Engine = Avx2ResidueLanes<Avx2Tile>;
  static constexpr std::size_t kRows = 3, kPacks = 2;

  BLINDPROOF_INLINE static std::size_t terms_between_folds(const Modulus&) { return Engine::kTermsBetweenFolds; }
  BLINDPROOF_INLINE static std::uint64_t pack(std::uint64_t a) { return __builtin_bit_cast(std::uint64_t, static_cast<double>(a)); }
  BLINDPROOF_INLINE static __m256d load(const std::uint64_t* p) { return _mm256_loadu_pd(reinterpret_cast<const double*>(p)); }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, __m256d a) { _mm256_storeu_pd(reinterpret_cast<double*>(p), a); }
  BLINDPROOF_INLINE static __m256d broadcast(const std::uint64_t* p) {
    return _mm256_broadcast_sd(reinterpret_cast<const double*>(p));
  }
};

}  // namespace

constinit const ResidueGemmKernels kResidueGemmAvx2 = ResidueGemmTemplates<Avx2Tile>::table();

}  // namespace blindproof::field

#endif
