#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "blindproof/onnx/operators.h"
#include "blindproof/onnx/window.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
namespace op = model::float_op;

// [rows, columns] to [columns, rows].
std::vector<float> transposed(const std::vector<float>& matrix, std::size_t rows, std::size_t columns) {
  std::vector<float> out(matrix.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  }
  return out;
}

void scale(std::vector<float>& values, float factor) {
  if (factor == 1) return;
  for (float& value : values) value *= factor;
}

// The permutation that swaps the last two of `rank` axes.
op::Transpose swap_last_two(std::size_t rank) {
  op::Transpose transpose;
  for (std::size_t i = 0; i < rank; ++i) transpose.permutation.push_back(i);
  std::swap(transpose.permutation[rank - 1], transpose.permutation[rank - 2]);
  return transpose;
}

Shape with_last_two_swapped(Shape shape) {
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return shape;
}

// Rows and columns of a constant matrix; leading dimensions of 1 don't matter.
struct MatrixSize {
  std::size_t rows, columns;
};
std::optional<MatrixSize> matrix_size(const Constant& constant) {
  const auto& dims = constant.dims;
  if (dims.size() < 2 || !std::all_of(dims.begin(), dims.end() - 2, [](std::size_t d) { return d == 1; }))
    return std::nullopt;
  return MatrixSize{dims[dims.size() - 2], dims[dims.size() - 1]};
}

// x W.
Result<Value> multiply_from_right(NodeContext& node, Computed x, const Constant& constant) {
  const Shape in = node.shape(x);
  std::optional<MatrixSize> size = matrix_size(constant);
  const bool is_vector = constant.dims.size() == 1;
  if (is_vector) size = MatrixSize{constant.dims[0], 1};
  if (!size || constant.dims.size() > std::max<std::size_t>(2, node.rank(x))) {
    return node.unsupported("the constant of shape " + model::to_string(constant.dims) + " is not one matrix");
  }
  if (in.empty() || in.back() != size->rows) {
    return node.malformed("the shapes " + node.file_shape(x) + " and " + model::to_string(constant.dims) +
                          " can't be multiplied");
  }
  op::Dense dense{size->columns, size->rows, transposed(constant.as_floats(), size->rows, size->columns), {}};
  Shape out = in;
  out.back() = size->columns;
  Computed y = node.append(std::move(dense), x, out);
  if (!is_vector) return Value(y);
  out.pop_back();
  return Value(node.reshape(y, out));
}

// W x for each sample's matrix x: the transpose of x^T W^T.
Result<Value> multiply_from_left(NodeContext& node, const Constant& constant, Computed x) {
  const std::optional<MatrixSize> size = matrix_size(constant);
  const Shape in = node.shape(x);
  if (!size || constant.dims.size() > node.rank(x)) {
    return node.unsupported("the constant of shape " + model::to_string(constant.dims) + " is not one matrix");
  }
  if (in.size() < 2) return node.unsupported("a constant times " + node.file_shape(x) + " would mix samples");
  if (in[in.size() - 2] != size->columns) {
    return node.malformed("the shapes " + model::to_string(constant.dims) + " and " + node.file_shape(x) +
                          " can't be multiplied");
  }
  const Shape turned = with_last_two_swapped(in);
  Shape out = turned;
  out.back() = size->rows;
  const Computed columns = node.append(swap_last_two(in.size()), x, turned);
  const Computed product = node.append(op::Dense{size->rows, size->columns, constant.as_floats(), {}}, columns, out);
  return Value(node.append(swap_last_two(in.size()), product, with_last_two_swapped(out)));
}

}  // namespace

