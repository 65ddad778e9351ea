#include "blindproof/arrays/npy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/file.h"

namespace blindproof::arrays {
namespace {

using base::Bytes;
using base::ByteSpan;
using base::Error;
using base::ErrorCode;
using base::Result;

static_assert(std::endian::native == std::endian::little, "items are copied as they lie in memory");

constexpr char kMagic[] = "\x93NUMPY";
constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kMaxHeaderSize = 1 << 16;
constexpr std::size_t kAlignment = 64;  // of the data in files that we write, as NumPy does

struct DTypeInfo {
  DType dtype;
  const char* code;  // without byte order
  std::size_t size;
  const char* name;
};

constexpr DTypeInfo kDTypes[] = {
    {DType::kBool, "b1", 1, "bool"},       {DType::kInt8, "i1", 1, "int8"},       {DType::kUInt8, "u1", 1, "uint8"},
    {DType::kInt16, "i2", 2, "int16"},     {DType::kUInt16, "u2", 2, "uint16"},   {DType::kInt32, "i4", 4, "int32"},
    {DType::kUInt32, "u4", 4, "uint32"},   {DType::kInt64, "i8", 8, "int64"},     {DType::kUInt64, "u8", 8, "uint64"},
    {DType::kFloat32, "f4", 4, "float32"}, {DType::kFloat64, "f8", 8, "float64"}, {DType::kText, "U", 4, "text"},
};

const DTypeInfo& info_of(DType dtype) {
  const auto* found =
      std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& i) { return i.dtype == dtype; });
  BLINDPROOF_CHECK(found != std::end(kDTypes), "an unknown dtype");
  return *found;
}

// Number of items, or nothing above the limit. Zero-sized dimensions don't hide absurd others.
std::optional<std::size_t> bounded_count(const std::vector<std::size_t>& shape, std::size_t item_size) {
  std::size_t bytes = item_size;
  bool empty = false;
  for (std::size_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
      continue;
    }
    if (dimension > kMaxArrayBytes / bytes) return std::nullopt;
    bytes *= dimension;
  }
  return empty ? 0 : bytes / item_size;
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

// Reads the header, a Python literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  bool parse(Header& header) {
    bool has_descr = false, has_order = false, has_shape = false;
    if (!take('{')) return false;
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':')) return false;
      if (key == "descr" && !has_descr) {
        has_descr = true;
        if (!string(header.descr)) return false;
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        if (!boolean(header.fortran_order)) return false;
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        if (!tuple(header.shape)) return false;
      } else {
        return false;
      }
      if (!take(',') && peek() != '}') return false;
    }
    return peek() == '\0' && has_descr && has_order && has_shape;
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool string(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    out = std::string(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out.find('\\') == std::string::npos;
  }
  bool boolean(bool& out) {
    peek();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        out = value;
        return true;
      }
    }
    return false;
  }
  bool tuple(std::vector<std::size_t>& out) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::size_t value = 0, digits = 0;
      for (char c = peek(); c >= '0' && c <= '9'; ++digits, c = ++at_ < text_.size() ? text_[at_] : '\0') {
        if (digits == 18) return false;
        value = 10 * value + static_cast<std::size_t>(c - '0');
      }
      if (digits == 0 || out.size() == kMaxArrayDimensions) return false;
      out.push_back(value);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Fills dtype and text_size.
base::Status parse_descr(const std::string& descr, const std::string& place, Array& array) {
  const auto unsupported = [&](const std::string& why) {
    return base::error(ErrorCode::kUnsupported, place,
                       "type '" + descr.substr(0, 32) + "' " + why +
                           "; save it as bool, int8..int64, uint8..uint64, float32, " +
                           "float64 or text, little-endian");
  };
  if (descr.size() < 2) return unsupported("is not known");
  if (descr[0] == '>') return unsupported("is big-endian");
  if (descr[0] != '<' && descr[0] != '|' && descr[0] != '=') return unsupported("is not known");
  const std::string code = descr.substr(1);
  if (code[0] == 'U') {
    std::size_t length = 0;
    if (code.size() < 2 || code.size() > 9) return unsupported("is not known");
    for (char c : code.substr(1)) {
      if (c < '0' || c > '9') return unsupported("is not known");
      length = 10 * length + static_cast<std::size_t>(c - '0');
    }
    if (length == 0) return unsupported("has items of no size");
    array.dtype = DType::kText;
    array.text_size = length;
    return {};
  }
  for (const DTypeInfo& info : kDTypes) {
    if (code == info.code) {
      array.dtype = info.dtype;
      return {};
    }
  }
  return unsupported("is not supported");
}

