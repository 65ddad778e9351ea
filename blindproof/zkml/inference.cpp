#include "blindproof/zkml/inference.h"

#include <map>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/layers/claims.h"
#include "blindproof/proof/layers/elementwise.h"
#include "blindproof/proof/layers/linear.h"
#include "blindproof/proof/lookup/lookup.h"

namespace blindproof::zkml {
namespace {

namespace op = model::integer_op;
using base::ErrorCode;
using commit::IntegerSpan;
using commit::TensorLayout;
using compiler::MaxPoolPlan;
using compiler::RequantizePlan;
using compiler::TensorPlan;
using field::Fr;
using field::FrVector;
using model::Int128;
using model::IntegerNode;
using proof::layers::Claim;
using proof::layers::DenseWeights;
using proof::layers::PointClaim;
using proof::layers::SeparableWeights;
using proof::lookup::Lookup;
using proof::lookup::Table;
using proof::zk::Context;
using proof::zk::Point;
using proof::zk::Scalar;

std::vector<std::array<std::uint8_t, 32>> key_of(const Point& z) {
  std::vector<std::array<std::uint8_t, 32>> key;
  for (const Fr& c : z) key.push_back(c.to_bytes());
  return key;
}

// Window cells in the order of the max-pool chain.
std::vector<std::pair<std::size_t, std::size_t>> window_cells(const model::Window2d& window) {
  std::vector<std::pair<std::size_t, std::size_t>> cells;
  for (std::size_t y = 0; y < window.kernel[0]; ++y)
    for (std::size_t x = 0; x < window.kernel[1]; ++x) cells.emplace_back(y, x);
  return cells;
}

class Inference {
 public:
  Inference(Context& context, const ModelKey& key, const Statement& statement, const Witness* witness)
      : context_(context), key_(key), arch_(key.architecture), plan_(key.plan), statement_(statement), witness_(witness) {}

  base::Status run() {
    BLINDPROOF_TRY(check_statement());
    absorb_statement();
    claims_.resize(plan_.tensors.size());
    committed_.resize(plan_.tensors.size());
    states_.resize(arch_.nodes.size());
    for (std::size_t t = 0; t < key_.tensors.size(); ++t) {
      parameter_tensors_.push_back(context_.add_tensor("parameter tensor " + std::to_string(t), key_.tensors[t],
                                                       proving() ? &(*witness_->parameters)[t] : nullptr));
    }
    if (statement_.input.hidden) committed_[arch_.input] = add_statement_tensor("input", arch_.input, input_commitment_, statement_.input);
    commit_columns();
    look_up();
    output_claim();
    for (std::size_t i = arch_.nodes.size(); i-- > 0;) reduce(i);
    settle_input();
    return {};
  }

 private:
  bool proving() const { return context_.proving(); }
  const TensorLayout& layout(model::TensorId id) const { return plan_.tensors[id].layout; }
  static std::string label(std::size_t node, std::string_view what) { return "node " + std::to_string(node) + " " + std::string(what); }

  // ---------------------------------------------------------------- statement

  base::Status check_statement() const {
    auto check = [&](const VisibleTensor& tensor, model::TensorId id, const char* place) -> base::Status {
      const TensorLayout& l = layout(id);
      const std::size_t have = tensor.hidden ? tensor.rows.size() : tensor.values.size();
      const std::size_t want = tensor.hidden ? l.rows() : l.cells();
      if (have != want)
        return base::error(ErrorCode::kRejected, place,
                           "has " + std::to_string(have) + (tensor.hidden ? " rows" : " values") + ", the model has " + std::to_string(want));
      return {};
    };
    BLINDPROOF_TRY(check(statement_.input, arch_.input, "statement.input"));
    BLINDPROOF_TRY(check(statement_.output, arch_.output, "statement.output"));
    if (!statement_.input.hidden) {
      for (const Int128 v : statement_.input.values)
        if (v < arch_.input_min || v > arch_.input_max)
          return base::error(ErrorCode::kRejected, "statement.input", "a value outside the model's input range");
    }
    return {};
  }

  void absorb_statement() {
    auto absorb = [&](std::string_view name, const VisibleTensor& tensor) {
      base::ByteWriter writer;
      writer.u8(tensor.hidden ? 1 : 0);
      if (tensor.hidden) {
        for (const auto& row : tensor.rows) writer.raw(curve::encode(row));
      } else {
        for (const Int128 v : tensor.values) writer.raw(Fr::from_i128(v).to_bytes());
      }
      context_.absorb(name, writer.bytes());
    };
    context_.absorb("model id", statement_.model);
    absorb("input", statement_.input);
    absorb("output", statement_.output);
    context_.absorb("context", statement_.context);
  }

  proof::zk::TensorId add_statement_tensor(std::string_view name, model::TensorId id, TensorCommitment& commitment,
                                           const VisibleTensor& tensor) {
    commitment = {layout(id), tensor.rows};
    const TensorSecret* secret = !proving() ? nullptr : id == arch_.input ? &witness_->input : &witness_->output;
    return context_.add_tensor(name, commitment, secret);
  }

  // ---------------------------------------------------------------- committed columns

