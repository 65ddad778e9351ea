#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "blindproof/model/deterministic_math.h"
#include "blindproof/model/integer_graph.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::model {
namespace {

using base::Uint128;

// sum w[k]*x[k].  Requires: every partial sum fits 32 bits.
template <class Weight>
std::int32_t dot_int32(const Weight* w, const std::int16_t* x, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < count; ++k) sum += static_cast<std::int32_t>(w[k]) * x[k];
  return sum;
}

// The same in blocks short enough for 32-bit partial sums.
template <class Weight>
std::int64_t dot_blocks(const Weight* w, const std::int16_t* x, std::size_t count, std::size_t block) {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < count; k += block) sum += dot_int32(w + k, x + k, std::min(block, count - k));
  return sum;
}

template <class Weight, class Value>
Value dot_wide(const Weight* w, const Value* x, std::size_t count) {
  Value sum = 0;
  for (std::size_t k = 0; k < count; ++k) sum += static_cast<Value>(w[k]) * x[k];
  return sum;
}

// How the dot products of one layer may be computed without overflow.
struct Precision {
  std::size_t narrow_block = 0;  // terms that 16-bit inputs and 32-bit sums allow; 0: too large for that
  bool int64 = false;            // whether 64 bits hold every sum
};

constexpr std::size_t kLeastNarrowBlock = 64;

template <class Value>
Precision precision(const std::vector<Value>& x, int weight_bits, std::size_t terms) {
  Value low = 0, high = 0;
  for (Value value : x) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const Uint128 largest = std::max(static_cast<Uint128>(high), static_cast<Uint128>(-(low + 1)) + 1);
  const std::uint64_t weight = std::uint64_t{1} << (weight_bits - 1);
  Precision result;
  result.int64 =
      base::bit_length(largest) <= 64 && base::bit_length(Uint128{weight} * terms) + base::bit_length(largest) <= 62;
  if (low >= std::numeric_limits<std::int16_t>::min() && high <= std::numeric_limits<std::int16_t>::max()) {
    const std::uint64_t product = weight * std::max<std::uint64_t>(1, static_cast<std::uint64_t>(largest));
    const std::uint64_t block = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) / product;
    if (block >= kLeastNarrowBlock || block >= terms) result.narrow_block = block;
  }
  return result;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& values) {
  return std::vector<To>(values.begin(), values.end());
}

// Calls body with the vector of weights, which have at most 16 bits.
template <class Body>
void with_weights(const ParameterValues& values, Body body) {
  std::visit(
      [&](const auto& weight) {
        using Weight = typename std::decay_t<decltype(weight)>::value_type;
        if constexpr (sizeof(Weight) <= 2) {
          body(weight);
        } else {
          base::check_failed(__FILE__, __LINE__, "weight", "weights have at most 16 bits");
        }
      },
      values);
}

template <class Value>
class Interpreter {
 public:
  explicit Interpreter(const IntegerGraph& graph) : graph_(graph), a_(graph.architecture), tensors_(a_.shapes.size()) {}

  IntegerTrace<Value> run(std::span<const std::int64_t> input) && {
    BLINDPROOF_CHECK(input.size() == element_count(a_.shapes[a_.input]), "one value for each element of the input");
    tensors_[a_.input].assign(input.begin(), input.end());
    for (const IntegerNode& node : a_.nodes) {
      node_ = &node;
      out().resize(element_count(a_.shapes[node.output]));
      std::visit([&](const auto& op) { step(op); }, node.op);
    }
    return {std::move(tensors_)};
  }

 private:
  const std::vector<Value>& in(std::size_t i = 0) const { return tensors_[node_->inputs[i]]; }
  std::vector<Value>& out() { return tensors_[node_->output]; }
  const Shape& in_shape() const { return a_.shapes[node_->inputs[0]]; }
  const Shape& out_shape() const { return a_.shapes[node_->output]; }

  std::vector<Value> bias_values(const std::optional<ParameterId>& id, std::size_t outputs) const {
    if (!id) return std::vector<Value>(outputs, 0);
    return std::visit([](const auto& bias) { return converted<Value>(bias); }, graph_.values[*id]);
  }

