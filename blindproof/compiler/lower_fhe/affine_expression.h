// Linear nodes as matrices between values of a program.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "blindproof/fheml/program.h"
#include "blindproof/model/float_graph.h"

namespace blindproof::compiler {

/// sum_v matrix_v * (value v) + bias, of one tensor.
struct AffineExpression {
  std::map<fheml::ValueId, fheml::SparseMatrix> terms;
  std::vector<double> bias;

  static AffineExpression of_value(fheml::ValueId value, std::size_t size);
  /// Values one after the other.
  static AffineExpression of_values(std::span<const fheml::ValueId> values, std::span<const std::size_t> sizes);
  /// A value as it is, if it is nothing more.
  bool is_value(fheml::ValueId& value) const;
};

/// Elements first, first + 1, .., first + count - 1.
AffineExpression part(const AffineExpression& a, std::size_t first, std::size_t count);
AffineExpression scaled(AffineExpression a, double factor);
AffineExpression add(const AffineExpression& a, const AffineExpression& b, double factor_of_b);

bool is_affine(const model::FloatOp& op);
/// The node's output, where `inputs` are the expressions of its inputs, of these shapes.   Requires: is_affine(node.op).
AffineExpression apply(const model::FloatNode& node, const std::vector<const AffineExpression*>& inputs,
                       const std::vector<model::Shape>& input_shapes, const model::Shape& output_shape);

}  // namespace blindproof::compiler
