#include "blindproof/onnx/import.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/onnx/constant.h"
#include "blindproof/onnx/constant_folding.h"
#include "blindproof/onnx/graph_builder.h"
#include "blindproof/onnx/operators.h"
#include "blindproof/onnx/proto.h"
#include "blindproof/onnx/wire_limits.h"

namespace blindproof::onnx {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;
using model::FloatGraph;
using proto::GraphProto;
using proto::ModelProto;
using proto::NodeProto;
using proto::TensorProto;
using proto::ValueInfoProto;

constexpr std::string_view kMlDomain = "ai.onnx.ml";
constexpr std::int64_t kMaxMlOpset = 5;
constexpr std::string_view kZipMap = "ai.onnx.ml.ZipMap";

std::string operator_name(const NodeProto& node) {
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  return standard ? node.op_type() : node.domain() + "." + node.op_type();
}

std::string node_name(const NodeProto& node) {
  if (!node.name().empty()) return printable(node.name());
  return node.output_size() == 0 ? "unnamed" : printable(node.output(0));
}

bool parameters_are_finite(const model::FloatOp& op) {
  const auto finite = [](const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  };
  if (const auto* dense = std::get_if<model::float_op::Dense>(&op)) return finite(dense->weight) && finite(dense->bias);
  if (const auto* conv = std::get_if<model::float_op::Conv2d>(&op)) return finite(conv->weight) && finite(conv->bias);
  if (const auto* affine = std::get_if<model::float_op::ScaleShift>(&op))
    return finite(affine->scale) && finite(affine->shift);
  return true;
}

class Importer {
 public:
  Importer(const ModelProto& model, const std::filesystem::path& folder, std::string place,
           const ImportOptions& options)
      : model_(model), file_(model.graph()), place_(std::move(place)), options_(options), decoder_(folder) {}

  Result<FloatGraph> run() {
    BLINDPROOF_TRY(read_opsets());
    BLINDPROOF_TRY(index_definitions());
    BLINDPROOF_ASSIGN(const std::string output, choose_output());
    BLINDPROOF_ASSIGN(const std::vector<int> order, needed_nodes(output));
    BLINDPROOF_TRY(read_input(order, output));
    for (int index : order) BLINDPROOF_TRY(import_node(file_.node(index)));
    BLINDPROOF_ASSIGN(const Value value, value_of(output));
    const Computed* computed = std::get_if<Computed>(&value);
    if (computed == nullptr || computed->id == 0) {
      return fail(ErrorCode::kUnsupported, "the output '" + printable(output) + "' is not computed from the input");
    }
    FloatGraph graph = std::move(*builder_).take(computed->id);
    BLINDPROOF_TRY(check_finish(graph));
    graph = model::fold_scale_shift(std::move(graph));
    if (Status status = model::validate(graph); !status.ok()) {
      return base::error(status.error().code, place_, status.error().message());
    }
    return graph;
  }

 private:
  enum class Source { kInput, kInitializer, kNode };
  struct Definition {
    Source source;
    int index;   // in the file's list of inputs, initializers or nodes
    int output;  // of the node
  };

  Error fail(ErrorCode code, const std::string& detail) const { return base::error(code, place_, detail); }

  std::string node_place(const NodeProto& node) const {
    return place_ + ": node '" + node_name(node) + "' (" + printable(operator_name(node)) + ")";
  }

  Status read_opsets() {
    for (const auto& opset : model_.opset_import()) {
      if (opset.domain().empty() || opset.domain() == "ai.onnx") {
        // scikit-learn's exporter may repeat itself.
        if (opset_ != 0 && opset_ != opset.version()) return fail(ErrorCode::kMalformed, "two operator sets are given");
        opset_ = opset.version();
        if (opset_ < kMinOpset || opset_ > kMaxOpset) {
          return fail(ErrorCode::kUnsupported, "operator set " + std::to_string(opset_) +
                                                   "; export the model with one from " + std::to_string(kMinOpset) +
                                                   " to " + std::to_string(kMaxOpset));
        }
      } else if (opset.domain() == kMlDomain && (opset.version() < 1 || opset.version() > kMaxMlOpset)) {
        return fail(ErrorCode::kUnsupported, "operator set " + std::to_string(opset.version()) + " of ai.onnx.ml");
      }
    }
    if (!model_.has_graph()) return fail(ErrorCode::kMalformed, "is not an ONNX model: it has no graph");
    return {};
  }

