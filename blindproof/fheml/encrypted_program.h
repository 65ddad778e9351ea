// Programs whose weights are encrypted under the client's public key, so that the server that runs them sees neither data nor weights.
// Formats, and what is hidden from whom: docs/spec/fhe-programs.md, "Encrypted models".
//
// Of an affine step the server knows which diagonals its matrices have, bounds of their norms, and an encryption of each diagonal and of the bias, at the
// step's level. All else is as in the plain program; so are the client's spec and its keys.
#pragma once

#include <filesystem>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/base/progress.h"
#include "blindproof/crypto/random.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/ciphertext.h"
#include "blindproof/fheml/prediction.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

inline constexpr std::string_view kEncryptedProgramMagic = "BPFE";

/// A matrix of an affine step.
struct EncryptedTerm {
  std::size_t baby_steps;
  std::vector<std::size_t> numbers;  // of the diagonals, ascending
  Influence::Bounds bounds;          // stated by the owner: if they don't hold, neither do predicted errors

  friend bool operator==(const EncryptedTerm&, const EncryptedTerm&) = default;
};

/// What is public of it.
struct EncryptedProgram {
  fhe::formats::KeyId key_id;                     // of the public key that it is encrypted under
  ClientSpec client;                              // of the plain program, byte for byte
  std::vector<Step> steps;                        // affine ones without entries and biases
  std::vector<std::vector<EncryptedTerm>> terms;  // of each step; none where it isn't affine
};

struct EncryptedProgramOutcome {
  std::size_t ciphertexts = 0, file_bytes = 0;
};

/// Encrypts a program's weights, some at a time, and writes the file.   Requires: a context of the program's parameters.
/// Errors: kUnsupported for a program for batches; kMismatch for a public key of another ring; kInvalidArgument for a program whose spec asks for no
/// relinearisation key, or for weights that don't fit their level; kIo.
base::Result<EncryptedProgramOutcome> encrypt_program(const Program& program, const fhe::ckks::ContextPtr& context,
                                                      const fhe::formats::KeyId& key_id, const fhe::rlwe::PublicKey& key,
                                                      const std::filesystem::path& path, crypto::Csprng& random,
                                                      const base::Progress& progress = {});

/// An opened file. Its ciphertexts stay in the mapped memory.
class EncryptedProgramFile {
 public:
  /// Errors: kIo, kLimit above max_size, kMalformed, kUnsupported; every index, layout, level and rotation is checked.
  static base::Result<EncryptedProgramFile> open(const std::filesystem::path& path, std::size_t max_size = SIZE_MAX);
  /// From memory, which is copied.
  static base::Result<EncryptedProgramFile> parse(base::ByteSpan bytes);

  const EncryptedProgram& program() const noexcept { return program_; }
  /// Those of the steps in order: of each term the diagonals, then the bias.
  std::size_t ciphertexts() const noexcept { return stored_.size(); }
  /// Of all ciphertexts.
  std::size_t bytes() const noexcept;

  /// Checks one and gives its polynomials, in the mapped memory.   Requires: index < ciphertexts(), a context of the program's parameters.
  /// Errors: kMalformed if its digest doesn't fit or a residue isn't reduced; kRejected if its message stands in the open.
  base::Result<fhe::rlwe::Parts> load(std::size_t index, const fhe::ckks::Context& context) const;

 private:
  struct Stored {
    std::array<std::uint8_t, 32> digest;
    std::size_t q_limbs, offset;
  };
  static base::Result<EncryptedProgramFile> parse(base::MappedFile memory);

  EncryptedProgramFile(base::MappedFile memory, EncryptedProgram program) : memory_(std::move(memory)), program_(std::move(program)) {}

  base::MappedFile memory_;
  EncryptedProgram program_;
  std::vector<Stored> stored_;
};

}  // namespace blindproof::fheml
