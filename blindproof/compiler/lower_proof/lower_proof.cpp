#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <string>

#include "blindproof/compiler/lower_proof/proof_plan.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using model::Architecture;
using model::IntegerNode;
using model::Shape;
using proof::lookup::Table;
namespace op = model::integer_op;

constexpr unsigned kMaxLayoutBits = 30;
// A verifier's memory: it expands public weights axis by axis, and cell by cell where layouts don't match.
constexpr std::size_t kMaxAxis = std::size_t{1} << 22;
constexpr std::size_t kMaxDenseCells = std::size_t{1} << 22;
constexpr std::size_t kMaxTable = std::size_t{1} << 16;

// Rough costs of a proof in nanoseconds, for choices only.
constexpr double kTableEntryCost = 120;    // leaf, multiplicity
constexpr double kLookupCost = 120;        // leaf and committed column
constexpr double kSplitCost = 600;         // further columns and a product sum-check

class Lowering {
 public:
  explicit Lowering(const Architecture& architecture) : arch_(architecture) {}

  base::Result<ProofPlan> run() {
    plan_.tensors.resize(arch_.shapes.size());
    source_.resize(arch_.shapes.size(), arch_.input);
    plan_.parameters.resize(arch_.parameters.size());
    plan_.requantize.resize(arch_.nodes.size());
    plan_.max_pool.resize(arch_.nodes.size());
    plan_.registration_table.resize(arch_.parameters.size());
    BLINDPROOF_TRY(place(arch_.input, plain_groups(arch_.shapes[arch_.input]), "input"));
    plan_.tensors[arch_.input].min = arch_.input_min;
    plan_.tensors[arch_.input].max = arch_.input_max;
    plan_.input_table = range_table(plan_.tables, arch_.input_min, arch_.input_max);
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) BLINDPROOF_TRY(lay_out(i));
    for (std::size_t p = 0; p < arch_.parameters.size(); ++p) {
      if (!used_.contains(static_cast<model::ParameterId>(p)))
        return base::error(ErrorCode::kUnsupported, "parameter " + std::to_string(p), "is used by no node");
      const ParameterPlan& parameter = plan_.parameters[p];
      plan_.registration_table[p] = range_table(plan_.registration_tables, parameter.min, parameter.max);
    }
    BLINDPROOF_TRY(choose_activations());
    choose_limbs();
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) count_lookups(i);
    number(plan_.tables);
    number(plan_.registration_tables);
    return std::move(plan_);
  }

 private:
  using Groups = std::vector<std::vector<std::size_t>>;

  static std::string name(std::size_t node, const IntegerNode& n) {
    return "node " + std::to_string(node) + " (" + std::string(model::op_name(n.op)) + ")";
  }

  static Groups plain_groups(const Shape& shape) {
    Groups groups;
    for (std::size_t length : shape) groups.push_back({length});
    return groups;
  }

  static std::vector<std::size_t> flatten(const Groups& groups, std::size_t from = 0) {
    std::vector<std::size_t> axes;
    for (std::size_t i = from; i < groups.size(); ++i) axes.insert(axes.end(), groups[i].begin(), groups[i].end());
    if (axes.empty()) axes.push_back(1);
    return axes;
  }

  static unsigned padded_bits(const std::vector<std::size_t>& axes) {
    unsigned bits = 0;
    for (std::size_t length : axes) bits += static_cast<unsigned>(std::bit_width(length - 1));
    return bits;
  }

  base::Status place(model::TensorId id, Groups groups, const std::string& where) {
    TensorPlan& tensor = plan_.tensors[id];
    const std::vector<std::size_t> axes = flatten(groups);
    if (padded_bits(axes) > kMaxLayoutBits) return base::error(ErrorCode::kLimit, where, "the padded tensor has more than 2^30 cells");
    if (*std::max_element(axes.begin(), axes.end()) > kMaxAxis) return base::error(ErrorCode::kLimit, where, "an axis is longer than 2^22");
    tensor.groups = std::move(groups);
    tensor.layout = TensorLayout(axes);
    return {};
  }

  base::Status place_parameter(model::ParameterId id, const std::vector<std::size_t>& axes, const std::string& where) {
    if (!used_.insert(id).second) return base::error(ErrorCode::kUnsupported, where, "shares a parameter with another node");
    if (padded_bits(axes) > kMaxLayoutBits) return base::error(ErrorCode::kLimit, where, "the padded parameter has more than 2^30 cells");
    const model::ParameterInfo& info = arch_.parameters[id];
    ParameterPlan& parameter = plan_.parameters[id];
    parameter.layout = TensorLayout(axes);
    if (info.bits <= 16) {
      parameter.min = static_cast<std::int64_t>(info.min());
      parameter.max = static_cast<std::int64_t>(info.max());
    } else {
      parameter.limbs = static_cast<std::size_t>(info.bits) / 16;
      parameter.offset = Int128{1} << (info.bits - 1);
      parameter.max = 65535;
    }
    return {};
  }

  // Claims on a tensor whose layout its reader doesn't share have one weight per cell.
  static base::Status check_dense(const TensorPlan& tensor, const std::string& where) {
    if (tensor.layout.cells() <= kMaxDenseCells) return {};
    return base::error(ErrorCode::kLimit, where, "a reshape that cuts across axes of a tensor with more than 2^22 cells");
  }

  // The layout axes of `from`, regrouped for another shape: possible if each new axis is a run of old ones.
  static std::optional<Groups> regroup(const Groups& from, const Shape& to) {
    const std::vector<std::size_t> axes = flatten(from);
    Groups groups;
    std::size_t next = 0;
    for (std::size_t length : to) {
      std::vector<std::size_t> group;
      std::size_t product = 1;
      while (product < length && next < axes.size()) {
        product *= axes[next];
        group.push_back(axes[next++]);
      }
      if (product != length) return std::nullopt;
      groups.push_back(std::move(group));
    }
    // What is left can only be axes of length 1.
    for (; next < axes.size(); ++next) {
      if (axes[next] != 1) return std::nullopt;
      if (groups.empty()) groups.emplace_back();
      groups.back().push_back(axes[next]);
    }
    return groups;
  }

  base::Status lay_out(std::size_t index) {
    const IntegerNode& node = arch_.nodes[index];
    const std::string where = name(index, node);
    const bool moves = std::holds_alternative<op::Reshape>(node.op) || std::holds_alternative<op::Transpose>(node.op);
    source_[node.output] = moves ? source_[node.inputs[0]] : node.output;
    if (const auto* requantize = std::get_if<op::Requantize>(&node.op); requantize != nullptr && requantize->factor == 0)
      return base::error(ErrorCode::kUnsupported, where, "a factor of zero");
    if (const auto* add = std::get_if<op::Add>(&node.op); add != nullptr && (add->factor[0] == 0 || add->factor[1] == 0))
      return base::error(ErrorCode::kUnsupported, where, "a factor of zero");
    const Shape& shape = arch_.shapes[node.output];
    const TensorPlan& x = plan_.tensors[node.inputs[0]];
    const bool windowed = std::holds_alternative<op::Conv2d>(node.op) || std::holds_alternative<op::SumPool2d>(node.op) ||
                          std::holds_alternative<op::MaxPool2d>(node.op);
    if (windowed && !x.plain()) BLINDPROOF_TRY(check_dense(x, where));
    if (node.inputs.size() == 2 && !(plan_.tensors[node.inputs[1]].layout == x.layout)) BLINDPROOF_TRY(check_dense(x, where));
    if (const auto* dense = std::get_if<op::Dense>(&node.op)) {
      std::vector<std::size_t> axes = {arch_.parameters[dense->weight].shape[0]};
      const auto& inner = x.groups.back();
      axes.insert(axes.end(), inner.begin(), inner.end());
      if (inner.empty()) axes.push_back(1);
      BLINDPROOF_TRY(place_parameter(dense->weight, axes, where));
      if (dense->bias) BLINDPROOF_TRY(place_parameter(*dense->bias, arch_.parameters[*dense->bias].shape, where));
      Groups groups(x.groups.begin(), x.groups.end() - 1);
      groups.push_back({shape.back()});
      return place(node.output, std::move(groups), where);
    }
    if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) {
      BLINDPROOF_TRY(place_parameter(conv->weight, arch_.parameters[conv->weight].shape, where));
      if (conv->bias) BLINDPROOF_TRY(place_parameter(*conv->bias, arch_.parameters[*conv->bias].shape, where));
      return place(node.output, plain_groups(shape), where);
    }
    if (std::holds_alternative<op::SumPool2d>(node.op)) return place(node.output, plain_groups(shape), where);
    if (std::holds_alternative<op::MaxPool2d>(node.op)) {
      BLINDPROOF_TRY(place(node.output, plain_groups(shape), where));
      const TensorPlan& source = plan_.tensors[source_[node.inputs[0]]];
      const std::int64_t span = source.max - source.min;
      if (2 * span + 1 > std::int64_t{1} << 17)
        return base::error(ErrorCode::kUnsupported, where, "inputs of a maximum may have at most 16 bits");
      plan_.tensors[node.output].min = source.min;
      plan_.tensors[node.output].max = source.max;
      plan_.max_pool[index] = MaxPoolPlan{clamp_table(-span, span, 0, span)};
      return {};
    }
    if (const auto* transpose = std::get_if<op::Transpose>(&node.op)) {
      Groups groups;
      for (std::size_t axis : transpose->permutation) groups.push_back(x.groups[axis]);
      return place(node.output, std::move(groups), where);
    }
    if (std::holds_alternative<op::Reshape>(node.op)) {
      const auto groups = regroup(x.groups, shape);
      if (!groups) BLINDPROOF_TRY(check_dense(x, where));
      return place(node.output, groups ? *groups : plain_groups(shape), where);
    }
    if (const auto* requantize = std::get_if<op::Requantize>(&node.op)) {
      if (requantize->multiplier) {
        if (x.groups[requantize->channel_axis].size() != 1)
          return base::error(ErrorCode::kUnsupported, where, "multipliers along a reshaped axis");
        BLINDPROOF_TRY(place_parameter(*requantize->multiplier, arch_.parameters[*requantize->multiplier].shape, where));
      }
      BLINDPROOF_TRY(place(node.output, x.groups, where));
      TensorPlan& out = plan_.tensors[node.output];
      if (const auto* clamp = std::get_if<op::Requantize::Clamp>(&requantize->activation)) {
        out.min = clamp->low;
        out.max = clamp->high;
      } else {
        const auto& values = arch_.tables[std::get<model::TableId>(requantize->activation)].values;
        out.min = *std::min_element(values.begin(), values.end());
        out.max = *std::max_element(values.begin(), values.end());
      }
      plan_.requantize[index] = RequantizePlan{};
      return {};
    }
    // Add, Multiply: the output lies like the first input.
    return place(node.output, x.groups, where);
  }

  // Committed columns are 32-bit integers.
  static bool fits_column(std::int64_t value) { return value == static_cast<std::int32_t>(value); }

  // Requires: a range of hi inside the clamp's.
  static unsigned hi_bits(const op::Requantize& node) {
    return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(node.hi_max - node.hi_min)));
  }

  static std::size_t range_table(std::vector<Table>& tables, std::int64_t min, std::int64_t max) {
    const auto size = static_cast<std::size_t>(max - min + 1);
    for (std::size_t t = 0; t < tables.size(); ++t)
      if (std::holds_alternative<Table::Range>(tables[t].content) && tables[t].first == min && tables[t].size == size) return t;
    tables.push_back({0, min, size, Table::Range{}});
    return tables.size() - 1;
  }

  std::size_t clamp_table(std::int64_t min, std::int64_t max, std::int64_t low, std::int64_t high) {
    const auto size = static_cast<std::size_t>(max - min + 1);
    for (std::size_t t = 0; t < plan_.tables.size(); ++t) {
      const auto* clamp = std::get_if<Table::Clamp>(&plan_.tables[t].content);
      if (clamp != nullptr && clamp->low == low && clamp->high == high && plan_.tables[t].first == min && plan_.tables[t].size == size)
        return t;
    }
    plan_.tables.push_back({0, min, size, Table::Clamp{low, high}});
    return plan_.tables.size() - 1;
  }

  // Requantisations with the same clamp share one table over the union of their ranges, or are split, whichever is cheaper.
  base::Status choose_activations() {
    struct Use {
      std::int64_t min = 0, max = 0;
      std::size_t cells = 0;
      std::vector<std::size_t> nodes;
    };
    std::map<std::pair<std::int64_t, std::int64_t>, Use> clamps;
    std::map<model::TableId, std::size_t> explicit_tables;
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
      const auto* node = std::get_if<op::Requantize>(&arch_.nodes[i].op);
      if (node == nullptr) continue;
      if (const auto* table = std::get_if<model::TableId>(&node->activation)) {
        const auto [it, fresh] = explicit_tables.emplace(*table, plan_.tables.size());
        if (fresh) {
          const model::Table& t = arch_.tables[*table];
          if (!fits_column(t.first) || !fits_column(t.first + static_cast<std::int64_t>(t.values.size()) - 1))
            return base::error(ErrorCode::kUnsupported, name(i, arch_.nodes[i]), "the table's domain needs more than 32 bits");
          plan_.tables.push_back({0, t.first, t.values.size(), Table::Explicit{{t.values}}});
        }
        plan_.requantize[i]->activation = RequantizePlan::Direct{it->second};
        continue;
      }
      const auto& clamp = std::get<op::Requantize::Clamp>(node->activation);
      // Limbs prove a range of a power of two: all of it must lie inside the clamp.
      if (clamp.low <= node->hi_min && node->hi_max <= clamp.high && node->hi_min + (std::int64_t{1} << hi_bits(*node)) - 1 <= clamp.high) {
        plan_.requantize[i]->activation = RequantizePlan::Identity{{}, node->hi_min};
        continue;
      }
      Use& use = clamps[{clamp.low, clamp.high}];
      use.min = use.nodes.empty() ? node->hi_min : std::min(use.min, node->hi_min);
      use.max = use.nodes.empty() ? node->hi_max : std::max(use.max, node->hi_max);
      use.cells += plan_.tensors[arch_.nodes[i].output].layout.cells();
      use.nodes.push_back(i);
    }
    for (const auto& [clamp, use] : clamps) {
      const auto [low, high] = clamp;
      const auto width = static_cast<std::uint64_t>(high - low) + 1, range = static_cast<std::uint64_t>(use.max) - static_cast<std::uint64_t>(use.min) + 1;
      const unsigned low_bits = static_cast<unsigned>(std::bit_width(width) - 1);
      const std::int64_t class_min = (use.min - low) >> low_bits, class_max = (use.max - low) >> low_bits;
      const auto classes = static_cast<std::uint64_t>(class_max - class_min) + 1;
      const bool can_split = std::has_single_bit(width) && low_bits <= 16 && classes <= kMaxTable && fits_column(class_min) && fits_column(class_max);
      const bool direct = range <= kMaxTable && fits_column(use.min) && fits_column(use.max);
      const double direct_cost = kTableEntryCost * static_cast<double>(range);
      const double split_cost =
          kTableEntryCost * static_cast<double>(width + classes) + kSplitCost * static_cast<double>(use.cells);
      if (direct && !(can_split && split_cost < direct_cost)) {
        const std::size_t table = clamp_table(use.min, use.max, low, high);
        for (std::size_t i : use.nodes) plan_.requantize[i]->activation = RequantizePlan::Direct{table};
      } else if (can_split) {
        Table::Explicit columns;
        columns.columns.resize(2);
        for (std::int64_t c = class_min; c <= class_max; ++c) {
          columns.columns[0].push_back(c == 0 ? 1 : 0);
          columns.columns[1].push_back(c > 0 ? 1 : 0);
        }
        plan_.tables.push_back({0, class_min, static_cast<std::size_t>(classes), std::move(columns)});
        const std::size_t class_table = plan_.tables.size() - 1;
        const std::size_t low_table = range_table(plan_.tables, 0, static_cast<std::int64_t>(width) - 1);
        for (std::size_t i : use.nodes)
          plan_.requantize[i]->activation = RequantizePlan::Split{low_bits, low_table, class_table, low};
      } else {
        return base::error(ErrorCode::kUnsupported, name(use.nodes.front(), arch_.nodes[use.nodes.front()]),
                           "the range before clamping exceeds 2^16 and the clamp's width is no power of two: use fewer "
                           "activation bits");
      }
    }
    return {};
  }

  // One limb width for all layers: few wide tables for big networks, more narrow limbs for small ones.
  void choose_limbs() {
    auto limbs = [](unsigned shift, unsigned width) {
      std::vector<unsigned> bits;
      const unsigned count = (shift + width - 1) / width;
      for (unsigned i = 0; i < count; ++i) bits.push_back(shift / count + (i < shift % count ? 1 : 0));
      return bits;
    };
    // Widths in bits of the numbers that each node splits into limbs.
    std::vector<std::vector<unsigned>> widths(arch_.nodes.size());
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
      const auto* node = std::get_if<op::Requantize>(&arch_.nodes[i].op);
      if (node == nullptr) continue;
      widths[i].push_back(node->shift);
      if (std::holds_alternative<RequantizePlan::Identity>(plan_.requantize[i]->activation))
        widths[i].push_back(hi_bits(*node));
    }
    unsigned best = 16;
    double best_cost = 0;
    for (unsigned width = 6; width <= 16; ++width) {
      std::set<unsigned> tables;
      double cost = 0;
      for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
        for (unsigned number : widths[i]) {
          const auto bits = limbs(number, width);
          tables.insert(bits.begin(), bits.end());
          cost += kLookupCost * static_cast<double>(bits.size() * plan_.tensors[arch_.nodes[i].output].layout.cells());
        }
      }
      for (unsigned bits : tables) cost += kTableEntryCost * static_cast<double>(std::size_t{1} << bits);
      if (width == 6 || cost < best_cost) {
        best = width;
        best_cost = cost;
      }
    }
    auto place = [&](unsigned number) {
      std::vector<Limb> placed;
      for (unsigned bits : limbs(number, best))
        placed.push_back({bits, range_table(plan_.tables, 0, (std::int64_t{1} << bits) - 1)});
      return placed;
    };
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
      if (widths[i].empty()) continue;
      plan_.requantize[i]->remainder = place(widths[i][0]);
      if (auto* identity = std::get_if<RequantizePlan::Identity>(&plan_.requantize[i]->activation))
        identity->limbs = place(widths[i][1]);
    }
  }

  void count_lookups(std::size_t index) {
    const std::size_t cells = plan_.tensors[arch_.nodes[index].output].layout.cells();
    if (const auto& r = plan_.requantize[index]) plan_.lookups += cells * r->lookups();
    if (plan_.max_pool[index]) {
      const auto& window = std::get<op::MaxPool2d>(arch_.nodes[index].op).window;
      plan_.lookups += cells * (window.kernel[0] * window.kernel[1] - 1);
    }
  }

  static void number(std::vector<Table>& tables) {
    std::uint32_t id = 1;
    for (Table& table : tables) table.id = id++;
  }

  const Architecture& arch_;
  ProofPlan plan_;
  std::set<model::ParameterId> used_;
  std::vector<model::TensorId> source_;  // the tensor behind reshapes and transpositions
};

}  // namespace

std::size_t RequantizePlan::columns() const {
  if (const auto* identity = std::get_if<Identity>(&activation)) return remainder.size() + identity->limbs.size();
  return remainder.size() + (std::holds_alternative<Split>(activation) ? 4 : 1);
}

std::size_t RequantizePlan::lookups() const {
  if (const auto* identity = std::get_if<Identity>(&activation)) return remainder.size() + identity->limbs.size();
  return remainder.size() + (std::holds_alternative<Split>(activation) ? 2 : 1);
}

bool TensorPlan::plain() const {
  return std::all_of(groups.begin(), groups.end(), [](const auto& group) { return group.size() == 1; });
}

base::Result<ProofPlan> lower_proof(const Architecture& architecture) { return Lowering(architecture).run(); }

}  // namespace blindproof::compiler
