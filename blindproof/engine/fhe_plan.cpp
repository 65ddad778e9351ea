#include "blindproof/engine/fhe_plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/lower_fhe/cost.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fheml/batch_executor.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/fheml/prediction.h"

namespace blindproof::engine {
namespace {

namespace ckks = fhe::ckks;

// What this machine takes for rotations and for encodings.
struct Calibration {
  double rotation = 0, encoding = 0;  // seconds
};

base::Result<Calibration> calibrate(const ckks::ContextPtr& context) {
  constexpr int kRuns = 4;
  crypto::Csprng random;
  const fhe::rlwe::SecretKey secret = ckks::generate_secret_key(*context, random);
  const std::vector<std::int64_t> steps{1};
  const fhe::rlwe::GaloisKeys keys = ckks::generate_rotation_keys(*context, secret, context->top_level(), steps, false, random);
  const ckks::Encoder encoder(context);
  const std::vector<double> values(context->slots(), 0.5);
  BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, encoder.encode(values, context->top_level()));
  const ckks::Ciphertext ciphertext = ckks::encrypt(secret, plaintext, random);
  Calibration least{1e9, 1e9};
  for (int run = 0; run < kRuns; ++run) {
    Stopwatch watch;
    BLINDPROOF_TRY(ckks::rotate(ciphertext, 1, keys));
    least.rotation = std::min(least.rotation, watch.seconds());
    watch = {};
    BLINDPROOF_TRY(encoder.encode_extended(std::vector<std::complex<double>>(context->slots(), 0.5), context->top_level(), context->scale(context->top_level())));
    least.encoding = std::min(least.encoding, watch.seconds());
  }
  return least;
}

std::size_t poly_bytes(const ckks::Context& context, int level, bool with_p) {
  const fhe::rlwe::Ring& ring = *context.ring();
  return ring.limbs({context.q_limbs(level), with_p}) * ring.degree() * sizeof(std::uint64_t);
}

// Of the matrix step that holds most at once: the digits of its input, each thread's limb of the rotations of all baby steps, the sums of all giant steps.
std::size_t working_bytes(const fheml::Program& program, const ckks::Context& context) {
  const std::vector<int> levels = fheml::levels_of(program.steps, context.top_level());
  const std::vector<fheml::Layout> layouts = fheml::layouts_of(program.client.input, program.steps);
  std::size_t most = 0, kept = 2 * poly_bytes(context, context.top_level(), false);
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const int level = levels[i + 1] + 1;
    std::size_t polys = 2 + 2 * static_cast<std::size_t>(context.parameters().digits), limbs = 0;
    if (const auto* affine = std::get_if<fheml::AffineStep>(&program.steps[i].operation)) {
      for (const fheml::AffineStep::Term& term : affine->terms) {
        const compiler::MatrixCounts counts = compiler::counts_of(term.matrix, layouts[term.value], affine->layout, context.slots());
        polys = std::max(polys, static_cast<std::size_t>(context.parameters().digits) + 2 * (counts.giant_steps + 2));
        limbs = std::max(limbs, 2 * (counts.baby_steps + 2) * base::thread_count());
      }
    } else if (const auto* polynomial = std::get_if<fheml::PolynomialStep>(&program.steps[i].operation)) {
      polys += 2 * static_cast<std::size_t>(2 * std::sqrt(static_cast<double>(polynomial->polynomial.coefficients.size())));
    }
    most = std::max(most, kept + polys * poly_bytes(context, level, true) + limbs * context.ring()->degree() * sizeof(std::uint64_t));
    kept += 2 * poly_bytes(context, levels[i + 1], false);
  }
  return most;
}

std::size_t program_bytes(const fheml::Program& program) {
  std::size_t total = 0;
  for (const fheml::Step& step : program.steps) {
    const auto* affine = std::get_if<fheml::AffineStep>(&step.operation);
    if (affine == nullptr) continue;
    for (const fheml::AffineStep::Term& term : affine->terms) total += term.matrix.entries() * (sizeof(std::uint32_t) + sizeof(float));
  }
  return total;
}

