#include "blindproof/engine/groth16.h"

#include "blindproof/base/file.h"
#include "blindproof/engine/groth16_files.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/phase2.h"
#include "blindproof/groth16/prove.h"
#include "blindproof/groth16/setup.h"
#include "blindproof/groth16/witness.h"

namespace blindproof::engine {

base::Result<Groth16SetupOutcome> groth16_setup(const Groth16SetupRequest& request, const base::Progress& progress) {
  if (request.development == request.ptau.has_value()) {
    return base::error(base::ErrorCode::kInvalidArgument, "setup", "takes either --ptau P.ptau, of a ceremony, or --dev, for development");
  }
  if (request.ptau && request.verification_key) {
    return base::error(base::ErrorCode::kInvalidArgument, "--verification-key", "comes after the contributions: give it to `groth16 contribute` or `groth16 beacon`");
  }
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::read_r1cs(request.circuit));
  Groth16SetupOutcome outcome{r1cs.constraints(), r1cs.wires, r1cs.public_wires(), {}, 0};
  if (request.development) {
    BLINDPROOF_TRY(groth16::setup_for_development(r1cs, request.out, progress));
  } else {
    BLINDPROOF_ASSIGN(const groth16::Ptau ptau, groth16::Ptau::open(*request.ptau));
    if (!request.trust_ptau) BLINDPROOF_TRY(groth16::verify_ptau(ptau, progress));
    BLINDPROOF_ASSIGN(const groth16::Digest512 hash, groth16::setup_from_ptau(r1cs, ptau, request.out, progress));
    outcome.circuit_hash = base::to_hex(hash);
  }
  if (request.verification_key) {
    BLINDPROOF_TRY(groth16_write_verification_key(request.out, *request.verification_key));
  }
  outcome.seconds = watch.seconds();
  return outcome;
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

base::Result<bool> groth16_write_verification_key(const std::filesystem::path& key, const std::filesystem::path& out) {
  BLINDPROOF_ASSIGN(const groth16::Zkey zkey, groth16::Zkey::open(key));
  BLINDPROOF_ASSIGN(const groth16::VerificationKey verification_key, zkey.verification_key());
  BLINDPROOF_TRY(base::write_file_atomic(out, base::as_bytes(verification_key_json(verification_key, zkey.insecure()))));
  return zkey.insecure();
}

base::Result<Groth16Verdict> groth16_verify(const Groth16VerifyRequest& request) {
  BLINDPROOF_ASSIGN(const base::Bytes proof, base::read_file(request.proof, kMaxGroth16JsonBytes));
  BLINDPROOF_ASSIGN(const base::Bytes public_values, base::read_file(request.public_values, kMaxGroth16JsonBytes));
  return groth16_verify(request, proof, public_values);
}

base::Result<Groth16Verdict> groth16_verify(const Groth16VerifyRequest& request, base::ByteSpan proof_json, base::ByteSpan public_json) {
  VerificationKeyFile file;
  if (request.key.extension() == ".zkey") {
    BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.key));
    BLINDPROOF_ASSIGN(file.key, key.verification_key());
    file.insecure = key.insecure();
  } else {
    BLINDPROOF_ASSIGN(file, read_verification_key_json(request.key));
  }
  BLINDPROOF_ASSIGN(const groth16::Proof proof, parse_proof_json(proof_json, request.proof.string()));
  BLINDPROOF_ASSIGN(const std::vector<field::Fr> values, parse_public_json(public_json, request.public_values.string()));
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
