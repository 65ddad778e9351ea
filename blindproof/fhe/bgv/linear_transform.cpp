#include "blindproof/fhe/bgv/linear_transform.h"

#include <string>

#include "blindproof/fhe/bgv/prediction.h"
#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::bgv {
namespace {

constexpr const char* kOperation = "linear transformation";

}  // namespace

Diagonals diagonals_of(const std::vector<std::vector<std::int64_t>>& matrix, std::size_t slots) {
  return rlwe::diagonals_of<std::int64_t>(matrix, slots / 2, 2);
}

base::Result<LinearTransform> LinearTransform::create(const ContextPtr& context, const Diagonals& diagonals, int level,
                                                      std::size_t baby_steps) {
  const std::size_t slots = context->slots().slots();
  BLINDPROOF_TRY(rlwe::DiagonalMatrix::create(diagonals, slots / 2, slots, baby_steps));
  std::vector<std::size_t> numbers;
  for (const auto& [d, values] : diagonals) numbers.push_back(d);
  return create(context, numbers, [&](std::size_t d) { return diagonals.at(d); }, level, baby_steps);
}

base::Result<LinearTransform> LinearTransform::create(const ContextPtr& context, const std::vector<std::size_t>& numbers,
                                                      const rlwe::MakeDiagonal& diagonal, int level, std::size_t baby_steps) {
  if (level < 1 || level > context->top_level()) {
    return rlwe::invalid(kOperation, "level " + std::to_string(level) + " has no level below it, or doesn't exist");
  }
  // c f_level / q = f_{level-1}, as for products of ciphertexts: c is the level's factor.
  BLINDPROOF_ASSIGN(rlwe::IntegerMatrix matrix,
                    rlwe::encode_matrix(context->ring(), context->q_limbs(level), context->slots(), numbers, diagonal,
                                        context->factor(level), baby_steps));
  return LinearTransform(context, level, std::move(matrix));
}

std::size_t LinearTransform::bytes() const noexcept {
  const rlwe::Ring& ring = *context_->ring();
  return matrix_.diagonals.size() * ring.limbs({context_->q_limbs(level_), true}) * ring.degree() * sizeof(std::uint64_t);
}

Outcome LinearTransform::apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const {
  if (a.context() != context_) return rlwe::mismatch(kOperation, "the ciphertext belongs to another context");
  const field::Modulus& t = context_->t();
  if (a.level() != level_ || a.factor() != context_->factor(level_)) {
    return rlwe::mismatch(kOperation, "the transformation is for ciphertexts at level " + std::to_string(level_) +
                                          " and its factor, this one is at level " + std::to_string(a.level()) +
                                          ": bring it there with lower_to()");
  }
  const rlwe::Ring& ring = *context_->ring();
  const std::size_t q_limbs = context_->q_limbs(level_);
  BLINDPROOF_ASSIGN(rlwe::Parts sum, matrix_.diagonals.apply(a.parts(), keys, t.value()));
  const Prediction predicted = predict_matrix(*context_, prediction_of(a), matrix_.norm, matrix_.diagonals.giant_steps());
  return rescale(Ciphertext(context_, level_, t.multiply(a.factor(), context_->factor(level_)),
                            rlwe::divide(std::move(sum), ring.drop_p(q_limbs), t.value()), predicted.deviation,
                            predicted.secret_power));
}

}  // namespace blindproof::fhe::bgv
