// Files: bounded reads, atomic writes, private mappings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "blindproof/base/bytes.h"

namespace blindproof::base {

/// Errors: kIo (missing, unreadable, not a regular file), kLimit (larger than max_size).
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_size);

enum class FileMode { kPublic, kSecret };           // 0644 or 0600
enum class Overwrite { kAllow, kRefuse };           // keys are never overwritten

/// A file that is written piece by piece and appears under its name when it is whole: an interrupted program leaves either
/// the old file or the new one. Unless committed, what was written is removed.
class AtomicFile {
 public:
  /// Errors: kIo.
  static Result<AtomicFile> create(std::filesystem::path path, FileMode mode = FileMode::kPublic);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  /// Errors: kIo.
  Status write_at(std::uint64_t offset, ByteSpan bytes);
  /// What was written before.   Errors: kIo, also if it wasn't.
  Status read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;
  /// Errors: kIo; kInvalidArgument if the file exists and overwriting is refused.
  Status commit(Overwrite overwrite = Overwrite::kAllow);

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

  std::filesystem::path path_, temporary_;
  int descriptor_;
};

/// Removes what unfinished AtomicFiles wrote and keeps any from being made or committed from then on. For the thread that
/// ends the process on a signal.
void abandon_files() noexcept;

/// The whole file as memory: pages are read when touched, and shared with other readers until written to; writes stay
/// private. Aligned to pages. Must not be truncated by others meanwhile: touching what is gone ends the process.
/// Errors: those of read_file, and kIo for an empty file.
struct MappedFile {
  std::shared_ptr<void> owner;
  std::span<std::uint8_t> bytes;
};
Result<MappedFile> map_file(const std::filesystem::path& path, std::size_t max_size);

/// All at once.   Errors: those of AtomicFile.
Status write_file_atomic(const std::filesystem::path& path, ByteSpan bytes, FileMode mode = FileMode::kPublic,
                         Overwrite overwrite = Overwrite::kAllow);

}  // namespace blindproof::base
