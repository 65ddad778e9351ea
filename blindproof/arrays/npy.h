// NumPy arrays: .npy files of versions 1 to 3, little-endian numbers and text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"

namespace blindproof::arrays {

inline constexpr std::size_t kMaxArrayBytes = std::size_t{1} << 32;
inline constexpr std::size_t kMaxArrayDimensions = 32;  // NumPy's own limit

enum class DType : std::uint8_t {
  kBool,
  kInt8,
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kFloat32,
  kFloat64,
  kText,  // '<U..': a fixed number of UTF-32 code points, padded with zeros
};

/// "float32", "text", ... for messages.
std::string_view dtype_name(DType dtype) noexcept;

struct Array {
  DType dtype = DType::kFloat32;
  std::vector<std::size_t> shape;  // a dimension may be 0; the empty shape is a single value
  base::Bytes bytes;               // little-endian, C order
  std::size_t text_size = 0;       // kText: code points of an item

  std::size_t item_size() const;
  /// Number of items.
  std::size_t size() const;
};

/// Arrays in Fortran order are brought into C order.
/// Errors: kMalformed; kUnsupported for big-endian, complex, structured, object and date types; kLimit.
base::Result<Array> parse_npy(base::ByteSpan bytes, std::string_view place);
base::Result<Array> read_npy(const std::filesystem::path& path);

/// Version 1.0, as NumPy writes it. Requires: bytes.size() == size() * item_size().
base::Bytes write_npy(const Array& array);

/// Any number type. Errors: kUnsupported for text; kLimit for a finite value beyond the floats.
base::Result<std::vector<float>> to_floats(const Array& array);
/// Any number type; integers beyond 2^53 are rounded. Errors: kUnsupported for text.
base::Result<std::vector<double>> to_doubles(const Array& array);
/// Integers, booleans, and floats that are integers below 2^53. Errors: kUnsupported for text, kLimit for other values.
base::Result<std::vector<std::int64_t>> to_int64(const Array& array);
/// Errors: kUnsupported for anything but ASCII text.
base::Result<std::vector<std::string>> to_texts(const Array& array);

// Requires: as many values as the shape says; texts are ASCII without NUL.
Array from_floats(std::vector<std::size_t> shape, std::span<const float> values);
Array from_doubles(std::vector<std::size_t> shape, std::span<const double> values);
Array from_int64(std::vector<std::size_t> shape, std::span<const std::int64_t> values);
Array from_texts(std::vector<std::size_t> shape, std::span<const std::string> values);

}  // namespace blindproof::arrays
