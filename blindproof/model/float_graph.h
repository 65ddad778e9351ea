// The float graph: what an ONNX file says, normalised. One sample at a time (no batch dimension), one input, one
// output.
//
// Nodes are in topological order; each tensor is written once. Linear layers own their weights.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/model/shape.h"

namespace blindproof::model {

using TensorId = std::uint32_t;

inline constexpr std::size_t kMaxTensors = std::size_t{1} << 16;
inline constexpr std::size_t kMaxTotalElements = std::size_t{1} << 30;  // of all tensors together
inline constexpr std::uint64_t kMaxProducts = std::uint64_t{1} << 40;     // of all layers together, for one sample
inline constexpr std::size_t kMaxWindow = std::size_t{1} << 16;         // a kernel size, stride, dilation or padding
inline constexpr std::size_t kMaxNameSize = 256;

namespace float_op {
/// y[..., n] = sum_k weight[n][k] x[..., k] + bias[n]; weight is [N, K] row-major, bias N or empty.
struct Dense {
  std::size_t outputs, inputs;
  std::vector<float> weight, bias;
};
/// x [Ci,H,W]; weight [C, Ci/groups, kernel height, kernel width]; bias C or empty.
struct Conv2d {
  std::size_t outputs, inputs, groups;
  Window2d window;
  std::vector<float> weight, bias;
};
/// y = scale[c]*x + shift[c]; c is the index on `axis` of x; scale and shift have that axis' size.
/// BatchNormalization and products or sums with constants come to this.
struct ScaleShift {
  std::size_t axis;
  std::vector<float> scale, shift;
};
struct Relu {};
struct Clip {
  float low, high;  // may be infinite
};
struct Sigmoid {};
struct Tanh {};
struct Add {};       // two inputs of equal shape
struct Subtract {};  // two inputs of equal shape
struct Multiply {};  // two inputs of equal shape; the same tensor twice is a square
struct MaxPool2d {
  Window2d window;  // padding never wins
};
struct AveragePool2d {
  Window2d window;
  bool count_padding;  // divide by the whole kernel size even at the border
};
struct Reshape {};  // the output's shape says it all
struct Transpose {
  std::vector<std::size_t> permutation;  // output axis i is input axis permutation[i]
};
/// Only as the last node.
struct Softmax {};  // over the last axis
struct ArgMax {};   // over the last axis, which vanishes or becomes 1; smallest index of the largest value
struct Erf {};      // the Gaussian error function
}  // namespace float_op

using FloatOp = std::variant<float_op::Dense, float_op::Conv2d, float_op::ScaleShift, float_op::Relu, float_op::Clip,
                             float_op::Sigmoid, float_op::Tanh, float_op::Add, float_op::Subtract, float_op::Multiply,
                             float_op::MaxPool2d, float_op::AveragePool2d, float_op::Reshape, float_op::Transpose,
                             float_op::Softmax, float_op::ArgMax, float_op::Erf>;

struct FloatNode {
  FloatOp op;
  std::vector<TensorId> inputs;
  TensorId output;
  std::string name;  // as the ONNX file calls it, for messages
};

struct FloatGraph {
  std::vector<Shape> shapes;  // by TensorId
  std::vector<FloatNode> nodes;
  TensorId input = 0;
  TensorId output = 0;
};

/// "Dense", "Conv2d", ...
std::string_view op_name(const FloatOp& op);

/// Checks ids, order, shapes and sizes of weights, that weights are finite, that every tensor but the input is written
/// and that no pooling window lies entirely in the padding. Everything below requires a graph that passed. Errors:
/// kMalformed; kLimit above the bounds at the top.
base::Status validate(const FloatGraph& graph);

/// Values of every tensor, by TensorId, for one sample. Sums run in double in a fixed order, so that results are the
/// same on every CPU.  Requires: input.size() is the input's element count.
std::vector<std::vector<float>> run_float(const FloatGraph& graph, std::span<const float> input);

/// Merges each ScaleShift into the Dense, Conv2d or ScaleShift before it, where nothing else reads that one's output,
/// and renumbers the tensors in the order of the nodes. Parameters are combined in double and rounded once.
FloatGraph fold_scale_shift(FloatGraph graph);

/// Canonical bytes (a part of .bpm files) and back. Negative zeros become zeros. Parsing validates.
std::vector<std::uint8_t> write_float_graph(const FloatGraph& graph);
base::Result<FloatGraph> parse_float_graph(std::span<const std::uint8_t> bytes);

}  // namespace blindproof::model
