#include "blindproof/base/cpu.h"

#include <cstdio>
#include <cstdlib>

namespace blindproof::base {
namespace {

Simd choose() noexcept {
  const char* wish = std::getenv("BLINDPROOF_SIMD");
  if (wish == nullptr || *wish == '\0') {
    if (simd_available(Simd::kIfma)) return Simd::kIfma;
    if (simd_available(Simd::kAvx2)) return Simd::kAvx2;
    return Simd::kPortable;
  }
  for (Simd level : {Simd::kPortable, Simd::kAvx2, Simd::kIfma}) {
    if (std::string_view(wish) != simd_name(level)) continue;
    if (simd_available(level)) return level;
    std::fprintf(stderr, "BLINDPROOF_SIMD=%s: this CPU lacks it\n", wish);
    std::exit(2);
  }
  std::fprintf(stderr, "BLINDPROOF_SIMD=%s: not one of scalar, avx2, ifma\n", wish);
  std::exit(2);
}

}  // namespace

bool simd_available(Simd level) noexcept {
#if defined(__x86_64__)
  switch (level) {
    case Simd::kPortable: return true;
    case Simd::kAvx2: {
      // gcc 12 has no name for ADX in __builtin_cpu_supports; leaf 7, EBX bit 19.
      unsigned a = 7, b = 0, c = 0, d = 0;
      __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
             (b >> 19 & 1) != 0;
    }
    case Simd::kIfma:
      return simd_available(Simd::kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512ifma");
  }
  return false;
#else
  return level == Simd::kPortable;
#endif
}

Simd simd_level() noexcept {
  static const Simd level = choose();
  return level;
}

std::string_view simd_name(Simd level) noexcept {
  switch (level) {
    case Simd::kPortable: return "scalar";
    case Simd::kAvx2: return "avx2";
    case Simd::kIfma: return "ifma";
  }
  return "unknown";
}

}  // namespace blindproof::base
