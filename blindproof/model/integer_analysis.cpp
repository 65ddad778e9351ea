// Interval arithmetic over an integer graph. A tensor's bounds are kept per index of one of its axes: channels of a
// [C,H,W] tensor, the last axis of any other.
#include <algorithm>
#include <string>
#include <type_traits>

#include "blindproof/model/integer_graph.h"
#include "blindproof/model/magnitude.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

Status check_values(const IntegerGraph& graph) {
  const auto wrong = [](std::size_t id, const char* detail) {
    return base::error(ErrorCode::kMalformed, "integer graph: parameter " + std::to_string(id), detail);
  };
  const Architecture& architecture = graph.architecture;
  if (graph.values.size() != architecture.parameters.size()) {
    return base::error(ErrorCode::kMalformed, "integer graph", "there aren't values for each parameter");
  }
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const ParameterInfo& info = architecture.parameters[id];
    if (value_count(graph.values[id]) != element_count(info.shape)) return wrong(id, "the number of values is wrong");
    ParameterInfo probe = info;
    probe.shape = {1};
    if (graph.values[id].index() != zero_values(probe).index())
      return wrong(id, "the values have another width than declared");
    const bool inside = std::visit(
        [&](const auto& values) {
          using Value = typename std::decay_t<decltype(values)>::value_type;
          const Value low = static_cast<Value>(info.min()), high = static_cast<Value>(info.max());
          bool all = true;
          for (Value value : values) all &= (value >= low) & (value <= high);
          return all;
        },
        graph.values[id]);
    if (!inside) return wrong(id, "a value is outside the declared range");
  }
  return {};
}

template <class Value>
struct Interval {
  Value min, max;
  static Interval hull(Interval a, Interval b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }
  /// {w*x : x in the interval}
  Interval times(Value w) const { return w >= 0 ? Interval{w * min, w * max} : Interval{w * max, w * min}; }
};

// Value is std::int64_t for rescaled graphs, whose declared ranges already bound every sum below 2^62, and Int128 for
// exact ones, where each node is checked before it is computed.
template <class Value>
class Analyzer {
 public:
  using Bounds = Interval<Value>;

  Analyzer(const IntegerGraph& graph, bool check_clamps)
      : graph_(graph), a_(graph.architecture), check_clamps_(check_clamps), bounds_(a_.shapes.size()) {}

  Status run() {
    bounds_[a_.input] = {{static_cast<Value>(a_.input_min), static_cast<Value>(a_.input_max)}};
    hi_.assign(a_.nodes.size(), Range{0, 0});
    std::vector<std::size_t> last_reader(a_.shapes.size(), 0);
    for (std::size_t i = 0; i < a_.nodes.size(); ++i) {
      for (TensorId id : a_.nodes[i].inputs) last_reader[id] = i;
    }
    for (index_ = 0; index_ < a_.nodes.size(); ++index_) {
      node_ = &a_.nodes[index_];
      BLINDPROOF_TRY(std::visit([&](const auto& op) { return step(op); }, node_->op));
      for (TensorId id : node_->inputs) {
        if (last_reader[id] == index_) bounds_[id] = {hull_of(bounds_[id])};
      }
    }
    return {};
  }

  std::vector<Range> tensor_ranges() const {
    std::vector<Range> ranges;
    for (const auto& bounds : bounds_) {
      const Bounds all = hull_of(bounds);
      ranges.push_back({all.min, all.max});
    }
    return ranges;
  }
  const std::vector<Range>& hi_ranges() const { return hi_; }

 private:
  // One interval for the whole tensor, or one for each index of stored_axis.
  using TensorBounds = std::vector<Bounds>;

  static std::size_t stored_axis(const Shape& shape) {
    return shape.size() == 3 || shape.empty() ? 0 : shape.size() - 1;
  }

  static Bounds hull_of(const TensorBounds& bounds) {
    Bounds all = bounds[0];
    for (const Bounds& each : bounds) all = Bounds::hull(all, each);
    return all;
  }

  /// One interval for each index of `axis`.
  TensorBounds along(TensorId id, std::size_t axis) const {
    const Shape& shape = a_.shapes[id];
    const TensorBounds& stored = bounds_[id];
    if (stored.size() > 1 && axis == stored_axis(shape)) return stored;
    return TensorBounds(shape[axis], hull_of(stored));
  }

  void store(std::size_t axis, TensorBounds bounds) {
    const bool keep = axis == stored_axis(a_.shapes[node_->output]);
    bounds_[node_->output] = keep ? std::move(bounds) : TensorBounds{hull_of(bounds)};
  }

