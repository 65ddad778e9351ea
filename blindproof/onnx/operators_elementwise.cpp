#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "blindproof/onnx/operators.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
namespace op = model::float_op;

struct Affine {
  float scale, shift;
};

// A constant spread over a computed tensor: one value for each index of `axis`, or for each element.
struct Spread {
  std::optional<std::size_t> axis;
  std::vector<float> values;
};

// The axis for a constant that is the same everywhere: the channels of an image, else the last one.
std::size_t default_axis(const Shape& shape) { return shape.size() >= 3 ? 0 : shape.size() - 1; }

// NumPy broadcasting of a constant to the shape of `x`. The constant may not widen `x`, nor differ between samples.
Result<Spread> spread_over(NodeContext& node, Computed x, const Constant& constant) {
  const Shape& shape = node.shape(x);
  const auto misfit = [&] {
    return node.unsupported("a constant of shape " + model::to_string(constant.dims) + " doesn't spread over " +
                            node.file_shape(x));
  };
  const std::size_t rank = constant.dims.size();
  if (rank > node.rank(x)) return misfit();  // the batch would no longer be in front
  std::vector<std::size_t> varying;          // axes of x
  for (std::size_t i = 0; i < rank; ++i) {
    if (constant.dims[i] == 1) continue;
    const std::size_t from_end = rank - i;
    if (from_end > shape.size() || shape[shape.size() - from_end] != constant.dims[i]) return misfit();
    varying.push_back(shape.size() - from_end);
  }
  const std::vector<float> values = constant.as_floats();
  if (varying.size() == 1) return Spread{varying[0], values};
  if (varying.empty()) {
    if (shape.empty()) return Spread{std::nullopt, values};
    const std::size_t axis = default_axis(shape);
    return Spread{axis, std::vector<float>(shape[axis], values[0])};
  }
  std::vector<std::size_t> stride(shape.size(), 0);
  std::size_t step = 1;
  for (std::size_t i = varying.size(); i-- > 0;) {
    stride[varying[i]] = step;
    step *= shape[varying[i]];
  }
  Spread spread{std::nullopt, std::vector<float>(model::element_count(shape))};
  for (std::size_t i = 0; i < spread.values.size(); ++i) {
    std::size_t rest = i, at = 0;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at += rest % shape[axis] * stride[axis];
      rest /= shape[axis];
    }
    spread.values[i] = values[at];
  }
  return spread;
}

template <class Function>
Result<Value> apply_constant(NodeContext& node, Computed x, const Constant& constant, const Function& affine_of) {
  BLINDPROOF_ASSIGN(const Spread spread, spread_over(node, x, constant));
  op::ScaleShift affine{spread.axis.value_or(0), {}, {}};
  for (float value : spread.values) {
    const Affine one = affine_of(value);
    affine.scale.push_back(one.scale);
    affine.shift.push_back(one.shift);
  }
  const Shape shape = node.shape(x);
  if (spread.axis) return Value(node.append(std::move(affine), x, shape));
  const Shape flat = {spread.values.size()};
  return Value(node.reshape(node.append(std::move(affine), node.reshape(x, flat), flat), shape));
}

template <class Op>
Result<Value> combine(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed a, node.computed(0));
  BLINDPROOF_ASSIGN(const Computed b, node.computed(1));
  if (node.shape(a) != node.shape(b)) {
    return node.unsupported("two computed tensors of different shapes, " + node.file_shape(a) + " and " +
                            node.file_shape(b) + ": broadcasting is supported for constants only");
  }
  return Value(node.combine(Op{}, a, b));
}

// `right_of(c)` is the operator with the constant as its second input, `left_of(c)` as its first.
template <class Op, class Left, class Right>
Result<Value> binary(NodeContext& node, const Left& left_of, const Right& right_of) {
  if (node.input_count() != 2) return node.malformed("two inputs are needed");
  if (node.is_constant(0)) {
    BLINDPROOF_ASSIGN(const ConstantPointer constant, node.constant(0));
    BLINDPROOF_ASSIGN(const Computed x, node.computed(1));
    return apply_constant(node, x, *constant, left_of);
  }
  if (node.is_constant(1)) {
    BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
    BLINDPROOF_ASSIGN(const ConstantPointer constant, node.constant(1));
    return apply_constant(node, x, *constant, right_of);
  }
  return combine<Op>(node);
}

