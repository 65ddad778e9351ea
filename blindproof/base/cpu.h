// Which instruction set the kernels use: chosen once at the start of the process.
#pragma once

#include <string_view>

namespace blindproof::base {

enum class Simd {
  kPortable,
  kAvx2,  // AVX2, FMA, BMI2 and ADX
  kIfma,  // those and AVX-512 F, DQ, BW, VL, IFMA
};

/// What this CPU (and operating system) can run.
bool simd_available(Simd level) noexcept;

/// The best available level, or what BLINDPROOF_SIMD says (scalar, avx2, ifma). Constant for the life of the process.
/// An unknown value, or one that this CPU lacks, ends the process with a message: a silent fallback would falsify timings.
Simd simd_level() noexcept;

std::string_view simd_name(Simd level) noexcept;  // "scalar", "avx2", "ifma"

}  // namespace blindproof::base
