#include "blindproof/compiler/lower_fhe/lower_exact.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/compiler/lower_fhe/integer_expression.h"
#include "blindproof/compiler/lower_fhe/layouts.h"
#include "blindproof/fheml/exact_executor.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using base::Int128;
using base::Uint128;
using fheml::Bfv;
using fheml::Bgv;
using fheml::ExactAffineStep;
using fheml::ExactParameters;
using fheml::ExactProgram;
using fheml::ExactScheme;
using fheml::ExactStep;
using fheml::Layout;
using fheml::ProductStep;
using fheml::ValueId;
using model::Architecture;
using model::IntegerGraph;
using model::IntegerNode;
using model::Shape;
using model::TensorId;
namespace integer_op = model::integer_op;

constexpr int kMinLogDegree = 12, kMaxLogDegree = 16;
constexpr int kMinUnswitchedLogDegree = 11;  // of rings without key switching
constexpr int kMaxPrimeBits = 39, kMaxBgvPrimeBits = 29;
constexpr int kMaxLimbs = 15, kMinLimbBits = 30, kMaxLimbBits = 50;
constexpr int kMaxSpareLevels = 8;

base::Error failed(ErrorCode code, std::string place, std::string detail) {
  return base::error(code, std::move(place), std::move(detail));
}

// What is known of a value while layouts are still open.
struct ValueNotes {
  Shape shape;
  Grid grid;  // block 0 if it is no image
  std::string nodes, operation;
  std::optional<ValueId> like;  // an affine result that must have this value's layout
};

int bits_of(const model::Range& range) {
  const auto magnitude = [](Int128 x) { return x < 0 ? -static_cast<Uint128>(x) : static_cast<Uint128>(x); };
  return base::bit_length(std::max(magnitude(range.min), magnitude(range.max)));
}

// The largest `count` primes below 2^bits, if there are as many with bits at least.
std::vector<std::uint64_t> plaintext_primes(int bits, int log_degree, std::size_t count) {
  auto primes = field::ntt_primes_below(bits, log_degree + 1, count);
  return primes.ok() ? *std::move(primes) : std::vector<std::uint64_t>{};
}

// Whether their product is more than 2^bits.
bool exceeds(const std::vector<std::uint64_t>& primes, int bits) {
  Uint128 product = 1;
  for (const std::uint64_t prime : primes) {
    if (product > ~Uint128{0} / prime) return true;
    product *= prime;
  }
  return product > Uint128{1} << bits;
}

class ExactLowering {
 public:
  ExactLowering(const IntegerGraph& graph, const LowerExactOptions& options, int output_bits)
      : graph_(graph), architecture_(graph.architecture), options_(options), output_bits_(output_bits),
        expressions_(architecture_.shapes.size()), grids_(architecture_.shapes.size()) {}

  base::Result<LowerExactOutcome> run() {
    BLINDPROOF_TRY(make_steps());
    fheml::ExactClientSpec& client = program_.client;
    client.parameters.scheme = options_.scheme;
    client.parameters.security = options_.security;
    client.packing = options_.packing;
    client.input_shape = architecture_.shapes[architecture_.input];
    client.output_shape = architecture_.shapes[architecture_.output];
    client.input_min = architecture_.input_min;
    client.input_max = architecture_.input_max;
    client.input_scale = architecture_.input_scale;
    client.output_scale = architecture_.output_scale;
    client.output_bits = output_bits_;
    client.finish = architecture_.finish;
    client.hiding_bits = options_.hiding_bits;
    client.relinearization = std::ranges::any_of(program_.steps, [](const ExactStep& s) { return std::holds_alternative<ProductStep>(s); });
    if (!choose_coefficients()) BLINDPROOF_TRY(choose_ring());
    if (!is_batch() && !client.coefficients) client.rotations = fheml::rotations_of(client.input, program_.steps, client.parameters.slots());
    LowerExactOutcome outcome{std::move(program_), {}};
    outcome.steps = summaries(outcome.program);
    return outcome;
  }