  void commit_columns() {
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
      const bool requantize = plan_.requantize[i].has_value(), pool = plan_.max_pool[i].has_value();
      if (!requantize && !pool) continue;
      const IntegerNode& node = arch_.nodes[i];
      const TensorLayout& l = layout(node.output);
      const std::size_t columns = column_count(i);
      for (std::size_t c = 0; c < columns; ++c) {
        const IntegerSpan values = proving() ? column_values(i, c) : IntegerSpan();
        states_[i].columns.push_back(
            context_.commit_tensor(label(i, "column " + std::to_string(c)), l, proving() ? &values : nullptr));
      }
      const IntegerSpan out = proving() ? witness_->tensor(node.output) : IntegerSpan();
      committed_[node.output] = context_.commit_tensor(label(i, "out"), l, proving() ? &out : nullptr);
    }
  }

  // Requantize: RequantizePlan::columns. MaxPool: all steps but the last.
  std::size_t column_count(std::size_t i) const {
    if (const auto& r = plan_.requantize[i]) return r->columns();
    const auto& window = std::get<op::MaxPool2d>(arch_.nodes[i].op).window;
    return std::max<std::size_t>(2, window.kernel[0] * window.kernel[1]) - 2;
  }

  IntegerSpan column_values(std::size_t node, std::size_t column) const {
    return std::span<const std::int32_t>(witness_->nodes[node].columns[column]);
  }

  // ---------------------------------------------------------------- look-ups

  struct LookupUse {
    std::size_t node;      // or SIZE_MAX for the input
    std::size_t part;      // Requantize: number of a limb's column, or one of the constants; MaxPool: step
  };
  static constexpr std::size_t kInput = static_cast<std::size_t>(-1);
  static constexpr std::size_t kActivation = 100, kLowPart = 101, kClass = 102;

  // Claims of one node's columns at the points where they were asked for.
  struct NodeState {
    std::vector<proof::zk::TensorId> columns;
    std::map<std::vector<std::array<std::uint8_t, 32>>, std::map<std::size_t, Scalar>> column_claims;  // by point, column
    std::map<std::vector<std::array<std::uint8_t, 32>>, std::vector<Scalar>> views;                    // MaxPool inputs
    std::vector<Point> points;
  };
  static constexpr std::size_t kOut = static_cast<std::size_t>(-2);  // the output as a column

  void look_up() {
    std::vector<Lookup> lookups;
    std::vector<LookupUse> uses;
    std::vector<std::vector<std::int32_t>>& differences = *differences_;
    auto add = [&](std::size_t table, const TensorLayout& l, LookupUse use, std::vector<IntegerSpan> columns) {
      lookups.push_back({table, l, std::move(columns)});
      uses.push_back(use);
    };
    if (statement_.input.hidden)
      add(plan_.input_table, layout(arch_.input), {kInput, 0}, proving() ? std::vector<IntegerSpan>{witness_->input.values} : std::vector<IntegerSpan>{});
    for (std::size_t i = 0; i < arch_.nodes.size(); ++i) {
      const TensorLayout& l = layout(arch_.nodes[i].output);
      auto columns = [&](std::initializer_list<std::size_t> which) {
        std::vector<IntegerSpan> spans;
        if (!proving()) return spans;
        for (std::size_t c : which) spans.push_back(c == kOut ? witness_->tensor(arch_.nodes[i].output) : column_values(i, c));
        return spans;
      };
      if (const auto& r = plan_.requantize[i]) {
        const std::size_t limbs = r->remainder.size();
        for (std::size_t j = 0; j < limbs; ++j) add(r->remainder[j].table, l, {i, j}, columns({j}));
        if (const auto* direct = std::get_if<RequantizePlan::Direct>(&r->activation)) {
          add(direct->table, l, {i, kActivation}, columns({limbs, kOut}));
        } else if (const auto* identity = std::get_if<RequantizePlan::Identity>(&r->activation)) {
          for (std::size_t j = 0; j < identity->limbs.size(); ++j) add(identity->limbs[j].table, l, {i, limbs + j}, columns({limbs + j}));
        } else {
          const auto& split = std::get<RequantizePlan::Split>(r->activation);
          add(split.low_table, l, {i, kLowPart}, columns({limbs}));
          add(split.class_table, l, {i, kClass}, columns({limbs + 1, limbs + 2, limbs + 3}));
        }
      }
      if (const auto& pool = plan_.max_pool[i]) {
        const std::size_t steps = pool_cells(i).size() - 1;
        for (std::size_t j = 0; j < steps; ++j) {
          std::vector<IntegerSpan> spans;
          if (proving()) {
            auto [d, t] = pool_step(i, j);
            differences.push_back(std::move(d));
            spans.push_back(std::span<const std::int32_t>(differences.back()));
            differences.push_back(std::move(t));
            spans.push_back(std::span<const std::int32_t>(differences.back()));
          }
          add(pool->table, l, {i, j}, std::move(spans));
        }
      }
    }
    if (lookups.empty()) return;
    // Only tables that are used, renumbered; ids stay those of the plan.
    std::vector<Table> tables;
    std::vector<std::size_t> position(plan_.tables.size(), static_cast<std::size_t>(-1));
    for (Lookup& lookup : lookups) {
      if (position[lookup.table] == static_cast<std::size_t>(-1)) {
        position[lookup.table] = tables.size();
        tables.push_back(plan_.tables[lookup.table]);
      }
      lookup.table = position[lookup.table];
    }
    proof::lookup::prove_lookups(context_, "lookups", tables, lookups,
                                 [&](std::size_t l, const Point& z) { return lookup_claims(uses[l], z); });
  }

