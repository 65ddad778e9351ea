// Which cells of an image a window covers.
#pragma once

#include "blindproof/model/shape.h"

namespace blindproof::compiler {

/// Calls visit(ky, kx, y, x) for the cells of the window at output position (oy, ox) that lie within the image [channels, height, width].
template <class Visit>
void for_each_cell(const model::Window2d& window, const model::Shape& in, std::size_t oy, std::size_t ox, Visit&& visit) {
  for (std::size_t ky = 0; ky < window.kernel[0]; ++ky) {
    const std::size_t y = oy * window.stride[0] + ky * window.dilation[0];
    if (y < window.pad_begin[0] || y - window.pad_begin[0] >= in[1]) continue;
    for (std::size_t kx = 0; kx < window.kernel[1]; ++kx) {
      const std::size_t x = ox * window.stride[1] + kx * window.dilation[1];
      if (x < window.pad_begin[1] || x - window.pad_begin[1] >= in[2]) continue;
      visit(ky, kx, y - window.pad_begin[0], x - window.pad_begin[1]);
    }
  }
}

/// Calls visit(from) for each element of the output in order: the element of the input that it is.
template <class Visit>
void for_each_transposed(const std::vector<std::size_t>& permutation, const model::Shape& in, const model::Shape& out, Visit&& visit) {
  std::vector<std::size_t> strides(in.size(), 1);
  for (std::size_t axis = in.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * in[axis];
  const std::size_t count = model::element_count(in);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t from = 0, rest = i;
    for (std::size_t axis = out.size(); axis-- > 0;) {
      from += rest % out[axis] * strides[permutation[axis]];
      rest /= out[axis];
    }
    visit(from);
  }
}

}  // namespace blindproof::compiler