 private:
  // On slots there are rotations, or at least the product with diagonals modulo the special moduli too.
  bool switches_keys() const { return program_.client.relinearization || (!is_batch() && !program_.client.coefficients); }
  bool is_batch() const { return options_.packing == fheml::Packing::kBatch; }

  std::string describe(const IntegerNode& node) const {
    return std::string(model::op_name(node.op)) + " " + std::to_string(&node - architecture_.nodes.data());
  }

  base::Status make_steps() {
    const Shape& input = architecture_.shapes[architecture_.input];
    notes_.push_back({.shape = input, .grid = {}, .nodes = "", .operation = "input", .like = {}});
    if (input.size() == 3) {
      grids_[architecture_.input] = Grid{input[2], std::bit_ceil(input[1] * input[2]), 1, 1};
      notes_[0].grid = *grids_[architecture_.input];
    }
    expressions_[architecture_.input] = IntegerExpression::of_value(0, model::element_count(input));
    for (const IntegerNode& node : architecture_.nodes) BLINDPROOF_TRY(add_node(node));
    BLINDPROOF_ASSIGN(const ValueId value, materialize(architecture_.output));
    if (value != program_.steps.size() || program_.steps.empty()) {  // computed before something else, or the input itself
      ExactAffineStep step;
      step.terms.push_back({value, fheml::IntegerMatrix::identity(model::element_count(architecture_.shapes[architecture_.output]))});
      step.bias.resize(step.terms[0].matrix.rows);
      BLINDPROOF_TRY(push(std::move(step), architecture_.output, "matrix"));
    }
    return {};
  }

  base::Status add_node(const IntegerNode& node) {
    const std::string name = describe(node);
    pending_names_ += (pending_names_.empty() ? "" : ", ") + name;
    if (is_affine(node.op)) {
      std::vector<const IntegerExpression*> inputs;
      for (const TensorId id : node.inputs) inputs.push_back(&*expressions_[id]);
      base::Result<IntegerExpression> expression = apply(graph_, node, inputs);
      if (!expression.ok()) return failed(expression.error().code, name, expression.error().detail);
      if (expression->terms.empty()) return failed(ErrorCode::kUnsupported, name, "its result doesn't depend on the input");
      expressions_[node.output] = *std::move(expression);
      grids_[node.output] = grid_after(node);
      return {};
    }
    BLINDPROOF_CHECK(std::holds_alternative<integer_op::Multiply>(node.op), "exact graphs have sums and products alone");
    BLINDPROOF_ASSIGN(const ValueId a, materialize(node.inputs[0]));
    BLINDPROOF_ASSIGN(const ValueId b, materialize(node.inputs[1]));
    BLINDPROOF_TRY(align(a, b, node));
    BLINDPROOF_ASSIGN(const ValueId value, push(ProductStep{a, b}, node.output, a == b ? "square" : "product"));
    expressions_[node.output] = IntegerExpression::of_value(value, model::element_count(architecture_.shapes[node.output]));
    grids_[node.output] = grids_[node.inputs[0]];
    return {};
  }

  std::optional<Grid> grid_after(const IntegerNode& node) const {
    const std::optional<Grid>& in = grids_[node.inputs[0]];
    const Shape& shape = architecture_.shapes[node.output];
    if (!in || shape.size() != 3) return std::nullopt;
    Grid grid = *in;
    const auto stride = [&](const model::Window2d& window) {
      grid.step_y *= window.stride[0];
      grid.step_x *= window.stride[1];
    };
    if (const auto* conv = std::get_if<integer_op::Conv2d>(&node.op)) stride(conv->window);
    if (const auto* pool = std::get_if<integer_op::SumPool2d>(&node.op)) stride(pool->window);
    if (std::holds_alternative<integer_op::Transpose>(node.op) || std::holds_alternative<integer_op::Dense>(node.op)) return std::nullopt;
    if (std::holds_alternative<integer_op::Reshape>(node.op) && shape != architecture_.shapes[node.inputs[0]]) return std::nullopt;
    return grid;
  }

