#include "blindproof/fheml/executor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace ckks = fhe::ckks;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

}  // namespace

base::Result<Executor> Executor::create(Program program, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(ckks::ContextPtr context, ckks::Context::create(program.client.parameters));
  return create(std::move(program), std::move(context), progress);
}

base::Result<Executor> Executor::create(Program program, ckks::ContextPtr context, const base::Progress& progress) {
  if (program.client.packing != Packing::kSingle) {
    return failed(ErrorCode::kMismatch, "the program is for batches, not for one sample at a time: see BatchExecutor");
  }
  Executor executor(std::move(program), std::move(context));
  const ckks::Encoder encoder(executor.context_);
  const std::vector<Layout> layouts = layouts_of(executor.program_.client.input, executor.program_.steps);
  for (std::size_t i = 0; i < executor.program_.steps.size(); ++i) {
    progress.report("encoding weights", i, executor.program_.steps.size());
    const auto* affine = std::get_if<AffineStep>(&executor.program_.steps[i].operation);
    std::optional<Affine> prepared;
    if (affine != nullptr) {
      BLINDPROOF_ASSIGN(prepared, executor.prepare(*affine, i, layouts, encoder));
    }
    executor.affine_.push_back(std::move(prepared));
  }
  return executor;
}

base::Result<Executor::Affine> Executor::prepare(const AffineStep& step, std::size_t index, const std::vector<Layout>& layouts,
                                                 const ckks::Encoder& encoder) const {
  const int out_level = levels_[index + 1];
  std::vector<Term> terms;
  for (const AffineStep::Term& term : step.terms) {
    const SlotMatrix matrix(term.matrix, layouts[term.value], step.layout, context_->slots());
    const auto diagonal = [&](std::size_t number) {
      const std::vector<double> values = matrix.diagonal(number);
      return std::vector<std::complex<double>>(values.begin(), values.end());
    };
    BLINDPROOF_ASSIGN(ckks::LinearTransform transform,
                      ckks::LinearTransform::create(encoder, matrix.numbers(), diagonal, out_level + 1));
    terms.push_back({term.value, out_level + 1, std::move(transform), step.layout.period, std::size_t{1} << matrix.folds().size()});
  }
  const std::vector<double> bias = spread(step.layout, step.bias, context_->slots());
  BLINDPROOF_ASSIGN(ckks::Plaintext encoded, encoder.encode(bias, out_level));
  return Affine{std::move(terms), std::move(encoded)};
}

std::size_t Executor::bytes() const noexcept {
  std::size_t total = 0;
  for (const std::optional<Affine>& step : affine_) {
    if (!step) continue;
    for (const Term& term : step->terms) total += term.transform.bytes();
  }
  return total;
}

base::Result<ckks::Ciphertext> Executor::run_affine(const Affine& step, const std::vector<ckks::Ciphertext>& values,
                                                    const fhe::rlwe::GaloisKeys& rotations) const {
  std::optional<ckks::Ciphertext> total, unfolded;
  const auto add_to = [](std::optional<ckks::Ciphertext>& sum, ckks::Ciphertext part) -> base::Status {
    if (sum) {
      BLINDPROOF_ASSIGN(part, ckks::add(*sum, part));
    }
    sum = std::move(part);
    return {};
  };
  for (std::size_t i = 0; i < step.terms.size(); ++i) {
    const Term& term = step.terms[i];
    BLINDPROOF_ASSIGN(const ckks::Ciphertext input, ckks::lower_to(values[term.value], term.level));
    BLINDPROOF_ASSIGN(ckks::Ciphertext part, term.transform.apply(input, rotations));
    BLINDPROOF_TRY(add_to(unfolded, std::move(part)));
    if (i + 1 < step.terms.size() && step.terms[i + 1].fold_count == term.fold_count) continue;
    BLINDPROOF_ASSIGN(ckks::Ciphertext folded, ckks::sum_slots(*unfolded, term.fold_count, rotations, term.fold_stride));
    BLINDPROOF_TRY(add_to(total, std::move(folded)));
    unfolded.reset();
  }
  return ckks::add(*total, step.bias);
}

base::Result<ckks::Ciphertext> Executor::run(const ckks::Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                             const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress) const {
  if (input.context() != context_) return failed(ErrorCode::kMismatch, "the ciphertext belongs to other parameters than the program");
  if (input.level() != context_->top_level() || input.scale() != context_->scale(input.level()) || input.parts().size() != 2) {
    return failed(ErrorCode::kMismatch, "the ciphertext isn't a fresh one: the program takes level " +
                                            std::to_string(context_->top_level()) + ", its scale, degree 1");
  }
  if (program_.client.relinearization && relinearization == nullptr) {
    return failed(ErrorCode::kInvalidArgument, "the evaluation keys have no relinearisation key");
  }
  std::vector<ckks::Ciphertext> values{{context_, input.level(), input.scale(), input.parts(),
                                        ckks::predict_fresh(*context_, program_.client.input_magnitude)}};
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    progress.report("evaluating", i, program_.steps.size());
    const Step& step = program_.steps[i];
    const int level = levels_[i + 1];
    std::optional<ckks::Ciphertext> result;
    if (affine_[i]) {
      BLINDPROOF_ASSIGN(result, run_affine(*affine_[i], values, rotations));
    } else if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
      BLINDPROOF_ASSIGN(result, ckks::evaluate(polynomial->polynomial, values[polynomial->value], *relinearization));
      BLINDPROOF_ASSIGN(result, ckks::lower_to(*result, level));
    } else {
      const auto& product = std::get<ProductStep>(step.operation);
      BLINDPROOF_ASSIGN(const ckks::Ciphertext a, ckks::lower_to(values[product.a], level + 1));
      BLINDPROOF_ASSIGN(const ckks::Ciphertext b, ckks::lower_to(values[product.b], level + 1));
      BLINDPROOF_ASSIGN(result, ckks::multiply(a, b, *relinearization));
    }
    values.push_back(ckks::bounded(*result, step.magnitude));  // evaluation alone could only multiply bounds
  }
  return values.back();
}

}  // namespace blindproof::fheml
