#include "blindproof/model/integer_graph.h"

#include <gtest/gtest.h>

#include <functional>

#include "blindproof/model/integer_graph_samples.h"
#include "blindproof/model/magnitude.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;
using integer_op::Requantize;

// Conv, clamp, max pool, table, sum, flatten, dense: what the tampering below needs.
IntegerGraph small_network() {
  SampleGraph g(7, Arithmetic::kRescaled);
  const TensorId x = g.input({2, 6, 6}, 0, 255);
  Window2d w;
  w.kernel[0] = w.kernel[1] = 3;
  w.pad_begin[0] = w.pad_end[1] = 1;
  const auto clamp = [&](TensorId t, std::uint32_t axis) {
    const Shape shape = g.a().shapes[t];
    const ParameterId m = g.parameter(ParameterRole::kMultiplier, {shape[axis]}, 8);
    return g.add_node(Requantize{m, axis, 1, 16, Requantize::Clamp{0, 255}, -100000, 100000}, {t}, shape);
  };
  const ParameterId weight = g.parameter(ParameterRole::kWeight, {4, 1, 3, 3}, 8);
  const ParameterId bias = g.parameter(ParameterRole::kBias, {4}, 32);
  TensorId t = clamp(g.add_node(integer_op::Conv2d{weight, bias, w, 2}, {x}, {4, 5, 5}), 0);
  Window2d two;
  two.kernel[0] = two.kernel[1] = 2;
  t = g.pool<integer_op::MaxPool2d>(t, two);
  t = g.table(t);
  t = clamp(g.add_node(integer_op::Add{{3, -2}}, {t, t}, {4, 4, 4}), 0);
  t = g.add_node(integer_op::Transpose{{1, 2, 0}}, {t}, {4, 4, 4});
  t = g.add_node(integer_op::Reshape{}, {t}, {64});
  return g.finish(clamp(g.dense(t, 3), 0));
}

template <class Op>
Op& op(Architecture& a, std::size_t index) {
  return std::get<Op>(a.nodes[index].op);
}

TEST(IntegerGraph, TheSampleIsValid) {
  ASSERT_TRUE(validate(small_network()).ok()) << validate(small_network()).error().message();
}