Result<Value> import_gemm(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed a, node.computed(0));
  BLINDPROOF_ASSIGN(const ConstantPointer b, node.constant(1));
  const float alpha = node.attributes.number("alpha", 1), beta = node.attributes.number("beta", 1);
  const bool b_is_transposed = node.attributes.integer("transB", 0) != 0;
  if (node.attributes.integer("transA", 0) != 0) return node.unsupported("transA=1 would mix samples");
  const Shape in = node.shape(a);
  if (node.graph().batch_rank() == 0 || in.size() != 1)
    return node.malformed("an input of [N,features] is needed, not " + node.file_shape(a));
  if (b->dims.size() != 2) return node.malformed("the weights are not a matrix");
  const std::size_t inputs = b->dims[b_is_transposed ? 1 : 0], outputs = b->dims[b_is_transposed ? 0 : 1];
  if (inputs != in[0]) {
    return node.malformed("the shapes " + node.file_shape(a) + " and " + model::to_string(b->dims) +
                          " can't be multiplied");
  }
  op::Dense dense{outputs, inputs, b->as_floats(), {}};
  if (!b_is_transposed) dense.weight = transposed(dense.weight, inputs, outputs);
  scale(dense.weight, alpha);
  if (node.has_input(2)) {
    BLINDPROOF_ASSIGN(const ConstantPointer c, node.constant(2));
    // It spreads over [N, outputs], and must not differ between samples.
    const bool fits = c->dims.size() <= 2 && (c->size() == 1 || (c->size() == outputs && c->dims.back() == outputs));
    if (!fits) return node.unsupported("a bias of shape " + model::to_string(c->dims) + " is not one for each output");
    dense.bias = c->as_floats();
    if (dense.bias.size() != outputs) dense.bias.assign(outputs, dense.bias[0]);
    scale(dense.bias, beta);
  }
  return Value(node.append(std::move(dense), a, Shape{outputs}));
}

Result<Value> import_mat_mul(NodeContext& node) {
  if (node.input_count() != 2) return node.malformed("two inputs are needed");
  if (node.is_constant(1)) {
    BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
    BLINDPROOF_ASSIGN(const ConstantPointer constant, node.constant(1));
    return multiply_from_right(node, x, *constant);
  }
  if (node.is_constant(0)) {
    BLINDPROOF_ASSIGN(const ConstantPointer constant, node.constant(0));
    BLINDPROOF_ASSIGN(const Computed x, node.computed(1));
    return multiply_from_left(node, *constant, x);
  }
  return node.unsupported("both factors are computed from the input; one must be a constant");
}

Result<Value> import_conv(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const ConstantPointer weight, node.constant(1));
  BLINDPROOF_ASSIGN(const Image image, as_image(node, x));
  const std::size_t dimensions = image.dimensions(), channels = node.shape(image.value)[0];
  if (weight->dims.size() != 2 + dimensions) {
    return node.malformed("weights of shape " + model::to_string(weight->dims) + " don't fit an input of " +
                          node.file_shape(x));
  }
  const std::vector<std::size_t> kernel(weight->dims.begin() + 2, weight->dims.end());
  if (const auto given = node.attributes.integers("kernel_shape")) {
    if (!std::equal(given->begin(), given->end(), kernel.begin(), kernel.end(),
                    [](std::int64_t a, std::size_t b) { return a >= 0 && static_cast<std::size_t>(a) == b; })) {
      return node.malformed("kernel_shape differs from the weights' shape");
    }
  }
  const std::int64_t groups = node.attributes.integer("group", 1);
  const std::size_t outputs = weight->dims[0], group_inputs = weight->dims[1];
  if (groups < 1 || static_cast<std::size_t>(groups) > channels || outputs == 0 ||
      outputs % static_cast<std::size_t>(groups) != 0 || group_inputs * static_cast<std::size_t>(groups) != channels) {
    return node.malformed("weights of shape " + model::to_string(weight->dims) + " in " + std::to_string(groups) +
                          " groups don't fit an input of " + node.file_shape(x));
  }
  BLINDPROOF_ASSIGN(const model::Window2d window, read_window(node, image, kernel));
  BLINDPROOF_ASSIGN(Shape out, windowed_shape(node, image, window, outputs));
  op::Conv2d conv{outputs, channels, static_cast<std::size_t>(groups), window, weight->as_floats(), {}};
  if (node.has_input(2)) {
    BLINDPROOF_ASSIGN(const ConstantPointer bias, node.constant(2));
    if (bias->dims != std::vector<std::size_t>{outputs})
      return node.malformed("there isn't one bias for each output channel");
    conv.bias = bias->as_floats();
  }
  return Value(from_image(node, node.append(std::move(conv), image.value, std::move(out)), image));
}

}  // namespace blindproof::onnx
