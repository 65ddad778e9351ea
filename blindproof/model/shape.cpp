#include "blindproof/model/shape.h"

#include <algorithm>

namespace blindproof::model {

std::size_t element_count(const Shape& shape) {
  std::size_t count = 1;
  for (std::size_t dimension : shape) {
    if (dimension == 0 || dimension > kMaxElements / count) return 0;
    count *= dimension;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) out += ',';
    out += std::to_string(shape[i]);
  }
  return out + "]";
}

std::size_t Window2d::output_size(std::size_t axis, std::size_t input_size) const {
  // Below this bound no sum or product of 64 bits wraps; above it no tensor could be that large.
  for (std::size_t value : {kernel[axis], stride[axis], dilation[axis], pad_begin[axis], pad_end[axis], input_size}) {
    if (value > kMaxElements) return 0;
  }
  if (kernel[axis] == 0 || stride[axis] == 0 || dilation[axis] == 0) return 0;
  const std::uint64_t extent = (std::uint64_t{kernel[axis]} - 1) * dilation[axis] + 1;
  const std::uint64_t padded = std::uint64_t{pad_begin[axis]} + input_size + pad_end[axis];
  return padded < extent ? 0 : static_cast<std::size_t>((padded - extent) / stride[axis] + 1);
}

}  // namespace blindproof::model