template <class Op>
Result<Value> map(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  return Value(node.append(Op{}, x, node.shape(x)));
}

}  // namespace

Result<Value> import_add(NodeContext& node) {
  const auto affine = [](float c) { return Affine{1, c}; };
  return binary<op::Add>(node, affine, affine);
}

Result<Value> import_subtract(NodeContext& node) {
  return binary<op::Subtract>(
      node,
      [](float c) {
        return Affine{-1, c};
      },
      [](float c) {
        return Affine{1, -c};
      });
}

Result<Value> import_multiply(NodeContext& node) {
  const auto affine = [](float c) { return Affine{c, 0}; };
  return binary<op::Multiply>(node, affine, affine);
}

Result<Value> import_divide(NodeContext& node) {
  if (!node.is_constant(1)) return node.unsupported("only division by a constant is supported");
  return binary<op::Multiply>(
      node,
      [](float c) {
        return Affine{c, 0};
      },
      [](float c) {
        return Affine{1 / c, 0};
      });
}

Result<Value> import_negate(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  Constant one;
  one.floats = {1};
  return apply_constant(node, x, one, [](float) { return Affine{-1, 0}; });
}

Result<Value> import_power(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const ConstantPointer exponent, node.constant(1));
  const std::vector<float> values = exponent->as_floats();
  if (values.size() == 1 && values[0] == 1) return Value(x);
  if (values.size() == 1 && values[0] == 2) return Value(node.combine(op::Multiply{}, x, x));
  return node.unsupported("only the exponents 1 and 2 are supported");
}

Result<Value> import_relu(NodeContext& node) { return map<op::Relu>(node); }
Result<Value> import_sigmoid(NodeContext& node) { return map<op::Sigmoid>(node); }
Result<Value> import_tanh(NodeContext& node) { return map<op::Tanh>(node); }
Result<Value> import_erf(NodeContext& node) { return map<op::Erf>(node); }

// x (1 + erf(x / sqrt(2))) / 2, or with tanh(sqrt(2/pi) (x + 0.044715 x^3)) in place of erf.
Result<Value> import_gelu(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  const std::string form = node.attributes.text("approximate", "none");
  if (form != "none" && form != "tanh") return node.malformed("'approximate' is neither none nor tanh");
  const Shape shape = node.shape(x);
  if (shape.empty()) return node.unsupported("a single number for each sample");
  const std::size_t axis = default_axis(shape);
  const auto affine = [&](Computed value, double scale, double shift) {
    return node.append(op::ScaleShift{axis, std::vector<float>(shape[axis], static_cast<float>(scale)),
                                      std::vector<float>(shape[axis], static_cast<float>(shift))},
                       value, shape);
  };
  Computed curve{};
  if (form == "none") {
    curve = node.append(op::Erf{}, affine(x, std::sqrt(0.5), 0), shape);
  } else {
    constexpr double kRootTwoOverPi = 0.79788456080286535588;
    const Computed square = node.combine(op::Multiply{}, x, x);
    curve = node.append(op::Tanh{}, node.combine(op::Multiply{}, x, affine(square, 0.044715 * kRootTwoOverPi, kRootTwoOverPi)), shape);
  }
  return Value(node.combine(op::Multiply{}, x, affine(curve, 0.5, 0.5)));
}

