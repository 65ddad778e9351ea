#include "blindproof/fheml/exact_executor.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

// At most this for any entries: coefficients are at most t/2, and those of a vector of slots that repeats after `period` in both rows are zero but
// for 2 period of them.
double norm_bound(const MatrixSkeleton& skeleton, std::uint64_t t, std::size_t degree) {
  const double coefficients = static_cast<double>(std::min(degree, 2 * skeleton.period));
  return static_cast<double>(skeleton.diagonals) * static_cast<double>(t) / 2 * std::sqrt(coefficients);
}

// Marks the rows that have entries.
MatrixSkeleton scaling_skeleton(const ExactAffineStep::Term& term, bool whole, std::vector<bool>& filled) {
  MatrixSkeleton result{.value = term.value};
  double largest = 1, squares = 1;
  for (std::size_t row = 0; row < term.matrix.rows; ++row) {
    double sum = 0;
    for (std::uint64_t k = term.matrix.begins[row]; k < term.matrix.begins[row + 1]; ++k) {
      const double size = std::abs(static_cast<double>(term.matrix.value[k]));
      sum += size;
      squares += size * size;
    }
    largest = std::max(largest, sum);
    if (sum > 0) filled[row] = true;
  }
  result.growth_bits = static_cast<int>(std::ceil(std::log2(whole ? std::sqrt(squares) : largest)));
  return result;
}

// Matrices with the same folds are added up before them.
bool shares_folds(const std::vector<MatrixSkeleton>& skeletons, std::size_t term) {
  return term + 1 < skeletons.size() && skeletons[term + 1].folds == skeletons[term].folds;
}

}  // namespace

std::vector<std::vector<MatrixSkeleton>> skeletons_of(const ExactProgram& program) {
  const std::size_t slots = program.client.parameters.slots();
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  std::vector<std::vector<MatrixSkeleton>> result(program.steps.size());
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const auto* affine = std::get_if<ExactAffineStep>(&program.steps[i]);
    if (affine == nullptr) continue;
    if (program.client.packing == Packing::kBatch || program.client.coefficients) {
      std::vector<bool> filled(affine->bias.size());
      for (const ExactAffineStep::Term& term : affine->terms) result[i].push_back(scaling_skeleton(term, program.client.coefficients, filled));
      result[i][0].empty_rows = !program.client.coefficients && std::ranges::find(filled, false) != filled.end();
      continue;
    }
    for (const ExactAffineStep::Term& term : affine->terms) {
      const IntegerSlotMatrix matrix(term.matrix, layouts[term.value], affine->layout, slots);
      const auto diagonals = fhe::rlwe::DiagonalMatrix::create(matrix.numbers(), slots, 0);
      BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
      std::set<std::size_t> giants;
      for (const std::size_t d : matrix.numbers()) giants.insert(diagonals->giant_of(d));
      result[i].push_back({.value = term.value, .diagonals = matrix.numbers().size(), .giant_steps = giants.size(),
                           .period = matrix.period(), .folds = matrix.folds()});
    }
  }
  return result;
}

double growth_bound(const MatrixSkeleton& skeleton, std::uint64_t t) {
  // Rows without entries have the weight t, which is 0.
  const double bound = std::ldexp(1.0, skeleton.growth_bits);
  return skeleton.empty_rows ? std::max(bound, static_cast<double>(t)) : bound;
}

template <class Scheme>
base::Result<typename Scheme::Prediction> predict(const ExactProgram& program, const std::vector<std::vector<MatrixSkeleton>>& skeletons,
                                                  const typename Scheme::Context& context) {
  using Prediction = typename Scheme::Prediction;
  const std::vector<int> levels = levels_of(program.steps, Scheme::top_level(context));
  const std::uint64_t t = context.parameters().t;
  std::vector<Prediction> values{predict_fresh(context)};
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    std::optional<Prediction> total, unfolded;
    const auto add_to = [](std::optional<Prediction>& sum, const Prediction& part) { sum = sum ? predict_sum(*sum, part) : part; };
    if (const auto* product = std::get_if<ProductStep>(&program.steps[i])) {
      total = Scheme::product(context, Scheme::lowered(context, values[product->a], levels[i + 1] + 1),
                              Scheme::lowered(context, values[product->b], levels[i + 1] + 1));
    } else {
      for (std::size_t term = 0; term < skeletons[i].size(); ++term) {
        const MatrixSkeleton& skeleton = skeletons[i][term];
        if (program.client.packing == Packing::kBatch || program.client.coefficients) {
          add_to(total, Scheme::scaled(values[skeleton.value], growth_bound(skeleton, t)));
          continue;
        }
        add_to(unfolded, Scheme::matrix(context, Scheme::lowered(context, values[skeleton.value], levels[i + 1] + 1),
                                        norm_bound(skeleton, t, context.slots().slots()), skeleton.giant_steps));
        if (shares_folds(skeletons[i], term)) continue;
        for (std::size_t fold = 0; fold < skeleton.folds.size(); ++fold) {
          unfolded = predict_sum(*unfolded, predict_switch(context, *unfolded));
        }
        add_to(total, *unfolded);
        unfolded.reset();
      }
      total = Scheme::with_plaintext(context, *total);
    }
    if (!(budget_bits(context, *total) > 0)) {
      return failed(ErrorCode::kLimit, "the result of step " + std::to_string(i) + " might not decrypt: the moduli are " +
                                           std::to_string(static_cast<int>(std::ceil(-budget_bits(context, *total))) + 1) + " bits too short");
    }
    values.push_back(*total);
  }
  return values.back();
}

