#include "blindproof/fheml/run_steps.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "blindproof/fheml/prediction.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace ckks = fhe::ckks;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

base::Status add_to(std::optional<ckks::Ciphertext>& sum, ckks::Ciphertext part) {
  if (sum) {
    BLINDPROOF_ASSIGN(part, ckks::add(*sum, part));
  }
  sum = std::move(part);
  return {};
}

}  // namespace

ckks::Outcome sum_of_terms(const std::vector<TermShape>& terms, const std::vector<ckks::Ciphertext>& values, const fhe::rlwe::GaloisKeys& rotations,
                           const std::function<base::Result<TermProduct>(std::size_t, const ckks::Ciphertext&)>& multiply) {
  std::optional<ckks::Ciphertext> total, unfolded;
  ckks::Prediction prediction{0, 0, 0};
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const TermShape& term = terms[i];
    BLINDPROOF_ASSIGN(const ckks::Ciphertext input, ckks::lower_to(values[term.value], term.level));
    BLINDPROOF_ASSIGN(TermProduct product, multiply(i, input));
    const ckks::Prediction& more = product.prediction;
    prediction = {prediction.magnitude + more.magnitude, prediction.noise + more.noise, prediction.joint + more.joint};
    BLINDPROOF_TRY(add_to(unfolded, std::move(product.ciphertext)));
    if (i + 1 < terms.size() && terms[i + 1].fold_count == term.fold_count) continue;
    BLINDPROOF_ASSIGN(ckks::Ciphertext folded, ckks::sum_slots(*unfolded, term.fold_count, rotations, term.fold_stride));
    BLINDPROOF_TRY(add_to(total, std::move(folded)));
    unfolded.reset();
  }
  // Counted by elements, errors are far smaller than what transform and fold know of each other's.
  const ckks::ContextPtr context = total->context();
  const int level = total->level();
  const double scale = total->scale();
  return ckks::Ciphertext(context, level, scale, std::move(*total).parts(), prediction);
}

ckks::Outcome run_steps(const ClientSpec& client, const std::vector<Step>& steps, const ckks::ContextPtr& context, const ckks::Ciphertext& input,
                        const fhe::rlwe::KeySwitchKey* relinearization,
                        const std::function<ckks::Outcome(std::size_t, const std::vector<ckks::Ciphertext>&)>& affine,
                        const base::Progress& progress) {
  if (input.context() != context) return failed(ErrorCode::kMismatch, "the ciphertext belongs to other parameters than the program");
  if (input.level() != context->top_level() || input.scale() != context->scale(input.level()) || input.parts().size() != 2) {
    return failed(ErrorCode::kMismatch, "the ciphertext isn't a fresh one: the program takes level " +
                                            std::to_string(context->top_level()) + ", its scale, degree 1");
  }
  if (client.relinearization && relinearization == nullptr) {
    return failed(ErrorCode::kInvalidArgument, "the evaluation keys have no relinearisation key");
  }
  const std::vector<int> levels = levels_of(steps, context->top_level());
  std::vector<ckks::Ciphertext> values{{context, input.level(), input.scale(), input.parts(),
                                        predict_input(*context, client.input_magnitude, input.seed().has_value())}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    progress.report("evaluating", i, steps.size());
    const Step& step = steps[i];
    const int level = levels[i + 1];
    std::optional<ckks::Ciphertext> result;
    if (std::holds_alternative<AffineStep>(step.operation)) {
      BLINDPROOF_ASSIGN(result, affine(i, values));
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
  // Sums over all slots: those over each window of the output's period, as if alike.
  const ckks::Ciphertext& output = values.back();
  ckks::Prediction prediction = output.prediction();
  prediction.joint *= std::sqrt(static_cast<double>(context->slots()) / static_cast<double>(client.output.period));
  return ckks::Ciphertext(context, output.level(), output.scale(), output.parts(), prediction);
}

}  // namespace blindproof::fheml
