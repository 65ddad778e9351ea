#include "blindproof/model/integer_graph.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/model/magnitude.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;
using base::Status;

constexpr std::int64_t kMaxClamp = std::int64_t{1} << 16;
constexpr std::int64_t kMaxHi = std::int64_t{1} << 62;
// Where sizes have 32 bits, what is counted later (cells, their limbs, lookups, bytes) has to stay below 2^32.
constexpr bool kSmallSizes = sizeof(std::size_t) == 4;
constexpr std::size_t kMaxElementsHere = kSmallSizes ? std::size_t{1} << 26 : kMaxTotalElements;
constexpr std::uint64_t kMaxProductsHere = kSmallSizes ? std::uint64_t{1} << 31 : kMaxProducts;

std::uint64_t cells_of(const Window2d& window) { return std::uint64_t{window.kernel[0]} * window.kernel[1]; }

Magnitude table_magnitude(const Table& table) {
  Magnitude largest;
  for (std::int32_t value : table.values) largest = Magnitude::max(largest, Magnitude::of(value));
  return largest;
}

// Worst cases by the declared ranges. Requires: a wired graph (ids in range, in order) with checked shapes.
class DeclaredBounds {
 public:
  explicit DeclaredBounds(const Architecture& architecture)
      : architecture_(architecture), bounds_(architecture.shapes.size()) {
    bounds_[architecture.input] =
        Magnitude::max(Magnitude::of(architecture.input_min), Magnitude::of(architecture.input_max));
    for (const Table& table : architecture.tables) tables_.push_back(table_magnitude(table));
  }

  /// Returns the bound on everything that computing the node passes through.
  Magnitude step(const IntegerNode& node) {
    const Magnitude in = bounds_[node.inputs[0]];
    Magnitude& out = bounds_[node.output];
    Magnitude through;
    std::visit(
        Overloaded{
            [&](const integer_op::Dense& op) { out = linear(in, op.weight, op.bias); },
            [&](const integer_op::Conv2d& op) { out = linear(in, op.weight, op.bias); },
            [&](const integer_op::SumPool2d& op) { out = in * Magnitude(cells_of(op.window)); },
            [&](const integer_op::MaxPool2d&) { out = in; },
            [&](const integer_op::Add& op) {
              out = in * Magnitude::of(op.factor[0]) + bounds_[node.inputs[1]] * Magnitude::of(op.factor[1]);
            },
            [&](const integer_op::Multiply&) { out = in * bounds_[node.inputs[1]]; },
            [&](const integer_op::Requantize& op) { requantize(op, in, out, through); },
            [&](const integer_op::Reshape&) { out = in; }, [&](const integer_op::Transpose&) { out = in; }},
        node.op);
    return Magnitude::max(through, out);
  }

  Magnitude bound(TensorId id) const { return bounds_[id]; }

 private:
  Magnitude largest(ParameterId id) const {
    const ParameterInfo& info = architecture_.parameters[id];
    return Magnitude::max(Magnitude::of(info.min()), Magnitude::of(info.max()));
  }

  Magnitude linear(Magnitude in, ParameterId weight, const std::optional<ParameterId>& bias) const {
    const Shape& shape = architecture_.parameters[weight].shape;
    const Magnitude sum = in * largest(weight) * Magnitude(element_count(shape) / shape[0]);
    return bias ? sum + largest(*bias) : sum;
  }

  void requantize(const integer_op::Requantize& op, Magnitude in, Magnitude& out, Magnitude& through) const {
    through = in * (op.multiplier ? largest(*op.multiplier) : Magnitude::of(op.factor));
    if (op.shift > 0) through = through + Magnitude(base::Uint128{1} << (op.shift - 1));
    std::visit(Overloaded{[&](const integer_op::Requantize::Clamp& clamp) {
                            out = Magnitude::max(Magnitude::of(clamp.low), Magnitude::of(clamp.high));
                          },
                          [&](TableId id) { out = tables_[id]; }},
               op.activation);
  }

  const Architecture& architecture_;
  std::vector<Magnitude> bounds_, tables_;
};

class Validator {
 public:
  explicit Validator(const Architecture& architecture) : a_(architecture) {}