// Products of all weights of a program for batches with ciphertexts, and products of ciphertexts.
double batch_seconds(const fheml::Program& program, const ckks::Context& context, const compiler::CostModel& model) {
  constexpr double kMultiplyAdd = 1.0e-10;  // of field::multiply_matrix, for each coefficient
  const std::vector<int> levels = fheml::levels_of(program.steps, context.top_level());
  double total = 0;
  std::vector<std::size_t> elements{model::element_count(program.client.input_shape)};
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const int level = levels[i + 1] + 1;
    const fheml::Step& step = program.steps[i];
    if (const auto* affine = std::get_if<fheml::AffineStep>(&step.operation)) {
      elements.push_back(affine->bias.size());
      for (const fheml::AffineStep::Term& term : affine->terms) {
        total += kMultiplyAdd * static_cast<double>(term.matrix.entries() * 2 * context.q_limbs(level) * context.ring()->degree());
      }
    } else {
      const auto* polynomial = std::get_if<fheml::PolynomialStep>(&step.operation);
      elements.push_back(elements[fheml::inputs_of(step)[0]]);
      total += static_cast<double>(elements.back()) *
               (polynomial != nullptr ? model.polynomial(levels[polynomial->value], polynomial->polynomial) : model.product(level));
    }
  }
  return total;
}

}  // namespace

base::Result<PlanOutcome> plan_inference(const PlanRequest& request, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const Lowered lowered, lower_in_memory(request.model, request.options, progress));
  const fheml::Program& program = lowered.outcome.program;
  const ckks::ContextPtr& context = lowered.context;
  const LowerOutcome& summary = lowered.summary;
  PlanOutcome plan{.parameters = summary.parameters, .steps = summary.steps, .levels = context->top_level(), .rotations = summary.rotations,
                   .relinearization = summary.relinearization, .max_samples = summary.max_samples, .key_bytes = summary.key_bytes,
                   .ciphertext_bytes = summary.ciphertext_bytes, .weight_bytes = summary.weight_bytes};
  plan.output_magnitude = program.client.output_magnitude * program.client.output_scale;

  progress.report("timing", 0, 0);
  BLINDPROOF_ASSIGN(const Calibration calibration, calibrate(context));
  const compiler::CostModel model(context->parameters());
  const double speed = calibration.rotation / model.rotation(context->top_level());
  // Tables of the ring, the program, and what the process has anyway.
  constexpr std::size_t kProcessBytes = std::size_t{24} << 20, kTableWords = 4;
  constexpr std::size_t kKeptBytes = std::size_t{768} << 20;  // by the pool of buffers, for other levels
  const fhe::rlwe::Ring& ring = *context->ring();
  std::size_t memory = kProcessBytes + (ring.q_count() + ring.p_count()) * ring.degree() * sizeof(std::uint64_t) * kTableWords +
                       3 * program_bytes(program) + plan.weight_bytes + 2 * plan.key_bytes;
  if (program.client.packing == fheml::Packing::kBatch) {
    plan.infer_seconds = speed * batch_seconds(program, *context, model);
    const std::vector<int> levels = fheml::levels_of(program.steps, context->top_level());
    std::size_t widest = 0, before = model::element_count(program.client.input_shape);
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const auto* affine = std::get_if<fheml::AffineStep>(&program.steps[i].operation);
      const std::size_t after = affine != nullptr ? affine->bias.size() : before;
      widest = std::max(widest, (before + after) * 2 * poly_bytes(*context, levels[i + 1] + 1, false));
      before = after;
    }
    memory += widest;
  } else {
    plan.infer_seconds = speed * model.program(program);
    for (const compiler::StepSummary& step : plan.steps) plan.encode_seconds += static_cast<double>(step.diagonals) * calibration.encoding;
    const std::size_t working = working_bytes(program, *context);
    memory += working + std::min(working / 2, kKeptBytes);
    ckks::Prediction output = fheml::predict_output(program, *context);
    if (request.options.hiding_bits > 0) {
      BLINDPROOF_ASSIGN(output, ckks::predict_sanitized(*context, output, request.options.hiding_bits));
    }
    plan.expected_error = output.noise / context->scale(program.client.output_level) * program.client.output_scale;
    plan.error_bound = ckks::kTail * plan.expected_error;
  }
  plan.peak_memory_bytes = memory;
  return plan;
}

}  // namespace blindproof::engine
