#include "blindproof/fheml/batch_executor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fheml/prediction.h"
#include "blindproof/field/residue_gemm.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace ckks = fhe::ckks;
namespace rlwe = fhe::rlwe;

// Copying a column for a product costs about as much as so many more rows.
constexpr std::size_t kRowsForCopy = 4;
constexpr std::size_t kMaxRows = 128;  // of a group
constexpr std::size_t kChunk = 2048;   // entries of a limb, for each task

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

// Weights are integers as doubles: scales may be longer than 64 bits, but what is encoded has 53, as polynomials of slots have. Predicted errors
// are against weights of that precision.
std::uint64_t residue(const field::Modulus& q, double integer) {
  int exponent = 0;
  const double fraction = std::frexp(integer, &exponent);
  if (exponent <= 62) return q.reduce_signed(static_cast<std::int64_t>(integer));
  const std::uint64_t mantissa = q.reduce_signed(static_cast<std::int64_t>(std::ldexp(fraction, 53)));
  return q.multiply(mantissa, q.power(q.reduce(2), static_cast<std::uint64_t>(exponent - 53)));
}

// body(i) for all i on several threads; the first failure of the lowest i.
base::Status for_each(std::size_t count, const std::function<base::Status(std::size_t)>& body) {
  std::vector<base::Status> statuses(count);
  base::parallel_for(count, [&](std::size_t i) { statuses[i] = body(i); });
  for (const base::Status& status : statuses) BLINDPROOF_TRY(status);
  return {};
}

void add_constant(rlwe::NttPoly& a, double constant) {  // its values are all the same
  for (std::size_t i = 0; i < a.limbs(); ++i) {
    const field::Modulus& q = a.modulus(i);
    const std::uint64_t reduced = residue(q, constant);
    for (std::uint64_t& x : a.limb(i)) x = q.add(x, reduced);
  }
}

}  // namespace

BatchExecutor::BatchExecutor(Program program, ckks::ContextPtr context)
    : program_(std::move(program)), context_(std::move(context)), levels_(levels_of(program_.steps, context_->top_level())),
      last_use_(program_.steps.size() + 1) {
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    for (const ValueId id : inputs_of(program_.steps[i])) last_use_[id] = i;
  }
}

base::Result<BatchExecutor> BatchExecutor::create(Program program, ckks::ContextPtr context) {
  if (program.client.packing != Packing::kBatch) {
    return failed(ErrorCode::kMismatch, "the program is for one sample at a time, not for batches: lower the model with --packing batch");
  }
  BatchExecutor executor(std::move(program), std::move(context));
  for (std::size_t i = 0; i < executor.program_.steps.size(); ++i) {
    const auto* affine = std::get_if<AffineStep>(&executor.program_.steps[i].operation);
    std::optional<Affine> prepared;
    if (affine != nullptr) {
      BLINDPROOF_ASSIGN(prepared, executor.prepare(*affine, executor.levels_[i + 1]));
    }
    executor.affine_.push_back(std::move(prepared));
  }
  return executor;
}

// Entries by column, one for each; a value may be read by several terms.
void BatchExecutor::merge(std::vector<Entry>& entries) {
  std::ranges::sort(entries, {}, &Entry::column);
  std::vector<Entry> merged;
  for (const Entry& entry : entries) {
    if (merged.empty() || merged.back().column != entry.column) {
      merged.push_back(entry);
    } else {
      merged.back().weight = std::nearbyint(merged.back().weight + entry.weight);
    }
  }
  std::erase_if(merged, [](const Entry& entry) { return entry.weight == 0; });
  entries = std::move(merged);
}

