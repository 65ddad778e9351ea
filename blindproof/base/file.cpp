#include "blindproof/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

namespace blindproof::base {
namespace {

Error io_error(const std::filesystem::path& path, const std::string& what) {
  return error(ErrorCode::kIo, path.string(), what + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_size) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return io_error(path, "can't be opened");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return io_error(path, "can't be read");
  if (!S_ISREG(info.st_mode)) return error(ErrorCode::kIo, path.string(), "is not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_size) {
    return error(ErrorCode::kLimit, path.string(),
                 "has " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(max_size));
  }
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path, "can't be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status write_file_atomic(const std::filesystem::path& path, ByteSpan bytes, FileMode mode, Overwrite overwrite) {
  static std::atomic<unsigned> counter{0};
  const std::filesystem::path temporary =
      path.string() + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  const mode_t bits = mode == FileMode::kSecret ? 0600 : 0644;
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, bits));
  if (file.get() < 0) return io_error(path, "can't be written");
  auto abandon = [&](const std::string& what) -> Status {
    Error failure = io_error(path, what);
    ::unlink(temporary.c_str());
    return failure;
  };
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return abandon("can't be written");
    done += static_cast<std::size_t>(put);
  }
  if (::fsync(file.get()) != 0) return abandon("can't be synced");
  if (file.close() != 0) return abandon("can't be closed");
  if (overwrite == Overwrite::kRefuse) {
    // link() fails if the name exists, with no moment in between.
    if (::link(temporary.c_str(), path.c_str()) != 0) {
      const bool exists = errno == EEXIST;
      Status failure = abandon("can't be created");
      if (!exists) return failure;
      return error(ErrorCode::kInvalidArgument, path.string(), "exists already; move it away first");
    }
    ::unlink(temporary.c_str());
  } else if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return abandon("can't be renamed into place");
  }
  // The name itself must survive a power cut too.
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
  return {};
}

}  // namespace blindproof::base
