#include "blindproof/base/bytes.h"

#include <bit>
#include <cmath>

namespace blindproof::base {

std::string to_hex(ByteSpan bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return error(ErrorCode::kMalformed, "hex", "an odd number of hexadecimal digits");
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return error(ErrorCode::kMalformed, "hex", "not a hexadecimal digit at position " + std::to_string(i));
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

void ByteWriter::little_endian(std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void ByteWriter::f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void ByteWriter::raw(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

void ByteWriter::sized(ByteSpan bytes) {
  u64(bytes.size());
  raw(bytes);
}

void ByteReader::fail(std::string detail, ErrorCode code) {
  if (failed_) return;
  failed_ = true;
  error_ = error(code, place_, std::move(detail) + " (at byte " + std::to_string(position_) + ")");
}

bool ByteReader::need(std::size_t size) {
  if (failed_) return false;
  if (size > remaining()) {
    fail("ends too early: " + std::to_string(size) + " more bytes needed, " + std::to_string(remaining()) + " left");
    return false;
  }
  return true;
}

std::uint64_t ByteReader::little_endian(std::size_t size) {
  if (!need(size)) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(bytes_[position_ + i]) << (8 * i);
  position_ += size;
  return value;
}

double ByteReader::f64() {
  const double value = std::bit_cast<double>(u64());
  if (!std::isfinite(value) || (value == 0 && std::signbit(value))) {
    fail("a floating-point number that is not finite, or a negative zero");
    return 0;
  }
  return value;
}

ByteSpan ByteReader::raw(std::size_t size) {
  if (!need(size)) return {};
  ByteSpan out = bytes_.subspan(position_, size);
  position_ += size;
  return out;
}

ByteSpan ByteReader::sized(std::size_t max_size) {
  const std::uint64_t size = u64();
  if (size > max_size) {
    fail("a field of " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(max_size), ErrorCode::kLimit);
    return {};
  }
  return raw(static_cast<std::size_t>(size));
}

std::string ByteReader::text(std::size_t max_size) {
  ByteSpan bytes = sized(max_size);
  return {bytes.begin(), bytes.end()};
}

std::size_t ByteReader::count(std::size_t max_count, std::size_t element_size) {
  const std::uint64_t value = u64();
  if (failed_) return 0;
  if (value > max_count) {
    fail("a count of " + std::to_string(value) + ", more than the limit of " + std::to_string(max_count), ErrorCode::kLimit);
    return 0;
  }
  if (element_size != 0 && value > remaining() / element_size) {
    fail("a count of " + std::to_string(value) + " elements, more than the remaining bytes can hold");
    return 0;
  }
  return static_cast<std::size_t>(value);
}

Status ByteReader::status() const { return failed_ ? Status(error_) : Status(); }

Status ByteReader::finish() {
  if (!failed_ && remaining() != 0) fail(std::to_string(remaining()) + " bytes too many at the end");
  return status();
}

}  // namespace blindproof::base
