#include "blindproof/proof/layers/linear.h"

#include <optional>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/sumcheck/sumcheck.h"

namespace blindproof::proof::layers {
namespace {

using field::FrVector;
using field::MatrixView;

// sum_i weights[i] * row i of a [rows, columns] matrix that starts at `offset`.
std::vector<Fr> combine(const IntegerSpan& values, std::size_t offset, std::size_t rows, std::size_t columns,
                        std::span<const Fr> weights) {
  return std::visit(
      [&](auto v) -> std::vector<Fr> {
        using Int = std::remove_cvref_t<decltype(v[0])>;
        if constexpr (sizeof(Int) == 16) {
          std::vector<Fr> out(columns);
          for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) out[j] += weights[i] * Fr::from_i128(v[offset + i * columns + j]);
          return out;
        } else {
          return field::combine_rows(MatrixView<Int>{v.data() + offset, rows, columns, columns}, weights).to_vector();
        }
      },
      values);
}

FrVector scatter(const TensorLayout& layout, std::span<const Fr> cells) {
  std::vector<Fr> table(std::size_t{1} << layout.bits());
  const std::vector<std::uint32_t> indices = layout.padded_indices();
  for (std::size_t i = 0; i < cells.size(); ++i) table[indices[i]] = cells[i];
  return FrVector(table);
}

Point concatenate(std::span<const Fr> low, std::span<const Fr> high) {
  Point point(low.begin(), low.end());
  point.insert(point.end(), high.begin(), high.end());
  return point;
}

}  // namespace

PointClaim reduce_dense(Context& context, std::string_view label_view, zk::TensorId weights, const TensorLayout& x,
                        std::size_t t_axes, const PointClaim& y, const IntegerSpan* x_values) {
  const std::string label(label_view);
  const TensorLayout& w = context.layout(weights);
  const TensorLayout inner(std::vector<std::size_t>(w.axes().begin() + 1, w.axes().end()));
  const TensorLayout outer(std::vector<std::size_t>(x.axes().begin(), x.axes().begin() + static_cast<std::ptrdiff_t>(t_axes)));
  const std::size_t n_bits = w.axis_bits(0);
  BLINDPROOF_CHECK(x.bits() == inner.bits() + outer.bits() && y.z.size() == n_bits + outer.bits(), "shapes of a dense layer");
  const std::span<const Fr> z = y.z;
  const auto z_n = z.first(n_bits), z_t = z.subspan(n_bits);

  std::optional<poly::ProductProver> prover;
  if (context.proving()) {
    std::vector<Fr> row = combine(context.values(weights), 0, w.axes()[0], inner.cells(), eq_prefix(z_n, w.axes()[0]));
    const std::vector<Fr> t_weights = cell_weights(outer, Claim{Point(z_t.begin(), z_t.end()), Scalar()});
    std::vector<Fr> column = combine(*x_values, 0, outer.cells(), inner.cells(), t_weights);
    prover.emplace(scatter(inner, row), scatter(inner, column));
  }
  const sumcheck::Reduced reduced =
      sumcheck::prove_product(context, label, y.value, inner.bits(), prover ? &*prover : nullptr);
  std::vector<Fr> values;
  if (prover) values = {prover->f_end(), prover->g_end()};
  const std::vector<Scalar> ends = context.commit(label + " ends", 2, values);
  context.require_zero(label, -reduced.claim, {{ends[0], ends[1]}});
  context.open(weights, concatenate(reduced.point, z_n), ends[0]);
  return {concatenate(reduced.point, z_t), ends[1]};
}

std::vector<Fr> window_weights(const model::Window2d& window, std::size_t axis, std::size_t input_size,
                               std::span<const Fr> output_weights, std::span<const Fr> kernel_weights) {
  std::vector<Fr> weights(input_size);
  for (std::size_t o = 0; o < output_weights.size(); ++o) {
    for (std::size_t k = 0; k < kernel_weights.size(); ++k) {
      const std::size_t shifted = o * window.stride[axis] + k * window.dilation[axis];
      if (shifted < window.pad_begin[axis] || shifted - window.pad_begin[axis] >= input_size) continue;
      weights[shifted - window.pad_begin[axis]] += output_weights[o] * kernel_weights[k];
    }
  }
  return weights;
}

