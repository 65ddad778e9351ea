// Every refusal names the node, its operator and what is wrong; those of unsupported things list what is supported.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "blindproof/onnx/model_maker.h"

namespace blindproof::onnx {
namespace {

using base::ErrorCode;
using Names = std::vector<std::string>;

constexpr ErrorCode kUnsupported = ErrorCode::kUnsupported, kMalformed = ErrorCode::kMalformed;

struct Refusal {
  const char* op;      // of the node that is to blame
  const char* reason;  // a part of the message
  ErrorCode code;
  Integers input;
  std::function<void(ModelMaker&)> build;
};

void expect_refused(const Refusal& refusal, std::int64_t opset = 13) {
  ModelMaker maker(refusal.input, opset);
  refusal.build(maker);
  const auto graph = maker.import();
  ASSERT_FALSE(graph.ok()) << refusal.op << ": " << refusal.reason;
  const std::string message = graph.error().message();
  EXPECT_EQ(graph.error().code, refusal.code) << message;
  EXPECT_NE(message.find(refusal.reason), std::string::npos) << message << "\nshould say: " << refusal.reason;
  EXPECT_NE(message.find("'the_" + std::string(refusal.op) + "'"), std::string::npos) << message;
  EXPECT_NE(message.find("(" + std::string(refusal.op) + ")"), std::string::npos) << message;
  if (refusal.code != kUnsupported) return;
  EXPECT_NE(message.find("Supported operators: Add, ArgMax,"), std::string::npos) << message;
}

std::function<void(ModelMaker&)> just(
    const char* op, const std::function<void(NodeMaker&)>& configure = [](NodeMaker&) {}) {
  return [=](ModelMaker& maker) {
    NodeMaker node = maker.node(op, {"x"}, "y");
    configure(node);
  };
}

TEST(Refusal, UnknownOperators) {
  for (const char* op : {"LSTM", "LogSoftmax", "Exp", "LeakyRelu", "Pad", "QuantizeLinear", "LayerNormalization", "If",
                         "no such thing", ""}) {
    expect_refused({op, "the operator is not supported", kUnsupported, {kOpen, 4}, just(op)});
  }
  expect_refused({"LogSoftmax", "export the model with Softmax", kUnsupported, {kOpen, 4}, just("LogSoftmax")});
  expect_refused({"Slice", "for constants only", kUnsupported, {kOpen, 4}, just("Slice")});
  ModelMaker foreign({kOpen, 4});
  foreign.node("Relu", {"x"}, "y").domain("com.example");
  EXPECT_NE(foreign.import().error().message().find("'the_Relu' (com.example.Relu)"), std::string::npos);
  ModelMaker unnamed({kOpen, 4});
  unnamed.node("Softplus", {"x"}, "y").proto().clear_name();
  EXPECT_NE(unnamed.import().error().message().find("node 'y' (Softplus)"), std::string::npos);
}

TEST(Refusal, LinearOperators) {
  const Refusal refusals[] = {
      {"Gemm",
       "transA=1",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 2}, {1, 2, 3, 4}).node("Gemm", {"x", "w"}, "y").set("transA", 1);
       }},
      {"Gemm",
       "must be a constant",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Gemm", {"x", "x"}, "y");
       }},
      {"Gemm",
       "input 0 is a constant",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {1, 1}, {1}).node("Gemm", {"w", "x"}, "y");
       }},
      {"Gemm", "input 1 is missing", kMalformed, {kOpen, 2}, [](ModelMaker& m) { m.node("Gemm", {"x"}, "y"); }},
      {"Gemm",
       "[N,features] is needed, not [N,2,2]",
       kMalformed,
       {kOpen, 2, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 1}, {1, 1}).node("Gemm", {"x", "w"}, "y");
       }},
      {"Gemm",
       "not a matrix",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2}, {1, 1}).node("Gemm", {"x", "w"}, "y");
       }},
      {"Gemm",
       "can't be multiplied",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {3, 1}, {1, 1, 1}).node("Gemm", {"x", "w"}, "y");
       }},
      {"Gemm",
       "a bias of shape [2,2]",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 2}, {1, 2, 3, 4}).floats("b", {2, 2}, {1, 2, 3, 4}).node("Gemm", {"x", "w", "b"}, "y");
       }},
      {"Gemm",
       "must be a constant",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 2}, {1, 2, 3, 4}).node("Gemm", {"x", "w", "x"}, "y");
       }},
      {"Gemm",
       "attribute 'transC' is not understood",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 1}, {1, 1}).node("Gemm", {"x", "w"}, "y").set("transC", 1);
       }},
      {"Gemm",
       "attribute 'alpha' is there twice or has the wrong type",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {2, 1}, {1, 1}).node("Gemm", {"x", "w"}, "y").set("alpha", 1);
       }},
      {"MatMul",
       "both factors are computed",
       kUnsupported,
       {kOpen, 2, 2},
       [](ModelMaker& m) {
         m.node("MatMul", {"x", "x"}, "y");
       }},
      {"MatMul",
       "would mix samples",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {1, 2}, {1, 1}).node("MatMul", {"w", "x"}, "y");
       }},
      {"MatMul",
       "is not one matrix",
       kUnsupported,
       {kOpen, 2, 2},
       [](ModelMaker& m) {
         m.floats("w", {3, 2, 1}, Floats(6)).node("MatMul", {"x", "w"}, "y");
       }},
      {"MatMul",
       "is not one matrix",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {1, 2, 1}, Floats(2)).node("MatMul", {"x", "w"}, "y");
       }},
      {"MatMul",
       "can't be multiplied",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("w", {3, 1}, Floats(3)).node("MatMul", {"x", "w"}, "y");
       }},
      {"MatMul",
       "can't be multiplied",
       kMalformed,
       {kOpen, 2, 2},
       [](ModelMaker& m) {
         m.floats("w", {1, 3}, Floats(3)).node("MatMul", {"w", "x"}, "y");
       }},
      {"MatMul",
       "NaN or infinite",
       kMalformed,
       {kOpen, 1},
       [](ModelMaker& m) {
         m.floats("w", {1, 1}, {std::numeric_limits<float>::quiet_NaN()}).node("MatMul", {"x", "w"}, "y");
       }},
      {"MatMul",
       "NaN or infinite",
       kMalformed,
       {kOpen, 1},
       [](ModelMaker& m) {
         m.floats("w", {1, 1}, {std::numeric_limits<float>::infinity()}).node("MatMul", {"x", "w"}, "y");
       }},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal);
}

