// What scikit-learn's exporter writes.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/onnx/operators.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
namespace op = model::float_op;

// Features of a sample. Errors unless the input is [N, features].
Result<std::size_t> features_of(NodeContext& node, Computed x) {
  if (node.graph().batch_rank() == 1 && node.shape(x).size() == 1) return node.shape(x)[0];
  return node.unsupported("an input of [N,features] is needed, not " + node.file_shape(x));
}

// Dense from the attributes `coefficients` and `intercepts`.
Result<op::Dense> read_dense(NodeContext& node, std::size_t inputs, std::size_t outputs) {
  const auto coefficients = node.attributes.numbers("coefficients");
  const auto intercepts = node.attributes.numbers("intercepts");
  if (outputs == 0 || !coefficients || coefficients->size() / outputs != inputs ||
      coefficients->size() % outputs != 0) {
    return node.unsupported("there isn't one row of coefficients for each of the " + std::to_string(outputs) +
                            " outputs");
  }
  if (intercepts && !intercepts->empty() && intercepts->size() != outputs) {
    return node.malformed("there isn't one intercept for each output");
  }
  return op::Dense{outputs, inputs, *coefficients, intercepts.value_or(std::vector<float>())};
}

// Whether the second of two rows is the first one negated, as in the export of a binary classifier.
bool rows_are_opposite(const op::Dense& dense) {
  if (dense.outputs != 2) return false;
  const auto opposite = [](float a, float b) { return a == -b; };
  const auto middle = dense.weight.begin() + static_cast<std::ptrdiff_t>(dense.inputs);
  return std::equal(dense.weight.begin(), middle, middle, dense.weight.end(), opposite) &&
         (dense.bias.empty() || opposite(dense.bias[0], dense.bias[1]));
}

}  // namespace

// Of computed tensors only the end of a binary classifier, [1 - p, p] with p = sigmoid(z): that is softmax([-z/2,
// z/2]).
Result<Value> import_concat(NodeContext& node) {
  const auto refusal = [&] {
    return node.unsupported(
        "computed tensors are joined only at the end of a binary classifier, as 1-p and p with p from Sigmoid");
  };
  if (node.input_count() != 2) return refusal();
  BLINDPROOF_ASSIGN(const Computed rest, node.computed(0));
  BLINDPROOF_ASSIGN(const Computed p, node.computed(1));
  const std::int64_t axis = node.attributes.integer("axis", 1);
  const model::FloatNode* sigmoid = node.graph().writer(p.id);
  const model::FloatNode* complement = node.graph().writer(rest.id);
  if (node.shape(p) != Shape{1} || node.graph().batch_rank() != 1 || (axis != 1 && axis != -1) || sigmoid == nullptr ||
      complement == nullptr || complement->inputs[0] != p.id || !std::holds_alternative<op::Sigmoid>(sigmoid->op)) {
    return refusal();
  }
  const auto* affine = std::get_if<op::ScaleShift>(&complement->op);
  if (affine == nullptr || affine->scale[0] != -1 || affine->shift[0] != 1) return refusal();
  const Computed z{sigmoid->inputs[0]};
  const Computed logits = node.append(op::Dense{2, 1, {-0.5f, 0.5f}, {}}, z, {2});
  return Value(node.append(op::Softmax{}, logits, {2}));
}

Result<Value> import_linear_classifier(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const std::size_t inputs, features_of(node, x));
  node.attributes.ignore("multi_class");
  std::size_t classes = 0;
  for (const char* labels : {"classlabels_ints", "classlabels_int64s"}) {
    if (const auto values = node.attributes.integers(labels)) classes = values->size();
  }
  if (const auto count = node.attributes.text_count("classlabels_strings")) classes = *count;
  BLINDPROOF_ASSIGN(op::Dense dense, read_dense(node, inputs, classes));
  const std::string transform = node.attributes.text("post_transform", "NONE");
  const bool opposite = rows_are_opposite(dense);
  if (transform == "LOGISTIC" && opposite) {
    // [sigmoid(-z), sigmoid(z)] = softmax([-z/2, z/2]).
    for (auto* values : {&dense.weight, &dense.bias}) {
      for (float& value : *values) value /= 2;
    }
  }
  const Computed scores = node.append(std::move(dense), x, {classes});
  if (transform == "NONE") return Value(scores);
  if (transform == "SOFTMAX" || (transform == "LOGISTIC" && opposite))
    return Value(node.append(op::Softmax{}, scores, {classes}));
  if (transform == "LOGISTIC") return Value(node.append(op::Sigmoid{}, scores, {classes}));
  return node.unsupported("post_transform " + printable(transform) + " is not supported");
}

Result<Value> import_linear_regressor(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const std::size_t inputs, features_of(node, x));
  const std::int64_t targets = node.attributes.integer("targets", 1);
  if (targets < 1) return node.malformed("there are no targets");
  const auto outputs = static_cast<std::size_t>(targets);
  BLINDPROOF_ASSIGN(op::Dense dense, read_dense(node, inputs, outputs));
  const std::string transform = node.attributes.text("post_transform", "NONE");
  if (transform != "NONE") return node.unsupported("post_transform " + printable(transform) + " is not supported");
  return Value(node.append(std::move(dense), x, {outputs}));
}

Result<Value> import_scaler(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  BLINDPROOF_ASSIGN(const std::size_t features, features_of(node, x));
  const auto offset = node.attributes.numbers("offset"), factor = node.attributes.numbers("scale");
  for (const auto& values : {offset, factor}) {
    if (values && values->size() != 1 && values->size() != features)
      return node.malformed("there isn't one offset or scale for each feature");
  }
  op::ScaleShift affine{0, {}, {}};
  for (std::size_t i = 0; i < features; ++i) {
    const auto at = [&](const std::optional<std::vector<float>>& values, float fallback) {
      return static_cast<double>(!values ? fallback : (*values)[values->size() == 1 ? 0 : i]);
    };
    const double scale = at(factor, 1);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(-at(offset, 0) * scale));
  }
  return Value(node.append(std::move(affine), x, {features}));
}

Result<Value> import_normalizer(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  const std::string norm = node.attributes.text("norm", "MAX");
  const model::FloatNode* before = node.graph().writer(x.id);
  // Probabilities sum up to 1 already.
  if (norm == "L1" && before != nullptr && std::holds_alternative<op::Softmax>(before->op)) return Value(x);
  return node.unsupported("a norm '" + printable(norm) +
                          "' is supported only as L1 behind a Softmax; a one-vs-rest classifier has to be " +
                          "trained as a multinomial one");
}

Result<Value> import_zip_map(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  for (const char* labels : {"classlabels_int64s", "classlabels_strings"}) node.attributes.ignore(labels);
  return Value(x);
}

}  // namespace blindproof::onnx