Result<Value> import_clip(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  constexpr float kLargest = std::numeric_limits<float>::max(), kInfinity = std::numeric_limits<float>::infinity();
  op::Clip clip{-kInfinity, kInfinity};
  if (node.opset() < 11) {
    clip.low = node.attributes.number("min", -kLargest);
    clip.high = node.attributes.number("max", kLargest);
  } else {
    BLINDPROOF_ASSIGN(clip.low, node.scalar(1, -kInfinity));
    BLINDPROOF_ASSIGN(clip.high, node.scalar(2, kInfinity));
  }
  // Exporters write "no bound" as the largest float.
  if (clip.low <= -kLargest) clip.low = -kInfinity;
  if (clip.high >= kLargest) clip.high = kInfinity;
  if (!(clip.low <= clip.high)) return node.malformed("the bounds are crossed, or not numbers");
  if (clip.low == -kInfinity && clip.high == kInfinity) return Value(x);
  if (clip.low == 0 && clip.high == kInfinity) return Value(node.append(op::Relu{}, x, node.shape(x)));
  return Value(node.append(clip, x, node.shape(x)));
}

Result<Value> import_batch_normalization(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  node.attributes.ignore("momentum");
  const double epsilon = static_cast<double>(node.attributes.number("epsilon", 1e-5f));
  if (node.attributes.integer("training_mode", 0) != 0)
    return node.unsupported("the model is in training mode; export it for inference");
  if (node.opset() < 9 && node.attributes.integer("spatial", 1) != 1)
    return node.unsupported("spatial=0 is not supported");
  if (node.graph().batch_rank() == 0 || node.shape(x).empty())
    return node.malformed("the input has no channels: " + node.file_shape(x));
  const std::size_t channels = node.shape(x)[0];
  std::vector<float> parameters[4];  // scale, bias, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    BLINDPROOF_ASSIGN(const ConstantPointer parameter, node.constant(i + 1));
    if (parameter->dims != std::vector<std::size_t>{channels}) {
      return node.malformed("input " + std::to_string(i + 1) + " doesn't have one value for each of the " +
                            std::to_string(channels) + " channels");
    }
    parameters[i] = parameter->as_floats();
  }
  op::ScaleShift affine{0, {}, {}};
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale =
        static_cast<double>(parameters[0][c]) / std::sqrt(static_cast<double>(parameters[3][c]) + epsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(
        static_cast<float>(static_cast<double>(parameters[1][c]) - static_cast<double>(parameters[2][c]) * scale));
  }
  return Value(node.append(std::move(affine), x, node.shape(x)));
}

Result<Value> import_softmax(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  const bool flattening = node.opset() < 13;  // then all axes from the given one on are taken together
  const std::int64_t given = node.attributes.integer("axis", flattening ? 1 : -1);
  BLINDPROOF_ASSIGN(const std::size_t axis, node.sample_axis(given, node.rank(x)));
  const Shape& shape = node.shape(x);
  const bool rest_is_one = std::all_of(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end(),
                                       [](std::size_t d) { return d == 1; });
  if (axis + 1 == shape.size()) return Value(node.append(op::Softmax{}, x, shape));
  if (rest_is_one) {  // [10,1,1] over axis 0
    const Shape cut(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
    return Value(node.append(op::Softmax{}, node.reshape(x, cut), cut));
  }
  return node.unsupported("only the last axis is supported, not axis " + std::to_string(given) + " of " +
                          node.file_shape(x));
}

Result<Value> import_arg_max(NodeContext& node) {
  BLINDPROOF_ASSIGN(Computed x, node.computed(0));
  const std::int64_t given = node.attributes.integer("axis", 0);
  const bool keep = node.attributes.integer("keepdims", 1) != 0;
  if (node.attributes.integer("select_last_index", 0) != 0)
    return node.unsupported("select_last_index=1 is not supported");
  BLINDPROOF_ASSIGN(const std::size_t axis, node.sample_axis(given, node.rank(x)));
  Shape shape = node.shape(x);
  if (axis + 1 != shape.size()) {
    return node.unsupported("only the last axis is supported, not axis " + std::to_string(given) + " of " +
                            node.file_shape(x));
  }
  // The largest probability is that of the largest logit.
  const model::FloatNode* before = node.graph().writer(x.id);
  if (before != nullptr && std::holds_alternative<op::Softmax>(before->op)) x = Computed{before->inputs[0]};
  shape.pop_back();
  if (keep) shape.push_back(1);
  Computed index = node.append(op::ArgMax{}, x, shape);
  index.integer = true;
  return Value(index);
}

}  // namespace blindproof::onnx
