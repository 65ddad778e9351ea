#include "blindproof/compiler/lower_fhe/affine_expression.h"

#include <algorithm>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/compiler/lower_fhe/window_cells.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::compiler {
namespace {

using fheml::SparseMatrix;
using model::Shape;
using Entries = std::vector<std::pair<std::uint32_t, float>>;

struct Affine {
  SparseMatrix matrix;
  std::vector<double> bias;
};

std::uint32_t index(std::size_t i) { return static_cast<std::uint32_t>(i); }

Affine dense(const model::float_op::Dense& op, const Shape& in) {
  const std::size_t rows = model::element_count(in) / op.inputs;
  Affine result;
  result.matrix.columns = rows * op.inputs;
  Entries entries;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < op.outputs; ++n) {
      entries.clear();
      for (std::size_t k = 0; k < op.inputs; ++k) {
        if (const float w = op.weight[n * op.inputs + k]; w != 0) entries.emplace_back(index(r * op.inputs + k), w);
      }
      result.matrix.append_row(entries);
      result.bias.push_back(op.bias.empty() ? 0.0 : static_cast<double>(op.bias[n]));
    }
  }
  return result;
}

Affine convolution(const model::float_op::Conv2d& op, const Shape& in, const Shape& out) {
  const std::size_t height = op.window.kernel[0], width = op.window.kernel[1];
  const std::size_t group_in = op.inputs / op.groups, group_out = op.outputs / op.groups;
  Affine result;
  result.matrix.columns = model::element_count(in);
  Entries entries;
  for (std::size_t c = 0; c < out[0]; ++c) {
    const std::size_t first = c / group_out * group_in;
    for (std::size_t oy = 0; oy < out[1]; ++oy) {
      for (std::size_t ox = 0; ox < out[2]; ++ox) {
        entries.clear();
        for (std::size_t i = 0; i < group_in; ++i) {
          for_each_cell(op.window, in, oy, ox, [&](std::size_t ky, std::size_t kx, std::size_t y, std::size_t x) {
            const float w = op.weight[((c * group_in + i) * height + ky) * width + kx];
            if (w != 0) entries.emplace_back(index(((first + i) * in[1] + y) * in[2] + x), w);
          });
        }
        result.matrix.append_row(entries);
        result.bias.push_back(op.bias.empty() ? 0.0 : static_cast<double>(op.bias[c]));
      }
    }
  }
  return result;
}

Affine average_pool(const model::float_op::AveragePool2d& op, const Shape& in, const Shape& out) {
  Affine result;
  result.matrix.columns = model::element_count(in);
  Entries entries;
  for (std::size_t c = 0; c < out[0]; ++c) {
    for (std::size_t oy = 0; oy < out[1]; ++oy) {
      for (std::size_t ox = 0; ox < out[2]; ++ox) {
        entries.clear();
        for_each_cell(op.window, in, oy, ox, [&](std::size_t, std::size_t, std::size_t y, std::size_t x) {
          entries.emplace_back(index((c * in[1] + y) * in[2] + x), 1.0f);
        });
        const std::size_t cells = op.count_padding ? op.window.kernel[0] * op.window.kernel[1] : entries.size();
        for (auto& [column, value] : entries) value = static_cast<float>(1.0 / static_cast<double>(cells));
        result.matrix.append_row(entries);
      }
    }
  }
  result.bias.resize(result.matrix.rows);
  return result;
}

Affine scale_shift(const model::float_op::ScaleShift& op, const Shape& shape) {
  std::size_t inner = 1;
  for (std::size_t axis = op.axis + 1; axis < shape.size(); ++axis) inner *= shape[axis];
  Affine result;
  result.matrix.columns = model::element_count(shape);
  for (std::size_t i = 0; i < result.matrix.columns; ++i) {
    const std::size_t c = i / inner % shape[op.axis];
    Entries entries;
    if (op.scale[c] != 0) entries.emplace_back(index(i), op.scale[c]);
    result.matrix.append_row(entries);
    result.bias.push_back(static_cast<double>(op.shift[c]));
  }
  return result;
}

Affine transpose(const model::float_op::Transpose& op, const Shape& in, const Shape& out) {
  Affine result;
  result.matrix.columns = model::element_count(in);
  for_each_transposed(op.permutation, in, out, [&](std::size_t from) { result.matrix.append_row(Entries{{index(from), 1.0f}}); });
  result.bias.resize(result.matrix.rows);
  return result;
}

AffineExpression after(const Affine& affine, const AffineExpression& input) {
  AffineExpression result;
  result.bias = fheml::multiply(affine.matrix, input.bias);
  for (std::size_t i = 0; i < result.bias.size(); ++i) result.bias[i] += affine.bias[i];
  for (const auto& [value, matrix] : input.terms) {
    SparseMatrix product = fheml::product(affine.matrix, matrix);
    if (product.entries() > 0) result.terms.emplace(value, std::move(product));
  }
  return result;
}

}  // namespace

