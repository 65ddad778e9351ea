#include <algorithm>
#include <utility>
#include <vector>

#include "blindproof/onnx/operators.h"
#include "blindproof/onnx/window.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
namespace op = model::float_op;

Result<std::vector<std::size_t>> kernel_shape(NodeContext& node, const Image& image) {
  const auto given = node.attributes.integers("kernel_shape");
  if (!given || given->size() != image.dimensions())
    return node.malformed("kernel_shape is missing or has the wrong length");
  std::vector<std::size_t> kernel;
  for (std::int64_t size : *given) {
    if (size < 1) return node.malformed("kernel_shape has a value below 1");
    kernel.push_back(static_cast<std::size_t>(size));
  }
  return kernel;
}

// Reads the image and its window; `make(window)` is the operator.
template <class Make>
Result<Value> pool(NodeContext& node, const Make& make) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const Image image, as_image(node, x));
  BLINDPROOF_ASSIGN(const std::vector<std::size_t> kernel, kernel_shape(node, image));
  BLINDPROOF_ASSIGN(const model::Window2d window, read_window(node, image, kernel));
  BLINDPROOF_ASSIGN(Shape out, windowed_shape(node, image, window, node.shape(image.value)[0]));
  return Value(from_image(node, node.append(make(window), image.value, std::move(out)), image));
}

template <class Make>
Computed pool_all(NodeContext& node, const Image& image, const Make& make) {
  const Shape shape = node.shape(image.value);
  model::Window2d window;
  window.kernel[0] = shape[1];
  window.kernel[1] = shape[2];
  return from_image(node, node.append(make(window), image.value, {shape[0], 1, 1}), image);
}

op::MaxPool2d max_pool(const model::Window2d& window) { return {window}; }
op::AveragePool2d average_pool(const model::Window2d& window) { return {window, false}; }

}  // namespace

Result<Value> import_max_pool(NodeContext& node) {
  node.attributes.ignore("storage_order");  // of the indices, which are not supported
  return pool(node, max_pool);
}

Result<Value> import_average_pool(NodeContext& node) {
  const bool count_padding = node.attributes.integer("count_include_pad", 0) != 0;
  return pool(node, [&](const model::Window2d& window) { return op::AveragePool2d{window, count_padding}; });
}

Result<Value> import_global_max_pool(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const Image image, as_image(node, x));
  return Value(pool_all(node, image, max_pool));
}

Result<Value> import_global_average_pool(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const Image image, as_image(node, x));
  return Value(pool_all(node, image, average_pool));
}

Result<Value> import_reduce_mean(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  std::optional<std::vector<std::int64_t>> given;
  if (node.opset() < 18) {
    given = node.attributes.integers("axes");
  } else {
    BLINDPROOF_ASSIGN(given, node.integers(1));
    node.attributes.ignore("noop_with_empty_axes");
  }
  const bool keep = node.attributes.integer("keepdims", 1) != 0;
  const std::size_t rank = node.shape(x).size();
  std::vector<std::size_t> axes;
  for (std::int64_t axis : given.value_or(std::vector<std::int64_t>())) {
    BLINDPROOF_ASSIGN(const std::size_t sample_axis, node.sample_axis(axis, node.rank(x)));
    axes.push_back(sample_axis);
  }
  std::sort(axes.begin(), axes.end());
  const bool spatial =
      (rank == 3 && axes == std::vector<std::size_t>{1, 2}) || (rank == 2 && axes == std::vector<std::size_t>{1});
  if (!spatial)
    return node.unsupported("only the mean over all of [H,W] or [L] of " + node.file_shape(x) + " is supported");
  BLINDPROOF_ASSIGN(const Image image, as_image(node, x));
  const Computed mean = pool_all(node, image, average_pool);
  return Value(keep ? mean : node.reshape(mean, {node.shape(x)[0]}));
}

}  // namespace blindproof::onnx