  Status run() {
    BLINDPROOF_TRY(check_header());
    BLINDPROOF_TRY(check_tensors());
    BLINDPROOF_TRY(check_parameters());
    BLINDPROOF_TRY(check_tables());
    DeclaredBounds bounds(a_);
    const int limit = a_.arithmetic == Arithmetic::kRescaled ? kRescaledBits : kExactDeclaredBits;
    for (std::size_t i = 0; i < a_.nodes.size(); ++i) {
      node_ = &a_.nodes[i];
      place_ = "integer graph: node " + std::to_string(i) + " (" + std::string(op_name(node_->op)) + ")";
      BLINDPROOF_TRY(check_wiring());
      BLINDPROOF_TRY(std::visit([&](const auto& op) { return check(op); }, node_->op));
      if (bounds.step(*node_).bits() > limit) {
        return too_large("values may reach 2^" + std::to_string(limit) + " by the declared ranges, which");
      }
    }
    place_ = "integer graph";
    return check_use();
  }

 private:
  Status check_header() {
    if (a_.arithmetic != Arithmetic::kRescaled && a_.arithmetic != Arithmetic::kExact)
      return wrong("unknown arithmetic");
    if (a_.finish != Finish::kNone && a_.finish != Finish::kSoftmax && a_.finish != Finish::kArgMax) {
      return wrong("unknown finish");
    }
    if (a_.input_min > a_.input_max || a_.input_min < -kMaxClamp || a_.input_max > kMaxClamp ||
        a_.input_max - a_.input_min >= kMaxClamp) {
      return wrong("the input's range is empty or too wide");
    }
    for (double scale : {a_.input_scale, a_.output_scale}) {
      if (!std::isfinite(scale) || scale <= 0) return wrong("a scale is not a positive number");
    }
    if (a_.nodes.empty()) return wrong("has no nodes");
    if (a_.nodes.size() > kMaxTensors) return too_large(std::to_string(a_.nodes.size()) + " nodes");
    return {};
  }

  Status check_shape(const std::string& what, const Shape& shape, std::size_t& total) {
    if (shape.size() > kMaxDimensions) return too_large(what + "'s number of dimensions");
    const std::size_t count = element_count(shape);
    if (count == 0) return wrong(what + " is empty or too large: " + to_string(shape));
    total += count;
    if (total > kMaxElementsHere) return too_large("the total number of elements");
    return {};
  }

  Status check_tensors() {
    if (a_.shapes.size() > kMaxTensors) return too_large(std::to_string(a_.shapes.size()) + " tensors");
    if (a_.input >= a_.shapes.size() || a_.output >= a_.shapes.size())
      return wrong("the input or output doesn't exist");
    std::size_t total = 0;
    for (std::size_t id = 0; id < a_.shapes.size(); ++id) {
      BLINDPROOF_TRY(check_shape("tensor " + std::to_string(id), a_.shapes[id], total));
    }
    written_.assign(a_.shapes.size(), 0);
    read_.assign(a_.shapes.size(), 0);
    requantised_.assign(a_.shapes.size(), 0);
    written_[a_.input] = requantised_[a_.input] = 1;
    return {};
  }

  Status check_parameters() {
    if (a_.parameters.size() > kMaxTensors) return too_large(std::to_string(a_.parameters.size()) + " parameters");
    std::size_t total = 0;
    for (std::size_t id = 0; id < a_.parameters.size(); ++id) {
      const ParameterInfo& info = a_.parameters[id];
      const std::string what = "parameter " + std::to_string(id);
      if (info.role != ParameterRole::kWeight && info.role != ParameterRole::kBias &&
          info.role != ParameterRole::kMultiplier) {
        return wrong(what + " has an unknown role");
      }
      const bool wide = info.role == ParameterRole::kBias && info.bits <= 112 && info.bits % 16 == 0;
      if (info.bits < 1 || (info.bits > 16 && !wide)) {
        return wrong(what + " can't have " + std::to_string(info.bits) + " bits");
      }
      BLINDPROOF_TRY(check_shape(what, info.shape, total));
    }
    parameter_used_.assign(a_.parameters.size(), 0);
    return {};
  }

  Status check_tables() {
    if (a_.tables.size() > kMaxTables) return too_large(std::to_string(a_.tables.size()) + " tables");
    std::size_t total = 0;
    for (const Table& table : a_.tables) {
      if (table.values.empty() || table.values.size() > kMaxTableSize) return wrong("a table is empty or too large");
      if (table.first < -kMaxHi / 2 || table.first > kMaxHi / 2) return wrong("a table starts out of range");
      total += table.values.size();
    }
    if (total > kMaxTableEntries) return too_large("the total number of table entries");
    table_used_.assign(a_.tables.size(), 0);
    return {};
  }