base::Result<BatchExecutor::Affine> BatchExecutor::prepare(const AffineStep& step, int out_level) const {
  const std::size_t rows = step.bias.size();
  const double product_scale = context_->scale(out_level) * context_->level_modulus(out_level + 1);
  const double limit = std::exp2(context_->ring()->log2_modulus(context_->basis(out_level + 1)) - 1);
  const auto too_large = [] { return failed(ErrorCode::kInvalidArgument, "a weight is too large for the moduli of its step"); };
  Affine result;
  std::vector<std::vector<Entry>> entries(rows);
  for (const AffineStep::Term& term : step.terms) {
    // The value is taken as it is at out_level + 1, but at its own scale.
    const double scale = product_scale / context_->scale(levels_[term.value]);
    Influence influence{term.value, 0, 0, 0, 0};
    std::vector<double> column_norms(term.matrix.columns);
    double squares = 0, rounding_norm = 0;  // the latter of the roundings' matrix
    for (std::size_t r = 0; r < rows; ++r) {
      double norm1 = 0, square = 0, rounding = 0;
      for (std::size_t i = term.matrix.begins[r]; i < term.matrix.begins[r + 1]; ++i) {
        const double exact = static_cast<double>(term.matrix.value[i]) * scale;
        const double weight = std::nearbyint(exact);
        if (!(std::abs(weight) < limit)) return too_large();
        if (weight != 0) entries[r].push_back({{term.value, term.matrix.column[i]}, weight});
        const double size = std::abs(weight);
        norm1 += size;
        square += size * size;
        rounding += std::abs(weight - exact);
        column_norms[term.matrix.column[i]] += size;
      }
      influence.row_norm1 = std::max(influence.row_norm1, norm1);
      influence.row_norm2 = std::max(influence.row_norm2, std::sqrt(square));
      influence.rounding = std::max(influence.rounding, rounding);
      rounding_norm += rounding;
      squares += square;
    }
    const double column_norm1 = *std::ranges::max_element(column_norms);
    influence.norm2 = std::min({std::sqrt(squares), std::sqrt(influence.row_norm1 * column_norm1),
                                scale * spectral_bound(term.matrix) + rounding_norm});
    result.influences.push_back(influence);
  }
  for (const double bias : step.bias) {
    const double integer = std::nearbyint(bias * context_->scale(out_level));
    if (!(std::abs(integer) < limit)) return too_large();
    result.bias.push_back(integer);
  }

  std::vector<std::vector<Column>> columns(rows);
  std::size_t empty = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    merge(entries[r]);
    if (entries[r].empty()) {  // the least weight there is: otherwise the bias would stand in the open
      entries[r].push_back({{step.terms[0].value, 0}, 1});
      ++empty;
    }
    for (const auto& [column, weight] : entries[r]) columns[r].push_back(column);
  }
  if (empty > 0) {
    Influence& first = result.influences[0];
    first.row_norm1 = std::max(first.row_norm1, 1.0);
    first.row_norm2 = std::max(first.row_norm2, 1.0);
    first.norm2 += std::sqrt(static_cast<double>(empty));
    first.rounding += 1;
  }
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t r) -> const std::vector<Column>& { return columns[r]; });
  for (const std::uint32_t row : order) {
    bool joins = false;
    std::vector<Column> joined;
    if (!result.groups.empty() && result.groups.back().rows.size() < kMaxRows) {
      const Group& last = result.groups.back();
      std::ranges::set_union(last.columns, columns[row], std::back_inserter(joined));
      const std::size_t apart = last.columns.size() * (last.rows.size() + kRowsForCopy) + columns[row].size() * (1 + kRowsForCopy);
      joins = joined.size() * (last.rows.size() + 1 + kRowsForCopy) <= apart;
    }
    if (!joins) {
      result.groups.emplace_back();
      joined = columns[row];
    }
    result.groups.back().rows.push_back(row);
    result.groups.back().columns = std::move(joined);
  }
  for (Group& group : result.groups) {
    group.weights.resize(group.rows.size() * group.columns.size());
    for (std::size_t r = 0; r < group.rows.size(); ++r) {
      auto at = group.columns.begin();
      for (const auto& [column, weight] : entries[group.rows[r]]) {
        at = std::lower_bound(at, group.columns.end(), column);
        group.weights[r * group.columns.size() + static_cast<std::size_t>(at - group.columns.begin())] = weight;
      }
    }
  }
  return result;
}

std::size_t BatchExecutor::bytes() const noexcept {
  std::size_t total = 0;
  for (const std::optional<Affine>& step : affine_) {
    if (!step) continue;
    for (const Group& group : step->groups) total += group.weights.size() * sizeof(double);
  }
  return total;
}