TEST(Refusal, ConvolutionsAndPools) {
  auto conv = [](const std::function<void(NodeMaker&)>& configure, Integers weight = {2, 2, 3, 3}) {
    return [=](ModelMaker& m) {
      std::size_t count = 1;
      for (std::int64_t dim : weight) count *= static_cast<std::size_t>(dim);
      m.floats("w", weight, Floats(count, 1));
      NodeMaker node = m.node("Conv", {"x", "w"}, "y");
      configure(node);
    };
  };
  auto pool = [](const std::function<void(NodeMaker&)>& configure) {
    return just("MaxPool", [=](NodeMaker& n) { configure(n.set("kernel_shape", Integers{2, 2})); });
  };
  auto plain = [](NodeMaker&) {};
  const Integers image = {kOpen, 2, 5, 5};
  const Refusal refusals[] = {
      {"Conv", "not [N,4]", kUnsupported, {kOpen, 4}, conv(plain)},
      {"Conv", "not [N,2,3,4,5]", kUnsupported, {kOpen, 2, 3, 4, 5}, conv(plain)},
      {"Conv", "don't fit an input", kMalformed, image, conv(plain, {2, 2, 3})},
      {"Conv", "don't fit an input", kMalformed, image, conv(plain, {2, 3, 3, 3})},
      {"Conv", "in 3 groups don't fit", kMalformed, image, conv([](NodeMaker& n) { n.set("group", 3); })},
      {"Conv", "in 0 groups don't fit", kMalformed, image, conv([](NodeMaker& n) { n.set("group", 0); })},
      {"Conv", "groups don't fit", kMalformed, image, conv([](NodeMaker& n) { n.set("group", -1); })},
      {"Conv", "kernel_shape differs", kMalformed, image, conv([](NodeMaker& n) {
         n.set("kernel_shape", Integers{3, 2});
       })},
      {"Conv", "'strides' doesn't have 2", kMalformed, image,
       conv([](NodeMaker& n) { n.set("strides", Integers{1}); })},
      {"Conv", "'strides' has the value 0", kUnsupported, image, conv([](NodeMaker& n) {
         n.set("strides", Integers{0, 1});
       })},
      {"Conv", "'pads' doesn't have 4", kMalformed, image, conv([](NodeMaker& n) {
         n.set("pads", Integers{1, 1});
       })},
      {"Conv", "'pads' has the value -1", kUnsupported, image, conv([](NodeMaker& n) {
         n.set("pads", Integers{0, 0, -1, 0});
       })},
      {"Conv", "'dilations' is too large", kMalformed, image, conv([](NodeMaker& n) {
         n.set("dilations", Integers{1, std::int64_t{1} << 62});
       })},
      {"Conv", "doesn't fit into the input", kMalformed, image, conv([](NodeMaker& n) {
         n.set("dilations", Integers{3, 1});
       })},
      {"Conv", "auto_pad 'HALF'", kUnsupported, image, conv([](NodeMaker& n) { n.set("auto_pad", "HALF"); })},
      {"Conv", "one bias for each output channel", kMalformed, image,
       [](ModelMaker& m) {
         m.floats("w", {1, 2, 1, 1}, {1, 1}).floats("b", {2}, {1, 1}).node("Conv", {"x", "w", "b"}, "y");
       }},
      {"Conv", "must be a constant", kUnsupported, image,
       [](ModelMaker& m) {
         m.node("Conv", {"x", "x"}, "y");
       }},
      {"Conv", "is empty or too large", kMalformed, image, conv(plain, {2, 2, 0, 3})},
      {"MaxPool", "ceil_mode=1", kUnsupported, image, pool([](NodeMaker& n) {
         n.set("ceil_mode", 1).set("strides", Integers{2, 2});
       })},
      {"MaxPool", "kernel_shape is missing", kMalformed, image, just("MaxPool")},
      {"MaxPool", "value below 1", kMalformed, image,
       just("MaxPool",
            [](NodeMaker& n) {
              n.set("kernel_shape", Integers{0, 2});
            })},
      {"MaxPool", "output 'indices' is needed", kUnsupported, image,
       [](ModelMaker& m) {
         m.node("MaxPool", {"x"}, "values").set("kernel_shape", Integers{2, 2}).proto().add_output("indices");
         m.node("Relu", {"indices"}, "y");
       }},
      {"GlobalAveragePool", "not [N,4]", kUnsupported, {kOpen, 4}, just("GlobalAveragePool")},
      {"ReduceMean", "only the mean over all of [H,W]", kUnsupported, image,
       just("ReduceMean", [](NodeMaker& n) { n.set("axes", Integers{1}); })},
      {"ReduceMean", "only the mean over all of [H,W]", kUnsupported, image, just("ReduceMean")},
      {"ReduceMean", "batch dimension", kUnsupported, image,
       just("ReduceMean", [](NodeMaker& n) { n.set("axes", Integers{0}); })},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal);
  // A window in the padding alone is for validate() to find; the node's name is still there.
  ModelMaker padding(image);
  padding.node("MaxPool", {"x"}, "y").set("kernel_shape", Integers{2, 2}).set("pads", Integers{2, 2, 2, 2});
  EXPECT_NE(padding.import().error().message().find("'the_MaxPool' (MaxPool2d): a window lies entirely in the padding"),
            std::string::npos)
      << padding.import().error().message();
}

