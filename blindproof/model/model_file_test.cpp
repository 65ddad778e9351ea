#include "blindproof/model/model_file.h"

#include <gtest/gtest.h>

#include "blindproof/model/integer_graph_samples.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;

ModelFile sample_file(std::uint64_t seed, Arithmetic arithmetic, bool with_float_graph) {
  SampleGraph sample = random_sample(seed, arithmetic);
  ModelFile file{sample.finish(sample.a().nodes.back().output), {}, std::nullopt};
  for (std::size_t i = 0; i < 32; ++i) file.blinding_seed[i] = static_cast<std::uint8_t>(7 * i + seed);
  if (with_float_graph) {
    FloatGraph graph;
    graph.shapes = {{3}, {2}};
    graph.nodes = {{float_op::Dense{2, 3, {1, 2, 3, 4, 5, 6}, {0.5f, -1}}, {0}, 1, "fc"}};
    graph.output = 1;
    file.float_graph = graph;
    if (seed % 3 != 0) file.float_ranges = {{-1, 2}, {0, 0.5f * static_cast<float>(seed)}};
  }
  return file;
}

TEST(ModelFile, RoundTrips) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const ModelFile file = sample_file(seed, Arithmetic::kRescaled, seed % 2 == 0);
    const base::Bytes bytes = write_model_file(file);
    const auto parsed = parse_model_file(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->graph.architecture, file.graph.architecture);
    EXPECT_EQ(parsed->graph.values, file.graph.values);
    EXPECT_EQ(parsed->blinding_seed, file.blinding_seed);
    EXPECT_EQ(parsed->float_graph.has_value(), file.float_graph.has_value());
    EXPECT_EQ(parsed->float_ranges, file.float_ranges);
    EXPECT_EQ(bytes[4], file.float_ranges.empty() ? 1 : 2) << "files without ranges are those of version 1";
    EXPECT_EQ(write_model_file(*parsed), bytes);
  }
}

TEST(ModelFile, KeepsBiasesOfEveryWidth) {
  for (int bits : {1, 8, 16, 32, 48, 64, 80, 96, 112}) {
    SampleGraph sample(static_cast<std::uint64_t>(bits), Arithmetic::kExact);
    const TensorId x = sample.input({4}, -8, 7);
    const ParameterId weight = sample.parameter(ParameterRole::kWeight, {2, 4}, 8);
    const ParameterId bias = sample.parameter(ParameterRole::kBias, {2}, bits);
    ModelFile file{sample.finish(sample.add_node(integer_op::Dense{weight, bias}, {x}, {2})), {}, std::nullopt};
    std::visit(
        [&](auto& values) {
          using Value = typename std::decay_t<decltype(values)>::value_type;
          values[0] = static_cast<Value>(file.graph.architecture.parameters[bias].min());
          values[1] = static_cast<Value>(file.graph.architecture.parameters[bias].max());
        },
        file.graph.values[bias]);
    const auto parsed = parse_model_file(write_model_file(file));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->graph.values, file.graph.values) << bits;
  }
}

TEST(ModelFile, TruncatedAndExtendedFilesAreRejected) {
  base::Bytes bytes = write_model_file(sample_file(3, Arithmetic::kRescaled, true));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parse_model_file(base::ByteSpan(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(parse_model_file(bytes).ok());
}

TEST(ModelFile, WhatParsesIsCanonicalWhateverWasFlipped) {
  const base::Bytes good = write_model_file(sample_file(10, Arithmetic::kRescaled, true));
  for (std::size_t i = 0; i < good.size(); ++i) {
    base::Bytes bytes = good;
    bytes[i] ^= static_cast<std::uint8_t>(1 << (i % 8));
    if (const auto parsed = parse_model_file(bytes); parsed.ok()) {
      ASSERT_EQ(write_model_file(*parsed), bytes) << "byte " << i;
    }
  }
}

TEST(ModelFile, MagicAndVersionAreChecked) {
  base::Bytes bytes = write_model_file(sample_file(3, Arithmetic::kExact, false));
  bytes[0] ^= 1;
  EXPECT_EQ(parse_model_file(bytes).error().code, ErrorCode::kMalformed);
  bytes[0] ^= 1;
  bytes[4] = 3;
  EXPECT_EQ(parse_model_file(bytes).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace blindproof::model