  std::vector<Scalar> lookup_claims(const LookupUse& use, const Point& z) {
    if (use.node == kInput) {
      const Scalar value = context_.commit_one("input range claim " + std::to_string(counter_++), value_at(arch_.input, z));
      claims_[arch_.input].push_back({z, value});
      return {value};
    }
    NodeState& state = states_[use.node];
    if (state.points.empty() || state.points.back() != z) state.points.push_back(z);
    if (const auto& r = plan_.requantize[use.node]) {
      const std::size_t limbs = r->remainder.size();
      if (use.part == kActivation) return column_claims(use.node, {limbs, kOut}, z);
      if (use.part == kLowPart) return column_claims(use.node, {limbs}, z);
      if (use.part == kClass) return column_claims(use.node, {limbs + 1, limbs + 2, limbs + 3}, z);
      return column_claims(use.node, {use.part}, z);
    }
    // MaxPool, step j: d = x_{j+1} - v_j and t with v_{j+1} = v_j + t, v_0 = x_0, v_last = out.
    const std::vector<Scalar>& views = pool_views(use.node, z);
    Scalar v = views[0];
    for (std::size_t k = 0; k < use.part; ++k) v += column_claims(use.node, {k}, z)[0];
    const bool last = use.part + 2 == views.size();
    const Scalar next = last ? column_claims(use.node, {kOut}, z)[0] - v : column_claims(use.node, {use.part}, z)[0];
    return {views[use.part + 1] - v, next};
  }

  Fr value_at(model::TensorId id, const Point& z) const {
    return proving() ? commit::evaluate(layout(id), witness_->tensor(id), z) : Fr::zero();
  }

  // Columns of a node at z: committed once for each point, opened there.
  std::vector<Scalar> column_claims(std::size_t node, const std::vector<std::size_t>& columns, const Point& z) {
    NodeState& state = states_[node];
    auto& known = state.column_claims[key_of(z)];
    std::vector<std::size_t> missing;
    for (std::size_t c : columns)
      if (!known.contains(c)) missing.push_back(c);
    if (!missing.empty()) {
      const model::TensorId out = arch_.nodes[node].output;
      std::vector<Fr> values;
      if (proving()) {
        for (std::size_t c : missing)
          values.push_back(c == kOut ? value_at(out, z) : commit::evaluate(layout(out), column_values(node, c), z));
      }
      const std::vector<Scalar> fresh = context_.commit(label(node, "claims " + std::to_string(counter_++)), missing.size(), values);
      for (std::size_t k = 0; k < missing.size(); ++k) {
        known.emplace(missing[k], fresh[k]);
        context_.open(missing[k] == kOut ? *committed_[out] : state.columns[missing[k]], z, fresh[k]);
      }
    }
    std::vector<Scalar> result;
    for (std::size_t c : columns) result.push_back(known.at(c));
    return result;
  }

  // ---------------------------------------------------------------- maximum pooling

  std::vector<std::pair<std::size_t, std::size_t>> pool_cells(std::size_t node) const {
    return window_cells(std::get<op::MaxPool2d>(arch_.nodes[node].op).window);
  }

  // Differences and steps of one stage, from the committed columns (so that a dishonest column is carried on honestly).
  std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> pool_step(std::size_t node, std::size_t step) const {
    const IntegerNode& n = arch_.nodes[node];
    const auto cells = pool_cells(node);
    std::vector<std::int32_t> v = pool_view_values(node, cells[0]);
    for (std::size_t k = 0; k < step; ++k)
      for (std::size_t i = 0; i < v.size(); ++i) v[i] += witness_->nodes[node].columns[k][i];
    std::vector<std::int32_t> d = pool_view_values(node, cells[step + 1]), t(v.size());
    const IntegerSpan out = witness_->tensor(n.output);
    for (std::size_t i = 0; i < v.size(); ++i) {
      d[i] -= v[i];
      t[i] = step + 2 == cells.size() ? static_cast<std::int32_t>(commit::at(out, i)) - v[i] : witness_->nodes[node].columns[step][i];
    }
    return {std::move(d), std::move(t)};
  }

  std::vector<std::int32_t> pool_view_values(std::size_t node, std::pair<std::size_t, std::size_t> cell) const {
    return view_values(arch_, plan_, node, cell, witness_->tensor(arch_.nodes[node].inputs[0]));
  }