  Status check_wiring() {
    const bool binary =
        std::holds_alternative<integer_op::Add>(node_->op) || std::holds_alternative<integer_op::Multiply>(node_->op);
    const std::size_t wanted = binary ? 2 : 1;
    if (node_->inputs.size() != wanted) {
      return wrong("has " + std::to_string(node_->inputs.size()) + " inputs instead of " + std::to_string(wanted));
    }
    for (TensorId id : node_->inputs) {
      if (id >= written_.size() || !written_[id])
        return wrong("reads tensor " + std::to_string(id) + " before it is written");
      read_[id] = 1;
    }
    if (node_->output >= written_.size()) return wrong("writes a tensor that doesn't exist");
    if (written_[node_->output]) return wrong("writes tensor " + std::to_string(node_->output) + " a second time");
    written_[node_->output] = 1;

    const bool requantize = std::holds_alternative<integer_op::Requantize>(node_->op);
    const bool maximum = std::holds_alternative<integer_op::MaxPool2d>(node_->op);
    const bool moves = std::holds_alternative<integer_op::Reshape>(node_->op) ||
                       std::holds_alternative<integer_op::Transpose>(node_->op);
    if (a_.arithmetic == Arithmetic::kExact) {
      return requantize || maximum ? wrong("is not allowed in exact arithmetic") : Status();
    }
    if (!requantize && !moves) {
      for (TensorId id : node_->inputs) {
        if (!requantised_[id]) return wrong("reads tensor " + std::to_string(id) + ", which must be requantised first");
      }
    }
    requantised_[node_->output] = requantize || maximum || (moves && requantised_[node_->inputs[0]]);
    return {};
  }

  const Shape& in() const { return a_.shapes[node_->inputs[0]]; }
  const Shape& out() const { return a_.shapes[node_->output]; }

  Status check(const integer_op::Dense& op) {
    BLINDPROOF_TRY(use_parameter(op.weight, ParameterRole::kWeight));
    const Shape& weight = a_.parameters[op.weight].shape;
    if (weight.size() != 2) return wrong("the weight is not a matrix");
    if (in().empty() || in().back() != weight[1])
      return wrong_shape("the last dimension is not the layer's number of inputs");
    Shape expected = in();
    expected.back() = weight[0];
    BLINDPROOF_TRY(expect_output(expected));
    BLINDPROOF_TRY(use_bias(op.bias, weight[0]));
    return count_products(element_count(out()), weight[1]);
  }

  Status check(const integer_op::Conv2d& op) {
    BLINDPROOF_TRY(use_parameter(op.weight, ParameterRole::kWeight));
    BLINDPROOF_TRY(check_window(op.window));
    const Shape& weight = a_.parameters[op.weight].shape;
    if (in().size() != 3) return wrong_shape("an input of [channels,height,width] is needed");
    if (op.groups == 0 || op.groups > in()[0] || in()[0] % op.groups != 0)
      return wrong("the groups don't divide the channels");
    if (weight.size() != 4 || weight[0] % op.groups != 0 ||
        weight != Shape{weight[0], in()[0] / op.groups, op.window.kernel[0], op.window.kernel[1]}) {
      return wrong("a weight of shape " + to_string(weight) + " doesn't fit channels, groups and window");
    }
    BLINDPROOF_TRY(expect_output(windowed(weight[0], op.window)));
    BLINDPROOF_TRY(use_bias(op.bias, weight[0]));
    return count_products(element_count(out()), element_count(weight) / weight[0]);
  }

  Status check(const integer_op::SumPool2d& op) { return check_pool(op.window); }
  Status check(const integer_op::MaxPool2d& op) { return check_pool(op.window); }

  Status check(const integer_op::Add& op) {
    for (std::int64_t factor : op.factor) {
      if (factor <= -kMaxHi || factor >= kMaxHi) return wrong("a factor is out of range");
    }
    return check_binary();
  }
  Status check(const integer_op::Multiply&) { return check_binary(); }

