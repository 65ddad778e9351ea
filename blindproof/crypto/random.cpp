#include "blindproof/crypto/random.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#if defined(__linux__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include "blindproof/base/check.h"
#include "blindproof/crypto/chacha20.h"

namespace blindproof::crypto {

void random_bytes(std::span<std::uint8_t> out) noexcept {
  while (!out.empty()) {
#if defined(__linux__)
    const ssize_t drawn = getrandom(out.data(), out.size(), 0);
    if (drawn < 0 && errno == EINTR) continue;
    BLINDPROOF_CHECK(drawn > 0, "the operating system gave no random bytes");
    out = out.subspan(static_cast<std::size_t>(drawn));
#else
    const std::size_t drawn = std::min<std::size_t>(out.size(), 256);
    BLINDPROOF_CHECK(getentropy(out.data(), drawn) == 0, "the operating system gave no random bytes");
    out = out.subspan(drawn);
#endif
  }
}

SecretSeed random_seed() noexcept {
  SecretSeed seed;
  random_bytes(seed.expose_mutable());
  return seed;
}

Csprng::Csprng() noexcept : Csprng(random_seed()) {}

Csprng::Csprng(std::span<const std::uint8_t, 32> seed) noexcept {
  std::copy(seed.begin(), seed.end(), key_.expose_mutable().begin());
}

Csprng::Csprng(Csprng&& other) noexcept
    : key_(std::move(other.key_)),
      buffer_(std::move(other.buffer_)),
      position_(other.position_),
      moved_from_(std::exchange(other.moved_from_, true)) {}

Csprng& Csprng::operator=(Csprng&& other) noexcept {
  if (this != &other) {
    key_ = std::move(other.key_);
    buffer_ = std::move(other.buffer_);
    position_ = other.position_;
    moved_from_ = std::exchange(other.moved_from_, true);
  }
  return *this;
}

void Csprng::refill() noexcept {
  auto& key = key_.expose_mutable();
  auto& buffer = buffer_.expose_mutable();
  chacha20_eight_blocks(key, buffer);
  std::copy_n(buffer.begin(), key.size(), key.begin());
  wipe(std::span(buffer).first(key.size()));
  position_ = key.size();
}

void Csprng::fill(std::span<std::uint8_t> out) noexcept {
  BLINDPROOF_CHECK(!moved_from_, "drawing from a generator that was moved away");  // its key is all zeros
  while (!out.empty()) {
    if (position_ == kBufferSize) refill();
    const std::span<std::uint8_t> drawn =
        std::span(buffer_.expose_mutable()).subspan(position_, std::min(out.size(), kBufferSize - position_));
    std::copy(drawn.begin(), drawn.end(), out.begin());
    wipe(drawn);
    position_ += drawn.size();
    out = out.subspan(drawn.size());
  }
}

std::uint64_t Csprng::next_u64() noexcept {
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

std::uint64_t Csprng::below(std::uint64_t bound) noexcept {
  BLINDPROOF_CHECK(bound > 0, "below(0)");
  // 2^64 mod bound values at the low end would be drawn once too often.
  const std::uint64_t excess = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next_u64();
    if (value >= excess) return value % bound;
  }
}

}  // namespace blindproof::crypto