  void step(const integer_op::Dense& op) {
    const ParameterInfo& info = a_.parameters[op.weight];
    const std::size_t outputs = info.shape[0], inputs = info.shape[1], rows = in().size() / inputs;
    const std::vector<Value> bias = bias_values(op.bias, outputs);
    const Precision how = precision(in(), info.bits, inputs);
    with_weights(graph_.values[op.weight], [&](const auto& weight) {
      const auto each = [&](const auto& x, const auto& dot) {
        for (std::size_t row = 0; row < rows; ++row) {
          for (std::size_t n = 0; n < outputs; ++n) {
            out()[row * outputs + n] = bias[n] + static_cast<Value>(dot(&weight[n * inputs], &x[row * inputs]));
          }
        }
      };
      if (how.narrow_block >= inputs) {
        each(converted<std::int16_t>(in()), [&](const auto* w, const auto* x) { return dot_int32(w, x, inputs); });
      } else if (how.narrow_block > 0) {
        each(converted<std::int16_t>(in()),
             [&](const auto* w, const auto* x) { return dot_blocks(w, x, inputs, how.narrow_block); });
      } else if (how.int64) {
        each(converted<std::int64_t>(in()), [&](const auto* w, const auto* x) { return dot_wide(w, x, inputs); });
      } else {
        each(in(), [&](const auto* w, const auto* x) { return dot_wide(w, x, inputs); });
      }
    });
  }

  void step(const integer_op::Conv2d& op) {
    const ParameterInfo& info = a_.parameters[op.weight];
    const std::size_t terms = element_count(info.shape) / info.shape[0];
    const std::vector<Value> bias = bias_values(op.bias, info.shape[0]);
    const Precision how = precision(in(), info.bits, terms);
    with_weights(graph_.values[op.weight], [&](const auto& weight) {
      if (how.narrow_block > 0) {
        // Rows padded to whole vectors: convolutions have short rows.
        constexpr std::size_t kLanes = 16;
        const std::size_t padded = (terms + kLanes - 1) / kLanes * kLanes;
        std::vector<std::int16_t> rows(info.shape[0] * padded, 0);
        for (std::size_t n = 0; n < info.shape[0]; ++n) {
          std::copy_n(&weight[n * terms], terms, &rows[n * padded]);
        }
        convolve(op, terms, padded, bias, rows, converted<std::int16_t>(in()),
                 [&](const std::int16_t* w, const std::int16_t* x) -> std::int64_t {
                   if (how.narrow_block < terms) return dot_blocks(w, x, terms, how.narrow_block);
                   std::int32_t sum = 0;
                   for (std::size_t k = 0; k < padded; k += kLanes) sum += dot_int32(w + k, x + k, kLanes);
                   return sum;
                 });
      } else if (how.int64) {
        convolve(op, terms, terms, bias, weight, converted<std::int64_t>(in()),
                 [&](const auto* w, const auto* x) { return dot_wide(w, x, terms); });
      } else {
        convolve(op, terms, terms, bias, weight, in(),
                 [&](const auto* w, const auto* x) { return dot_wide(w, x, terms); });
      }
    });
  }

  // Gathers the cells under each position of the window once for each group; rows of `weight` are `stride` apart.
  template <class Weight, class Element, class Dot>
  void convolve(const integer_op::Conv2d& op, std::size_t terms, std::size_t stride, const std::vector<Value>& bias,
                const std::vector<Weight>& weight, const std::vector<Element>& x, Dot dot) {
    const Window2d& window = op.window;
    const std::size_t height = in_shape()[1], width = in_shape()[2];
    const std::size_t positions = out_shape()[1] * out_shape()[2];
    const std::size_t group_inputs = in_shape()[0] / op.groups, group_outputs = out_shape()[0] / op.groups;
    std::vector<Element> patch(stride, 0);
    for (std::size_t group = 0; group < op.groups; ++group) {
      const Element* image = &x[group * group_inputs * height * width];
      for (std::size_t position = 0; position < positions; ++position) {
        const std::size_t top = position / out_shape()[2] * window.stride[0];
        const std::size_t left = position % out_shape()[2] * window.stride[1];
        std::fill_n(patch.begin(), terms, Element{0});
        for (std::size_t ky = 0; ky < window.kernel[0]; ++ky) {
          const std::size_t y = top + ky * window.dilation[0] - window.pad_begin[0];  // wraps when in the padding
          if (y >= height) continue;
          for (std::size_t kx = 0; kx < window.kernel[1]; ++kx) {
            const std::size_t column = left + kx * window.dilation[1] - window.pad_begin[1];
            if (column >= width) continue;
            for (std::size_t c = 0; c < group_inputs; ++c) {
              patch[(c * window.kernel[0] + ky) * window.kernel[1] + kx] = image[(c * height + y) * width + column];
            }
          }
        }
        for (std::size_t n = group * group_outputs; n < (group + 1) * group_outputs; ++n) {
          out()[n * positions + position] = bias[n] + static_cast<Value>(dot(&weight[n * stride], patch.data()));
        }
      }
    }
  }

