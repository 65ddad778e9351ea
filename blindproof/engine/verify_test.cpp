// Every check that the engine adds to the proof's own ones, and that none of them is taken for unusable input.
#include "blindproof/engine/verify.h"

#include <gtest/gtest.h>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/commit_model.h"
#include "blindproof/engine/prove.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

class Verify : public TemporaryFolderTest {
 protected:
  void SetUp() override {
    TemporaryFolderTest::SetUp();
    make_model("net", 1);
    write_input("x.npy", 3);
    write_input("other.npy", 4);
  }

  Path at(const std::string& name) const { return folder() / name; }

  void make_model(const std::string& name, std::uint8_t seed) {
    testing::GraphBuilder builder(model::Arithmetic::kRescaled, seed);
    const auto input = builder.input({5}, 0, 255);
    const auto graph = builder.finish(builder.requantize(builder.dense(input, 3), 8, 0, 255));
    ASSERT_TRUE(write_model(at(name + ".bpm"), {graph, {seed}, {}}).ok());
    const auto committed = commit_model(at(name + ".bpm"), at(name + ".bpk"));
    ASSERT_TRUE(committed.ok()) << committed.error().message();
  }

  void write_input(const std::string& name, float first) {
    const std::vector<float> x = {first, 100, 0, 255, 7};
    ASSERT_TRUE(write_bytes(at(name), arrays::write_npy(arrays::from_floats({5}, x)), base::FileMode::kPublic).ok());
  }

  std::vector<model::Int128> prove_x(bool hide_input, bool hide_output, base::Bytes context = {}) {
    ProveRequest request;
    request.model = at("net.bpm");
    request.model_key = at("net.bpk");
    request.input = at("x.npy");
    request.proof = at("p.bpp");
    request.output = at("y.npy");
    request.hide_input = hide_input;
    request.hide_output = hide_output;
    request.context = std::move(context);
    const auto outcome = prove(request);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    return *read_integers(at("y.npy"));
  }

  VerifyRequest request() const {
    VerifyRequest request;
    request.proof = at("p.bpp");
    request.model_key = at("net.bpk");
    return request;
  }

  static std::string refused_at(const VerifyRequest& request) {
    const auto verdict = verify(request);
    EXPECT_TRUE(verdict.ok()) << verdict.error().message();
    return verdict.ok() && verdict->refusal ? verdict->refusal->place : "accepted";
  }

  static std::string unusable_at(const VerifyRequest& request) {
    const auto verdict = verify(request);
    return verdict.ok() ? "usable" : verdict.error().place;
  }
};

TEST_F(Verify, AcceptsAndSaysWhatIsPublic) {
  const auto output = prove_x(true, false);
  const auto verdict = verify(request());
  ASSERT_TRUE(verdict.ok());
  ASSERT_FALSE(verdict->refusal) << verdict->refusal->message();
  EXPECT_TRUE(verdict->input.hidden);
  EXPECT_TRUE(verdict->input.values.empty());
  EXPECT_EQ(verdict->output.values, output);
}

TEST_F(Verify, AnotherModelIsRefused) {
  prove_x(false, false);
  make_model("other", 2);
  VerifyRequest r = request();
  r.model_key = at("other.bpk");
  EXPECT_EQ(refused_at(r), "statement.model");
}

TEST_F(Verify, ContextMustBeTheGivenOne) {
  prove_x(false, false, {1, 2});
  VerifyRequest r = request();
  EXPECT_EQ(refused_at(r), "statement.context");
  r.context = base::Bytes{1, 3};
  EXPECT_EQ(refused_at(r), "statement.context");
  r.context = base::Bytes{1, 2};
  EXPECT_EQ(refused_at(r), "accepted");
  prove_x(false, false);
  EXPECT_EQ(refused_at(r), "statement.context");
}

