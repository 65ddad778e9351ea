// Linear nodes of exact graphs as matrices of integers between values of a program.
#pragma once

#include <map>
#include <vector>

#include "blindproof/fheml/exact_program.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::compiler {

/// sum_v matrix_v * (value v) + bias, of one tensor.
struct IntegerExpression {
  std::map<fheml::ValueId, fheml::IntegerMatrix> terms;
  std::vector<base::Int128> bias;

  static IntegerExpression of_value(fheml::ValueId value, std::size_t size);
  /// A value as it is, if it is nothing more.
  bool is_value(fheml::ValueId& value) const;
};

/// All but Multiply, in exact graphs.
bool is_affine(const model::IntegerOp& op);
/// The node's output, where `inputs` are the expressions of its inputs.
/// Requires: a valid graph, is_affine(node.op).   Errors: kLimit for numbers of more than 63 bits (biases: 127).
base::Result<IntegerExpression> apply(const model::IntegerGraph& graph, const model::IntegerNode& node,
                                      const std::vector<const IntegerExpression*>& inputs);

}  // namespace blindproof::compiler
