#include "blindproof/onnx/window.h"

#include <algorithm>
#include <optional>
#include <string>

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
using model::Window2d;

// `count` sizes between `least` and the graph's limit; `fallback` for each if the attribute is missing.
Result<std::vector<std::size_t>> sizes(NodeContext& node, const std::string& name, std::size_t count,
                                       std::int64_t least, std::size_t fallback) {
  const auto given = node.attributes.integers(name);
  if (!given) return std::vector<std::size_t>(count, fallback);
  if (given->size() != count) return node.malformed("'" + name + "' doesn't have " + std::to_string(count) + " values");
  std::vector<std::size_t> out;
  for (std::int64_t value : *given) {
    if (value < least) return node.unsupported("'" + name + "' has the value " + std::to_string(value));
    if (value > static_cast<std::int64_t>(model::kMaxWindow)) return node.malformed("'" + name + "' is too large");
    out.push_back(static_cast<std::size_t>(value));
  }
  return out;
}

}  // namespace

Result<Image> as_image(NodeContext& node, Computed x) {
  const Shape shape = node.shape(x);
  if (node.graph().batch_rank() == 1 && shape.size() == 3) return Image{x, false};
  if (node.graph().batch_rank() == 1 && shape.size() == 2) return Image{node.reshape(x, {shape[0], 1, shape[1]}), true};
  return node.unsupported("an input of [N,C,H,W] or [N,C,L] is needed, not " + node.file_shape(x));
}

Computed from_image(NodeContext& node, Computed y, const Image& image) {
  if (!image.is_signal) return y;
  const Shape shape = node.shape(y);
  return node.reshape(y, {shape[0], shape[2]});
}

Result<Window2d> read_window(NodeContext& node, const Image& image, const std::vector<std::size_t>& kernel) {
  const std::size_t count = image.dimensions();
  BLINDPROOF_ASSIGN(const auto strides, sizes(node, "strides", count, 1, 1));
  BLINDPROOF_ASSIGN(const auto dilations, sizes(node, "dilations", count, 1, 1));
  BLINDPROOF_ASSIGN(const auto pads, sizes(node, "pads", 2 * count, 0, 0));
  const std::string auto_pad = node.attributes.text("auto_pad", "NOTSET");
  const bool upper = auto_pad == "SAME_UPPER", lower = auto_pad == "SAME_LOWER";
  if (!upper && !lower && auto_pad != "VALID" && auto_pad != "NOTSET" && !auto_pad.empty()) {
    return node.unsupported("auto_pad '" + printable(auto_pad) + "' is not known");
  }
  const bool ceil_mode = node.attributes.integer("ceil_mode", 0) != 0;
  const Shape& shape = node.shape(image.value);
  Window2d window;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = i + 2 - count;  // a signal lies along the width
    if (kernel[i] == 0 || kernel[i] > model::kMaxWindow) return node.malformed("the kernel is empty or too large");
    window.kernel[axis] = kernel[i];
    window.stride[axis] = strides[i];
    window.dilation[axis] = dilations[i];
    const std::size_t extent = (kernel[i] - 1) * dilations[i] + 1, size = shape[axis + 1];
    if (upper || lower) {
      const std::size_t outputs = (size + strides[i] - 1) / strides[i];
      const std::size_t reach = (outputs - 1) * strides[i] + extent, total = reach > size ? reach - size : 0;
      window.pad_begin[axis] = upper ? total / 2 : total - total / 2;
      window.pad_end[axis] = total - window.pad_begin[axis];
    } else if (auto_pad != "VALID") {
      window.pad_begin[axis] = pads[i];
      window.pad_end[axis] = pads[i + count];
    }
    const std::size_t padded = window.pad_begin[axis] + size + window.pad_end[axis];
    if (ceil_mode && padded >= extent && (padded - extent) % strides[i] != 0) {
      return node.unsupported("ceil_mode=1 adds a partial window here, which is not supported");
    }
  }
  return window;
}

Result<Shape> windowed_shape(NodeContext& node, const Image& image, const Window2d& window, std::size_t channels) {
  const Shape& in = node.shape(image.value);
  const Shape out = {channels, window.output_size(0, in[1]), window.output_size(1, in[2])};
  if (out[1] == 0 || out[2] == 0)
    return node.malformed("the window doesn't fit into the input " + node.file_shape(image.value));
  return out;
}

}  // namespace blindproof::onnx