 public:
  /// The input of a MaxPool seen through one cell of the window; outside the input: the smallest possible value.
  static std::vector<std::int32_t> view_values(const model::Architecture& arch, const compiler::ProofPlan& plan, std::size_t node,
                                               std::pair<std::size_t, std::size_t> cell, const IntegerSpan& x) {
    const IntegerNode& n = arch.nodes[node];
    const auto& window = std::get<op::MaxPool2d>(n.op).window;
    const model::Shape &in = arch.shapes[n.inputs[0]], &out = arch.shapes[n.output];
    const std::int64_t low = plan.tensors[n.output].min;
    std::vector<std::int32_t> values;
    values.reserve(out[0] * out[1] * out[2]);
    for (std::size_t c = 0; c < out[0]; ++c) {
      for (std::size_t y = 0; y < out[1]; ++y) {
        for (std::size_t x_out = 0; x_out < out[2]; ++x_out) {
          const std::size_t iy = y * window.stride[0] + cell.first * window.dilation[0] - window.pad_begin[0];
          const std::size_t ix = x_out * window.stride[1] + cell.second * window.dilation[1] - window.pad_begin[1];
          // Positions before the input wrap around to huge ones.
          const bool inside = iy < in[1] && ix < in[2];
          values.push_back(static_cast<std::int32_t>(inside ? static_cast<std::int64_t>(commit::at(x, (c * in[1] + iy) * in[2] + ix)) : low));
        }
      }
    }
    return values;
  }

 private:
  // Claims of the input seen through each cell of the window, at z.
  const std::vector<Scalar>& pool_views(std::size_t node, const Point& z) {
    auto& views = states_[node].views[key_of(z)];
    if (!views.empty()) return views;
    const IntegerNode& n = arch_.nodes[node];
    const auto& window = std::get<op::MaxPool2d>(n.op).window;
    const TensorLayout& out = layout(n.output);
    const model::Shape& in = arch_.shapes[n.inputs[0]];
    const Fr low = Fr::from_i64(plan_.tensors[n.output].min);
    const std::vector<Fr> channel = axis_weights(out, z, 0), rows = axis_weights(out, z, 1), columns = axis_weights(out, z, 2);
    auto total = [](const std::vector<Fr>& v) {
      Fr sum = Fr::zero();
      for (const Fr& x : v) sum += x;
      return sum;
    };
    const auto cells = window_cells(window);
    std::vector<Fr> values(cells.size()), outside(cells.size());
    std::vector<SeparableWeights> weights(cells.size());
    for (std::size_t k = 0; k < cells.size(); ++k) {
      std::vector<Fr> unit_y(window.kernel[0]), unit_x(window.kernel[1]);
      unit_y[cells[k].first] = Fr::one();
      unit_x[cells[k].second] = Fr::one();
      weights[k].axes = {channel, proof::layers::window_weights(window, 0, in[1], rows, unit_y),
                         proof::layers::window_weights(window, 1, in[2], columns, unit_x)};
      outside[k] = out.ones_at(z) - total(channel) * total(weights[k].axes[1]) * total(weights[k].axes[2]);
      if (proving()) values[k] = commit::evaluate(out, IntegerSpan(std::span<const std::int32_t>(pool_view_values(node, cells[k]))), z) - low * outside[k];
    }
    for (std::size_t begin = 0; begin < cells.size(); begin += commit::kNarrowSlots) {
      const std::size_t count = std::min(cells.size() - begin, commit::kNarrowSlots);
      const std::vector<Scalar> fresh =
          context_.commit(label(node, "views " + std::to_string(counter_++)), count,
                          proving() ? std::span<const Fr>(values).subspan(begin, count) : std::span<const Fr>());
      for (std::size_t k = 0; k < count; ++k) {
        push_logical(n.inputs[0], std::move(weights[begin + k]), fresh[k]);
        views.push_back(fresh[k] + Scalar(low * outside[begin + k]));
      }
    }
    return views;
  }

  static std::vector<Fr> axis_weights(const TensorLayout& l, const Point& z, std::size_t axis) {
    return proof::layers::eq_prefix(proof::layers::axis_point(l, z, axis), l.axes()[axis]);
  }

  // A claim with one vector of weights per logical axis.
  void push_logical(model::TensorId id, SeparableWeights weights, Scalar value) {
    if (plan_.tensors[id].plain()) {
      claims_[id].push_back({std::move(weights), std::move(value)});
      return;
    }
    const TensorLayout logical(arch_.shapes[id]);
    claims_[id].push_back({DenseWeights{proof::layers::cell_weights(logical, Claim{std::move(weights), Scalar()})}, std::move(value)});
  }

  // A claim at a point of another layout with the same logical order.
  void push_point(model::TensorId id, const TensorLayout& from, const Point& z, Scalar value) {
    auto significant = [](const TensorLayout& l) {
      std::vector<std::size_t> axes;
      for (std::size_t a : l.axes())
        if (a != 1) axes.push_back(a);
      return axes;
    };
    if (significant(from) == significant(layout(id))) {
      claims_[id].push_back({z, std::move(value)});
    } else {
      claims_[id].push_back({DenseWeights{proof::layers::cell_weights(from, Claim{z, Scalar()})}, std::move(value)});
    }
  }

  // ---------------------------------------------------------------- the walk from the output to the input

