#include "blindproof/engine/hybrid_inference.h"

#include <gtest/gtest.h>

#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

base::Result<crypto::SecretBytes> no_passphrase() { return base::error(ErrorCode::kInvalidArgument, "passphrase", "was asked for"); }

class HybridInference : public TemporaryFolderTest {
 protected:
  Path at(const std::string& name) const { return folder() / name; }

  void make_model(const std::string& name, std::uint64_t seed, int products = 1) {
    testing::GraphBuilder builder(model::Arithmetic::kExact, seed);
    auto x = builder.input({3}, 0, 15);
    for (int i = 0; i < products; ++i) {
      x = builder.dense(x, 2, 4, 16);
      x = builder.multiply(x, x);
    }
    ASSERT_TRUE(write_model(at(name + ".bpm"), {builder.finish(builder.dense(x, 2, 4, 16)), {1}, std::nullopt}).ok());
  }
  auto lower(const std::string& name) { return lower_hybrid_model({at(name + ".bpm"), at(name + ".bpf"), at(name + ".bpc")}); }
  auto keys(const std::string& name, const std::string& keys_folder) { return generate_hybrid_keys_for(at(name + ".bpc"), at(keys_folder), std::nullopt); }
  auto encrypt(const std::string& name, const std::string& keys_folder, const std::string& out, std::optional<std::size_t> index = {}) {
    return encrypt_hybrid_input({at(name + ".bpc"), at(keys_folder), at("x.npy"), at(out), index, no_passphrase});
  }
  auto infer(const std::string& name, const std::string& keys_folder, const std::string& input, const std::string& out) {
    return infer_hybrid({at(name + ".bpf"), at(keys_folder) / kPublicKeyName, at(input), at(out)});
  }
  auto decrypt(const std::string& name, const std::string& keys_folder, const std::string& input, bool unverified = true) {
    return decrypt_hybrid_output({at(name + ".bpc"), at(keys_folder), at(input), at("y.npy"), no_passphrase, unverified});
  }
  void make_everything() {
    make_model("net", 1);
    ASSERT_TRUE(lower("net").ok());
    ASSERT_TRUE(keys("net", "keys").ok());
    ASSERT_TRUE(write_reals(at("x.npy"), {4, 3}, {0, 0, 0, 15, 15, 15, 1, 2, 3, 7, 0, 15}, base::FileMode::kPublic).ok());
    ASSERT_TRUE(encrypt("net", "keys", "x.bpct").ok());
    ASSERT_TRUE(infer("net", "keys", "x.bpct", "y.bpct").ok());
  }
};

TEST_F(HybridInference, AnswersAreThePlainInterpreters) {
  make_everything();
  const auto plain = run_model({at("net.bpm"), at("x.npy"), std::nullopt, false});
  ASSERT_TRUE(plain.ok());
  const auto answers = decrypt("net", "keys", "y.bpct");
  ASSERT_TRUE(answers.ok()) << answers.error().message();
  EXPECT_EQ(answers->records, 4u);
  EXPECT_EQ(answers->shape, (model::Shape{4, 2}));
  EXPECT_EQ(answers->classes, plain->classes);
  std::vector<model::Int128> integers;
  for (const auto& row : plain->integers) integers.insert(integers.end(), row.begin(), row.end());
  EXPECT_EQ(answers->integers, integers);
  ASSERT_TRUE(encrypt("net", "keys", "one.bpct", 2).ok());
  ASSERT_TRUE(infer("net", "keys", "one.bpct", "one_y.bpct").ok());
  const auto one = decrypt("net", "keys", "one_y.bpct");
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->integers, plain->integers[2]);
}

TEST_F(HybridInference, RefusesToDecryptWhatIsUnproven) {
  make_everything();
  const auto refused = decrypt("net", "keys", "y.bpct", false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kRejected);
  EXPECT_FALSE(std::filesystem::exists(at("y.npy")));
}

TEST_F(HybridInference, RefusesThingsThatDontBelongTogether) {
  make_everything();
  make_model("other", 2);
  ASSERT_TRUE(lower("other").ok());
  ASSERT_TRUE(keys("net", "more").ok());
  EXPECT_EQ(infer("net", "more", "x.bpct", "z.bpct").error().code, ErrorCode::kMismatch);        // another key
  EXPECT_EQ(infer("net", "keys", "y.bpct", "z.bpct").error().code, ErrorCode::kMismatch);        // an output as input
  EXPECT_EQ(decrypt("net", "more", "y.bpct").error().code, ErrorCode::kMismatch);
  EXPECT_EQ(decrypt("net", "keys", "x.bpct").error().code, ErrorCode::kMismatch);                // an input as output
  if (read_hybrid_spec(at("other.bpc"))->parameters().t != read_hybrid_spec(at("net.bpc"))->parameters().t) {
    EXPECT_EQ(encrypt("other", "keys", "z.bpct").error().code, ErrorCode::kMismatch);
    EXPECT_EQ(infer("other", "keys", "x.bpct", "z.bpct").error().code, ErrorCode::kMismatch);
  }
}

TEST_F(HybridInference, NeverOverwritesKeys) {
  make_everything();
  EXPECT_EQ(keys("net", "keys").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(HybridInference, RefusesDeeperModelsWithTheirFigures) {
  make_model("deep", 1, 2);
  const auto refused = lower("deep");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().detail.find("252 are there"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("deep.bpf")));
}

TEST_F(HybridInference, KnowsItsFiles) {
  make_everything();
  for (const char* name : {"net.bpf", "net.bpc", "x.bpct", "y.bpct"}) EXPECT_TRUE(is_hybrid_file(at(name))) << name;
  EXPECT_FALSE(is_hybrid_file(at("net.bpm")));
  EXPECT_FALSE(is_hybrid_file(at("missing")));
}

}  // namespace
}  // namespace blindproof::engine
