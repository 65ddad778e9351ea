#include "blindproof/service/store/blobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "blindproof/base/check.h"
#include "blindproof/crypto/random.h"

namespace blindproof::service::store {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

constexpr const char* kIncoming = "incoming";
constexpr std::size_t kPieceBytes = std::size_t{1} << 16;

base::Error io(const fs::path& path, const char* what, int code) {
  return base::error(ErrorCode::kIo, path.string(), std::string(what) + ": " + std::strerror(code));
}

struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

/// A file's name is safe on disk only once its folder is.
base::Status sync_folder(const fs::path& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.value < 0 || ::fsync(opened.value) != 0) return io(folder, "can't be synchronised", errno);
  return {};
}

base::Status make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return base::error(ErrorCode::kIo, folder.string(), "can't be made: " + code.message());
  return {};
}

/// Reads pieces to `sink`.
base::Status read_file(const fs::path& path, const std::function<base::Status(base::ByteSpan)>& sink) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value < 0) return io(path, "can't be opened", errno);
  base::Bytes piece(kPieceBytes);
  while (true) {
    const ssize_t count = ::read(file.value, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io(path, "can't be read", errno);
    if (count == 0) return {};
    BLINDPROOF_TRY(sink(base::ByteSpan(piece).first(static_cast<std::size_t>(count))));
  }
}

}  // namespace

bool is_digest(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

BlobWriter::BlobWriter(fs::path folder, fs::path temporary, int descriptor)
    : folder_(std::move(folder)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

BlobWriter::BlobWriter(BlobWriter&& other) noexcept
    : folder_(std::move(other.folder_)), temporary_(std::move(other.temporary_)), descriptor_(std::exchange(other.descriptor_, -1)),
      hash_(other.hash_), bytes_(other.bytes_) {}

BlobWriter::~BlobWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

base::Status BlobWriter::write(base::ByteSpan bytes) {
  BLINDPROOF_CHECK(descriptor_ >= 0, "a finished blob takes no more bytes");
  hash_.absorb(bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io(temporary_, "can't be written", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

base::Result<Blob> BlobWriter::finish() {
  BLINDPROOF_CHECK(descriptor_ >= 0, "a blob is finished once");
  if (::fsync(descriptor_) != 0) return io(temporary_, "can't be synchronised", errno);
  const Blob blob{base::to_hex(hash_.finish()), bytes_};
  const fs::path folder = folder_ / blob.digest.substr(0, 2), path = folder / blob.digest;
  BLINDPROOF_TRY(make_folder(folder));
  if (::rename(temporary_.c_str(), path.c_str()) != 0) return io(path, "can't be named", errno);
  ::close(std::exchange(descriptor_, -1));
  BLINDPROOF_TRY(sync_folder(folder));
  BLINDPROOF_TRY(sync_folder(folder_));
  return blob;
}

base::Result<BlobFolder> BlobFolder::open(const fs::path& folder) {
  BLINDPROOF_TRY(make_folder(folder / kIncoming));
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(24);
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder / kIncoming, code)) {
    std::error_code ignored;  // another process may be quicker
    if (entry.last_write_time(ignored) < old && !ignored) fs::remove(entry.path(), ignored);
  }
  if (code) return base::error(ErrorCode::kIo, folder.string(), code.message());
  return BlobFolder(folder);
}

base::Result<BlobWriter> BlobFolder::create() const {
  std::array<std::uint8_t, 16> random;
  crypto::random_bytes(random);
  const fs::path temporary = folder_ / kIncoming / base::to_hex(random);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return io(temporary, "can't be made", errno);
  return BlobWriter(folder_, temporary, descriptor);
}

base::Result<Blob> BlobFolder::put(base::ByteSpan bytes) const {
  BLINDPROOF_ASSIGN(BlobWriter writer, create());
  BLINDPROOF_TRY(writer.write(bytes));
  return writer.finish();
}

base::Result<Blob> BlobFolder::put_file(const fs::path& file) const {
  BLINDPROOF_ASSIGN(BlobWriter writer, create());
  BLINDPROOF_TRY(read_file(file, [&](base::ByteSpan bytes) { return writer.write(bytes); }));
  return writer.finish();
}

fs::path BlobFolder::path_of(const std::string& digest) const {
  BLINDPROOF_CHECK(is_digest(digest), "a blob's name is a digest");
  return folder_ / digest.substr(0, 2) / digest;
}

bool BlobFolder::contains(const std::string& digest) const {
  std::error_code ignored;
  return is_digest(digest) && fs::is_regular_file(path_of(digest), ignored);
}

base::Status BlobFolder::read(const std::string& digest, const std::function<base::Status(base::ByteSpan)>& sink) const {
  if (!is_digest(digest)) return base::error(ErrorCode::kIo, "blob", "has a name that is no digest");
  crypto::Sha256 hash;
  BLINDPROOF_TRY(read_file(path_of(digest), [&](base::ByteSpan bytes) {
    hash.absorb(bytes);
    return sink(bytes);
  }));
  if (base::to_hex(hash.finish()) != digest) return base::error(ErrorCode::kRejected, "blob " + digest, "was altered on disk");
  return {};
}

base::Result<base::Bytes> BlobFolder::read_all(const std::string& digest, std::size_t max_size) const {
  base::Bytes all;
  BLINDPROOF_TRY(read(digest, [&](base::ByteSpan bytes) -> base::Status {
    if (all.size() + bytes.size() > max_size) return base::error(ErrorCode::kLimit, "blob " + digest, "is larger than expected");
    all.insert(all.end(), bytes.begin(), bytes.end());
    return {};
  }));
  return all;
}

base::Status BlobFolder::remove(const std::string& digest) const {
  std::error_code code;
  if (is_digest(digest)) fs::remove(path_of(digest), code);
  if (code) return base::error(ErrorCode::kIo, "blob " + digest, "can't be removed: " + code.message());
  return {};
}

}  // namespace blindproof::service::store
