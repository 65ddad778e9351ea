// Random bytes: from the operating system, and stretched from a seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "blindproof/crypto/secret.h"

namespace blindproof::crypto {

/// Fills `out` from the operating system's generator. Ends the process if that fails: nothing can go on without it.
void random_bytes(std::span<std::uint8_t> out) noexcept;

/// A fresh 32-byte seed from the operating system.
SecretSeed random_seed() noexcept;

/// ChaCha20 with fast key erasure: of each eight blocks the first 32 bytes become the next key and the rest is output,
/// so that the state never reveals what was drawn before. A given seed gives the same stream on every machine, however
/// the draws are cut.
///
/// Move-only: two owners of one stream would draw equal secrets.
/// Caller must: not draw from a generator on both sides of a fork(); one generator belongs to one thread.
/// Timing: independent of seed and output.
/// Ref: Bernstein, "Fast-key-erasure random-number generators", 2017; RFC 8439 for the block function.
class Csprng {
 public:
  /// Seeded from the operating system.
  Csprng() noexcept;
  explicit Csprng(std::span<const std::uint8_t, 32> seed) noexcept;
  explicit Csprng(const SecretSeed& seed) noexcept : Csprng(std::span<const std::uint8_t, 32>(seed.expose())) {}
  /// A moved-from generator ends the process when drawn from.
  Csprng(Csprng&& other) noexcept;
  Csprng& operator=(Csprng&& other) noexcept;

  void fill(std::span<std::uint8_t> out) noexcept;
  std::uint64_t next_u64() noexcept;
  /// Uniform in [0, bound), by rejection. Requires: bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;

 private:
  static constexpr std::size_t kBufferSize = 512;
  void refill() noexcept;

  SecretSeed key_;
  Secret<std::array<std::uint8_t, kBufferSize>> buffer_;
  std::size_t position_ = kBufferSize;  // next byte to hand out
  bool moved_from_ = false;
};

}  // namespace blindproof::crypto