TEST(Refusal, ElementwiseOperators) {
  auto with_constant = [](const char* op, Integers dims, Floats values, bool constant_first = false) {
    return [=](ModelMaker& m) {
      m.floats("c", dims, values).node(op, constant_first ? Names{"c", "x"} : Names{"x", "c"}, "y");
    };
  };
  const Refusal refusals[] = {
      {"Add", "shape [3] doesn't spread over [N,2]", kUnsupported, {kOpen, 2}, with_constant("Add", {3}, {1, 2, 3})},
      {"Add", "shape [5,2] doesn't spread over [N,2]", kUnsupported, {5, 2}, with_constant("Add", {5, 2}, Floats(10))},
      {"Add", "doesn't spread over [N,2]", kUnsupported, {kOpen, 2}, with_constant("Add", {1, 1, 2}, Floats(2))},
      {"Mul", "shape [2] doesn't spread over [N,1]", kUnsupported, {kOpen, 1}, with_constant("Mul", {2}, {1, 2})},
      {"Add", "doesn't spread", kUnsupported, {kOpen, 2}, with_constant("Add", {0}, {})},
      {"Div", "division by a constant", kUnsupported, {kOpen, 2}, with_constant("Div", {}, {1}, true)},
      {"Div", "divides by 0", kMalformed, {kOpen, 2}, with_constant("Div", {}, {0})},
      {"Div",
       "division by a constant",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Div", {"x", "x"}, "y");
       }},
      {"Add", "two inputs are needed", kMalformed, {kOpen, 2}, just("Add")},
      {"Add",
       "input 1 is missing",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Add", {"x", ""}, "y");
       }},
      {"Mul",
       "shapes, [N,2,2] and [N,2,1]",
       kUnsupported,
       {kOpen, 2, 2},
       [](ModelMaker& m) {
         m.node("GlobalAveragePool", {"x"}, "g");
         m.node("Mul", {"x", "g"}, "y");
       }},
      {"Pow", "exponents 1 and 2", kUnsupported, {kOpen, 2}, with_constant("Pow", {}, {3})},
      {"Pow", "exponents 1 and 2", kUnsupported, {kOpen, 2}, with_constant("Pow", {2}, {2, 2})},
      {"Pow", "input 0 is a constant", kUnsupported, {kOpen, 2}, with_constant("Pow", {}, {2}, true)},
      {"Clip",
       "bounds are crossed",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("a", {}, {2}).floats("b", {}, {1}).node("Clip", {"x", "a", "b"}, "y");
       }},
      {"Clip", "must be a single number", kMalformed, {kOpen, 2}, with_constant("Clip", {2}, {1, 2})},
      {"Clip",
       "must be a constant",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Clip", {"x", "x"}, "y");
       }},
      {"Clip",
       "attribute 'min' is not understood",
       kUnsupported,
       {kOpen, 2},
       just("Clip", [](NodeMaker& n) { n.set("min", 0.f); })},
      {"Dropout",
       "training mode",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("ratio", {}, {0.5f}).integers("training", {}, {1}).node("Dropout", {"x", "ratio", "training"}, "y");
       }},
      {"Softmax",
       "only the last axis",
       kUnsupported,
       {kOpen, 2, 3},
       just("Softmax", [](NodeMaker& n) { n.set("axis", 1); })},
      {"Softmax", "batch dimension", kUnsupported, {kOpen, 2}, just("Softmax", [](NodeMaker& n) { n.set("axis", 0); })},
      {"Softmax", "out of range", kMalformed, {kOpen, 2}, just("Softmax", [](NodeMaker& n) { n.set("axis", 2); })},
      {"Softmax",
       "only at the end",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Softmax", {"x"}, "p");
         m.node("Relu", {"p"}, "y");
       }},
      {"ArgMax", "batch dimension", kUnsupported, {kOpen, 2}, just("ArgMax")},
      {"ArgMax",
       "select_last_index",
       kUnsupported,
       {kOpen, 2},
       just("ArgMax", [](NodeMaker& n) { n.set("axis", 1).set("select_last_index", 1); })},
      {"Relu",
       "has integers",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("ArgMax", {"x"}, "i").set("axis", 1);
         m.node("Relu", {"i"}, "y");
       }},
      {"Cast",
       "is cast to int64",
       kUnsupported,
       {kOpen, 2},
       just("Cast", [](NodeMaker& n) { n.set("to", int{proto::TensorProto::INT64}); })},
      {"BatchNormalization",
       "for each of the 2 channels",
       kMalformed,
       {kOpen, 2, 2, 2},
       [](ModelMaker& m) {
         m.floats("p", {3}, {1, 1, 1}).node("BatchNormalization", {"x", "p", "p", "p", "p"}, "y");
       }},
      {"BatchNormalization",
       "NaN or infinite",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.floats("p", {2}, {-1, -1}).node("BatchNormalization", {"x", "p", "p", "p", "p"}, "y");
       }},
      {"BatchNormalization",
       "training mode",
       kUnsupported,
       {kOpen, 1},
       [](ModelMaker& m) {
         m.floats("p", {1}, {1}).node("BatchNormalization", {"x", "p", "p", "p", "p"}, "y").set("training_mode", 1);
       }},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal);
}