  template <class Combine>
  void pool(const Window2d& window, Combine combine) {
    const std::size_t height = in_shape()[1], width = in_shape()[2];
    std::size_t index = 0;
    for (std::size_t c = 0; c < in_shape()[0]; ++c) {
      const Value* image = &in()[c * height * width];
      for (std::size_t oy = 0; oy < out_shape()[1]; ++oy) {
        for (std::size_t ox = 0; ox < out_shape()[2]; ++ox, ++index) {
          std::optional<Value> result;
          for (std::size_t ky = 0; ky < window.kernel[0]; ++ky) {
            const std::size_t y = oy * window.stride[0] + ky * window.dilation[0] - window.pad_begin[0];
            if (y >= height) continue;
            for (std::size_t kx = 0; kx < window.kernel[1]; ++kx) {
              const std::size_t x = ox * window.stride[1] + kx * window.dilation[1] - window.pad_begin[1];
              if (x >= width) continue;
              const Value value = image[y * width + x];
              result = result ? combine(*result, value) : value;
            }
          }
          out()[index] = *result;  // no window lies entirely in the padding
        }
      }
    }
  }

  void step(const integer_op::SumPool2d& op) {
    pool(op.window, [](Value a, Value b) { return a + b; });
  }
  void step(const integer_op::MaxPool2d& op) {
    pool(op.window, [](Value a, Value b) { return std::max(a, b); });
  }

  void step(const integer_op::Add& op) {
    const Value left = static_cast<Value>(op.factor[0]), right = static_cast<Value>(op.factor[1]);
    for (std::size_t i = 0; i < out().size(); ++i) out()[i] = left * in(0)[i] + right * in(1)[i];
  }

  void step(const integer_op::Multiply&) {
    for (std::size_t i = 0; i < out().size(); ++i) out()[i] = in(0)[i] * in(1)[i];
  }

  void step(const integer_op::Requantize& op) {
    std::visit(Overloaded{[&](const integer_op::Requantize::Clamp& clamp) {
                            const Value low = static_cast<Value>(clamp.low), high = static_cast<Value>(clamp.high);
                            requantize(op, [=](Value hi) { return std::clamp(hi, low, high); });
                          },
                          [&](TableId id) {
                            const Table& table = a_.tables[id];
                            requantize(op, [&](Value hi) {
                              const Value index = hi - static_cast<Value>(table.first);
                              BLINDPROOF_CHECK(index >= 0 && index < static_cast<Value>(table.values.size()),
                                               "the analysis bounds hi to the table");
                              return static_cast<Value>(table.values[static_cast<std::size_t>(index)]);
                            });
                          }},
               op.activation);
  }

  template <class Activation>
  void requantize(const integer_op::Requantize& op, Activation activation) {
    const Value half = op.shift > 0 ? Value{1} << (op.shift - 1) : Value{0};
    std::size_t inner = in().size();
    std::vector<Value> factors = {static_cast<Value>(op.factor)};
    if (op.multiplier) {
      factors = bias_values(op.multiplier, 0);
      inner = 1;
      for (std::size_t axis = op.channel_axis + std::size_t{1}; axis < in_shape().size(); ++axis)
        inner *= in_shape()[axis];
    }
    std::size_t index = 0;
    while (index < in().size()) {
      for (const Value factor : factors) {
        for (const std::size_t end = index + inner; index < end; ++index) {
          out()[index] = activation((in()[index] * factor + half) >> op.shift);
        }
      }
    }
  }

