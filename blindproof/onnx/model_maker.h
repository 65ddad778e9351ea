// For tests: ONNX models built in code, imported and run.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/onnx/import.h"
#include "blindproof/onnx/proto.h"

namespace blindproof::onnx {

using Integers = std::vector<std::int64_t>;
using Floats = std::vector<float>;

inline constexpr std::int64_t kOpen = -1;  // a dimension without a fixed size

inline Floats random_floats(std::size_t count, std::uint32_t seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> distribution(-2, 2);
  Floats out(count);
  for (float& value : out) value = distribution(engine);
  return out;
}

class NodeMaker {
 public:
  explicit NodeMaker(proto::NodeProto& node) : node_(node) {}
  NodeMaker& set(const std::string& name, std::int64_t value) {
    auto& attribute = add(name, proto::AttributeProto::INT);
    attribute.set_i(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, int value) { return set(name, std::int64_t{value}); }
  NodeMaker& set(const std::string& name, float value) {
    add(name, proto::AttributeProto::FLOAT).set_f(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const char* value) {
    add(name, proto::AttributeProto::STRING).set_s(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const Integers& values) {
    auto& attribute = add(name, proto::AttributeProto::INTS);
    for (std::int64_t value : values) attribute.add_ints(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const Floats& values) {
    auto& attribute = add(name, proto::AttributeProto::FLOATS);
    for (float value : values) attribute.add_floats(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const std::vector<std::string>& values) {
    auto& attribute = add(name, proto::AttributeProto::STRINGS);
    for (const std::string& value : values) attribute.add_strings(value);
    return *this;
  }
  proto::TensorProto& tensor(const std::string& name) { return *add(name, proto::AttributeProto::TENSOR).mutable_t(); }
  NodeMaker& domain(const std::string& domain) {
    node_.set_domain(domain);
    return *this;
  }
  proto::NodeProto& proto() { return node_; }

 private:
  proto::AttributeProto& add(const std::string& name, proto::AttributeProto::AttributeType type) {
    auto& attribute = *node_.add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    return attribute;
  }
  proto::NodeProto& node_;
};

inline void fill(proto::TensorProto& tensor, const Integers& dims, const Floats& values) {
  tensor.set_data_type(proto::TensorProto::FLOAT);
  for (std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.mutable_raw_data()->resize(4 * values.size());
  if (!values.empty()) std::memcpy(tensor.mutable_raw_data()->data(), values.data(), 4 * values.size());
}

inline void fill(proto::TensorProto& tensor, const Integers& dims, const Integers& values) {
  tensor.set_data_type(proto::TensorProto::INT64);
  for (std::int64_t dim : dims) tensor.add_dims(dim);
  for (std::int64_t value : values) tensor.add_int64_data(value);
}

/// A model with the input "x" and the output "y".
class ModelMaker {
 public:
  explicit ModelMaker(const Integers& input, std::int64_t opset = 13) : opset_(opset) {
    model.set_ir_version(8);
    auto& import = *model.add_opset_import();
    import.set_domain("");
    import.set_version(opset);
    model.mutable_graph()->set_name("test");
    add_input("x", input);
    add_output("y");
  }

  proto::ValueInfoProto& add_input(const std::string& name, const Integers& dims,
                                   int type = proto::TensorProto::FLOAT) {
    auto& info = *model.mutable_graph()->add_input();
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (std::int64_t dim : dims) {
      auto& proto_dim = *tensor.mutable_shape()->add_dim();
      if (dim == kOpen) {
        proto_dim.set_dim_param("N");
      } else {
        proto_dim.set_dim_value(dim);
      }
    }
    return info;
  }
  proto::ValueInfoProto& add_output(const std::string& name, int type = proto::TensorProto::FLOAT) {
    auto& info = *model.mutable_graph()->add_output();
    info.set_name(name);
    info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
    return info;
  }
  /// Its name is "the_" + the operator's.
  NodeMaker node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
    auto& node = *model.mutable_graph()->add_node();
    node.set_op_type(op);
    node.set_name("the_" + op);
    for (const auto& name : inputs) node.add_input(name);
    node.add_output(output);
    return NodeMaker(node);
  }
  NodeMaker ml_node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
    if (model.opset_import_size() == 1) {
      auto& import = *model.add_opset_import();
      import.set_domain("ai.onnx.ml");
      import.set_version(1);
    }
    return node(op, inputs, output).domain("ai.onnx.ml");
  }
  template <class Values>
  ModelMaker& constant(const std::string& name, const Integers& dims, const Values& values) {
    auto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    fill(tensor, dims, values);
    return *this;
  }
  ModelMaker& floats(const std::string& name, const Integers& dims, const Floats& values) {
    return constant(name, dims, values);
  }
  ModelMaker& integers(const std::string& name, const Integers& dims, const Integers& values) {
    return constant(name, dims, values);
  }
  /// Axes as the operator set wants them: an input "axes" since `since`, else an attribute.
  ModelMaker& axes_node(const std::string& op, const Integers& axes, std::int64_t since) {
    if (opset_ >= since) {
      integers("axes", {static_cast<std::int64_t>(axes.size())}, axes);
      node(op, {"x", "axes"}, "y");
    } else {
      node(op, {"x"}, "y").set("axes", axes);
    }
    return *this;
  }

  base::Bytes bytes() const {
    const std::string text = model.SerializeAsString();
    return {text.begin(), text.end()};
  }
  base::Result<model::FloatGraph> import(const std::filesystem::path& folder = {},
                                         const ImportOptions& options = {}) const {
    return import_onnx(bytes(), folder, "test.onnx", options);
  }

  proto::ModelProto model;

 private:
  std::int64_t opset_;
};

struct Ran {
  model::FloatGraph graph;
  model::Shape shape;
  Floats y;
};

/// Imports and runs; a failed import fails the test and gives an empty result.
inline Ran run(const ModelMaker& maker, const Floats& x) {
  auto graph = maker.import();
  EXPECT_TRUE(graph.ok()) << graph.error().message();
  if (!graph.ok()) return {};
  if (x.size() != model::element_count(graph->shapes[graph->input])) {
    ADD_FAILURE() << "the test's input has the wrong size";
    return {};
  }
  Floats y = model::run_float(*graph, x)[graph->output];
  model::Shape shape = graph->shapes[graph->output];
  return {*std::move(graph), std::move(shape), std::move(y)};
}

inline void expect_near(const Floats& got, const Floats& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], 1e-5f * (1 + std::fabs(wanted[i]))) << "at " << i;
}

inline std::vector<std::string> op_names(const model::FloatGraph& graph) {
  std::vector<std::string> out;
  for (const auto& node : graph.nodes) out.emplace_back(model::op_name(node.op));
  return out;
}

}  // namespace blindproof::onnx
