#include "blindproof/compiler/lower_fhe/integer_expression.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/compiler/lower_fhe/window_cells.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::compiler {
namespace {

using base::Int128;
using fheml::IntegerMatrix;
using model::IntegerGraph;
using model::Shape;
namespace integer_op = model::integer_op;
using Entries = std::vector<std::pair<std::uint32_t, std::int64_t>>;

struct Affine {
  IntegerMatrix matrix;
  std::vector<Int128> bias;
};

std::uint32_t index(std::size_t i) { return static_cast<std::uint32_t>(i); }

std::int64_t weight_at(const IntegerGraph& graph, model::ParameterId id, std::size_t i) {
  return static_cast<std::int64_t>(model::value_at(graph.values[id], i));  // at most 16 bits
}

Int128 bias_at(const IntegerGraph& graph, const std::optional<model::ParameterId>& id, std::size_t i) {
  return id ? model::value_at(graph.values[*id], i) : 0;
}

Affine dense(const IntegerGraph& graph, const integer_op::Dense& op, const Shape& in) {
  const Shape& weight = graph.architecture.parameters[op.weight].shape;
  const std::size_t outputs = weight[0], inputs = weight[1], rows = model::element_count(in) / inputs;
  Affine result;
  result.matrix.columns = rows * inputs;
  Entries entries;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < outputs; ++n) {
      entries.clear();
      for (std::size_t k = 0; k < inputs; ++k) {
        if (const std::int64_t w = weight_at(graph, op.weight, n * inputs + k); w != 0) entries.emplace_back(index(r * inputs + k), w);
      }
      result.matrix.append_row(entries);
      result.bias.push_back(bias_at(graph, op.bias, n));
    }
  }
  return result;
}

Affine convolution(const IntegerGraph& graph, const integer_op::Conv2d& op, const Shape& in, const Shape& out) {
  const std::size_t height = op.window.kernel[0], width = op.window.kernel[1];
  const std::size_t group_in = in[0] / op.groups, group_out = out[0] / op.groups;
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
            const std::int64_t w = weight_at(graph, op.weight, ((c * group_in + i) * height + ky) * width + kx);
            if (w != 0) entries.emplace_back(index(((first + i) * in[1] + y) * in[2] + x), w);
          });
        }
        result.matrix.append_row(entries);
        result.bias.push_back(bias_at(graph, op.bias, c));
      }
    }
  }
  return result;
}

Affine sum_pool(const integer_op::SumPool2d& op, const Shape& in, const Shape& out) {
  Affine result;
  result.matrix.columns = model::element_count(in);
  Entries entries;
  for (std::size_t c = 0; c < out[0]; ++c) {
    for (std::size_t oy = 0; oy < out[1]; ++oy) {
      for (std::size_t ox = 0; ox < out[2]; ++ox) {
        entries.clear();
        for_each_cell(op.window, in, oy, ox, [&](std::size_t, std::size_t, std::size_t y, std::size_t x) {
          entries.emplace_back(index((c * in[1] + y) * in[2] + x), 1);
        });
        result.matrix.append_row(entries);
      }
    }
  }
  result.bias.resize(result.matrix.rows);
  return result;
}

Affine transpose(const integer_op::Transpose& op, const Shape& in, const Shape& out) {
  Affine result;
  result.matrix.columns = model::element_count(in);
  for_each_transposed(op.permutation, in, out, [&](std::size_t from) { result.matrix.append_row(Entries{{index(from), 1}}); });
  result.bias.resize(result.matrix.rows);
  return result;
}

base::Result<IntegerExpression> after(const Affine& affine, const IntegerExpression& input) {
  IntegerExpression result;
  BLINDPROOF_ASSIGN(result.bias, fheml::multiply_add(affine.matrix, input.bias, affine.bias));
  for (const auto& [value, matrix] : input.terms) {
    BLINDPROOF_ASSIGN(IntegerMatrix product, fheml::product(affine.matrix, matrix));
    if (product.entries() > 0) result.terms.emplace(value, std::move(product));
  }
  return result;
}