TEST(Refusal, Shapes) {
  auto reshape = [](Integers target) {
    return [=](ModelMaker& m) {
      m.integers("s", {static_cast<std::int64_t>(target.size())}, target).node("Reshape", {"x", "s"}, "y");
    };
  };
  auto axes = [](const char* op, Integers values) {
    return [=](ModelMaker& m) {
      m.integers("a", {static_cast<std::int64_t>(values.size())}, values).node(op, {"x", "a"}, "y");
    };
  };
  auto perm = [](Integers values) { return just("Transpose", [=](NodeMaker& n) { n.set("perm", values); }); };
  const Integers x = {kOpen, 2, 3};
  const Refusal refusals[] = {
      {"Flatten", "axis 0 would mix samples", kUnsupported, x, just("Flatten", [](NodeMaker& n) { n.set("axis", 0); })},
      {"Flatten", "would mix samples with their parts", kUnsupported, x,
       just("Flatten", [](NodeMaker& n) { n.set("axis", 2); })},
      {"Flatten", "out of range", kMalformed, x, just("Flatten", [](NodeMaker& n) { n.set("axis", 4); })},
      {"Reshape", "[6] doesn't keep the batch dimension", kUnsupported, x, reshape({6})},
      {"Reshape", "[-1] doesn't fit", kUnsupported, x, reshape({-1})},
      {"Reshape", "[-1,3] doesn't fit", kUnsupported, x, reshape({-1, 3})},
      {"Reshape", "[7,6] doesn't keep", kUnsupported, x, reshape({7, 6})},
      {"Reshape", "[1,7] doesn't fit", kUnsupported, x, reshape({1, 7})},
      {"Reshape", "[1,4,-1] doesn't fit", kUnsupported, x, reshape({1, 4, -1})},
      {"Reshape", "is not valid", kMalformed, x, reshape({-1, -1})},
      {"Reshape", "is not valid", kMalformed, x, reshape({1, -1, -1})},
      {"Reshape", "is not valid", kMalformed, x, reshape({1, 6, 1, 0})},
      {"Reshape", "is not valid", kMalformed, x, reshape({1, -2})},
      {"Reshape", "[] doesn't keep", kUnsupported, x, reshape({})},
      {"Reshape", "too many dimensions", kUnsupported, x, reshape({1, 1, 1, 1, 1, 1, 1, 6})},
      {"Reshape", "must be a constant", kUnsupported, x,
       [](ModelMaker& m) {
         m.node("Reshape", {"x", "x"}, "y");
       }},
      {"Reshape", "list of integers", kMalformed, x,
       [](ModelMaker& m) {
         m.floats("s", {1}, {6}).node("Reshape", {"x", "s"}, "y");
       }},
      {"Squeeze", "name the axes", kUnsupported, x, just("Squeeze")},
      {"Squeeze", "batch dimension", kUnsupported, x, axes("Squeeze", {0})},
      {"Squeeze", "is not 1", kMalformed, x, axes("Squeeze", {1})},
      {"Squeeze", "out of range", kMalformed, x, axes("Squeeze", {3})},
      {"Unsqueeze", "batch dimension", kUnsupported, x, axes("Unsqueeze", {0})},
      {"Unsqueeze", "named twice", kMalformed, x, axes("Unsqueeze", {1, -4})},
      {"Unsqueeze", "axes are missing", kMalformed, x, just("Unsqueeze")},
      {"Unsqueeze", "empty or too large", ErrorCode::kLimit, x, axes("Unsqueeze", {1, 2, 3, 4, 5})},
      {"Transpose", "the batch dimension must stay", kUnsupported, x, perm({1, 0, 2})},
      {"Transpose", "the batch dimension must stay", kUnsupported, x, just("Transpose")},
      {"Transpose", "not a permutation", kMalformed, x, perm({0, 1})},
      {"Transpose", "not a permutation", kMalformed, x, perm({0, 1, 1})},
      {"Transpose", "not a permutation", kMalformed, x, perm({0, 1, -1})},
      {"Concat", "at the end of a binary classifier", kUnsupported, x,
       [](ModelMaker& m) {
         m.node("Concat", {"x", "x"}, "y").set("axis", 1);
       }},
      {"Constant", "only constants of numbers", kUnsupported, x,
       [](ModelMaker& m) {
         m.node("Constant", {}, "c").set("value_string", "text");
         m.node("Add", {"x", "c"}, "y");
       }},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal);
}

