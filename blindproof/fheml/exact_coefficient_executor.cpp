#include "blindproof/fheml/exact_coefficient_executor.h"

#include <string>
#include <utility>

#include "blindproof/base/check.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

}  // namespace

base::Result<ExactCoefficientExecutor> ExactCoefficientExecutor::create(ExactProgram program, std::vector<ContextPtr> contexts) {
  const std::vector<std::uint64_t> primes = program.client.parameters.primes;
  if (!program.client.coefficients) return failed(ErrorCode::kMismatch, "the program is on slots, not on coefficients");
  BLINDPROOF_CHECK(contexts.size() == primes.size(), "a context for each prime");
  const auto skeletons = skeletons_of(program);
  ExactCoefficientExecutor executor(std::move(program), std::move(contexts));
  const auto& step = std::get<ExactAffineStep>(executor.program_.steps[0]);
  for (std::size_t i = 0; i < primes.size(); ++i) {
    const ContextPtr& context = executor.contexts_[i];
    BLINDPROOF_CHECK(context->parameters().t == primes[i] && context->ring() == executor.contexts_[0]->ring(), "contexts of the primes");
    const field::Modulus& t = context->t();
    std::vector<std::uint64_t> matrix, bias;
    for (const std::int64_t c : coefficients_of(step.terms[0].matrix, context->slots().slots(), t)) matrix.push_back(t.reduce_signed(c));
    for (const base::Int128 value : step.bias) {
      bias.push_back(t.reduce_signed(static_cast<std::int64_t>(value % static_cast<base::Int128>(primes[i]))));
    }
    BLINDPROOF_ASSIGN(const Bfv::Prediction output, predict<Bfv>(executor.program_, skeletons, *context));
    executor.residues_.push_back({fhe::bfv::Plaintext(context, std::move(matrix)), std::move(bias), output});
    (void)executor.residues_.back().matrix.factor();  // made once, for all runs
  }
  return executor;
}

std::size_t ExactCoefficientExecutor::bytes() const noexcept {
  const fhe::rlwe::Ring& ring = *contexts_[0]->ring();
  return residues_.size() * ring.q_count() * ring.degree() * sizeof(std::uint64_t);
}

base::Result<std::vector<fhe::bfv::Ciphertext>> ExactCoefficientExecutor::run(const std::vector<Ciphertext>& inputs) const {
  if (inputs.size() != residues_.size()) {
    return failed(ErrorCode::kMismatch, "the program takes a ciphertext for each of its " + std::to_string(residues_.size()) +
                                            " plaintext moduli; there are " + std::to_string(inputs.size()));
  }
  crypto::Csprng random;
  std::vector<Ciphertext> outputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Residue& residue = residues_[i];
    if (inputs[i].context() != contexts_[i]) return failed(ErrorCode::kMismatch, "a ciphertext belongs to other parameters than the program");
    if (!Bfv::is_fresh(inputs[i])) return failed(ErrorCode::kMismatch, "a ciphertext isn't a fresh one");
    const Ciphertext input = Bfv::assume(contexts_[i], inputs[i], predict_fresh(*contexts_[i]));
    BLINDPROOF_ASSIGN(const Ciphertext product, multiply(input, residue.matrix));
    std::vector<std::uint64_t> added(contexts_[i]->slots().slots());
    for (std::uint64_t& c : added) c = random.below(contexts_[i]->t().value());
    for (std::size_t row = 0; row < residue.bias.size(); ++row) added[output_coefficient(program_.client, row)] = residue.bias[row];
    BLINDPROOF_ASSIGN(Ciphertext output, add(product, fhe::bfv::Plaintext(contexts_[i], std::move(added))));
    // As large as any weights of that size could make it: the flood that hides them follows from it.
    Bfv::Prediction predicted = prediction_of(output);
    if (predicted.noise < residue.output.noise) predicted = residue.output;
    outputs.push_back(Bfv::assume(contexts_[i], std::move(output), predicted));
  }
  return outputs;
}

}  // namespace blindproof::fheml