  void output_claim() {
    const TensorLayout& l = layout(arch_.output);
    const Point z = context_.challenge_point("output point", l.bits());
    Scalar value;
    if (statement_.output.hidden) {
      const auto tensor = add_statement_tensor("output", arch_.output, output_commitment_, statement_.output);
      value = context_.commit_one("output claim", proving() ? commit::evaluate(l, witness_->output.values, z) : Fr::zero());
      context_.open(tensor, z, value);
    } else {
      value = Scalar(commit::evaluate(l, IntegerSpan(std::span<const Int128>(statement_.output.values)), z));
    }
    claims_[arch_.output].push_back({z, std::move(value)});
  }

  // Claims on a committed tensor: points are opened, functionals are first merged into a point.
  void settle_committed(model::TensorId id, const std::string& name) {
    std::vector<Claim> functionals;
    for (Claim& claim : claims_[id]) {
      if (const auto* point = std::get_if<Point>(&claim.weights)) {
        context_.open(*committed_[id], *point, claim.value);
      } else {
        functionals.push_back(std::move(claim));
      }
    }
    claims_[id].clear();
    if (functionals.empty()) return;
    const PointClaim merged = merge(id, name, functionals);
    context_.open(*committed_[id], merged.z, merged.value);
  }

  PointClaim merge(model::TensorId id, const std::string& name, const std::vector<Claim>& claims) {
    const IntegerSpan values = proving() ? witness_->tensor(id) : IntegerSpan();
    return proof::layers::merge_claims(context_, name, layout(id), claims, proving() ? &values : nullptr);
  }

  void reduce(std::size_t i) {
    const IntegerNode& node = arch_.nodes[i];
    if (plan_.requantize[i]) {
      settle_committed(node.output, label(i, "merge"));
      reduce_requantize(i);
      return;
    }
    if (plan_.max_pool[i]) {
      if (pool_cells(i).size() == 1) {  // no look-up ties the output to the input
        const Point z = context_.challenge_point(label(i, "point"), layout(node.output).bits());
        context_.require_zero(label(i, "pool"), column_claims(i, {kOut}, z)[0] - pool_views(i, z)[0]);
      }
      settle_committed(node.output, label(i, "merge"));
      return;
    }
    if (claims_[node.output].empty()) return;  // nobody uses it
    const PointClaim y = merge(node.output, label(i, "merge"), claims_[node.output]);
    claims_[node.output].clear();
    std::visit([&](const auto& o) { reduce_node(i, node, o, y); }, node.op);
  }

  Scalar parameter_claim(const std::string& name, model::ParameterId id, const Point& z) {
    const compiler::ParameterPlan& parameter = plan_.parameters[id];
    const std::size_t first = key_.first_tensor[id];
    Scalar sum(-(Fr::from_i128(parameter.offset) * parameter.layout.ones_at(z)));
    for (std::size_t begin = 0; begin < parameter.limbs; begin += commit::kNarrowSlots) {
      const std::size_t count = std::min(parameter.limbs - begin, commit::kNarrowSlots);
      std::vector<Fr> values;
      if (proving())
        for (std::size_t k = 0; k < count; ++k)
          values.push_back(commit::evaluate(parameter.layout, (*witness_->parameters)[first + begin + k].values, z));
      const std::vector<Scalar> limbs = context_.commit(name + " " + std::to_string(begin), count, values);
      for (std::size_t k = 0; k < count; ++k) {
        context_.open(parameter_tensors_[first + begin + k], z, limbs[k]);
        sum += limbs[k] * Fr::power_of_two(static_cast<int>(16 * (begin + k)));
      }
    }
    return sum;
  }

