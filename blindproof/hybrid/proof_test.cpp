#include "blindproof/hybrid/proof_protocol.h"

#include <gtest/gtest.h>

#include "blindproof/hybrid/proof_test_support.h"

namespace blindproof::hybrid {
namespace {

using proof::zk::attempt;
using proof::zk::Attempt;
using proof::zk::place_of;

struct Size {
  Kind kind;
  std::size_t inputs, hidden, outputs;
  int bias_bits;
};

TEST(HybridProof, OfHonestEvaluationsIsAcceptedForEverySize) {
  for (const Size& size : std::vector<Size>{{Kind::kLinear, 1, 0, 1, 16},
                                            {Kind::kLinear, 5, 0, 3, 32},
                                            {Kind::kLinear, 4, 0, 1, 0},
                                            {Kind::kSquare, 3, 0, 2, 16},
                                            {Kind::kSquare, 1, 0, 1, 0},
                                            {Kind::kNetwork, 1, 1, 1, 8},
                                            {Kind::kNetwork, 5, 4, 2, 32},
                                            {Kind::kNetwork, 6, 5, 3, 0}}) {
    const Job job = make_job(commit_model(make_graph(size.kind, size.inputs, size.hidden, size.outputs, size.inputs, size.bias_bits)));
    const Attempt result = attempt(job.protocol());
    EXPECT_EQ(result.violated, std::vector<std::string>{});
    EXPECT_EQ(place_of(result.verdict), "accepted") << size.inputs << " " << size.hidden << " " << size.outputs;
  }
}

// A dishonest server goes on honestly from one deviation; what it must fail is the check that the deviation is about.
using Labels = std::vector<std::string>;

std::shared_ptr<zkml::CommittedModel> network_model(std::uint64_t seed = 1) {
  return commit_model(make_graph(Kind::kNetwork, 5, 4, 2, seed));
}

void expect_refused(const Job& job, const Labels& violated, const std::string& what) {
  const Attempt result = attempt(job.protocol());
  EXPECT_EQ(result.violated, violated) << what;
  EXPECT_EQ(place_of(result.verdict), "sigma") << what;
}

TEST(DishonestServer, WithOtherWeightsIsRefused) {
  const auto model = network_model(1), other = network_model(2);
  Job job = make_job(model);
  // The first layer of another model.
  Job cheat = job;
  cheat.model = other;
  cheat.evaluate_hidden();
  job.hidden = cheat.hidden;
  job.evaluate_outputs();
  job.add_rerandomizer();
  expect_refused(job, {"first layer"}, "first layer");
  // The second layer of another model.
  job.evaluate_hidden();
  cheat.hidden = job.hidden;
  cheat.evaluate_outputs();
  cheat.add_rerandomizer();
  job.outputs = cheat.outputs;
  expect_refused(job, {"second layer"}, "second layer");
}

TEST(DishonestServer, WithOneOtherWeightOrBiasIsRefused) {
  for (const Kind kind : {Kind::kLinear, Kind::kSquare, Kind::kNetwork}) {
    Job job = make_job(commit_model(make_graph(kind, 5, 4, 2)));
    job.evaluate_hidden();
    job.hidden[1][0][3] += job.inputs[2][0][3];  // W(1,2) larger by one, at one point and in one component
    job.evaluate_outputs();
    job.add_rerandomizer();
    expect_refused(job, {"first layer"}, "weight");
  }
}

TEST(DishonestServer, WithAnotherInputIsRefused) {
  Job job = make_job(network_model());
  Job cheat = job;
  for (auto& input : cheat.inputs) input = {cheat.random_values(), cheat.random_values()};
  cheat.evaluate();
  job.hidden = cheat.hidden;
  job.outputs = cheat.outputs;
  expect_refused(job, {"first layer"}, "input");
}

TEST(DishonestServer, ThatSwapsRecordsOrFeaturesIsRefused) {
  Job job = make_job(network_model());
  Job cheat = job;
  for (auto& input : cheat.inputs)
    for (Values& component : input) std::swap(component[0], component[5]);
  cheat.evaluate();
  job.hidden = cheat.hidden;
  job.outputs = cheat.outputs;
  expect_refused(job, {"first layer"}, "records");
  cheat.inputs = job.inputs;
  std::swap(cheat.inputs[0], cheat.inputs[1]);
  cheat.evaluate();
  job.hidden = cheat.hidden;
  job.outputs = cheat.outputs;
  expect_refused(job, {"first layer"}, "features");
}

TEST(DishonestServer, ThatSkipsALayerIsRefused) {
  Job job = make_job(commit_model(make_graph(Kind::kNetwork, 4, 4, 4)));
  job.hidden = job.inputs;
  job.evaluate_outputs();
  job.add_rerandomizer();
  expect_refused(job, {"first layer"}, "first layer");
  job.evaluate_hidden();
  job.network.second.reset();  // squares instead of the second layer
  job.evaluate_outputs();
  job.add_rerandomizer();
  job.network = *read_network(job.model->key().architecture);
  expect_refused(job, {"second layer"}, "second layer");
}

TEST(DishonestServer, WithoutTheSquareIsRefused) {
  Job job = make_job(commit_model(make_graph(Kind::kSquare, 4, 0, 2)));
  for (std::size_t o = 0; o < job.outputs.size(); ++o) job.outputs[o] = {job.hidden[o][0], job.hidden[o][1], Values(job.ring->degree())};
  job.add_rerandomizer();
  expect_refused(job, {"square"}, "square");
}

TEST(DishonestServer, ThatAltersOneComponentAtOnePointIsRefused) {
  for (const Kind kind : {Kind::kLinear, Kind::kNetwork}) {
    const auto model = commit_model(make_graph(kind, 3, 2, 2));
    const Job honest = make_job(model);
    for (std::size_t k = 0; k < honest.network.components(); ++k) {
      Job job = honest;
      job.outputs[1][k].back() += Fr::one();
      expect_refused(job, {kind == Kind::kLinear ? "first layer" : "second layer"}, "component " + std::to_string(k));
    }
  }
}

TEST(DishonestServer, WithMasksErrorsOrLimbsOutOfRangeIsRefusedByRangesAlone) {
  for (const int which : {0, 1, 2, 3}) {
    Job job = make_job(network_model());
    if (which == 0) job.columns.masks[3] = 2;
    if (which == 1) job.columns.errors[5] = kErrorBound + 1;
    if (which == 2) job.columns.errors[6] = -kErrorBound - 1;
    if (which == 3) job.columns.limbs[job.shape().flood_limbs - 1] = 1 << 20;  // an oversized flood
    job.evaluate();
    const Attempt result = attempt(job.protocol());
    EXPECT_FALSE(result.violated.empty());
    for (const std::string& label : result.violated) EXPECT_TRUE(label.starts_with("ranges ")) << label;
    EXPECT_EQ(place_of(result.verdict), "sigma") << which;
  }
}

// What must be added to a slot so that a record holds, if nothing else changed.
Fr repair(const proof::zk::DishonestProver& prover, const std::string& record, const std::string& message, std::size_t slot) {
  const auto& labels = prover.message_labels();
  const auto number = static_cast<std::uint32_t>(std::find(labels.begin(), labels.end(), message) - labels.begin());
  for (const auto& r : prover.records()) {
    if (r.label != record) continue;
    Fr residual = r.linear.value(), slope;
    const auto slope_of = [&](const proof::zk::Scalar& scalar) {
      Fr sum;
      for (const auto& term : scalar.terms())
        if (term.message == number && term.position == slot) sum += term.coefficient;
      return sum;
    };
    slope += slope_of(r.linear);
    for (const auto& product : r.products) {
      residual += product.a.value() * product.b.value();
      slope += slope_of(product.a) * product.b.value() + slope_of(product.b) * product.a.value();
    }
    return -residual * slope.inverse();
  }
  ADD_FAILURE() << "no record " << record;
  return Fr::zero();
}

Labels violated_with(const Job& job, const proof::zk::Additions& additions) {
  const Attempt result = attempt(job.protocol(), additions);
  EXPECT_EQ(place_of(result.verdict), "sigma");
  return result.violated;
}

// A chosen plaintext is added to the first output, and the lie put into the value of the re-randomiser.
TEST(DishonestServer, WhoseRerandomizerCarriesAPlaintextIsRefused) {
  for (const Kind kind : {Kind::kLinear, Kind::kNetwork}) {
    Job job = make_job(commit_model(make_graph(kind, 3, 2, 2)));
    for (Fr& v : job.outputs[0][0]) v += Fr::from_u64(7);
    const std::string layer = kind == Kind::kLinear ? "first layer" : "second layer";
    proof::zk::DishonestProver prover("test");
    EXPECT_EQ(proof::zk::finish_and_verify(job.protocol(), prover).violated, Labels{layer});
    proof::zk::Additions additions;
    additions["rerandomiser value"][0] = repair(prover, layer, "rerandomiser value", 0);
    EXPECT_EQ(violated_with(job, additions), Labels{"rerandomiser"});
  }
}

// The same lie in the sum of squares, then in the hidden value.
TEST(DishonestServer, WithAWrongSquareIsRefused) {
  Job job = make_job(network_model());
  for (Fr& v : job.outputs[0][0]) v += Fr::from_u64(7);
  proof::zk::Additions additions;
  proof::zk::DishonestProver first("test");
  EXPECT_EQ(proof::zk::finish_and_verify(job.protocol(), first).violated, Labels{"second layer"});
  additions["second layer ends"][1] = repair(first, "second layer", "second layer ends", 1);
  EXPECT_EQ(violated_with(job, additions), Labels{"square"});
}

// Every relation holds for other parameters than those that the model commits to.
TEST(DishonestServer, WithParametersThatAreNotTheCommittedOnesIsRefusedByTheirOpenings) {
  const auto model = network_model(1), other = network_model(2);
  for (std::size_t t = 0; t < model->secrets().size(); ++t) {
    std::vector<commit::TensorSecret> secrets = model->secrets();
    secrets[t].values = other->secrets()[t].values;
    model::IntegerGraph graph = model->graph();
    // Narrow and wide parameters: which one tensor t belongs to.
    std::size_t parameter = 0;
    while (parameter + 1 < model->key().first_tensor.size() && model->key().first_tensor[parameter + 1] <= t) ++parameter;
    if (model->key().plan.parameters[parameter].limbs > 1) {
      auto& values = std::get<std::vector<std::int32_t>>(graph.values[parameter]);
      const std::size_t limb = t - model->key().first_tensor[parameter];
      const auto& others = std::get<std::vector<std::int32_t>>(other->graph().values[parameter]);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint32_t mask = 0xffffu << (16 * limb);
        const std::uint32_t mine = static_cast<std::uint32_t>(values[i]) ^ 0x80000000u, its = static_cast<std::uint32_t>(others[i]) ^ 0x80000000u;
        values[i] = static_cast<std::int32_t>(((mine & ~mask) | (its & mask)) ^ 0x80000000u);
      }
    } else {
      graph.values[parameter] = other->graph().values[parameter];
    }
    Job job = make_job(model);
    Job cheat = job;
    cheat.model = commit_model(graph);
    cheat.evaluate();
    job.hidden = cheat.hidden;
    job.outputs = cheat.outputs;
    const auto vectors = job.vectors();
    vectors->witness.parameters = &secrets;
    proof::zk::DishonestProver prover("test");
    run_hybrid(prover, model->key(), job.network, job.statement, *job.ring, vectors->values, &vectors->witness);
    const base::Bytes bytes = prover.finish();
    EXPECT_EQ(prover.violated(), Labels{}) << t;
    EXPECT_EQ(place_of(proof::zk::verify(job.protocol(), bytes)), "sigma") << t;
  }
}

// Whatever one commitment in the proof is exchanged for: its opening fails.
TEST(HybridProof, EveryCommitmentIsToWhatTheProverGoesOnWith) {
  const Job job = make_job(commit_model(make_graph(Kind::kNetwork, 2, 2, 1)));
  const auto protocol = job.protocol();
  proof::zk::DishonestProver honest("test");
  protocol(honest);
  const std::size_t points = honest.point_count();
  for (std::size_t n = 0; n < points; n += n < 20 ? 1 : 13) {
    proof::zk::DishonestProver prover("test");
    prover.shift_point(n);
    EXPECT_EQ(place_of(proof::zk::finish_and_verify(protocol, prover).verdict), "sigma") << n;
  }
}

TEST(Network, IsReadFromChainsOfThreeKindsOnly) {
  const auto network = [](auto build, model::Arithmetic arithmetic = model::Arithmetic::kExact) {
    testing::GraphBuilder builder(arithmetic, 1);
    const auto x = builder.input({1, 2, 3}, 0, 3);
    return read_network(builder.finish(build(builder, x)).architecture);
  };
  const auto deep = [](testing::GraphBuilder& b, model::TensorId x, int squares) {
    auto y = b.dense(b.reshape(x, {6}), 3, 4);
    for (int i = 0; i < squares; ++i) y = b.dense(b.multiply(y, y), 2, 4);
    return y;
  };
  using B = testing::GraphBuilder;
  using T = model::TensorId;
  EXPECT_EQ(network([&](B& b, T x) { return deep(b, x, 0); })->components(), 2u);
  EXPECT_EQ(network([&](B& b, T x) { return deep(b, x, 1); })->components(), 3u);
  EXPECT_EQ(network([&](B& b, T x) { return deep(b, x, 1); })->inputs(), 6u);
  EXPECT_EQ(network([&](B& b, T x) { return deep(b, x, 1); })->outputs(), 2u);
  EXPECT_FALSE(network([&](B& b, T x) { return deep(b, x, 2); }).ok());
  EXPECT_FALSE(network([&](B& b, T x) { return b.dense(deep(b, x, 0), 2, 4); }).ok());
  EXPECT_FALSE(network([&](B& b, T x) { return b.multiply(x, x); }).ok());
  EXPECT_FALSE(network([&](B& b, T x) { return b.sum_pool(x, testing::window(2)); }).ok());
  EXPECT_FALSE(network([&](B& b, T x) {
                 const auto flat = b.reshape(x, {6});
                 return b.multiply(b.dense(flat, 2, 4), b.dense(flat, 2, 4));
               }).ok());
  EXPECT_FALSE(network([&](B& b, T x) { return b.dense(b.reshape(x, {2, 3}), 2, 4); }).ok());
  EXPECT_FALSE(network([&](B& b, T x) { return b.requantize(b.dense(b.reshape(x, {6}), 2, 4), 3, -8, 7); }, model::Arithmetic::kRescaled).ok());
}

}  // namespace
}  // namespace blindproof::hybrid