TEST_F(Verify, PublicValuesAreCompared) {
  auto output = prove_x(false, false);
  VerifyRequest r = request();
  r.input = at("x.npy");
  r.output = at("y.npy");
  EXPECT_EQ(refused_at(r), "accepted");
  r.input = at("other.npy");
  EXPECT_EQ(refused_at(r), "statement.input");
  r.input.reset();
  output[1] += 1;
  ASSERT_TRUE(write_integers(at("y.npy"), {3}, output, base::FileMode::kPublic).ok());
  EXPECT_EQ(refused_at(r), "statement.output");
  output.pop_back();
  ASSERT_TRUE(write_integers(at("y.npy"), {2}, output, base::FileMode::kPublic).ok());
  EXPECT_EQ(refused_at(r), "statement.output");
}

TEST_F(Verify, HiddenValuesAreComparedThroughTheOpening) {
  auto output = prove_x(true, true);
  VerifyRequest r = request();
  EXPECT_EQ(refused_at(r), "accepted");
  r.input = at("x.npy");
  EXPECT_EQ(unusable_at(r), "--input");
  r.output = at("y.npy");
  r.opening = at("p.open");
  EXPECT_EQ(refused_at(r), "accepted");
  r.input = at("other.npy");
  EXPECT_EQ(refused_at(r), "statement.input");
  r.input.reset();
  output[0] += 1;
  ASSERT_TRUE(write_integers(at("y.npy"), {3}, output, base::FileMode::kPublic).ok());
  EXPECT_EQ(refused_at(r), "statement.output");
  r.opening.reset();
  EXPECT_EQ(unusable_at(r), "--output");
}

TEST_F(Verify, AnOpeningOfAnotherProofIsRefused) {
  prove_x(true, false);
  std::filesystem::copy(at("p.open"), at("old.open"));
  prove_x(true, false);
  VerifyRequest r = request();
  r.opening = at("old.open");
  EXPECT_EQ(refused_at(r), "statement.input");
  prove_x(false, true);
  EXPECT_EQ(refused_at(r), "statement.input");  // which is public
  r.opening = at("p.open");
  EXPECT_EQ(refused_at(r), "accepted");
  prove_x(true, true);
  r.opening = at("old.open");
  r.output = at("y.npy");
  EXPECT_EQ(unusable_at(r), "--opening");  // opens no output
}

TEST_F(Verify, AnUnregisteredKeyIsRefused) {
  prove_x(false, false);
  auto bytes = base::read_file(at("net.bpk"), kMaxModelKeyBytes);
  ASSERT_TRUE(bytes.ok());
  (*bytes)[bytes->size() - 40] ^= 1;
  ASSERT_TRUE(write_bytes(at("net.bpk"), *bytes, base::FileMode::kPublic).ok());
  EXPECT_EQ(refused_at(request()).find("registration."), 0u);
}

TEST_F(Verify, AMissingOrMalformedFileIsUnusable) {
  prove_x(false, false);
  VerifyRequest r = request();
  r.proof = at("none.bpp");
  EXPECT_EQ(unusable_at(r), at("none.bpp").string());
  r.proof = at("net.bpk");
  EXPECT_EQ(unusable_at(r).find(at("net.bpk").string()), 0u);
}

TEST_F(Verify, AProofOfAnAlteredModelIsNeverWritten) {
  auto file = read_model(at("net.bpm"));
  ASSERT_TRUE(file.ok());
  std::visit([](auto& values) { values[0] ^= 1; }, file->graph.values[0]);
  ASSERT_TRUE(write_model(at("net.bpm"), *file).ok());
  ProveRequest r;
  r.model = at("net.bpm");
  r.model_key = at("net.bpk");
  r.input = at("x.npy");
  r.proof = at("p.bpp");
  const auto outcome = prove(r);
  ASSERT_FALSE(outcome.ok());
  EXPECT_TRUE(outcome.error().code == ErrorCode::kMismatch || outcome.error().code == ErrorCode::kRejected);
  EXPECT_FALSE(std::filesystem::exists(at("p.bpp")));
}

}  // namespace
}  // namespace blindproof::engine
