// The half of a setup that a circuit needs for itself: its key from powers of tau (ptau.h), then contributions that multiply delta, in snarkjs's .zkey files.
// Protocol and what is verified: docs/spec/groth16.md, section 6.  Ref: Bowe-Gabizon-Miers, ePrint 2017/1050.
#pragma once

#include <filesystem>
#include <vector>

#include "blindproof/groth16/ptau.h"
#include "blindproof/groth16/zkey.h"

namespace blindproof::groth16 {

struct KeyContribution {
  G1Affine delta_after;
  KnowledgeProof key;
  Digest512 transcript;  // from which the proof's point in G2 is hashed
  Origin origin;

  /// What the contributor publishes.
  Digest512 hash() const;
};

struct KeyHistory {
  Digest512 circuit_hash{};  // of everything in the key before any contribution
  std::vector<KeyContribution> contributions;
};

/// Errors: kMalformed; kLimit.
base::Result<KeyHistory> read_history(const Zkey& key);

/// A key that nobody has contributed to: proofs under it can be forged, and prover and verifier refuse it. Returns the circuit's hash.
/// Caller must: verify_ptau(), unless the file was verified before.
/// Errors: kInvalidArgument for a circuit without constraints, or too large for the powers; those of reading and writing.
base::Result<Digest512> setup_from_ptau(const R1cs& r1cs, const Ptau& ptau, const std::filesystem::path& to, const base::Progress& progress = {});

/// Multiplies delta by a number from `random`. Returns what the contributor publishes.
/// Errors: kUnsupported for a key of a development setup; kInvalidArgument for a long name; those of reading and writing.
base::Result<Digest512> contribute_to_key(const Zkey& from, const Origin& origin, CeremonyStream random, const std::filesystem::path& to, const base::Progress& progress = {});

/// That the key is this circuit's, from these powers and the contributions that it lists.
/// Caller must: verify_ptau(), unless the file was verified before.
/// Errors: kRejected, naming the check and the contribution; those of reading.
base::Status verify_key_of_circuit(const Zkey& key, const R1cs& r1cs, const Ptau& ptau, const base::Progress& progress = {});

}  // namespace blindproof::groth16
