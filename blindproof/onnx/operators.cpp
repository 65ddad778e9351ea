#include "blindproof/onnx/operators.h"

namespace blindproof::onnx {
namespace {

constexpr Operator kOperators[] = {
    {"Add", import_add},
    {"ArgMax", import_arg_max},
    {"AveragePool", import_average_pool},
    {"BatchNormalization", import_batch_normalization},
    {"Cast", import_cast},
    {"Clip", import_clip},
    {"Concat", import_concat},
    {"Constant", import_constant},
    {"Conv", import_conv},
    {"Div", import_divide},
    {"Dropout", import_dropout},
    {"Erf", import_erf},
    {"Flatten", import_flatten},
    {"Gelu", import_gelu},
    {"Gemm", import_gemm},
    {"GlobalAveragePool", import_global_average_pool},
    {"GlobalMaxPool", import_global_max_pool},
    {"Identity", import_identity},
    {"MatMul", import_mat_mul},
    {"MaxPool", import_max_pool},
    {"Mul", import_multiply},
    {"Neg", import_negate},
    {"Pow", import_power},
    {"ReduceMean", import_reduce_mean},
    {"Relu", import_relu},
    {"Reshape", import_reshape},
    {"Shape", import_shape},
    {"Sigmoid", import_sigmoid},
    {"Softmax", import_softmax},
    {"Squeeze", import_squeeze},
    {"Sub", import_subtract},
    {"Tanh", import_tanh},
    {"Transpose", import_transpose},
    {"Unsqueeze", import_unsqueeze},
    {"ai.onnx.ml.LinearClassifier", import_linear_classifier, 1},
    {"ai.onnx.ml.LinearRegressor", import_linear_regressor},
    {"ai.onnx.ml.Normalizer", import_normalizer},
    {"ai.onnx.ml.Scaler", import_scaler},
    {"ai.onnx.ml.ZipMap", import_zip_map},
};

}  // namespace

const Operator* find_operator(std::string_view name) {
  for (const Operator& candidate : kOperators) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

std::string supported_operators() {
  std::string out;
  for (const Operator& supported : kOperators) {
    if (!out.empty()) out += ", ";
    out += supported.name;
  }
  return out;
}

std::string advice_for(std::string_view name) {
  if (name == "LogSoftmax") return "; export the model with Softmax or with the logits, which rank the classes alike";
  if (name == "LeakyRelu" || name == "Elu" || name == "HardSwish")
    return "; use Relu, Clip, Gelu, Sigmoid or Tanh";
  if (name == "Pad") return "; give the padding to Conv or the pool behind it";
  if (name == "QuantizeLinear" || name == "DequantizeLinear" || name == "QLinearConv" || name == "ConvInteger") {
    return "; export the float model, quantisation is done here";
  }
  if (name == "LayerNormalization" || name == "InstanceNormalization") return "; use BatchNormalization";
  return "";
}

}  // namespace blindproof::onnx