AffineExpression AffineExpression::of_value(fheml::ValueId value, std::size_t size) {
  AffineExpression result;
  result.terms.emplace(value, SparseMatrix::identity(size));
  result.bias.resize(size);
  return result;
}

AffineExpression AffineExpression::of_values(std::span<const fheml::ValueId> values, std::span<const std::size_t> sizes) {
  AffineExpression result;
  for (const std::size_t size : sizes) result.bias.resize(result.bias.size() + size);
  std::size_t first = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    SparseMatrix matrix;
    matrix.columns = sizes[k];
    for (std::size_t i = 0; i < result.bias.size(); ++i) {
      const bool inside = i >= first && i < first + sizes[k];
      matrix.append_row(inside ? Entries{{index(i - first), 1.0f}} : Entries{});
    }
    BLINDPROOF_CHECK(result.terms.emplace(values[k], std::move(matrix)).second, "each value is one part");
    first += sizes[k];
  }
  return result;
}

bool AffineExpression::is_value(fheml::ValueId& value) const {
  if (terms.size() != 1 || std::ranges::any_of(bias, [](double b) { return b != 0; })) return false;
  const SparseMatrix& matrix = terms.begin()->second;
  if (matrix.rows != matrix.columns || matrix.entries() != matrix.rows) return false;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    if (matrix.begins[i] != i || matrix.column[i] != i || matrix.value[i] != 1) return false;
  }
  value = terms.begin()->first;
  return true;
}

AffineExpression part(const AffineExpression& a, std::size_t first, std::size_t count) {
  AffineExpression result;
  result.bias.assign(a.bias.begin() + static_cast<std::ptrdiff_t>(first), a.bias.begin() + static_cast<std::ptrdiff_t>(first + count));
  for (const auto& [value, matrix] : a.terms) {
    SparseMatrix rows;
    rows.columns = matrix.columns;
    Entries entries;
    for (std::size_t i = first; i < first + count; ++i) {
      entries.clear();
      for (std::uint64_t k = matrix.begins[i]; k < matrix.begins[i + 1]; ++k) entries.emplace_back(matrix.column[k], matrix.value[k]);
      rows.append_row(entries);
    }
    if (rows.entries() > 0) result.terms.emplace(value, std::move(rows));
  }
  return result;
}

AffineExpression scaled(AffineExpression a, double factor) {
  for (auto& [value, matrix] : a.terms) {
    for (float& entry : matrix.value) entry = static_cast<float>(static_cast<double>(entry) * factor);
  }
  for (double& b : a.bias) b *= factor;
  return a;
}

AffineExpression add(const AffineExpression& a, const AffineExpression& b, double factor_of_b) {
  AffineExpression result = scaled(b, factor_of_b);
  for (std::size_t i = 0; i < result.bias.size(); ++i) result.bias[i] += a.bias[i];
  for (const auto& [value, matrix] : a.terms) {
    const auto found = result.terms.find(value);
    if (found == result.terms.end()) {
      result.terms.emplace(value, matrix);
    } else {
      found->second = fheml::sum(found->second, matrix);
      if (found->second.entries() == 0) result.terms.erase(found);
    }
  }
  return result;
}

bool is_affine(const model::FloatOp& op) {
  using namespace model::float_op;
  return std::holds_alternative<Dense>(op) || std::holds_alternative<Conv2d>(op) || std::holds_alternative<ScaleShift>(op) ||
         std::holds_alternative<Add>(op) || std::holds_alternative<Subtract>(op) || std::holds_alternative<AveragePool2d>(op) ||
         std::holds_alternative<Reshape>(op) || std::holds_alternative<Transpose>(op);
}

AffineExpression apply(const model::FloatNode& node, const std::vector<const AffineExpression*>& inputs,
                       const std::vector<model::Shape>& input_shapes, const model::Shape& output_shape) {
  using namespace model::float_op;
  const Shape& in = input_shapes[0];
  return std::visit(
      model::Overloaded{
          [&](const Dense& op) { return after(dense(op, in), *inputs[0]); },
          [&](const Conv2d& op) { return after(convolution(op, in, output_shape), *inputs[0]); },
          [&](const ScaleShift& op) { return after(scale_shift(op, in), *inputs[0]); },
          [&](const AveragePool2d& op) { return after(average_pool(op, in, output_shape), *inputs[0]); },
          [&](const Transpose& op) { return after(transpose(op, in, output_shape), *inputs[0]); },
          [&](const Reshape&) { return *inputs[0]; },
          [&](const Add&) { return add(*inputs[0], *inputs[1], 1); },
          [&](const Subtract&) { return add(*inputs[0], *inputs[1], -1); },
          [&](const auto&) -> AffineExpression {
            BLINDPROOF_CHECK(false, "the node isn't linear");
            return {};
          },
      },
      node.op);
}

}  // namespace blindproof::compiler
