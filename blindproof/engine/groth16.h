// Groth16: keys for circom's circuits, proofs, verification.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"

namespace blindproof::engine {

struct Groth16SetupRequest {
  std::filesystem::path circuit;  // .r1cs
  std::filesystem::path out;      // .zkey
  std::optional<std::filesystem::path> verification_key;  // .json; of development setups: others aren't finished before a contribution
  bool development = false;                   // from randomness of this machine
  std::optional<std::filesystem::path> ptau;  // from a ceremony
  bool trust_ptau = false;                    // which was verified before
};

struct Groth16SetupOutcome {
  std::size_t constraints = 0, wires = 0, public_values = 0;
  std::string circuit_hash;  // hexadecimal; of keys of ceremonies
  double seconds = 0;
};

/// Errors: kInvalidArgument unless just one of `development` and `ptau` is there; kRejected, naming the check, for a .ptau file that doesn't verify; those of
/// reading and writing.
base::Result<Groth16SetupOutcome> groth16_setup(const Groth16SetupRequest& request, const base::Progress& progress = {});

struct Groth16ProveRequest {
  std::filesystem::path key, witness, proof, public_values;  // .zkey, .wtns, .json, .json
};

struct Groth16ProveOutcome {
  std::size_t public_values = 0;
  bool insecure_key = false;
  double seconds = 0;
};

base::Result<Groth16ProveOutcome> groth16_prove(const Groth16ProveRequest& request, const base::Progress& progress = {});

/// The verification key of a .zkey, as JSON. Whether it is of a development setup.
base::Result<bool> groth16_write_verification_key(const std::filesystem::path& key, const std::filesystem::path& out);

struct Groth16VerifyRequest {
  std::filesystem::path key, proof, public_values;  // .json or .zkey, .json, .json
  bool allow_development = false;
};

struct Groth16Verdict {
  std::optional<base::Error> refusal;  // names the check
  bool insecure_key = false;
  std::vector<std::string> public_values;  // decimal
  double seconds = 0;
};

/// Errors: files that can't be used. A proof that doesn't hold is a verdict.
base::Result<Groth16Verdict> groth16_verify(const Groth16VerifyRequest& request);
/// Of a proof and public values that were read before: the request's names only say in errors where.
base::Result<Groth16Verdict> groth16_verify(const Groth16VerifyRequest& request, base::ByteSpan proof_json, base::ByteSpan public_json);

}  // namespace blindproof::engine
