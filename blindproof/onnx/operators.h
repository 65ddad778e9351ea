// ONNX operators by name. Each is a function from a node's inputs to the value of its main output.
#pragma once

#include <string>
#include <string_view>

#include "blindproof/base/result.h"
#include "blindproof/onnx/graph_builder.h"

namespace blindproof::onnx {

using Handler = base::Result<Value> (*)(NodeContext& node);

struct Operator {
  std::string_view name;  // with its domain, unless that is the default one
  Handler handler;
  int output = 0;  // the output that the handler's value is for; there is no value for others
};

/// Null if there is no such operator.
const Operator* find_operator(std::string_view name);
/// "Add, ArgMax, ..., Transpose".
std::string supported_operators();

/// What to do instead, for some operators that are not supported; empty for others.
std::string advice_for(std::string_view name);

// operators_elementwise.cpp
base::Result<Value> import_add(NodeContext& node);
base::Result<Value> import_subtract(NodeContext& node);
base::Result<Value> import_multiply(NodeContext& node);
base::Result<Value> import_divide(NodeContext& node);
base::Result<Value> import_negate(NodeContext& node);
base::Result<Value> import_power(NodeContext& node);
base::Result<Value> import_relu(NodeContext& node);
base::Result<Value> import_clip(NodeContext& node);
base::Result<Value> import_sigmoid(NodeContext& node);
base::Result<Value> import_tanh(NodeContext& node);
base::Result<Value> import_erf(NodeContext& node);
base::Result<Value> import_gelu(NodeContext& node);
base::Result<Value> import_batch_normalization(NodeContext& node);
base::Result<Value> import_softmax(NodeContext& node);
base::Result<Value> import_arg_max(NodeContext& node);

// operators_linear.cpp
base::Result<Value> import_gemm(NodeContext& node);
base::Result<Value> import_mat_mul(NodeContext& node);
base::Result<Value> import_conv(NodeContext& node);

// operators_pool.cpp
base::Result<Value> import_max_pool(NodeContext& node);
base::Result<Value> import_average_pool(NodeContext& node);
base::Result<Value> import_global_max_pool(NodeContext& node);
base::Result<Value> import_global_average_pool(NodeContext& node);
base::Result<Value> import_reduce_mean(NodeContext& node);

// operators_shape.cpp
base::Result<Value> import_constant(NodeContext& node);
base::Result<Value> import_identity(NodeContext& node);
base::Result<Value> import_dropout(NodeContext& node);
base::Result<Value> import_cast(NodeContext& node);
base::Result<Value> import_shape(NodeContext& node);
base::Result<Value> import_flatten(NodeContext& node);
base::Result<Value> import_reshape(NodeContext& node);
base::Result<Value> import_squeeze(NodeContext& node);
base::Result<Value> import_unsqueeze(NodeContext& node);
base::Result<Value> import_transpose(NodeContext& node);

// operators_sklearn.cpp
base::Result<Value> import_concat(NodeContext& node);
base::Result<Value> import_linear_classifier(NodeContext& node);
base::Result<Value> import_linear_regressor(NodeContext& node);
base::Result<Value> import_scaler(NodeContext& node);
base::Result<Value> import_normalizer(NodeContext& node);
base::Result<Value> import_zip_map(NodeContext& node);

}  // namespace blindproof::onnx