  Status define(const std::string& name, Definition definition) {
    if (name.empty()) return fail(ErrorCode::kMalformed, "a tensor without a name");
    if (definitions_.emplace(name, definition).second) return {};
    return fail(ErrorCode::kMalformed, "the tensor '" + printable(name) + "' is defined twice");
  }

  Status index_definitions() {
    if (static_cast<std::size_t>(file_.node_size()) > kMaxNodes) return fail(ErrorCode::kLimit, "has too many nodes");
    for (int i = 0; i < file_.initializer_size(); ++i) {
      BLINDPROOF_TRY(define(file_.initializer(i).name(), {Source::kInitializer, i, 0}));
    }
    for (int i = 0; i < file_.input_size(); ++i) {
      // Before IR version 4 initializers are listed as inputs too.
      const auto found = definitions_.find(file_.input(i).name());
      if (found != definitions_.end() && found->second.source == Source::kInitializer) continue;
      BLINDPROOF_TRY(define(file_.input(i).name(), {Source::kInput, i, 0}));
    }
    for (int i = 0; i < file_.node_size(); ++i) {
      const NodeProto& node = file_.node(i);
      for (int j = 0; j < node.output_size(); ++j) {
        if (!node.output(j).empty()) BLINDPROOF_TRY(define(node.output(j), {Source::kNode, i, j}));
      }
    }
    return {};
  }

  bool has_scores(const ValueInfoProto& output) const {
    const auto found = definitions_.find(output.name());
    if (found != definitions_.end() && found->second.source == Source::kNode &&
        operator_name(file_.node(found->second.index)) == kZipMap) {
      return true;
    }
    return output.type().has_tensor_type() && is_float_type(output.type().tensor_type().elem_type());
  }

  Result<std::string> choose_output() const {
    std::string names;
    std::vector<std::string> candidates;
    for (const ValueInfoProto& output : file_.output()) {
      if (!options_.output.empty() && output.name() == options_.output) return output.name();
      if (has_scores(output)) candidates.push_back(output.name());
      if (names.size() < 1000) names += (names.empty() ? "'" : ", '") + printable(output.name()) + "'";
    }
    if (!options_.output.empty()) {
      return fail(ErrorCode::kInvalidArgument, "there is no output '" + options_.output + "'; there are: " + names);
    }
    if (file_.output_size() == 0) return fail(ErrorCode::kMalformed, "the graph has no output");
    if (file_.output_size() == 1) return file_.output(0).name();
    if (candidates.size() == 1) return candidates[0];
    return fail(ErrorCode::kUnsupported, "has several outputs, name the one that is wanted: " + names);
  }

  // Indices of the nodes that `output` depends on, each after those it reads.
  Result<std::vector<int>> needed_nodes(const std::string& output) const {
    enum class State : char { kNew, kOpen, kDone };
    std::vector<State> states(static_cast<std::size_t>(file_.node_size()), State::kNew);
    std::vector<int> order;
    struct Step {
      int node, next_input;
    };
    std::vector<Step> stack;
    auto visit = [&](const std::string& name) -> Status {
      const auto found = definitions_.find(name);
      if (found == definitions_.end()) {
        return fail(ErrorCode::kMalformed, "the tensor '" + printable(name) + "' is used but never defined");
      }
      if (found->second.source != Source::kNode) return {};
      State& state = states[static_cast<std::size_t>(found->second.index)];
      if (state == State::kOpen)
        return fail(ErrorCode::kMalformed, "the tensor '" + printable(name) + "' depends on itself");
      if (state == State::kNew) {
        state = State::kOpen;
        stack.push_back({found->second.index, 0});
      }
      return {};
    };
    BLINDPROOF_TRY(visit(output));
    while (!stack.empty()) {
      Step& step = stack.back();
      const NodeProto& node = file_.node(step.node);
      if (step.next_input < node.input_size()) {
        const std::string& input = node.input(step.next_input++);
        if (!input.empty()) BLINDPROOF_TRY(visit(input));  // `step` may be gone now
      } else {
        states[static_cast<std::size_t>(step.node)] = State::kDone;
        order.push_back(step.node);
        stack.pop_back();
      }
    }
    return order;
  }

