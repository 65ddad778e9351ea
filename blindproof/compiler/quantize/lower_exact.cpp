#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "blindproof/compiler/quantize/graph_builder.h"
#include "blindproof/compiler/quantize/lowering.h"
#include "blindproof/compiler/quantize/rounding.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using model::FloatNode;
using model::Overloaded;
using model::ParameterRole;
using model::TensorId;
namespace op = model::float_op;
namespace integer_op = model::integer_op;

// value * 2^exponent / divisor: sums of tensors need ratios of scales to be exact, and products square them far below
// what a double can hold. value is in [1/2, 1).
class Scale {
 public:
  explicit Scale(double value) : value_(std::frexp(value, &exponent_)) {}

  friend std::optional<Scale> multiply(const Scale& a, const Scale& b) {
    if (a.divisor_ > kMaxDivisor / b.divisor_) return std::nullopt;
    Scale product(a.value_ * b.value_);
    product.exponent_ += a.exponent_ + b.exponent_;
    product.divisor_ = a.divisor_ * b.divisor_;
    return product;
  }
  std::optional<Scale> divided(std::uint64_t divisor) const {
    if (divisor > kMaxDivisor / divisor_) return std::nullopt;
    Scale quotient = *this;
    quotient.divisor_ *= divisor;
    return quotient;
  }

  /// Integers (left, right) and a scale with a = left * scale and b = right * scale, if there are small enough ones.
  struct Common;
  static std::optional<Common> common(const Scale& a, const Scale& b);

  /// 0 or infinity if it leaves the doubles.
  double as_double() const { return std::ldexp(value_ / static_cast<double>(divisor_), exponent_); }
  /// real / scale
  double integer_of(double real) const { return std::ldexp(real / value_ * static_cast<double>(divisor_), -exponent_); }

 private:
  static constexpr std::uint64_t kMaxDivisor = std::uint64_t{1} << 52;
  int exponent_ = 0;
  double value_;
  std::uint64_t divisor_ = 1;
};

struct Scale::Common {
  std::int64_t left, right;
  Scale scale;
};

std::optional<Scale::Common> Scale::common(const Scale& a, const Scale& b) {
  if (a.value_ != b.value_) return std::nullopt;
  const std::uint64_t gcd = std::gcd(a.divisor_, b.divisor_);
  if (a.divisor_ > kMaxDivisor / (b.divisor_ / gcd)) return std::nullopt;
  Scale scale = a;
  scale.divisor_ = a.divisor_ * (b.divisor_ / gcd);
  scale.exponent_ = std::min(a.exponent_, b.exponent_);
  const auto factor = [&](const Scale& of) -> std::optional<std::int64_t> {
    const std::uint64_t quotient = scale.divisor_ / of.divisor_;
    const int shift = of.exponent_ - scale.exponent_;
    if (base::bit_length(quotient) + shift > 61) return std::nullopt;
    return static_cast<std::int64_t>(quotient << shift);
  };
  const auto left = factor(a), right = factor(b);
  if (!left || !right) return std::nullopt;
  return Common{*left, *right, scale};
}

class ExactLowering {
 public:
  ExactLowering(const NormalisedGraph& normalised, const Calibration& calibration, const QuantizeOptions& options)
      : g_(normalised.graph),
        options_(options),
        builder_(model::Arithmetic::kExact),
        tensors_(g_.shapes.size()),
        powers_of_two_(std::any_of(g_.nodes.begin(), g_.nodes.end(), [](const FloatNode& node) {
          return (std::holds_alternative<op::Add>(node.op) || std::holds_alternative<op::Subtract>(node.op)) &&
                 node.inputs[0] != node.inputs[1];
        })) {
    const MagnitudeHistogram& input = calibration.histograms[g_.input];
    builder_.set_input(g_.shapes[g_.input], input, input.max(), options.activation_bits, powers_of_two_);
    builder_.architecture().finish = normalised.finish;
    tensors_[g_.input] = Tensor{builder_.architecture().input, Scale(builder_.architecture().input_scale)};
  }

  Result<Lowered> run() && {
    for (const FloatNode& node : g_.nodes) {
      node_ = &node;
      builder_.begin_layer(node, model::op_name(node.op));
      BLINDPROOF_TRY(lower());
    }
    const Tensor& output = *tensors_[g_.output];
    model::Architecture& a = builder_.architecture();
    if (output.id == a.input) return base::error(ErrorCode::kUnsupported, "quantize", "the model computes nothing");
    a.output = output.id;
    a.output_scale = output.scale.as_double();
    if (!(a.output_scale > 0) || !std::isfinite(a.output_scale)) {
      return base::error(ErrorCode::kLimit, "quantize",
                         "the output's scale leaves the range of floating-point numbers");
    }
    if (const Status valid = model::validate(builder_.graph()); !valid.ok()) {
      if (valid.error().code != ErrorCode::kLimit) return valid.error();
      return base::error(
          ErrorCode::kLimit, valid.error().place,
          valid.error().detail + ": lower --weight-bits or --activation-bits, or use rescaled arithmetic");
    }
    return std::move(builder_).take();
  }

 private:
  struct Tensor {
    TensorId id;
    Scale scale;
  };

  const Tensor& in(std::size_t i = 0) const { return *tensors_[node_->inputs[i]]; }
  const model::Shape& out_shape() const { return g_.shapes[node_->output]; }

