#include "blindproof/fheml/encrypted_executor.h"

#include <optional>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encryption.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace ckks = fhe::ckks;
namespace rlwe = fhe::rlwe;

}  // namespace

base::Result<EncryptedExecutor> EncryptedExecutor::create(const EncryptedProgramFile& file, ckks::ContextPtr context, const base::Progress& progress) {
  EncryptedExecutor executor(file.program(), std::move(context), file.bytes());
  const EncryptedProgram& program = executor.program_;
  const ckks::Parameters &wanted = program.client.parameters, &given = executor.context_->parameters();
  if (wanted.log_degree != given.log_degree || wanted.scale_bits != given.scale_bits || wanted.levels != given.levels ||
      wanted.first_bits != given.first_bits) {
    return base::error(ErrorCode::kMismatch, "encrypted inference", "the program was encrypted for other parameters");
  }
  progress.report("checking weights", 0, 0);
  std::vector<std::optional<base::Result<rlwe::Parts>>> loaded(file.ciphertexts());
  base::parallel_for(loaded.size(), [&](std::size_t i) { loaded[i].emplace(file.load(i, *executor.context_)); });
  for (const auto& ciphertext : loaded) {
    if (!ciphertext->ok()) return ciphertext->error();
  }
  std::size_t next = 0;
  const auto take = [&] { return std::move(*loaded[next++]).value(); };

  const std::size_t slots = executor.context_->slots();
  const std::vector<int> levels = levels_of(program.steps, executor.context_->top_level());
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  executor.affine_.resize(program.steps.size());
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const auto* step = std::get_if<AffineStep>(&program.steps[i].operation);
    if (step == nullptr) continue;
    Affine& affine = executor.affine_[i];
    for (std::size_t j = 0; j < step->terms.size(); ++j) {
      const EncryptedTerm& term = program.terms[i][j];
      const std::size_t fold = std::size_t{1} << SlotMatrix::folds_of(layouts[step->terms[j].value], step->layout, slots).size();
      rlwe::EncryptedMatrix matrix(term.baby_steps);
      for (const std::size_t number : term.numbers) matrix.insert(number, take());
      const Influence influence(term.bounds, term.numbers.size(), matrix.giant_steps(), fold);
      affine.terms.push_back({step->terms[j].value, levels[i + 1] + 1, step->layout.period, fold});
      affine.factors.push_back({std::move(matrix), influence});
    }
    affine.bias = take();
  }
  return executor;
}

ckks::Outcome EncryptedExecutor::run_affine(std::size_t index, const std::vector<ckks::Ciphertext>& values,
                                            const rlwe::KeySwitchKey& relinearization, const rlwe::GaloisKeys& rotations) const {
  const Affine& step = affine_[index];
  const auto multiply = [&](std::size_t i, const ckks::Ciphertext& input) -> base::Result<TermProduct> {
    const int level = input.level();
    BLINDPROOF_ASSIGN(rlwe::Parts sum, step.factors[i].matrix.apply(input.parts(), relinearization, rotations, 1));
    rlwe::Parts parts = rlwe::divide(std::move(sum), context_->ring()->drop_p_and_last(context_->q_limbs(level)));
    for (std::size_t limb = 1; limb < context_->limbs_per_level(); ++limb) parts = rlwe::rescale(std::move(parts));
    const ckks::Prediction prediction = step.factors[i].influence.apply_encrypted(*context_, level, input.prediction());
    return TermProduct{ckks::Ciphertext(context_, level - 1, context_->scale(level - 1), std::move(parts), prediction), prediction};
  };
  BLINDPROOF_ASSIGN(const ckks::Ciphertext sum, sum_of_terms(step.terms, values, rotations, multiply));
  const ckks::Prediction bias = ckks::predict_fresh(*context_, program_.steps[index].magnitude);
  return ckks::add(sum, ckks::Ciphertext(context_, sum.level(), sum.scale(), step.bias, bias));
}

base::Result<ckks::Ciphertext> EncryptedExecutor::run(const ckks::Ciphertext& input, const rlwe::KeySwitchKey* relinearization,
                                                      const rlwe::GaloisKeys& rotations, const base::Progress& progress) const {
  const auto affine = [&](std::size_t i, const std::vector<ckks::Ciphertext>& values) {
    return run_affine(i, values, *relinearization, rotations);  // the program asks for it, so it is there
  };
  return run_steps(program_.client, program_.steps, context_, input, relinearization, affine, progress);
}

}  // namespace blindproof::fheml
