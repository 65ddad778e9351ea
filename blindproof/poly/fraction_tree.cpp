#include "blindproof/poly/fraction_tree.h"

#include <bit>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/kernels.h"

namespace blindproof::poly {
namespace {

constexpr std::size_t kGrain = 256;  // packs for one thread

FractionLeaves add_children(const FractionLeaves& child) {
  const std::size_t half = child.denominators.size() / 2;
  FractionLeaves parent{FrVector::uninitialized(half), FrVector::uninitialized(half)};
  const bool ones = child.numerators.size() == 0;
  if (half >= 8) {
    const std::size_t packs = half / 8;
    base::parallel_ranges(packs, kGrain, [&](std::size_t begin, std::size_t end) {
      poly_kernels().add_fractions(ones ? nullptr : child.numerators.packs(), child.denominators.packs(), packs, begin,
                                   end, parent.numerators.packs(), parent.denominators.packs());
    });
    return parent;
  }
  for (std::size_t i = 0; i < half; ++i) {
    const Fr q0 = child.denominators.at(i), q1 = child.denominators.at(half + i);
    parent.denominators.set(i, q0 * q1);
    parent.numerators.set(i, ones ? q0 + q1 : child.numerators.at(i) * q1 + child.numerators.at(half + i) * q0);
  }
  return parent;
}

}  // namespace

FractionTree::FractionTree(FractionLeaves leaves) {
  const std::size_t size = leaves.denominators.size();
  BLINDPROOF_CHECK(std::has_single_bit(size), "a tree has 2^n leaves");
  BLINDPROOF_CHECK(leaves.numerators.size() == 0 || leaves.numerators.size() == size,
                   "one numerator for each leaf, or none");
  levels_.resize(static_cast<std::size_t>(std::countr_zero(size)) + 1);
  levels_.back() = std::move(leaves);
  for (std::size_t k = log_leaves(); k-- > 0;) levels_[k] = add_children(levels_[k + 1]);
  const FractionLeaves& root = levels_.front();
  root_denominator_ = root.denominators.at(0);
  root_numerator_ = root.numerators.size() == 0 ? Fr::one() : root.numerators.at(0);
}

FractionTree::Layer FractionTree::layer(std::size_t k, std::span<const Fr> z, const Fr& lambda) {
  BLINDPROOF_CHECK(k < log_leaves() && z.size() == k, "a layer's point has as many variables as its level");
  FractionLeaves level = std::move(levels_[k + 1]);
  BLINDPROOF_CHECK(level.denominators.size() == std::size_t{2} << k, "a layer can be proven once");
  return Layer(std::move(level), z, lambda);
}

FractionTree::Layer::Layer(FractionLeaves level, std::span<const Fr> z, const Fr& lambda)
    : level_(std::move(level)), lambda_(lambda), eq_(z) {
  const std::size_t size = std::size_t{1} << z.size();
  FrVector &p = level_.numerators, &q = level_.denominators;
  if (p.size() == 0 && lambda.is_zero()) p = FrVector(std::vector<Fr>(2 * size, Fr::one()));
  ones_ = p.size() == 0;
  if (ones_) inverse_lambda_ = lambda.inverse();
  if (z.size() >= 3) {
    const std::size_t half = size / 8;
    FrPack *p0 = p.packs(), *q0 = q.packs();
    tables_ = ones_ ? RoundTables({q0, q0 + half}, z.size()) : RoundTables({p0, q0 + half, p0 + half, q0}, z.size());
  } else {
    const std::vector<Fr> p_values = p.to_vector(), q_values = q.to_vector();
    const std::span<const Fr> q0 = std::span(q_values).first(size), q1 = std::span(q_values).subspan(size);
    if (ones_) {
      tables_ = RoundTables({q0, q1}, z.size());
    } else {
      tables_ = RoundTables({std::span(p_values).first(size), q1, std::span(p_values).subspan(size), q0}, z.size());
    }
  }
  tables_.shift(ones_ ? inverse_lambda_ : lambda_);
}

QuadraticRound FractionTree::Layer::round() {
  const QuadraticRound t = tables_.round(&eq_);
  if (!ones_) return t;
  return {lambda_ * t.at_zero - inverse_lambda_, lambda_ * t.leading};
}

FractionEnds FractionTree::Layer::ends() const {
  if (ones_) return {Fr::one(), tables_.end(0) - inverse_lambda_, Fr::one(), tables_.end(1) - inverse_lambda_};
  const Fr& q1 = tables_.end(1);
  return {tables_.end(0), tables_.end(3), tables_.end(2) - lambda_ * q1, q1};
}

}  // namespace blindproof::poly
