#include "blindproof/onnx/constant.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "blindproof/model/shape.h"
#include "blindproof/onnx/import.h"

namespace blindproof::onnx {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using proto::TensorProto;

static_assert(std::endian::native == std::endian::little, "raw tensor data is little-endian");

// binary16: sign, 5 bits of exponent, 10 of fraction.
float from_float16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return bits >> 15 ? -magnitude : magnitude;
}

float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// Calls body(T{}) with the type of the raw elements.
template <class Body>
void with_element_type(std::int32_t data_type, const Body& body) {
  switch (data_type) {
    case TensorProto::FLOAT:
      return body(float{});
    case TensorProto::DOUBLE:
      return body(double{});
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::UINT16:
      return body(std::uint16_t{});
    case TensorProto::INT16:
      return body(std::int16_t{});
    case TensorProto::INT8:
      return body(std::int8_t{});
    case TensorProto::BOOL:
    case TensorProto::UINT8:
      return body(std::uint8_t{});
    case TensorProto::INT32:
      return body(std::int32_t{});
    case TensorProto::UINT32:
      return body(std::uint32_t{});
    case TensorProto::INT64:
      return body(std::int64_t{});
    case TensorProto::UINT64:
      return body(std::uint64_t{});
    default:
      return;
  }
}

// Appends one element; false if an integer doesn't fit.
template <class T>
bool append(Constant& out, std::int32_t data_type, T value) {
  if (data_type == TensorProto::FLOAT16) {
    out.floats.push_back(from_float16(static_cast<std::uint16_t>(value)));
  } else if (data_type == TensorProto::BFLOAT16) {
    out.floats.push_back(from_bfloat16(static_cast<std::uint16_t>(value)));
  } else if constexpr (std::is_floating_point_v<T>) {
    out.floats.push_back(static_cast<float>(value));
  } else {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
    }
    out.integers.push_back(static_cast<std::int64_t>(value));
  }
  return true;
}

bool append_raw(Constant& out, std::int32_t data_type, const std::string& raw) {
  bool fits = true;
  with_element_type(data_type, [&]<class T>(T value) {
    for (std::size_t at = 0; at + sizeof(T) <= raw.size() && fits; at += sizeof(T)) {
      std::memcpy(&value, raw.data() + at, sizeof(T));
      fits = append(out, data_type, value);
    }
  });
  return fits;
}

// The field that holds a type's elements when they are not raw; false if an element is out of range or there is another
// number of them than `count`.
bool append_typed(Constant& out, const TensorProto& tensor, std::size_t count) {
  const std::int32_t type = tensor.data_type();
  auto all = [&](const auto& values) {
    if (static_cast<std::size_t>(values.size()) != count) return false;
    bool fits = true;
    with_element_type(type, [&]<class T>(T) {
      for (const auto value : values) {
        if constexpr (std::is_integral_v<T> && std::is_integral_v<std::remove_const_t<decltype(value)>>) {
          fits = fits && std::in_range<T>(value);
        }
        fits = fits && append(out, type, static_cast<T>(value));
      }
    });
    return fits;
  };
  switch (type) {
    case TensorProto::FLOAT:
      return all(tensor.float_data());
    case TensorProto::DOUBLE:
      return all(tensor.double_data());
    case TensorProto::INT64:
      return all(tensor.int64_data());
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return all(tensor.uint64_data());
    default:
      return all(tensor.int32_data());
  }
}

std::optional<std::uint64_t> parse_decimal(const std::string& text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// `location` inside `folder`, with every symbolic link on the way followed; nothing if that leaves the folder.
std::optional<std::filesystem::path> inside(const std::filesystem::path& folder, const std::string& location) {
  const std::filesystem::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute()) return std::nullopt;
  for (const auto& part : relative) {
    if (part == "..") return std::nullopt;
  }
  std::error_code failure;
  const auto root = std::filesystem::canonical(folder, failure);
  if (failure) return std::nullopt;
  const auto file = std::filesystem::weakly_canonical(root / relative, failure);
  if (failure) return std::nullopt;
  const auto [root_end, mismatch] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (root_end != root.end() || mismatch == file.end()) return std::nullopt;
  return file;
}

}  // namespace

std::vector<float> Constant::as_floats() const {
  if (is_float) return floats;
  std::vector<float> out;
  out.reserve(integers.size());
  for (std::int64_t value : integers) out.push_back(static_cast<float>(value));
  return out;
}

std::size_t element_bytes(std::int32_t data_type) {
  std::size_t size = 0;
  with_element_type(data_type, [&]<class T>(T) { size = sizeof(T); });
  return size;
}

