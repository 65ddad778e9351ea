// Groth16's proofs, public values and verification keys as snarkjs writes them: JSON with decimal numbers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/bytes.h"
#include "blindproof/groth16/verify.h"

namespace blindproof::engine {

std::string proof_json(const groth16::Proof& proof);
std::string public_json(std::span<const field::Fr> values);
/// With a development setup's mark, if it is of one.
std::string verification_key_json(const groth16::VerificationKey& key, bool insecure);

struct VerificationKeyFile {
  groth16::VerificationKey key;
  bool insecure = false;
};

inline constexpr std::size_t kMaxGroth16JsonBytes = std::size_t{64} << 20;

/// `name` says in errors which file it is. Points are not checked further: groth16::verify() does that.
/// Errors: kMalformed for what isn't such a file or has numbers that aren't reduced; kUnsupported for other protocols and curves; kIo, kLimit of files.
base::Result<groth16::Proof> parse_proof_json(base::ByteSpan bytes, std::string name);
base::Result<std::vector<field::Fr>> parse_public_json(base::ByteSpan bytes, std::string name);
base::Result<VerificationKeyFile> read_verification_key_json(const std::filesystem::path& path);

}  // namespace blindproof::engine
