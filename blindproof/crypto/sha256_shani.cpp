#include "blindproof/crypto/sha256_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace blindproof::crypto {
namespace {

/// The next four schedule words from the last sixteen, oldest first.
__m128i next_schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3) noexcept {
  const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(partial, w3);
}

void compress(std::array<std::uint32_t, 8>& state, base::ByteSpan blocks) noexcept {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  // The instructions want the state as (a,b,e,f) and (c,d,g,h), highest lane first.
  const __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&state[0])), 0x1b);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&state[4])), 0x1b);
  __m128i abef = _mm_unpackhi_epi64(efgh, abcd);
  __m128i cdgh = _mm_unpacklo_epi64(efgh, abcd);
  for (; !blocks.empty(); blocks = blocks.subspan(64)) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i) {
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks.data()) + i), big_endian);
    }
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {
      const __m128i constants =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(kSha256RoundConstants.data()) + group);
      const __m128i wk = _mm_add_epi32(w[group % 4], constants);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
      if (group < 12) {
        w[group % 4] = next_schedule(w[group % 4], w[(group + 1) % 4], w[(group + 2) % 4], w[(group + 3) % 4]);
      }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i dcba = _mm_shuffle_epi32(_mm_unpackhi_epi64(cdgh, abef), 0x1b);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_unpacklo_epi64(cdgh, abef), 0x1b);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&state[0]), dcba);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&state[4]), hgfe);
}

}  // namespace

Sha256Compress sha256_compress_shani() noexcept {
  // Neither compiler's __builtin_cpu_supports knows SHA in all supported versions; leaf 7, EBX bit 29.
  unsigned a = 7, b = 0, c = 0, d = 0;
  __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  const bool available = (b >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1");
  return available ? compress : nullptr;
}

}  // namespace blindproof::crypto

#else

namespace blindproof::crypto {

Sha256Compress sha256_compress_shani() noexcept { return nullptr; }

}  // namespace blindproof::crypto

#endif
