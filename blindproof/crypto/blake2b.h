// BLAKE2b (RFC 7693) with digests of 64 bytes and without a key: the hash of the ceremonies around Groth16, whose files hold unfinished states of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "blindproof/base/bytes.h"

namespace blindproof::crypto {

using base::ByteSpan;
using Digest512 = std::array<std::uint8_t, 64>;

/// Incremental hash: `absorb` any number of times, then `finish` once. Copying forks it.
class Blake2b {
 public:
  static constexpr std::size_t kBlockSize = 128;

  /// What an unfinished hash consists of. A full buffer waits, since a last block is compressed in another way.
  struct State {
    std::array<std::uint64_t, 8> chain;
    std::uint64_t compressed = 0;  // bytes
    std::uint64_t buffered = 0;    // bytes; the rest of the buffer means nothing
    std::array<std::uint8_t, kBlockSize> buffer{};
  };

  Blake2b() noexcept;
  /// Requires: state.buffered <= kBlockSize.
  explicit Blake2b(const State& state) noexcept : state_(state) {}
  const State& state() const noexcept { return state_; }

  Blake2b& absorb(ByteSpan bytes) noexcept;
  /// Caller must: not use the object afterwards.
  [[nodiscard]] Digest512 finish() noexcept;

 private:
  State state_;
};

[[nodiscard]] Digest512 blake2b(ByteSpan bytes) noexcept;

}  // namespace blindproof::crypto
