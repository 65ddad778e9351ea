// What the sum-check provers of this module share: two or four tables that are halved round by round.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>

#include "blindproof/poly/kernels.h"
#include "blindproof/poly/split_eq.h"

namespace blindproof::poly {

/// Round polynomials of sum_x w(x) (t0 t1)(x) or, with four tables, sum_x w(x) (t0 t1 + t2 t3)(x); w is 1 or an
/// equality polynomial. Long tables are folded in place, in the pass that computes the next round; the last three
/// variables are treated element by element.
class RoundTables {
 public:
  RoundTables() = default;
  /// Tables of 2^log_size elements in whole packs, which the caller keeps alive.  Requires: log_size >= 3.
  RoundTables(std::initializer_list<FrPack*> tables, std::size_t log_size);
  /// Tables of 2^log_size elements, copied.  Requires: log_size <= 3.
  RoundTables(std::initializer_list<std::span<const Fr>> tables, std::size_t log_size);

  /// Before the first round: t0 and t1 gain the constant (two tables), or t2 gains constant * t1 (four).
  void shift(const Fr& constant);
  /// With an equality polynomial over the variables below X, which the caller made for all variables, or without.
  QuadraticRound round(const SplitEq* eq);
  void bind(const Fr& r);
  std::size_t log_size() const { return log_size_; }
  /// The only value of a table.  Requires: log_size() == 0.
  const Fr& end(std::size_t table) const;

 private:
  QuadraticRound short_round(const SplitEq* eq) const;
  QuadraticRound packed_round(const SplitEq* eq);
  void leave_packs();

  std::size_t count_ = 0;
  std::size_t log_size_ = 0;
  bool packed_ = false;
  Step pending_ = Step::kNone;  // due before the packs are used again
  Fr constant_;
  std::array<FrPack*, 4> packs_{};
  std::array<std::array<Fr, 8>, 4> short_{};
};

}  // namespace blindproof::poly
