#include "blindproof/onnx/import.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "blindproof/base/file.h"
#include "blindproof/onnx/model_maker.h"

namespace blindproof::onnx {
namespace {

using base::Bytes;
using base::ErrorCode;
using proto::TensorProto;

// x + c with the initializer c of two values.
struct Sum {
  Sum() : maker({kOpen, 2}) {
    maker.node("Add", {"x", "c"}, "y");
    tensor = maker.model.mutable_graph()->add_initializer();
    tensor->set_name("c");
    tensor->add_dims(2);
  }
  ModelMaker maker;
  TensorProto* tensor;
};

void expect_constant(const Sum& sum, float first, float second) {
  EXPECT_EQ(run(sum.maker, {0, 0}).y, (Floats{first, second}));
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST(Initializers, AreReadFromRawBytesOfEveryType) {
  const struct {
    TensorProto::DataType type;
    std::string bytes;
    float first, second;
  } cases[] = {
      {TensorProto::FLOAT, raw<float>({1.5f, -2}), 1.5f, -2},
      {TensorProto::DOUBLE, raw<double>({1.5, -2}), 1.5f, -2},
      {TensorProto::FLOAT16, raw<std::uint16_t>({0x3e00, 0xc000}), 1.5f, -2},
      {TensorProto::FLOAT16, raw<std::uint16_t>({0x0001, 0x83ff}), 0x1p-24f, -1023 * 0x1p-24f},  // subnormal
      {TensorProto::FLOAT16, raw<std::uint16_t>({0x7bff, 0x0400}), 65504, 0x1p-14f},
      {TensorProto::BFLOAT16, raw<std::uint16_t>({0x3fc0, 0xc000}), 1.5f, -2},
      {TensorProto::INT8, raw<std::int8_t>({5, -6}), 5, -6},
      {TensorProto::UINT8, raw<std::uint8_t>({5, 250}), 5, 250},
      {TensorProto::INT16, raw<std::int16_t>({5, -600}), 5, -600},
      {TensorProto::UINT16, raw<std::uint16_t>({5, 65000}), 5, 65000},
      {TensorProto::INT32, raw<std::int32_t>({5, -60000}), 5, -60000},
      {TensorProto::UINT32, raw<std::uint32_t>({5, 4000000000u}), 5, 4e9f},
      {TensorProto::INT64, raw<std::int64_t>({5, -6}), 5, -6},
      {TensorProto::UINT64, raw<std::uint64_t>({5, 6}), 5, 6},
      {TensorProto::BOOL, raw<std::uint8_t>({0, 1}), 0, 1},
  };
  for (const auto& c : cases) {
    Sum sum;
    sum.tensor->set_data_type(c.type);
    sum.tensor->set_raw_data(c.bytes);
    SCOPED_TRACE(TensorProto::DataType_Name(c.type));
    expect_constant(sum, c.first, c.second);
  }
}

TEST(Initializers, AreReadFromTypedFields) {
  for (auto type : {TensorProto::FLOAT, TensorProto::DOUBLE, TensorProto::FLOAT16, TensorProto::BFLOAT16,
                    TensorProto::INT8, TensorProto::UINT8, TensorProto::INT16, TensorProto::UINT16, TensorProto::INT32,
                    TensorProto::UINT32, TensorProto::INT64, TensorProto::UINT64, TensorProto::BOOL}) {
    SCOPED_TRACE(TensorProto::DataType_Name(type));
    Sum sum;
    sum.tensor->set_data_type(type);
    for (int value : {1, 0}) {
      switch (type) {
        case TensorProto::FLOAT:
          sum.tensor->add_float_data(static_cast<float>(value));
          break;
        case TensorProto::DOUBLE:
          sum.tensor->add_double_data(value);
          break;
        case TensorProto::INT64:
          sum.tensor->add_int64_data(value);
          break;
        case TensorProto::UINT32:
        case TensorProto::UINT64:
          sum.tensor->add_uint64_data(static_cast<std::uint64_t>(value));
          break;
        case TensorProto::FLOAT16:
          sum.tensor->add_int32_data(value * 0x3c00);
          break;
        case TensorProto::BFLOAT16:
          sum.tensor->add_int32_data(value * 0x3f80);
          break;
        default:
          sum.tensor->add_int32_data(value);
      }
    }
    expect_constant(sum, 1, 0);
  }
}

TEST(Initializers, WrongOnesAreNamed) {
  const struct {
    const char* what;
    ErrorCode code;
    std::function<void(TensorProto&)> apply;
  } cases[] = {
      {"too few bytes", ErrorCode::kMalformed, [](TensorProto& t) { t.set_raw_data(raw<float>({1})); }},
      {"half an element", ErrorCode::kMalformed, [](TensorProto& t) { t.set_raw_data("1234567"); }},
      {"too many values", ErrorCode::kMalformed,
       [](TensorProto& t) {
         for (int i = 0; i < 3; ++i) t.add_float_data(1);
       }},
      {"no values", ErrorCode::kMalformed, [](TensorProto&) {}},
      {"the wrong field", ErrorCode::kMalformed, [](TensorProto& t) { t.add_int32_data(1), t.add_int32_data(1); }},
      {"two places", ErrorCode::kMalformed,
       [](TensorProto& t) {
         t.set_raw_data(raw<float>({1, 2})), t.add_float_data(1);
       }},
      {"raw and external", ErrorCode::kMalformed,
       [](TensorProto& t) {
         t.set_raw_data(raw<float>({1, 2})), t.set_data_location(TensorProto::EXTERNAL);
       }},
      {"text", ErrorCode::kUnsupported, [](TensorProto& t) { t.set_data_type(TensorProto::STRING); }},
      {"complex", ErrorCode::kUnsupported, [](TensorProto& t) { t.set_data_type(TensorProto::COMPLEX64); }},
      {"unknown type", ErrorCode::kUnsupported, [](TensorProto& t) { t.set_data_type(999); }},
      {"no type", ErrorCode::kUnsupported, [](TensorProto& t) { t.clear_data_type(); }},
      {"segment", ErrorCode::kUnsupported, [](TensorProto& t) { t.mutable_segment()->set_begin(0); }},
      {"negative dimension", ErrorCode::kMalformed, [](TensorProto& t) { t.add_dims(-1); }},
      {"huge dimensions", ErrorCode::kLimit,
       [](TensorProto& t) { t.add_dims(std::int64_t{1} << 62), t.add_dims(std::int64_t{1} << 62); }},
      {"many dimensions", ErrorCode::kLimit,
       [](TensorProto& t) {
         for (int i = 0; i < 20; ++i) t.add_dims(1);
       }},
      {"huge uint64", ErrorCode::kLimit,
       [](TensorProto& t) { t.set_data_type(TensorProto::UINT64), t.set_raw_data(std::string(16, '\xff')); }},
      {"int8 out of range", ErrorCode::kMalformed,
       [](TensorProto& t) { t.set_data_type(TensorProto::INT8), t.add_int32_data(128), t.add_int32_data(0); }},
      {"NaN", ErrorCode::kMalformed,
       [](TensorProto& t) {
         t.set_raw_data(raw<float>({1, std::numeric_limits<float>::quiet_NaN()}));
       }},
      {"a double beyond floats", ErrorCode::kMalformed,
       [](TensorProto& t) {
         t.set_data_type(TensorProto::DOUBLE), t.set_raw_data(raw<double>({1, 1e300}));
       }},
      {"infinite float16", ErrorCode::kMalformed,
       [](TensorProto& t) {
         t.set_data_type(TensorProto::FLOAT16), t.set_raw_data(raw<std::uint16_t>({0, 0x7c00}));
       }},
  };
  for (const auto& c : cases) {
    Sum sum;
    sum.tensor->set_data_type(TensorProto::FLOAT);
    c.apply(*sum.tensor);
    const auto graph = sum.maker.import();
    ASSERT_FALSE(graph.ok()) << c.what;
    EXPECT_EQ(graph.error().code, c.code) << c.what << ": " << graph.error().message();
    EXPECT_TRUE(graph.error().message().find("'c'") != std::string::npos ||
                graph.error().message().find("'the_Add'") != std::string::npos)
        << graph.error().message();
  }
}

TEST(Initializers, ThatNobodyNeedsAreNotRead) {
  Sum sum;
  sum.tensor->set_data_type(TensorProto::FLOAT);
  sum.tensor->set_raw_data(raw<float>({1, 2}));
  auto& unused = *sum.maker.model.mutable_graph()->add_initializer();
  unused.set_name("classes");
  unused.set_data_type(TensorProto::STRING);
  sum.maker.node("NoSuchOperator", {"x", "classes"}, "dead");
  expect_constant(sum, 1, 2);
}

TEST(Initializers, MayAlsoBeListedAsInputs) {
  Sum sum;
  sum.tensor->set_data_type(TensorProto::FLOAT);
  sum.tensor->set_raw_data(raw<float>({1, 2}));
  sum.maker.add_input("c", {2});
  expect_constant(sum, 1, 2);
}

class ExternalData : public testing::Test {
 protected:
  ExternalData() : folder_(std::filesystem::path(testing::TempDir()) / "blindproof_onnx_external") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "model" / "weights");
    const Floats values = {9, 1, 2, 9};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    data_.assign(bytes, bytes + 16);
    EXPECT_TRUE(base::write_file_atomic(folder_ / "model" / "data.bin", data_).ok());
    EXPECT_TRUE(base::write_file_atomic(folder_ / "model" / "weights" / "data.bin", data_).ok());
    EXPECT_TRUE(base::write_file_atomic(folder_ / "secret.bin", data_).ok());
  }
  ~ExternalData() override { std::filesystem::remove_all(folder_); }