  Magnitude magnitude(TensorId id) const {
    const Bounds all = hull_of(bounds_[id]);
    return Magnitude::max(Magnitude::of(all.min), Magnitude::of(all.max));
  }

  Status expect_small(Magnitude bound) const {
    const bool exact = a_.arithmetic == Arithmetic::kExact;
    const int limit = exact ? kExactBits : kRescaledBits;
    if (bound.bits() <= limit) return {};
    return base::error(ErrorCode::kLimit, place(),
                       "values may need " + std::to_string(bound.bits()) + " bits, more than the " +
                           std::to_string(limit) + " that " + (exact ? "exact" : "rescaled") +
                           " arithmetic has; use fewer bits or layers");
  }

  std::string place() const {
    return "integer graph: node " + std::to_string(index_) + " (" + std::string(op_name(node_->op)) + ")";
  }

  // Consecutive weights of a row whose inputs have the same bounds: after a clamp, usually all of them.
  struct Run {
    std::size_t count;
    Bounds bounds;
  };

  static std::vector<Run> runs_of(const TensorBounds& inputs, std::size_t per_input) {
    std::vector<Run> runs;
    for (const Bounds& each : inputs) {
      if (runs.empty() || runs.back().bounds.min != each.min || runs.back().bounds.max != each.max)
        runs.push_back({0, each});
      runs.back().count += per_input;
    }
    return runs;
  }

  // The sums of the positive and of the negative ones.
  template <class Weight>
  static std::pair<std::int64_t, std::int64_t> signed_sums(const Weight* w, std::size_t count) {
    constexpr std::size_t kBlock = std::size_t{1} << 15;  // sums of 16-bit weights fit 32 bits
    std::int64_t positive = 0, negative = 0;
    for (std::size_t start = 0; start < count; start += kBlock) {
      std::int32_t up = 0, down = 0;
      for (std::size_t k = start; k < std::min(count, start + kBlock); ++k) {
        up += std::max<std::int32_t>(w[k], 0);
        down += std::min<std::int32_t>(w[k], 0);
      }
      positive += up;
      negative += down;
    }
    return {positive, negative};
  }