ckks::Ciphertext BatchExecutor::with(ckks::Ciphertext a, const ckks::Prediction& prediction) const {
  const int level = a.level();
  return {context_, level, context_->scale(level), std::move(a).parts(), prediction};
}

base::Result<BatchExecutor::Value> BatchExecutor::run_affine(const Affine& step, std::size_t rows, int out_level, double magnitude,
                                                             const std::vector<Value>& values) const {
  const rlwe::RingPtr& ring = context_->ring();
  const rlwe::Basis basis = context_->basis(out_level + 1);
  const double spread = std::sqrt(static_cast<double>(rows));
  ckks::Prediction before{magnitude, 0, 0};
  for (const Influence& influence : step.influences) {
    const Value& value = values[influence.value];
    const double rounding =
        influence.rounding * value.prediction.magnitude * context_->scale(levels_[influence.value]) / ckks::kTail;
    before.noise += std::min(influence.row_norm2 * value.joint, influence.row_norm1 * value.prediction.noise) + rounding;
    before.joint += influence.norm2 * value.joint + spread * rounding;
  }

  std::vector<rlwe::Parts> sums(rows);
  for (rlwe::Parts& parts : sums) {
    for (int part = 0; part < 2; ++part) parts.emplace_back(ring, basis);
  }
  // All groups on one piece of a limb after the other: the pieces that they share stay in the cache.
  struct Task {
    std::size_t part, limb, begin;
  };
  const std::size_t chunk = std::min(ring->degree(), kChunk);
  std::vector<Task> tasks;
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t limb = 0; limb < ring->limbs(basis); ++limb) {
      for (std::size_t begin = 0; begin < ring->degree(); begin += chunk) tasks.push_back({part, limb, begin});
    }
  }
  base::parallel_for(tasks.size(), [&](std::size_t i) {
    const auto& [part, limb, begin] = tasks[i];
    const field::Modulus& q = ring->modulus(basis, limb);
    std::vector<const std::uint64_t*> in;
    std::vector<std::uint64_t*> out;
    std::vector<std::uint64_t> weights;
    for (const Group& group : step.groups) {
      in.clear();
      for (const Column& column : group.columns) {
        in.push_back(values[column.value].elements[column.element]->parts()[part].limb(limb).data() + begin);
      }
      out.clear();
      for (const std::uint32_t row : group.rows) out.push_back(sums[row][part].limb(limb).data() + begin);
      weights.clear();
      for (const double weight : group.weights) weights.push_back(residue(q, weight));
      field::multiply_matrix(q, weights, in, out, chunk);
    }
  });

  const double product_scale = context_->scale(out_level) * context_->level_modulus(out_level + 1);
  Value result{std::vector<std::optional<ckks::Ciphertext>>(rows), {}, 0};
  BLINDPROOF_TRY(for_each(rows, [&](std::size_t row) -> base::Status {
    const ckks::Ciphertext product(context_, out_level + 1, product_scale, std::move(sums[row]), before);
    BLINDPROOF_ASSIGN(const ckks::Ciphertext rescaled, ckks::rescale(product));
    rlwe::Parts parts = rescaled.parts();
    add_constant(parts[0], step.bias[row]);
    result.elements[row].emplace(context_, out_level, context_->scale(out_level), std::move(parts), rescaled.prediction());
    return {};
  }));
  const ckks::Prediction after = result.elements[0]->prediction();
  const double rounding = 0.5 / ckks::kTail;  // of the bias
  result.prediction = {magnitude, after.noise + rounding};
  result.joint = std::min(after.joint + spread * rounding, spread * result.prediction.noise);
  return result;
}

