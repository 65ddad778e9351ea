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

fhe::rlwe::GaloisKeys generate_rotation_keys(const ckks::Context& context, const fhe::rlwe::SecretKey& secret, const ClientSpec& client,
                                             crypto::Csprng& random) {
  fhe::rlwe::GaloisKeys keys;
  for (const Rotation& rotation : client.rotations) {
    const std::size_t element = fhe::rlwe::rotation_element(context.ring()->log_degree(), rotation.steps);
    keys.insert(fhe::rlwe::make_galois_key(secret, element, context.q_limbs(rotation.level), 1, random));
  }
  return keys;
}

WeightStorage choose_storage(const Program& program, const ckks::Context& context, std::size_t weight_memory) {
  const std::vector<int> levels = levels_of(program.steps, context.top_level());
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  struct Size {
    std::size_t step, transformed, compact;
  };
  std::vector<Size> sizes;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    Size size{i, 0, 0};
    const auto* affine = std::get_if<AffineStep>(&program.steps[i].operation);
    if (affine == nullptr) continue;
    for (const AffineStep::Term& term : affine->terms) {
      const std::size_t diagonals = SlotMatrix::numbers_of(term.matrix, layouts[term.value], affine->layout, context.slots()).size();
      size.transformed += ckks::LinearTransform::bytes_of(context, levels[i + 1] + 1, diagonals, ckks::Storage::kTransformed);
      size.compact += ckks::LinearTransform::bytes_of(context, levels[i + 1] + 1, diagonals, ckks::Storage::kCompact);
    }
    sizes.push_back(size);
  }
  std::ranges::sort(sizes, {}, &Size::transformed);
  WeightStorage result{std::vector<ckks::Storage>(program.steps.size(), ckks::Storage::kCompact), 0};
  for (const Size& size : sizes) {
    const bool fits = size.transformed <= weight_memory;
    result.by_step[size.step] = fits ? ckks::Storage::kTransformed : ckks::Storage::kCompact;
    result.bytes += fits ? size.transformed : size.compact;
    if (fits) weight_memory -= size.transformed;
  }
  return result;
}

base::Result<Executor> Executor::create(Program program, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(ckks::ContextPtr context, ckks::Context::create(program.client.parameters));
  return create(std::move(program), std::move(context), progress);
}

base::Result<Executor> Executor::create(Program program, ckks::ContextPtr context, const base::Progress& progress, std::size_t weight_memory) {
  if (program.client.packing != Packing::kSingle) {
    return failed(ErrorCode::kMismatch, "the program is for batches, not for one sample at a time: see BatchExecutor");
  }
  Executor executor(std::move(program), std::move(context));
  const ckks::Encoder encoder(executor.context_);
  const std::vector<Layout> layouts = layouts_of(executor.program_.client.input, executor.program_.steps);
  const WeightStorage storage = choose_storage(executor.program_, *executor.context_, weight_memory);
  for (std::size_t i = 0; i < executor.program_.steps.size(); ++i) {
    progress.report("encoding weights", i, executor.program_.steps.size());
    const auto* affine = std::get_if<AffineStep>(&executor.program_.steps[i].operation);
    std::optional<Affine> prepared;
    if (affine != nullptr) {
      BLINDPROOF_ASSIGN(prepared, executor.prepare(*affine, i, layouts, storage.by_step[i], encoder));
    }
    executor.affine_.push_back(std::move(prepared));
  }
  return executor;
}

base::Result<Executor::Affine> Executor::prepare(const AffineStep& step, std::size_t index, const std::vector<Layout>& layouts,
                                                 ckks::Storage storage, const ckks::Encoder& encoder) const {
  const int out_level = levels_[index + 1];
  std::vector<TermShape> terms;
  std::vector<Factor> factors;
  for (const AffineStep::Term& term : step.terms) {
    const SlotMatrix matrix(term.matrix, layouts[term.value], step.layout, context_->slots());
    const auto diagonal = [&](std::size_t number) {
      const std::vector<double> values = matrix.diagonal(number);
      return std::vector<std::complex<double>>(values.begin(), values.end());
    };
    BLINDPROOF_ASSIGN(ckks::LinearTransform transform,
                      ckks::LinearTransform::create(encoder, matrix.numbers(), diagonal, out_level + 1, 0, storage));
    terms.push_back({term.value, out_level + 1, step.layout.period, std::size_t{1} << matrix.folds().size()});
    factors.push_back({std::move(transform),
                       Influence(term.matrix, layouts[term.value], step.layout, context_->slots(), term.value == 0)});
  }
  const std::vector<double> bias = spread(step.layout, step.bias, context_->slots());
  BLINDPROOF_ASSIGN(ckks::Plaintext encoded, encoder.encode(bias, out_level));
  return Affine{std::move(terms), std::move(factors), std::move(encoded)};
}

std::size_t Executor::bytes() const noexcept {
  std::size_t total = 0;
  for (const std::optional<Affine>& step : affine_) {
    if (!step) continue;
    for (const Factor& factor : step->factors) total += factor.transform.bytes();
  }
  return total;
}

base::Result<ckks::Ciphertext> Executor::run_affine(const Affine& step, const std::vector<ckks::Ciphertext>& values,
                                                    const fhe::rlwe::GaloisKeys& rotations) const {
  const auto multiply = [&](std::size_t i, const ckks::Ciphertext& input) -> base::Result<TermProduct> {
    BLINDPROOF_ASSIGN(ckks::Ciphertext product, step.factors[i].transform.apply(input, rotations));
    return TermProduct{std::move(product), step.factors[i].influence.apply(*context_, input.level(), input.prediction())};
  };
  BLINDPROOF_ASSIGN(const ckks::Ciphertext sum, sum_of_terms(step.terms, values, rotations, multiply));
  return ckks::add(sum, step.bias);
}

base::Result<ckks::Ciphertext> Executor::run(const ckks::Ciphertext& input, const fhe::rlwe::KeySwitchKey* relinearization,
                                             const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress) const {
  const auto affine = [&](std::size_t i, const std::vector<ckks::Ciphertext>& values) { return run_affine(*affine_[i], values, rotations); };
  return run_steps(program_.client, program_.steps, context_, input, relinearization, affine, progress);
}

}  // namespace blindproof::fheml
