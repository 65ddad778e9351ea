#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/model/deterministic_math.h"
#include "blindproof/model/float_graph.h"

namespace blindproof::model {
namespace {

using Values = std::vector<float>;

// So many multiplications are worth handing to another thread.
constexpr std::size_t kGrainProducts = std::size_t{1} << 16;

struct Interval {
  std::size_t begin, end;
};

// The outputs whose window cell `cell` lies inside an input of that size.
Interval outputs_reading(const Window2d& window, std::size_t axis, std::size_t cell, std::size_t input_size,
                         std::size_t output_size) {
  const std::size_t offset = cell * window.dilation[axis], pad = window.pad_begin[axis], stride = window.stride[axis];
  const std::size_t begin = pad > offset ? (pad - offset + stride - 1) / stride : 0;
  const std::size_t end = input_size + pad > offset ? (input_size + pad - offset + stride - 1) / stride : 0;
  return {std::min(begin, output_size), std::min(end, output_size)};
}

// Calls body(row of outputs, first output, count, index of the first input) for each run of outputs along the width
// that reads the window's cell (ky, kx); further inputs of the run lie window.stride[1] apart.
template <class Body>
void for_each_run(const Window2d& window, const Shape& in, const Shape& out, std::size_t ky, std::size_t kx,
                  const Body& body) {
  const Interval rows = outputs_reading(window, 0, ky, in[1], out[1]);
  const Interval columns = outputs_reading(window, 1, kx, in[2], out[2]);
  if (columns.begin >= columns.end) return;
  for (std::size_t y = rows.begin; y < rows.end; ++y) {
    const std::size_t iy = y * window.stride[0] + ky * window.dilation[0] - window.pad_begin[0];
    const std::size_t ix = columns.begin * window.stride[1] + kx * window.dilation[1] - window.pad_begin[1];
    body(y * out[2] + columns.begin, columns.end - columns.begin, iy * in[2] + ix);
  }
}

class Runner {
 public:
  Runner(const FloatGraph& graph, std::vector<Values>& tensors) : graph_(graph), tensors_(tensors) {}

  void run(const FloatNode& node) {
    node_ = &node;
    Values& y = tensors_[node.output];
    y.resize(element_count(graph_.shapes[node.output]));
    std::visit([&](const auto& op) { evaluate(op, tensors_[node.inputs[0]], y); }, node.op);
  }

 private:
  const Shape& in() const { return graph_.shapes[node_->inputs[0]]; }
  const Shape& out() const { return graph_.shapes[node_->output]; }
  const Values& second() const { return tensors_[node_->inputs[1]]; }

  template <class Function>
  static void map(const Values& x, Values& y, Function function) {
    std::transform(x.begin(), x.end(), y.begin(), function);
  }

  void evaluate(const float_op::Dense& op, const Values& x, Values& y) {
    const std::size_t rows = x.size() / op.inputs;
    base::parallel_ranges(op.outputs, kGrainProducts / op.inputs, [&](std::size_t begin, std::size_t end) {
      for (std::size_t row = 0; row < rows; ++row) {
        const float* input = x.data() + row * op.inputs;
        float* output = y.data() + row * op.outputs;
        // Four sums at a time hide the latency of additions; each sum keeps its own order.
        for (std::size_t n = begin; n < end; n += 4) {
          const std::size_t lanes = std::min<std::size_t>(4, end - n);
          double sum[4] = {0, 0, 0, 0};
          const float* weight[4];
          for (std::size_t lane = 0; lane < 4; ++lane) {
            weight[lane] = op.weight.data() + (n + std::min(lane, lanes - 1)) * op.inputs;
            if (lane < lanes && !op.bias.empty()) sum[lane] = op.bias[n + lane];
          }
          for (std::size_t k = 0; k < op.inputs; ++k) {
            const double value = input[k];
            for (std::size_t lane = 0; lane < 4; ++lane) sum[lane] += static_cast<double>(weight[lane][k]) * value;
          }
          for (std::size_t lane = 0; lane < lanes; ++lane) output[n + lane] = static_cast<float>(sum[lane]);
        }
      }
    });
  }

