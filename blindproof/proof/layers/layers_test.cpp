// Every reduction against the plain definition of its layer, with what is left checked in the clear.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/layers/elementwise.h"
#include "blindproof/proof/layers/linear.h"
#include "blindproof/proof/zk/dishonest_prover_test_support.h"

namespace blindproof::proof::layers {
namespace {

using zk::Attempt;
using zk::attempt;
using zk::place_of;
using zk::Protocol;

using Cells = std::vector<std::int32_t>;

Cells random_cells(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Cells cells;
  for (std::size_t i = 0; i < count; ++i) cells.push_back(static_cast<std::int32_t>(random() % 201) - 100);
  return cells;
}

IntegerSpan span_of(const Cells& cells) { return std::span<const std::int32_t>(cells); }

std::vector<Fr> random_scalars(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fr> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(Fr::from_u64(random()).squared());
  return out;
}

Fr weighted(const TensorLayout& layout, const Cells& cells, const Claim& claim) {
  const std::vector<Fr> weights = cell_weights(layout, claim);
  Fr sum;
  for (std::size_t i = 0; i < cells.size(); ++i) sum += weights[i] * Fr::from_i64(cells[i]);
  return sum;
}

void expect_accepted(const Protocol& protocol) {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, std::vector<std::string>());
  EXPECT_TRUE(result.verdict.ok()) << result.verdict.error().message();
}

void expect_refused(const Protocol& protocol, const std::vector<std::string>& violated) {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, violated);
  ASSERT_FALSE(result.verdict.ok());
  EXPECT_EQ(place_of(result.verdict), "sigma");
}

// What is left, in the clear: x is public here.
void require_claim(Context& context, const TensorLayout& layout, const Cells& x, const Claim& claim) {
  context.require_zero("left", claim.value - weighted(layout, x, claim));
}

// ------------------------------------------------------------------ weights

Claim claim_of(int kind, const TensorLayout& layout, std::uint64_t seed) {
  if (kind == 0) return {random_scalars(layout.bits(), seed), Scalar()};
  if (kind == 1) {
    SeparableWeights weights;
    for (std::size_t length : layout.axes()) weights.axes.push_back(random_scalars(length, seed++));
    return {weights, Scalar()};
  }
  return {DenseWeights{random_scalars(layout.cells(), seed)}, Scalar()};
}

TEST(Claims, WeightsAtAPointAreSumsOverCells) {
  for (const auto& axes : std::vector<std::vector<std::size_t>>{{1}, {5}, {3, 4}, {2, 1, 7}, {33, 3}}) {
    const TensorLayout layout(axes);
    const std::vector<Fr> r = random_scalars(layout.bits(), 3);
    const std::vector<Fr> eq = cell_weights(layout, {r, Scalar()});
    for (int kind = 0; kind < 3; ++kind) {
      const Claim claim = claim_of(kind, layout, 10);
      const std::vector<Fr> weights = cell_weights(layout, claim);
      ASSERT_EQ(weights.size(), layout.cells());
      Fr sum;
      for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * eq[i];
      EXPECT_EQ(weights_at(layout, claim, r), sum);
    }
  }
}

TEST(Claims, PointWeightsAreTheEqualityPolynomial) {
  const TensorLayout layout({3, 5});
  const std::vector<Fr> z = random_scalars(layout.bits(), 4);
  const std::vector<Fr> eq = poly::eq_values(z);
  const std::vector<std::uint32_t> indices = layout.padded_indices();
  const std::vector<Fr> weights = cell_weights(layout, {z, Scalar()});
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(weights[i], eq[indices[i]]);
}