Claim reduce_convolution(Context& context, std::string_view label_view, zk::TensorId weights, const Convolution& shape,
                         const TensorLayout& y_layout, const PointClaim& y, const IntegerSpan* x_values) {
  const std::string label(label_view);
  const TensorLayout& w = context.layout(weights);
  const model::Window2d& window = shape.window;
  const std::size_t kernel_h = window.kernel[0], kernel_w = window.kernel[1];
  const std::size_t group_inputs = shape.inputs / shape.groups, group_outputs = shape.outputs / shape.groups;
  const auto z_c = axis_point(y_layout, y.z, 0);
  const std::vector<Fr> rows = eq_prefix(axis_point(y_layout, y.z, 1), y_layout.axes()[1]);
  const std::vector<Fr> columns = eq_prefix(axis_point(y_layout, y.z, 2), y_layout.axes()[2]);
  const std::vector<Fr> channel = eq_prefix(z_c, shape.outputs);
  const TensorLayout inner(std::vector<std::size_t>(w.axes().begin() + 1, w.axes().end()));

  // x seen through the window at (z_row, z_column): S[ci, ky, kx] = sum_{i,j} x[ci, i, j] A_ky(i) B_kx(j).
  std::vector<Fr> seen;
  if (context.proving()) {
    seen.resize(shape.inputs * kernel_h * kernel_w);
    std::vector<std::vector<Fr>> a(kernel_h), b(kernel_w);
    for (std::size_t k = 0; k < kernel_h; ++k) {
      std::vector<Fr> unit(kernel_h);
      unit[k] = Fr::one();
      a[k] = window_weights(window, 0, shape.height, rows, unit);
    }
    for (std::size_t k = 0; k < kernel_w; ++k) {
      std::vector<Fr> unit(kernel_w);
      unit[k] = Fr::one();
      b[k] = window_weights(window, 1, shape.width, columns, unit);
    }
    base::parallel_for(shape.inputs, [&](std::size_t ci) {
      for (std::size_t ky = 0; ky < kernel_h; ++ky) {
        const std::vector<Fr> line = combine(*x_values, ci * shape.height * shape.width, shape.height, shape.width, a[ky]);
        for (std::size_t kx = 0; kx < kernel_w; ++kx) {
          Fr sum = Fr::zero();
          for (std::size_t j = 0; j < shape.width; ++j) sum += line[j] * b[kx][j];
          seen[(ci * kernel_h + ky) * kernel_w + kx] = sum;
        }
      }
    });
  }

  // With one group the output channel folds into the weights; with several, W and x both depend on it, and it stays a variable.
  Point k_point, c_point;
  Scalar w_end, x_end;
  if (shape.groups == 1) {
    std::optional<poly::ProductProver> prover;
    if (context.proving()) {
      const std::vector<Fr> folded = combine(context.values(weights), 0, shape.outputs, inner.cells(), channel);
      prover.emplace(scatter(inner, folded), scatter(inner, seen));
    }
    sumcheck::Reduced reduced =
        sumcheck::prove_product(context, label, y.value, inner.bits(), prover ? &*prover : nullptr);
    std::vector<Fr> values;
    if (prover) values = {prover->f_end(), prover->g_end()};
    const std::vector<Scalar> ends = context.commit(label + " ends", 2, values);
    context.require_zero(label, -reduced.claim, {{ends[0], ends[1]}});
    w_end = ends[0];
    x_end = ends[1];
    k_point = std::move(reduced.point);
    c_point.assign(z_c.begin(), z_c.end());
  } else {
    // value = sum_c eq(z_c,c) sum_k W[c,k] S[group(c),k]. First the sum over k, with eq folded into W's table (it doesn't depend
    // on k); then, at the point k*, the sum over c with eq factored out.
    const std::size_t kernel_cells = inner.cells(), c_bits = z_c.size();
    std::optional<poly::ProductProver> prover;
    if (context.proving()) {
      const std::vector<std::uint32_t> k_index = inner.padded_indices();
      std::vector<Fr> f(std::size_t{1} << (inner.bits() + c_bits)), g(f.size());
      base::parallel_for(shape.outputs, [&](std::size_t c) {
        const std::size_t group = c / group_outputs;
        for (std::size_t k = 0; k < kernel_cells; ++k) {
          const std::size_t index = static_cast<std::size_t>(k_index[k]) << c_bits | c;
          f[index] = channel[c] * commit::to_field(context.values(weights), c * kernel_cells + k);
          g[index] = seen[group * kernel_cells + k];
        }
      });
      prover.emplace(FrVector(f), FrVector(g));
    }
    sumcheck::Reduced over_k =
        sumcheck::prove_product(context, label, y.value, inner.bits(), prover ? &*prover : nullptr);
    prover.reset();
    k_point = std::move(over_k.point);
    std::optional<poly::EqProductProver> channel_prover;
    if (context.proving()) {
      const std::vector<Fr> k_weights = cell_weights(inner, Claim{k_point, Scalar()});
      std::vector<Fr> f(std::size_t{1} << c_bits), g(f.size());
      for (std::size_t c = 0; c < shape.outputs; ++c) {
        const std::size_t group = c / group_outputs;
        for (std::size_t k = 0; k < kernel_cells; ++k) {
          f[c] += k_weights[k] * commit::to_field(context.values(weights), c * kernel_cells + k);
          g[c] += k_weights[k] * seen[group * kernel_cells + k];
        }
      }
      channel_prover.emplace(z_c, FrVector(f), FrVector(g));
    }
    sumcheck::Reduced over_c = sumcheck::prove_eq_product(context, label + " channels", over_k.claim, z_c,
                                                          channel_prover ? &*channel_prover : nullptr);
    std::vector<Fr> values;
    if (channel_prover) values = {channel_prover->f_end(), channel_prover->g_end()};
    const std::vector<Scalar> ends = context.commit(label + " ends", 2, values);
    context.require_zero(label, -over_c.claim, {{ends[0], ends[1]}});
    w_end = ends[0];
    x_end = ends[1];
    c_point = std::move(over_c.point);
  }
  context.open(weights, concatenate(k_point, c_point), w_end);

  // x_end = sum_{ci,i,j} x[ci,i,j] C(ci) A(i) B(j)
  const auto k_ci = axis_point(inner, k_point, 0), k_y = axis_point(inner, k_point, 1), k_w = axis_point(inner, k_point, 2);
  SeparableWeights separable;
  const std::vector<Fr> in_group = eq_prefix(k_ci, group_inputs);
  if (shape.groups == 1) {
    separable.axes.push_back(in_group);
  } else {
    const std::vector<Fr> out_channel = eq_prefix(c_point, shape.outputs);
    std::vector<Fr> inputs(shape.inputs);
    for (std::size_t g = 0; g < shape.groups; ++g) {
      Fr weight = Fr::zero();
      for (std::size_t c = g * group_outputs; c < (g + 1) * group_outputs; ++c) weight += out_channel[c];
      for (std::size_t ci = 0; ci < group_inputs; ++ci) inputs[g * group_inputs + ci] = weight * in_group[ci];
    }
    separable.axes.push_back(std::move(inputs));
  }
  separable.axes.push_back(window_weights(window, 0, shape.height, rows, eq_prefix(k_y, kernel_h)));
  separable.axes.push_back(window_weights(window, 1, shape.width, columns, eq_prefix(k_w, kernel_w)));
  return {std::move(separable), x_end};
}

}  // namespace blindproof::proof::layers