TEST(Refusal, ConstantArithmetic) {
  // `build` computes "c" from constants; it is added to x.
  auto constant = [](const std::function<void(ModelMaker&)>& build) {
    return [=](ModelMaker& m) {
      build(m);
      m.node("Add", {"x", "c"}, "y");
    };
  };
  const Integers x = {kOpen, 2};
  const Refusal refusals[] = {
      {"Reshape", "doesn't fit", kMalformed, x, constant([](ModelMaker& m) {
         m.floats("a", {3}, {1, 2, 3}).integers("s", {1}, {2}).node("Reshape", {"a", "s"}, "c");
       })},
      {"Reshape", "not valid", kMalformed, x, constant([](ModelMaker& m) {
         m.floats("a", {1}, {1}).integers("s", {2}, {1 << 20, 1 << 20}).node("Reshape", {"a", "s"}, "c");
       })},
      {"Transpose", "not a permutation", kMalformed, x,
       constant([](ModelMaker& m) { m.floats("a", {1}, {1}).node("Transpose", {"a"}, "c").set("perm", Integers{7}); })},
      {"Gather", "out of range", kMalformed, x, constant([](ModelMaker& m) {
         m.floats("a", {1}, {1}).integers("i", {}, {1}).node("Gather", {"a", "i"}, "c");
       })},
      {"Gather", "picking from a list", kUnsupported, x, constant([](ModelMaker& m) {
         m.floats("a", {1, 1}, {1}).integers("i", {}, {0}).node("Gather", {"a", "i"}, "c");
       })},
      {"Concat", "different types", kMalformed, x, constant([](ModelMaker& m) {
         m.floats("a", {1}, {1}).integers("i", {1}, {0}).node("Concat", {"a", "i"}, "c").set("axis", 0);
       })},
      {"Slice", "with step 1", kUnsupported, x, constant([](ModelMaker& m) {
         m.floats("a", {2}, {1, 2})
             .integers("i", {1}, {0})
             .integers("z", {1}, {2})
             .node("Slice", {"a", "i", "z", "i", "z"}, "c");
       })},
      {"ConstantOfShape", "too large", kUnsupported, x, constant([](ModelMaker& m) {
         m.integers("s", {2}, {1 << 20, 1 << 20}).node("ConstantOfShape", {"s"}, "c");
       })},
      {"ConstantOfShape", "negative", kMalformed, x,
       constant([](ModelMaker& m) { m.integers("s", {1}, {-1}).node("ConstantOfShape", {"s"}, "c"); })},
      {"Mul", "too large", kUnsupported, x, constant([](ModelMaker& m) {
         m.floats("a", {2000, 1}, Floats(2000)).floats("b", {1, 2000}, Floats(2000)).node("Mul", {"a", "b"}, "c");
       })},
      {"Mul", "overflow", kMalformed, x, constant([](ModelMaker& m) {
         m.integers("a", {}, {std::int64_t{1} << 62}).node("Mul", {"a", "a"}, "c");
       })},
      {"Div", "divided by 0", kMalformed, x, constant([](ModelMaker& m) {
         m.integers("a", {}, {1}).integers("b", {}, {0}).node("Div", {"a", "b"}, "c");
       })},
      {"Sub", "don't fit each other", kMalformed, x, constant([](ModelMaker& m) {
         m.floats("a", {2}, {1, 2}).floats("b", {3}, {1, 2, 3}).node("Sub", {"a", "b"}, "c");
       })},
      {"Cast", "cast to bool", kUnsupported, x, constant([](ModelMaker& m) {
         m.floats("a", {2}, {1, 2}).node("Cast", {"a"}, "c").set("to", int{proto::TensorProto::BOOL});
       })},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal);
}