TEST(Claims, WindowWeightsFollowTheirDefinition) {
  model::Window2d w;
  for (const std::size_t stride : {1u, 2u, 3u})
    for (const std::size_t dilation : {1u, 2u})
      for (const std::size_t pad : {0u, 1u, 3u}) {
        w.kernel[0] = 3;
        w.stride[0] = stride;
        w.dilation[0] = dilation;
        w.pad_begin[0] = pad;
        const auto outputs = random_scalars(6, 5), kernel = random_scalars(3, 6);
        const std::vector<Fr> weights = window_weights(w, 0, 7, outputs, kernel);
        for (std::size_t i = 0; i < 7; ++i) {
          Fr sum;
          for (std::size_t o = 0; o < 6; ++o)
            for (std::size_t k = 0; k < 3; ++k)
              if (o * stride + k * dilation == i + pad) sum += outputs[o] * kernel[k];
          EXPECT_EQ(weights[i], sum);
        }
      }
}

// ------------------------------------------------------------------ merging

// Claims of all kinds on one tensor, the i-th off by errors[i].
Protocol merging(const std::vector<std::size_t>& axes, const std::vector<int>& kinds, const std::vector<std::int64_t>& errors) {
  return [=](Context& context) {
    const TensorLayout layout(axes);
    const Cells x = random_cells(layout.cells(), 1);
    std::vector<Claim> claims;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      claims.push_back(claim_of(kinds[i], layout, 100 * i));
      claims.back().value = context.commit_one("claim " + std::to_string(i), weighted(layout, x, claims.back()) + Fr::from_i64(errors[i]));
    }
    const IntegerSpan values = span_of(x);
    const PointClaim merged = merge_claims(context, "merge", layout, claims, context.proving() ? &values : nullptr);
    require_claim(context, layout, x, {merged.z, merged.value});
  };
}

TEST(Merge, AcceptsTrueClaimsOfEveryKind) {
  for (const auto& axes : std::vector<std::vector<std::size_t>>{{1}, {2}, {5}, {3, 4, 2}}) {
    for (int kind = 0; kind < 3; ++kind) expect_accepted(merging(axes, {kind}, {0}));
    expect_accepted(merging(axes, {0, 1, 2, 0, 1}, {0, 0, 0, 0, 0}));
  }
}

TEST(Merge, PassesOnASinglePoint) {
  const TensorLayout layout({5});
  expect_accepted([&](Context& context) {
    const Cells x = random_cells(5, 1);
    Claim claim = claim_of(0, layout, 1);
    claim.value = context.commit_one("claim", weighted(layout, x, claim));
    const IntegerSpan values = span_of(x);
    const std::size_t before = context.message_count();
    const PointClaim merged = merge_claims(context, "merge", layout, std::span(&claim, 1), context.proving() ? &values : nullptr);
    EXPECT_EQ(context.message_count(), before);
    EXPECT_EQ(merged.z, std::get<Point>(claim.weights));
  });
}

TEST(Merge, RefusesAFalseClaim) {
  for (int kind : {1, 2}) expect_refused(merging({3, 4}, {kind}, {1}), {"merge"});
  for (std::size_t wrong = 0; wrong < 3; ++wrong) {
    std::vector<std::int64_t> errors(3);
    errors[wrong] = 1;
    expect_refused(merging({3, 4}, {0, 1, 2}, errors), {"merge"});
  }
}

TEST(Merge, ErrorsOfTwoClaimsDontCancel) { expect_refused(merging({3, 4}, {0, 0}, {1, -1}), {"merge"}); }

// ------------------------------------------------------------------ dense