base::Result<BatchExecutor::Value> BatchExecutor::run_elements(const Step& step, std::size_t index,
                                                               const rlwe::KeySwitchKey& relinearization,
                                                               std::vector<Value>& values) const {
  const int level = levels_[index + 1];
  const std::vector<ValueId> inputs = inputs_of(step);
  const std::size_t count = values[inputs[0]].elements.size();
  Value result{std::vector<std::optional<ckks::Ciphertext>>(count), {}, 0};
  BLINDPROOF_TRY(for_each(count, [&](std::size_t i) -> base::Status {
    std::optional<ckks::Ciphertext> element;
    if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
      BLINDPROOF_ASSIGN(element, ckks::evaluate(polynomial->polynomial, *values[polynomial->value].elements[i], relinearization));
      BLINDPROOF_ASSIGN(element, ckks::lower_to(*element, level));
    } else {
      const auto& product = std::get<ProductStep>(step.operation);
      BLINDPROOF_ASSIGN(const ckks::Ciphertext a, ckks::lower_to(*values[product.a].elements[i], level + 1));
      BLINDPROOF_ASSIGN(const ckks::Ciphertext b, ckks::lower_to(*values[product.b].elements[i], level + 1));
      BLINDPROOF_ASSIGN(element, ckks::multiply(a, b, relinearization));
    }
    for (const ValueId id : inputs) {
      if (last_use_[id] == index) values[id].elements[i].reset();
    }
    result.elements[i] = std::move(element);
    return {};
  }));
  double noise = 0, ratio = 1;
  for (const auto& element : result.elements) noise = std::max(noise, element->prediction().noise);
  // An error that was there grows at most as the element's own does, and what is new is independent.
  for (const ValueId id : inputs) ratio = std::max(ratio, values[id].joint / values[id].prediction.noise);
  result.prediction = {std::min(step.magnitude, result.elements[0]->prediction().magnitude), noise};
  result.joint = ratio * noise;
  return result;
}

base::Result<std::vector<ckks::Ciphertext>> BatchExecutor::run(std::vector<ckks::Ciphertext> input, const rlwe::KeySwitchKey* relinearization,
                                                               const base::Progress& progress) const {
  const ClientSpec& client = program_.client;
  if (input.size() != client.input.positions.size()) {
    return failed(ErrorCode::kMismatch, "the program takes a ciphertext for each of its " + std::to_string(client.input.positions.size()) +
                                            " inputs; there are " + std::to_string(input.size()));
  }
  for (const ckks::Ciphertext& element : input) {
    if (element.context() != context_) return failed(ErrorCode::kMismatch, "a ciphertext belongs to other parameters than the program");
    if (element.level() != context_->top_level() || element.scale() != context_->scale(element.level()) || element.parts().size() != 2) {
      return failed(ErrorCode::kMismatch, "a ciphertext isn't a fresh one: the program takes level " +
                                              std::to_string(context_->top_level()) + ", its scale, degree 1");
    }
  }
  if (client.relinearization && relinearization == nullptr) {
    return failed(ErrorCode::kInvalidArgument, "the evaluation keys have no relinearisation key");
  }
  std::vector<Value> values(1);
  const bool seeded = std::ranges::all_of(input, [](const ckks::Ciphertext& element) { return element.seed().has_value(); });
  values[0].prediction = predict_input(*context_, client.input_magnitude, seeded);
  values[0].joint = values[0].prediction.noise;
  for (ckks::Ciphertext& element : input) values[0].elements.emplace_back(with(std::move(element), values[0].prediction));
  input.clear();
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    progress.report("evaluating", i, program_.steps.size());
    const Step& step = program_.steps[i];
    std::optional<Value> result;
    if (affine_[i]) {
      const std::size_t rows = std::get<AffineStep>(step.operation).bias.size();
      BLINDPROOF_ASSIGN(result, run_affine(*affine_[i], rows, levels_[i + 1], step.magnitude, values));
    } else {
      BLINDPROOF_ASSIGN(result, run_elements(step, i, *relinearization, values));
    }
    for (auto& element : result->elements) element.emplace(with(std::move(*element), result->prediction));
    for (const ValueId id : inputs_of(step)) {
      if (last_use_[id] == i) values[id].elements.clear();
    }
    values.push_back(std::move(*result));
  }
  std::vector<ckks::Ciphertext> output;
  for (auto& element : values.back().elements) output.push_back(std::move(*element));
  return output;
}

}  // namespace blindproof::fheml
