// Appends nodes and parameters to an integer graph, and counts what each layer of the float graph costs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "blindproof/compiler/quantize/calibration.h"
#include "blindproof/compiler/quantize/lowering.h"

namespace blindproof::compiler {

using model::Int128;

class GraphBuilder {
 public:
  explicit GraphBuilder(model::Arithmetic arithmetic) { architecture().arithmetic = arithmetic; }

  model::Architecture& architecture() { return lowered_.graph.architecture; }
  const model::Architecture& architecture() const { return lowered_.graph.architecture; }
  model::IntegerGraph& graph() { return lowered_.graph; }

  /// Declares the input with `bits` bits, unsigned if the samples are, and a public scale of two decimal digits (or a
  /// power of two).
  void set_input(const model::Shape& shape, const MagnitudeHistogram& histogram, double bound, int bits,
                 bool power_of_two);

  /// What follows is made for this node of the float graph.
  void begin_layer(const model::FloatNode& node, std::string_view op);

  model::TensorId append(model::IntegerOp op, std::vector<model::TensorId> inputs, model::Shape shape);

  template <class Value>
  model::ParameterId add_parameter(model::ParameterRole role, model::Shape shape, int bits,
                                   std::span<const Value> values) {
    const model::ParameterInfo info{role, std::move(shape), bits};
    model::ParameterValues stored = model::zero_values(info);
    std::visit(
        [&](auto& out) {
          using Stored = typename std::decay_t<decltype(out)>::value_type;
          for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Stored>(values[i]);
        },
        stored);
    lowered_.layers.back().parameters += values.size();
    architecture().parameters.push_back(info);
    lowered_.graph.values.push_back(std::move(stored));
    return static_cast<model::ParameterId>(architecture().parameters.size() - 1);
  }

  Lowered take() && { return std::move(lowered_); }

 private:
  Lowered lowered_;
};

/// The names of `node` for messages: "node 'conv1' (Conv2d)".
std::string describe(const model::FloatNode& node);

/// Whether a window with padding reaches into it, so that an average without the padding has different divisors.
bool averages_unevenly(const model::float_op::AveragePool2d& op, const model::Shape& in, const model::Shape& out);
base::Error uneven_average(const model::FloatNode& node);

/// The scale with which `weights` become integers up to `largest`: that of the largest weight, or, for few bits, the
/// one of least square error among some smaller ones. 0 if all weights are 0.
double weight_scale(std::span<const float> weights, int bits);

}  // namespace blindproof::compiler
