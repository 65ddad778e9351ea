// Values that must not be printed, copied by accident or left behind in memory.
//
// Wiping is best effort against memory that is read later (core dumps, swapped pages, reused heap). It does not reach
// copies that the compiler made in registers or on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "blindproof/base/bytes.h"

namespace blindproof::crypto {

using base::ByteSpan;

/// Overwrites with zeros in a way that the optimiser keeps.
void wipe(std::span<std::uint8_t> bytes) noexcept;

/// Timing: depends on the sizes alone. Unequal sizes are unequal values.
[[nodiscard]] bool constant_time_equal(ByteSpan a, ByteSpan b) noexcept;

/// A fixed-size secret: move-only, wiped when destroyed or moved from. Reading it is spelled out: `key.expose()`.
template <class T>
class Secret {
  static_assert(std::is_trivially_copyable_v<T>, "a Secret is wiped byte by byte; larger things go into SecretBytes");

 public:
  Secret() noexcept : value_{} {}
  explicit Secret(const T& value) noexcept : value_(value) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : value_(other.value_) { other.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      value_ = other.value_;
      other.clear();
    }
    return *this;
  }
  ~Secret() { clear(); }

  const T& expose() const noexcept { return value_; }
  T& expose_mutable() noexcept { return value_; }
  Secret clone() const noexcept { return Secret(value_); }

 private:
  void clear() noexcept { wipe({reinterpret_cast<std::uint8_t*>(&value_), sizeof(T)}); }
  T value_;
};

using SecretSeed = Secret<std::array<std::uint8_t, 32>>;

/// A secret whose size is known at run time. The buffer never grows, so no unwiped copy is left by a reallocation.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  explicit SecretBytes(std::size_t size);  // zeros
  static SecretBytes copy_of(ByteSpan bytes);
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { clear(); }

  ByteSpan expose() const noexcept { return {bytes_.get(), size_}; }
  std::span<std::uint8_t> expose_mutable() noexcept { return {bytes_.get(), size_}; }
  std::size_t size() const noexcept { return size_; }
  SecretBytes clone() const { return copy_of(expose()); }

 private:
  void clear() noexcept;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

// A secret that reaches a log line or an assertion's output is a compile error.
template <class T>
std::ostream& operator<<(std::ostream&, const Secret<T>&) = delete;
std::ostream& operator<<(std::ostream&, const SecretBytes&) = delete;

}  // namespace blindproof::crypto
