// SHA-256 (FIPS 180-4): digests of artifacts and architectures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "blindproof/base/bytes.h"

namespace blindproof::crypto {

using base::ByteSpan;
using Digest256 = std::array<std::uint8_t, 32>;

/// Incremental hash: `absorb` any number of times, then `finish` once.
class Sha256 {
 public:
  static constexpr std::size_t kBlockSize = 64;

  Sha256() noexcept;
  Sha256& absorb(ByteSpan bytes) noexcept;
  /// Caller must: not use the object afterwards.
  [[nodiscard]] Digest256 finish() noexcept;

 private:
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, kBlockSize> buffer_;
  std::uint64_t size_ = 0;  // bytes absorbed so far
};

[[nodiscard]] Digest256 sha256(ByteSpan bytes) noexcept;

}  // namespace blindproof::crypto
