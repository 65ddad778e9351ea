// Shapes of tensors: row-major, the batch dimension is never part of a shape.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace blindproof::model {

using Shape = std::vector<std::size_t>;

inline constexpr std::size_t kMaxElements = std::size_t{1} << 28;  // of one tensor
inline constexpr std::size_t kMaxDimensions = 6;

/// Number of elements; 1 for the empty shape; 0 if a dimension is 0 or the product exceeds kMaxElements (never valid).
std::size_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "[6,28,28]"

/// A window sliding over the two last axes of a [channels, height, width] tensor.
struct Window2d {
  std::size_t kernel[2] = {1, 1};  // height, width
  std::size_t stride[2] = {1, 1};
  std::size_t dilation[2] = {1, 1};
  std::size_t pad_begin[2] = {0, 0};  // top, left
  std::size_t pad_end[2] = {0, 0};    // bottom, right
  bool operator==(const Window2d&) const = default;

  /// Positions of the window along axis 0 (height) or 1 (width) for an input of that size; 0 if the window doesn't fit.
  std::size_t output_size(std::size_t axis, std::size_t input_size) const;
};

}  // namespace blindproof::model
