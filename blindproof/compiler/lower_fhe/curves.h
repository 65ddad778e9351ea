// The real functions of operators that work element by element and aren't linear.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "blindproof/model/float_graph.h"

namespace blindproof::compiler {

/// Nothing for other operators.
inline std::function<double(double)> curve_of(const model::FloatOp& op) {
  if (std::holds_alternative<model::float_op::Relu>(op)) return [](double x) { return std::max(x, 0.0); };
  if (const auto* clip = std::get_if<model::float_op::Clip>(&op)) {
    return [low = static_cast<double>(clip->low), high = static_cast<double>(clip->high)](double x) { return std::clamp(x, low, high); };
  }
  if (std::holds_alternative<model::float_op::Sigmoid>(op)) return [](double x) { return 1 / (1 + std::exp(-x)); };
  if (std::holds_alternative<model::float_op::Tanh>(op)) return [](double x) { return std::tanh(x); };
  if (std::holds_alternative<model::float_op::Erf>(op)) return [](double x) { return std::erf(x); };
  return nullptr;
}

}  // namespace blindproof::compiler
