// Random integer graphs for tests, layer by layer.
#pragma once

#include <cstdint>
#include <random>

#include "blindproof/model/integer_graph.h"

namespace blindproof::testing {

using model::TensorId;

/// Appends nodes with random parameters. Every function returns the new tensor.
class GraphBuilder {
 public:
  GraphBuilder(model::Arithmetic arithmetic, std::uint64_t seed) : random_(seed) { graph_.architecture.arithmetic = arithmetic; }

  TensorId input(model::Shape shape, std::int64_t min, std::int64_t max);
  TensorId dense(TensorId x, std::size_t outputs, int weight_bits = 8, int bias_bits = 16);  // 0: no bias
  TensorId conv(TensorId x, std::size_t outputs, model::Window2d window, std::size_t groups = 1, int weight_bits = 8,
                int bias_bits = 16);
  TensorId sum_pool(TensorId x, model::Window2d window);
  TensorId max_pool(TensorId x, model::Window2d window);
  TensorId add(TensorId a, TensorId b, std::int64_t factor_a, std::int64_t factor_b);
  TensorId multiply(TensorId a, TensorId b);
  /// Clamp; multiplier_bits 0: public factor.
  TensorId requantize(TensorId x, std::uint32_t shift, std::int64_t low, std::int64_t high, int multiplier_bits = 0,
                      std::int64_t factor = 1);
  /// A random table over [-2^(bits-1), 2^(bits-1)-1]: the caller picks the shift so that hi fits.
  TensorId table(TensorId x, std::uint32_t shift, int bits, std::int32_t low, std::int32_t high);
  TensorId reshape(TensorId x, model::Shape shape);
  TensorId transpose(TensorId x, std::vector<std::size_t> permutation);

  /// Fits hi ranges to the parameters, sets the output and validates (aborting if the graph is wrong: a test's own mistake).
  model::IntegerGraph finish(TensorId output);

  std::vector<std::int64_t> random_input(const model::IntegerGraph& graph);
  std::mt19937_64& random() { return random_; }

 private:
  TensorId tensor(model::Shape shape);
  model::ParameterId parameter(model::ParameterRole role, model::Shape shape, int bits);
  TensorId node(model::IntegerOp op, std::vector<TensorId> inputs, model::Shape shape);
  model::Shape pooled(TensorId x, const model::Window2d& window, std::size_t channels) const;

  std::mt19937_64 random_;
  model::IntegerGraph graph_;
};

model::Window2d window(std::size_t kernel, std::size_t stride = 1, std::size_t pad = 0, std::size_t dilation = 1);

}  // namespace blindproof::testing