template base::Result<Bfv::Prediction> predict<Bfv>(const ExactProgram&, const std::vector<std::vector<MatrixSkeleton>>&, const Bfv::Context&);
template base::Result<Bgv::Prediction> predict<Bgv>(const ExactProgram&, const std::vector<std::vector<MatrixSkeleton>>&, const Bgv::Context&);

template <class Scheme>
ExactExecutor<Scheme>::ExactExecutor(ExactProgram program)
    : program_(std::move(program)), layouts_(layouts_of(program_.client.input, program_.steps)), skeletons_(skeletons_of(program_)) {}

template <class Scheme>
base::Result<ExactExecutor<Scheme>> ExactExecutor<Scheme>::create(ExactProgram program, std::vector<ContextPtr> contexts,
                                                                  const base::Progress& progress) {
  const std::vector<std::uint64_t> primes = program.client.parameters.primes;
  BLINDPROOF_CHECK(program.client.parameters.scheme == Scheme::kScheme && contexts.size() == primes.size(), "a context for each prime");
  if (program.client.packing != Packing::kSingle || program.client.coefficients) {
    return failed(ErrorCode::kMismatch, "the program is for batches, or on coefficients: it has an executor of its own");
  }
  ExactExecutor executor(std::move(program));
  executor.levels_ = levels_of(executor.program_.steps, Scheme::top_level(*contexts[0]));
  const std::size_t steps = executor.program_.steps.size();
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    BLINDPROOF_CHECK(contexts[i]->parameters().t == primes[i] && contexts[i]->ring() == contexts[0]->ring(), "contexts of the primes");
    BLINDPROOF_ASSIGN(const auto output, predict<Scheme>(executor.program_, executor.skeletons_, *contexts[i]));
    Residue residue{contexts[i], {}, output};
    for (std::size_t step = 0; step < steps; ++step) {
      progress.report("encoding weights", i * steps + step, contexts.size() * steps);
      std::optional<Affine> prepared;
      if (std::holds_alternative<ExactAffineStep>(executor.program_.steps[step])) {
        BLINDPROOF_ASSIGN(prepared, executor.prepare(contexts[i], step));
      }
      residue.affine.push_back(std::move(prepared));
    }
    executor.residues_.push_back(std::move(residue));
  }
  executor.contexts_ = std::move(contexts);
  return executor;
}

template <class Scheme>
auto ExactExecutor<Scheme>::prepare(const ContextPtr& context, std::size_t index) const -> base::Result<Affine> {
  const auto& step = std::get<ExactAffineStep>(program_.steps[index]);
  const field::Modulus& t = context->t();
  const std::size_t slots = program_.client.parameters.slots();
  std::vector<typename Scheme::LinearTransform> transforms;
  for (const ExactAffineStep::Term& term : step.terms) {
    const IntegerSlotMatrix matrix(term.matrix, layouts_[term.value], step.layout, slots);
    BLINDPROOF_ASSIGN(auto transform, Scheme::transform(context, matrix.numbers(), [&](std::size_t d) { return matrix.diagonal(d, t); },
                                                        levels_[index + 1] + 1));
    transforms.push_back(std::move(transform));
  }
  std::vector<std::int64_t> bias;
  for (const base::Int128 value : step.bias) bias.push_back(static_cast<std::int64_t>(value % static_cast<base::Int128>(t.value())));
  BLINDPROOF_ASSIGN(auto encoded, Scheme::encode(context, spread(step.layout, bias, slots, t)));
  return Affine{std::move(transforms), std::move(encoded)};
}

template <class Scheme>
std::size_t ExactExecutor<Scheme>::bytes() const noexcept {
  std::size_t total = 0;
  for (const Residue& residue : residues_) {
    for (const std::optional<Affine>& step : residue.affine) {
      if (!step) continue;
      for (const auto& transform : step->transforms) total += transform.bytes();
    }
  }
  return total;
}

