// Which instruction set the kernels use: chosen once at the start of the process.
#pragma once

#include <string_view>

namespace blindproof::base {

enum class Simd { kPortable, kAdx, kIfma };

/// What this CPU (and operating system) can run.
bool simd_available(Simd level) noexcept;

/// The best available level, or what BLINDPROOF_SIMD says (scalar, adx, ifma). Constant for the life of the process.
/// An unknown value, or one that this CPU lacks, ends the process with a message: a silent fallback would falsify timings.
Simd simd_level() noexcept;

std::string_view simd_name(Simd level) noexcept;  // "scalar", "adx", "ifma"

}  // namespace blindproof::base