TEST(Refusal, ModelsAsAWhole) {
  struct Case {
    const char* reason;
    ErrorCode code;
    Integers input;
    std::function<void(ModelMaker&)> build;
  };
  auto relu = [](ModelMaker& m) { m.node("Relu", {"x"}, "y"); };
  auto also = [&](const std::function<void(ModelMaker&)>& more) {
    return [=](ModelMaker& m) {
      relu(m);
      more(m);
    };
  };
  const Case cases[] = {
      {"operator set 6", kUnsupported, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.mutable_opset_import(0)->set_version(6);
       })},
      {"operator set 29", kUnsupported, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.mutable_opset_import(0)->set_version(29);
       })},
      {"two operator sets are given", kMalformed, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.add_opset_import()->set_version(12);
       })},
      {"doesn't say which operator set", kMalformed, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.clear_opset_import();
       })},
      {"has no graph", kMalformed, {kOpen, 2}, [](ModelMaker& m) { m.model.clear_graph(); }},
      {"'y' is used but never defined", kMalformed, {kOpen, 2}, [](ModelMaker&) {}},
      {"'z' is used but never defined", kMalformed, {kOpen, 2}, [](ModelMaker& m) { m.node("Relu", {"z"}, "y"); }},
      {"depends on itself", kMalformed, {kOpen, 2}, [](ModelMaker& m) { m.node("Relu", {"y"}, "y"); }},
      {"depends on itself",
       kMalformed,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.node("Add", {"x", "b"}, "a");
         m.node("Relu", {"a"}, "b");
         m.node("Relu", {"b"}, "y");
       }},
      {"'y' is defined twice", kMalformed, {kOpen, 2}, also(relu)},
      {"'x' is defined twice", kMalformed, {kOpen, 2}, also([](ModelMaker& m) { m.node("Relu", {"x"}, "x"); })},
      {"'c' is defined twice", kMalformed, {kOpen, 2}, also([](ModelMaker& m) {
         m.floats("c", {}, {1}).floats("c", {}, {1});
       })},
      {"'x' is defined twice", kMalformed, {kOpen, 2}, also([](ModelMaker& m) { m.add_input("x", {2}); })},
      {"without a name", kMalformed, {kOpen, 2}, also([](ModelMaker& m) { m.add_input("", {2}); })},
      {"depends on no input",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) { m.floats("c", {}, {1}).node("Relu", {"c"}, "y"); }},
      {"is not computed from the input",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) { m.node("Identity", {"x"}, "y"); }},
      {"is not computed from the input", kUnsupported, {kOpen, 2}, [](ModelMaker& m) { m.node("Shape", {"x"}, "y"); }},
      {"one input is needed",
       kUnsupported,
       {kOpen, 2},
       [](ModelMaker& m) {
         m.add_input("z", {kOpen, 2});
         m.node("Add", {"x", "z"}, "y");
       }},
      {"the graph has no output", kMalformed, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.mutable_graph()->clear_output();
       })},
      {"several outputs, name the one that is wanted: 'y', 'x'", kUnsupported, {kOpen, 2}, also([](ModelMaker& m) {
         m.add_output("x");
       })},
      {"dimension 1 has no fixed size", kUnsupported, {kOpen, kOpen}, relu},
      {"has no fixed size", kUnsupported, {kOpen, 0}, relu},
      {"is a vector of unknown size", kUnsupported, {kOpen}, relu},
      {"is a single number", kUnsupported, {}, relu},
      {"is too large", ErrorCode::kLimit, {kOpen, std::int64_t{1} << 40, std::int64_t{1} << 40}, relu},
      {"too many dimensions", ErrorCode::kLimit, {1, 1, 1, 1, 1, 1, 1, 1}, relu},
      {"has no known shape", kUnsupported, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
       })},
      {"tensor of string", kUnsupported, {kOpen, 2}, also([](ModelMaker& m) {
         m.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
             proto::TensorProto::STRING);
       })},
  };
  for (const Case& c : cases) {
    ModelMaker maker(c.input);
    c.build(maker);
    const auto graph = maker.import();
    ASSERT_FALSE(graph.ok()) << c.reason;
    EXPECT_EQ(graph.error().code, c.code) << graph.error().message();
    EXPECT_NE(graph.error().message().find(c.reason), std::string::npos)
        << graph.error().message() << "\nshould say: " << c.reason;
    EXPECT_EQ(graph.error().place.rfind("test.onnx", 0), 0u) << graph.error().place;
  }
}

TEST(Refusal, NamesFromTheFileArePrintedSafely) {
  ModelMaker maker({kOpen, 2});
  maker.node("Evil\n\x1b[2J", {"x"}, "y").proto().set_name(std::string(5000, '\x07'));
  const std::string message = maker.import().error().message();
  EXPECT_EQ(message.find_first_of("\n\x1b\x07"), std::string::npos);
  EXPECT_LT(message.size(), 2000u);
}

}  // namespace
}  // namespace blindproof::onnx
