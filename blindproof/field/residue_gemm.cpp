#include "blindproof/field/residue_gemm.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/field/pack_memory.h"
#include "blindproof/field/residue_gemm_kernels.h"

namespace blindproof::field {
namespace {

const ResidueGemmKernels& gemm_kernels() noexcept {
  switch (kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma:
      return kResidueGemmIfma;
    case base::Simd::kAvx2:
      return kResidueGemmAvx2;
#endif
    default:
      return kResidueGemmPortable;
  }
}

class Scratch {
 public:
  explicit Scratch(std::size_t words) : bytes_(words * sizeof(std::uint64_t)), data_(static_cast<std::uint64_t*>(acquire_packs(bytes_))) {}
  ~Scratch() { release_packs(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::uint64_t* data() const noexcept { return data_; }

 private:
  std::size_t bytes_;
  std::uint64_t* data_;
};

}  // namespace

void multiply_matrix(const Modulus& q, std::span<const std::uint64_t> matrix, std::span<const std::uint64_t* const> in,
                     std::span<std::uint64_t* const> out, std::size_t n) {
  BLINDPROOF_CHECK(matrix.size() == in.size() * out.size(), "multiply_matrix: sizes differ");
  if (in.empty()) {
    for (std::uint64_t* const row : out) std::fill_n(row, n, 0);
    return;
  }
  const std::size_t most_rows = std::min(out.size(), ResidueGemm::kMaxRows);
  const std::size_t most_columns = std::min(in.size(), ResidueGemm::kMaxColumns);
  const Scratch packed_matrix(most_rows * most_columns), packed_vectors(kGemmVectorWords);
  for (std::size_t row = 0; row < out.size(); row += ResidueGemm::kMaxRows) {
    const std::size_t rows = std::min(out.size() - row, ResidueGemm::kMaxRows);
    for (std::size_t column = 0; column < in.size(); column += ResidueGemm::kMaxColumns) {
      const std::size_t columns = std::min(in.size() - column, ResidueGemm::kMaxColumns);
      gemm_kernels().multiply({&q, matrix.data() + row * in.size() + column, in.size(), in.data() + column, out.data() + row, rows, columns, n, column > 0},
                              packed_matrix.data(), packed_vectors.data());
    }
  }
}

}  // namespace blindproof::field
