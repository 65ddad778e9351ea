#include "blindproof/field/pack_memory.h"

#include <cstdlib>
#include <mutex>
#include <new>

#include "blindproof/base/check.h"

// Blocks of two megabytes and more are mapped, unless a sanitizer shall see their ends.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLINDPROOF_ADDRESS_SANITIZER
#endif
#endif
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(BLINDPROOF_ADDRESS_SANITIZER)
#define BLINDPROOF_MAPS_BLOCKS
#include <sys/mman.h>
#endif

namespace blindproof::field {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPage = std::size_t{4} << 10, kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMostKept = std::size_t{768} << 20;
// From here on the allocator of the C library would ask the system for fresh pages each time.
constexpr std::size_t kLeastKept = std::size_t{64} << 10;

std::size_t rounded_up(std::size_t bytes, std::size_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

#if defined(BLINDPROOF_MAPS_BLOCKS)
// Aligned to huge pages: 500 page faults in place of 250000 for a gigabyte. Not from the C library, whose heap would be left full of holes.
void* allocate(std::size_t bytes) {
  if (bytes < kHugePage) return std::aligned_alloc(kAlignment, bytes);
  const std::size_t whole = bytes + kHugePage - kPage;
  void* const mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const std::size_t before = rounded_up(reinterpret_cast<std::size_t>(mapped), kHugePage) - reinterpret_cast<std::size_t>(mapped);
  char* const memory = static_cast<char*>(mapped) + before;
  if (before > 0) munmap(mapped, before);
  if (whole > before + bytes) munmap(memory + bytes, whole - before - bytes);
  madvise(memory, bytes, MADV_HUGEPAGE);  // only advice: failure changes nothing
  return memory;
}

void deallocate(void* memory, std::size_t bytes) noexcept {
  if (bytes < kHugePage) {
    std::free(memory);
  } else {
    munmap(memory, bytes);
  }
}
#else
void* allocate(std::size_t bytes) { return std::aligned_alloc(kAlignment, bytes); }
void deallocate(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

// Blocks that nobody uses at the moment, the most recently released last.
class Spares {
 public:
  /// The smallest block of at least `bytes` and at most twice as many, or null. Ciphertexts get smaller level by level: what is released at one serves the next.
  void* take(std::size_t& bytes) noexcept {
    std::lock_guard lock(mutex_);
    std::size_t best = count_;
    for (std::size_t i = count_; i-- > 0;) {
      const std::size_t size = blocks_[i].bytes;
      if (size >= bytes && size <= 2 * bytes && (best == count_ || size < blocks_[best].bytes)) best = i;
    }
    if (best == count_) return nullptr;
    const Block block = blocks_[best];
    remove(best);
    bytes = block.bytes;
    return block.memory;
  }

  void keep(void* memory, std::size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    if (bytes > kMostKept) return deallocate(memory, bytes);
    while (count_ == kMostBlocks || kept_ + bytes > kMostKept) {  // the oldest go first
      deallocate(blocks_[0].memory, blocks_[0].bytes);
      remove(0);
    }
    blocks_[count_++] = {memory, bytes};
    kept_ += bytes;
  }

 private:
  static constexpr std::size_t kMostBlocks = 512;
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
  bytes = rounded_up(bytes, bytes >= kHugePage ? kPage : kAlignment);
  if (bytes >= kLeastKept) {
    if (void* spare = spares().take(bytes)) return spare;
  }
  void* memory = allocate(bytes);
#if defined(__cpp_exceptions)
  if (memory == nullptr) throw std::bad_alloc();
#else
  BLINDPROOF_CHECK(memory != nullptr, "out of memory");
#endif
  return memory;
}

void release_packs(void* memory, std::size_t bytes) noexcept {
  if (bytes >= kLeastKept) {
    spares().keep(memory, bytes);
  } else {
    deallocate(memory, bytes);
  }
}

}  // namespace blindproof::field
