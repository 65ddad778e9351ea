// That proofs show nothing but their statement. The main test replays: a proof is recorded for one witness, and the real
// prover, with another witness of the same statement and blinds solved for, must send the same bytes. Any scalar that isn't
// hidden breaks it.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "blindproof/testing/equivocation.h"
#include "blindproof/zkml/job_test_support.h"

namespace blindproof::zkml {
namespace {

using commit::IntegerSpan;
using commit::TensorLayout;
using field::Fr;
using model::Arithmetic;
using testing::EquivocatingBlinds;
using testing::GraphBuilder;
using testing::KnownLogarithms;
using testing::RecordingBlinds;
using testing::window;

const KnownLogarithms& logarithms() {
  static const KnownLogarithms known;
  return known;
}

std::vector<Fr> row_values(const TensorLayout& layout, const IntegerSpan& values, std::size_t row) {
  std::vector<Fr> cells(commit::kGenerators);
  const std::vector<std::uint32_t> columns = layout.columns(layout.is_partial(row));
  for (std::size_t k = 0; k < layout.row_cells(layout.is_partial(row)); ++k)
    cells[columns[k]] = commit::to_field(values, layout.row_begin(row) + k);
  return cells;
}

// Blinds that make other values commit to the same rows.
void equivocate(const TensorLayout& layout, const TensorSecret& old, TensorSecret& secret) {
  secret.blinds.resize(layout.rows());
  for (std::size_t r = 0; r < layout.rows(); ++r)
    secret.blinds[r] = logarithms().solve(row_values(layout, old.values, r), old.blinds[r], row_values(layout, secret.values, r));
}

// Knows its sigma challenge afterwards. A leaky one sends one claim on a column in the clear.
class ReplayProver : public proof::zk::ProverContext {
 public:
  ReplayProver(std::string_view protocol, commit::BlindSource& blinds) : ProverContext(logarithms().generators(), protocol, blinds) {}

  void leak() {
    leak_offset_ = sent_;
    send_scalar("leak", &column_claim_);
  }
  std::size_t leak_offset() const { return leak_offset_; }
  Fr challenge() const {
    commit::Transcript transcript = before_last_point_;
    transcript.absorb("T0", last_point_);
    return transcript.challenge("sigma e");
  }

 protected:
  void before_commit(std::string_view label, std::vector<Fr>& values) override {
    if (label.starts_with("node 1 claims")) column_claim_ = values[0];  // its channels are exchanged in the twin
  }
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
    if (kind == Kind::kPoint) {
      before_last_point_ = transcript_;
      last_point_.assign(sent.begin(), sent.end());
    }
    sent_ += 32;
    ProverContext::exchange(kind, sent, out);
  }

