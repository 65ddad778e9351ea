// That proofs show nothing but their statement, by replay (zkml/zero_knowledge_test.cpp says how): another model and another
// re-randomiser that give the same ciphertexts, with blinds solved for, must send the same bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "blindproof/hybrid/proof.h"
#include "blindproof/hybrid/proof_test_support.h"
#include "blindproof/testing/equivocation.h"

namespace blindproof::hybrid {
namespace {

using testing::EquivocatingBlinds;
using testing::KnownLogarithms;
using testing::RecordingBlinds;

const KnownLogarithms& logarithms() {
  static const KnownLogarithms known;
  return known;
}

// Knows its sigma challenge afterwards. A leaky one sends one value of the re-randomiser in the clear.
class ReplayProver : public proof::zk::ProverContext {
 public:
  explicit ReplayProver(commit::BlindSource& blinds, std::string_view protocol = kHybridProtocol)
      : ProverContext(logarithms().generators(), protocol, blinds) {}
  void leak() {
    leak_offset_ = sent_;
    send_scalar("leak", &column_value_);
  }
  std::size_t leak_offset() const { return leak_offset_; }
  Fr challenge() const {
    commit::Transcript transcript = before_last_point_;
    transcript.absorb("T0", last_point_);
    return transcript.challenge("sigma e");
  }

