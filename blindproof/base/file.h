// Whole files: bounded reads, atomic writes.
#pragma once

#include <cstddef>
#include <filesystem>

#include "blindproof/base/bytes.h"

namespace blindproof::base {

/// Errors: kIo (missing, unreadable, not a regular file), kLimit (larger than max_size).
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_size);

enum class FileMode { kPublic, kSecret };           // 0644 or 0600
enum class Overwrite { kAllow, kRefuse };           // keys are never overwritten

/// Writes to a temporary file beside `path`, syncs it and renames it into place: an interrupted command leaves either
/// the old file or the new one. Errors: kIo; kInvalidArgument if the file exists and overwriting is refused.
Status write_file_atomic(const std::filesystem::path& path, ByteSpan bytes, FileMode mode = FileMode::kPublic,
                         Overwrite overwrite = Overwrite::kAllow);

}  // namespace blindproof::base