 private:
  commit::Transcript before_last_point_{"none"};
  base::Bytes last_point_;
  Fr column_claim_;
  std::size_t sent_ = 0, leak_offset_ = 0;
};

// A network with everything that is hidden in its own way, and its twin: channels of the first layer and of the input exchanged.
struct Twins {
  model::IntegerGraph graph, twin;
  std::vector<std::int64_t> input, twin_input;
};

template <class Values>
void permute(Values& values, const std::vector<std::size_t>& shape, std::size_t axis) {
  // Exchanges the first two indices of an axis.
  std::size_t inner = 1;
  for (std::size_t a = axis + 1; a < shape.size(); ++a) inner *= shape[a];
  for (std::size_t begin = 0; begin < values.size(); begin += shape[axis] * inner)
    for (std::size_t i = 0; i < inner; ++i) std::swap(values[begin + i], values[begin + inner + i]);
}

Twins twins(std::uint64_t seed) {
  GraphBuilder b(Arithmetic::kRescaled, seed);
  auto x = b.input({2, 4, 5}, -8, 7);
  x = b.requantize(b.conv(x, 3, window(2, 1, 1), 1, 4, 8), 5, -8, 7, 3);            // wide clamp or limbs
  x = b.max_pool(x, window(2, 2));
  x = b.requantize(b.dense(b.reshape(x, {3 * 2 * 3}), 4, 4, 32), 27, -4, 10, 3);  // wide bias, direct clamp
  x = b.requantize(b.multiply(x, x), 2, 0, 15);
  Twins t;
  t.graph = b.finish(x);
  t.input = b.random_input(t.graph);
  t.twin = t.graph;
  t.twin_input = t.input;
  permute(t.twin_input, {2, 4, 5}, 0);
  auto swap_axis = [&](std::size_t parameter, const std::vector<std::size_t>& shape, std::size_t axis) {
    std::visit([&](auto& values) { permute(values, shape, axis); }, t.twin.values[parameter]);
  };
  swap_axis(0, {3, 2, 2, 2}, 1);  // input channels
  swap_axis(0, {3, 2, 2, 2}, 0);  // output channels
  swap_axis(1, {3}, 0);           // their biases
  swap_axis(2, {3}, 0);           // their multipliers
  swap_axis(3, {4, 3, 6}, 1);     // the dense layer's inputs
  return t;
}

std::shared_ptr<CommittedModel> twin_model(const model::IntegerGraph& twin, const CommittedModel& original) {
  auto model = commit_model(twin, 1, logarithms().generators());
  for (std::size_t t = 0; t < original.secrets().size(); ++t)
    equivocate(original.key().tensors[t].layout, original.secrets()[t], CommittedModelAccess::secrets(*model)[t]);
  return model;
}

struct Replay {
  base::Bytes first, second;
  std::size_t leak_offset;
};

// Proves with both jobs, the second with the first's statement.
Replay replay(Job& first, Job& second, bool leaky) {
  RecordingBlinds recording;
  ReplayProver one(kInferenceProtocol, recording);
  first.protocol()(one);
  if (leaky) one.leak();
  Replay result;
  result.first = one.finish();
  EXPECT_EQ(one.violated(), std::vector<std::string>());
  EquivocatingBlinds equivocating(recording, logarithms(), one.challenge());
  ReplayProver two(kInferenceProtocol, equivocating);
  second.protocol()(two);
  if (leaky) two.leak();
  result.second = two.finish();
  EXPECT_EQ(two.violated(), std::vector<std::string>());
  result.leak_offset = one.leak_offset();
  return result;
}

std::size_t first_difference(const base::Bytes& a, const base::Bytes& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

struct ReplayTest : ::testing::Test {
  ReplayTest() : pair(twins(51)) {
    model = commit_model(pair.graph, 1, logarithms().generators());
    twin = twin_model(pair.twin, *model);
  }
  Job original_job(Hide hide) { return make_job(model, pair.input, hide, logarithms().generators()); }
  // The twin's job under the original's key and statement.
  Job twin_job(Job& original) {
    const Hide hide{original.statement.input.hidden, original.statement.output.hidden};
    Job job = make_job(twin, pair.twin_input, hide, logarithms().generators());
    job.key = original.key;
    job.statement.model = original.statement.model;
    if (hide.input) equivocate(layout(job.architecture().input), original.witness.input, job.witness.input);
    if (hide.output) equivocate(layout(job.architecture().output), original.witness.output, job.witness.output);
    restate(job, logarithms().generators());
    return job;
  }
  const TensorLayout& layout(model::TensorId id) const { return model->key().plan.tensors[id].layout; }

  Twins pair;
  std::shared_ptr<CommittedModel> model, twin;
};

TEST_F(ReplayTest, TwinModelHasTheSameCommitments) {
  ASSERT_NE(pair.graph.values, pair.twin.values);
  for (std::size_t t = 0; t < model->key().tensors.size(); ++t) {
    const auto& secret = twin->secrets()[t];
    EXPECT_EQ(commit::commit_rows(logarithms().generators(), model->key().tensors[t].layout, secret.values, secret.blinds),
              model->key().tensors[t].rows);
  }
}

TEST_F(ReplayTest, InferenceProofIsTheSameBytesForAnotherWitness) {
  for (const bool hide_output : {false, true}) {
    Job first = original_job({true, hide_output});
    Job second = twin_job(first);
    ASSERT_EQ(first.statement.input.rows, second.statement.input.rows);
    ASSERT_EQ(first.statement.output.rows, second.statement.output.rows);
    ASSERT_EQ(first.statement.output.values, second.statement.output.values);
    ASSERT_NE(first.tensor(first.architecture().input), second.tensor(first.architecture().input));
    const Replay result = replay(first, second, false);
    EXPECT_EQ(first_difference(result.first, result.second), result.first.size()) << "bytes in the order of docs/spec/proof-file.md";
    EXPECT_EQ(result.first.size(), result.second.size());
    proof::zk::VerifierContext verifier(logarithms().generators(), kInferenceProtocol, result.second);
    second.protocol()(verifier);
    EXPECT_TRUE(verifier.finish().ok());
  }
}

TEST_F(ReplayTest, ExposesOneValueSentInTheClear) {
  Job first = original_job({true, false});
  Job second = twin_job(first);
  const Replay result = replay(first, second, true);
  EXPECT_EQ(first_difference(result.first, result.second) / 32 * 32, result.leak_offset);
}

TEST_F(ReplayTest, RegistrationProofIsTheSameBytesForAnotherModel) {
  RecordingBlinds recording;
  ReplayProver one(kRegistrationProtocol, recording);
  run_registration(one, model->key(), &model->secrets());
  const base::Bytes first = one.finish();
  EquivocatingBlinds equivocating(recording, logarithms(), one.challenge());
  ReplayProver two(kRegistrationProtocol, equivocating);
  run_registration(two, model->key(), &twin->secrets());
  const base::Bytes second = two.finish();
  EXPECT_EQ(two.violated(), std::vector<std::string>());
  EXPECT_EQ(first_difference(first, second), first.size());
  EXPECT_EQ(first.size(), second.size());
}

TEST_F(ReplayTest, CoversEveryKindOfColumn) {
  bool split = false, direct = false, pool = false;
  for (const auto& plan : model->key().plan.requantize) {
    if (!plan) continue;
    split |= std::holds_alternative<compiler::RequantizePlan::Split>(plan->activation);
    direct |= std::holds_alternative<compiler::RequantizePlan::Direct>(plan->activation);
  }
  for (const auto& plan : model->key().plan.max_pool) pool |= plan.has_value();
  EXPECT_TRUE(split && direct && pool);
}

// ------------------------------------------------------------------ leaks that need no replay

std::set<std::array<std::uint8_t, 32>> elements(const base::Bytes& proof) {
  std::set<std::array<std::uint8_t, 32>> all;
  for (std::size_t i = 0; i + 32 <= proof.size(); i += 32) {
    std::array<std::uint8_t, 32> element;
    std::copy_n(proof.begin() + static_cast<std::ptrdiff_t>(i), 32, element.begin());
    all.insert(element);
  }
  return all;
}

TEST(Secrets, NoCommittedScalarOccursInTheProof) {
  const Twins pair = twins(52);
  const auto model = commit_model(pair.graph);
  Job job = make_job(model, pair.input, {true, true});
  proof::zk::ProverContext prover(Generators::standard(), kInferenceProtocol, Seed{1}, Seed{2});
  job.protocol()(prover);
  const base::Bytes proof = prover.finish();
  std::size_t large = 0;
  for (const Fr& secret : prover.secret_scalars()) {
    const auto limbs = secret.to_limbs();
    if (limbs[1] >> 36 == 0 && limbs[2] == 0 && limbs[3] == 0) continue;  // below 2^100: may occur by chance of meaning
    ++large;
    const auto bytes = secret.to_bytes();
    EXPECT_EQ(std::search(proof.begin(), proof.end(), bytes.begin(), bytes.end()), proof.end());
  }
  EXPECT_GT(large, 100u);
}

TEST(Secrets, ProofLengthIsThatOfTheArchitecture) {
  std::set<std::size_t> lengths;
  Twins pair = twins(53);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    std::mt19937_64 random(seed);
    for (auto& parameter : pair.graph.values)
      std::visit([&](auto& v) { std::shuffle(v.begin(), v.end(), random); }, parameter);
    for (auto& x : pair.input) x = static_cast<std::int64_t>(random() % 16) - 8;
    if (seed == 2) std::fill(pair.input.begin(), pair.input.end(), 0);
    const auto model = commit_model(pair.graph, static_cast<std::uint8_t>(seed));
    Job job = make_job(model, pair.input, {true, true});
    const auto result = proof::zk::attempt(job.protocol());
    lengths.insert(result.proof.size());
  }
  EXPECT_EQ(lengths.size(), 1u);
}

TEST(Nonces, StuckEntropySharesNothingBetweenContexts) {
  const Twins pair = twins(54);
  const auto model = commit_model(pair.graph);
  std::vector<std::set<std::array<std::uint8_t, 32>>> seen;
  for (const std::uint8_t context : {std::uint8_t{1}, std::uint8_t{2}}) {
    Job job = make_job(model, pair.input, {true, false});
    job.statement.context = {context};
    proof::zk::ProverContext prover(Generators::standard(), kInferenceProtocol, Seed{9}, Seed{9});
    job.protocol()(prover);
    seen.push_back(elements(prover.finish()));
  }
  for (const auto& element : seen[0]) EXPECT_FALSE(seen[1].contains(element));
}

TEST(Nonces, NoElementIsSentTwiceInOneProof) {
  const Twins pair = twins(54);
  Job job = make_job(commit_model(pair.graph), pair.input, {true, true});
  const auto result = proof::zk::attempt(job.protocol());
  EXPECT_EQ(elements(result.proof).size(), result.proof.size() / 32);
}

TEST(Nonces, TwoProofsOfOneStatementShareNothing) {
  const Twins pair = twins(55);
  const auto model = commit_model(pair.graph);
  const auto one = prove_inference(*model, pair.input, {}), two = prove_inference(*model, pair.input, {});
  ASSERT_TRUE(one.ok() && two.ok());
  const auto a = elements(one->proof.proof), b = elements(two->proof.proof);
  for (const auto& element : a) EXPECT_FALSE(b.contains(element));
}

TEST(Nonces, ModelsAndInputsShareNoRows) {
  // Fresh seeds: equal values never show as equal rows.
  const Twins pair = twins(56);
  const auto one = commit_model(pair.graph, 1), two = commit_model(pair.graph, 2);
  for (std::size_t t = 0; t < one->key().tensors.size(); ++t)
    for (std::size_t r = 0; r < one->key().tensors[t].rows.size(); ++r)
      EXPECT_FALSE(one->key().tensors[t].rows[r] == two->key().tensors[t].rows[r]);
  const auto first = prove_inference(*one, pair.input, {true, true, {}}), second = prove_inference(*one, pair.input, {true, true, {}});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(first->proof.statement.input.rows[0] == second->proof.statement.input.rows[0]);
  EXPECT_FALSE(first->proof.statement.output.rows[0] == second->proof.statement.output.rows[0]);
}

}  // namespace
}  // namespace blindproof::zkml