  Status read_input(const std::vector<int>& order, const std::string& output) {
    std::optional<int> used;
    auto use = [&](const std::string& name) -> Status {
      const auto found = definitions_.find(name);
      if (name.empty() || found->second.source != Source::kInput) return {};
      if (used && *used != found->second.index) {
        return fail(ErrorCode::kUnsupported, "needs the inputs '" + printable(file_.input(*used).name()) + "' and '" +
                                                 printable(name) + "'; a model with one input is needed");
      }
      used = found->second.index;
      return {};
    };
    for (int index : order) {
      for (const std::string& name : file_.node(index).input()) BLINDPROOF_TRY(use(name));
    }
    BLINDPROOF_TRY(use(output));
    if (!used) return fail(ErrorCode::kUnsupported, "the output '" + printable(output) + "' depends on no input");
    return read_input_type(file_.input(*used));
  }

  Status read_input_type(const ValueInfoProto& input) {
    const std::string name = "the input '" + printable(input.name()) + "'";
    if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape()) {
      return fail(ErrorCode::kUnsupported, name + " has no known shape; export the model with one");
    }
    const auto& type = input.type().tensor_type();
    const bool integer = is_integer_type(type.elem_type());
    if (!integer && !is_float_type(type.elem_type())) {
      return fail(ErrorCode::kUnsupported,
                  name + " is a tensor of " + data_type_name(type.elem_type()) + ", not of numbers");
    }
    const int rank = type.shape().dim_size();
    if (rank == 0) return fail(ErrorCode::kUnsupported, name + " is a single number; a batch of samples is needed");
    if (static_cast<std::size_t>(rank) > model::kMaxDimensions + 1)
      return fail(ErrorCode::kLimit, name + " has too many dimensions");
    const auto fixed = [&](int i) -> std::optional<std::size_t> {
      const auto& dim = type.shape().dim(i);
      if (!dim.has_dim_value() || dim.dim_value() <= 0) return std::nullopt;
      return static_cast<std::size_t>(dim.dim_value());
    };
    if (rank == 1 && !fixed(0)) {
      return fail(ErrorCode::kUnsupported,
                  name + " is a vector of unknown size; is that the batch? Export it as [batch, features]");
    }
    const bool batch = rank > 1;
    model::Shape shape;
    for (int i = batch ? 1 : 0; i < rank; ++i) {
      const auto size = fixed(i);
      if (!size) {
        return fail(ErrorCode::kUnsupported, name + ": dimension " + std::to_string(i) +
                                                 " has no fixed size; only the first one, the batch, may be open");
      }
      shape.push_back(*size);
    }
    if (model::element_count(shape) == 0) return fail(ErrorCode::kLimit, name + " is too large");
    builder_.emplace(std::move(shape), batch, batch ? fixed(0) : std::nullopt);
    values_.emplace(input.name(), Computed{0, integer});
    return {};
  }

  // The value of a tensor whose node, if any, has been imported.
  Result<Value> value_of(const std::string& name) {
    if (const auto known = values_.find(name); known != values_.end()) return known->second;
    const Definition& definition = definitions_.find(name)->second;
    if (definition.source == Source::kNode) {
      const NodeProto& node = file_.node(definition.index);
      return base::error(ErrorCode::kUnsupported, node_place(node),
                         "its output '" + printable(name) +
                             "' is needed, which is not supported. Supported operators: " + supported_operators());
    }
    const TensorProto& tensor = file_.initializer(definition.index);
    BLINDPROOF_ASSIGN(ConstantPointer constant,
                      decoder_.decode(tensor, place_ + ": initializer '" + printable(name) + "'"));
    return values_.emplace(name, std::move(constant)).first->second;
  }

