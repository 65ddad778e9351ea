#include "blindproof/compiler/lower_fhe/lower_fhe.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/compiler/lower_fhe/affine_expression.h"
#include "blindproof/compiler/lower_fhe/approximation.h"
#include "blindproof/compiler/lower_fhe/cost.h"
#include "blindproof/compiler/lower_fhe/curves.h"
#include "blindproof/compiler/lower_fhe/fused_activations.h"
#include "blindproof/compiler/lower_fhe/layouts.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fheml/prediction.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using fheml::AffineStep;
using fheml::Layout;
using fheml::PolynomialStep;
using fheml::ProductStep;
using fheml::Step;
using fheml::ValueId;
using model::FloatGraph;
using model::FloatNode;
using model::FloatRange;
using model::Shape;
using model::TensorId;
namespace float_op = model::float_op;

constexpr int kMinLogDegree = 13, kMaxLogDegree = 16;
// With a flood, errors must be as much shorter as it is longer than their prediction, and that is some 20 bits longer than they.
constexpr int kScaleBits = 40, kFloodedScaleBits = 96, kMaxScaleBits = 96, kRoomBits = 10;
// Flooded outputs keep so many bits; scales get shorter as far as they have more, but not by less than is worth another trial.
constexpr int kOutputBits = 12, kMinFloodedScaleBits = 64, kWorthwhileBits = 3, kMaxScaleTrials = 3;
constexpr int kMaxSpecialLimbs = 16;
constexpr MatrixCounts kTypicalMatrix{.diagonals = 64, .baby_steps = 8, .giant_steps = 7, .folds = 4};
constexpr std::size_t kMaxDegree = 511, kMaxTurnTrials = 8;

base::Error failed(ErrorCode code, std::string place, std::string detail) {
  return base::error(code, std::move(place), std::move(detail));
}

std::string describe(const FloatNode& node) {
  return std::string(model::op_name(node.op)) + (node.name.empty() ? "" : " '" + node.name + "'");
}

// What is known of a value while layouts are still open.
struct ValueNotes {
  Shape shape;
  Grid grid;               // block 0 if it is no image
  std::string nodes, operation;
  double approximation_error = 0;
  std::optional<ValueId> like;  // an affine result that must have this value's layout
  bool turns = false;           // the copies of what it reads
};

std::size_t slots_of(const fheml::Program& program) { return std::size_t{1} << (program.client.parameters.log_degree - 1); }

// Steps with parameters and layouts.
struct Draft {
  fheml::Program program;
  std::vector<ValueNotes> notes;  // by value
  std::vector<Layout> layouts;    // by value
  double seconds = 0;
};

class Lowering {
 public:
  /// Tensors of more than `part_elements` are several values.
  Lowering(const FloatGraph& graph, std::span<const FloatRange> ranges, const LowerFheOptions& options, std::size_t part_elements)
      : graph_(graph), ranges_(ranges), options_(options), part_elements_(part_elements),
        scale_bits_(options.scale_bits > 0 ? options.scale_bits : options.hiding_bits > 0 ? kFloodedScaleBits : kScaleBits), expressions_(graph.shapes.size()), grids_(graph.shapes.size()) {}

  base::Result<LowerFheOutcome> run() {
    BLINDPROOF_TRY(make_steps());
    BLINDPROOF_ASSIGN(Draft best, cheapest_draft());
    const bool short_enough = is_batch() || options_.hiding_bits == 0 || options_.scale_bits > 0;
    for (int trial = 0; trial < kMaxScaleTrials && !short_enough; ++trial) {
      BLINDPROOF_ASSIGN(const int spare, spare_bits(best));
      if (spare < kWorthwhileBits) break;
      // Shorter scales leave room for fewer, longer digits, or even a smaller ring.
      scale_bits_ = std::max(kMinFloodedScaleBits, scale_bits_ - spare);
      BLINDPROOF_ASSIGN(Draft next, cheapest_draft());
      BLINDPROOF_ASSIGN(const int left, spare_bits(next));
      if (left < 0 || next.seconds >= best.seconds) break;
      best = std::move(next);
    }
    fheml::Program& program = best.program;
    fheml::ClientSpec& client = program.client;
    client.input_shape = graph_.shapes[graph_.input];
    client.output_shape = best.notes.back().shape;
    client.output = best.layouts.back();
    client.input_magnitude = magnitude_of(graph_.input);
    client.output_magnitude = program.steps.back().magnitude;
    client.finish = finish_;
    client.output_level = fheml::levels_of(program.steps, client.parameters.levels).back();
    if (!is_batch()) client.rotations = fheml::rotations_of(client.input, program.steps, slots_of(program), client.parameters.levels);
    // One sample at a time: always, so that keys also serve the model once it is encrypted.
    client.relinearization = !is_batch() || std::ranges::any_of(program.steps, [](const Step& step) {
      return !std::holds_alternative<AffineStep>(step.operation);
    });
    std::vector<StepSummary> steps = summaries(best);
    return LowerFheOutcome{std::move(program), std::move(steps), best.seconds};
  }