void copy_from_fortran_order(const Array& array, ByteSpan from, std::uint8_t* to) {
  const std::size_t item = array.item_size(), rank = array.shape.size();
  std::vector<std::size_t> index(rank, 0), stride(rank, item);
  for (std::size_t axis = 1; axis < rank; ++axis) stride[axis] = stride[axis - 1] * array.shape[axis - 1];
  std::size_t offset = 0;
  for (std::size_t i = 0, count = array.size(); i < count; ++i) {
    std::memcpy(to + i * item, from.data() + offset, item);
    for (std::size_t axis = rank; axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < array.shape[axis]) break;
      offset -= stride[axis] * array.shape[axis];
      index[axis] = 0;
    }
  }
}

template <class T>
T item(const Array& array, std::size_t i) {
  T value;
  std::memcpy(&value, array.bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// Calls body(value) for every item, in its own C++ type.
template <class Body>
base::Status for_each_number(const Array& array, const Body& body) {
  auto all = [&]<class T>(T) -> base::Status {
    for (std::size_t i = 0, count = array.size(); i < count; ++i) BLINDPROOF_TRY(body(item<T>(array, i)));
    return {};
  };
  switch (array.dtype) {
    case DType::kBool:
      return all(std::uint8_t{});
    case DType::kInt8:
      return all(std::int8_t{});
    case DType::kUInt8:
      return all(std::uint8_t{});
    case DType::kInt16:
      return all(std::int16_t{});
    case DType::kUInt16:
      return all(std::uint16_t{});
    case DType::kInt32:
      return all(std::int32_t{});
    case DType::kUInt32:
      return all(std::uint32_t{});
    case DType::kInt64:
      return all(std::int64_t{});
    case DType::kUInt64:
      return all(std::uint64_t{});
    case DType::kFloat32:
      return all(float{});
    case DType::kFloat64:
      return all(double{});
    case DType::kText:
      break;
  }
  return base::error(ErrorCode::kUnsupported, "array", "text where numbers are needed");
}

template <class T>
Array from_values(DType dtype, std::vector<std::size_t> shape, std::span<const T> values) {
  Array array{dtype, std::move(shape), Bytes(values.size_bytes()), 0};
  BLINDPROOF_CHECK(array.size() == values.size(), "the shape doesn't hold that many values");
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), values.size_bytes());
  return array;
}

}  // namespace

std::string_view dtype_name(DType dtype) noexcept { return info_of(dtype).name; }

std::size_t Array::item_size() const { return info_of(dtype).size * (dtype == DType::kText ? text_size : 1); }

std::size_t Array::size() const {
  std::size_t count = 1;
  for (std::size_t dimension : shape) count *= dimension;
  return count;
}

Result<Array> parse_npy(ByteSpan bytes, std::string_view place_view) {
  const std::string place(place_view);
  if (bytes.size() < kMagicSize || std::memcmp(bytes.data(), kMagic, kMagicSize) != 0) {
    return base::error(ErrorCode::kMalformed, place, "is not a .npy file");
  }
  base::ByteReader in(bytes, place);
  in.raw(kMagicSize);
  const std::uint8_t major = in.u8(), minor = in.u8();
  if (in.ok() && (major < 1 || major > 3 || minor != 0)) {
    return base::error(
        ErrorCode::kUnsupported, place,
        ".npy version " + std::to_string(major) + "." + std::to_string(minor) + "; versions 1.0 to 3.0 are read");
  }
  const std::size_t header_size = major == 1 ? in.u16() : in.u32();
  if (header_size > kMaxHeaderSize) return base::error(ErrorCode::kLimit, place, "the .npy header is too long");
  const ByteSpan header_bytes = in.raw(header_size);
  BLINDPROOF_TRY(in.status());

  Header header;
  if (!HeaderParser({reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size()}).parse(header)) {
    return base::error(ErrorCode::kMalformed, place,
                       "the .npy header is not a plain description of type, order and shape");
  }
  Array array;
  BLINDPROOF_TRY(parse_descr(header.descr, place, array));
  array.shape = std::move(header.shape);
  const auto count = bounded_count(array.shape, array.item_size());
  if (!count) return base::error(ErrorCode::kLimit, place, "the array is larger than 4 GiB");
  const ByteSpan data = in.raw(*count * array.item_size());
  BLINDPROOF_TRY(in.finish());
  if (array.dtype == DType::kBool &&
      std::any_of(data.begin(), data.end(), [](std::uint8_t byte) { return byte > 1; })) {
    return base::error(ErrorCode::kMalformed, place, "a boolean that is neither 0 nor 1");
  }
  if (header.fortran_order && array.shape.size() > 1) {
    array.bytes.resize(data.size());
    copy_from_fortran_order(array, data, array.bytes.data());
  } else {
    array.bytes.assign(data.begin(), data.end());
  }
  return array;
}

Result<Array> read_npy(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const Bytes bytes, base::read_file(path, kMaxArrayBytes + kMaxHeaderSize + kMagicSize + 6));
  return parse_npy(bytes, path.string());
}

