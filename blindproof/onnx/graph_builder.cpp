#include "blindproof/onnx/graph_builder.h"

#include <utility>

#include "blindproof/onnx/operators.h"

namespace blindproof::onnx {

using base::Error;
using base::ErrorCode;
using base::Result;
using model::TensorId;

std::string printable(const std::string& text) {
  constexpr std::size_t kLongest = 64;
  std::string out = text.substr(0, kLongest);
  for (char& c : out) c = c >= ' ' && c <= '~' ? c : '?';
  return text.size() > kLongest ? out + "..." : out;
}

GraphBuilder::GraphBuilder(model::Shape input, bool batch, std::optional<std::size_t> batch_size)
    : batch_(batch), batch_size_(batch_size) {
  graph_.shapes.push_back(std::move(input));
}

const model::FloatNode* GraphBuilder::writer(TensorId id) const { return id == 0 ? nullptr : &graph_.nodes[id - 1]; }

TensorId GraphBuilder::append(model::FloatOp op, std::vector<TensorId> inputs, model::Shape shape,
                              const std::string& name) {
  const auto id = static_cast<TensorId>(graph_.shapes.size());  // node i writes tensor i+1
  graph_.shapes.push_back(std::move(shape));
  graph_.nodes.push_back({std::move(op), std::move(inputs), id, name});
  return id;
}

model::FloatGraph GraphBuilder::take(TensorId output) && {
  std::vector<char> needed(graph_.shapes.size(), 0);
  needed[output] = 1;
  for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
    if (!needed[graph_.nodes[i].output]) continue;
    for (TensorId id : graph_.nodes[i].inputs) needed[id] = 1;
  }
  model::FloatGraph kept;
  std::vector<TensorId> renumbered(graph_.shapes.size(), 0);
  kept.shapes.push_back(std::move(graph_.shapes[0]));
  for (model::FloatNode& node : graph_.nodes) {
    if (!needed[node.output]) continue;
    for (TensorId& id : node.inputs) id = renumbered[id];
    renumbered[node.output] = static_cast<TensorId>(kept.shapes.size());
    kept.shapes.push_back(std::move(graph_.shapes[node.output]));
    node.output = renumbered[node.output];
    kept.nodes.push_back(std::move(node));
  }
  kept.output = renumbered[output];
  return kept;
}

Result<Computed> NodeContext::computed(std::size_t index, bool allow_integer) const {
  if (!has_input(index)) return malformed("input " + std::to_string(index) + " is missing");
  const Computed* value = std::get_if<Computed>(&*inputs_[index]);
  if (value == nullptr)
    return unsupported("input " + std::to_string(index) + " is a constant, which is not supported here");
  if (value->integer && !allow_integer) {
    return unsupported("input " + std::to_string(index) + " has integers; only Cast to float may read them");
  }
  return *value;
}

Result<ConstantPointer> NodeContext::constant(std::size_t index) const {
  if (!has_input(index)) return malformed("input " + std::to_string(index) + " is missing");
  const ConstantPointer* value = std::get_if<ConstantPointer>(&*inputs_[index]);
  if (value == nullptr)
    return unsupported("input " + std::to_string(index) + " must be a constant, not computed from the input");
  return *value;
}

Result<float> NodeContext::scalar(std::size_t index, float fallback) const {
  if (!has_input(index)) return fallback;
  BLINDPROOF_ASSIGN(const ConstantPointer value, constant(index));
  if (value->size() != 1) return malformed("input " + std::to_string(index) + " must be a single number");
  return value->as_floats()[0];
}

Result<std::optional<std::vector<std::int64_t>>> NodeContext::integers(std::size_t index) const {
  if (!has_input(index)) return std::optional<std::vector<std::int64_t>>();
  BLINDPROOF_ASSIGN(const ConstantPointer value, constant(index));
  if (value->is_float || value->dims.size() > 1)
    return malformed("input " + std::to_string(index) + " must be a list of integers");
  return std::optional(value->integers);
}

std::string NodeContext::file_shape(Computed value) const {
  std::string text = model::to_string(shape(value));
  if (graph_.batch_rank() == 1) text.insert(1, shape(value).empty() ? "N" : "N,");
  return text;
}

Result<std::size_t> NodeContext::sample_axis(std::int64_t axis, std::size_t rank) const {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    return malformed("axis " + std::to_string(axis) + " is out of range for " + std::to_string(rank) + " dimensions");
  }
  const auto positive = static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
  if (positive < graph_.batch_rank())
    return unsupported("axis " + std::to_string(axis) + " is the batch dimension: samples would mix");
  return positive - graph_.batch_rank();
}

Computed NodeContext::reshape(Computed input, model::Shape shape) {
  if (graph_.shape(input.id) == shape) return input;
  return {graph_.append(model::float_op::Reshape{}, {input.id}, std::move(shape), name_), input.integer};
}

Error NodeContext::unsupported(const std::string& why) const {
  return base::error(ErrorCode::kUnsupported, place_, why + ". Supported operators: " + supported_operators());
}

Error NodeContext::malformed(const std::string& why) const { return base::error(ErrorCode::kMalformed, place_, why); }

}  // namespace blindproof::onnx