  Sum external(const std::vector<std::pair<std::string, std::string>>& entries) {
    Sum sum;
    sum.tensor->set_data_type(TensorProto::FLOAT);
    sum.tensor->set_data_location(TensorProto::EXTERNAL);
    for (const auto& [key, value] : entries) {
      auto& entry = *sum.tensor->add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    return sum;
  }

  std::filesystem::path folder_;
  Bytes data_;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
  for (const std::string location : {"data.bin", "weights/data.bin", "./weights/../data.bin"}) {
    const Sum sum = external({{"location", location}, {"offset", "4"}, {"length", "8"}, {"checksum", "ignored"}});
    ASSERT_TRUE(base::write_file_atomic(folder_ / "model" / "model.onnx", sum.maker.bytes()).ok());
    const auto graph = import_onnx(folder_ / "model" / "model.onnx");
    if (location.find("..") != std::string::npos) {
      EXPECT_EQ(graph.error().code, ErrorCode::kInvalidArgument);
      continue;
    }
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    EXPECT_EQ(model::run_float(*graph, Floats{0, 0})[graph->output], (Floats{1, 2}));
  }
}

TEST_F(ExternalData, NeverLeavesTheFolder) {
  std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model" / "link.bin");
  std::filesystem::create_directory_symlink(folder_, folder_ / "model" / "up");
  for (const std::string& location :
       {std::string("../secret.bin"), (folder_ / "secret.bin").string(), std::string("weights/../../secret.bin"),
        std::string("link.bin"), std::string("up/secret.bin"), std::string(""), std::string("."),
        std::string("data.bin\0x", 10)}) {
    const auto graph = external({{"location", location}, {"length", "8"}}).maker.import(folder_ / "model");
    ASSERT_FALSE(graph.ok()) << location;
    EXPECT_EQ(graph.error().code, ErrorCode::kInvalidArgument) << graph.error().message();
  }
}

TEST_F(ExternalData, WrongRangesAreNamed) {
  const struct {
    ErrorCode code;
    std::vector<std::pair<std::string, std::string>> entries;
  } cases[] = {
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"offset", "12"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"offset", "17"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"offset", "-4"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"offset", "18446744073709551615"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"offset", ""}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"length", "12"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"length", "1e1"}}},
      {ErrorCode::kMalformed, {{"location", "data.bin"}, {"location", "data.bin"}}},
      {ErrorCode::kIo, {{"location", "missing.bin"}}},
      {ErrorCode::kIo, {{"location", "weights"}}},
      {ErrorCode::kInvalidArgument, {}},
  };
  for (const auto& c : cases) {
    const auto graph = external(c.entries).maker.import(folder_ / "model");
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().code, c.code) << graph.error().message();
  }
  EXPECT_EQ(external({{"location", "data.bin"}}).maker.import().error().code, ErrorCode::kUnsupported);
}

