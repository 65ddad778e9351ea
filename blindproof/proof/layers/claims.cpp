#include "blindproof/proof/layers/claims.h"

#include <optional>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/sumcheck/sumcheck.h"

namespace blindproof::proof::layers {
namespace {

// eq(z, i) cut to the used length, axis by axis.
SeparableWeights separable(const TensorLayout& layout, std::span<const Fr> z) {
  SeparableWeights weights;
  for (std::size_t a = 0; a < layout.axes().size(); ++a)
    weights.axes.push_back(eq_prefix(axis_point(layout, z, a), layout.axes()[a]));
  return weights;
}

}  // namespace

std::vector<Fr> eq_prefix(std::span<const Fr> z, std::size_t used) {
  std::vector<Fr> values = poly::eq_values(z);
  BLINDPROOF_CHECK(used <= values.size(), "more used values than the point covers");
  values.resize(used);
  return values;
}

std::span<const Fr> axis_point(const TensorLayout& layout, std::span<const Fr> z, std::size_t axis) {
  return z.subspan(layout.axis_shift(axis), layout.axis_bits(axis));
}

std::vector<Fr> cell_weights(const TensorLayout& layout, const Claim& claim) {
  if (const auto* dense = std::get_if<DenseWeights>(&claim.weights)) return dense->cells;
  SeparableWeights from_point;
  const SeparableWeights* weights = std::get_if<SeparableWeights>(&claim.weights);
  if (weights == nullptr) {
    from_point = separable(layout, std::get<Point>(claim.weights));
    weights = &from_point;
  }
  std::vector<Fr> cells = {Fr::one()};
  for (const std::vector<Fr>& axis : weights->axes) {
    std::vector<Fr> next(cells.size() * axis.size());
    base::parallel_ranges(cells.size(), std::max<std::size_t>(1, 4096 / axis.size()),
                          [&](std::size_t begin, std::size_t end) {
                            for (std::size_t i = begin; i < end; ++i)
                              for (std::size_t j = 0; j < axis.size(); ++j) next[i * axis.size() + j] = cells[i] * axis[j];
                          });
    cells = std::move(next);
  }
  return cells;
}

Fr weights_at(const TensorLayout& layout, const Claim& claim, std::span<const Fr> r) {
  if (const auto* point = std::get_if<Point>(&claim.weights)) {
    Fr product = Fr::one();
    for (std::size_t a = 0; a < layout.axes().size(); ++a)
      product *= poly::cut_eq_at(axis_point(layout, *point, a), layout.axes()[a], axis_point(layout, r, a));
    return product;
  }
  if (const auto* weights = std::get_if<SeparableWeights>(&claim.weights)) {
    Fr product = Fr::one();
    for (std::size_t a = 0; a < layout.axes().size(); ++a) {
      const std::vector<Fr> eq = eq_prefix(axis_point(layout, r, a), layout.axes()[a]);
      Fr sum = Fr::zero();
      for (std::size_t i = 0; i < eq.size(); ++i) sum += eq[i] * weights->axes[a][i];
      product *= sum;
    }
    return product;
  }
  const std::vector<Fr>& cells = std::get<DenseWeights>(claim.weights).cells;
  const std::vector<Fr> eq = cell_weights(layout, Claim{Point(r.begin(), r.end()), Scalar()});
  Fr sum = Fr::zero();
  for (std::size_t i = 0; i < cells.size(); ++i) sum += cells[i] * eq[i];
  return sum;
}

PointClaim merge_claims(Context& context, std::string_view label_view, const TensorLayout& layout,
                        std::span<const Claim> claims, const IntegerSpan* values) {
  BLINDPROOF_CHECK(!claims.empty(), "nothing to merge");
  BLINDPROOF_CHECK(context.proving() == (values != nullptr), "a prover has the tensor's values");
  if (claims.size() == 1) {
    if (const auto* point = std::get_if<Point>(&claims[0].weights)) return {*point, claims[0].value};
  }
  const std::string label(label_view);
  const Fr rho = context.challenge(label + " rho");
  std::vector<Fr> powers;
  Scalar claim;
  Fr power = Fr::one();
  for (const Claim& c : claims) {
    powers.push_back(power);
    claim += c.value * power;
    power *= rho;
  }
  std::optional<poly::ProductProver> prover;
  if (context.proving()) {
    const std::vector<std::uint32_t> indices = layout.padded_indices();
    std::vector<Fr> table(std::size_t{1} << layout.bits());
    for (std::size_t c = 0; c < claims.size(); ++c) {
      const std::vector<Fr> cells = cell_weights(layout, claims[c]);
      base::parallel_ranges(cells.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) table[indices[i]] += powers[c] * cells[i];
      });
    }
    prover.emplace(field::FrVector(table), commit::padded_table(layout, *values));
  }
  sumcheck::Reduced reduced =
      sumcheck::prove_product(context, label, std::move(claim), layout.bits(), prover ? &*prover : nullptr);
  Fr weight = Fr::zero();
  for (std::size_t c = 0; c < claims.size(); ++c) weight += powers[c] * weights_at(layout, claims[c], reduced.point);
  const Scalar value = context.commit_one(label + " end", prover ? prover->g_end() : Fr::zero());
  context.require_zero(label, reduced.claim - value * weight);
  return {std::move(reduced.point), value};
}

}  // namespace blindproof::proof::layers
