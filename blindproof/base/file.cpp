#include "blindproof/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <utility>

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

 private:
  int fd_;
};

// The names of temporary files, so that a signal leaves none behind.
struct Unfinished {
  std::mutex mutex;
  std::set<std::filesystem::path> names;
};

Unfinished& unfinished() {
  static auto* const instance = new Unfinished;  // outlives every thread
  return *instance;
}

void remove_temporary(const std::filesystem::path& name) {
  const std::lock_guard lock(unfinished().mutex);
  ::unlink(name.c_str());
  unfinished().names.erase(name);
}

struct OpenFile {
  std::unique_ptr<Descriptor> descriptor;
  std::size_t size;
};

Result<OpenFile> open_file(const std::filesystem::path& path, std::size_t max_size) {
  auto file = std::make_unique<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file->get() < 0) return io_error(path, "can't be opened");
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return io_error(path, "can't be read");
  if (!S_ISREG(info.st_mode)) return error(ErrorCode::kIo, path.string(), "is not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_size) {
    return error(ErrorCode::kLimit, path.string(),
                 "has " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(max_size));
  }
  return OpenFile{std::move(file), size};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_size) {
  BLINDPROOF_ASSIGN(const OpenFile file, open_file(path, max_size));
  Bytes bytes(file.size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.descriptor->get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path, "can't be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Result<AtomicFile> AtomicFile::create(std::filesystem::path path, FileMode mode) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path temporary =
      path.string() + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  const mode_t bits = mode == FileMode::kSecret ? 0600 : 0644;
  const std::lock_guard lock(unfinished().mutex);
  const int descriptor = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, bits);
  if (descriptor < 0) return io_error(path, "can't be written");
  unfinished().names.insert(temporary);
  return AtomicFile(std::move(path), std::move(temporary), descriptor);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {
  other.temporary_.clear();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) remove_temporary(temporary_);
}

Status AtomicFile::write_at(std::uint64_t offset, ByteSpan bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error(path_, "can't be written");
    done += static_cast<std::size_t>(put);
  }
  return {};
}

Status AtomicFile::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path_, "can't be read back");
    if (got == 0) return error(ErrorCode::kIo, path_.string(), "is shorter than what was asked for");
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Status AtomicFile::commit(Overwrite overwrite) {
  if (::fsync(descriptor_) != 0) return io_error(path_, "can't be synced");
  if (::close(std::exchange(descriptor_, -1)) != 0) return io_error(path_, "can't be closed");
  if (overwrite == Overwrite::kRefuse) {
    // link() fails if the name exists, with no moment in between.
    const std::lock_guard lock(unfinished().mutex);
    if (::link(temporary_.c_str(), path_.c_str()) != 0) {
      if (errno != EEXIST) return io_error(path_, "can't be created");
      return error(ErrorCode::kInvalidArgument, path_.string(), "exists already; move it away first");
    }
  } else {
    const std::lock_guard lock(unfinished().mutex);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error(path_, "can't be renamed into place");
  }
  remove_temporary(std::exchange(temporary_, {}));
  // The name itself must survive a power cut too.
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
  return {};
}

void abandon_files() noexcept {
  unfinished().mutex.lock();
  for (const std::filesystem::path& name : unfinished().names) ::unlink(name.c_str());
}

Result<MappedFile> map_file(const std::filesystem::path& path, std::size_t max_size) {
  BLINDPROOF_ASSIGN(const OpenFile file, open_file(path, max_size));
  if (file.size == 0) return error(ErrorCode::kIo, path.string(), "is empty");
  void* memory = ::mmap(nullptr, file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor->get(), 0);
  if (memory == MAP_FAILED) return io_error(path, "can't be mapped");
  const std::size_t size = file.size;
  return MappedFile{std::shared_ptr<void>(memory, [size](void* mapped) { ::munmap(mapped, size); }),
                    {static_cast<std::uint8_t*>(memory), size}};
}

Status write_file_atomic(const std::filesystem::path& path, ByteSpan bytes, FileMode mode, Overwrite overwrite) {
  BLINDPROOF_ASSIGN(AtomicFile file, AtomicFile::create(path, mode));
  BLINDPROOF_TRY(file.write_at(0, bytes));
  return file.commit(overwrite);
}

}  // namespace blindproof::base
