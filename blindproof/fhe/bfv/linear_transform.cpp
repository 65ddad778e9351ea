#include "blindproof/fhe/bfv/linear_transform.h"

#include "blindproof/fhe/bfv/prediction.h"
#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::bfv {

Diagonals diagonals_of(const std::vector<std::vector<std::int64_t>>& matrix, std::size_t slots) {
  return rlwe::diagonals_of<std::int64_t>(matrix, slots / 2, 2);
}

base::Result<LinearTransform> LinearTransform::create(const ContextPtr& context, const Diagonals& diagonals,
                                                      std::size_t baby_steps) {
  BLINDPROOF_ASSIGN(rlwe::IntegerMatrix matrix, rlwe::encode_matrix(context->ring(), context->ring()->q_count(),
                                                                    context->slots(), diagonals, 1, baby_steps));
  return LinearTransform(context, std::move(matrix));
}

base::Result<LinearTransform> LinearTransform::create(const ContextPtr& context, const std::vector<std::size_t>& numbers,
                                                      const rlwe::MakeDiagonal& diagonal, std::size_t baby_steps) {
  BLINDPROOF_ASSIGN(rlwe::IntegerMatrix matrix, rlwe::encode_matrix(context->ring(), context->ring()->q_count(),
                                                                    context->slots(), numbers, diagonal, 1, baby_steps));
  return LinearTransform(context, std::move(matrix));
}

std::size_t LinearTransform::bytes() const noexcept {
  const rlwe::Ring& ring = *context_->ring();
  return matrix_.diagonals.size() * ring.limbs({ring.q_count(), true}) * ring.degree() * sizeof(std::uint64_t);
}

Outcome LinearTransform::apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const {
  constexpr const char* kOperation = "linear transformation";
  if (a.context() != context_) return rlwe::mismatch(kOperation, "the ciphertext belongs to another context");
  const rlwe::Ring& ring = *context_->ring();
  BLINDPROOF_ASSIGN(rlwe::Parts sum, matrix_.diagonals.apply(a.parts(), keys, 1));
  const Prediction predicted = predict_matrix(*context_, prediction_of(a), matrix_.norm, matrix_.diagonals.giant_steps());
  return rlwe::usable(kOperation, Ciphertext(context_, rlwe::divide(std::move(sum), ring.drop_p(ring.q_count())), predicted.noise,
                                             predicted.secret_power),
                      "choose parameters with more limbs, or a smaller plaintext modulus");
}

}  // namespace blindproof::fhe::bfv
