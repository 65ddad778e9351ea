#include "blindproof/crypto/chacha20.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "blindproof/base/cpu.h"

namespace blindproof::crypto {
namespace {

constexpr std::size_t kLanes = 8;
// One state word of all eight blocks; the compiler splits it into what the instruction set has.
using Row = std::uint32_t __attribute__((vector_size(4 * kLanes)));

[[gnu::always_inline]] inline void add_xor_rotate(Row& sum, const Row& addend, Row& mixed,
                                                  std::uint32_t bits) noexcept {
  sum += addend;
  mixed ^= sum;
  mixed = (mixed << bits) | (mixed >> (32 - bits));
}

[[gnu::always_inline]] inline void quarter_round(Row& a, Row& b, Row& c, Row& d) noexcept {
  add_xor_rotate(a, b, d, 16);
  add_xor_rotate(c, d, b, 12);
  add_xor_rotate(a, b, d, 8);
  add_xor_rotate(c, d, b, 7);
}

/// rows[i][j] becomes rows[j][i].
[[gnu::always_inline]] inline void transpose(Row* rows) noexcept {
  // Blocks of 4x4, then of 2x2, then single words change sides.
  for (std::size_t i = 0; i < 4; ++i) {
    const Row a = rows[i], b = rows[i + 4];
    rows[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (std::size_t i : {0u, 1u, 4u, 5u}) {
    const Row a = rows[i], b = rows[i + 2];
    rows[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
    rows[i + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (std::size_t i : {0u, 2u, 4u, 6u}) {
    const Row a = rows[i], b = rows[i + 1];
    rows[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    rows[i + 1] = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
}

[[gnu::always_inline]] inline void eight_blocks(const std::uint8_t* key, std::uint32_t first, std::uint8_t* out) noexcept {
  std::array<std::uint32_t, 16> input = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  std::memcpy(&input[4], key, 32);
  if constexpr (std::endian::native == std::endian::big) {
    for (std::size_t word = 4; word < 12; ++word) input[word] = __builtin_bswap32(input[word]);
  }
  const Row counters = Row{0, 1, 2, 3, 4, 5, 6, 7} + first;
  Row x[16];
  for (std::size_t word = 0; word < 16; ++word) x[word] = Row{} + input[word];
  x[12] = counters;
  for (int i = 0; i < 10; ++i) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (std::size_t word = 0; word < 16; ++word) x[word] += word == 12 ? counters : Row{} + input[word];
  for (std::size_t half = 0; half < 2; ++half) {
    transpose(x + kLanes * half);
    for (std::size_t block = 0; block < kLanes; ++block) {
      Row row = x[kLanes * half + block];
      if constexpr (std::endian::native == std::endian::big) {
        for (std::size_t word = 0; word < kLanes; ++word) row[word] = __builtin_bswap32(row[word]);
      }
      std::memcpy(out + 64 * block + 32 * half, &row, sizeof(row));
    }
  }
}

void eight_blocks_portable(const std::uint8_t* key, std::uint32_t first, std::uint8_t* out) noexcept { eight_blocks(key, first, out); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] void eight_blocks_avx2(const std::uint8_t* key, std::uint32_t first, std::uint8_t* out) noexcept {
  eight_blocks(key, first, out);
}

// Rotations are one instruction, and all sixteen rows stay in registers.
[[gnu::target("avx2,avx512f,avx512vl")]] void eight_blocks_avx512(const std::uint8_t* key, std::uint32_t first, std::uint8_t* out) noexcept {
  eight_blocks(key, first, out);
}
#endif

auto choose_kernel() noexcept {
#if defined(__x86_64__)
  if (base::simd_level() == base::Simd::kIfma) return eight_blocks_avx512;
  if (base::simd_level() == base::Simd::kAvx2) return eight_blocks_avx2;
#endif
  return eight_blocks_portable;
}

}  // namespace

void chacha20_eight_blocks(std::span<const std::uint8_t, 32> key, std::span<std::uint8_t, 512> out, std::uint32_t first) noexcept {
  static const auto chosen = choose_kernel();
  chosen(key.data(), first, out.data());
}

}  // namespace blindproof::crypto
