// The functions behind residue_gemm.h: one table for each kernel set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/modulus.h"

namespace blindproof::field {

struct ResidueGemm {
  static constexpr std::size_t kMaxColumns = 1024, kMaxRows = 128;

  const Modulus* q;
  const std::uint64_t* matrix;  // residues, row after row, `stride` apart
  std::size_t stride;
  const std::uint64_t* const* in;
  std::uint64_t* const* out;
  std::size_t rows, columns, n;  // at most kMaxRows, kMaxColumns
  bool accumulate;               // add to what `out` holds
};

/// Words of scratch memory that a kernel uses for vectors; for the matrix it takes rows * columns.
inline constexpr std::size_t kGemmVectorWords = std::size_t{1} << 16;

struct ResidueGemmKernels {
  void (*multiply)(const ResidueGemm& gemm, std::uint64_t* packed_matrix, std::uint64_t* packed_vectors);
};

extern const ResidueGemmKernels kResidueGemmPortable, kResidueGemmAvx2, kResidueGemmIfma;

}  // namespace blindproof::field
