// Vectors of numbers that nobody else may read: wiped when they go, their memory kept for the next one like that of limbs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "blindproof/crypto/secret.h"
#include "blindproof/field/pack_memory.h"

namespace blindproof::fhe::rlwe {

template <class T>
class SecretAllocator {
 public:
  using value_type = T;

  SecretAllocator() noexcept = default;
  template <class U>
  SecretAllocator(const SecretAllocator<U>&) noexcept {}  // as allocators must

  T* allocate(std::size_t count) {
    std::size_t bytes = kHeader + count * sizeof(T);
    auto* const memory = static_cast<std::uint8_t*>(field::acquire_packs(bytes));
    *reinterpret_cast<std::size_t*>(memory) = bytes;
    return reinterpret_cast<T*>(memory + kHeader);
  }
  void deallocate(T* values, std::size_t count) noexcept {
    crypto::wipe({reinterpret_cast<std::uint8_t*>(values), count * sizeof(T)});
    std::uint8_t* const memory = reinterpret_cast<std::uint8_t*>(values) - kHeader;
    field::release_packs(memory, *reinterpret_cast<const std::size_t*>(memory));
  }

  friend bool operator==(const SecretAllocator&, const SecretAllocator&) noexcept { return true; }

 private:
  static constexpr std::size_t kHeader = 64;  // says how many bytes there are; as long as the alignment of packs
};

template <class T>
using SecretVector = std::vector<T, SecretAllocator<T>>;

}  // namespace blindproof::fhe::rlwe
