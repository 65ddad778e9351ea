#include <algorithm>
#include <cmath>
#include <optional>

#include "blindproof/compiler/quantize/graph_builder.h"
#include "blindproof/compiler/quantize/lowering.h"
#include "blindproof/compiler/quantize/rounding.h"
#include "blindproof/model/deterministic_math.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using model::FloatNode;
using model::FloatOp;
using model::Overloaded;
using model::ParameterRole;
using model::Shape;
using model::TensorId;
namespace op = model::float_op;
namespace integer_op = model::integer_op;
using Clamp = integer_op::Requantize::Clamp;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::int64_t kAnyHi = std::int64_t{1} << 61;  // until the analysis has shown what can occur
constexpr int kMultiplierBits = 8;
constexpr double kLargestMultiplier = (1 << kMultiplierBits) - 1;
constexpr std::size_t kMaxCurveEntries = std::size_t{1} << 16;
constexpr int kMaxCoarsenings = 2;  // doublings of a curve's step before the argument is clamped first
constexpr int kMoreOutputBits = 4;
constexpr double kOutputHeadroom = 2;

enum class CurveKind { kSigmoid, kTanh, kErf };

std::optional<CurveKind> curve_kind(const FloatOp& node) {
  if (std::holds_alternative<op::Sigmoid>(node)) return CurveKind::kSigmoid;
  if (std::holds_alternative<op::Tanh>(node)) return CurveKind::kTanh;
  if (std::holds_alternative<op::Erf>(node)) return CurveKind::kErf;
  return std::nullopt;
}

// The steepest a curve gets, rounded up.
double slope_of(CurveKind kind) { return kind == CurveKind::kSigmoid ? 0.25 : kind == CurveKind::kTanh ? 1 : 1.13; }

// A curve between two scales: out = clamp(round(f(step * hi) / out_scale), low, high).
struct Curve {
  CurveKind kind;
  double step, out_scale;
  std::int64_t low, high;

  double operator()(double x) const {
    return kind == CurveKind::kSigmoid ? model::deterministic_sigmoid(x)
           : kind == CurveKind::kTanh  ? model::deterministic_tanh(x)
                                       : model::deterministic_erf(x);
  }
  std::int32_t at(std::int64_t hi) const {
    const double value = std::round((*this)(step * static_cast<double>(hi)) / out_scale);
    return static_cast<std::int32_t>(std::clamp(value, static_cast<double>(low), static_cast<double>(high)));
  }
  bool operator==(const Curve&) const = default;
};

// A requantised tensor of the integer graph: real = scale * integer, integers in [low, high].
struct Quantised {
  TensorId id;
  double scale;
  std::int64_t low, high;
};

struct Rounded {
  std::int64_t min, max;
  std::size_t size() const { return static_cast<std::size_t>(max - min) + 1; }
};

// [-2^a, 2^b - 1], or [0, 2^b - 1]: so that the range tells little about the weights.
Rounded rounded_outwards(const model::Range& range) {
  std::int64_t low = 0, high = 1;
  if (range.min < 0) {
    for (low = -1; low > range.min;) low *= 2;
  }
  while (high - 1 < range.max) high *= 2;
  return {low, high - 1};
}