  void step(const integer_op::Reshape&) { out() = in(); }

  void step(const integer_op::Transpose& op) {
    // stride[i]: distance in the input of neighbours along output axis i.
    const std::size_t rank = in_shape().size();
    std::vector<std::size_t> input_stride(rank, 1), stride(rank), position(rank, 0);
    for (std::size_t axis = rank; axis-- > 1;) input_stride[axis - 1] = input_stride[axis] * in_shape()[axis];
    for (std::size_t axis = 0; axis < rank; ++axis) stride[axis] = input_stride[op.permutation[axis]];
    std::size_t source = 0;
    for (Value& value : out()) {
      value = in()[source];
      for (std::size_t axis = rank; axis-- > 0;) {
        source += stride[axis];
        if (++position[axis] < out_shape()[axis]) break;
        source -= stride[axis] * position[axis];
        position[axis] = 0;
      }
    }
  }

  const IntegerGraph& graph_;
  const Architecture& a_;
  const IntegerNode* node_ = nullptr;
  std::vector<std::vector<Value>> tensors_;
};

std::size_t row_size(const Architecture& architecture) { return architecture.shapes[architecture.output].back(); }

}  // namespace

IntegerTrace<std::int64_t> run_rescaled(const IntegerGraph& graph, std::span<const std::int64_t> input) {
  return Interpreter<std::int64_t>(graph).run(input);
}

IntegerTrace<Int128> run_exact(const IntegerGraph& graph, std::span<const std::int64_t> input) {
  BLINDPROOF_CHECK(graph.architecture.arithmetic == Arithmetic::kExact, "an exact graph");
  return Interpreter<Int128>(graph).run(input);
}

std::vector<Int128> run_integer(const IntegerGraph& graph, std::span<const std::int64_t> input) {
  const TensorId output = graph.architecture.output;
  if (graph.architecture.arithmetic == Arithmetic::kExact) return std::move(run_exact(graph, input).tensors[output]);
  return converted<Int128>(run_rescaled(graph, input).tensors[output]);
}

base::Result<std::vector<std::int64_t>> quantize_input(const Architecture& architecture, std::span<const float> input) {
  const auto wrong = [](std::string detail) {
    return base::error(base::ErrorCode::kInvalidArgument, "input", std::move(detail));
  };
  const Shape& shape = architecture.shapes[architecture.input];
  if (input.size() != element_count(shape)) {
    return wrong(std::to_string(input.size()) + " values; the model takes " + to_string(shape));
  }
  std::vector<std::int64_t> out;
  out.reserve(input.size());
  const double low = static_cast<double>(architecture.input_min), high = static_cast<double>(architecture.input_max);
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (!std::isfinite(input[i])) return wrong("value " + std::to_string(i) + " is NaN or infinite");
    const double rounded = std::round(static_cast<double>(input[i]) / architecture.input_scale);
    out.push_back(static_cast<std::int64_t>(std::clamp(rounded, low, high)));
  }
  return out;
}

std::vector<double> dequantize_output(const Architecture& architecture, std::span<const Int128> output) {
  BLINDPROOF_CHECK(output.size() == element_count(architecture.shapes[architecture.output]), "all of the output");
  std::vector<double> out;
  if (architecture.finish == Finish::kArgMax) {
    const std::size_t size = row_size(architecture);
    for (std::size_t row = 0; row < output.size(); row += size) {
      const auto values = output.subspan(row, size);
      out.push_back(static_cast<double>(std::max_element(values.begin(), values.end()) - values.begin()));
    }
    return out;
  }
  for (Int128 value : output) out.push_back(architecture.output_scale * static_cast<double>(value));
  if (architecture.finish == Finish::kSoftmax) {
    const std::size_t size = row_size(architecture);
    for (std::size_t row = 0; row < out.size(); row += size) {
      const std::span<double> values = std::span(out).subspan(row, size);
      const double largest = *std::max_element(values.begin(), values.end());
      double sum = 0;
      for (double& value : values) {
        value = deterministic_exp(value - largest);
        sum += value;
      }
      for (double& value : values) value /= sum;
    }
  }
  return out;
}

}  // namespace blindproof::model
