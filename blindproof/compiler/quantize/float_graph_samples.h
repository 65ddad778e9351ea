// Small float graphs with random weights for tests.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "blindproof/model/float_graph.h"

namespace blindproof::compiler {

class FloatSample {
 public:
  FloatSample(std::uint64_t seed, model::Shape input) : random_(seed) { graph.shapes.push_back(std::move(input)); }

  model::FloatGraph graph;
  model::TensorId at = 0;  // what the next node reads

  float uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(random_); }
  std::size_t pick(std::size_t low, std::size_t high) {
    return std::uniform_int_distribution<std::size_t>(low, high)(random_);
  }

  std::vector<float> values(std::size_t count, float low, float high) {
    std::vector<float> out(count);
    for (float& value : out) value = uniform(low, high);
    return out;
  }

  const model::Shape& shape() const { return graph.shapes[at]; }

  FloatSample& append(model::FloatOp op, std::vector<model::TensorId> inputs, model::Shape out) {
    graph.shapes.push_back(std::move(out));
    at = static_cast<model::TensorId>(graph.shapes.size() - 1);
    graph.nodes.push_back({std::move(op), std::move(inputs), at, "n" + std::to_string(graph.nodes.size())});
    graph.output = at;
    return *this;
  }

  /// An operator that keeps the shape.
  FloatSample& apply(model::FloatOp op) { return append(std::move(op), {at}, shape()); }

  FloatSample& dense(std::size_t outputs) {
    model::Shape out = shape();
    const std::size_t inputs = out.back();
    out.back() = outputs;
    const float range = 1.7f / std::sqrt(static_cast<float>(inputs));
    // Rows of different sizes, so that scales for each channel matter.
    model::float_op::Dense op{outputs, inputs, values(outputs * inputs, -range, range), values(outputs, -0.3f, 0.3f)};
    for (std::size_t n = 0; n < outputs; ++n) {
      const float factor = uniform(0.3f, 1);
      for (std::size_t k = 0; k < inputs; ++k) op.weight[n * inputs + k] *= factor;
    }
    return append(std::move(op), {at}, out);
  }

  FloatSample& conv(std::size_t outputs, std::size_t groups, const model::Window2d& w) {
    const std::size_t inputs = shape()[0], terms = inputs / groups * w.kernel[0] * w.kernel[1];
    const float range = 1.7f / std::sqrt(static_cast<float>(terms));
    return append(model::float_op::Conv2d{outputs, inputs, groups, w, values(outputs * terms, -range, range),
                                          values(outputs, -0.2f, 0.2f)},
                  {at}, windowed(outputs, w));
  }

  FloatSample& max_pool(const model::Window2d& w) {
    return append(model::float_op::MaxPool2d{w}, {at}, windowed(shape()[0], w));
  }
  FloatSample& average_pool(const model::Window2d& w, bool count_padding) {
    return append(model::float_op::AveragePool2d{w, count_padding}, {at}, windowed(shape()[0], w));
  }
  FloatSample& reshape(model::Shape out) { return append(model::float_op::Reshape{}, {at}, std::move(out)); }
  FloatSample& flatten() { return reshape({model::element_count(shape())}); }
  FloatSample& transpose(std::vector<std::size_t> order) {
    model::Shape out;
    for (std::size_t axis : order) out.push_back(shape()[axis]);
    return append(model::float_op::Transpose{order}, {at}, out);
  }
  FloatSample& scale_shift(std::size_t axis) {
    const std::size_t size = shape()[axis];
    return apply(model::float_op::ScaleShift{axis, values(size, 0.4f, 1.6f), values(size, -0.5f, 0.5f)});
  }

  std::vector<std::vector<float>> samples(std::size_t count, float low, float high) {
    std::vector<std::vector<float>> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(values(model::element_count(graph.shapes[0]), low, high));
    return out;
  }

  static model::Window2d window(std::size_t kernel, std::size_t stride = 1, std::size_t padding = 0,
                                std::size_t dilation = 1) {
    model::Window2d w;
    for (std::size_t axis : {0u, 1u}) {
      w.kernel[axis] = kernel;
      w.stride[axis] = stride;
      w.pad_begin[axis] = w.pad_end[axis] = padding;
      w.dilation[axis] = dilation;
    }
    return w;
  }

 private:
  model::Shape windowed(std::size_t channels, const model::Window2d& w) const {
    return {channels, w.output_size(0, shape()[1]), w.output_size(1, shape()[2])};
  }

  std::mt19937_64 random_;
};

/// A random chain of operators with residual branches, ending in a Dense.
inline FloatSample random_float_sample(std::uint64_t seed) {
  namespace op = model::float_op;
  FloatSample s(seed, {2, 9, 9});
  const std::size_t steps = s.pick(2, 6);
  for (std::size_t step = 0; step < steps; ++step) {
    const bool image = s.shape().size() == 3 && s.shape()[1] >= 3 && s.shape()[2] >= 3;
    switch (s.pick(image ? 0 : 3, 12)) {
      case 0:
        s.conv(s.shape()[0] * s.pick(1, 2), s.pick(0, 1) == 0 ? 1 : s.shape()[0],
               FloatSample::window(s.pick(1, 3), s.pick(1, 2), s.pick(0, 1)));
        break;
      case 1:
        s.max_pool(FloatSample::window(2, s.pick(1, 2)));
        break;
      case 2:
        s.average_pool(FloatSample::window(s.pick(2, 3), s.pick(1, 2)), true);
        break;
      case 3:
        s.apply(op::Relu{});
        break;
      case 4:
        s.apply(op::Clip{-0.5f, 1});
        break;
      case 5:
        s.apply(op::Sigmoid{});
        break;
      case 6:
        s.apply(op::Tanh{});
        break;
      case 7: {
        const model::TensorId skip = s.at;
        s.dense(s.shape().back());
        s.append(op::Add{}, {skip, s.at}, s.shape());
        break;
      }
      case 8: {
        const model::TensorId skip = s.at;
        s.dense(s.shape().back()).apply(op::Tanh{});
        s.append(op::Subtract{}, {skip, s.at}, s.shape());
        break;
      }
      case 9: {
        const model::TensorId skip = s.at;
        s.dense(s.shape().back());
        s.append(op::Multiply{}, {s.at, skip}, s.shape());
        break;
      }
      case 10:
        s.scale_shift(s.pick(0, s.shape().size() - 1));
        break;
      case 11: {
        const model::Shape shape = s.shape();
        if (shape.size() == 3) {
          s.transpose({1, 0, 2});
        } else {
          s.reshape({shape[0], model::element_count(shape) / shape[0]});
        }
        break;
      }
      default:
        s.append(op::Multiply{}, {s.at, s.at}, s.shape());
    }
  }
  return s.flatten().dense(5);
}

}  // namespace blindproof::compiler
