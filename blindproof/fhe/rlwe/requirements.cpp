#include "blindproof/fhe/rlwe/requirements.h"

#include <bit>

namespace blindproof::fhe::rlwe {

using base::ErrorCode;

base::Error mismatch(std::string_view operation, std::string detail) {
  return base::error(ErrorCode::kMismatch, std::string(operation), std::move(detail));
}

base::Error invalid(std::string_view operation, std::string detail) {
  return base::error(ErrorCode::kInvalidArgument, std::string(operation), std::move(detail));
}

base::Status require_degree(std::string_view operation, const Parts& a, std::size_t degree) {
  if (a.size() == degree + 1) return {};
  return invalid(operation, degree == 1 ? "takes ciphertexts of degree 1: relinearise the product first"
                                        : "takes a product that was not relinearised yet");
}

base::Status require_ring(std::string_view operation, const Parts& a, const RingPtr& ring_of_key) {
  if (ring_of_key == a[0].ring_ptr()) return {};
  return mismatch(operation, "the key is of another ring than the ciphertext");
}

base::Status require_key(std::string_view operation, const Parts& a, const KeySwitchKey& key) {
  if (key.b.front().ring_ptr() != a[0].ring_ptr()) return mismatch(operation, "the key is of another ring");
  if (key.q_limbs() >= a[0].basis().q_limbs) return {};
  return invalid(operation, "the key is for ciphertexts of at most " + std::to_string(key.q_limbs()) + " moduli, this one has " +
                                std::to_string(a[0].basis().q_limbs));
}

base::Status require_hiding(std::string_view operation, const Parts& result) {
  if (!is_transparent(result)) return {};
  return invalid(operation, "the result would be a plain value in the form of a ciphertext, which hides nothing: compute "
                            "it from plain values");
}

base::Status require_pairs(std::string_view operation, std::size_t left, std::size_t right) {
  if (left == right && left > 0) return {};
  return invalid(operation, "takes as many factors on one side as on the other, and one at least: there are " +
                                std::to_string(left) + " and " + std::to_string(right));
}

base::Status require_window(std::string_view operation, std::size_t count, std::size_t row) {
  if (std::has_single_bit(count) && count <= row) return {};
  return invalid(operation, "the count must be a power of two, at most " + std::to_string(row));
}

base::Result<std::vector<Parts>> rotations(std::string_view operation, const Parts& a, std::span<const std::int64_t> steps,
                                           const GaloisKeys& keys, std::uint64_t t) {
  BLINDPROOF_TRY(require_degree(operation, a, 1));
  const std::size_t q_limbs = a[0].basis().q_limbs;
  std::vector<const GaloisKey*> chosen;  // null: stays as it is
  std::size_t count = 0;
  for (const std::int64_t step : steps) {
    const std::size_t element = rotation_element(a[0].ring().log_degree(), step);
    if (element == 1) {
      chosen.push_back(nullptr);
      continue;
    }
    const base::Result<const GaloisKey*> key = keys.find(element, q_limbs);
    if (!key.ok()) return invalid(operation, "by " + std::to_string(step) + " steps: " + key.error().detail);
    BLINDPROOF_TRY(require_key(operation, a, (*key)->key));
    chosen.push_back(*key);
    ++count;
  }
  std::vector<Parts> results;
  results.reserve(steps.size());
  Decomposition digits;
  if (count > 1) digits = decompose(a[1]);
  for (const GaloisKey* key : chosen) {
    if (key == nullptr) {
      results.push_back(a);
    } else {
      results.push_back(count > 1 ? apply_galois(a, digits, *key, t) : apply_galois(a, *key, t));
    }
  }
  return results;
}

base::Result<Parts> conjugation(std::string_view operation, const Parts& a, const GaloisKeys& keys, std::uint64_t t) {
  BLINDPROOF_TRY(require_degree(operation, a, 1));
  BLINDPROOF_ASSIGN(const GaloisKey* key, keys.find(conjugation_element(a[0].ring().log_degree()), a[0].basis().q_limbs));
  BLINDPROOF_TRY(require_key(operation, a, key->key));
  return apply_galois(a, *key, t);
}

}  // namespace blindproof::fhe::rlwe
