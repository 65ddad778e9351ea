// Nodes whose inputs are all known while importing: shape arithmetic and transformations of weights.
#pragma once

#include <string_view>

#include "blindproof/base/result.h"
#include "blindproof/onnx/graph_builder.h"

namespace blindproof::onnx {

/// Whether `fold_constants` knows the operator.
bool can_fold(std::string_view name);

/// Requires: can_fold(name), and all inputs of the node are constants. Errors: kMalformed, kUnsupported, kLimit.
base::Result<ConstantPointer> fold_constants(std::string_view name, NodeContext& node);

}  // namespace blindproof::onnx
