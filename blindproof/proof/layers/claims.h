// Claims on a tensor:  sum over used cells of weight(cell) * x[cell] = value,  with public weights and a committed value.
#pragma once

#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "blindproof/commit/hyrax.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::layers {

using commit::IntegerSpan;
using commit::TensorLayout;
using field::Fr;
using zk::Context;
using zk::Point;
using zk::Scalar;

/// weight(i_0, i_1, ...) = product of axes[a][i_a]; one vector of the used length per axis of the tensor's layout.
struct SeparableWeights {
  std::vector<std::vector<Fr>> axes;
};

/// One weight per used cell, in logical order. Costs the verifier time linear in the tensor: for odd reshapes only.
struct DenseWeights {
  std::vector<Fr> cells;
};

struct Claim {
  std::variant<Point, SeparableWeights, DenseWeights> weights;  // a Point z has weights eq(z, cell)
  Scalar value;
};

struct PointClaim {
  Point z;
  Scalar value;
};

/// The weights of all used cells, in logical order.
std::vector<Fr> cell_weights(const TensorLayout& layout, const Claim& claim);
/// sum over used cells of weight(cell) eq(cell, r).
Fr weights_at(const TensorLayout& layout, const Claim& claim, std::span<const Fr> r);

/// One point claim that implies all claims (with error about (number of claims + variables)/r). A single point claim is
/// returned as it is. `values` for a prover: used cells in logical order.
PointClaim merge_claims(Context& context, std::string_view label, const TensorLayout& layout, std::span<const Claim> claims,
                        const IntegerSpan* values);

/// eq(z, i) for i < used.
std::vector<Fr> eq_prefix(std::span<const Fr> z, std::size_t used);

/// The part of a point that belongs to one axis of a layout.
std::span<const Fr> axis_point(const TensorLayout& layout, std::span<const Fr> z, std::size_t axis);

}  // namespace blindproof::proof::layers
