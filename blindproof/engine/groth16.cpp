#include "blindproof/engine/groth16.h"

#include "blindproof/base/file.h"
#include "blindproof/engine/groth16_files.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/prove.h"
#include "blindproof/groth16/setup.h"
#include "blindproof/groth16/witness.h"

namespace blindproof::engine {

base::Result<Groth16SetupOutcome> groth16_setup(const Groth16SetupRequest& request, const base::Progress& progress) {
  if (!request.development) {
    return base::error(base::ErrorCode::kInvalidArgument, "--dev",
                       "must be given: keys can only be made from this machine's randomness so far, which is for development; a key of a ceremony made by "
                       "snarkjs works with `groth16 prove` and `groth16 verify`");
  }
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::read_r1cs(request.circuit));
  BLINDPROOF_TRY(groth16::setup_for_development(r1cs, request.out, progress));
  if (request.verification_key) {
    BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.out));
    BLINDPROOF_ASSIGN(const groth16::VerificationKey verification_key, key.verification_key());
    BLINDPROOF_TRY(base::write_file_atomic(*request.verification_key, base::as_bytes(verification_key_json(verification_key, key.insecure()))));
  }
  return Groth16SetupOutcome{r1cs.constraints(), r1cs.wires, r1cs.public_wires(), watch.seconds()};
}

base::Result<Groth16ProveOutcome> groth16_prove(const Groth16ProveRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.key));
  BLINDPROOF_ASSIGN(const std::vector<field::Fr> witness, groth16::read_witness(request.witness));
  BLINDPROOF_ASSIGN(const groth16::Proof proof, groth16::prove(key, witness, progress));
  const std::span<const field::Fr> values = std::span(witness).subspan(1, key.header().public_values);
  BLINDPROOF_TRY(base::write_file_atomic(request.proof, base::as_bytes(proof_json(proof))));
  BLINDPROOF_TRY(base::write_file_atomic(request.public_values, base::as_bytes(public_json(values))));
  return Groth16ProveOutcome{values.size(), key.insecure(), watch.seconds()};
}

base::Result<Groth16Verdict> groth16_verify(const Groth16VerifyRequest& request) {
  VerificationKeyFile file;
  if (request.key.extension() == ".zkey") {
    BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.key));
    BLINDPROOF_ASSIGN(file.key, key.verification_key());
    file.insecure = key.insecure();
  } else {
    BLINDPROOF_ASSIGN(file, read_verification_key_json(request.key));
  }
  BLINDPROOF_ASSIGN(const groth16::Proof proof, read_proof_json(request.proof));
  BLINDPROOF_ASSIGN(const std::vector<field::Fr> values, read_public_json(request.public_values));
  Groth16Verdict verdict;
  verdict.insecure_key = file.insecure;
  for (const field::Fr& value : values) verdict.public_values.push_back(groth16::to_decimal(value));
  if (file.insecure && !request.allow_development) {
    verdict.refusal = base::error(base::ErrorCode::kRejected, "key.development", "the key is of a development setup, whose maker can forge proofs: --allow-dev accepts it");
    return verdict;
  }
  const Stopwatch watch;
  if (const base::Status status = groth16::verify(file.key, values, proof); !status.ok()) verdict.refusal = status.error();
  verdict.seconds = watch.seconds();
  return verdict;
}

}  // namespace blindproof::engine
