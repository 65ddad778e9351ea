#include "blindproof/field/pack_memory.h"

#include <cstdlib>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace blindproof::field {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMostKept = std::size_t{1} << 30;
// From here on the allocator of the C library would ask the system for fresh pages each time.
constexpr std::size_t kLeastKept = std::size_t{64} << 10;

// Blocks that nobody uses at the moment, the most recently released last.
class Spares {
 public:
  /// A block of at least `bytes` and less than a quarter more, or null.
  void* take(std::size_t& bytes) noexcept {
    std::lock_guard lock(mutex_);
    for (std::size_t i = count_; i-- > 0;) {
      const Block block = blocks_[i];
      if (block.bytes < bytes || block.bytes - bytes > bytes / 4) continue;
      remove(i);
      bytes = block.bytes;
      return block.memory;
    }
    return nullptr;
  }

  void keep(void* memory, std::size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    if (bytes > kMostKept) return std::free(memory);
    while (count_ == kMostBlocks || kept_ + bytes > kMostKept) {  // the oldest go first
      std::free(blocks_[0].memory);
      remove(0);
    }
    blocks_[count_++] = {memory, bytes};
    kept_ += bytes;
  }

 private:
  static constexpr std::size_t kMostBlocks = 256;
  struct Block {
    void* memory;
    std::size_t bytes;
  };

  void remove(std::size_t i) noexcept {
    kept_ -= blocks_[i].bytes;
    for (--count_; i < count_; ++i) blocks_[i] = blocks_[i + 1];
  }

  std::mutex mutex_;
  Block blocks_[kMostBlocks];
  std::size_t count_ = 0;
  std::size_t kept_ = 0;
};

// Never destroyed: vectors of static storage may be released after it would be.
Spares& spares() {
  static Spares* const instance = new Spares;
  return *instance;
}

}  // namespace

void* acquire_packs(std::size_t& bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  if (bytes >= kLeastKept) {
    if (void* spare = spares().take(bytes)) return spare;
  }
  void* memory = std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  // 500 page faults in place of 250000 for a gigabyte. Only advice: failure changes nothing.
  if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void release_packs(void* memory, std::size_t bytes) noexcept {
  if (bytes >= kLeastKept) {
    spares().keep(memory, bytes);
  } else {
    std::free(memory);
  }
}

}  // namespace blindproof::field