  void reduce_requantize(std::size_t i) {
    const IntegerNode& node = arch_.nodes[i];
    const auto& requantize = std::get<op::Requantize>(node.op);
    const RequantizePlan& plan = *plan_.requantize[i];
    const TensorLayout& l = layout(node.output);
    const std::size_t limbs = plan.remainder.size();
    // The look-ups' own point serves, if all of them had the same; columns in different trees need a new one.
    const Point z = states_[i].points.size() == 1 ? states_[i].points[0] : context_.challenge_point(label(i, "point"), l.bits());
    const Fr ones = l.ones_at(z);

    Scalar t(-(requantize.shift > 0 ? Fr::power_of_two(static_cast<int>(requantize.shift) - 1) * ones : Fr::zero()));
    int position = 0;
    for (std::size_t j = 0; j < limbs; ++j) {
      t += column_claims(i, {j}, z)[0] * Fr::power_of_two(position);
      position += static_cast<int>(plan.remainder[j].bits);
    }
    Scalar hi;
    if (const auto* split = std::get_if<RequantizePlan::Split>(&plan.activation)) {
      const std::vector<Scalar> c = column_claims(i, {limbs, limbs + 1, limbs + 3, kOut}, z);  // low, high, above, out
      const Fr low = Fr::from_i64(split->low);
      hi = Scalar(low * ones) + c[0] + c[1] * Fr::power_of_two(static_cast<int>(split->low_bits));
      // out - low - above*(2^b - 1) = inside * low part
      const Scalar product = c[3] - Scalar(low * ones) - c[2] * (Fr::power_of_two(static_cast<int>(split->low_bits)) - Fr::one());
      std::optional<poly::EqProductProver> prover;
      if (proving())
        prover.emplace(z, commit::padded_table(l, column_values(i, limbs + 2)), commit::padded_table(l, column_values(i, limbs)));
      const auto ends = proof::layers::reduce_product(context_, label(i, "clamp"), {z, product}, false, prover ? &*prover : nullptr);
      context_.open(states_[i].columns[limbs + 2], ends.z, ends.a);
      context_.open(states_[i].columns[limbs], ends.z, ends.b);
    } else if (const auto* identity = std::get_if<RequantizePlan::Identity>(&plan.activation)) {
      hi = column_claims(i, {kOut}, z)[0];
      Scalar sum(Fr::from_i64(identity->low) * ones);
      int limb_position = 0;
      for (std::size_t j = 0; j < identity->limbs.size(); ++j) {
        sum += column_claims(i, {limbs + j}, z)[0] * Fr::power_of_two(limb_position);
        limb_position += static_cast<int>(identity->limbs[j].bits);
      }
      context_.require_zero(label(i, "small"), hi - sum);
    } else {
      hi = column_claims(i, {limbs}, z)[0];
    }
    t += hi * Fr::power_of_two(static_cast<int>(requantize.shift));

    const model::TensorId x = node.inputs[0];
    if (!requantize.multiplier) {
      push_point(x, l, z, t * Fr::from_i64(requantize.factor).inverse());
      return;
    }
    // t = sum_cells eq(z, cell) m[channel] x[cell]
    const std::size_t axis = channel_axis(x, requantize.channel_axis);
    std::optional<poly::EqProductProver> prover;
    if (proving()) prover.emplace(z, broadcast(*requantize.multiplier, l, axis), commit::padded_table(l, witness_->tensor(x)));
    const auto ends = proof::layers::reduce_product(context_, label(i, "multiplier"), {z, t}, false, prover ? &*prover : nullptr);
    const auto channel = proof::layers::axis_point(l, ends.z, axis);
    const Scalar m = parameter_claim(label(i, "multiplier claim"), *requantize.multiplier, Point(channel.begin(), channel.end()));
    context_.require_zero(label(i, "multiplier value"), ends.a - m);
    push_point(x, l, ends.z, ends.b);
  }

  // The layout axis of a logical axis that is one layout axis.
  std::size_t channel_axis(model::TensorId id, std::size_t logical) const {
    std::size_t axis = 0;
    for (std::size_t i = 0; i < logical; ++i) axis += plan_.tensors[id].groups[i].size();
    return axis;
  }

  FrVector broadcast(model::ParameterId id, const TensorLayout& l, std::size_t axis) const {
    const IntegerSpan& m = (*witness_->parameters)[key_.first_tensor[id]].values;
    std::vector<Fr> values(std::size_t{1} << l.axis_bits(axis));
    for (std::size_t c = 0; c < commit::size(m); ++c) values[c] = commit::to_field(m, c);
    std::vector<Fr> table(std::size_t{1} << l.bits());
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = values[i >> l.axis_shift(axis) & (values.size() - 1)];
    return FrVector(table);
  }

  void reduce_node(std::size_t i, const IntegerNode& node, const op::Dense& dense, PointClaim y) {
    const TensorPlan& x = plan_.tensors[node.inputs[0]];
    const TensorLayout& l = layout(node.output);
    const std::size_t axes = l.axes().size();
    if (dense.bias) {
      const auto z_n = proof::layers::axis_point(l, y.z, axes - 1);
      Fr ones = Fr::one();
      for (std::size_t a = 0; a + 1 < axes; ++a) ones *= poly::cut_sum_at(proof::layers::axis_point(l, y.z, a), l.axes()[a]);
      y.value -= parameter_claim(label(i, "bias"), *dense.bias, Point(z_n.begin(), z_n.end())) * ones;
    }
    std::size_t t_axes = 0;
    for (std::size_t g = 0; g + 1 < x.groups.size(); ++g) t_axes += x.groups[g].size();
    const IntegerSpan values = proving() ? witness_->tensor(node.inputs[0]) : IntegerSpan();
    const PointClaim claim = proof::layers::reduce_dense(context_, label(i, "dense"), parameter_tensors_[key_.first_tensor[dense.weight]],
                                                         x.layout, t_axes, y, proving() ? &values : nullptr);
    claims_[node.inputs[0]].push_back({claim.z, claim.value});
  }

  void reduce_node(std::size_t i, const IntegerNode& node, const op::Conv2d& conv, PointClaim y) {
    const TensorLayout& l = layout(node.output);
    const model::Shape& in = arch_.shapes[node.inputs[0]];
    if (conv.bias) {
      const auto z_c = proof::layers::axis_point(l, y.z, 0);
      Fr ones = Fr::one();
      for (std::size_t a = 1; a < 3; ++a) ones *= poly::cut_sum_at(proof::layers::axis_point(l, y.z, a), l.axes()[a]);
      y.value -= parameter_claim(label(i, "bias"), *conv.bias, Point(z_c.begin(), z_c.end())) * ones;
    }
    const proof::layers::Convolution shape{conv.window, l.axes()[0], in[0], in[1], in[2], conv.groups};
    const IntegerSpan values = proving() ? witness_->tensor(node.inputs[0]) : IntegerSpan();
    Claim claim = proof::layers::reduce_convolution(context_, label(i, "conv"), parameter_tensors_[key_.first_tensor[conv.weight]],
                                                    shape, l, y, proving() ? &values : nullptr);
    push_logical(node.inputs[0], std::get<SeparableWeights>(std::move(claim.weights)), std::move(claim.value));
  }

