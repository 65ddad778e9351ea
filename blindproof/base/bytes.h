// Canonical byte encodings: little-endian integers, length-prefixed strings. One encoding for each value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "blindproof/base/result.h"

namespace blindproof::base {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string to_hex(ByteSpan bytes);
/// Errors: kMalformed unless `text` is an even number of hexadecimal digits (either case).
Result<Bytes> from_hex(std::string_view text);

/// Appends to a growing buffer.
class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u16(std::uint16_t value) { little_endian(value, 2); }
  void u32(std::uint32_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
  void f64(double value);                 // IEEE bits; -0 and NaN are the caller's to exclude
  void raw(ByteSpan bytes);
  void sized(ByteSpan bytes);             // u64 length, then the bytes
  void text(std::string_view text) { sized(as_bytes(text)); }

  /// Up to this size no copy is left behind by growing: for secrets.
  void reserve(std::size_t size) { bytes_.reserve(size); }

  const Bytes& bytes() const& { return bytes_; }
  Bytes take() && { return std::move(bytes_); }

 private:
  void little_endian(std::uint64_t value, int size);
  Bytes bytes_;
};

/// Reads from bytes that somebody else made. After the first failure every read returns zeros and `status()` says
/// what was wrong, so that parsers may read a group of fields and check once. Never allocates more than it was given.
class ByteReader {
 public:
  ByteReader(ByteSpan bytes, std::string_view place) : bytes_(bytes), place_(place) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(little_endian(8)); }
  double f64();                           // fails on NaN, infinities and -0
  ByteSpan raw(std::size_t size);
  ByteSpan sized(std::size_t max_size);   // u64 length (at most max_size), then the bytes
  std::string text(std::size_t max_size);
  /// An element count that must be at most `max_count` and for which at least count*element_size bytes remain.
  std::size_t count(std::size_t max_count, std::size_t element_size);

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  bool ok() const { return !failed_; }
  void fail(std::string detail, ErrorCode code = ErrorCode::kMalformed);
  /// Good if nothing failed so far.
  Status status() const;
  /// Good if nothing failed and every byte was read.
  Status finish();

 private:
  std::uint64_t little_endian(std::size_t size);
  bool need(std::size_t size);

  ByteSpan bytes_;
  std::string place_;
  std::size_t position_ = 0;
  bool failed_ = false;
  Error error_{ErrorCode::kMalformed, "", ""};
};

}  // namespace blindproof::base
