// The Fiat-Shamir transcript: a hash chain over labelled messages.
//
//   state' = SHAKE256(state | kind | len(label) | label | len(data) | data)        64 bytes each
// A challenge is 64 further bytes of the same output, reduced mod r (within 2^-258 of uniform). Soundness is in the
// random-oracle model; one transcript serves a whole proof and is never forked.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::commit {

using field::Fr;

class Transcript {
 public:
  explicit Transcript(std::string_view protocol);

  void absorb(std::string_view label, base::ByteSpan data);
  void absorb(std::string_view label, const Fr& value);
  Fr challenge(std::string_view label);

  /// Depends on everything so far; for hedged nonces and for tests.
  const std::array<std::uint8_t, 64>& state() const { return state_; }

 private:
  std::array<std::uint8_t, 64> state_{};
};

}  // namespace blindproof::commit