  void evaluate(const float_op::Conv2d& op, const Values& x, Values& y) {
    const Window2d& window = op.window;
    const std::size_t group_inputs = op.inputs / op.groups, group_outputs = op.outputs / op.groups;
    const std::size_t in_plane = in()[1] * in()[2], out_plane = out()[1] * out()[2];
    const std::size_t cells = window.kernel[0] * window.kernel[1];
    const std::size_t grain =
        kGrainProducts / std::max<std::size_t>(1, std::min(kGrainProducts, out_plane * group_inputs * cells));
    base::parallel_ranges(op.outputs, grain, [&](std::size_t begin, std::size_t end) {
      std::vector<double> sums(out_plane);
      for (std::size_t c = begin; c < end; ++c) {
        std::fill(sums.begin(), sums.end(), op.bias.empty() ? 0.0 : static_cast<double>(op.bias[c]));
        for (std::size_t i = 0; i < group_inputs; ++i) {
          const float* plane = x.data() + (c / group_outputs * group_inputs + i) * in_plane;
          const float* kernel = op.weight.data() + (c * group_inputs + i) * cells;
          for (std::size_t cell = 0; cell < cells; ++cell) {
            const double weight = kernel[cell];
            for_each_run(window, in(), out(), cell / window.kernel[1], cell % window.kernel[1],
                         [&](std::size_t first, std::size_t count, std::size_t input) {
                           for (std::size_t o = 0; o < count; ++o) {
                             sums[first + o] += weight * static_cast<double>(plane[input + o * window.stride[1]]);
                           }
                         });
          }
        }
        std::transform(sums.begin(), sums.end(), y.begin() + static_cast<std::ptrdiff_t>(c * out_plane),
                       [](double sum) { return static_cast<float>(sum); });
      }
    });
  }

  void evaluate(const float_op::ScaleShift& op, const Values& x, Values& y) {
    std::size_t inner = 1;
    for (std::size_t axis = op.axis + 1; axis < in().size(); ++axis) inner *= in()[axis];
    const std::size_t channels = op.scale.size();
    for (std::size_t block = 0; block * inner < x.size(); ++block) {
      const double scale = op.scale[block % channels], shift = op.shift[block % channels];
      for (std::size_t i = block * inner; i < (block + 1) * inner; ++i) {
        y[i] = static_cast<float>(scale * static_cast<double>(x[i]) + shift);
      }
    }
  }

  void evaluate(const float_op::Relu&, const Values& x, Values& y) {
    map(x, y, [](float value) { return value > 0 ? value : 0; });
  }
  void evaluate(const float_op::Clip& op, const Values& x, Values& y) {
    map(x, y, [&](float value) { return std::min(std::max(value, op.low), op.high); });
  }
  void evaluate(const float_op::Sigmoid&, const Values& x, Values& y) {
    map(x, y, [](float value) { return static_cast<float>(deterministic_sigmoid(value)); });
  }
  void evaluate(const float_op::Tanh&, const Values& x, Values& y) {
    map(x, y, [](float value) { return static_cast<float>(deterministic_tanh(value)); });
  }
  void evaluate(const float_op::Erf&, const Values& x, Values& y) {
    map(x, y, [](float value) { return static_cast<float>(deterministic_erf(value)); });
  }

  void evaluate(const float_op::Add&, const Values& x, Values& y) {
    std::transform(x.begin(), x.end(), second().begin(), y.begin(), [](float a, float b) { return a + b; });
  }
  void evaluate(const float_op::Subtract&, const Values& x, Values& y) {
    std::transform(x.begin(), x.end(), second().begin(), y.begin(), [](float a, float b) { return a - b; });
  }
  void evaluate(const float_op::Multiply&, const Values& x, Values& y) {
    std::transform(x.begin(), x.end(), second().begin(), y.begin(), [](float a, float b) { return a * b; });
  }

  void evaluate(const float_op::MaxPool2d& op, const Values& x, Values& y) {
    std::fill(y.begin(), y.end(), -std::numeric_limits<float>::infinity());
    for_each_pooled(op.window,
                    [&](std::size_t output, std::size_t input) { y[output] = std::max(y[output], x[input]); });
  }