class RescaledLowering {
 public:
  RescaledLowering(const NormalisedGraph& normalised, const Calibration& calibration, const QuantizeOptions& options,
                   Clipping clipping, const std::vector<int>& coarsenings)
      : g_(normalised.graph),
        calibration_(calibration),
        options_(options),
        clipping_(clipping),
        coarsenings_(coarsenings),
        builder_(model::Arithmetic::kRescaled),
        readers_(count_readers(g_)),
        quantised_(g_.shapes.size()),
        is_output_(g_.shapes.size(), 0) {
    builder_.architecture().finish = normalised.finish;
    is_output_[g_.output] = 1;
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      const FloatNode& node = g_.nodes[i];
      if (is_output_[node.output] && passes_on(node.op) && readers_[node.inputs[0]] == 1)
        is_output_[node.inputs[0]] = 1;
    }
  }

  /// The node whose curve needs a coarser step, or none if the graph is complete.
  Result<std::optional<std::size_t>> run() {
    const MagnitudeHistogram& input = calibration_.histograms[g_.input];
    builder_.set_input(g_.shapes[g_.input], input,
                       clipping_bound(input, clipping_, levels(options_.activation_bits, input.nonnegative())),
                       options_.activation_bits, false);
    const model::Architecture& a = builder_.architecture();
    quantised_[g_.input] = Quantised{a.input, a.input_scale, a.input_min, a.input_max};
    for (index_ = 0; index_ < g_.nodes.size(); ++index_) {
      if (quantised_[g_.nodes[index_].output]) continue;  // an activation that went with the node before it
      BLINDPROOF_TRY(lower());
    }
    const Quantised& output = *quantised_[g_.output];
    if (output.id == builder_.architecture().input) {
      return base::error(ErrorCode::kUnsupported, "quantize", "the model computes nothing");
    }
    builder_.architecture().output = output.id;
    builder_.architecture().output_scale = output.scale;
    return set_hi_ranges();
  }

  Lowered take() && { return std::move(builder_).take(); }

 private:
  static double levels(int bits, bool is_unsigned) {
    return static_cast<double>((std::int64_t{1} << (is_unsigned ? bits : bits - 1)) - 1);
  }

  static bool passes_on(const FloatOp& node) {
    return std::holds_alternative<op::Reshape>(node) || std::holds_alternative<op::Transpose>(node) ||
           std::holds_alternative<op::MaxPool2d>(node) || std::holds_alternative<op::ScaleShift>(node);
  }

  const FloatNode& node() const { return g_.nodes[index_]; }
  const Shape& out_shape() const { return g_.shapes[node().output]; }
  const Quantised& in(std::size_t i = 0) const { return *quantised_[node().inputs[i]]; }

  Status lower() {
    if (is_activation(node().op)) return lower_activation();
    begin(index_);
    return std::visit(
        Overloaded{[&](const op::Dense& dense) { return lower_dense(dense); },
                   [&](const op::Conv2d& conv) { return lower_conv(conv); },
                   [&](const op::AveragePool2d& pool) { return lower_average(pool); },
                   [&](const op::Add&) { return lower_sum(1); }, [&](const op::Subtract&) { return lower_sum(-1); },
                   [&](const op::Multiply&) { return lower_product(); },
                   [&](const op::MaxPool2d& pool) { return pass_on(integer_op::MaxPool2d{pool.window}, 1); },
                   [&](const op::Reshape&) { return pass_on(integer_op::Reshape{}, 1); },
                   [&](const op::Transpose& move) { return pass_on(integer_op::Transpose{move.permutation}, 1); },
                   [&](const op::ScaleShift& factor) {
                     Quantised scaled = in();
                     scaled.scale *= static_cast<double>(factor.scale[0]);
                     quantised_[node().output] = scaled;
                     return Status();
                   },
                   [&](const auto&) {
                     return Status(base::error(ErrorCode::kUnsupported, describe(node()),
                                               "not available in rescaled arithmetic"));
                   }},
        node().op);
  }

  // The only reader of the node's output if that is an activation.
  std::size_t fused_activation() const {
    if (readers_[node().output] != 1 || node().output == g_.output) return kNone;
    for (std::size_t i = index_ + 1; i < g_.nodes.size(); ++i) {
      const auto& inputs = g_.nodes[i].inputs;
      if (std::count(inputs.begin(), inputs.end(), node().output) == 0) continue;
      return is_activation(g_.nodes[i].op) ? i : kNone;
    }
    return kNone;
  }

  void begin(std::size_t index) {
    std::string name(model::op_name(g_.nodes[index].op));
    if (is_linear(g_.nodes[index].op)) {
      if (const std::size_t next = fused_activation(); next != kNone)
        name += " + " + std::string(model::op_name(g_.nodes[next].op));
    }
    builder_.begin_layer(g_.nodes[index], name);
  }

  Status pass_on(model::IntegerOp what, double factor) {
    Quantised moved = in();
    moved.id = builder_.append(std::move(what), {moved.id}, out_shape());
    moved.scale *= factor;
    quantised_[node().output] = moved;
    return {};
  }

  // ---- what a requantised tensor should look like

  struct Target {
    TensorId tensor;            // of the float graph
    const FloatOp* activation;  // null: none
    std::int64_t low, high;     // integers
    double scale;               // at least; what calibration asks for
    std::optional<CurveKind> curve() const { return activation == nullptr ? std::nullopt : curve_kind(*activation); }
    bool is_curve() const { return curve().has_value(); }
  };

  Target target(TensorId tensor, const FloatOp* activation, bool nonnegative) const {
    // Outputs are few, so more bits for them cost one table: enough to keep the order of the scores.
    const int bits = std::min(options_.activation_bits + (is_output_[tensor] ? kMoreOutputBits : 0), 16);
    const op::Clip* clip = activation == nullptr ? nullptr : std::get_if<op::Clip>(activation);
    bool is_unsigned = nonnegative;
    if (activation != nullptr) {
      is_unsigned = is_unsigned || std::holds_alternative<op::Relu>(*activation) || (clip != nullptr && clip->low >= 0);
      if (const auto kind = curve_kind(*activation)) is_unsigned = *kind == CurveKind::kSigmoid;
    }
    Target result{tensor, activation, is_unsigned ? 0 : -(std::int64_t{1} << (bits - 1)),
                  (std::int64_t{1} << (is_unsigned ? bits : bits - 1)) - 1, 0};
    const double top = static_cast<double>(result.high);
    if (result.is_curve()) {
      result.scale = 1 / top;
      return result;
    }
    const MagnitudeHistogram& histogram = calibration_.histograms[tensor];
    double bound = is_output_[tensor] ? kOutputHeadroom * histogram.max() : clipping_bound(histogram, clipping_, top);
    if (clip != nullptr) {
      // Where the clip's own bound is near, the integers' bound is made to coincide with it.
      const double limit =
          std::max(std::fabs(static_cast<double>(clip->low)), std::fabs(static_cast<double>(clip->high)));
      if (std::isfinite(limit) && limit > 0 && bound > limit / 2) bound = limit;
    }
    result.scale = (bound > 0 ? bound : 1) / top;
    return result;
  }

  // The scale of the other operand of a sum that reads this tensor, if it is known.
  std::optional<double> partner_scale(TensorId tensor) const {
    for (const FloatNode& reader : g_.nodes) {
      const auto found = std::find(reader.inputs.begin(), reader.inputs.end(), tensor);
      if (found == reader.inputs.end()) continue;
      if (std::holds_alternative<op::Add>(reader.op) || std::holds_alternative<op::Subtract>(reader.op)) {
        const TensorId other = reader.inputs[found == reader.inputs.begin() ? 1 : 0];
        if (quantised_[other]) return quantised_[other]->scale;
      } else if (passes_on(reader.op) && !std::holds_alternative<op::ScaleShift>(reader.op)) {
        if (const auto scale = partner_scale(reader.output)) return scale;
      }
    }
    return std::nullopt;
  }

  bool read_by_curve(TensorId tensor) const {
    return std::any_of(g_.nodes.begin(), g_.nodes.end(), [&](const FloatNode& reader) {
      if (reader.inputs[0] != tensor) return false;
      if (passes_on(reader.op)) return read_by_curve(reader.output);
      return curve_kind(reader.op).has_value();
    });
  }

  // A scale that the weights can be fitted to exactly. Scales that others can see are made coarse.
  double free_scale(TensorId tensor, double least) const {
    if (is_output_[tensor]) return power_of_two_at_least(least);
    if (const auto partner = partner_scale(tensor)) return *partner * coarse_at_least(least / *partner);
    return read_by_curve(tensor) ? coarse_at_least(least) : least;
  }

  Clamp clamp(const Target& wanted, double scale) const {
    Clamp result{wanted.low, wanted.high};
    if (wanted.activation == nullptr) return result;
    if (std::holds_alternative<op::Relu>(*wanted.activation)) result.low = 0;
    if (const auto* clip = std::get_if<op::Clip>(wanted.activation)) result = clipped(*clip, scale, result);
    return result;
  }

  static Clamp clipped(const op::Clip& clip, double scale, Clamp range) {
    const double low = std::round(static_cast<double>(clip.low) / scale),
                 high = std::round(static_cast<double>(clip.high) / scale);
    // One step below a symmetric bound is allowed: a clamp to a power of two integers is cheaper to prove.
    if (low > static_cast<double>(range.low) + 1)
      range.low = static_cast<std::int64_t>(std::min(low, static_cast<double>(range.high)));
    if (high < static_cast<double>(range.high))
      range.high = static_cast<std::int64_t>(std::max(high, static_cast<double>(range.low)));
    return range;
  }

  // ---- requantisation of raw values, with the activation that follows

  // How raw integers become the argument of the activation.
  struct Factor {
    std::optional<model::ParameterId> multiplier;
    std::size_t axis = 0;
    Ratio ratio{1, 0};  // without a multiplier; with one, its shift counts
  };

  TensorId append_requantize(TensorId raw, const Factor& factor, const Clamp& range, const Shape& shape) {
    integer_op::Requantize requantize{};
    requantize.multiplier = factor.multiplier;
    requantize.channel_axis = factor.multiplier ? static_cast<std::uint32_t>(factor.axis) : 0;
    requantize.factor = factor.multiplier ? 1 : factor.ratio.factor;
    requantize.shift = factor.ratio.shift;
    requantize.activation = range;
    requantize.hi_min = -kAnyHi;
    requantize.hi_max = kAnyHi;
    return builder_.append(requantize, {raw}, shape);
  }

  // The step of a curve's argument for outputs of `out_scale`: fine enough that rounding it costs at most a quarter of
  // an output step, and a power of two.
  double curve_step(const Target& wanted) const {
    double step = power_of_two_at_least(wanted.scale / slope_of(*wanted.curve())) / 4;
    for (int i = 0; i < std::min(coarsenings_[index_], kMaxCoarsenings); ++i) step *= 2;
    return step;
  }

  bool clamps_argument() const { return coarsenings_[index_] > kMaxCoarsenings; }

  // The bits of an argument clamped to where the curve is flat, and the step that goes with them.
  struct ClampedArgument {
    int bits;
    double step;
  };
  ClampedArgument clamped_argument(const Target& wanted) const {
    const Curve curve{*wanted.curve(), 1, 1, 0, 0};
    double reach = 1;
    while (1 - curve(reach) > wanted.scale / 2) reach *= 2;
    ClampedArgument result{1, power_of_two_at_least(wanted.scale / slope_of(curve.kind)) / 4};
    for (double steps = reach / result.step; steps > 1; steps /= 2) ++result.bits;
    for (; result.bits > 16; --result.bits) result.step *= 2;
    return result;
  }

  // Finishes a raw tensor whose argument has the scale `scale` after `factor`.
  void finish(TensorId raw, const Factor& factor, double scale, const Target& wanted) {
    const Shape& shape = g_.shapes[wanted.tensor];
    Quantised out{0, scale, wanted.low, wanted.high};
    if (!wanted.is_curve()) {
      const Clamp range = clamp(wanted, scale);
      out.low = range.low;
      out.high = range.high;
      out.id = append_requantize(raw, factor, range, shape);
    } else {
      Factor then = factor;
      if (clamps_argument()) {
        const std::int64_t end = std::int64_t{1} << (clamped_argument(wanted).bits - 1);
        raw = append_requantize(raw, factor, {-end, end - 1}, shape);
        then = Factor{};
      }
      out.scale = wanted.scale;
      out.id = append_requantize(raw, then, {wanted.low, wanted.high}, shape);
      curves_.push_back(
          {builder_.architecture().nodes.size() - 1, index_,
           Curve{*wanted.curve(), scale, wanted.scale, wanted.low, wanted.high}});
    }
    quantised_[wanted.tensor] = out;
  }

  Target target_of_node(bool nonnegative) const {
    const std::size_t next = fused_activation();
    return next == kNone ? target(node().output, nullptr, nonnegative)
                         : target(g_.nodes[next].output, &g_.nodes[next].op, nonnegative);
  }

  double argument_step(const Target& wanted) const {
    return clamps_argument() ? clamped_argument(wanted).step : curve_step(wanted);
  }

  // ---- layers with weights

  struct LinearLayer {
    const std::vector<float>&weight, &bias;
    std::size_t outputs;
    std::size_t channel_axis;
    Shape weight_shape;
  };

  Status lower_dense(const op::Dense& dense) {
    const LinearLayer layer{
        dense.weight, dense.bias, dense.outputs, out_shape().size() - 1, {dense.outputs, dense.inputs}};
    return lower_weights(layer, [](model::ParameterId weight, std::optional<model::ParameterId> bias) {
      return integer_op::Dense{weight, bias};
    });
  }

  Status lower_conv(const op::Conv2d& conv) {
    const LinearLayer layer{conv.weight,
                            conv.bias,
                            conv.outputs,
                            0,
                            {conv.outputs, conv.inputs / conv.groups, conv.window.kernel[0], conv.window.kernel[1]}};
    return lower_weights(layer, [&](model::ParameterId weight, std::optional<model::ParameterId> bias) {
      return integer_op::Conv2d{weight, bias, conv.window, conv.groups};
    });
  }

  template <class MakeOp>
  Status lower_weights(const LinearLayer& layer, MakeOp make_op) {
    const Target wanted = target_of_node(false);
    const std::size_t rows = layer.outputs, row_size = layer.weight.size() / rows;
    const auto row = [&](std::size_t n) { return std::span(layer.weight).subspan(n * row_size, row_size); };

    // The finest scales that hold the weights, as multiples of the target's scale.
    std::vector<double> least(options_.per_channel ? rows : 1);
    for (std::size_t n = 0; n < least.size(); ++n) {
      least[n] =
          in().scale * weight_scale(options_.per_channel ? row(n) : std::span(layer.weight), options_.weight_bits);
    }
    const double largest = *std::max_element(least.begin(), least.end());
    double scale = 0;
    if (wanted.is_curve()) {
      scale = argument_step(wanted);
      while (largest > kLargestMultiplier * scale) scale *= 2;
    } else {
      scale = free_scale(wanted.tensor, std::max(wanted.scale, largest / kLargestMultiplier));
    }
    for (double& each : least) each /= scale;

    // The multiplier first, then the weights' scale from it: the product of the two is exact.
    Factor factor;
    std::vector<double> row_scale(rows);  // real value of 1 in the accumulator
    if (options_.per_channel) {
      const std::uint32_t shift = choose_shift(least);
      std::vector<std::int64_t> multipliers(rows);
      for (std::size_t n = 0; n < rows; ++n) {
        const double multiplier = std::max(1.0, std::ceil(std::ldexp(least[n], static_cast<int>(shift))));
        multipliers[n] = static_cast<std::int64_t>(multiplier);
        row_scale[n] = std::ldexp(multiplier * scale, -static_cast<int>(shift));
      }
      factor.ratio.shift = shift;
      factor.axis = layer.channel_axis;
      factor.multiplier =
          builder_.add_parameter<std::int64_t>(ParameterRole::kMultiplier, {rows}, kMultiplierBits, multipliers);
    } else {
      factor.ratio = ratio_at_least(least[0] > 0 ? least[0] : 1);
      std::fill(row_scale.begin(), row_scale.end(), factor.ratio.value() * scale);
    }

    const double levels = static_cast<double>((1 << (options_.weight_bits - 1)) - 1);
    std::vector<std::int32_t> weights;
    weights.reserve(layer.weight.size());
    for (std::size_t n = 0; n < rows; ++n) {
      const double weight_step = row_scale[n] / in().scale;
      for (float weight : row(n)) {
        weights.push_back(static_cast<std::int32_t>(
            std::clamp(std::round(static_cast<double>(weight) / weight_step), -levels, levels)));
      }
    }
    const model::ParameterId weight =
        builder_.add_parameter<std::int32_t>(ParameterRole::kWeight, layer.weight_shape, options_.weight_bits, weights);
    std::optional<model::ParameterId> bias;
    if (!layer.bias.empty()) {
      std::vector<std::int64_t> biases;
      double most = 0;
      for (std::size_t n = 0; n < rows; ++n) {
        const double value = std::round(static_cast<double>(layer.bias[n]) / row_scale[n]);
        most = std::max(most, std::fabs(value));
        if (most >= 0x1p47) {
          return base::error(
              ErrorCode::kLimit, describe(node()),
              "a bias needs more than 48 bits: its layer's outputs vary too little on the calibration samples");
        }
        biases.push_back(static_cast<std::int64_t>(value));
      }
      const int bits = most < 0x1p15 ? 16 : most < 0x1p31 ? 32 : 48;
      bias = builder_.add_parameter<std::int64_t>(ParameterRole::kBias, {rows}, bits, biases);
    }
    finish(builder_.append(make_op(weight, bias), {in().id}, out_shape()), factor, scale, wanted);
    return {};
  }

  // The least of a few common shifts with which rounding the multipliers upwards costs little: 16 first, so that
  // remainders of all layers look alike.
  static std::uint32_t choose_shift(const std::vector<double>& least) {
    constexpr double kMeanLoss = 1.15;
    const double largest = *std::max_element(least.begin(), least.end());
    std::uint32_t highest = 0;
    while (highest < model::kMaxShift &&
           std::ceil(std::ldexp(largest, static_cast<int>(highest) + 1)) <= kLargestMultiplier)
      ++highest;
    for (std::uint32_t shift : {16u, 24u, 32u}) {
      if (shift >= highest) return highest;
      double loss = 0;
      std::size_t count = 0;
      for (double each : least) {
        const double exact = std::ldexp(each, static_cast<int>(shift));
        if (exact <= 0) continue;
        loss += std::ceil(exact) / exact;
        ++count;
      }
      if (loss <= kMeanLoss * static_cast<double>(count)) return shift;
    }
    return highest;
  }

  // ---- sums, products, averages

  Status lower_average(const op::AveragePool2d& pool) {
    if (averages_unevenly(pool, g_.shapes[node().inputs[0]], out_shape())) return uneven_average(node());
    const double cells = static_cast<double>(pool.window.kernel[0] * pool.window.kernel[1]);
    return finish_combined(integer_op::SumPool2d{pool.window}, in().scale / cells, in().low >= 0);
  }

  Status lower_sum(std::int64_t sign) {
    const double left = in(0).scale, right = in(1).scale;
    const FactorPair factors = integer_factors(left / right, options_.activation_bits + 4);
    // The operand with the larger factor has the exact scale.
    const double scale =
        left >= right ? left / static_cast<double>(factors.left) : right / static_cast<double>(factors.right);
    const bool nonnegative = sign > 0 && in(0).low >= 0 && in(1).low >= 0;
    return finish_combined(integer_op::Add{{factors.left, sign * factors.right}}, scale, nonnegative);
  }

  Status lower_product() {
    const bool nonnegative = node().inputs[0] == node().inputs[1] || (in(0).low >= 0 && in(1).low >= 0);
    return finish_combined(integer_op::Multiply{}, in(0).scale * in(1).scale, nonnegative);
  }

  // No weights that could absorb a factor: the output's scale follows from a coarse public one.
  Status finish_combined(model::IntegerOp what, double raw_scale, bool nonnegative) {
    const Target wanted = target_of_node(nonnegative);
    const double least = wanted.is_curve() ? argument_step(wanted) : wanted.scale;
    Factor factor;
    factor.ratio = ratio_at_most_one(raw_scale / least);
    std::vector<TensorId> inputs;
    for (TensorId id : node().inputs) inputs.push_back(quantised_[id]->id);
    const TensorId raw = builder_.append(std::move(what), std::move(inputs), out_shape());
    finish(raw, factor, raw_scale / factor.ratio.value(), wanted);
    return {};
  }

  // ---- an activation of something that is requantised already

  Status lower_activation() {
    builder_.begin_layer(node(), model::op_name(node().op));
    const Quantised x = in();
    const Target wanted = target(node().output, &node().op, x.low >= 0);
    if (wanted.is_curve()) {  // its step is the tensor's scale
      const TensorId id = append_requantize(x.id, {}, {wanted.low, wanted.high}, out_shape());
      curves_.push_back(
          {builder_.architecture().nodes.size() - 1, index_,
           Curve{*wanted.curve(), x.scale, wanted.scale, wanted.low, wanted.high}});
      quantised_[node().output] = Quantised{id, wanted.scale, wanted.low, wanted.high};
      return {};
    }
    Clamp range{x.low, x.high};
    if (const auto* clip = std::get_if<op::Clip>(&node().op)) range = clipped(*clip, x.scale, range);
    if (std::holds_alternative<op::Relu>(node().op)) range.low = std::max<std::int64_t>(range.low, 0);
    Quantised out{x.id, x.scale, range.low, range.high};
    if (range.low > x.low || range.high < x.high) out.id = append_requantize(x.id, {}, range, out_shape());
    quantised_[node().output] = out;
    return {};
  }

  // ---- ranges of hi, tables

  integer_op::Requantize& requantize_at(std::size_t integer_node) {
    return std::get<integer_op::Requantize>(builder_.architecture().nodes[integer_node].op);
  }

  void set_table(std::size_t integer_node, model::TableId id) {
    const model::Table& table = builder_.architecture().tables[id];
    integer_op::Requantize& requantize = requantize_at(integer_node);
    requantize.activation = id;
    requantize.hi_min = table.first;
    requantize.hi_max = table.first + static_cast<std::int64_t>(table.values.size()) - 1;
  }

  static model::Table tabulate(const Curve& curve, const Rounded& range) {
    model::Table table{range.min, {}};
    for (std::int64_t hi = range.min; hi <= range.max; ++hi) table.values.push_back(curve.at(hi));
    return table;
  }

  Result<std::optional<std::size_t>> set_hi_ranges() {
    model::Architecture& a = builder_.architecture();
    // What a curve is asked depends on the tables before it, so they are made one after the other.
    std::vector<Rounded> own;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      BLINDPROOF_ASSIGN(const std::vector<model::Range> ranges, model::requantized_ranges(builder_.graph()));
      own.push_back(rounded_outwards(ranges[curves_[i].integer_node]));
      if (own[i].size() > kMaxCurveEntries) return std::optional(curves_[i].float_node);
      a.tables.push_back(tabulate(curves_[i].curve, own[i]));
      set_table(curves_[i].integer_node, static_cast<model::TableId>(i));
    }
    BLINDPROOF_ASSIGN(const std::vector<model::Range> ranges, model::requantized_ranges(builder_.graph()));
    for (std::size_t i = 0; i < a.nodes.size(); ++i) {
      if (!std::holds_alternative<integer_op::Requantize>(a.nodes[i].op)) continue;
      const Rounded rounded = rounded_outwards(ranges[i]);
      requantize_at(i).hi_min = rounded.min;
      requantize_at(i).hi_max = rounded.max;
    }

    // One table for all uses of a curve with the same scales, over everything that any of them needs.
    struct Shared {
      Curve curve;
      Rounded range;
    };
    std::vector<Shared> shared;
    std::vector<std::size_t> shared_by(curves_.size());
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      std::size_t at = 0;
      for (; at < shared.size(); ++at) {
        const Rounded both{std::min(shared[at].range.min, own[i].min), std::max(shared[at].range.max, own[i].max)};
        if (shared[at].curve != curves_[i].curve || both.size() > kMaxCurveEntries) continue;
        shared[at].range = both;
        break;
      }
      if (at == shared.size()) shared.push_back({curves_[i].curve, own[i]});
      shared_by[i] = at;
    }
    a.tables.clear();
    for (const Shared& each : shared) a.tables.push_back(tabulate(each.curve, each.range));
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      set_table(curves_[i].integer_node, static_cast<model::TableId>(shared_by[i]));
    }
    BLINDPROOF_TRY(model::validate(builder_.graph()));
    return std::optional<std::size_t>();
  }

  struct CurveUse {
    std::size_t integer_node, float_node;
    Curve curve;
  };

  const model::FloatGraph& g_;
  const Calibration& calibration_;
  const QuantizeOptions& options_;
  const Clipping clipping_;
  const std::vector<int>& coarsenings_;  // by node of the float graph
  GraphBuilder builder_;
  std::vector<std::size_t> readers_;
  std::vector<std::optional<Quantised>> quantised_;  // by tensor of the float graph
  std::vector<char> is_output_;
  std::vector<CurveUse> curves_;
  std::size_t index_ = 0;
};

}  // namespace

Result<Lowered> lower_rescaled(const NormalisedGraph& normalised, const Calibration& calibration,
                               const QuantizeOptions& options, Clipping clipping) {
  std::vector<int> coarsenings(normalised.graph.nodes.size(), 0);
  while (true) {
    RescaledLowering lowering(normalised, calibration, options, clipping, coarsenings);
    BLINDPROOF_ASSIGN(const std::optional<std::size_t> too_wide, lowering.run());
    if (!too_wide) return std::move(lowering).take();
    if (coarsenings[*too_wide]++ > kMaxCoarsenings) {
      return base::error(ErrorCode::kLimit, describe(normalised.graph.nodes[*too_wide]),
                         "its table would exceed 2^16 entries; use fewer activation bits");
    }
  }
}

}  // namespace blindproof::compiler
