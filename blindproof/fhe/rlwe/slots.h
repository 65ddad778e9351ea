// Batching: N integers modulo a prime t = 1 mod 2N as one polynomial modulo t, whose products are products of slots.
//
// Slots form two rows of N/2. Slot j of the first row is the value at psi^(5^j), slot j of the second that at psi^(-5^j), so
// that the automorphism of 5^k rotates both rows by k, and that of -1 exchanges them.
// Ref: Smart-Vercauteren, ePrint 2011/133.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/fhe/rlwe/poly.h"
#include "blindproof/poly/ntt.h"

namespace blindproof::fhe::rlwe {

class SlotEncoder {
 public:
  /// Errors: kInvalidArgument unless t is a prime below 2^50 that is 1 modulo 2N.
  static base::Result<SlotEncoder> create(std::uint64_t t, int log_degree);

  std::size_t slots() const noexcept { return positions_.size(); }
  const field::Modulus& t() const noexcept { return tables_.modulus(); }

  /// Coefficients in [0, t). Missing slots are zero.
  /// Errors: kInvalidArgument for more than N slots, or a slot outside (-t/2, t/2) (signed) or [0, t) (unsigned).
  base::Result<std::vector<std::uint64_t>> encode(std::span<const std::int64_t> slots) const;
  base::Result<std::vector<std::uint64_t>> encode(std::span<const std::uint64_t> slots) const;

  /// All N slots.   Requires: N coefficients in [0, t).
  std::vector<std::uint64_t> decode(std::span<const std::uint64_t> coefficients) const;
  /// Representatives in (-t/2, t/2).
  std::vector<std::int64_t> decode_signed(std::span<const std::uint64_t> coefficients) const;

 private:
  explicit SlotEncoder(poly::NttTables tables);

  poly::NttTables tables_;
  std::vector<std::uint32_t> positions_;  // of slots among the transform's values
};

/// `factor` times a polynomial modulo t, with coefficients in (-t/2, t/2), secret.
NttPoly centered_product(const RingPtr& ring, const Basis& basis, const field::Modulus& t,
                         std::span<const std::uint64_t> coefficients, std::uint64_t factor);
/// The Euclidean norm of the representatives in (-t/2, t/2): how much a product with the polynomial raises a deviation.
double centered_norm(const field::Modulus& t, std::span<const std::uint64_t> coefficients);

/// A polynomial modulo t as products take it.
struct PlainFactor {
  NttPoly values;  // of the representatives in (-t/2, t/2), over all of Q
  double norm;
};
PlainFactor make_factor(const RingPtr& ring, const field::Modulus& t, std::span<const std::uint64_t> coefficients);

/// A polynomial modulo the plaintext modulus of a BFV or BGV context.
template <class Context>
class IntegerPlaintext {
 public:
  using ContextPtr = std::shared_ptr<const Context>;

  /// Requires: N coefficients in [0, t).
  IntegerPlaintext(ContextPtr context, std::vector<std::uint64_t> coefficients)
      : context_(std::move(context)), coefficients_(std::move(coefficients)), memo_(std::make_shared<Memo>()) {}

  const ContextPtr& context() const noexcept { return context_; }
  std::span<const std::uint64_t> coefficients() const noexcept { return coefficients_; }
  /// Made by the first product, kept for the next ones, shared by copies: as large as half a ciphertext.
  std::shared_ptr<const PlainFactor> factor() const {
    {
      std::lock_guard lock(memo_->mutex);
      if (memo_->factor != nullptr) return memo_->factor;
    }
    // Not under the lock: it takes the threads of the pool, where others may wait for the lock.
    auto made = std::make_shared<const PlainFactor>(make_factor(context_->ring(), context_->t(), coefficients_));
    std::lock_guard lock(memo_->mutex);
    if (memo_->factor == nullptr) memo_->factor = std::move(made);
    return memo_->factor;
  }

 private:
  struct Memo {
    std::mutex mutex;
    std::shared_ptr<const PlainFactor> factor;
  };

  ContextPtr context_;
  std::vector<std::uint64_t> coefficients_;
  std::shared_ptr<Memo> memo_;
};

}  // namespace blindproof::fhe::rlwe
