// Files where there are none: every call says so.
#include "blindproof/base/file.h"

namespace blindproof::base {
namespace {

Error refused(const std::filesystem::path& path) {
  return error(ErrorCode::kUnsupported, path.string(), "there are no files here: hand over the bytes");
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t) { return refused(path); }

Result<AtomicFile> AtomicFile::create(std::filesystem::path path, FileMode) { return refused(path); }
AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::move(other.temporary_)), descriptor_(other.descriptor_) {}
AtomicFile::~AtomicFile() = default;
Status AtomicFile::write_at(std::uint64_t, ByteSpan) { return refused(path_); }
Status AtomicFile::read_at(std::uint64_t, std::span<std::uint8_t>) const { return refused(path_); }
Status AtomicFile::commit(Overwrite) { return refused(path_); }
void abandon_files() noexcept {}

Result<MappedFile> map_file(const std::filesystem::path& path, std::size_t) { return refused(path); }
Status write_file_atomic(const std::filesystem::path& path, ByteSpan, FileMode, Overwrite) { return refused(path); }

}  // namespace blindproof::base