 private:
  using Values = std::vector<ValueId>;  // the parts of a tensor

  // factor times values
  struct Scaled {
    Values values;
    double factor = 1;
  };

  bool is_batch() const { return options_.packing == fheml::Packing::kBatch; }

  // Ranges of calibration, widened.
  double magnitude_of(TensorId tensor) const {
    const double largest = std::max(std::abs(static_cast<double>(ranges_[tensor].low)), std::abs(static_cast<double>(ranges_[tensor].high)));
    return std::max(largest * options_.margin, 1e-6);
  }

  base::Status make_steps() {
    const Shape& input = graph_.shapes[graph_.input];
    notes_.push_back({.shape = input, .grid = {}, .nodes = "", .operation = "input", .like = {}});
    if (input.size() == 3) {
      grids_[graph_.input] = Grid{input[2], std::bit_ceil(input[1] * input[2]), 1, 1};
      notes_[0].grid = *grids_[graph_.input];
    }
    expressions_[graph_.input] = AffineExpression::of_value(0, model::element_count(input));
    const FusedActivations fused = fuse_activations(graph_, options_.composite_bits == 0);
    TensorId output = graph_.output;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const FloatNode& node = graph_.nodes[i];
      const bool last = i + 1 == graph_.nodes.size();
      if (last && std::holds_alternative<float_op::Softmax>(node.op)) finish_ = fheml::Finish::kSoftmax;
      if (last && std::holds_alternative<float_op::ArgMax>(node.op)) finish_ = fheml::Finish::kArgMax;
      if (last && std::holds_alternative<float_op::Sigmoid>(node.op)) finish_ = fheml::Finish::kSigmoid;
      if (finish_ != fheml::Finish::kNone) {
        output = node.inputs[0];
        break;
      }
      add_name(node);
      if (fused.inner[i]) continue;
      const auto activation = fused.by_node.find(i);
      if (activation != fused.by_node.end()) {
        const FusedActivation& whole = activation->second;
        BLINDPROOF_ASSIGN(Values values, polynomial(whole.source, node.output, whole.function));
        set_values(node.output, {std::move(values)}, whole.source);
      } else {
        BLINDPROOF_TRY(add_node(node));
      }
    }
    return add_output(output);
  }

  void add_name(const FloatNode& node) {
    const std::string name = node.name.empty() ? std::string(model::op_name(node.op)) : node.name;
    if (name == last_name_ && !pending_names_.empty()) return;  // one node of the file, several here
    pending_names_ += (pending_names_.empty() ? "" : ", ") + name;
    last_name_ = name;
  }

  base::Status add_node(const FloatNode& node) {
    if (is_affine(node.op)) {
      std::vector<const AffineExpression*> inputs;
      std::vector<Shape> shapes;
      for (const TensorId id : node.inputs) {
        inputs.push_back(&*expressions_[id]);
        shapes.push_back(graph_.shapes[id]);
      }
      expressions_[node.output] = apply(node, inputs, shapes, graph_.shapes[node.output]);
      grids_[node.output] = grid_after(node);
      if (expressions_[node.output]->terms.empty()) {
        return failed(ErrorCode::kUnsupported, describe(node), "its result doesn't depend on the input");
      }
      return {};
    }
    BLINDPROOF_ASSIGN(const Scaled result, nonlinear(node));
    set_values(node.output, result, node.inputs[0]);
    return {};
  }

  void set_values(TensorId tensor, const Scaled& result, TensorId source) {
    grids_[tensor] = grids_[source];
    std::vector<std::size_t> sizes;
    for (const Part& part : parts_of(tensor)) sizes.push_back(part.count);
    AffineExpression expression = AffineExpression::of_values(result.values, sizes);
    expressions_[tensor] = result.factor == 1 ? std::move(expression) : scaled(std::move(expression), result.factor);
  }

  std::vector<Part> parts_of(TensorId tensor) const { return split(graph_.shapes[tensor], grids_[tensor], part_elements_); }

  std::optional<Grid> grid_after(const FloatNode& node) const {
    const std::optional<Grid>& in = grids_[node.inputs[0]];
    const Shape& shape = graph_.shapes[node.output];
    if (!in || shape.size() != 3) return std::nullopt;
    Grid grid = *in;
    const auto stride = [&](const model::Window2d& window) {
      grid.step_y *= window.stride[0];
      grid.step_x *= window.stride[1];
    };
    if (const auto* conv = std::get_if<float_op::Conv2d>(&node.op)) stride(conv->window);
    if (const auto* pool = std::get_if<float_op::AveragePool2d>(&node.op)) stride(pool->window);
    if (std::holds_alternative<float_op::Transpose>(node.op) || std::holds_alternative<float_op::Dense>(node.op)) return std::nullopt;
    if (std::holds_alternative<float_op::Reshape>(node.op) && shape != graph_.shapes[node.inputs[0]]) return std::nullopt;
    return grid;
  }

  base::Result<Scaled> nonlinear(const FloatNode& node) {
    if (std::holds_alternative<float_op::Relu>(node.op) && options_.composite_bits > 0) return composite_relu(node);
    BLINDPROOF_ASSIGN(Values values, plain_nonlinear(node));
    return Scaled{std::move(values)};
  }

  // x (1 + sign(x)) / 2, all divided by the range until the next matrix.
  base::Result<Scaled> composite_relu(const FloatNode& node) {
    const double bound = magnitude_of(node.inputs[0]);
    BLINDPROOF_ASSIGN(const Values parts, materialize(node.inputs[0], 1 / bound));
    std::vector<fhe::ckks::Polynomial> stages = composite_sign(options_.composite_bits);
    for (double& c : stages.back().coefficients) c /= 2;
    stages.back().coefficients[0] += 0.5;
    Values values;
    for (const ValueId x : parts) {
      ValueId at = x;
      for (std::size_t i = 0; i < stages.size(); ++i) {
        const bool last = i + 1 == stages.size();
        const std::string name = "sign, degree " + std::to_string(stages[i].coefficients.size() - 1);
        BLINDPROOF_ASSIGN(at, push(PolynomialStep{at, stages[i]}, last ? 1 + std::ldexp(1.0, -options_.composite_bits) : 1, notes_[x].shape, node.output, name));
      }
      BLINDPROOF_ASSIGN(const ValueId value, push(ProductStep{x, at}, magnitude_of(node.output) / bound, notes_[x].shape, node.output, "product"));
      notes_[value].approximation_error = bound * std::ldexp(1.0, -options_.composite_bits);
      values.push_back(value);
    }
    return Scaled{std::move(values), bound};
  }

  base::Result<Values> plain_nonlinear(const FloatNode& node) {
    if (const auto curve = curve_of(node.op)) return polynomial(node.inputs[0], node.output, curve);
    if (std::holds_alternative<float_op::Multiply>(node.op)) {
      BLINDPROOF_ASSIGN(const Values left, materialize(node.inputs[0], 1));
      BLINDPROOF_ASSIGN(const Values right, materialize(node.inputs[1], 1));
      BLINDPROOF_CHECK(left.size() == right.size(), "tensors of one shape have the same parts");
      Values values;
      for (std::size_t k = 0; k < left.size(); ++k) {
        const ValueId a = left[k], b = right[k];
        BLINDPROOF_TRY(align(a, b, node));
        BLINDPROOF_ASSIGN(const ValueId value,
                          push(ProductStep{a, b}, magnitude_of(node.output), notes_[a].shape, node.output, a == b ? "square" : "product"));
        values.push_back(value);
      }
      return values;
    }
    if (std::holds_alternative<float_op::MaxPool2d>(node.op)) {
      return failed(ErrorCode::kUnsupported, describe(node),
                    "a maximum can't be computed on ciphertexts at a reasonable price: train the network with average pooling");
    }
    return failed(ErrorCode::kUnsupported, describe(node), "can't be computed on ciphertexts, unless it is the last node");
  }

  base::Result<Values> polynomial(TensorId input, TensorId output, const std::function<double(double)>& function) {
    const double bound = magnitude_of(input);
    const auto on_unit = [&](double u) { return function(u * bound); };
    PolynomialStep step;
    step.polynomial = fit(on_unit, options_.degree);
    const double error = largest_error(step.polynomial, on_unit);
    BLINDPROOF_ASSIGN(const Values parts, materialize(input, 1 / bound));
    Values values;
    for (const ValueId part : parts) {
      step.value = part;
      BLINDPROOF_ASSIGN(const ValueId value, push(step, magnitude_of(output) + error, notes_[part].shape, output,
                                                  "polynomial of degree " + std::to_string(options_.degree)));
      notes_[value].approximation_error = error;
      values.push_back(value);
    }
    return values;
  }

  // A value of that shape: a part of the tensor, or all of it.
  base::Result<ValueId> push(auto operation, double magnitude, Shape shape, TensorId tensor, std::string name) {
    if (steps_.size() >= fheml::kMaxSteps) return failed(ErrorCode::kLimit, "network", "has too many layers for a homomorphic program");
    steps_.push_back({std::move(operation), magnitude});
    notes_.push_back({.shape = std::move(shape), .grid = grids_[tensor].value_or(Grid{}),
                      .nodes = std::exchange(pending_names_, ""), .operation = std::move(name), .like = {}});
    return static_cast<ValueId>(steps_.size());
  }

  // factor times the tensor as values.
  base::Result<Values> materialize(TensorId tensor, double factor) {
    const auto known = materialized_.find({tensor, factor});
    if (known != materialized_.end()) return known->second;
    const AffineExpression whole = factor == 1 ? *expressions_[tensor] : scaled(*expressions_[tensor], factor);
    const std::vector<Part> parts = parts_of(tensor);
    Values values;
    for (const Part& piece : parts) {
      AffineExpression expression = parts.size() == 1 ? whole : part(whole, piece.first, piece.count);
      ValueId value = 0;
      if (!expression.is_value(value)) {
        if (expression.terms.empty()) return failed(ErrorCode::kUnsupported, "network", "a part of a layer doesn't depend on the input: prune it");
        AffineStep step;
        for (auto& [from, matrix] : expression.terms) step.terms.push_back({from, std::move(matrix)});
        step.bias = std::move(expression.bias);
        BLINDPROOF_ASSIGN(value, push(std::move(step), magnitude_of(tensor) * factor, piece.shape, tensor, "matrix"));
      }
      values.push_back(value);
    }
    materialized_.emplace(std::pair{tensor, factor}, values);
    return values;
  }

  // The affine result (or the input) whose layout a value has.
  ValueId source_of(ValueId value) const {
    while (value > 0) {
      const Step& step = steps_[value - 1];
      if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
        value = polynomial->value;
      } else if (const auto* product = std::get_if<ProductStep>(&step.operation)) {
        value = product->a;
      } else {
        break;
      }
    }
    return value;
  }

  base::Status align(ValueId a, ValueId b, const FloatNode& node) {
    if (is_batch()) return {};
    const ValueId first = std::min(source_of(a), source_of(b)), second = std::max(source_of(a), source_of(b));
    if (first == second) return {};
    if (notes_[second].like && *notes_[second].like != first) {
      return failed(ErrorCode::kUnsupported, describe(node), "its factors can't be brought to one layout");
    }
    notes_[second].like = first;
    return {};
  }

  base::Status add_output(TensorId tensor) {
    BLINDPROOF_ASSIGN(const Values values, materialize(tensor, 1));
    if (values.size() > 1) return failed(ErrorCode::kLimit, "network", "its output has more elements than a ciphertext has slots");
    const ValueId value = values[0];
    if (value != steps_.size() || steps_.empty()) {  // computed before something else, or the input itself
      AffineStep step;
      step.terms.push_back({value, fheml::SparseMatrix::identity(model::element_count(graph_.shapes[tensor]))});
      step.bias.resize(step.terms[0].matrix.rows);
      BLINDPROOF_TRY(push(std::move(step), magnitude_of(tensor), graph_.shapes[tensor], tensor, "matrix"));
    }
    return {};
  }

  base::Result<Draft> cheapest_draft() const {
    BLINDPROOF_ASSIGN(Draft best, draft({}));
    if (is_batch()) return best;
    // A step that turns copies takes a level, which makes all others dearer: whether it pays is tried.
    std::vector<std::size_t> turned_steps;
    for (const std::size_t step : worth_turning(best)) {
      turned_steps.push_back(step);
      base::Result<Draft> next = draft(turned_steps);
      if (next.ok() && next->seconds < best.seconds) {
        best = std::move(*next);
      } else {
        turned_steps.pop_back();
      }
    }
    return best;
  }

  // How much shorter scales could be, by the predicted error of the flooded output. Negative where they are too short.
  base::Result<int> spare_bits(const Draft& draft) const {
    const fheml::Program& program = draft.program;
    BLINDPROOF_ASSIGN(const fhe::ckks::ContextPtr context, fhe::ckks::Context::create(program.client.parameters));
    const int level = fheml::levels_of(program.steps, context->top_level()).back();
    BLINDPROOF_ASSIGN(const fhe::ckks::Prediction flooded,
                      fhe::ckks::predict_sanitized(*context, fheml::predict_output(program, *context), options_.hiding_bits));
    const double error = fhe::ckks::kTail * flooded.noise / context->scale(level);
    return static_cast<int>(std::floor(std::log2(program.steps.back().magnitude / error) - kOutputBits));
  }

  // With copies turned before these steps, which are affine and have one term.
  base::Result<Draft> draft(const std::vector<std::size_t>& turned_steps) const {
    Draft draft{.program = {.client = {}, .steps = steps_}, .notes = notes_, .layouts = {}};
    std::vector<std::size_t> positions = turned_steps;
    std::ranges::sort(positions, std::greater{});  // from the end, so that those before keep their places
    for (const std::size_t at : positions) insert_turn(draft, at);
    draft.program.client.packing = options_.packing;
    draft.program.client.hiding_bits = options_.hiding_bits;
    BLINDPROOF_TRY(choose_parameters(draft));
    choose_layouts(draft);
    if (!is_batch()) draft.seconds = CostModel(draft.program.client.parameters).program(draft.program);
    return draft;
  }

  static void insert_turn(Draft& draft, std::size_t at) {
    std::vector<Step>& steps = draft.program.steps;
    AffineStep& reader = std::get<AffineStep>(steps[at].operation);
    const ValueId before = reader.terms[0].value, after = static_cast<ValueId>(at + 1);
    const std::size_t size = reader.terms[0].matrix.columns;
    const auto moved = [&](ValueId& id) { id += id >= after ? 1 : 0; };
    for (std::size_t i = at; i < steps.size(); ++i) {
      if (auto* affine = std::get_if<AffineStep>(&steps[i].operation)) {
        for (AffineStep::Term& term : affine->terms) moved(term.value);
      } else if (auto* polynomial = std::get_if<PolynomialStep>(&steps[i].operation)) {
        moved(polynomial->value);
      } else {
        moved(std::get<ProductStep>(steps[i].operation).a);
        moved(std::get<ProductStep>(steps[i].operation).b);
      }
    }
    for (ValueNotes& note : draft.notes) {
      if (note.like) moved(*note.like);
    }
    reader.terms[0].value = after;
    AffineStep turn{.terms = {{before, fheml::SparseMatrix::identity(size)}}, .bias = std::vector<double>(size), .layout = {}};
    const double magnitude = before == 0 ? draft.program.client.input_magnitude : steps[before - 1].magnitude;
    ValueNotes note = draft.notes[before];
    note.nodes = "";
    note.operation = "turn copies";
    note.approximation_error = 0;
    note.like = {};
    note.turns = true;
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at), {std::move(turn), magnitude});
    draft.notes.insert(draft.notes.begin() + after, std::move(note));
  }

  // Steps whose matrix would be cheaper on turned copies, by how much.
  std::vector<std::size_t> worth_turning(const Draft& draft) const {
    const fheml::Program& program = draft.program;
    const CostModel model(program.client.parameters);
    const std::vector<int> levels = fheml::levels_of(program.steps, program.client.parameters.levels);
    std::vector<std::pair<double, std::size_t>> gains;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const auto* affine = std::get_if<AffineStep>(&program.steps[i].operation);
      if (affine == nullptr || affine->terms.size() != 1 || draft.layouts[affine->terms[0].value].shift > 0) continue;
      const AffineStep::Term& term = affine->terms[0];
      if (term.value == 0) continue;  // the client's part
      const std::size_t slots = slots_of(program);
      const Layout& in = draft.layouts[term.value];
      const Layout better = turned(in, affine->layout, slots);
      if (better == in) continue;
      const int level = levels[i + 1] + 1;
      const MatrixCounts turn{.diagonals = slots / better.block, .baby_steps = slots / better.block - 1};
      const double gain = model.matrix(level, counts_of(term.matrix, in, affine->layout, slots)) - model.matrix(level, turn) -
                          model.matrix(level, counts_of(term.matrix, better, affine->layout, slots));
      if (gain > 0) gains.emplace_back(gain, i);
    }
    std::ranges::sort(gains, std::greater{});
    if (gains.size() > kMaxTurnTrials) gains.resize(kMaxTurnTrials);
    std::vector<std::size_t> result;
    for (const auto& [gain, step] : gains) result.push_back(step);
    return result;
  }

  // Values at the lowest level must stay below half its modulus over its scale. A last matrix can be scaled; otherwise one more level helps.
  static void fit_output(fheml::Program& program, int& levels, int room_bits) {
    const double most = std::ldexp(1.0, room_bits - 2);
    Step& last = program.steps.back();
    if (last.magnitude <= most) return;
    auto* affine = std::get_if<AffineStep>(&last.operation);
    if (affine == nullptr) {
      ++levels;
      return;
    }
    const double factor = std::exp2(std::ceil(std::log2(last.magnitude / most)));
    for (AffineStep::Term& term : affine->terms) {
      for (float& value : term.matrix.value) value = static_cast<float>(static_cast<double>(value) / factor);
    }
    for (double& value : affine->bias) value /= factor;
    last.magnitude /= factor;
    program.client.output_scale = factor;
  }

  base::Status choose_parameters(Draft& draft) const {
    int levels = fheml::depth_of(draft.program.steps);
    const int scale_bits = scale_bits_;
    const int each = scale_bits < 50 ? 1 : 2;  // moduli of a level
    const int first_bits = std::min(scale_bits + kRoomBits, 50 * each);
    fit_output(draft.program, levels, first_bits - scale_bits);
    const int count = each * (levels + 1);
    std::size_t elements = 1;
    for (const ValueNotes& note : draft.notes) elements = std::max(elements, std::bit_ceil(model::element_count(note.shape)));
    if (is_batch()) {
      if (elements > fheml::kMaxElements) return failed(ErrorCode::kLimit, "network", "has tensors of more elements than batches support: use smaller images");
      elements = 1;  // each has a ciphertext
    }
    for (int log_degree = kMinLogDegree; log_degree <= kMaxLogDegree; ++log_degree) {
      if ((std::size_t{1} << (log_degree - 1)) < elements) continue;
      BLINDPROOF_ASSIGN(const int limit, fhe::rlwe::max_log_modulus(log_degree, options_.security));
      fhe::ckks::Parameters best;
      double least = std::numeric_limits<double>::infinity();
      for (int digits = 1; digits <= count; ++digits) {
        const int longest = (count + digits - 1) / digits;  // moduli of a digit, at most
        const int in_first = std::min(longest, each);
        const int special = (in_first * first_bits / each + (longest - in_first) * scale_bits / each + 1 + 49) / 50;
        if (first_bits + levels * scale_bits + 50 * special + 2 > limit) continue;
        if (special > kMaxSpecialLimbs) continue;
        const fhe::ckks::Parameters candidate{.log_degree = log_degree, .scale_bits = scale_bits, .levels = levels,
                                              .first_bits = first_bits, .digits = digits, .special_limbs = special,
                                              .security = options_.security};
        // More digits are longer keys, which is worth something: twice as long, 9% of the time.
        const CostModel model(candidate);
        const double cost = model.matrix((levels + 1) / 2, kTypicalMatrix) * std::pow(model.key_words(levels), 0.125);
        if (cost >= least) continue;
        least = cost;
        best = candidate;
      }
      if (best.log_degree == 0) continue;
      draft.program.client.parameters = best;
      return {};
    }
    return failed(ErrorCode::kLimit, "network",
                  "needs " + std::to_string(levels) + " levels and " + std::to_string(elements) +
                      " slots, more than the largest ring has: use squares or polynomials of lower degree, fewer layers, smaller images");
  }

  void choose_layouts(Draft& draft) const {
    std::vector<Step>& steps = draft.program.steps;
    std::vector<Layout>& layouts = draft.layouts;
    const std::vector<ValueNotes>& notes = draft.notes;
    if (is_batch()) {
      for (const ValueNotes& note : notes) layouts.push_back(fheml::layout_in_order(model::element_count(note.shape)));
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (auto* affine = std::get_if<AffineStep>(&steps[i].operation)) affine->layout = layouts[i + 1];
      }
      draft.program.client.input = layouts.front();
      return;
    }
    const std::size_t slots = slots_of(draft.program);
    const ValueNotes& input = notes[0];
    std::optional<Layout> layout = grid_layout(input.shape, input.grid, false, slots);
    if (!layout) layout = row_layout(model::element_count(input.shape), slots);
    layouts.push_back(*layout);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      auto* affine = std::get_if<AffineStep>(&steps[i].operation);
      if (affine == nullptr) {
        const auto* polynomial = std::get_if<PolynomialStep>(&steps[i].operation);
        layouts.push_back(layouts[polynomial != nullptr ? polynomial->value : std::get<ProductStep>(steps[i].operation).a]);
        continue;
      }
      if (notes[i + 1].turns) {  // chosen together with its reader, the next step
        auto& reader = std::get<AffineStep>(steps[i + 1].operation);
        const Layout& in = layouts[affine->terms[0].value];
        reader.layout = layout_after(draft, reader, notes[i + 2], &in);
        affine->layout = turned(in, reader.layout, slots);
      } else if (i == 0 || !notes[i].turns) {
        affine->layout = layout_after(draft, *affine, notes[i + 1], nullptr);
      }
      layouts.push_back(affine->layout);
    }
    turn_input(draft);
    draft.program.client.input = layouts.front();
  }

  // The layout of a step's result. If given, it reads `unturned` with its copies turned as it likes.
  Layout layout_after(const Draft& draft, const AffineStep& affine, const ValueNotes& note, const Layout* unturned) const {
    if (note.like) return draft.layouts[*note.like];
    const std::size_t slots = slots_of(draft.program);
    std::vector<std::optional<Layout>> candidates{row_layout(affine.bias.size(), slots), grid_layout(note.shape, note.grid, false, slots)};
    if (note.grid.step_y * note.grid.step_x > 1) candidates.push_back(grid_layout(note.shape, note.grid, true, slots));
    std::erase_if(candidates, [](const auto& candidate) { return !candidate; });
    BLINDPROOF_CHECK(!candidates.empty(), "the ring was chosen so that a row fits");
    if (candidates.size() == 1) return *candidates[0];
    const auto cost = [&](const std::optional<Layout>& out) {
      double total = 0;
      for (const AffineStep::Term& term : affine.terms) {
        total += cost_of(term.matrix, unturned != nullptr ? turned(*unturned, *out, slots) : draft.layouts[term.value], *out, slots);
      }
      return total;
    };
    return **std::ranges::min_element(candidates, {}, cost);
  }

  // The client may turn the copies of the input as it likes, if one matrix alone reads them.
  static void turn_input(Draft& draft) {
    std::vector<Step>& steps = draft.program.steps;
    const std::size_t slots = slots_of(draft.program);
    Layout& input = draft.layouts[0];
    AffineStep* reader = nullptr;
    std::size_t readers = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto inputs = fheml::inputs_of(steps[i]);
      readers += static_cast<std::size_t>(std::ranges::count(inputs, ValueId{0}));
      if (auto* affine = std::get_if<AffineStep>(&steps[i].operation); affine != nullptr && std::ranges::count(inputs, ValueId{0}) > 0) reader = affine;
      if (draft.notes[i + 1].like == ValueId{0}) readers += 2;
    }
    if (readers != 1 || reader == nullptr || reader->terms.size() != 1) return;
    const Layout better = turned(input, reader->layout, slots);
    const fheml::SparseMatrix& matrix = reader->terms[0].matrix;
    if (cost_of(matrix, better, reader->layout, slots) < cost_of(matrix, input, reader->layout, slots)) input = better;
  }

  std::vector<StepSummary> summaries(const Draft& draft) const {
    const fheml::Program& program = draft.program;
    const std::vector<int> levels = fheml::levels_of(program.steps, program.client.parameters.levels);
    std::vector<StepSummary> result;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const ValueNotes& note = draft.notes[i + 1];
      StepSummary summary{.nodes = note.nodes, .operation = note.operation, .level = levels[i + 1],
                          .elements = draft.layouts[i + 1].positions.size(), .period = draft.layouts[i + 1].period,
                          .approximation_error = note.approximation_error};
      const auto* affine = std::get_if<AffineStep>(&program.steps[i].operation);
      if (affine != nullptr && !is_batch()) {
        for (const AffineStep::Term& term : affine->terms) {
          summary.diagonals += counts_of(term.matrix, draft.layouts[term.value], affine->layout, slots_of(program)).diagonals;
        }
        summary.rotations = fheml::rotations_of(draft.layouts, *affine, slots_of(program), levels[i + 1]).size();
      }
      result.push_back(std::move(summary));
    }
    return result;
  }

  const FloatGraph& graph_;
  std::span<const FloatRange> ranges_;
  const LowerFheOptions& options_;
  std::size_t part_elements_;
  int scale_bits_;
  std::vector<std::optional<AffineExpression>> expressions_;  // by tensor
  std::vector<std::optional<Grid>> grids_;                    // by tensor
  std::vector<Step> steps_;
  std::vector<ValueNotes> notes_;  // by value
  std::map<std::pair<TensorId, double>, Values> materialized_;
  std::string last_name_, pending_names_;
  fheml::Finish finish_ = fheml::Finish::kNone;
};

}  // namespace