 protected:
  void before_commit(std::string_view label, std::vector<Fr>& values) override {
    if (label == "rerandomiser columns 0") column_value_ = values[0];
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
  Fr column_value_;
  std::size_t sent_ = 0, leak_offset_ = 0;
};

std::vector<Fr> row_values(const commit::TensorLayout& layout, const commit::IntegerSpan& values, std::size_t row) {
  std::vector<Fr> cells(commit::kGenerators);
  const std::vector<std::uint32_t> columns = layout.columns(layout.is_partial(row));
  for (std::size_t k = 0; k < layout.row_cells(layout.is_partial(row)); ++k)
    cells[columns[k]] = commit::to_field(values, layout.row_begin(row) + k);
  return cells;
}

// Two witnesses of one statement. The second model has its hidden units exchanged. The public key is (t, t) and Z is t, the worst
// that a client could choose: then u + f_0 + h, u + f_1 and so on are all that the ciphertexts depend on.
struct Twins {
  Job first, second;
  std::vector<commit::TensorSecret> secrets;  // the second model's, under the first one's commitments
};

Twins make_twins() {
  model::IntegerGraph graph = make_graph(Kind::kNetwork, 3, 4, 2), twin = graph;
  auto rows = [](auto& values, std::size_t columns) {
    for (std::size_t k = 0; k < columns; ++k) std::swap(values[k], values[columns + k]);
  };
  auto columns = [](auto& values, std::size_t width) {
    for (std::size_t begin = 0; begin < values.size(); begin += width) std::swap(values[begin], values[begin + 1]);
  };
  std::visit([&](auto& w) { rows(w, 3); }, twin.values[0]);
  std::visit([&](auto& b) { rows(b, 1); }, twin.values[1]);
  std::visit([&](auto& w) { columns(w, 4); }, twin.values[2]);
  Twins twins{make_job(commit_model(graph, logarithms().generators())), make_job(commit_model(twin, logarithms().generators())), {}};
  Job &first = twins.first, &second = twins.second;

  const std::size_t n = first.ring->degree();
  const Values t(n, Fr::from_u64(first.statement.plaintext_modulus));
  first.key = {t, t};
  first.vanishing = t;
  const fhe::frbgv::RerandomizerShape shape = first.shape();
  for (auto& v : first.columns.errors) v = static_cast<std::int16_t>(v % (kErrorBound - 1));
  for (auto& v : first.columns.limbs) v = std::clamp(v, -32764, 32764);
  first.evaluate();

  second.statement = first.statement;
  second.key = first.key;
  second.vanishing = first.vanishing;
  second.inputs = first.inputs;
  second.columns = first.columns;
  for (std::size_t o = 0; o < shape.outputs; ++o) {
    const auto limb = [&](std::size_t c, std::size_t j) -> std::int32_t& {
      return second.columns.limbs[(o * shape.limb_columns() + c) * n + j];
    };
    const auto error = [&](std::size_t c, std::size_t j) -> std::int16_t& { return second.columns.errors[(o * 3 + c) * n + j]; };
    for (std::size_t j = 0; j < n; ++j) {
      std::array<int, 2> by{};
      for (std::size_t c = 0; c < 2; ++c) {
        std::int16_t& mask = second.columns.masks[(o * 2 + c) * n + j];
        const auto other = static_cast<std::int16_t>(static_cast<int>(second.random() % 3) - 1);
        by[c] = other - mask;
        mask = other;
      }
      limb(0, j) -= by[0] + 1;            // f_0
      limb(shape.flood_limbs, j) += 1;    // h
      error(0, j) = static_cast<std::int16_t>(error(0, j) - by[0] - 1);  // f_1, of which f'_0 takes one
      error(1, j) = static_cast<std::int16_t>(error(1, j) - by[1] + 1);
      error(2, j) = static_cast<std::int16_t>(error(2, j) - by[1]);
    }
  }
  second.evaluate();

  twins.secrets = second.model->secrets();
  for (std::size_t i = 0; i < twins.secrets.size(); ++i) {
    const commit::TensorLayout& layout = first.model->key().tensors[i].layout;
    const commit::TensorSecret& old = first.model->secrets()[i];
    for (std::size_t r = 0; r < layout.rows(); ++r)
      twins.secrets[i].blinds[r] = logarithms().solve(row_values(layout, old.values, r), old.blinds[r], row_values(layout, twins.secrets[i].values, r));
  }
  return twins;
}

struct Replay {
  base::Bytes first, second;
  std::size_t leak_offset;
};

Replay replay(const Twins& twins, bool leaky) {
  RecordingBlinds recording;
  ReplayProver one(recording);
  const zkml::ModelKey& key = twins.first.model->key();
  const auto run = [&](ReplayProver& prover, const Job& job, const std::vector<commit::TensorSecret>& secrets) {
    const auto vectors = job.vectors();
    vectors->witness.parameters = &secrets;
    run_hybrid(prover, key, job.network, job.statement, *job.ring, vectors->values, &vectors->witness);
    if (leaky) prover.leak();
    const base::Bytes proof = prover.finish();
    EXPECT_EQ(prover.violated(), std::vector<std::string>());
    return proof;
  };
  Replay result;
  result.first = run(one, twins.first, twins.first.model->secrets());
  result.leak_offset = one.leak_offset();
  EquivocatingBlinds equivocating(recording, logarithms(), one.challenge());
  ReplayProver two(equivocating);
  result.second = run(two, twins.second, twins.secrets);
  return result;
}

std::size_t first_difference(const base::Bytes& a, const base::Bytes& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

TEST(HybridReplay, ProofIsTheSameBytesForAnotherModelAndRerandomizer) {
  const Twins twins = make_twins();
  ASSERT_EQ(twins.first.outputs, twins.second.outputs);
  ASSERT_NE(twins.first.hidden, twins.second.hidden);
  ASSERT_NE(twins.first.columns.masks, twins.second.columns.masks);
  ASSERT_NE(twins.first.columns.errors, twins.second.columns.errors);
  ASSERT_NE(twins.first.columns.limbs, twins.second.columns.limbs);
  const Replay result = replay(twins, false);
  EXPECT_EQ(result.first.size(), result.second.size());
  EXPECT_EQ(first_difference(result.first, result.second), result.first.size());
}

TEST(HybridReplay, ExposesOneValueSentInTheClear) {
  const Replay result = replay(make_twins(), true);
  EXPECT_EQ(first_difference(result.first, result.second) / 32 * 32, result.leak_offset);
}

TEST(HybridReplay, BoundsProofIsTheSameBytesForAnotherModel) {
  const Twins twins = make_twins();
  const zkml::ModelKey& key = twins.first.model->key();
  const Bounds bounds = find_bounds(twins.first.model->graph());
  ASSERT_EQ(bounds, find_bounds(twins.second.model->graph()));
  RecordingBlinds recording;
  ReplayProver one(recording, kBoundsProtocol);
  run_bounds(one, key, bounds, &twins.first.model->secrets());
  const base::Bytes first = one.finish();
  EquivocatingBlinds equivocating(recording, logarithms(), one.challenge());
  ReplayProver two(equivocating, kBoundsProtocol);
  run_bounds(two, key, bounds, &twins.secrets);
  const base::Bytes second = two.finish();
  EXPECT_EQ(two.violated(), std::vector<std::string>());
  EXPECT_EQ(first.size(), second.size());
  EXPECT_EQ(first_difference(first, second), first.size());
}

std::set<base::Bytes> elements(const base::Bytes& proof) {
  std::set<base::Bytes> all;
  for (std::size_t i = 0; i + 32 <= proof.size(); i += 32) all.emplace(proof.begin() + static_cast<std::ptrdiff_t>(i), proof.begin() + static_cast<std::ptrdiff_t>(i) + 32);
  return all;
}

TEST(HybridNonces, AreNeverRepeated) {
  const Job job = make_job(commit_model(make_graph(Kind::kNetwork, 3, 2, 2)));
  const auto vectors = job.vectors();
  std::vector<std::set<base::Bytes>> seen;
  for (int i = 0; i < 2; ++i) {
    const base::Bytes proof = prove_evaluation(*job.model, job.statement, *job.ring, vectors->values, vectors->witness)->proof;
    seen.push_back(elements(proof));
    EXPECT_EQ(seen.back().size(), proof.size() / 32);
  }
  for (const base::Bytes& element : seen[0]) EXPECT_FALSE(seen[1].contains(element));
}

TEST(HybridProofLength, IsThatOfTheArchitecture) {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Job job = make_job(commit_model(make_graph(Kind::kNetwork, 3, 2, 2, seed)));
    lengths.insert(proof::zk::attempt(job.protocol()).proof.size());
  }
  EXPECT_EQ(lengths.size(), 1u);
}

}  // namespace
}  // namespace blindproof::hybrid
