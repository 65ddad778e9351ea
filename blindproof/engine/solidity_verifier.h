// Groth16 verification keys as Solidity contracts: contracts/templates/Groth16Verifier.sol.in filled in. docs/spec/contracts.md, section 2.
#pragma once

#include <filesystem>
#include <string>

#include "blindproof/base/result.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/groth16/verify.h"

namespace blindproof::engine {

/// What calldata, code size and gas allow; statements have two.
inline constexpr std::size_t kMaxSolidityInputs = 64;

struct SolidityVerifierOptions {
  std::string contract = "Groth16Verifier";  // a letter, then letters, digits, _; at most 64
  crypto::Digest256 circuit_hash{};          // SHA-256 of the circuit's .r1cs file
  bool insecure = false;                     // the key is of a development setup: the text says so
};

/// The contract's KEY_HASH: SHA-256("blindproof/vkey1" || inputs(8) || alpha || beta || gamma || delta || IC), integers big-endian, coordinates
/// of 32 bytes, the imaginary part of G2's coordinates first.
crypto::Digest256 verification_key_hash(const groth16::VerificationKey& key);

/// The text of a contract that verifies proofs under `key`.
/// Errors: kRejected as groth16::check_key(), and for a key without inputs or with an input that no proof depends on; kLimit above
///   kMaxSolidityInputs; kInvalidArgument for the contract's name.
/// Caller must: give the hash of the circuit that the key was made for; nothing in a verification key says which it is.
base::Result<std::string> write_solidity_verifier(const groth16::VerificationKey& key, const SolidityVerifierOptions& options);

struct ExportVerifierRequest {
  std::filesystem::path key, circuit, out;  // VK.json, C.r1cs, V.sol
  std::string contract = "Groth16Verifier";
  bool allow_development = false;
  bool check = false;  // `out` is compared instead of written
};

struct ExportedVerifier {
  crypto::Digest256 circuit_hash{}, key_hash{};
  std::size_t inputs = 0;
  bool insecure_key = false;
};

/// Writes the contract for a key and its circuit, or checks that a file is that contract.
/// Errors: those of write_solidity_verifier() and of reading and writing; kMismatch for a circuit with another number of public values, and for a
///   checked file of another key, circuit, name or text; kRejected for a development setup's key without `allow_development`.
base::Result<ExportedVerifier> export_verifier(const ExportVerifierRequest& request);

}  // namespace blindproof::engine