  void reduce_node(std::size_t, const IntegerNode& node, const op::SumPool2d& pool, PointClaim y) {
    const TensorLayout& l = layout(node.output);
    const model::Shape& in = arch_.shapes[node.inputs[0]];
    SeparableWeights weights;
    weights.axes.push_back(axis_weights(l, y.z, 0));
    for (std::size_t axis = 0; axis < 2; ++axis) {
      weights.axes.push_back(proof::layers::window_weights(pool.window, axis, in[axis + 1], axis_weights(l, y.z, axis + 1),
                                                           std::vector<Fr>(pool.window.kernel[axis], Fr::one())));
    }
    push_logical(node.inputs[0], std::move(weights), std::move(y.value));
  }

  void reduce_node(std::size_t i, const IntegerNode& node, const op::Add& add, PointClaim y) {
    const TensorLayout& l = layout(node.output);
    const Fr fa = Fr::from_i64(add.factor[0]), fb = Fr::from_i64(add.factor[1]);
    const Scalar a = context_.commit_one(label(i, "first term"),
                                         proving() ? commit::evaluate(l, witness_->tensor(node.inputs[0]), y.z) : Fr::zero());
    push_point(node.inputs[0], l, y.z, a);
    push_point(node.inputs[1], l, y.z, (y.value - a * fa) * fb.inverse());
  }

  void reduce_node(std::size_t i, const IntegerNode& node, const op::Multiply&, PointClaim y) {
    const TensorLayout& l = layout(node.output);
    const bool square = node.inputs[0] == node.inputs[1];
    std::optional<poly::EqProductProver> prover;
    if (proving())
      prover.emplace(y.z, commit::padded_table(l, witness_->tensor(node.inputs[0])), commit::padded_table(l, witness_->tensor(node.inputs[1])));
    const auto ends = proof::layers::reduce_product(context_, label(i, "product"), y, square, prover ? &*prover : nullptr);
    push_point(node.inputs[0], l, ends.z, ends.a);
    if (!square) push_point(node.inputs[1], l, ends.z, ends.b);
  }

  void reduce_node(std::size_t, const IntegerNode& node, const op::Reshape&, PointClaim y) {
    push_point(node.inputs[0], layout(node.output), y.z, std::move(y.value));
  }

  void reduce_node(std::size_t, const IntegerNode& node, const op::Transpose& transpose, PointClaim y) {
    // Output axis i is input axis permutation[i]; each takes its groups' bits along.
    const TensorPlan &in = plan_.tensors[node.inputs[0]], &out = plan_.tensors[node.output];
    std::vector<Point> bits(in.layout.axes().size());  // by input layout axis
    std::size_t out_axis = 0;
    for (std::size_t i = 0; i < transpose.permutation.size(); ++i) {
      const std::size_t first = channel_axis(node.inputs[0], transpose.permutation[i]);
      for (std::size_t g = 0; g < out.groups[i].size(); ++g, ++out_axis) {
        const auto part = proof::layers::axis_point(out.layout, y.z, out_axis);
        bits[first + g].assign(part.begin(), part.end());
      }
    }
    Point z;
    for (std::size_t a = bits.size(); a-- > 0;) z.insert(z.end(), bits[a].begin(), bits[a].end());
    claims_[node.inputs[0]].push_back({std::move(z), std::move(y.value)});
  }

  // Committed nodes don't come here.
  void reduce_node(std::size_t, const IntegerNode&, const op::Requantize&, const PointClaim&) { BLINDPROOF_CHECK(false, "Requantize"); }
  void reduce_node(std::size_t, const IntegerNode&, const op::MaxPool2d&, const PointClaim&) { BLINDPROOF_CHECK(false, "MaxPool2d"); }

  void settle_input() {
    if (statement_.input.hidden) {
      settle_committed(arch_.input, "input merge");
      return;
    }
    const IntegerSpan values = std::span<const Int128>(statement_.input.values);
    const TensorLayout& l = layout(arch_.input);
    std::size_t number = 0;
    for (const Claim& claim : claims_[arch_.input]) {
      Fr sum = Fr::zero();
      if (const auto* point = std::get_if<Point>(&claim.weights)) {
        sum = commit::evaluate(l, values, *point);
      } else {
        const std::vector<Fr> weights = proof::layers::cell_weights(l, claim);
        for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * commit::to_field(values, i);
      }
      context_.require_zero("input " + std::to_string(number++), claim.value - sum);
    }
  }

  Context& context_;
  const ModelKey& key_;
  const model::Architecture& arch_;
  const compiler::ProofPlan& plan_;
  const Statement& statement_;
  const Witness* witness_;

