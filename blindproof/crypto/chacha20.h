// The ChaCha20 block function (RFC 8439) for eight consecutive counters at once.
#pragma once

#include <cstdint>
#include <span>

namespace blindproof::crypto {

/// Key stream blocks `first` to `first` + 7 (modulo 2^32) under `key` and an all-zero nonce.   Timing: constant.
void chacha20_eight_blocks(std::span<const std::uint8_t, 32> key, std::span<std::uint8_t, 512> out, std::uint32_t first = 0) noexcept;

}  // namespace blindproof::crypto