TEST(IntegerGraph, EveryBrokenRuleIsNamed) {
  struct Case {
    const char* what;
    std::function<void(Architecture&)> breaks;
    ErrorCode code = ErrorCode::kMalformed;
  };
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  const std::vector<Case> cases = {
      {"no nodes", [](Architecture& a) { a.nodes.clear(); }},
      {"unknown arithmetic", [](Architecture& a) { a.arithmetic = static_cast<Arithmetic>(2); }},
      {"unknown finish", [](Architecture& a) { a.finish = static_cast<Finish>(9); }},
      {"input range empty", [](Architecture& a) { a.input_min = 256; }},
      {"input range too wide", [](Architecture& a) { a.input_max = 65536; }},
      {"scale zero", [](Architecture& a) { a.input_scale = 0; }},
      {"scale negative", [](Architecture& a) { a.output_scale = -1; }},
      {"scale infinite", [](Architecture& a) { a.output_scale = INFINITY; }},
      {"scale not a number", [](Architecture& a) { a.input_scale = NAN; }},
      {"input missing", [](Architecture& a) { a.input = 99; }},
      {"output missing", [](Architecture& a) { a.output = 99; }},
      {"output is the input", [](Architecture& a) { a.output = a.input; }},
      {"output not requantised",
       [](Architecture& a) {
         a.output = a.nodes.back().inputs[0];
         a.nodes.pop_back();
         a.shapes.pop_back();
         a.parameters.pop_back();
       }},
      {"shape with a zero", [](Architecture& a) { a.shapes[0][1] = 0; }},
      {"shape too large",
       [](Architecture& a) {
         a.shapes[0] = {1 << 20, 1 << 20};
       }},
      {"too many dimensions", [](Architecture& a) { a.shapes[0] = {1, 1, 1, 1, 1, 1, 1}; }, ErrorCode::kLimit},
      {"too many elements",
       [](Architecture& a) {
         for (int i = 0; i < 5; ++i) a.shapes.push_back({kMaxElements});
       },
       ErrorCode::kLimit},
      {"unwritten tensor", [](Architecture& a) { a.shapes.push_back({1}); }},
      {"unread tensor",
       [](Architecture& a) {
         a.shapes.push_back(a.shapes[2]);
         a.nodes.push_back({Requantize{std::nullopt, 0, 1, 0, Requantize::Clamp{0, 1}, -1000, 1000},
                            {2},
                            TensorId(a.shapes.size() - 1)});
       }},
      {"parameter role", [](Architecture& a) { a.parameters[0].role = ParameterRole::kBias; }},
      {"unknown role", [](Architecture& a) { a.parameters[0].role = static_cast<ParameterRole>(3); }},
      {"weight of 17 bits", [](Architecture& a) { a.parameters[0].bits = 17; }},
      {"weight of 32 bits", [](Architecture& a) { a.parameters[0].bits = 32; }},
      {"bias of 33 bits", [](Architecture& a) { a.parameters[1].bits = 33; }},
      {"bias of 128 bits", [](Architecture& a) { a.parameters[1].bits = 128; }},
      {"no bits", [](Architecture& a) { a.parameters[1].bits = 0; }},
      {"weight shape",
       [](Architecture& a) {
         a.parameters[0].shape = {4, 2, 3, 3};
       }},
      {"bias shape", [](Architecture& a) { a.parameters[1].shape = {5}; }},
      {"multiplier shape", [](Architecture& a) { a.parameters[2].shape = {5}; }},
      {"parameter used twice", [](Architecture& a) { op<Requantize>(a, 5).multiplier = 2; }},
      {"parameter missing", [](Architecture& a) { op<integer_op::Conv2d>(a, 0).weight = 77; }},
      {"unused parameter",
       [](Architecture& a) {
         a.parameters.push_back({ParameterRole::kWeight, {1}, 8});
       }},
      {"unused table",
       [](Architecture& a) {
         a.tables.push_back({0, {1}});
       }},
      {"empty table", [](Architecture& a) { a.tables[0].values.clear(); }},
      {"table too large", [](Architecture& a) { a.tables[0].values.resize(kMaxTableSize + 1); }},
      {"table start", [](Architecture& a) { a.tables[0].first = -kHuge; }},
      {"table missing", [](Architecture& a) { op<Requantize>(a, 3).activation = TableId{8}; }},
      {"table domain", [](Architecture& a) { op<Requantize>(a, 3).hi_max += 1; }},
      {"shift", [](Architecture& a) { op<Requantize>(a, 1).shift = 49; }},
      {"hi range", [](Architecture& a) { op<Requantize>(a, 1).hi_min = op<Requantize>(a, 1).hi_max + 1; }},
      {"hi range too wide", [](Architecture& a) { op<Requantize>(a, 1).hi_max = kHuge + 1; }},
      {"clamp order",
       [](Architecture& a) {
         op<Requantize>(a, 1).activation = Requantize::Clamp{2, 1};
       }},
      {"clamp too wide",
       [](Architecture& a) {
         op<Requantize>(a, 1).activation = Requantize::Clamp{0, 65537};
       }},
      {"factor beside multiplier", [](Architecture& a) { op<Requantize>(a, 1).factor = 2; }},
      {"channel axis", [](Architecture& a) { op<Requantize>(a, 1).channel_axis = 3; }},
      {"channel axis without multiplier", [](Architecture& a) { op<Requantize>(a, 3).channel_axis = 1; }},
      {"add factor",
       [](Architecture& a) { op<integer_op::Add>(a, 4).factor[0] = std::numeric_limits<std::int64_t>::min(); }},
      {"values too large", [](Architecture& a) { op<integer_op::Add>(a, 4).factor[0] = kHuge - 1; }, ErrorCode::kLimit},
      {"groups", [](Architecture& a) { op<integer_op::Conv2d>(a, 0).groups = 0; }},
      {"groups don't divide", [](Architecture& a) { op<integer_op::Conv2d>(a, 0).groups = 3; }},
      {"kernel", [](Architecture& a) { op<integer_op::Conv2d>(a, 0).window.kernel[0] = 0; }},
      {"stride", [](Architecture& a) { op<integer_op::MaxPool2d>(a, 2).window.stride[1] = 0; }},
      {"padding", [](Architecture& a) { op<integer_op::MaxPool2d>(a, 2).window.pad_end[1] = kMaxWindow + 1; }},
      {"window in the padding",
       [](Architecture& a) {
         op<integer_op::MaxPool2d>(a, 2).window.pad_begin[0] = 2;
         a.shapes[3] = {4, 6, 4};
         a.shapes[4] = a.shapes[3];
         a.shapes[5] = a.shapes[3];
         a.shapes[6] = a.shapes[3];
       }},
      {"permutation",
       [](Architecture& a) {
         op<integer_op::Transpose>(a, 6).permutation = {0, 0, 2};
       }},
      {"permutation length",
       [](Architecture& a) {
         op<integer_op::Transpose>(a, 6).permutation = {0, 1};
       }},
      {"reshape", [](Architecture& a) { a.shapes[8] = {65}; }},
      {"number of inputs", [](Architecture& a) { a.nodes[4].inputs.pop_back(); }},
      {"no inputs", [](Architecture& a) { a.nodes[0].inputs.clear(); }},
      {"reads ahead", [](Architecture& a) { a.nodes[0].inputs[0] = 4; }},
      {"reads nothing", [](Architecture& a) { a.nodes[0].inputs[0] = 400; }},
      {"writes twice", [](Architecture& a) { a.nodes[1].output = a.nodes[0].output; }},
      {"writes nothing", [](Architecture& a) { a.nodes[1].output = 400; }},
      {"input not requantised", [](Architecture& a) { a.nodes[2].inputs[0] = 1; }},
      {"exact with a Requantize", [](Architecture& a) { a.arithmetic = Arithmetic::kExact; }},
  };
  for (const Case& each : cases) {
    IntegerGraph graph = small_network();
    each.breaks(graph.architecture);
    const base::Status status = validate(graph.architecture);
    ASSERT_FALSE(status.ok()) << each.what;
    EXPECT_EQ(status.error().code, each.code) << each.what << ": " << status.error().message();
    EXPECT_FALSE(validate(graph).ok()) << each.what;
  }
}

