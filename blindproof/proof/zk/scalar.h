// A committed scalar: constant + sum of coefficient * slot, where a slot is one position of one committed message.
//
// The verifier knows the combination, never the value; the prover knows both. Sums and products by public factors stay inside
// this type; products of two committed scalars exist only in Context::require_zero.
#pragma once

#include <cstdint>
#include <vector>

#include "blindproof/field/prime_field.h"

namespace blindproof::proof::zk {

using field::Fr;

class Scalar {
 public:
  struct Term {
    std::uint32_t message;
    std::uint32_t position;
    Fr coefficient;
  };

  Scalar() = default;  // zero
  /// A public constant.
  explicit Scalar(const Fr& constant) : constant_(constant), value_(constant) {}
  /// One slot. The verifier passes any value.
  Scalar(std::uint32_t message, std::uint32_t position, const Fr& value)
      : terms_{{message, position, Fr::one()}}, value_(value) {}

  const Fr& constant() const { return constant_; }
  const std::vector<Term>& terms() const { return terms_; }
  /// Requires: called by a prover.
  const Fr& value() const { return value_; }

  Scalar& operator+=(const Scalar& other) {
    constant_ += other.constant_;
    value_ += other.value_;
    terms_.insert(terms_.end(), other.terms_.begin(), other.terms_.end());
    return *this;
  }
  Scalar& operator*=(const Fr& factor) {
    constant_ *= factor;
    value_ *= factor;
    for (Term& term : terms_) term.coefficient *= factor;
    return *this;
  }
  Scalar& operator-=(const Scalar& other) { return *this += other * -Fr::one(); }
  friend Scalar operator+(Scalar a, const Scalar& b) { return a += b; }
  friend Scalar operator-(Scalar a, const Scalar& b) { return a -= b; }
  friend Scalar operator*(Scalar a, const Fr& factor) { return a *= factor; }
  friend Scalar operator*(const Fr& factor, Scalar a) { return a *= factor; }
  Scalar operator-() const { return *this * -Fr::one(); }
  friend Scalar operator+(Scalar a, const Fr& constant) { return a += Scalar(constant); }
  friend Scalar operator-(Scalar a, const Fr& constant) { return a += Scalar(-constant); }

 private:
  Fr constant_;
  std::vector<Term> terms_;
  Fr value_;
};

}  // namespace blindproof::proof::zk
