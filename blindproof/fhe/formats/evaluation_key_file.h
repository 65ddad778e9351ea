// .bpek: relinearisation and Galois keys, made one after the other into a file, and used from it without being copied.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/base/progress.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/keys.h"

namespace blindproof::fhe::formats {

inline constexpr std::size_t kMaxEvaluationKeys = 1u << 13;
/// Element of the relinearisation key.
inline constexpr std::size_t kRelinearization = 0;

struct EvaluationKeyEntry {
  std::size_t element;  // 0, or that of the automorphism: odd, below 2N
  std::size_t q_limbs;  // of the longest ciphertexts that it serves

  friend bool operator==(const EvaluationKeyEntry&, const EvaluationKeyEntry&) = default;
};

/// Bytes of one key in the file.
std::size_t evaluation_key_bytes(const rlwe::Ring& ring, std::size_t q_limbs) noexcept;

/// Writes the keys as they come, into a file or into memory.
class EvaluationKeyWriter {
 public:
  /// Entries in any order, without repetition.
  /// Errors: kInvalidArgument for entries that can't be, or too many; kIo.
  static base::Result<EvaluationKeyWriter> create(const std::filesystem::path& path, Header header,
                                                  std::vector<EvaluationKeyEntry> entries);
  /// Errors: the same; kLimit if they don't fit memory's addresses.
  static base::Result<EvaluationKeyWriter> create_in_memory(Header header, std::vector<EvaluationKeyEntry> entries);
  /// In the order in which add() takes the keys.
  const std::vector<EvaluationKeyEntry>& entries() const noexcept { return entries_; }

  /// Errors: kMismatch for another number of limbs than the entry's, kIo.
  base::Status add(const rlwe::KeySwitchKey& key);
  /// The file's size.   Requires: all keys were added.   Errors: kIo; kInvalidArgument if the file exists and `overwrite` says so.
  base::Result<std::size_t> finish(base::Overwrite overwrite = base::Overwrite::kAllow);
  /// The bytes.   Requires: all keys were added, in memory.
  base::Bytes take() &&;

 private:
  EvaluationKeyWriter(std::optional<base::AtomicFile> file, Header header, std::vector<EvaluationKeyEntry> entries);

  std::optional<base::AtomicFile> file_;
  base::Bytes memory_;  // without a file
  Header header_;
  std::vector<EvaluationKeyEntry> entries_;
  std::vector<std::array<std::uint8_t, 32>> seeds_, digests_;
  std::uint64_t position_;
};

/// What to generate.
struct EvaluationKeySelection {
  bool relinearization = true;
  std::vector<std::int64_t> rotations;
  bool conjugation = false;  // exchange of rows for BFV and BGV
  std::size_t q_limbs = 0;   // 0: all
  std::vector<EvaluationKeyEntry> entries;  // and these
};
std::vector<EvaluationKeyEntry> entries_of(const AnyContext& context, const EvaluationKeySelection& selection);

/// Generates the keys and writes them, holding one at a time. The file's size.
/// Errors: those of EvaluationKeyWriter.
base::Result<std::size_t> generate_evaluation_keys(const std::filesystem::path& path, const Header& header,
                                                   const rlwe::SecretKey& secret, const EvaluationKeySelection& selection,
                                                   crypto::Csprng& random, base::Overwrite overwrite,
                                                   const base::Progress& progress = {});
/// The same as bytes.
base::Result<base::Bytes> generate_evaluation_keys(const Header& header, const rlwe::SecretKey& secret,
                                                   const EvaluationKeySelection& selection, crypto::Csprng& random);

/// An opened file. Loading a key checks it and expands its uniform half; the other half stays in the mapped file.
class EvaluationKeyFile {
 public:
  /// Errors: kIo, kLimit above max_size, those of read_header, kMalformed.
  static base::Result<EvaluationKeyFile> open(const std::filesystem::path& path, Contexts& contexts,
                                              std::size_t max_size = SIZE_MAX);
  /// From memory, which is copied.
  static base::Result<EvaluationKeyFile> parse(base::ByteSpan bytes, Contexts& contexts);

  const Header& header() const noexcept { return header_; }
  const std::vector<EvaluationKeyEntry>& entries() const noexcept { return entries_; }

  /// Errors: kInvalidArgument if it isn't there, kMalformed if its digest doesn't fit or a residue isn't reduced.
  base::Result<rlwe::KeySwitchKey> load_relinearization_key() const;
  /// Errors: the same.
  base::Result<rlwe::GaloisKey> load_galois_key(std::size_t element) const;
  /// Several, on several threads; all without a list.
  base::Result<rlwe::GaloisKeys> load_galois_keys(std::span<const std::size_t> elements) const;
  base::Result<rlwe::GaloisKeys> load_galois_keys() const;

 private:
  struct Stored {
    rlwe::Seed seed;
    std::array<std::uint8_t, 32> digest;
    std::size_t offset;
  };
  static base::Result<EvaluationKeyFile> parse(base::MappedFile memory, Contexts& contexts);
  base::Result<rlwe::KeySwitchKey> load(std::size_t element) const;

  explicit EvaluationKeyFile(base::MappedFile memory, Header header) : memory_(std::move(memory)), header_(std::move(header)) {}

  base::MappedFile memory_;
  Header header_;
  std::vector<EvaluationKeyEntry> entries_;
  std::vector<Stored> stored_;
};

}  // namespace blindproof::fhe::formats
