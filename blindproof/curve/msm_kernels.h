// Internal to this module: msm() with a given kernel set, for tests and benchmarks.
#pragma once

#include "blindproof/curve/kernels.h"
#include "blindproof/curve/msm.h"

namespace blindproof::curve {

G1 msm(const Kernels& kernels, std::span<const G1Affine> points, std::span<const Fr> scalars);
G2 msm(const Kernels& kernels, std::span<const G2Affine> points, std::span<const Fr> scalars);
template <class Int>
G1 msm_small(const Kernels& kernels, std::span<const G1Affine> points, std::span<const Int> scalars);

}  // namespace blindproof::curve
