#include "blindproof/fhe/bfv/linear_transform.h"

#include <cmath>

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

Outcome LinearTransform::apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const {
  constexpr const char* kOperation = "linear transformation";
  if (a.context() != context_) return rlwe::mismatch(kOperation, "the ciphertext belongs to another context");
  const rlwe::Ring& ring = *context_->ring();
  BLINDPROOF_ASSIGN(rlwe::Parts sum, matrix_.diagonals.apply(a.parts(), keys, 1));
  const double switching = rlwe::key_switch_noise(ring, ring.q_count());
  const double noise = matrix_.norm * std::hypot(a.noise(), switching) +
                       static_cast<double>(matrix_.diagonals.giant_steps()) * switching;
  return rlwe::usable(kOperation, Ciphertext(context_, rlwe::divide(std::move(sum), ring.drop_p(ring.q_count())), noise,
                                             a.secret_power()),
                      "choose parameters with more limbs, or a smaller plaintext modulus");
}

}  // namespace blindproof::fhe::bfv