Protocol dense(const std::vector<std::size_t>& t_axes, const std::vector<std::size_t>& k_axes, std::size_t n, std::int64_t error) {
  const auto weights = std::make_shared<Cells>();
  const auto span = std::make_shared<IntegerSpan>();
  return [=](Context& context) {
    std::vector<std::size_t> w_axes = {n}, x_axes = t_axes, y_axes = t_axes;
    w_axes.insert(w_axes.end(), k_axes.begin(), k_axes.end());
    x_axes.insert(x_axes.end(), k_axes.begin(), k_axes.end());
    y_axes.push_back(n);
    const TensorLayout w(w_axes), x_layout(x_axes), y_layout(y_axes), inner(k_axes);
    *weights = random_cells(w.cells(), 7);
    *span = span_of(*weights);
    const Cells x = random_cells(x_layout.cells(), 8);
    const std::size_t k_count = inner.cells(), rows = x.size() / k_count;
    Cells y;
    for (std::size_t t = 0; t < rows; ++t)
      for (std::size_t o = 0; o < n; ++o) {
        std::int32_t sum = 0;
        for (std::size_t k = 0; k < k_count; ++k) sum += (*weights)[o * k_count + k] * x[t * k_count + k];
        y.push_back(sum);
      }
    y.back() += static_cast<std::int32_t>(error);
    const zk::TensorId id = context.commit_tensor("w", w, context.proving() ? span.get() : nullptr);
    const Point z = context.challenge_point("z", y_layout.bits());
    const PointClaim claim{z, context.commit_one("y", commit::evaluate(y_layout, span_of(y), z))};
    const IntegerSpan values = span_of(x);
    const PointClaim left = reduce_dense(context, "dense", id, x_layout, t_axes.size(), claim, context.proving() ? &values : nullptr);
    require_claim(context, x_layout, x, {left.z, left.value});
  };
}

TEST(Dense, MatchesTheMatrixProduct) {
  expect_accepted(dense({}, {1}, 1, 0));
  expect_accepted(dense({}, {7}, 5, 0));
  expect_accepted(dense({3}, {6}, 4, 0));
  expect_accepted(dense({2, 3}, {2, 3, 5}, 9, 0));
  expect_accepted(dense({}, {3000}, 2, 0));
}
TEST(Dense, RefusesAWrongOutput) {
  expect_refused(dense({}, {1}, 1, 1), {"dense"});
  expect_refused(dense({2, 3}, {2, 3, 5}, 9, 1), {"dense"});
}

// ------------------------------------------------------------------ convolution

Protocol convolution(const Convolution& shape, std::int64_t error) {
  const auto weights = std::make_shared<Cells>();
  const auto span = std::make_shared<IntegerSpan>();
  return [=](Context& context) {
    const model::Window2d& v = shape.window;
    const std::size_t group_inputs = shape.inputs / shape.groups, group_outputs = shape.outputs / shape.groups;
    const std::size_t height = v.output_size(0, shape.height), width = v.output_size(1, shape.width);
    const TensorLayout w({shape.outputs, group_inputs, v.kernel[0], v.kernel[1]}), y_layout({shape.outputs, height, width}),
        x_layout({shape.inputs, shape.height, shape.width});
    *weights = random_cells(w.cells(), 9);
    *span = span_of(*weights);
    const Cells x = random_cells(x_layout.cells(), 10);
    Cells y;
    for (std::size_t c = 0; c < shape.outputs; ++c)
      for (std::size_t i = 0; i < height; ++i)
        for (std::size_t j = 0; j < width; ++j) {
          std::int32_t sum = 0;
          for (std::size_t ci = 0; ci < group_inputs; ++ci)
            for (std::size_t ky = 0; ky < v.kernel[0]; ++ky)
              for (std::size_t kx = 0; kx < v.kernel[1]; ++kx) {
                const std::size_t row = i * v.stride[0] + ky * v.dilation[0] - v.pad_begin[0], column = j * v.stride[1] + kx * v.dilation[1] - v.pad_begin[1];
                if (row >= shape.height || column >= shape.width) continue;  // before the input: wraps around
                const std::size_t channel = c / group_outputs * group_inputs + ci;
                sum += (*weights)[((c * group_inputs + ci) * v.kernel[0] + ky) * v.kernel[1] + kx] * x[(channel * shape.height + row) * shape.width + column];
              }
          y.push_back(sum);
        }
    y[y.size() / 2] += static_cast<std::int32_t>(error);
    const zk::TensorId id = context.commit_tensor("w", w, context.proving() ? span.get() : nullptr);
    const Point z = context.challenge_point("z", y_layout.bits());
    const PointClaim claim{z, context.commit_one("y", commit::evaluate(y_layout, span_of(y), z))};
    const IntegerSpan values = span_of(x);
    const Claim left = reduce_convolution(context, "conv", id, shape, y_layout, claim, context.proving() ? &values : nullptr);
    require_claim(context, x_layout, x, left);
  };
}

