// Groth16: keys for circom's circuits, proofs, verification.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"

namespace blindproof::engine {

struct Groth16SetupRequest {
  std::filesystem::path circuit;  // .r1cs
  std::filesystem::path out;      // .zkey
  std::optional<std::filesystem::path> verification_key;  // .json
  bool development = false;       // from randomness of this machine
};

struct Groth16SetupOutcome {
  std::size_t constraints = 0, wires = 0, public_values = 0;
  double seconds = 0;
};

/// Errors: kInvalidArgument without `development`: setups from a ceremony's .ptau are not built yet; those of reading and writing.
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

}  // namespace blindproof::engine
