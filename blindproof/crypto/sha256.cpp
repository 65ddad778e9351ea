#include "blindproof/crypto/sha256.h"

#include <algorithm>
#include <bit>

#include "blindproof/base/cpu.h"
#include "blindproof/crypto/sha256_kernels.h"

namespace blindproof::crypto {
namespace {

std::uint32_t load_big_endian(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

Sha256Compress choose_compress() noexcept {
  const bool portable_wanted = base::simd_level() == base::Simd::kPortable;
  const Sha256Compress fast = sha256_compress_shani();
  return portable_wanted || fast == nullptr ? sha256_compress_portable : fast;
}

void compress(std::array<std::uint32_t, 8>& state, ByteSpan blocks) noexcept {
  static const Sha256Compress chosen = choose_compress();
  chosen(state, blocks);
}

}  // namespace

void sha256_compress_portable(std::array<std::uint32_t, 8>& state, ByteSpan blocks) noexcept {
  for (; !blocks.empty(); blocks = blocks.subspan(Sha256::kBlockSize)) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t t = 0; t < 16; ++t) w[t] = load_big_endian(&blocks[4 * t]);
    for (std::size_t t = 16; t < 64; ++t) {
      const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
      const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t t = 0; t < 64; ++t) {
      const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 = h + sum1 + (g ^ (e & (f ^ g))) + kSha256RoundConstants[t] + w[t];
      const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = sum0 + ((a & b) | (c & (a | b)));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
  }
}

Sha256::Sha256() noexcept
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

Sha256& Sha256::absorb(ByteSpan bytes) noexcept {
  const std::size_t buffered = size_ % kBlockSize;
  size_ += bytes.size();
  if (buffered != 0) {
    const std::size_t taken = std::min(bytes.size(), kBlockSize - buffered);
    std::copy_n(bytes.begin(), taken, buffer_.begin() + static_cast<std::ptrdiff_t>(buffered));
    bytes = bytes.subspan(taken);
    if (buffered + taken < kBlockSize) return *this;
    compress(state_, buffer_);
  }
  const std::size_t whole = bytes.size() - bytes.size() % kBlockSize;
  compress(state_, bytes.first(whole));
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end(), buffer_.begin());
  return *this;
}

Digest256 Sha256::finish() noexcept {
  const std::uint64_t bits = 8 * size_;
  std::array<std::uint8_t, kBlockSize + 8> padding{0x80};
  // One 0x80, then zeros up to eight bytes before a block's end, then the length in bits.
  const std::size_t zeros_end = kBlockSize - (size_ + 8) % kBlockSize;
  for (std::size_t i = 0; i < 8; ++i) padding[zeros_end + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  absorb(ByteSpan(padding).first(zeros_end + 8));
  Digest256 digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

Digest256 sha256(ByteSpan bytes) noexcept { return Sha256().absorb(bytes).finish(); }

}  // namespace blindproof::crypto
