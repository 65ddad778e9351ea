// Large objects in a folder, named by the SHA-256 of their bytes: "ab/ab12...".
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "blindproof/base/result.h"
#include "blindproof/base/bytes.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::service::store {

struct Blob {
  std::string digest;  // 64 hexadecimal digits
  std::uint64_t bytes = 0;
};

/// Bytes on their way into a folder. What isn't finished is removed.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&& other) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  /// Errors: kIo.
  base::Status write(base::ByteSpan bytes);
  /// The blob is there, on disk, afterwards. The same bytes twice are one blob.
  /// Errors: kIo.
  base::Result<Blob> finish();

 private:
  friend class BlobFolder;
  BlobWriter(std::filesystem::path folder, std::filesystem::path temporary, int descriptor);
  std::filesystem::path folder_, temporary_;
  int descriptor_;
  crypto::Sha256 hash_;
  std::uint64_t bytes_ = 0;
};

class BlobFolder {
 public:
  /// Makes the folder if need be, and removes what writers left unfinished more than a day ago.
  /// Errors: kIo.
  static base::Result<BlobFolder> open(const std::filesystem::path& folder);

  base::Result<BlobWriter> create() const;
  base::Result<Blob> put(base::ByteSpan bytes) const;
  base::Result<Blob> put_file(const std::filesystem::path& file) const;

  bool contains(const std::string& digest) const;
  /// Feeds the bytes to `sink`, a piece at a time.
  /// Caller must: discard what the sink got if this fails.
  /// Errors: kIo (none such); kRejected if they aren't those of the digest; the sink's.
  base::Status read(const std::string& digest, const std::function<base::Status(base::ByteSpan)>& sink) const;
  /// Errors: also kLimit.
  base::Result<base::Bytes> read_all(const std::string& digest, std::size_t max_size) const;
  /// For programs that read files and check them on their own.   Requires: a digest as `put` gives it.
  std::filesystem::path path_of(const std::string& digest) const;
  /// Nothing happens if there is none such.
  base::Status remove(const std::string& digest) const;

 private:
  explicit BlobFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

/// 64 lower-case hexadecimal digits.
bool is_digest(std::string_view text);

}  // namespace blindproof::service::store