  // The row's sum of w*x over `per_input` consecutive weights for each input, plus the bias.
  template <class Weight>
  Status linear(const std::vector<Weight>& weight, const std::optional<ParameterId>& bias, std::size_t outputs,
                const std::vector<TensorBounds>& inputs, std::size_t per_input, std::size_t axis) {
    const std::size_t row_size = weight.size() / outputs, group_size = outputs / inputs.size();
    if constexpr (std::is_same_v<Value, Int128>) {
      std::uint64_t largest_row = 0;
      for (std::size_t row = 0; row < outputs; ++row) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < row_size; ++i)
          sum += static_cast<std::uint64_t>(std::abs(int{weight[row * row_size + i]}));
        largest_row = std::max(largest_row, sum);
      }
      Magnitude bound = Magnitude(largest_row) * magnitude(node_->inputs[0]);
      if (bias) {
        Magnitude largest_bias;
        for (std::size_t row = 0; row < outputs; ++row) {
          largest_bias = Magnitude::max(largest_bias, Magnitude::of(value_at(graph_.values[*bias], row)));
        }
        bound = bound + largest_bias;
      }
      BLINDPROOF_TRY(expect_small(bound));
    }
    std::vector<std::vector<Run>> runs;
    for (const TensorBounds& in : inputs) runs.push_back(runs_of(in, per_input));
    TensorBounds out(outputs);
    for (std::size_t row = 0; row < outputs; ++row) {
      const Value start = bias ? static_cast<Value>(value_at(graph_.values[*bias], row)) : Value{0};
      Bounds sum{start, start};
      const Weight* w = &weight[row * row_size];
      for (const Run& run : runs[row / group_size]) {
        const auto [positive, negative] = signed_sums(w, run.count);
        w += run.count;
        sum.min += positive * run.bounds.min + negative * run.bounds.max;
        sum.max += positive * run.bounds.max + negative * run.bounds.min;
      }
      out[row] = sum;
    }
    store(axis, std::move(out));
    return {};
  }

  template <class Body>
  Status with_weights(ParameterId id, Body body) {
    return std::visit(
        [&](const auto& weight) -> Status {
          using Weight = typename std::decay_t<decltype(weight)>::value_type;
          if constexpr (sizeof(Weight) <= 2) {
            return body(weight);
          } else {
            base::check_failed(__FILE__, __LINE__, "weight", "weights have at most 16 bits");
          }
        },
        graph_.values[id]);
  }

  static bool padded(const Window2d& window) {
    return window.pad_begin[0] + window.pad_begin[1] + window.pad_end[0] + window.pad_end[1] != 0;
  }

  static void include_padding(const Window2d& window, TensorBounds& bounds) {
    if (!padded(window)) return;
    for (Bounds& each : bounds) each = Bounds::hull(each, {0, 0});
  }

  Status step(const integer_op::Dense& op) {
    const Shape& shape = a_.shapes[node_->inputs[0]];
    const std::vector<TensorBounds> inputs = {along(node_->inputs[0], shape.size() - 1)};
    const Shape& out = a_.shapes[node_->output];
    return with_weights(
        op.weight, [&](const auto& weight) { return linear(weight, op.bias, out.back(), inputs, 1, out.size() - 1); });
  }

  Status step(const integer_op::Conv2d& op) {
    TensorBounds all = along(node_->inputs[0], 0);
    include_padding(op.window, all);
    const std::size_t group_inputs = all.size() / op.groups;
    std::vector<TensorBounds> inputs;
    for (std::size_t g = 0; g < op.groups; ++g) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(g * group_inputs);
      inputs.emplace_back(first, first + static_cast<std::ptrdiff_t>(group_inputs));
    }
    return with_weights(op.weight, [&](const auto& weight) {
      return linear(weight, op.bias, a_.shapes[node_->output][0], inputs, op.window.kernel[0] * op.window.kernel[1], 0);
    });
  }

  Status step(const integer_op::SumPool2d& op) {
    const std::size_t cells = op.window.kernel[0] * op.window.kernel[1];
    BLINDPROOF_TRY(expect_small(magnitude(node_->inputs[0]) * Magnitude(cells)));
    TensorBounds bounds = bounds_[node_->inputs[0]];
    include_padding(op.window, bounds);
    for (Bounds& each : bounds) each = each.times(static_cast<Value>(cells));
    bounds_[node_->output] = std::move(bounds);
    return {};
  }

  Status step(const integer_op::MaxPool2d&) {
    bounds_[node_->output] = bounds_[node_->inputs[0]];
    return {};
  }

  Status step(const integer_op::Add& op) {
    const TensorId left = node_->inputs[0], right = node_->inputs[1];
    BLINDPROOF_TRY(
        expect_small(magnitude(left) * Magnitude::of(op.factor[0]) + magnitude(right) * Magnitude::of(op.factor[1])));
    element_wise(left, right, [&](Bounds a, Bounds b) {
      const Bounds x = a.times(static_cast<Value>(op.factor[0])), y = b.times(static_cast<Value>(op.factor[1]));
      return Bounds{x.min + y.min, x.max + y.max};
    });
    return {};
  }

  Status step(const integer_op::Multiply&) {
    const TensorId left = node_->inputs[0], right = node_->inputs[1];
    BLINDPROOF_TRY(expect_small(magnitude(left) * magnitude(right)));
    element_wise(left, right, [&](Bounds a, Bounds b) {
      Bounds product = Bounds::hull(a.times(b.min), a.times(b.max));
      if (left == right) product.min = std::max(product.min, Value{0});
      return product;
    });
    return {};
  }

  template <class Combine>
  void element_wise(TensorId left, TensorId right, Combine combine) {
    const TensorBounds &a = bounds_[left], &b = bounds_[right];
    TensorBounds out;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      out.push_back(combine(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]));
    }
    bounds_[node_->output] = std::move(out);
  }

  Status step(const integer_op::Requantize& op) {
    if constexpr (std::is_same_v<Value, Int128>) {
      base::check_failed(__FILE__, __LINE__, "exact", "no Requantize in exact arithmetic");
    } else {
      const Value half = op.shift > 0 ? Value{1} << (op.shift - 1) : 0;
      TensorBounds bounds = op.multiplier ? along(node_->inputs[0], op.channel_axis) : bounds_[node_->inputs[0]];
      for (std::size_t i = 0; i < bounds.size(); ++i) {
        const Value factor = op.multiplier ? static_cast<Value>(value_at(graph_.values[*op.multiplier], i)) : op.factor;
        const Bounds t = bounds[i].times(factor);
        bounds[i] = {(t.min + half) >> op.shift, (t.max + half) >> op.shift};
      }
      const Bounds hi = hull_of(bounds);
      hi_[index_] = {hi.min, hi.max};
      const bool is_table = std::holds_alternative<TableId>(op.activation);
      if ((is_table || check_clamps_) && (hi.min < op.hi_min || hi.max > op.hi_max)) {
        return base::error(ErrorCode::kLimit, place(),
                           "hi may be anything from " + std::to_string(hi.min) + " to " + std::to_string(hi.max) +
                               ", outside the declared range from " + std::to_string(op.hi_min) + " to " +
                               std::to_string(op.hi_max));
      }
      if (const auto* clamp = std::get_if<integer_op::Requantize::Clamp>(&op.activation)) {
        for (Bounds& each : bounds) {
          each = {std::clamp<Value>(each.min, clamp->low, clamp->high),
                  std::clamp<Value>(each.max, clamp->low, clamp->high)};
        }
      } else {
        const Table& table = a_.tables[std::get<TableId>(op.activation)];
        const auto first = table.values.begin() + static_cast<std::ptrdiff_t>(hi.min - table.first);
        const auto last = table.values.begin() + static_cast<std::ptrdiff_t>(hi.max - table.first) + 1;
        const auto [low, high] = std::minmax_element(first, last);
        bounds = {{*low, *high}};
      }
      if (op.multiplier) {
        store_requantised(op.channel_axis, std::move(bounds));
      } else {
        bounds_[node_->output] = std::move(bounds);
      }
    }
    return {};
  }

  void store_requantised(std::size_t axis, TensorBounds bounds) {
    if (bounds.size() == 1) {
      bounds_[node_->output] = std::move(bounds);
    } else {
      store(axis, std::move(bounds));
    }
  }

  Status step(const integer_op::Reshape&) {
    const TensorBounds& stored = bounds_[node_->inputs[0]];
    const Shape &from = a_.shapes[node_->inputs[0]], &to = a_.shapes[node_->output];
    if (stored.size() == 1 || to.empty()) {
      bounds_[node_->output] = {hull_of(stored)};
      return {};
    }
    const auto key = [](const Shape& shape) {
      std::size_t inner = 1;
      for (std::size_t i = stored_axis(shape) + 1; i < shape.size(); ++i) inner *= shape[i];
      return std::pair{inner, shape[stored_axis(shape)]};
    };
    const auto [from_inner, from_size] = key(from);
    const auto [to_inner, to_size] = key(to);
    TensorBounds out(to_size);
    std::vector<char> seen(to_size, 0);
    const std::size_t count = element_count(from);
    for (std::size_t i = 0; i < count; ++i) {
      const Bounds& source = stored[i / from_inner % from_size];
      const std::size_t target = i / to_inner % to_size;
      out[target] = seen[target] ? Bounds::hull(out[target], source) : source;
      seen[target] = 1;
    }
    bounds_[node_->output] = std::move(out);
    return {};
  }

  Status step(const integer_op::Transpose& op) {
    const TensorBounds& stored = bounds_[node_->inputs[0]];
    if (stored.size() == 1) {
      bounds_[node_->output] = stored;
      return {};
    }
    const std::size_t axis = stored_axis(a_.shapes[node_->inputs[0]]);
    const auto moved = std::find(op.permutation.begin(), op.permutation.end(), axis);
    store(static_cast<std::size_t>(moved - op.permutation.begin()), stored);
    return {};
  }

  const IntegerGraph& graph_;
  const Architecture& a_;
  const bool check_clamps_;
  std::size_t index_ = 0;
  const IntegerNode* node_ = nullptr;
  std::vector<TensorBounds> bounds_;
  std::vector<Range> hi_;
};

struct Analysis {
  std::vector<Range> tensors, hi;
};

Result<Analysis> run_analysis(const IntegerGraph& graph, bool check_clamps) {
  BLINDPROOF_TRY(validate(graph.architecture));
  BLINDPROOF_TRY(check_values(graph));
  if (graph.architecture.arithmetic == Arithmetic::kRescaled) {
    Analyzer<std::int64_t> analyzer(graph, check_clamps);
    BLINDPROOF_TRY(analyzer.run());
    return Analysis{analyzer.tensor_ranges(), analyzer.hi_ranges()};
  }
  Analyzer<Int128> analyzer(graph, check_clamps);
  BLINDPROOF_TRY(analyzer.run());
  return Analysis{analyzer.tensor_ranges(), analyzer.hi_ranges()};
}

}  // namespace

Result<std::vector<Range>> analyze(const IntegerGraph& graph) {
  BLINDPROOF_ASSIGN(Analysis analysis, run_analysis(graph, true));
  return std::move(analysis.tensors);
}

Result<std::vector<Range>> requantized_ranges(const IntegerGraph& graph) {
  BLINDPROOF_ASSIGN(Analysis analysis, run_analysis(graph, false));
  return std::move(analysis.hi);
}

}  // namespace blindproof::model