base::Result<IntegerExpression> add(const integer_op::Add& op, const IntegerExpression& a, const IntegerExpression& b) {
  IntegerExpression result;
  for (std::size_t i = 0; i < a.bias.size(); ++i) {
    Int128 left = 0, right = 0, total = 0;
    if (__builtin_mul_overflow(a.bias[i], static_cast<Int128>(op.factor[0]), &left) ||
        __builtin_mul_overflow(b.bias[i], static_cast<Int128>(op.factor[1]), &right) || __builtin_add_overflow(left, right, &total)) {
      return base::error(base::ErrorCode::kLimit, "integer matrix", "a bias of composed layers has more than 127 bits: use narrower weights");
    }
    result.bias.push_back(total);
  }
  std::map<fheml::ValueId, std::pair<const IntegerMatrix*, const IntegerMatrix*>> pairs;
  for (const auto& [value, matrix] : a.terms) pairs[value].first = &matrix;
  for (const auto& [value, matrix] : b.terms) pairs[value].second = &matrix;
  for (const auto& [value, pair] : pairs) {
    IntegerMatrix none;
    const IntegerMatrix& shape = pair.first != nullptr ? *pair.first : *pair.second;
    none.columns = shape.columns;
    for (std::size_t row = 0; row < shape.rows; ++row) none.append_row({});
    BLINDPROOF_ASSIGN(IntegerMatrix total, fheml::sum(pair.first != nullptr ? *pair.first : none, op.factor[0],
                                                      pair.second != nullptr ? *pair.second : none, op.factor[1]));
    if (total.entries() > 0) result.terms.emplace(value, std::move(total));
  }
  return result;
}

}  // namespace

IntegerExpression IntegerExpression::of_value(fheml::ValueId value, std::size_t size) {
  IntegerExpression result;
  result.terms.emplace(value, IntegerMatrix::identity(size));
  result.bias.resize(size);
  return result;
}

bool IntegerExpression::is_value(fheml::ValueId& value) const {
  if (terms.size() != 1 || std::ranges::any_of(bias, [](Int128 b) { return b != 0; })) return false;
  const IntegerMatrix& matrix = terms.begin()->second;
  if (matrix != IntegerMatrix::identity(matrix.rows)) return false;
  value = terms.begin()->first;
  return true;
}

bool is_affine(const model::IntegerOp& op) {
  return !std::holds_alternative<integer_op::Multiply>(op) && !std::holds_alternative<integer_op::Requantize>(op) &&
         !std::holds_alternative<integer_op::MaxPool2d>(op);
}

base::Result<IntegerExpression> apply(const IntegerGraph& graph, const model::IntegerNode& node,
                                      const std::vector<const IntegerExpression*>& inputs) {
  const Shape &in = graph.architecture.shapes[node.inputs[0]], &out = graph.architecture.shapes[node.output];
  using Outcome = base::Result<IntegerExpression>;
  return std::visit(
      model::Overloaded{
          [&](const integer_op::Dense& op) { return after(dense(graph, op, in), *inputs[0]); },
          [&](const integer_op::Conv2d& op) { return after(convolution(graph, op, in, out), *inputs[0]); },
          [&](const integer_op::SumPool2d& op) { return after(sum_pool(op, in, out), *inputs[0]); },
          [&](const integer_op::Transpose& op) { return after(transpose(op, in, out), *inputs[0]); },
          [&](const integer_op::Reshape&) -> Outcome { return *inputs[0]; },
          [&](const integer_op::Add& op) { return add(op, *inputs[0], *inputs[1]); },
          [&](const auto&) -> Outcome {
            BLINDPROOF_CHECK(false, "the node isn't linear");
            return IntegerExpression{};
          },
      },
      node.op);
}

}  // namespace blindproof::compiler
