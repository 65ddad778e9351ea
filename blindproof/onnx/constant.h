// Tensors that are known while a model is imported: weights, shapes, axes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/onnx/proto.h"

namespace blindproof::onnx {

/// Either floats (from float16, bfloat16, float, double) or integers (from the integer types and bool).
struct Constant {
  std::vector<std::size_t> dims;
  bool is_float = true;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;

  std::size_t size() const { return is_float ? floats.size() : integers.size(); }
  /// The values as floats, whatever they are.
  std::vector<float> as_floats() const;
};

using ConstantPointer = std::shared_ptr<const Constant>;

/// Bytes of an element; 0 for types that are not numbers.
std::size_t element_bytes(std::int32_t data_type);
/// "float", "int64", ...; the number itself for unknown types.
std::string data_type_name(std::int32_t data_type);
bool is_float_type(std::int32_t data_type);
bool is_integer_type(std::int32_t data_type);

class ConstantDecoder {
 public:
  /// An empty folder refuses external data.
  explicit ConstantDecoder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Errors: kMalformed, kUnsupported (types, segments), kLimit, kIo; kInvalidArgument for a path outside the folder.
  base::Result<ConstantPointer> decode(const proto::TensorProto& tensor, const std::string& place);

 private:
  base::Result<std::string> read_external(const proto::TensorProto& tensor, std::size_t size, const std::string& place);

  std::filesystem::path folder_;
  std::size_t decoded_elements_ = 0;
};

}  // namespace blindproof::onnx