ModelMaker small_network() {
  ModelMaker maker({kOpen, 1, 6, 6});
  maker.floats("w", {2, 1, 3, 3}, random_floats(18, 1))
      .floats("b", {2}, {1, 2})
      .floats("d", {3, 8}, random_floats(24, 2));
  maker.node("Conv", {"x", "w", "b"}, "c")
      .set("pads", Integers{0, 0, 1, 1})
      .set("strides", Integers{2, 2})
      .set("dilations", Integers{1, 2});
  maker.node("Clip", {"c"}, "r");
  maker.integers("s", {2}, {0, -1}).node("Reshape", {"r", "s"}, "f");
  maker.node("Gemm", {"f", "d"}, "g").set("transB", 1).set("alpha", 0.5f);
  maker.node("Softmax", {"g"}, "y");
  // Output [2,3,2] would have 12 elements: adjust the weights to what the convolution gives.
  maker.model.mutable_graph()->mutable_initializer(2)->Clear();
  maker.model.mutable_graph()->mutable_initializer(2)->set_name("d");
  fill(*maker.model.mutable_graph()->mutable_initializer(2), {3, 12}, random_floats(36, 2));
  return maker;
}

TEST(Import, DamagedFilesNeverCrash) {
  const Bytes good = small_network().bytes();
  const auto graph = import_onnx(good, {}, "good");
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = import_onnx(base::ByteSpan(good).first(size), {}, "cut");
    if (!cut.ok()) continue;
    EXPECT_TRUE(model::validate(*cut).ok());
  }
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto flipped = import_onnx(bytes, {}, "flipped");
    if (!flipped.ok()) continue;
    EXPECT_TRUE(model::validate(*flipped).ok()) << bit;
  }
  std::mt19937 engine(7);
  for (int i = 0; i < 2000; ++i) {
    Bytes bytes = good;
    for (int j = 0; j < 8; ++j) bytes[engine() % bytes.size()] = static_cast<std::uint8_t>(engine());
    (void)import_onnx(bytes, {}, "random").ok();
  }
}