  Status lower() {
    return std::visit(
        Overloaded{
            [&](const op::Dense& dense) { return lower_dense(dense); },
            [&](const op::Conv2d& conv) { return lower_conv(conv); },
            [&](const op::AveragePool2d& pool) {
              if (averages_unevenly(pool, g_.shapes[node_->inputs[0]], out_shape()))
                return Status(uneven_average(*node_));
              return append(integer_op::SumPool2d{pool.window},
                            in().scale.divided(pool.window.kernel[0] * pool.window.kernel[1]));
            },
            [&](const op::Add&) { return lower_sum(1); }, [&](const op::Subtract&) { return lower_sum(-1); },
            [&](const op::Multiply&) { return append(integer_op::Multiply{}, multiply(in(0).scale, in(1).scale)); },
            [&](const op::Reshape&) { return append(integer_op::Reshape{}, in().scale); },
            [&](const op::Transpose& move) { return append(integer_op::Transpose{move.permutation}, in().scale); },
            [&](const op::ScaleShift& factor) {
              tensors_[node_->output] =
                  Tensor{in().id, *multiply(in().scale, Scale(static_cast<double>(factor.scale[0])))};
              return Status();
            },
            [&](const auto&) {
              return Status(base::error(ErrorCode::kUnsupported, describe(*node_),
                                        "not a polynomial, which is all that exact arithmetic can do: use rescaled "
                                        "arithmetic, or train the network with squares (x*x) and averages in place "
                                        "of activations and maxima"));
            }},
        node_->op);
  }

  Status append(model::IntegerOp what, const std::optional<Scale>& scale) {
    if (!scale)
      return base::error(ErrorCode::kLimit, describe(*node_),
                         "the window sizes of the averages multiply to too large a number");
    std::vector<TensorId> inputs;
    for (TensorId id : node_->inputs) inputs.push_back(tensors_[id]->id);
    tensors_[node_->output] = Tensor{builder_.append(std::move(what), std::move(inputs), out_shape()), *scale};
    return {};
  }

  Status lower_sum(std::int64_t sign) {
    const auto common = Scale::common(in(0).scale, in(1).scale);
    if (!common) {
      return base::error(
          ErrorCode::kUnsupported, describe(*node_),
          "the operands' scales have no small integer ratio, which an exact sum needs: use rescaled arithmetic");
    }
    return append(integer_op::Add{{common->left, sign * common->right}}, common->scale);
  }

  Status lower_dense(const op::Dense& dense) {
    return lower_weights(dense.weight, dense.bias, {dense.outputs, dense.inputs},
                         [](model::ParameterId weight, auto bias) {
                           return integer_op::Dense{weight, bias};
                         });
  }

  Status lower_conv(const op::Conv2d& conv) {
    const model::Shape shape = {conv.outputs, conv.inputs / conv.groups, conv.window.kernel[0], conv.window.kernel[1]};
    return lower_weights(conv.weight, conv.bias, shape, [&](model::ParameterId weight, auto bias) {
      return integer_op::Conv2d{weight, bias, conv.window, conv.groups};
    });
  }

  template <class MakeOp>
  Status lower_weights(const std::vector<float>& weight, const std::vector<float>& bias, const model::Shape& shape,
                       MakeOp make_op) {
    double step = weight_scale(weight, options_.weight_bits);
    if (step == 0) step = 1;
    if (powers_of_two_) step = power_of_two_at_least(step);
    const double levels = static_cast<double>((1 << (options_.weight_bits - 1)) - 1);
    std::vector<std::int32_t> weights;
    weights.reserve(weight.size());
    for (float value : weight) {
      weights.push_back(
          static_cast<std::int32_t>(std::clamp(std::round(static_cast<double>(value) / step), -levels, levels)));
    }
    const Scale scale = *multiply(in().scale, Scale(step));
    const model::ParameterId weight_id =
        builder_.add_parameter<std::int32_t>(ParameterRole::kWeight, shape, options_.weight_bits, weights);
    std::optional<model::ParameterId> bias_id;
    if (!bias.empty()) {
      std::vector<Int128> biases;
      int bits = 16;
      for (float value : bias) {
        const double rounded = std::round(scale.integer_of(static_cast<double>(value)));
        while (bits <= 112 && std::fabs(rounded) >= std::ldexp(1.0, bits - 1)) bits += 16;
        if (bits > 112) {
          return base::error(
              ErrorCode::kLimit, describe(*node_),
              "a bias needs more than 112 bits at the accumulated scale; lower --weight-bits or --activation-bits");
        }
        biases.push_back(static_cast<Int128>(rounded));
      }
      bias_id = builder_.add_parameter<Int128>(ParameterRole::kBias, {bias.size()}, bits, biases);
    }
    return append(make_op(weight_id, bias_id), scale);
  }

  const model::FloatGraph& g_;
  const QuantizeOptions& options_;
  GraphBuilder builder_;
  std::vector<std::optional<Tensor>> tensors_;  // by tensor of the float graph
  const bool powers_of_two_;
  const FloatNode* node_ = nullptr;
};

}  // namespace

Result<Lowered> lower_exact(const NormalisedGraph& normalised, const Calibration& calibration,
                            const QuantizeOptions& options) {
  return ExactLowering(normalised, calibration, options).run();
}

}  // namespace blindproof::compiler