TEST(IntegerGraph, ValuesMustBeThereAndInRange) {
  const auto expect_malformed = [](const IntegerGraph& graph) {
    const base::Status status = validate(graph);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kMalformed) << status.error().message();
  };
  IntegerGraph graph = small_network();
  graph.values.pop_back();
  expect_malformed(graph);
  graph = small_network();
  std::get<std::vector<std::int8_t>>(graph.values[0]).push_back(0);
  expect_malformed(graph);
  graph = small_network();
  graph.values[0] = std::vector<std::int16_t>(36);
  expect_malformed(graph);
  graph = small_network();
  std::get<std::vector<std::int16_t>>(graph.values[2])[1] = 256;
  expect_malformed(graph);
  std::get<std::vector<std::int16_t>>(graph.values[2])[1] = -1;
  expect_malformed(graph);
}

TEST(Analyze, HoldsForEveryRunAndIsReachedByLinearLayers) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (Arithmetic arithmetic : {Arithmetic::kRescaled, Arithmetic::kExact}) {
      SampleGraph sample = random_sample(seed, arithmetic);
      const IntegerGraph graph = sample.finish(sample.a().nodes.back().output);
      const auto ranges = analyze(graph);
      if (!ranges.ok()) continue;
      const std::vector<int> declared = worst_case_bits(graph.architecture);
      const auto input = sample.random_input();
      const auto check = [&](const auto& trace) {
        for (std::size_t id = 0; id < trace.tensors.size(); ++id) {
          for (const auto value : trace.tensors[id]) {
            ASSERT_GE(value, (*ranges)[id].min) << "seed " << seed << " tensor " << id;
            ASSERT_LE(value, (*ranges)[id].max) << "seed " << seed << " tensor " << id;
          }
          ASSERT_LE(Magnitude::of((*ranges)[id].min).bits(), declared[id]);
          ASSERT_LE(Magnitude::of((*ranges)[id].max).bits(), declared[id]);
        }
      };
      if (arithmetic == Arithmetic::kRescaled) {
        check(run_rescaled(graph, input));
      } else {
        check(run_exact(graph, input));
      }
    }
  }
  SampleGraph sample(3, Arithmetic::kExact);
  const TensorId x = sample.input({50}, -10, 200);
  const IntegerGraph graph = sample.finish(sample.dense(x, 1));
  std::vector<std::int64_t> worst;
  for (std::int8_t w : std::get<std::vector<std::int8_t>>(graph.values[0])) worst.push_back(w > 0 ? 200 : -10);
  EXPECT_EQ(run_integer(graph, worst)[0], (*analyze(graph))[graph.architecture.output].max);
}