base::Result<LowerFheOutcome> lower_fhe(const FloatGraph& graph, std::span<const FloatRange> ranges, const LowerFheOptions& options) {
  if (ranges.size() != graph.shapes.size()) {
    return failed(ErrorCode::kInvalidArgument, "ranges", "the model has none: compile it again from the ONNX file");
  }
  const bool scale_fits = options.scale_bits == 0 || (options.scale_bits >= 25 && options.scale_bits <= kMaxScaleBits);
  if (!scale_fits || options.degree < 2 || options.degree > kMaxDegree || !(options.margin >= 1)) {
    return failed(ErrorCode::kInvalidArgument, "options", "scales have 25 to 96 bits, degrees lie between 2 and 511, margins above 1");
  }
  if (options.composite_bits < 0 || options.composite_bits > kMaxSignBits) {
    return failed(ErrorCode::kInvalidArgument, "options", "compositions are within up to 16 bits of ReLU");
  }
  if (options.hiding_bits < 0 || options.hiding_bits > 44) {
    return failed(ErrorCode::kInvalidArgument, "options", "model privacy has 0 to 44 bits");
  }
  if (options.packing == fheml::Packing::kBatch) return Lowering(graph, ranges, options, SIZE_MAX).run();
  // Tensors in parts serve where they don't fit a ciphertext, or where a smaller ring makes up for more of them: it is tried.
  std::size_t largest = 0;
  for (const Shape& shape : graph.shapes) largest = std::max(largest, std::bit_ceil(model::element_count(shape)));
  base::Result<LowerFheOutcome> best = Lowering(graph, ranges, options, SIZE_MAX).run();
  for (int bits = kMaxLogDegree - 1; bits >= kMinLogDegree - 1 && largest > std::size_t{1} << bits; --bits) {
    if (!best.ok() && best.error().code != ErrorCode::kLimit) break;
    base::Result<LowerFheOutcome> next = Lowering(graph, ranges, options, std::size_t{1} << bits).run();
    if (!next.ok()) continue;
    // A ring that is larger than the parts: still smaller ones would only be more.
    if (best.ok() && next->program.client.parameters.log_degree - 1 > bits) break;
    if (!best.ok() || next->seconds < best->seconds) best = std::move(next);
  }
  return best;
}

}  // namespace blindproof::compiler