  void evaluate(const float_op::AveragePool2d& op, const Values& x, Values& y) {
    std::vector<double> sums(y.size(), 0), counts(y.size(), 0);
    for_each_pooled(op.window, [&](std::size_t output, std::size_t input) {
      sums[output] += static_cast<double>(x[input]);
      counts[output] += 1;
    });
    const double cells = static_cast<double>(op.window.kernel[0] * op.window.kernel[1]);
    for (std::size_t i = 0; i < y.size(); ++i)
      y[i] = static_cast<float>(sums[i] / (op.count_padding ? cells : counts[i]));
  }

  template <class Body>
  void for_each_pooled(const Window2d& window, const Body& body) {
    const std::size_t in_plane = in()[1] * in()[2], out_plane = out()[1] * out()[2];
    for (std::size_t c = 0; c < in()[0]; ++c) {
      for (std::size_t ky = 0; ky < window.kernel[0]; ++ky) {
        for (std::size_t kx = 0; kx < window.kernel[1]; ++kx) {
          for_each_run(window, in(), out(), ky, kx, [&](std::size_t first, std::size_t count, std::size_t input) {
            for (std::size_t o = 0; o < count; ++o) {
              body(c * out_plane + first + o, c * in_plane + input + o * window.stride[1]);
            }
          });
        }
      }
    }
  }

  void evaluate(const float_op::Reshape&, const Values& x, Values& y) { y = x; }

  void evaluate(const float_op::Transpose& op, const Values& x, Values& y) {
    const std::size_t rank = in().size();
    std::vector<std::size_t> in_stride(rank, 1), stride(rank), index(rank, 0);
    for (std::size_t axis = rank; axis-- > 1;) in_stride[axis - 1] = in_stride[axis] * in()[axis];
    for (std::size_t axis = 0; axis < rank; ++axis) stride[axis] = in_stride[op.permutation[axis]];
    std::size_t from = 0;
    for (float& value : y) {
      value = x[from];
      for (std::size_t axis = rank; axis-- > 0;) {  // the next index, as an odometer
        from += stride[axis];
        if (++index[axis] < out()[axis]) break;
        from -= stride[axis] * out()[axis];
        index[axis] = 0;
      }
    }
  }

  void evaluate(const float_op::Softmax&, const Values& x, Values& y) {
    const std::size_t size = in().back();
    std::vector<double> exponentials(size);
    for (std::size_t row = 0; row < x.size(); row += size) {
      double largest = static_cast<double>(x[row]), sum = 0;
      for (std::size_t i = 1; i < size; ++i) largest = std::max(largest, static_cast<double>(x[row + i]));
      for (std::size_t i = 0; i < size; ++i) {
        exponentials[i] = deterministic_exp(static_cast<double>(x[row + i]) - largest);
        sum += exponentials[i];
      }
      for (std::size_t i = 0; i < size; ++i) y[row + i] = static_cast<float>(exponentials[i] / sum);
    }
  }

  void evaluate(const float_op::ArgMax&, const Values& x, Values& y) {
    const std::size_t size = in().back();
    for (std::size_t row = 0; row < y.size(); ++row) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(row * size);
      y[row] = static_cast<float>(std::max_element(begin, begin + static_cast<std::ptrdiff_t>(size)) - begin);
    }
  }

  const FloatGraph& graph_;
  std::vector<Values>& tensors_;
  const FloatNode* node_ = nullptr;
};

}  // namespace

std::vector<std::vector<float>> run_float(const FloatGraph& graph, std::span<const float> input) {
  BLINDPROOF_CHECK(input.size() == element_count(graph.shapes[graph.input]), "the input has the wrong size");
  std::vector<Values> tensors(graph.shapes.size());
  tensors[graph.input].assign(input.begin(), input.end());
  Runner runner(graph, tensors);
  for (const FloatNode& node : graph.nodes) runner.run(node);
  return tensors;
}

}  // namespace blindproof::model