  Status check(const integer_op::Requantize& op) {
    if (op.shift > kMaxShift) return wrong("a shift of " + std::to_string(op.shift));
    if (op.multiplier) {
      BLINDPROOF_TRY(use_parameter(*op.multiplier, ParameterRole::kMultiplier));
      if (op.factor != 1) return wrong("has both a multiplier and a factor");
      if (op.channel_axis >= in().size()) return wrong("the channel axis is out of range");
      if (a_.parameters[*op.multiplier].shape != Shape{in()[op.channel_axis]}) {
        return wrong("there isn't one multiplier for each channel");
      }
    } else {
      if (op.channel_axis != 0) return wrong("has a channel axis without multipliers");
      if (op.factor <= -kMaxHi || op.factor >= kMaxHi) return wrong("the factor is out of range");
    }
    if (op.hi_min > op.hi_max || op.hi_min < -kMaxHi || op.hi_max > kMaxHi) return wrong("the range of hi is wrong");
    if (const auto* clamp = std::get_if<integer_op::Requantize::Clamp>(&op.activation)) {
      if (clamp->low > clamp->high || clamp->low < -kMaxClamp || clamp->high > kMaxClamp)
        return wrong("the clamp is wrong");
    } else {
      const TableId id = std::get<TableId>(op.activation);
      if (id >= a_.tables.size()) return wrong("the table doesn't exist");
      table_used_[id] = 1;
      const Table& table = a_.tables[id];
      const std::int64_t last = table.first + static_cast<std::int64_t>(table.values.size()) - 1;
      if (op.hi_min != table.first || op.hi_max != last) return wrong("the range of hi is not the table's domain");
    }
    return expect_output(in());
  }

  Status check(const integer_op::Reshape&) {
    if (element_count(in()) != element_count(out())) return wrong_shape("the number of elements changes");
    return {};
  }

  Status check(const integer_op::Transpose& op) {
    if (op.permutation.size() != in().size()) return wrong("the permutation has the wrong length");
    std::vector<char> used(in().size(), 0);
    Shape expected;
    for (std::size_t axis : op.permutation) {
      if (axis >= in().size() || used[axis]) return wrong("not a permutation");
      used[axis] = 1;
      expected.push_back(in()[axis]);
    }
    return expect_output(expected);
  }

  Status check_binary() {
    if (in() != a_.shapes[node_->inputs[1]]) {
      return wrong("the inputs' shapes differ: " + to_string(in()) + " and " + to_string(a_.shapes[node_->inputs[1]]));
    }
    return expect_output(in());
  }

  Status check_window(const Window2d& window) {
    for (std::size_t axis : {0u, 1u}) {
      for (std::size_t value : {window.kernel[axis], window.stride[axis], window.dilation[axis]}) {
        if (value == 0 || value > kMaxWindow) return wrong("a kernel size, stride or dilation is out of range");
      }
      for (std::size_t value : {window.pad_begin[axis], window.pad_end[axis]}) {
        if (value > kMaxWindow) return wrong("a padding is out of range");
      }
    }
    return {};
  }

  Status check_pool(const Window2d& window) {
    BLINDPROOF_TRY(check_window(window));
    if (in().size() != 3) return wrong_shape("an input of [channels,height,width] is needed");
    BLINDPROOF_TRY(expect_output(windowed(in()[0], window)));
    for (std::size_t axis : {0u, 1u}) {
      const std::size_t padding = window.pad_begin[axis], dilation = window.dilation[axis];
      for (std::size_t position = 0; position < out()[axis + 1]; ++position) {
        // The first cell of the window that isn't in the leading padding must lie inside.
        const std::size_t begin = position * window.stride[axis];
        const std::size_t skipped = begin >= padding ? 0 : (padding - begin + dilation - 1) / dilation;
        if (skipped >= window.kernel[axis] || begin + skipped * dilation >= padding + in()[axis + 1]) {
          return wrong("a window lies entirely in the padding");
        }
      }
    }
    return count_products(element_count(out()), cells_of(window));
  }

  Status use_parameter(ParameterId id, ParameterRole role) {
    if (id >= a_.parameters.size()) return wrong("parameter " + std::to_string(id) + " doesn't exist");
    if (a_.parameters[id].role != role) return wrong("parameter " + std::to_string(id) + " has another role");
    if (parameter_used_[id]) return wrong("parameter " + std::to_string(id) + " is used twice");
    parameter_used_[id] = 1;
    return {};
  }

  Status use_bias(const std::optional<ParameterId>& id, std::size_t outputs) {
    if (!id) return {};
    BLINDPROOF_TRY(use_parameter(*id, ParameterRole::kBias));
    if (a_.parameters[*id].shape != Shape{outputs}) return wrong("there isn't one bias for each output");
    return {};
  }

  Shape windowed(std::size_t channels, const Window2d& window) const {
    return {channels, window.output_size(0, in()[1]), window.output_size(1, in()[2])};
  }