  base::Result<ValueId> push(ExactStep step, TensorId tensor, std::string name) {
    if (program_.steps.size() >= fheml::kMaxSteps) {
      return failed(ErrorCode::kLimit, "network", "has too many layers for a homomorphic program");
    }
    program_.steps.push_back(std::move(step));
    notes_.push_back({.shape = architecture_.shapes[tensor], .grid = grids_[tensor].value_or(Grid{}),
                      .nodes = std::exchange(pending_names_, ""), .operation = std::move(name), .like = {}});
    return static_cast<ValueId>(program_.steps.size());
  }

  base::Result<ValueId> materialize(TensorId tensor) {
    const auto known = materialized_.find(tensor);
    if (known != materialized_.end()) return known->second;
    const IntegerExpression& expression = *expressions_[tensor];
    ValueId value = 0;
    if (!expression.is_value(value)) {
      ExactAffineStep step;
      for (const auto& [from, matrix] : expression.terms) step.terms.push_back({from, matrix});
      step.bias = expression.bias;
      BLINDPROOF_ASSIGN(value, push(std::move(step), tensor, "matrix"));
    }
    materialized_.emplace(tensor, value);
    return value;
  }

  // The affine result (or the input) whose layout a value has.
  ValueId source_of(ValueId value) const {
    while (value > 0) {
      const auto* product = std::get_if<ProductStep>(&program_.steps[value - 1]);
      if (product == nullptr) break;
      value = product->a;
    }
    return value;
  }

  base::Status align(ValueId a, ValueId b, const IntegerNode& node) {
    if (is_batch()) return {};
    const ValueId first = std::min(source_of(a), source_of(b)), second = std::max(source_of(a), source_of(b));
    if (first == second) return {};
    if (notes_[second].like && *notes_[second].like != first) {
      return failed(ErrorCode::kUnsupported, describe(node), "its factors can't be brought to one layout");
    }
    notes_[second].like = first;
    return {};
  }

  double cost(const ExactAffineStep& affine, const Layout& out, std::size_t slots) const {
    double total = 0;
    for (const ExactAffineStep::Term& term : affine.terms) {
      total += cost_of(fheml::pattern_of(term.matrix), layouts_[term.value], out, slots);
    }
    return total;
  }

  Layout cheapest(const ExactAffineStep& affine, const ValueNotes& note, std::size_t slots) const {
    std::vector<std::optional<Layout>> candidates{row_layout(affine.bias.size(), slots), grid_layout(note.shape, note.grid, false, slots)};
    if (note.grid.step_y * note.grid.step_x > 1) candidates.push_back(grid_layout(note.shape, note.grid, true, slots));
    std::erase_if(candidates, [](const auto& candidate) { return !candidate; });
    BLINDPROOF_CHECK(!candidates.empty(), "the ring was chosen so that a row fits");
    if (candidates.size() == 1) return *candidates[0];
    return **std::ranges::min_element(candidates, {}, [&](const auto& candidate) { return cost(affine, *candidate, slots); });
  }

