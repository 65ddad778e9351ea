// Completeness: every operator, both arithmetics, every visibility; and the plainest rejections.
#include <gtest/gtest.h>

#include "blindproof/testing/graphs.h"
#include "blindproof/zkml/prove.h"

namespace blindproof::zkml {
namespace {

using model::Arithmetic;
using testing::GraphBuilder;
using testing::window;

// Commits, registers, proves with each visibility, verifies.
void prove_and_verify(GraphBuilder& builder, const model::IntegerGraph& graph) {
  Seed seed{};
  seed[0] = 42;
  auto committed = CommittedModel::commit(graph, seed);
  ASSERT_TRUE(committed.ok()) << committed.error().message();
  auto registered = RegisteredModel::check(committed->shared_key());
  ASSERT_TRUE(registered.ok()) << registered.error().message();
  for (const bool hide_input : {true, false}) {
    for (const bool hide_output : {false, true}) {
      if (hide_output && !hide_input) continue;
      const auto input = builder.random_input(graph);
      const auto outcome = prove_inference(*committed, input, {hide_input, hide_output, {1, 2, 3}});
      ASSERT_TRUE(outcome.ok()) << outcome.error().message();
      EXPECT_EQ(outcome->output, model::run_integer(graph, input));
      const base::Status verdict = verify_inference(*registered, outcome->proof);
      EXPECT_TRUE(verdict.ok()) << verdict.error().message();
      EXPECT_TRUE(check_opening(committed->key(), outcome->proof.statement, outcome->opening).ok());
      if (!hide_output) {
        InferenceProof wrong = outcome->proof;
        wrong.statement.output.values[0] += 1;
        const base::Status refused = verify_inference(*registered, wrong);
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().place, "sigma");
      }
      InferenceProof elsewhere = outcome->proof;
      elsewhere.statement.context = {1, 2};
      EXPECT_FALSE(verify_inference(*registered, elsewhere).ok());
    }
  }
}

TEST(Inference, DenseWithReluAndSecretMultipliers) {
  GraphBuilder b(Arithmetic::kRescaled, 1);
  auto x = b.input({13}, 0, 255);
  x = b.requantize(b.dense(x, 7), 12, 0, 255, 6);
  x = b.requantize(b.dense(x, 3), 9, -128, 127, 5);
  prove_and_verify(b, b.finish(x));
}

TEST(Inference, DenseOverSeveralRowsOfInput) {
  GraphBuilder b(Arithmetic::kRescaled, 2);
  auto x = b.input({3, 5}, -128, 127);
  x = b.requantize(b.dense(x, 6, 8, 32), 20, 0, 255);
  x = b.transpose(x, {1, 0});
  x = b.requantize(b.dense(x, 4, 8, 0), 9, -128, 127, 4);
  prove_and_verify(b, b.finish(b.reshape(x, {8, 3})));
}

TEST(Inference, ConvolutionStridePadDilationGroups) {
  GraphBuilder b(Arithmetic::kRescaled, 3);
  auto x = b.input({3, 9, 8}, 0, 255);
  auto uneven = window(3, 2, 1);
  uneven.pad_begin[1] = 0;
  uneven.kernel[1] = 2;
  x = b.requantize(b.conv(x, 6, uneven), 12, 0, 255, 4);
  x = b.requantize(b.conv(x, 9, window(2, 1, 1, 2), 3), 10, -128, 127);
  x = b.requantize(b.conv(x, 9, window(1), 9, 8, 0), 5, 0, 255, 3);
  x = b.reshape(x, {180});
  prove_and_verify(b, b.finish(b.requantize(b.dense(x, 4), 12, -32768, 32767, 6)));
}

TEST(Inference, Pools) {
  GraphBuilder b(Arithmetic::kRescaled, 4);
  auto x = b.input({3, 8, 9}, -20, 100);
  auto y = b.max_pool(x, window(2, 2));
  y = b.max_pool(y, window(3, 1, 1));
  y = b.requantize(b.sum_pool(y, window(2, 1, 1)), 2, -128, 127);
  prove_and_verify(b, b.finish(b.max_pool(y, window(1, 2))));
}

TEST(Inference, ResidualsProductsAndTables) {
  GraphBuilder b(Arithmetic::kRescaled, 5);
  auto x = b.input({11}, -128, 127);
  auto a = b.table(b.dense(x, 10), 8, 11, -128, 127);
  auto c = b.requantize(b.dense(x, 10), 9, -128, 127, 3);
  auto sum = b.requantize(b.add(a, c, 3, -5), 3, 0, 255);
  auto product = b.requantize(b.multiply(sum, c), 8, -128, 127);
  auto square = b.requantize(b.multiply(product, product), 7, 0, 255);
  prove_and_verify(b, b.finish(b.table(square, 0, 10, -7, 9)));
}

TEST(Inference, WideClampsAreSplit) {
  GraphBuilder b(Arithmetic::kRescaled, 6);
  auto x = b.input({40}, 0, 4095);
  x = b.requantize(b.dense(x, 9, 12, 16), 4, 0, 4095);
  prove_and_verify(b, b.finish(b.requantize(b.dense(x, 5, 16, 32), 16, -32768, 32767, 7)));
}

TEST(Inference, ReshapesThatCutAcrossAxes) {
  GraphBuilder b(Arithmetic::kRescaled, 7);
  auto x = b.input({6, 4, 4}, 0, 15);
  x = b.reshape(x, {16, 6});
  x = b.requantize(b.dense(x, 5), 6, 0, 255);
  x = b.reshape(x, {5, 4, 4});
  x = b.requantize(b.conv(x, 3, window(3, 1, 1)), 8, 0, 255, 4);
  x = b.transpose(x, {2, 0, 1});
  prove_and_verify(b, b.finish(b.max_pool(b.reshape(x, {2, 6, 4}), window(2, 2))));
}

TEST(Inference, ExactSquares) {
  GraphBuilder b(Arithmetic::kExact, 8);
  auto x = b.input({1, 6, 6}, 0, 15);
  x = b.conv(x, 3, window(3, 1, 1), 1, 5, 16);
  x = b.multiply(x, x);
  x = b.sum_pool(x, window(2, 2));
  auto y = b.conv(x, 3, window(1), 1, 4, 48);
  x = b.add(x, y, 16, 1);
  x = b.reshape(x, {27});
  x = b.dense(x, 4, 5, 48);
  prove_and_verify(b, b.finish(b.multiply(x, x)));
}

TEST(Inference, WrongModelIsRefused) {
  GraphBuilder b(Arithmetic::kRescaled, 9);
  auto x = b.input({5}, 0, 255);
  const auto graph = b.finish(b.requantize(b.dense(x, 3), 8, 0, 255));
  Seed one{}, two{};
  two[0] = 1;
  auto first = CommittedModel::commit(graph, one), second = CommittedModel::commit(graph, two);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->key().id, second->key().id);
  const auto outcome = prove_inference(*first, b.random_input(graph), {});
  ASSERT_TRUE(outcome.ok());
  const auto registered = RegisteredModel::check(second->shared_key());
  ASSERT_TRUE(registered.ok());
  const base::Status verdict = verify_inference(*registered, outcome->proof);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, base::ErrorCode::kMismatch);
  InferenceProof renamed = outcome->proof;
  renamed.statement.model = second->key().id;
  EXPECT_EQ(verify_inference(*registered, renamed).error().place, "sigma");
}

