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

[[gnu::always_inline]] inline void eight_blocks(const std::uint8_t* key, std::uint8_t* out) noexcept {
  std::array<std::uint32_t, 16> input = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (std::size_t i = 0; i < 32; ++i) input[4 + i / 4] |= std::uint32_t{key[i]} << (8 * (i % 4));
  const Row counters = {0, 1, 2, 3, 4, 5, 6, 7};
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
  for (std::size_t word = 0; word < 16; ++word) {
    x[word] += word == 12 ? counters : Row{} + input[word];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::uint32_t value = x[word][lane];
      if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
      std::memcpy(out + 64 * lane + 4 * word, &value, 4);
    }
  }
}

void eight_blocks_portable(const std::uint8_t* key, std::uint8_t* out) noexcept { eight_blocks(key, out); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] void eight_blocks_avx2(const std::uint8_t* key, std::uint8_t* out) noexcept {
  eight_blocks(key, out);
}
#endif

auto choose_kernel() noexcept {
#if defined(__x86_64__)
  if (base::simd_level() != base::Simd::kPortable && __builtin_cpu_supports("avx2")) return eight_blocks_avx2;
#endif
  return eight_blocks_portable;
}

}  // namespace

void chacha20_eight_blocks(std::span<const std::uint8_t, 32> key, std::span<std::uint8_t, 512> out) noexcept {
  static const auto chosen = choose_kernel();
  chosen(key.data(), out.data());
}

}  // namespace blindproof::crypto