  void choose_layouts(std::size_t slots) {
    layouts_.clear();
    if (is_batch()) {
      for (const ValueNotes& note : notes_) layouts_.push_back(fheml::layout_in_order(model::element_count(note.shape)));
      for (std::size_t i = 0; i < program_.steps.size(); ++i) {
        if (auto* affine = std::get_if<ExactAffineStep>(&program_.steps[i])) affine->layout = layouts_[i + 1];
      }
      program_.client.input = layouts_.front();
      program_.client.output = layouts_.back();
      return;
    }
    const ValueNotes& input = notes_[0];
    std::optional<Layout> layout = grid_layout(input.shape, input.grid, false, slots);
    if (!layout) layout = row_layout(model::element_count(input.shape), slots);
    layouts_.push_back(*layout);
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      auto* affine = std::get_if<ExactAffineStep>(&program_.steps[i]);
      if (affine == nullptr) {
        layouts_.push_back(layouts_[std::get<ProductStep>(program_.steps[i]).a]);
        continue;
      }
      affine->layout = notes_[i + 1].like ? layouts_[*notes_[i + 1].like] : cheapest(*affine, notes_[i + 1], slots);
      layouts_.push_back(affine->layout);
    }
    turn_input(slots);
    program_.client.input = layouts_.front();
    program_.client.output = layouts_.back();
  }

  // The client may turn the copies of the input as it likes, if one matrix alone reads them.
  void turn_input(std::size_t slots) {
    const ExactAffineStep* reader = nullptr;
    std::size_t readers = 0;
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      if (const auto* affine = std::get_if<ExactAffineStep>(&program_.steps[i])) {
        for (const ExactAffineStep::Term& term : affine->terms) {
          if (term.value != 0) continue;
          reader = affine;
          ++readers;
        }
        if (notes_[i + 1].like == ValueId{0}) readers += 2;
      } else if (source_of(static_cast<ValueId>(i + 1)) == 0) {
        readers += 2;
      }
    }
    if (readers != 1 || reader->terms.size() != 1) return;
    const Layout better = turned(layouts_[0], reader->layout, slots);
    const fheml::SparseMatrix pattern = fheml::pattern_of(reader->terms[0].matrix);
    if (cost_of(pattern, better, reader->layout, slots) < cost_of(pattern, layouts_[0], reader->layout, slots)) layouts_[0] = better;
  }

  // One matrix alone is a product of polynomials, without a key switch: in the smallest ring that has room for it.
  bool choose_coefficients() {
    if (is_batch() || options_.scheme != ExactScheme::kBfv || program_.steps.size() != 1) return false;
    auto* affine = std::get_if<ExactAffineStep>(&program_.steps[0]);
    if (affine == nullptr || affine->terms.size() != 1) return false;
    const fheml::IntegerMatrix& matrix = affine->terms[0].matrix;
    program_.client.coefficients = true;
    for (int log_degree = kMinUnswitchedLogDegree; log_degree <= kMaxLogDegree; ++log_degree) {
      if (matrix.columns > (std::size_t{1} << log_degree) / (matrix.rows + 1)) continue;
      program_.client.parameters.log_degree = log_degree;
      layouts_ = {fheml::layout_in_order(matrix.columns), fheml::layout_in_order(matrix.rows)};
      affine->layout = layouts_[1];
      program_.client.input = layouts_[0];
      program_.client.output = layouts_[1];
      const auto limit = fhe::rlwe::max_log_modulus(log_degree, options_.security);
      if (!limit.ok()) continue;
      if (const auto chosen = choose_bfv(log_degree, *limit, fheml::skeletons_of(program_))) {
        program_.client.parameters = *chosen;
        return true;
      }
    }
    program_.client.coefficients = false;
    return false;
  }

  // The smallest ring that the tensors and, by prediction, the errors fit; in it the cheapest parameters.
  base::Status choose_ring() {
    std::size_t elements = 1;
    for (const ValueNotes& note : notes_) elements = std::max(elements, std::bit_ceil(model::element_count(note.shape)));
    if (is_batch()) {
      if (elements > fheml::kMaxElements) {
        return failed(ErrorCode::kLimit, "network", "has tensors of more elements than batches support: use smaller images");
      }
      elements = 1;  // each has a ciphertext
    }
    for (int log_degree = kMinLogDegree; log_degree <= kMaxLogDegree; ++log_degree) {
      const std::size_t slots = std::size_t{1} << (log_degree - 1);
      if (slots < elements) continue;
      program_.client.parameters.log_degree = log_degree;
      choose_layouts(slots);
      const auto skeletons = fheml::skeletons_of(program_);
      BLINDPROOF_ASSIGN(const int limit, fhe::rlwe::max_log_modulus(log_degree, options_.security));
      const std::optional<ExactParameters> chosen = options_.scheme == ExactScheme::kBfv ? choose_bfv(log_degree, limit, skeletons)
                                                                                         : choose_bgv(log_degree, skeletons);
      if (!chosen) continue;
      program_.client.parameters = *chosen;
      return {};
    }
    const std::size_t most = std::size_t{1} << (kMaxLogDegree - 1);
    if (elements > most) {
      return failed(ErrorCode::kLimit, "network", "needs " + std::to_string(elements) + " slots, more than the " + std::to_string(most) +
                                                      " of the largest ring: use smaller images");
    }
    return failed(ErrorCode::kLimit, "network",
                  "needs " + std::to_string(output_bits_) + " bits of plaintext and " + std::to_string(fheml::depth_of(program_.steps)) +
                      " steps in sequence, for whose errors no ring has room: use the rescaled arithmetic with CKKS, fewer layers, or narrower weights");
  }

  // Whether outputs will decrypt, flooded, for the context's plaintext modulus.
  template <class Scheme>
  std::optional<double> spare_bits(const std::vector<std::vector<fheml::MatrixSkeleton>>& skeletons, const typename Scheme::Context& context) const {
    auto output = fheml::predict<Scheme>(program_, skeletons, context);
    if (output.ok() && options_.hiding_bits > 0) output = predict_sanitized(context, *output, options_.hiding_bits);
    if (!output.ok()) return std::nullopt;
    const double budget = budget_bits(context, *output);
    return budget > 0 ? std::optional(budget) : std::nullopt;
  }

  std::optional<ExactParameters> choose_bfv(int log_degree, int limit, const std::vector<std::vector<fheml::MatrixSkeleton>>& skeletons) {
    std::optional<ExactParameters> best;
    double least = std::numeric_limits<double>::infinity();
    int before = kMaxPrimeBits + 1;
    for (std::size_t count = 1; count <= fheml::kMaxPlaintextPrimes; ++count) {
      const int wanted = output_bits_ + 1;
      int bits = std::max(log_degree + 2, wanted / static_cast<int>(count));
      std::vector<std::uint64_t> primes;
      for (; bits <= kMaxPrimeBits; ++bits) {
        primes = plaintext_primes(bits, log_degree, count);
        if (primes.size() == count && exceeds(primes, wanted)) break;
      }
      if (bits > kMaxPrimeBits) continue;
      if (bits >= before) break;  // more primes, no shorter
      before = bits;
      ExactParameters candidate{.scheme = ExactScheme::kBfv, .log_degree = log_degree, .limbs = 0, .limb_bits = 0, .digits = 0,
                                .special_limbs = 0, .security = options_.security, .primes = primes};
      const double time = fit_limbs(candidate, bits, limit, least, skeletons);
      if (time < least) {
        least = time;
        best = candidate;
      }
    }
    return best;
  }

  // Numbers of limbs and digits, with the most bits that a limb may have within the limit of security.
  struct Moduli {
    int limbs, digits, most_bits;
    double time;  // of a key switch or a product, in units that all of them share

    int total_bits() const { return limbs * most_bits; }
  };

  std::vector<Moduli> moduli_within(int limit, int least_bits) const {
    std::vector<Moduli> result;
    for (int limbs = 1; limbs <= kMaxLimbs; ++limbs) {
      if (!switches_keys()) {
        const int bits = std::min(kMaxLimbBits, limit / limbs);
        if (bits >= least_bits) result.push_back({limbs, 0, bits, static_cast<double>(limbs)});
        continue;
      }
      for (int digits = 1; digits <= limbs; ++digits) {
        const int longest = (limbs + digits - 1) / digits;
        const auto special_of = [&](int bits) { return (longest * bits + kMaxLimbBits - 1) / kMaxLimbBits; };
        int bits = kMaxLimbBits;
        while (bits >= least_bits && limbs * bits + kMaxLimbBits * special_of(bits) > limit) --bits;
        if (bits >= least_bits) result.push_back({limbs, digits, bits, static_cast<double>((digits + 2) * (limbs + special_of(bits)))});
      }
    }
    std::ranges::stable_sort(result, {}, &Moduli::time);
    return result;
  }

  // The cheapest moduli; a measure of the time that they take, infinite if there are none that take less than `least`.
  double fit_limbs(ExactParameters& p, int prime_bits, int limit, double least,
                   const std::vector<std::vector<fheml::MatrixSkeleton>>& skeletons) {
    const int least_bits = std::max(kMinLimbBits, prime_bits + 1);
    const std::vector<Moduli> candidates = moduli_within(limit, least_bits);
    if (candidates.empty()) return std::numeric_limits<double>::infinity();
    // Errors hardly depend on the moduli: the longest ones tell how long they must be.
    const Moduli& longest = *std::ranges::max_element(candidates, {}, &Moduli::total_bits);
    const std::optional<double> most = spare_of(p, longest, longest.most_bits, skeletons);
    if (!most) return std::numeric_limits<double>::infinity();
    const int needed = longest.total_bits() - static_cast<int>(*most);
    for (const Moduli& moduli : candidates) {
      const double time = static_cast<double>(p.primes.size()) * moduli.time;
      if (time >= least) break;
      // Shorter moduli are safer, and cost the same.
      for (int bits = std::max(least_bits, needed / moduli.limbs); bits <= moduli.most_bits; ++bits) {
        if (spare_of(p, moduli, bits, skeletons)) return time;
      }
    }
    return std::numeric_limits<double>::infinity();
  }

  // With these moduli, which p then has.
  std::optional<double> spare_of(ExactParameters& p, const Moduli& moduli, int bits,
                                 const std::vector<std::vector<fheml::MatrixSkeleton>>& skeletons) {
    p.limbs = moduli.limbs;
    p.digits = moduli.digits;
    p.limb_bits = bits;
    p.special_limbs = 0;
    const std::array<int, 4> key{p.log_degree, p.limbs, bits, p.digits};
    auto known = contexts_.find(key);
    if (known == contexts_.end()) {
      const auto made = Bfv::create(p, p.primes[0]);
      known = contexts_.emplace(key, made.ok() ? *made : nullptr).first;
    }
    if (known->second == nullptr) return std::nullopt;
    const auto context = fhe::bfv::Context::create(known->second, p.primes[0]);
    if (!context.ok()) return std::nullopt;
    p.special_limbs = (*context)->parameters().special_limbs;
    return spare_bits<Bfv>(skeletons, **context);
  }

  std::optional<ExactParameters> choose_bgv(int log_degree, const std::vector<std::vector<fheml::MatrixSkeleton>>& skeletons) const {
    int prime_bits = std::max(log_degree + 2, output_bits_ + 1);
    std::vector<std::uint64_t> primes;
    for (; prime_bits <= kMaxBgvPrimeBits; ++prime_bits) {
      primes = plaintext_primes(prime_bits, log_degree, 1);
      if (!primes.empty() && exceeds(primes, output_bits_ + 1)) break;
    }
    if (prime_bits > kMaxBgvPrimeBits) return std::nullopt;
    const int depth = fheml::depth_of(program_.steps);
    for (int spare = 0; spare <= kMaxSpareLevels; ++spare) {
      for (const int bits : {0, 40, 44, 47, 50}) {
        for (const int digits : {3, 2, 4, 5, 6, 8, depth + spare + 1}) {
          ExactParameters p{.scheme = ExactScheme::kBgv, .log_degree = log_degree, .limbs = depth + spare + 1, .limb_bits = bits,
                            .digits = digits, .special_limbs = 0, .security = options_.security, .primes = primes};
          const auto context = Bgv::create(p, primes[0]);
          if (!context.ok() || !spare_bits<Bgv>(skeletons, **context)) continue;
          const fhe::bgv::Parameters& made = (*context)->parameters();
          p.limb_bits = made.limb_bits;
          p.digits = made.digits;
          p.special_limbs = made.special_limbs;
          return p;
        }
      }
    }
    return std::nullopt;
  }

  std::vector<StepSummary> summaries(const ExactProgram& program) const {
    const bool leveled = program.client.parameters.scheme == ExactScheme::kBgv;
    const std::vector<int> levels = fheml::levels_of(program.steps, program.client.parameters.limbs - 1);
    const auto skeletons = fheml::skeletons_of(program);
    std::vector<StepSummary> result;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      StepSummary summary{.nodes = notes_[i + 1].nodes, .operation = notes_[i + 1].operation, .level = leveled ? levels[i + 1] : 0,
                          .elements = layouts_[i + 1].positions.size(), .period = layouts_[i + 1].period};
      for (const fheml::MatrixSkeleton& skeleton : skeletons[i]) summary.diagonals += skeleton.diagonals;
      const auto* affine = std::get_if<ExactAffineStep>(&program.steps[i]);
      if (affine != nullptr && !is_batch() && !program.client.coefficients) {
        summary.rotations = fheml::rotations_of(layouts_, *affine, program.client.parameters.slots()).size();
      }
      result.push_back(std::move(summary));
    }
    return result;
  }

  const IntegerGraph& graph_;
  const Architecture& architecture_;
  const LowerExactOptions& options_;
  const int output_bits_;
  std::vector<std::optional<IntegerExpression>> expressions_;  // by tensor
  std::vector<std::optional<Grid>> grids_;                     // by tensor
  ExactProgram program_;
  std::vector<ValueNotes> notes_;  // by value
  std::vector<Layout> layouts_;    // by value
  std::map<TensorId, ValueId> materialized_;
  std::string pending_names_;
  std::map<std::array<int, 4>, fhe::bfv::ContextPtr> contexts_;  // that were tried; null where there is none
};

}  // namespace