  Status import_node(const NodeProto& node) {
    const std::string name = operator_name(node), place = node_place(node);
    const bool is_ml = node.domain() == kMlDomain;
    if (!is_ml && opset_ == 0)
      return base::error(ErrorCode::kMalformed, place_, "the file doesn't say which operator set it uses");
    const Operator* found = find_operator(name);
    if (found == nullptr && !can_fold(name)) return refuse(place, "the operator is not supported" + advice_for(name));

    std::vector<std::optional<Value>> inputs;
    bool all_constant = node.input_size() > 0;
    for (const std::string& input : node.input()) {
      if (input.empty()) {
        inputs.emplace_back();
        continue;
      }
      BLINDPROOF_ASSIGN(Value value, value_of(input));
      all_constant = all_constant && std::holds_alternative<ConstantPointer>(value);
      inputs.emplace_back(std::move(value));
    }
    const std::size_t nodes_before = builder_->graph().nodes.size();
    NodeContext context(node, opset_, place, node_name(node), std::move(inputs), *builder_, decoder_);
    std::optional<Value> value;
    if (all_constant && can_fold(name)) {
      BLINDPROOF_ASSIGN(value, fold(name, context));
    } else if (found != nullptr) {
      BLINDPROOF_ASSIGN(value, found->handler(context));
    } else {
      return refuse(place, "the operator is supported for constants only");
    }
    if (const Status status = context.attributes.finish(place); !status.ok()) {
      return status.error().code == ErrorCode::kUnsupported ? refuse(place, status.error().detail)
                                                            : Error(status.error());
    }
    BLINDPROOF_TRY(check_new_nodes(nodes_before, place));
    const int output = found == nullptr ? 0 : found->output;
    if (output < node.output_size() && !node.output(output).empty())
      values_.emplace(node.output(output), *std::move(value));
    return {};
  }

  Result<Value> fold(const std::string& name, NodeContext& context) {
    BLINDPROOF_ASSIGN(ConstantPointer constant, fold_constants(name, context));
    folded_elements_ += constant->size();
    if (folded_elements_ > kMaxConstantElements || constant->dims.size() > 2 * model::kMaxDimensions) {
      return base::error(ErrorCode::kLimit, context.place(), "the constants are too large");
    }
    return Value(std::move(constant));
  }

  // Later nodes rely on shapes that exist and parameters that are numbers.
  Status check_new_nodes(std::size_t first, const std::string& place) const {
    const FloatGraph& graph = builder_->graph();
    if (graph.shapes.size() > model::kMaxTensors) return base::error(ErrorCode::kLimit, place_, "has too many nodes");
    for (std::size_t i = first; i < graph.nodes.size(); ++i) {
      const model::Shape& shape = graph.shapes[graph.nodes[i].output];
      if (shape.size() > model::kMaxDimensions || model::element_count(shape) == 0) {
        return base::error(ErrorCode::kLimit, place,
                           "the output " + model::to_string(shape) + " is empty or too large");
      }
      if (!parameters_are_finite(graph.nodes[i].op)) {
        return base::error(ErrorCode::kMalformed, place, "a parameter is NaN or infinite, or divides by 0");
      }
    }
    return {};
  }

  Status check_finish(const FloatGraph& graph) const {
    for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
      const model::FloatNode& node = graph.nodes[i];
      const bool finishing = std::holds_alternative<model::float_op::Softmax>(node.op) ||
                             std::holds_alternative<model::float_op::ArgMax>(node.op);
      if (finishing) {
        return refuse(place_ + ": node '" + node.name + "' (" + std::string(model::op_name(node.op)) + ")",
                      "the operator is supported only at the end of the model");
      }
    }
    return {};
  }

  static Error refuse(const std::string& place, const std::string& why) {
    return base::error(ErrorCode::kUnsupported, place, why + ". Supported operators: " + supported_operators());
  }

  const ModelProto& model_;
  const GraphProto& file_;
  std::string place_;
  const ImportOptions& options_;
  ConstantDecoder decoder_;
  std::int64_t opset_ = 0;
  std::unordered_map<std::string, Definition> definitions_;
  std::unordered_map<std::string, Value> values_;
  std::optional<GraphBuilder> builder_;
  std::size_t folded_elements_ = 0;
};

}  // namespace

Result<FloatGraph> import_onnx(base::ByteSpan bytes, const std::filesystem::path& folder, std::string_view place_view,
                               const ImportOptions& options) {
  const std::string place(place_view);
  if (bytes.size() > kMaxFileBytes) return base::error(ErrorCode::kLimit, place, "is larger than 2 GiB");
  BLINDPROOF_TRY(check_wire_limits(bytes, *ModelProto::descriptor(), {}, place));
  ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return base::error(ErrorCode::kMalformed, place, "is not an ONNX file, or is damaged");
  }
  return Importer(model, folder, place, options).run();
}

Result<FloatGraph> import_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxFileBytes));
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return import_onnx(bytes, folder, path.string(), options);
}

}  // namespace blindproof::onnx
