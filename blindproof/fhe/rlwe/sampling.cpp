#include "blindproof/fhe/rlwe/sampling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "blindproof/base/check.h"
#include "blindproof/base/int128.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/fhe/rlwe/timing.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr std::size_t kTritsPerByte = 5;
constexpr std::uint8_t kTritRange = 243;
constexpr std::size_t kTernaryRun = 2560;

constexpr std::size_t kErrorRun = 256;
constexpr std::size_t kRowBytes = 64;
constexpr std::size_t kErrorRunBytes = 21 * kRowBytes;

constexpr std::size_t kUniformRun = 512;
constexpr std::size_t kUniformBytes = 7;

/// A stack buffer that is wiped at the end of its scope.
template <std::size_t Size>
struct WipedBytes {
  alignas(64) std::array<std::uint8_t, Size> bytes;
  ~WipedBytes() { crypto::wipe(bytes); }
};

/// bytes.size() bytes below kTritRange. No branch on a byte: the position advances by a comparison's result.
void draw_trit_bytes(crypto::Csprng& random, std::span<std::uint8_t> bytes) noexcept {
  std::size_t kept = 0;
  while (kept < bytes.size()) {
    const std::span<std::uint8_t> drawn = bytes.subspan(kept);
    random.fill(drawn);
    for (const std::uint8_t byte : drawn) {
      bytes[kept] = byte;
      kept += byte < kTritRange;
      reveal(kept);
    }
  }
}

std::uint64_t load_word(const std::uint8_t* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

/// The number of ones in each byte.
std::uint64_t ones_by_byte(std::uint64_t word) noexcept {
  word -= (word >> 1) & 0x5555555555555555;
  word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
  return (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
}

struct CarrySave {
  std::uint64_t sum, carry;
};

/// Adds three words bit by bit.
CarrySave add_bits(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
  const std::uint64_t ab = a ^ b;
  return {ab ^ c, (a & b) | (ab & c)};
}

/// One run of coefficients. Works on the bytes of a word side by side, in any byte order.
void count_coins(const std::array<std::uint8_t, kErrorRunBytes>& coins,
                 std::array<std::uint8_t, kErrorRun>& out) noexcept {
  for (std::size_t group = 0; group < 4; ++group) {
    for (std::size_t i = 0; i < kRowBytes; i += 8) {
      const auto row = [&](std::size_t k) { return load_word(coins.data() + kRowBytes * k + i); };
      const CarrySave first = add_bits(row(5 * group), row(5 * group + 1), row(5 * group + 2));
      const CarrySave second = add_bits(first.sum, row(5 * group + 3), row(5 * group + 4));
      const std::uint64_t rest = (row(20) >> (2 * group)) & 0x0303030303030303;
      std::uint64_t total = 2 * (ones_by_byte(first.carry) + ones_by_byte(second.carry));
      total += ones_by_byte(second.sum);
      total += (rest & 0x0101010101010101) + ((rest >> 1) & 0x0101010101010101);  // at most 42: no byte overflows
      std::memcpy(out.data() + kRowBytes * group + i, &total, sizeof(total));
    }
  }
}

std::uint64_t load_seven_bytes_shifted(const std::uint8_t* bytes) noexcept {
  std::uint64_t word = load_word(bytes);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word << 8;
}

}  // namespace

void split_trits(std::span<std::uint8_t> bytes, std::span<std::int8_t> out) noexcept {
  BLINDPROOF_CHECK(bytes.size() * kTritsPerByte >= out.size(), "too few bytes");
  while (!out.empty()) {
    const std::size_t size = std::min(bytes.size(), out.size());
    for (std::size_t i = 0; i < size; ++i) {
      const unsigned byte = bytes[i];
      const unsigned third = (byte * 171) >> 9;  // byte / 3 for every byte
      out[i] = static_cast<std::int8_t>(static_cast<int>(byte - 3 * third) - 1);
      bytes[i] = static_cast<std::uint8_t>(third);
    }
    out = out.subspan(size);
  }
}

void sample_ternary(crypto::Csprng& random, std::span<std::int8_t> out) noexcept {
  WipedBytes<kTernaryRun / kTritsPerByte> buffer;
  while (!out.empty()) {
    const std::span<std::int8_t> run = out.first(std::min(out.size(), kTernaryRun));
    const std::size_t count = (run.size() + kTritsPerByte - 1) / kTritsPerByte;
    const std::span<std::uint8_t> bytes = std::span(buffer.bytes).first(count);
    draw_trit_bytes(random, bytes);
    split_trits(bytes, run);
    out = out.subspan(run.size());
  }
}

void sample_error(crypto::Csprng& random, std::span<std::int8_t> out) noexcept {
  WipedBytes<kErrorRunBytes> coins;
  WipedBytes<kErrorRun> counts;
  while (!out.empty()) {
    const std::span<std::int8_t> run = out.first(std::min(out.size(), kErrorRun));
    random.fill(coins.bytes);
    count_coins(coins.bytes, counts.bytes);
    for (std::size_t i = 0; i < run.size(); ++i) run[i] = static_cast<std::int8_t>(counts.bytes[i] - kErrorBound);
    out = out.subspan(run.size());
  }
}

void sample_uniform(crypto::Csprng& random, std::uint64_t modulus, std::span<std::uint64_t> out) noexcept {
  BLINDPROOF_CHECK(modulus > 0 && modulus < std::uint64_t{1} << 50, "a modulus is between 1 and 2^50");
  const std::uint64_t least = (std::uint64_t{1} << 56) % modulus << 8;
  WipedBytes<kUniformRun * kUniformBytes + 1> buffer;  // words are loaded with the byte that follows
  buffer.bytes.back() = 0;
  while (!out.empty()) {
    // No more than are missing, so that the stream ends where drawing them one by one would.
    const std::size_t drawn = std::min(out.size(), kUniformRun);
    random.fill(std::span(buffer.bytes).first(drawn * kUniformBytes));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < drawn; ++i) {
      const base::Uint128 product = base::Uint128{load_seven_bytes_shifted(&buffer.bytes[kUniformBytes * i])} * modulus;
      out[kept] = static_cast<std::uint64_t>(product >> 64);
      kept += static_cast<std::uint64_t>(product) >= least;
      reveal(kept);
    }
    out = out.subspan(kept);
  }
}

}  // namespace blindproof::fhe::rlwe