base::Result<LowerExactOutcome> lower_exact(const IntegerGraph& graph, const LowerExactOptions& options) {
  if (graph.architecture.arithmetic != model::Arithmetic::kExact) {
    return failed(ErrorCode::kUnsupported, "network", "has rescaled arithmetic, whose roundings BFV and BGV can't compute: compile it with "
                                                      "--arithmetic exact, or use CKKS");
  }
  if (options.hiding_bits < 0 || options.hiding_bits > fheml::kMaxHidingBits) {
    return failed(ErrorCode::kInvalidArgument, "options", "model privacy has 0 to 44 bits");
  }
  if (options.packing == fheml::Packing::kBatch && options.scheme != ExactScheme::kBfv) {
    return failed(ErrorCode::kUnsupported, "options", "batches are for BFV and CKKS: BGV takes one sample at a time");
  }
  BLINDPROOF_ASSIGN(const std::vector<model::Range> ranges, model::analyze(graph));
  const int output_bits = bits_of(ranges[graph.architecture.output]);
  const int most = options.scheme == ExactScheme::kBfv ? fheml::kMaxOutputBits : kMaxBgvPrimeBits - 1;
  if (output_bits > most) {
    return failed(ErrorCode::kLimit, "network", "needs " + std::to_string(output_bits) + " bits of plaintext for its outputs; " +
                                                    (options.scheme == ExactScheme::kBfv ? "BFV programs have " : "BGV programs have one modulus of ") +
                                                    std::to_string(most) + " at most: use " +
                                                    (options.scheme == ExactScheme::kBfv ? "" : "BFV, ") + "narrower weights or fewer layers");
  }
  return ExactLowering(graph, options, output_bits).run();
}

}  // namespace blindproof::compiler