Bytes write_npy(const Array& array) {
  BLINDPROOF_CHECK(array.bytes.size() == array.size() * array.item_size(), "the array's bytes don't fit its shape");
  const DTypeInfo& info = info_of(array.dtype);
  std::string header = "{'descr': '";
  header += info.size == 1 ? '|' : '<';
  header += info.code;
  if (array.dtype == DType::kText) header += std::to_string(array.text_size);
  header += "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    if (i != 0) header += ' ';
    header += std::to_string(array.shape[i]);
    if (i + 1 < array.shape.size() || i == 0) header += ',';
  }
  header += "), }";
  const std::size_t prefix = kMagicSize + 2 + 2;
  header.append((kAlignment - (prefix + header.size() + 1) % kAlignment) % kAlignment, ' ');
  header += '\n';

  base::ByteWriter out;
  for (std::size_t i = 0; i < kMagicSize; ++i) out.u8(static_cast<std::uint8_t>(kMagic[i]));
  out.u8(1);
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(header.size()));
  out.raw(base::as_bytes(header));
  out.raw(array.bytes);
  return std::move(out).take();
}

Result<std::vector<float>> to_floats(const Array& array) {
  std::vector<float> out;
  out.reserve(array.dtype == DType::kText ? 0 : array.size());
  BLINDPROOF_TRY(for_each_number(array, [&](auto value) -> base::Status {
    const auto narrowed = static_cast<float>(value);
    if constexpr (std::is_same_v<decltype(value), double>) {
      if (std::isinf(narrowed) && std::isfinite(value)) {
        return base::error(ErrorCode::kLimit, "array", "a value is beyond the range of 32-bit floats");
      }
    }
    out.push_back(narrowed);
    return {};
  }));
  return out;
}

Result<std::vector<double>> to_doubles(const Array& array) {
  std::vector<double> out;
  out.reserve(array.dtype == DType::kText ? 0 : array.size());
  BLINDPROOF_TRY(for_each_number(array, [&](auto value) -> base::Status {
    out.push_back(static_cast<double>(value));
    return {};
  }));
  return out;
}

Result<std::vector<std::int64_t>> to_int64(const Array& array) {
  std::vector<std::int64_t> out;
  out.reserve(array.dtype == DType::kText ? 0 : array.size());
  BLINDPROOF_TRY(for_each_number(array, [&](auto value) -> base::Status {
    using T = decltype(value);
    if constexpr (std::is_floating_point_v<T>) {
      if (!(std::fabs(static_cast<double>(value)) <= 0x1p53) || std::trunc(value) != value) {
        return base::error(ErrorCode::kLimit, "array", "a value is not an integer below 2^53");
      }
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return base::error(ErrorCode::kLimit, "array", "a value is above 2^63-1");
      }
    }
    out.push_back(static_cast<std::int64_t>(value));
    return {};
  }));
  return out;
}

Result<std::vector<std::string>> to_texts(const Array& array) {
  if (array.dtype != DType::kText) {
    return base::error(ErrorCode::kUnsupported, "array",
                       std::string(dtype_name(array.dtype)) + " where text is needed");
  }
  std::vector<std::string> out;
  for (std::size_t i = 0, count = array.size(); i < count; ++i) {
    std::string text;
    for (std::size_t j = 0; j < array.text_size; ++j) {
      const auto code_point = item<std::uint32_t>(array, i * array.text_size + j);
      if (code_point > 127) return base::error(ErrorCode::kUnsupported, "array", "text that is not ASCII");
      text.push_back(static_cast<char>(code_point));
    }
    text.erase(text.find_last_not_of('\0') + 1);
    out.push_back(std::move(text));
  }
  return out;
}

Array from_floats(std::vector<std::size_t> shape, std::span<const float> values) {
  return from_values(DType::kFloat32, std::move(shape), values);
}

Array from_doubles(std::vector<std::size_t> shape, std::span<const double> values) {
  return from_values(DType::kFloat64, std::move(shape), values);
}

Array from_int64(std::vector<std::size_t> shape, std::span<const std::int64_t> values) {
  return from_values(DType::kInt64, std::move(shape), values);
}

Array from_texts(std::vector<std::size_t> shape, std::span<const std::string> values) {
  std::size_t longest = 1;  // NumPy has no text of length 0
  for (const std::string& value : values) longest = std::max(longest, value.size());
  std::vector<std::uint32_t> code_points(values.size() * longest, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values[i].size(); ++j) {
      const auto code_point = static_cast<unsigned char>(values[i][j]);
      BLINDPROOF_CHECK(code_point >= 1 && code_point <= 127, "text that is not ASCII");
      code_points[i * longest + j] = code_point;
    }
  }
  Array array{DType::kText, std::move(shape), Bytes(4 * code_points.size()), longest};
  BLINDPROOF_CHECK(array.size() == values.size(), "the shape doesn't hold that many values");
  if (!code_points.empty()) std::memcpy(array.bytes.data(), code_points.data(), array.bytes.size());
  return array;
}

}  // namespace blindproof::arrays
