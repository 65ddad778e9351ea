// The same entropy gives the same bytes on every kernel set and with any number of threads: model id, registration proof and
// inference proof of one network. Kernel sets are chosen once per process, so the test runs itself for each of them.
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "blindproof/base/cpu.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/testing/graphs.h"
#include "blindproof/zkml/inference.h"
#include "blindproof/zkml/registration.h"

namespace blindproof {
namespace {

std::string digest_of_proofs() {
  testing::GraphBuilder b(model::Arithmetic::kRescaled, 77);
  auto x = b.input({3, 12, 12}, 0, 255);
  x = b.requantize(b.conv(x, 20, testing::window(3, 1, 1)), 12, 0, 255, 6);
  x = b.max_pool(x, testing::window(2, 2));
  x = b.reshape(x, {20 * 36});
  x = b.requantize(b.dense(x, 150), 16, 0, 255, 7);
  const model::IntegerGraph graph = b.finish(b.requantize(b.dense(x, 10), 14, -128, 127, 7));
  const auto model = zkml::CommittedModel::commit(graph, zkml::Seed{});
  EXPECT_TRUE(model.ok());
  const base::Bytes entropy(32, 5);

  crypto::Shake256 hash;
  hash.absorb(model->key().id);
  proof::zk::ProverContext registration(zkml::Generators::standard(), zkml::kRegistrationProtocol, entropy, entropy);
  zkml::run_registration(registration, model->key(), &model->secrets());
  hash.absorb(registration.finish());

  const auto input = b.random_input(graph);
  zkml::Witness witness;
  witness.parameters = &model->secrets();
  witness.trace = model::run_rescaled(graph, input);
  zkml::fill_columns(model->key(), graph, witness);
  zkml::Statement statement;
  statement.model = model->key().id;
  statement.input.values.assign(input.begin(), input.end());
  statement.output.values = model::run_integer(graph, input);
  proof::zk::ProverContext inference(zkml::Generators::standard(), zkml::kInferenceProtocol, entropy, entropy);
  EXPECT_TRUE(zkml::run_inference(inference, model->key(), statement, &witness).ok());
  hash.absorb(inference.finish());
  std::array<std::uint8_t, 32> digest;
  hash.squeeze(digest);
  return base::to_hex(digest);
}

// This program, run again with another kernel set, printing the digest.
std::string run_with(base::Simd simd) {
  const std::string command = "BLINDPROOF_PRINT_DIGEST=1 BLINDPROOF_SIMD=" + std::string(base::simd_name(simd)) +
                              " /proc/" + std::to_string(::getpid()) + "/exe";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string output;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  EXPECT_EQ(::pclose(pipe), 0);
  return output;
}

TEST(SameBytes, OnEveryKernelSetAndWithAnyNumberOfThreads) {
  const std::string reference = digest_of_proofs();
  base::set_thread_count(1);
  EXPECT_EQ(digest_of_proofs(), reference);
  base::set_thread_count(3);
  EXPECT_EQ(digest_of_proofs(), reference);
  for (const base::Simd simd : {base::Simd::kPortable, base::Simd::kAvx2, base::Simd::kIfma}) {
    if (!base::simd_available(simd)) continue;
    EXPECT_EQ(run_with(simd), reference + "\n") << base::simd_name(simd);
  }
}

}  // namespace
}  // namespace blindproof

int main(int argc, char** argv) {
  if (std::getenv("BLINDPROOF_PRINT_DIGEST") != nullptr) {
    std::puts(blindproof::digest_of_proofs().c_str());
    return 0;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
