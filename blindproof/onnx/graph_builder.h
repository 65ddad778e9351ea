// The float graph while it is being built, and what an operator sees of it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/onnx/attributes.h"
#include "blindproof/onnx/constant.h"
#include "blindproof/onnx/proto.h"

namespace blindproof::onnx {

/// Names come from the file: at most 64 printable ASCII characters of them.
std::string printable(const std::string& text);

/// A tensor that depends on the input. Its shape in the graph is without the batch dimension.
struct Computed {
  model::TensorId id;
  bool integer = false;  // an index, or an input of integers that is still to be cast
};

using Value = std::variant<ConstantPointer, Computed>;

class GraphBuilder {
 public:
  /// `batch`: the input's first dimension was one; `batch_size`: its size, if fixed.
  GraphBuilder(model::Shape input, bool batch, std::optional<std::size_t> batch_size);

  const model::FloatGraph& graph() const { return graph_; }
  const model::Shape& shape(model::TensorId id) const { return graph_.shapes[id]; }
  /// The node that writes a tensor; null for the input.
  const model::FloatNode* writer(model::TensorId id) const;
  model::TensorId append(model::FloatOp op, std::vector<model::TensorId> inputs, model::Shape shape,
                         const std::string& name);

  /// 1 if tensors in the file have a batch dimension in front, else 0.
  std::size_t batch_rank() const { return batch_ ? 1 : 0; }
  std::optional<std::size_t> batch_size() const { return batch_size_; }

  /// Ends the building: keeps only the nodes that `output` needs.
  model::FloatGraph take(model::TensorId output) &&;

 private:
  model::FloatGraph graph_;
  bool batch_;
  std::optional<std::size_t> batch_size_;
};

/// One node of the file with its inputs, and the ways to fail.
class NodeContext {
 public:
  NodeContext(const proto::NodeProto& node, std::int64_t opset, std::string place, std::string name,
              std::vector<std::optional<Value>> inputs, GraphBuilder& graph, ConstantDecoder& decoder)
      : attributes(node),
        opset_(opset),
        place_(std::move(place)),
        name_(std::move(name)),
        inputs_(std::move(inputs)),
        graph_(graph),
        decoder_(decoder) {}

  Attributes attributes;

  std::int64_t opset() const { return opset_; }
  const std::string& place() const { return place_; }
  GraphBuilder& graph() { return graph_; }
  ConstantDecoder& decoder() { return decoder_; }

  std::size_t input_count() const { return inputs_.size(); }
  bool has_input(std::size_t index) const { return index < inputs_.size() && inputs_[index].has_value(); }
  bool is_constant(std::size_t index) const {
    return has_input(index) && std::holds_alternative<ConstantPointer>(*inputs_[index]);
  }
  const Value& input(std::size_t index) const { return *inputs_[index]; }

  /// Errors unless there is such an input, it is computed, and (unless allowed) it is not one of integers.
  base::Result<Computed> computed(std::size_t index, bool allow_integer = false) const;
  /// Errors unless there is such an input and it is known at import time.
  base::Result<ConstantPointer> constant(std::size_t index) const;
  /// One number; `fallback` if the input is missing.
  base::Result<float> scalar(std::size_t index, float fallback) const;
  /// Integers of an input; nothing if it is missing.
  base::Result<std::optional<std::vector<std::int64_t>>> integers(std::size_t index) const;

  const model::Shape& shape(Computed value) const { return graph_.shape(value.id); }
  /// Rank in the file: with the batch dimension.
  std::size_t rank(Computed value) const { return shape(value).size() + graph_.batch_rank(); }
  /// "[N,3,8,8]", for messages.
  std::string file_shape(Computed value) const;

  /// An axis of the file to an axis of the graph's shape. Errors: out of range; the batch dimension.
  base::Result<std::size_t> sample_axis(std::int64_t axis, std::size_t rank) const;

  Computed append(model::FloatOp op, Computed input, model::Shape shape) {
    return {graph_.append(std::move(op), {input.id}, std::move(shape), name_)};
  }
  Computed combine(model::FloatOp op, Computed first, Computed second) {
    return {graph_.append(std::move(op), {first.id, second.id}, shape(first), name_)};
  }
  /// The same tensor if it has the shape already. Requires: equally many elements.
  Computed reshape(Computed input, model::Shape shape);

  /// kUnsupported with the list of supported operators.
  base::Error unsupported(const std::string& why) const;
  base::Error malformed(const std::string& why) const;

 private:
  std::int64_t opset_;
  std::string place_, name_;
  std::vector<std::optional<Value>> inputs_;
  GraphBuilder& graph_;
  ConstantDecoder& decoder_;
};

}  // namespace blindproof::onnx