TEST(Analyze, RefusesARangeOfHiThatIsTooNarrow) {
  IntegerGraph graph = small_network();
  op<Requantize>(graph.architecture, 1).hi_max -= 1;
  const auto ranges = analyze(graph);
  ASSERT_FALSE(ranges.ok());
  EXPECT_EQ(ranges.error().code, ErrorCode::kLimit);
  EXPECT_NE(ranges.error().place.find("node 1"), std::string::npos);
  EXPECT_TRUE(requantized_ranges(graph).ok());
}

TEST(Analyze, RefusesExactValuesBeyondTheLimit) {
  SampleGraph sample(3, Arithmetic::kExact);
  TensorId t = sample.input({1}, -256, 256);  // 2^8, 2^16, ..., 2^128
  for (int i = 0; i < 4; ++i) t = sample.add_node(integer_op::Multiply{}, {t, t}, {1});
  const TensorId last = sample.add_node(integer_op::Multiply{}, {t, 3}, {1});
  const auto ranges = analyze(sample.finish(last));
  ASSERT_FALSE(ranges.ok());
  EXPECT_EQ(ranges.error().code, ErrorCode::kLimit);
}

TEST(WorstCaseBits, AreExactForSmallGraphs) {
  SampleGraph sample(3, Arithmetic::kExact, 8);
  const TensorId x = sample.input({100}, 0, 255);
  const ParameterId weight = sample.parameter(ParameterRole::kWeight, {1, 100}, 8);
  const TensorId y = sample.add_node(integer_op::Dense{weight, std::nullopt}, {x}, {1});
  const TensorId square = sample.add_node(integer_op::Multiply{}, {y, y}, {1});
  const Architecture a = sample.finish(square).architecture;
  EXPECT_EQ(worst_case_bits(a), (std::vector<int>{8, 22, 44}));  // 100*128*255 = 3,264,000
}

TEST(Magnitude, RoundsUpAndNeverDown) {
  const Magnitude big(~base::Uint128{0});  // 2^128 - 1
  EXPECT_EQ(big.bits(), 129);              // rounded up to 2^128
  EXPECT_EQ((big * big).bits(), 257);
  EXPECT_EQ((Magnitude(base::Uint128{1} << 100) + Magnitude(1)).bits(), 101);
  EXPECT_EQ((Magnitude(~std::uint64_t{0}) + Magnitude(1)).bits(), 65);
  EXPECT_EQ(Magnitude(0).bits(), 0);
  EXPECT_EQ((Magnitude(0) * big).bits(), 0);
  EXPECT_EQ(Magnitude::of(std::numeric_limits<std::int64_t>::min()).bits(), 64);
}

TEST(ArchitectureBytes, RoundTrip) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    for (Arithmetic arithmetic : {Arithmetic::kRescaled, Arithmetic::kExact}) {
      SampleGraph sample = random_sample(seed, arithmetic);
      const Architecture a = sample.finish(sample.a().nodes.back().output).architecture;
      const base::Bytes bytes = write_architecture(a);
      const auto parsed = parse_architecture(bytes);
      ASSERT_TRUE(parsed.ok()) << parsed.error().message();
      EXPECT_EQ(*parsed, a);
      EXPECT_EQ(write_architecture(*parsed), bytes);
    }
  }
}

TEST(ArchitectureBytes, TruncatedAndExtendedFilesAreRejected) {
  base::Bytes bytes = write_architecture(small_network().architecture);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parse_architecture(base::ByteSpan(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(parse_architecture(bytes).ok());
}

TEST(ArchitectureBytes, WhatParsesIsCanonicalWhateverWasFlipped) {
  const base::Bytes good = write_architecture(small_network().architecture);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      base::Bytes bytes = good;
      bytes[i] ^= static_cast<std::uint8_t>(1 << bit);
      const auto parsed = parse_architecture(bytes);
      if (!parsed.ok()) continue;
      ++accepted;
      ASSERT_EQ(write_architecture(*parsed), bytes) << "byte " << i << " bit " << bit;
      ASSERT_NE(*parsed, small_network().architecture);
    }
  }
  EXPECT_GT(accepted, 0u);
}

TEST(ArchitectureBytes, HugeCountsAreRefusedBeforeAllocation) {
  base::Bytes bytes = write_architecture(small_network().architecture);
  for (std::size_t i = 44; i < 52; ++i) bytes[i] = 0xff;  // the number of tensors
  const auto parsed = parse_architecture(bytes);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace blindproof::model