template <class Scheme>
auto ExactExecutor<Scheme>::run_affine(const Residue& residue, std::size_t index, const std::vector<Ciphertext>& values,
                                       const fhe::rlwe::GaloisKeys& rotations) const -> base::Result<Ciphertext> {
  const auto& step = std::get<ExactAffineStep>(program_.steps[index]);
  const Affine& affine = *residue.affine[index];
  std::optional<Ciphertext> total, unfolded;
  const auto add_to = [](std::optional<Ciphertext>& sum, Ciphertext part) -> base::Status {
    if (sum) {
      BLINDPROOF_ASSIGN(part, add(*sum, part));
    }
    sum = std::move(part);
    return {};
  };
  for (std::size_t i = 0; i < step.terms.size(); ++i) {
    BLINDPROOF_ASSIGN(const Ciphertext input, Scheme::lowered(values[step.terms[i].value], levels_[index + 1] + 1));
    BLINDPROOF_ASSIGN(Ciphertext part, affine.transforms[i].apply(input, rotations));
    BLINDPROOF_TRY(add_to(unfolded, std::move(part)));
    if (shares_folds(skeletons_[index], i)) continue;
    for (const std::int64_t fold : skeletons_[index][i].folds) {
      BLINDPROOF_ASSIGN(const Ciphertext rotated, rotate(*unfolded, fold, rotations));
      BLINDPROOF_ASSIGN(unfolded, add(*unfolded, rotated));
    }
    BLINDPROOF_TRY(add_to(total, std::move(*unfolded)));
    unfolded.reset();
  }
  return add(*total, affine.bias);
}

template <class Scheme>
auto ExactExecutor<Scheme>::run_residue(const Residue& residue, const Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                        const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress) const
    -> base::Result<Ciphertext> {
  std::vector<Ciphertext> values{Scheme::assume(residue.context, input, predict_fresh(*residue.context))};
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    progress.report("evaluating", i, program_.steps.size());
    std::optional<Ciphertext> result;
    if (const auto* product = std::get_if<ProductStep>(&program_.steps[i])) {
      BLINDPROOF_ASSIGN(const Ciphertext a, Scheme::lowered(values[product->a], levels_[i + 1] + 1));
      BLINDPROOF_ASSIGN(const Ciphertext b, Scheme::lowered(values[product->b], levels_[i + 1] + 1));
      BLINDPROOF_ASSIGN(result, multiply(a, b, *relinearization));
    } else {
      BLINDPROOF_ASSIGN(result, run_affine(residue, i, values, rotations));
    }
    values.push_back(std::move(*result));
  }
  // As large as any weights could make it: the flood that hides them follows from it.
  auto output = prediction_of(values.back());
  if (Scheme::size_of(output) < Scheme::size_of(residue.output)) output = residue.output;
  return Scheme::assume(residue.context, std::move(values.back()), output);
}

template <class Scheme>
auto ExactExecutor<Scheme>::run(const std::vector<Ciphertext>& inputs, const fhe::rlwe::KeySwitchKey* relinearization,
                                const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress) const
    -> base::Result<std::vector<Ciphertext>> {
  if (inputs.size() != residues_.size()) {
    return failed(ErrorCode::kMismatch, "the program takes a ciphertext for each of its " + std::to_string(residues_.size()) +
                                            " plaintext moduli; there are " + std::to_string(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].context() != contexts_[i]) {
      return failed(ErrorCode::kMismatch, "a ciphertext belongs to other parameters than the program");
    }
    if (!Scheme::is_fresh(inputs[i])) return failed(ErrorCode::kMismatch, "a ciphertext isn't a fresh one");
  }
  if (program_.client.relinearization && relinearization == nullptr) {
    return failed(ErrorCode::kInvalidArgument, "the evaluation keys have no relinearisation key");
  }
  std::vector<std::optional<base::Result<Ciphertext>>> results(inputs.size());
  const auto one = [&](std::size_t i) {
    results[i].emplace(run_residue(residues_[i], inputs[i], relinearization, rotations, i == 0 ? progress : base::Progress{}));
  };
  if (inputs.size() >= base::thread_count()) {
    base::parallel_for(inputs.size(), one);
  } else {
    for (std::size_t i = 0; i < inputs.size(); ++i) one(i);
  }
  std::vector<Ciphertext> outputs;
  for (auto& result : results) {
    if (!result->ok()) return std::move(*result).error();
    outputs.push_back(*std::move(*result));
  }
  return outputs;
}

template class ExactExecutor<Bfv>;
template class ExactExecutor<Bgv>;

}  // namespace blindproof::fheml