TEST(ModelKey, FilesRoundTrip) {
  GraphBuilder b(Arithmetic::kRescaled, 10);
  auto x = b.input({1, 5, 5}, 0, 255);
  x = b.requantize(b.conv(x, 2, window(3)), 8, 0, 255, 4);
  const auto graph = b.finish(x);
  const auto committed = CommittedModel::commit(graph, Seed{});
  ASSERT_TRUE(committed.ok());
  const base::Bytes bytes = write_model_key(committed->key());
  auto parsed = parse_model_key(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->id, committed->key().id);
  EXPECT_EQ(write_model_key(*parsed), bytes);
  auto key = std::make_shared<const ModelKey>(std::move(*parsed));
  ASSERT_TRUE(RegisteredModel::check(key).ok());
  const auto loaded = CommittedModel::load(graph, Seed{}, key);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  Seed other{};
  other[5] = 1;
  EXPECT_EQ(CommittedModel::load(graph, other, key).error().code, base::ErrorCode::kMismatch);
  const auto outcome = prove_inference(*loaded, b.random_input(graph), {true, true, {}});
  ASSERT_TRUE(outcome.ok());
  const auto proof = parse_inference_proof(write_inference_proof(outcome->proof));
  ASSERT_TRUE(proof.ok()) << proof.error().message();
  EXPECT_TRUE(verify_inference(*RegisteredModel::check(key), *proof).ok());
  const auto opening = parse_opening(write_opening(outcome->opening));
  ASSERT_TRUE(opening.ok());
  EXPECT_TRUE(check_opening(*key, proof->statement, *opening).ok());
  Opening wrong = *opening;
  wrong.input->values[0] ^= 1;
  EXPECT_EQ(check_opening(*key, proof->statement, wrong).error().place, "statement.input");
}

}  // namespace
}  // namespace blindproof::zkml
