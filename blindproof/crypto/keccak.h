// The Keccak permutation and what stands on it: Keccak-256 as Ethereum uses it, and the extendable output function
// SHAKE256 (FIPS 202), from which the transcript, generators and blinding factors are drawn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "blindproof/base/bytes.h"

namespace blindproof::crypto {

using base::ByteSpan;
using Digest256 = std::array<std::uint8_t, 32>;

/// Lane (x, y) of the specification is state[x + 5*y].
using KeccakState = std::array<std::uint64_t, 25>;

/// The 24 rounds of Keccak-f[1600].   Timing: constant.
void keccak_f1600(KeccakState& state) noexcept;

/// Sponge with 1088 bits of rate and 512 of capacity: absorb everything, then squeeze. `suffix` separates the functions
/// that share the permutation: its low bits are the domain's suffix followed by the first bit of the padding. The state
/// is wiped at the end, since it may have absorbed a key.
class KeccakSponge {
 public:
  static constexpr std::size_t kRate = 136;

  explicit KeccakSponge(std::uint8_t suffix) noexcept : suffix_(suffix) {}
  KeccakSponge(const KeccakSponge&) = default;
  KeccakSponge& operator=(const KeccakSponge&) = default;
  ~KeccakSponge();

  /// Requires: nothing was squeezed yet.
  void absorb(ByteSpan bytes) noexcept;
  /// Successive calls continue the stream: squeezing 3 and 5 bytes gives the same as squeezing 8.
  void squeeze(std::span<std::uint8_t> out) noexcept;

 private:
  KeccakState state_{};
  std::size_t position_ = 0;  // within the rate
  std::uint8_t suffix_;
  bool squeezing_ = false;
};

/// SHAKE256. Copying forks the stream: both copies give the same bytes.
class Shake256 : private KeccakSponge {
 public:
  Shake256() noexcept : KeccakSponge(0x1f) {}
  using KeccakSponge::absorb;
  using KeccakSponge::kRate;
  using KeccakSponge::squeeze;
};

void shake256(ByteSpan input, std::span<std::uint8_t> out) noexcept;

/// Keccak with the padding of the original submission, which is not SHA3-256.
[[nodiscard]] Digest256 keccak256(ByteSpan input) noexcept;

}  // namespace blindproof::crypto