TEST(Import, OtherFilesAreNotOnnx) {
  EXPECT_EQ(import_onnx(Bytes{}, {}, "empty").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(import_onnx(Bytes(100, 0xff), {}, "noise").error().code, ErrorCode::kMalformed);
  const std::string text = "PK\x03\x04 this is something else";
  EXPECT_EQ(import_onnx(base::as_bytes(text), {}, "zip").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(import_onnx("no/such/file.onnx").error().code, ErrorCode::kIo);
}

TEST(Import, TinyMessagesInLargeNumbersAreRefusedBeforeParsing) {
  // graph { node {} node {} ... }: two bytes each on the wire.
  std::string nodes;
  for (int i = 0; i < (1 << 22) + 1; ++i) nodes += std::string("\x0a\x00", 2);
  std::string file = "\x3a";  // field 7
  for (std::size_t size = nodes.size();; size >>= 7) {
    file.push_back(static_cast<char>(size < 128 ? size : (size & 127) | 128));
    if (size < 128) break;
  }
  EXPECT_EQ(import_onnx(base::as_bytes(file + nodes), {}, "bomb").error().code, ErrorCode::kLimit);

  // Sub-graphs in attributes of nodes of sub-graphs ...
  proto::ModelProto model;
  proto::GraphProto* graph = model.mutable_graph();
  for (int i = 0; i < 40; ++i) graph = graph->add_node()->add_attribute()->mutable_g();
  const std::string deep = model.SerializeAsString();
  EXPECT_EQ(import_onnx(base::as_bytes(deep), {}, "deep").error().code, ErrorCode::kLimit);
}

TEST(Import, TooManyNodesAreRefused) {
  ModelMaker maker({kOpen, 2});
  for (std::size_t i = 0; i <= kMaxNodes; ++i) {
    auto& node = *maker.model.mutable_graph()->add_node();
    node.set_op_type("Relu");
    node.add_input(i == 0 ? "x" : std::to_string(i));
    node.add_output(std::to_string(i + 1));
  }
  EXPECT_EQ(maker.import().error().code, ErrorCode::kLimit);
}

TEST(Import, NodesMayComeInAnyOrderAndAreTakenOnce) {
  ModelMaker maker({kOpen, 3});
  maker.node("Add", {"a", "b"}, "y");
  maker.node("Sigmoid", {"t"}, "b");
  maker.node("Tanh", {"t"}, "a");
  maker.node("Relu", {"x"}, "t");
  const Ran ran = run(maker, {-1, 0, 1});
  EXPECT_EQ(ran.graph.nodes.size(), 4u);
  expect_near(ran.y, {0.5f, 0.5f, std::tanh(1.f) + 1 / (1 + std::exp(-1.f))});
}

TEST(Import, EveryOperatorSetInRangeIsRead) {
  for (std::int64_t opset = kMinOpset; opset <= kMaxOpset; ++opset) {
    ModelMaker maker({kOpen, 2, 3}, opset);
    maker.node("Flatten", {"x"}, "f");
    maker.node("Relu", {"f"}, "r");
    maker.node("Softmax", {"r"}, "y").set("axis", 1);
    EXPECT_TRUE(maker.import().ok()) << opset;
  }
}

TEST(Import, NamesOfNodesAreKept) {
  const auto graph = small_network().import();
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->nodes.front().name, "the_Conv");
  EXPECT_EQ(graph->nodes.back().name, "the_Softmax");
}

}  // namespace
}  // namespace blindproof::onnx
