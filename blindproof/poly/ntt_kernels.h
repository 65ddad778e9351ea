// The functions behind ntt.h: one table for each kernel set.
#pragma once

#include <cstdint>

#include "blindproof/field/modulus.h"

namespace blindproof::poly {

struct NttArguments {
  const field::Modulus* modulus;
  int log_degree;
  const std::uint64_t* values;  // as in NttTables
  const std::uint64_t* quotients;
  field::FixedFactor scale;        // inverse only: c/N ..
  field::FixedFactor scaled_root;  // .. and w[1] c/N
};

struct NttKernels {
  void (*forward)(const NttArguments& arguments, std::uint64_t* a);
  void (*inverse)(const NttArguments& arguments, std::uint64_t* a);
};

extern const NttKernels kNttKernelsPortable, kNttKernelsAvx2, kNttKernelsIfma;

}  // namespace blindproof::poly
