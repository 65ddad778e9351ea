#include "blindproof/fhe/ckks/linear_transform.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <string>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::ckks {
namespace {

constexpr const char* kOperation = "linear transformation";

}  // namespace

Diagonals diagonals_of(const std::vector<std::vector<double>>& matrix, std::size_t slots) {
  return rlwe::diagonals_of<std::complex<double>>(matrix, slots, 1);
}

base::Result<LinearTransform> LinearTransform::create(const Encoder& encoder, const Diagonals& diagonals, int level,
                                                      std::size_t baby_steps) {
  const std::size_t slots = encoder.context()->slots();
  BLINDPROOF_TRY(rlwe::DiagonalMatrix::create(diagonals, slots, slots, baby_steps));
  std::vector<std::size_t> numbers;
  for (const auto& [d, values] : diagonals) numbers.push_back(d);
  return create(encoder, numbers, [&](std::size_t d) { return diagonals.at(d); }, level, baby_steps);
}

base::Result<LinearTransform> LinearTransform::create(
    const Encoder& encoder, const std::vector<std::size_t>& numbers,
    const std::function<std::vector<std::complex<double>>(std::size_t)>& diagonal, int level, std::size_t baby_steps,
    Storage storage) {
  const ContextPtr& context = encoder.context();
  const std::size_t slots = context->slots();
  if (level < 1 || level > context->top_level()) {
    return rlwe::invalid(kOperation, "level " + std::to_string(level) + " has no level below it, or doesn't exist");
  }
  BLINDPROOF_ASSIGN(rlwe::DiagonalMatrix matrix, rlwe::DiagonalMatrix::create(numbers, slots, baby_steps));
  LinearTransform result(context, level, storage, std::move(matrix));
  std::vector<std::optional<base::Result<rlwe::CompactPoly>>> encoded(numbers.size());
  std::vector<std::optional<rlwe::NttPoly>> transformed(numbers.size());
  std::vector<double> row_sums(slots), column_sums(slots);
  std::mutex sums;
  base::parallel_for(numbers.size(), [&](std::size_t i) {
    const std::vector<std::complex<double>> values = diagonal(numbers[i]);
    encoded[i].emplace(encoder.encode_compact(rlwe::rotated_right(values, slots, result.matrix_.giant_of(numbers[i])), level,
                                              context->scale(level)));
    if (encoded[i]->ok() && storage == Storage::kTransformed) {
      transformed[i].emplace(rlwe::compact_values(context->ring(), {context->q_limbs(level), true}, **encoded[i]));
      **encoded[i] = {};
    }
    const std::lock_guard lock(sums);
    double largest = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      row_sums[slot] += std::abs(values[slot]);
      column_sums[(slot + numbers[i]) % slots] += std::abs(values[slot]);
      largest = std::max(largest, std::abs(values[slot]));
    }
    result.squares_ += largest * largest;
  });
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!encoded[i]->ok()) return std::move(*encoded[i]).error();
    if (transformed[i]) {
      result.matrix_.insert(numbers[i], std::move(*transformed[i]));
    } else {
      result.matrix_.insert(numbers[i], std::move(**encoded[i]));
    }
  }
  result.row_sum_ = *std::ranges::max_element(row_sums);
  result.norm_ = std::sqrt(result.row_sum_ * *std::ranges::max_element(column_sums));
  return result;
}

std::size_t LinearTransform::bytes_of(const Context& context, int level, std::size_t diagonals, Storage storage) noexcept {
  const rlwe::Ring& ring = *context.ring();
  const std::size_t limbs = storage == Storage::kCompact ? 1 : ring.limbs({context.q_limbs(level), true});
  return diagonals * limbs * ring.degree() * sizeof(std::uint64_t);
}

Outcome LinearTransform::apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const {
  if (a.context() != context_) return rlwe::mismatch(kOperation, "the ciphertext belongs to another context");
  if (a.level() != level_ || a.scale() != context_->scale(level_)) {
    return rlwe::mismatch(kOperation, "the transformation is for ciphertexts at level " + std::to_string(level_) +
                                          " and its scale, this one is at level " + std::to_string(a.level()) +
                                          ": bring it there with lower_to()");
  }
  const rlwe::Ring& ring = *context_->ring();
  const std::size_t q_limbs = context_->q_limbs(level_);
  BLINDPROOF_ASSIGN(rlwe::Parts sum, matrix_.apply(a.parts(), keys, 1));
  rlwe::Parts parts = rlwe::divide(std::move(sum), ring.drop_p_and_last(q_limbs));
  for (std::size_t limb = 1; limb < context_->limbs_per_level(); ++limb) parts = rlwe::rescale(std::move(parts));

  // A row of M adds errors of different slots. What the steps add is independent.
  const double root = std::sqrt(static_cast<double>(ring.degree()));
  const double switching = root * rlwe::key_switch_noise(ring, q_limbs), rounding = root * rlwe::rounding_noise(ring);
  const double scale = context_->scale(level_);
  const double last = context_->level_modulus(level_);
  const double joint = a.prediction().joint_noise(context_->slots());
  const double kept = scale * std::min(std::sqrt(squares_) * joint, row_sum_ * a.prediction().noise);
  const double encoding = a.prediction().magnitude * scale *
                          std::sqrt(static_cast<double>(matrix_.size()) * static_cast<double>(ring.degree()) / 12);
  const double added = std::hypot(std::sqrt(squares_) * scale * switching, encoding,
                                  std::sqrt(static_cast<double>(matrix_.giant_steps())) * switching);
  const Prediction prediction{a.prediction().magnitude * row_sum_, kept, scale * norm_ * std::hypot(joint, switching)};
  return Ciphertext(context_, level_ - 1, a.scale() * scale / last, std::move(parts),
                    prediction.plus(added).times(1 / last).plus(rounding));
}

}  // namespace blindproof::fhe::ckks