  std::vector<proof::zk::TensorId> parameter_tensors_;
  std::vector<std::vector<Claim>> claims_;                       // by model::TensorId
  std::vector<std::optional<proof::zk::TensorId>> committed_;    // by model::TensorId
  std::vector<NodeState> states_;                                // by node
  TensorCommitment& input_commitment_ = *keep(std::make_shared<TensorCommitment>());
  TensorCommitment& output_commitment_ = *keep(std::make_shared<TensorCommitment>());
  std::vector<std::vector<std::int32_t>>* differences_ = keep(std::make_shared<std::vector<std::vector<std::int32_t>>>());
  std::size_t counter_ = 0;

  template <class T>
  T* keep(std::shared_ptr<T> data) {
    T* raw = data.get();
    context_.keep_alive(std::move(data));
    return raw;
  }
};

}  // namespace

IntegerSpan Witness::tensor(model::TensorId id) const {
  return std::visit(
      [&](const auto& t) -> IntegerSpan {
        using Value = typename std::remove_cvref_t<decltype(t.tensors[0])>::value_type;
        return std::span<const Value>(t.tensors[id]);
      },
      trace);
}

void fill_columns(const ModelKey& key, const model::IntegerGraph& graph, Witness& witness) {
  const model::Architecture& arch = key.architecture;
  witness.nodes.assign(arch.nodes.size(), {});
  for (std::size_t i = 0; i < arch.nodes.size(); ++i) {
    const IntegerNode& node = arch.nodes[i];
    auto& columns = witness.nodes[i].columns;
    const std::size_t cells = key.plan.tensors[node.output].layout.cells();
    if (const auto& plan = key.plan.requantize[i]) {
      const auto& requantize = std::get<op::Requantize>(node.op);
      const IntegerSpan x = witness.tensor(node.inputs[0]);
      const std::size_t limbs = plan->remainder.size();
      const auto* split = std::get_if<RequantizePlan::Split>(&plan->activation);
      const auto* identity = std::get_if<RequantizePlan::Identity>(&plan->activation);
      columns.assign(plan->columns(), std::vector<std::int32_t>(cells));
      auto split_limbs = [](std::uint64_t number, const std::vector<compiler::Limb>& widths, auto&& store) {
        for (std::size_t j = 0; j < widths.size(); ++j) {
          store(j, static_cast<std::int32_t>(number & ((std::uint64_t{1} << widths[j].bits) - 1)));
          number >>= widths[j].bits;
        }
      };
      // Cells of one channel follow each other in blocks.
      std::size_t block = 1, channels = 1;
      if (requantize.multiplier) {
        const model::Shape& shape = arch.shapes[node.output];
        channels = shape[requantize.channel_axis];
        for (std::size_t a = requantize.channel_axis + 1; a < shape.size(); ++a) block *= shape[a];
      }
      for (std::size_t k = 0; k < cells; ++k) {
        std::int64_t m = requantize.factor;
        if (requantize.multiplier) {
          m = std::visit([&](const auto& v) { return static_cast<std::int64_t>(v[k / block % channels]); }, graph.values[*requantize.multiplier]);
        }
        std::int64_t t = static_cast<std::int64_t>(commit::at(x, k)) * m;
        if (requantize.shift > 0) t += std::int64_t{1} << (requantize.shift - 1);
        const std::int64_t hi = t >> requantize.shift;
        const std::int64_t rem = t - hi * (std::int64_t{1} << requantize.shift);
        split_limbs(static_cast<std::uint64_t>(rem), plan->remainder, [&](std::size_t j, std::int32_t v) { columns[j][k] = v; });
        if (identity != nullptr) {
          split_limbs(static_cast<std::uint64_t>(hi - identity->low), identity->limbs,
                      [&](std::size_t j, std::int32_t v) { columns[limbs + j][k] = v; });
        } else if (split == nullptr) {
          columns[limbs][k] = static_cast<std::int32_t>(hi);
        } else {
          const std::int64_t relative = hi - split->low;
          const std::int64_t high = relative >> split->low_bits;
          columns[limbs][k] = static_cast<std::int32_t>(relative - high * (std::int64_t{1} << split->low_bits));
          columns[limbs + 1][k] = static_cast<std::int32_t>(high);
          columns[limbs + 2][k] = high == 0 ? 1 : 0;
          columns[limbs + 3][k] = high > 0 ? 1 : 0;
        }
      }
    }
    if (key.plan.max_pool[i]) {
      const auto window = window_cells(std::get<op::MaxPool2d>(node.op).window);
      const IntegerSpan x = witness.tensor(node.inputs[0]);
      std::vector<std::int32_t> v = Inference::view_values(arch, key.plan, i, window[0], x);
      for (std::size_t step = 1; step + 1 < window.size(); ++step) {
        const std::vector<std::int32_t> next = Inference::view_values(arch, key.plan, i, window[step], x);
        std::vector<std::int32_t> t(cells);
        for (std::size_t k = 0; k < cells; ++k) {
          t[k] = std::max(0, next[k] - v[k]);
          v[k] += t[k];
        }
        columns.push_back(std::move(t));
      }
    }
  }
}

base::Status run_inference(Context& context, const ModelKey& key, const Statement& statement, const Witness* witness) {
  return Inference(context, key, statement, witness).run();
}

}  // namespace blindproof::zkml
