#include "blindproof/crypto/blake2b.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace blindproof::crypto {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<std::uint64_t, 8> kInitial = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                                   0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr std::uint8_t kOrder[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

// The function F of section 3.2, on `size` bytes of which the last block is the message's last.
void compress(Blake2b::State& state, const std::uint8_t* block, std::uint64_t size, bool last) noexcept {
  std::uint64_t m[16], v[16];
  std::memcpy(m, block, sizeof m);
  state.compressed += size;
  for (std::size_t i = 0; i < 8; ++i) {
    v[i] = state.chain[i];
    v[i + 8] = kInitial[i];
  }
  v[12] ^= state.compressed;
  if (last) v[14] = ~v[14];
  const auto mix = [&](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint64_t x, std::uint64_t y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 63);
  };
  for (std::size_t round = 0; round < 12; ++round) {
    const std::uint8_t* const s = kOrder[round % 10];
    mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
    mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
    mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
    mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
    mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
    mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
    mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
    mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
  for (std::size_t i = 0; i < 8; ++i) state.chain[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

Blake2b::Blake2b() noexcept : state_{kInitial} {
  state_.chain[0] ^= 0x01010000 ^ sizeof(Digest512);  // parameters: this digest's length, no key, one leaf
}

Blake2b& Blake2b::absorb(ByteSpan bytes) noexcept {
  while (!bytes.empty()) {
    if (state_.buffered == kBlockSize) {
      compress(state_, state_.buffer.data(), kBlockSize, false);
      state_.buffered = 0;
    }
    if (state_.buffered == 0) {
      for (; bytes.size() > kBlockSize; bytes = bytes.subspan(kBlockSize)) compress(state_, bytes.data(), kBlockSize, false);
    }
    const std::size_t taken = std::min<std::size_t>(kBlockSize - state_.buffered, bytes.size());
    std::memcpy(state_.buffer.data() + state_.buffered, bytes.data(), taken);
    state_.buffered += taken;
    bytes = bytes.subspan(taken);
  }
  return *this;
}

Digest512 Blake2b::finish() noexcept {
  std::fill(state_.buffer.begin() + static_cast<std::ptrdiff_t>(state_.buffered), state_.buffer.end(), std::uint8_t{0});
  compress(state_, state_.buffer.data(), state_.buffered, true);
  Digest512 digest;
  std::memcpy(digest.data(), state_.chain.data(), digest.size());
  return digest;
}

Digest512 blake2b(ByteSpan bytes) noexcept { return Blake2b().absorb(bytes).finish(); }

}  // namespace blindproof::crypto
