// Linear layers with committed weights.
#pragma once

#include "blindproof/model/shape.h"
#include "blindproof/proof/layers/claims.h"

namespace blindproof::proof::layers {

/// y[t, n] = sum_k W[n, k] x[t, k], from the claim y~(z) = value; t runs over all axes but the last of y (perhaps none), k over
/// the remaining axes of x.  Ref: Thaler, ePrint 2013/351.
///   x's layout: [t axes..., k axes...]     W's: [N, k axes...]      y's: [t axes..., N]
/// Queues W's opening; the returned claim on x is all that is left.
PointClaim reduce_dense(Context& context, std::string_view label, zk::TensorId weights, const TensorLayout& x,
                        std::size_t t_axes, const PointClaim& y, const IntegerSpan* x_values);

struct Convolution {
  model::Window2d window;
  std::size_t outputs, inputs;     // channels
  std::size_t height, width;       // of the input
  std::size_t groups;
};

/// y[c, i, j] = sum over input channels of c's group and kernel cells of W * x, from the claim y~(z) = value.
///   x's layout has cells [inputs, height, width]; W's axes are [outputs, inputs/groups, kernel height, kernel width]
///   y's axes are [outputs, output height, output width]
/// Queues W's opening; returns a claim on x with separable weights over [inputs, height, width].
Claim reduce_convolution(Context& context, std::string_view label, zk::TensorId weights, const Convolution& shape,
                         const TensorLayout& y_layout, const PointClaim& y, const IntegerSpan* x_values);

/// Weights of input rows (axis 0: height; 1: width) for outputs weighted by `output_weights` and kernel cells by
/// `kernel_weights`:  w[i] = sum_{o,k: o*stride + k*dilation - pad = i} output_weights[o] kernel_weights[k].
std::vector<Fr> window_weights(const model::Window2d& window, std::size_t axis, std::size_t input_size,
                               std::span<const Fr> output_weights, std::span<const Fr> kernel_weights);

}  // namespace blindproof::proof::layers
