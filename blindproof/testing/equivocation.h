// The test of zero knowledge by replay: generators whose logarithms are known, a source of blinds that remembers, and one that
// solves for the blinds that make another witness look the same. INSECURE by construction.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "blindproof/commit/blinding.h"
#include "blindproof/commit/generators.h"
#include "blindproof/crypto/random.h"

namespace blindproof::testing {

using field::Fr;

/// G_i = log(i) * (1,2) and H = log(n) * (1,2).
class KnownLogarithms {
 public:
  KnownLogarithms();
  const commit::Generators& generators() const { return *generators_; }
  /// The blind that makes `values` commit to what `old_values` with `old_blind` commit to.
  Fr solve(std::span<const Fr> old_values, const Fr& old_blind, std::span<const Fr> values) const;

 private:
  std::vector<Fr> logs_;
  Fr inverse_log_h_;
  std::unique_ptr<commit::Generators> generators_;
};

/// Fresh randomness, remembered by label.
class RecordingBlinds : public commit::BlindSource {
 public:
  Fr blind(std::string_view label, std::span<const Fr> values) override;
  Mask mask(std::string_view label, std::span<const Fr> values, const Fr& blind) override;

  struct Blinded {
    std::vector<Fr> values;
    Fr blind;
  };
  struct Masked {
    Blinded of;
    Mask mask;
  };
  const Blinded& blinded(std::string_view label) const { return blinded_.find(label)->second; }
  const Masked& masked(std::string_view label) const { return masked_.find(label)->second; }

 private:
  Fr random();
  crypto::Csprng random_;
  std::map<std::string, Blinded, std::less<>> blinded_;
  std::map<std::string, Masked, std::less<>> masked_;
};

/// Answers so that every message and every response comes out as recorded. `challenge` is the recorded run's challenge of the
/// sigma protocol.
class EquivocatingBlinds : public commit::BlindSource {
 public:
  EquivocatingBlinds(const RecordingBlinds& recorded, const KnownLogarithms& logarithms, const Fr& challenge)
      : recorded_(recorded), logarithms_(logarithms), challenge_(challenge) {}
  Fr blind(std::string_view label, std::span<const Fr> values) override;
  Mask mask(std::string_view label, std::span<const Fr> values, const Fr& blind) override;

 private:
  const RecordingBlinds& recorded_;
  const KnownLogarithms& logarithms_;
  Fr challenge_;
};

}  // namespace blindproof::testing
