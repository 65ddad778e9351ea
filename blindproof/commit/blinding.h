// Where blinds come from.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::commit {

using field::Fr;

using Seed = std::array<std::uint8_t, 32>;

/// The blind of a row that is committed by somebody who must be able to recompute it: models, hidden inputs and outputs.
///   PRF(seed, label, tensor, row, hash of the row)
/// Rows with equal content, and equal rows of different tensors, get unrelated blinds; a seed must serve one model or one
/// input only (with one seed, equal rows at equal places would show as equal commitments).
class SeededBlinds {
 public:
  SeededBlinds(const Seed& seed, std::string_view label);
  Fr row_blind(std::size_t tensor, std::size_t row, base::ByteSpan row_bytes) const;

 private:
  std::array<std::uint8_t, 64> key_;
};

/// Blinds and masks inside a proof. Virtual so that the zero-knowledge tests can solve for them.
class BlindSource {
 public:
  virtual ~BlindSource() = default;
  /// The blind for committing `values` under `label`.
  virtual Fr blind(std::string_view label, std::span<const Fr> values) = 0;
  struct Mask {
    std::vector<Fr> values;
    Fr blind;
  };
  /// The mask of a sigma protocol's response for a vector of this size.
  virtual Mask mask(std::string_view label, std::span<const Fr> values, const Fr& blind) = 0;
};

/// Hedged: PRF(fresh entropy, witness digest, transcript state, label, counter). A repeated nonce would reveal a combination
/// of weights; with the transcript in it, even a stuck entropy source gives different nonces to different statements.
class HedgedBlinds : public BlindSource {
 public:
  /// `transcript_state` is read at each call and must outlive this object.
  HedgedBlinds(base::ByteSpan entropy, base::ByteSpan witness_digest,
               const std::array<std::uint8_t, 64>& transcript_state);
  Fr blind(std::string_view label, std::span<const Fr> values) override;
  Mask mask(std::string_view label, std::span<const Fr> values, const Fr& blind) override;

 private:
  std::array<std::uint8_t, 64> key_;
  const std::array<std::uint8_t, 64>& transcript_state_;
  std::uint64_t counter_ = 0;
};

}  // namespace blindproof::commit