std::string data_type_name(std::int32_t data_type) {
  if (!TensorProto::DataType_IsValid(data_type)) return "type " + std::to_string(data_type);
  std::string name = TensorProto::DataType_Name(static_cast<TensorProto::DataType>(data_type));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

bool is_float_type(std::int32_t data_type) {
  return data_type == TensorProto::FLOAT || data_type == TensorProto::DOUBLE || data_type == TensorProto::FLOAT16 ||
         data_type == TensorProto::BFLOAT16;
}

bool is_integer_type(std::int32_t data_type) { return element_bytes(data_type) != 0 && !is_float_type(data_type); }

Result<ConstantPointer> ConstantDecoder::decode(const TensorProto& tensor, const std::string& place) {
  const std::size_t item = element_bytes(tensor.data_type());
  if (item == 0) {
    return base::error(ErrorCode::kUnsupported, place,
                       "is a tensor of " + data_type_name(tensor.data_type()) + ", not of numbers");
  }
  if (tensor.has_segment()) return base::error(ErrorCode::kUnsupported, place, "is a tensor in segments");
  auto constant = std::make_shared<Constant>();
  constant->is_float = is_float_type(tensor.data_type());
  std::size_t count = 1;
  bool empty = false;
  for (std::int64_t dim : tensor.dims()) {
    if (dim < 0) return base::error(ErrorCode::kMalformed, place, "has a negative dimension");
    const auto size = static_cast<std::size_t>(dim);
    constant->dims.push_back(size);
    empty = empty || size == 0;
    if (size != 0 && size > model::kMaxElements / count)
      return base::error(ErrorCode::kLimit, place, "has too many elements");
    count *= size == 0 ? 1 : size;
  }
  if (constant->dims.size() > 2 * model::kMaxDimensions)
    return base::error(ErrorCode::kLimit, place, "has too many dimensions");
  if (empty) count = 0;
  decoded_elements_ += count;
  if (decoded_elements_ > kMaxConstantElements)
    return base::error(ErrorCode::kLimit, place, "all weights together are too many");

  const bool typed = tensor.float_data_size() + tensor.double_data_size() + tensor.int32_data_size() +
                         tensor.int64_data_size() + tensor.uint64_data_size() !=
                     0;
  const bool external = tensor.data_location() == TensorProto::EXTERNAL;
  if ((tensor.has_raw_data() && (typed || external)) || (typed && external)) {
    return base::error(ErrorCode::kMalformed, place, "has its values in two places");
  }
  if (tensor.has_raw_data() || external) {
    std::string from_file;
    if (external) {
      BLINDPROOF_ASSIGN(from_file, read_external(tensor, count * item, place));
    }
    const std::string& raw = external ? from_file : tensor.raw_data();
    if (raw.size() != count * item) {
      return base::error(
          ErrorCode::kMalformed, place,
          "has " + std::to_string(raw.size()) + " bytes of values; its shape needs " + std::to_string(count * item));
    }
    (constant->is_float ? constant->floats.reserve(count) : constant->integers.reserve(count));
    if (!append_raw(*constant, tensor.data_type(), raw))
      return base::error(ErrorCode::kLimit, place, "has an integer above 2^63-1");
  } else if (!append_typed(*constant, tensor, count)) {
    return base::error(ErrorCode::kMalformed, place,
                       "has another number of values than its shape needs, or one out of range");
  }
  return ConstantPointer(std::move(constant));
}

Result<std::string> ConstantDecoder::read_external(const TensorProto& tensor, std::size_t size,
                                                   const std::string& place) {
  std::map<std::string, std::string> entries;
  for (const auto& entry : tensor.external_data()) {
    if (!entries.emplace(entry.key(), entry.value()).second) {
      return base::error(ErrorCode::kMalformed, place, "names its external data twice");
    }
  }
  const std::string location = entries["location"];
  const std::optional<std::uint64_t> offset = entries.contains("offset") ? parse_decimal(entries["offset"]) : 0;
  const std::optional<std::uint64_t> length = entries.contains("length") ? parse_decimal(entries["length"]) : size;
  if (!offset || !length || *length != size) {
    return base::error(ErrorCode::kMalformed, place, "has an offset or length of external data that can't be right");
  }
  if (folder_.empty())
    return base::error(ErrorCode::kUnsupported, place, "has its values in another file, and no folder was given");
  const auto path = inside(folder_, location);
  if (!path) {
    return base::error(ErrorCode::kInvalidArgument, place, "has its values in a file outside the model's own folder");
  }
  const int fd = ::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return base::error(ErrorCode::kIo, place, "external data can't be opened: " + std::string(std::strerror(errno)));
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    return base::error(ErrorCode::kIo, place, "external data is not a regular file");
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  if (*offset > file_size || size > file_size - *offset) {
    return base::error(ErrorCode::kMalformed, place, "external data ends too early");
  }
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(*offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return base::error(ErrorCode::kIo, place, "external data can't be read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace blindproof::onnx
