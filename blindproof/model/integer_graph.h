// The integer graph: the meaning of a model. Everything here is exact integer arithmetic.
//
// An IntegerGraph is an Architecture (public: operators, shapes, scales, tables, ranges of parameters) and the values
// of its parameters (secret: weights, biases, multipliers). Two arithmetics:
//   rescaled  every linear map, sum or product ends in a Requantize node, which brings it back to a few bits
//   exact     no Requantize at all: values grow; biases are at the accumulated scale
// Integers stand for reals: real = scale * integer, with zero point 0 everywhere.
//
// Nodes are in topological order; each tensor is written once; tensor 'input' is written by nobody.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/int128.h"
#include "blindproof/base/result.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/shape.h"

namespace blindproof::model {

using base::Int128;
using ParameterId = std::uint32_t;
using TableId = std::uint32_t;

inline constexpr std::size_t kMaxTableSize = std::size_t{1} << 17;
inline constexpr std::size_t kMaxTables = std::size_t{1} << 10;
inline constexpr std::size_t kMaxTableEntries = std::size_t{1} << 22;  // of all tables together
inline constexpr std::uint32_t kMaxShift = 48;
inline constexpr int kRescaledBits = 62;        // values and x*m + rounding stay below 2^62
inline constexpr int kExactBits = 126;          // by the actual parameters
inline constexpr int kExactDeclaredBits = 250;  // by the declared ranges

enum class Arithmetic : std::uint8_t { kRescaled = 0, kExact = 1 };

/// What the receiver does with the outputs; not part of what is proven.
enum class Finish : std::uint8_t { kNone = 0, kSoftmax = 1, kArgMax = 2 };

enum class ParameterRole : std::uint8_t { kWeight = 0, kBias = 1, kMultiplier = 2 };

/// Weights and biases: signed, in [-2^(bits-1), 2^(bits-1)-1]. Multipliers: unsigned, in [0, 2^bits-1].
/// Weights and multipliers have 1..16 bits; biases 1..16 or a multiple of 16 up to 112.
struct ParameterInfo {
  ParameterRole role;
  Shape shape;
  int bits;
  bool operator==(const ParameterInfo&) const = default;
  Int128 min() const;
  Int128 max() const;
};

/// out = values[hi - first]; hi outside the table never occurs (the compiler bounds hi from the weights, and the proof
/// shows it).
struct Table {
  std::int64_t first;
  std::vector<std::int32_t> values;  // at most kMaxTableSize
  bool operator==(const Table&) const = default;
};

namespace integer_op {
/// y[..., n] = sum_k W[n][k] x[..., k] + b[n].   W is [N, K].
struct Dense {
  ParameterId weight;
  std::optional<ParameterId> bias;
  bool operator==(const Dense&) const = default;
};
/// x [Ci,H,W] to [C,H',W'].   W is [C, Ci/groups, kh, kw]; channel c reads inputs of group c / (C/groups).
struct Conv2d {
  ParameterId weight;
  std::optional<ParameterId> bias;
  Window2d window;
  std::size_t groups;
  bool operator==(const Conv2d&) const = default;
};
/// Sum over the window; padding counts as 0.
struct SumPool2d {
  Window2d window;
  bool operator==(const SumPool2d&) const = default;
};
/// Maximum over the window's cells inside the input.
struct MaxPool2d {
  Window2d window;
  bool operator==(const MaxPool2d&) const = default;
};
/// y = factor[0]*a + factor[1]*b, equal shapes, public factors.
struct Add {
  std::array<std::int64_t, 2> factor;  // below 2^62 in magnitude
  bool operator==(const Add&) const = default;
};
/// y = a*b, element by element, equal shapes; the same tensor twice is a square.
struct Multiply {
  bool operator==(const Multiply&) const = default;
};
/// t = x*m + (shift > 0 ? 2^(shift-1) : 0);  hi = floor(t / 2^shift);  rem = t - hi*2^shift;
/// out = clamp(hi, low, high), or table[hi].
/// m is multiplier[c] (c the index on channel_axis) if there is a secret multiplier, else factor.
struct Requantize {
  std::optional<ParameterId> multiplier;
  std::uint32_t channel_axis;  // 0 if there is none
  std::int64_t factor;         // 1 if there is a secret multiplier
  std::uint32_t shift;         // at most 48
  struct Clamp {
    std::int64_t low, high;  // inside [-2^16, 2^16]
    bool operator==(const Clamp&) const = default;
  };
  std::variant<Clamp, TableId> activation;
  /// hi of an honest run lies in [hi_min, hi_max]: public, proven. For a table: its domain.
  std::int64_t hi_min, hi_max;
  bool operator==(const Requantize&) const = default;
};
struct Reshape {
  bool operator==(const Reshape&) const = default;
};
struct Transpose {
  std::vector<std::size_t> permutation;  // output axis i is input axis permutation[i]
  bool operator==(const Transpose&) const = default;
};
}  // namespace integer_op

using IntegerOp =
    std::variant<integer_op::Dense, integer_op::Conv2d, integer_op::SumPool2d, integer_op::MaxPool2d, integer_op::Add,
                 integer_op::Multiply, integer_op::Requantize, integer_op::Reshape, integer_op::Transpose>;

struct IntegerNode {
  IntegerOp op;
  std::vector<TensorId> inputs;
  TensorId output;
  bool operator==(const IntegerNode&) const = default;
};

/// The public part.
struct Architecture {
  Arithmetic arithmetic = Arithmetic::kRescaled;
  std::vector<Shape> shapes;  // by TensorId
  std::vector<ParameterInfo> parameters;
  std::vector<Table> tables;
  std::vector<IntegerNode> nodes;
  TensorId input = 0;
  TensorId output = 0;
  std::int64_t input_min = 0, input_max = 0;  // input_max - input_min < 2^16
  double input_scale = 1;                     // real = scale * integer, > 0
  double output_scale = 1;
  Finish finish = Finish::kNone;
  bool operator==(const Architecture&) const = default;
};

/// Values of one parameter in the smallest of these that holds its declared range.
using ParameterValues = std::variant<std::vector<std::int8_t>, std::vector<std::int16_t>, std::vector<std::int32_t>,
                                     std::vector<std::int64_t>, std::vector<Int128>>;

/// Zeros, in the alternative that `info` asks for.
ParameterValues zero_values(const ParameterInfo& info);
std::size_t value_count(const ParameterValues& values);
Int128 value_at(const ParameterValues& values, std::size_t index);

struct IntegerGraph {
  Architecture architecture;
  std::vector<ParameterValues> values;  // by ParameterId
};

struct Range {
  Int128 min, max;
  bool operator==(const Range&) const = default;
};

std::string_view op_name(const IntegerOp& op);

/// Total: any Architecture is accepted or named wrong. Checks ids, order, shapes, windows, limits, that nothing is
/// unused (every tensor but the output is read, every table used, every parameter used exactly once), where Requantize
/// must and must not stand (rescaled: inputs of Dense, Conv2d, SumPool2d, MaxPool2d, Add, Multiply and the output are,
/// through Reshape and Transpose, the model's input, outputs of Requantize or outputs of MaxPool2d; exact: no
/// Requantize and no MaxPool2d), and that worst-case values by the declared ranges of parameters stay below 2^62
/// (rescaled, including x*m + rounding) or 2^250 (exact).
base::Status validate(const Architecture& architecture);

/// Total: validate(architecture), sizes and ranges of values, and analyze() succeeds.
base::Status validate(const IntegerGraph& graph);

/// Bounds on every tensor from the actual parameters and the input's range (interval arithmetic per channel: tight for
/// linear layers). Errors: those of validate(architecture) and of wrong values; kLimit if a value may reach 2^62
/// (rescaled) or 2^126 (exact), or hi may leave [hi_min, hi_max].
base::Result<std::vector<Range>> analyze(const IntegerGraph& graph);

/// The interval of hi of each Requantize, by node (0 to 0 for the others), whatever its hi_min and hi_max say: how the
/// compiler finds them. Tables must cover their hi. Errors: those of analyze, but for the hi of clamps.
base::Result<std::vector<Range>> requantized_ranges(const IntegerGraph& graph);

/// Worst-case bound on |values| of every tensor in bits, from the declared ranges alone: what a verifier can know.
std::vector<int> worst_case_bits(const Architecture& architecture);

/// Values of all tensors for one sample. Value is int64_t for rescaled graphs, Int128 for exact ones (int64_t is also
/// allowed if analyze() shows that it suffices).
template <class Value>
struct IntegerTrace {
  std::vector<std::vector<Value>> tensors;  // by TensorId
};
/// Requires: a validated graph, input values inside [input_min, input_max].
IntegerTrace<std::int64_t> run_rescaled(const IntegerGraph& graph, std::span<const std::int64_t> input);
IntegerTrace<Int128> run_exact(const IntegerGraph& graph, std::span<const std::int64_t> input);
/// The outputs alone, by the right one of the two.
std::vector<Int128> run_integer(const IntegerGraph& graph, std::span<const std::int64_t> input);

/// round-half-away-from-zero(x / scale), clipped to [input_min, input_max].
/// Errors: kInvalidArgument for a wrong number of values, NaN or infinity.
base::Result<std::vector<std::int64_t>> quantize_input(const Architecture& architecture, std::span<const float> input);
/// scale * integer, then the finish (softmax: probabilities; argmax: one index per row).
std::vector<double> dequantize_output(const Architecture& architecture, std::span<const Int128> output);

/// Canonical bytes: the architecture's digest is over these. Parsing validates.
base::Bytes write_architecture(const Architecture& architecture);
base::Result<Architecture> parse_architecture(base::ByteSpan bytes);

}  // namespace blindproof::model