std::vector<Convolution> convolutions() {
  const auto window = [](std::size_t kh, std::size_t kw, std::size_t stride, std::size_t dilation, std::size_t pad) {
    model::Window2d w;
    w.kernel[0] = kh;
    w.kernel[1] = kw;
    for (int a : {0, 1}) {
      w.stride[a] = stride;
      w.dilation[a] = dilation;
      w.pad_begin[a] = pad;
    }
    w.pad_end[1] = 2;
    return w;
  };
  return {{window(1, 1, 1, 1, 0), 1, 1, 1, 1, 1}, {window(3, 2, 1, 1, 1), 5, 3, 6, 4, 1},  {window(2, 3, 2, 2, 1), 4, 4, 7, 9, 1},
          {window(2, 2, 1, 1, 0), 6, 4, 3, 3, 2}, {window(3, 3, 2, 1, 1), 5, 5, 5, 5, 5}, {window(1, 2, 1, 1, 0), 9, 3, 2, 3, 3}};
}

TEST(Conv, MatchesItsDefinition) {
  for (const Convolution& shape : convolutions()) expect_accepted(convolution(shape, 0));
}
TEST(Conv, RefusesAWrongOutput) {
  for (const Convolution& shape : convolutions()) expect_refused(convolution(shape, 1), {"conv"});
}

TEST(Weights, OfDenseAndConvAreOpened) {
  // The prover calculates with other weights than its commitment's: point 0 is their row.
  for (const Protocol& protocol : {dense({3}, {6}, 4, 0), convolution(convolutions()[1], 0), convolution(convolutions()[3], 0)}) {
    zk::DishonestProver prover("test");
    prover.shift_point(0);
    const Attempt result = zk::finish_and_verify(protocol, prover);
    EXPECT_EQ(result.violated, std::vector<std::string>());
    ASSERT_FALSE(result.verdict.ok());
    EXPECT_EQ(place_of(result.verdict), "sigma");
  }
}

// ------------------------------------------------------------------ element-wise products

Protocol elementwise(const std::vector<std::size_t>& axes, bool square, std::int64_t error) {
  return [=](Context& context) {
    const TensorLayout layout(axes);
    const Cells a = random_cells(layout.cells(), 11), b = square ? a : random_cells(layout.cells(), 12);
    Cells y;
    for (std::size_t i = 0; i < a.size(); ++i) y.push_back(a[i] * b[i]);
    y[0] += static_cast<std::int32_t>(error);
    const Point z = context.challenge_point("z", layout.bits());
    const PointClaim claim{z, context.commit_one("y", commit::evaluate(layout, span_of(y), z))};
    std::optional<poly::EqProductProver> prover;
    if (context.proving()) prover.emplace(z, commit::padded_table(layout, span_of(a)), commit::padded_table(layout, span_of(b)));
    const ProductClaims left = reduce_product(context, "product", claim, square, prover ? &*prover : nullptr);
    require_claim(context, layout, a, {left.z, left.a});
    context.require_zero("left too", left.b - commit::evaluate(layout, span_of(b), left.z));
  };
}

TEST(Product, MatchesItsDefinition) {
  for (const bool square : {false, true})
    for (const auto& axes : std::vector<std::vector<std::size_t>>{{1}, {2}, {7}, {3, 5}}) {
      expect_accepted(elementwise(axes, square, 0));
      expect_refused(elementwise(axes, square, 1), {"product"});
    }
}

}  // namespace
}  // namespace blindproof::proof::layers