  Status expect_output(const Shape& expected) {
    if (out() != expected) return wrong_shape("the output should be " + to_string(expected));
    return {};
  }

  Status count_products(std::uint64_t outputs, std::uint64_t per_output) {
    if (per_output > kMaxProductsHere / outputs || products_ + outputs * per_output > kMaxProductsHere) {
      return too_large("the number of multiplications for one sample");
    }
    products_ += outputs * per_output;
    return {};
  }

  Status check_use() {
    for (std::size_t id = 0; id < written_.size(); ++id) {
      const std::string tensor = "tensor " + std::to_string(id);
      if (!written_[id]) return wrong(tensor + " is written by no node");
      if (!read_[id] && id != a_.output) return wrong(tensor + " is read by no node");
    }
    if (a_.output == a_.input) return wrong("the output is the input");
    if (a_.arithmetic == Arithmetic::kRescaled && !requantised_[a_.output])
      return wrong("the output is not requantised");
    for (std::size_t id = 0; id < parameter_used_.size(); ++id) {
      if (!parameter_used_[id]) return wrong("parameter " + std::to_string(id) + " is not used");
    }
    for (std::size_t id = 0; id < table_used_.size(); ++id) {
      if (!table_used_[id]) return wrong("table " + std::to_string(id) + " is not used");
    }
    if (a_.finish != Finish::kNone && a_.shapes[a_.output].empty()) return wrong("the finish needs an axis");
    return {};
  }

  Status wrong(std::string detail) const { return base::error(ErrorCode::kMalformed, place_, std::move(detail)); }
  Status wrong_shape(const std::string& detail) const {
    return wrong(detail + "; the node maps " + to_string(in()) + " to " + to_string(out()));
  }
  Status too_large(const std::string& what) const {
    return base::error(ErrorCode::kLimit, place_, what + " is above the limit");
  }

  const Architecture& a_;
  const IntegerNode* node_ = nullptr;
  std::string place_ = "integer graph";
  std::vector<char> written_, read_, requantised_, parameter_used_, table_used_;
  std::uint64_t products_ = 0;
};

}  // namespace

Int128 ParameterInfo::min() const { return role == ParameterRole::kMultiplier ? 0 : -(Int128{1} << (bits - 1)); }

Int128 ParameterInfo::max() const { return (Int128{1} << (role == ParameterRole::kMultiplier ? bits : bits - 1)) - 1; }

ParameterValues zero_values(const ParameterInfo& info) {
  const std::size_t count = element_count(info.shape);
  const int signed_bits = info.role == ParameterRole::kMultiplier ? info.bits + 1 : info.bits;
  if (signed_bits <= 8) return std::vector<std::int8_t>(count);
  if (signed_bits <= 16) return std::vector<std::int16_t>(count);
  if (signed_bits <= 32) return std::vector<std::int32_t>(count);
  if (signed_bits <= 64) return std::vector<std::int64_t>(count);
  return std::vector<Int128>(count);
}

std::size_t value_count(const ParameterValues& values) {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

Int128 value_at(const ParameterValues& values, std::size_t index) {
  return std::visit([&](const auto& v) { return Int128{v[index]}; }, values);
}

std::string_view op_name(const IntegerOp& op) {
  return std::visit(
      Overloaded{[](const integer_op::Dense&) { return "Dense"; }, [](const integer_op::Conv2d&) { return "Conv2d"; },
                 [](const integer_op::SumPool2d&) { return "SumPool2d"; },
                 [](const integer_op::MaxPool2d&) { return "MaxPool2d"; }, [](const integer_op::Add&) { return "Add"; },
                 [](const integer_op::Multiply&) { return "Multiply"; },
                 [](const integer_op::Requantize&) { return "Requantize"; },
                 [](const integer_op::Reshape&) { return "Reshape"; },
                 [](const integer_op::Transpose&) { return "Transpose"; }},
      op);
}

Status validate(const Architecture& architecture) { return Validator(architecture).run(); }

Status validate(const IntegerGraph& graph) {
  BLINDPROOF_TRY(analyze(graph));
  return {};
}

std::vector<int> worst_case_bits(const Architecture& architecture) {
  DeclaredBounds bounds(architecture);
  for (const IntegerNode& node : architecture.nodes) bounds.step(node);
  std::vector<int> bits;
  for (TensorId id = 0; id < architecture.shapes.size(); ++id) bits.push_back(bounds.bound(id).bits());
  return bits;
}

}  // namespace blindproof::model
