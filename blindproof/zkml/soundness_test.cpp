// A dishonest prover for each check: it falsifies one cell or claim and goes on honestly. Each test says which record stands
// in its way, and the verifier must refuse. docs/spec/checks.md lists which test belongs to which check.
#include <gtest/gtest.h>

#include <algorithm>

#include "blindproof/zkml/job_test_support.h"

namespace blindproof::zkml {
namespace {

using commit::IntegerSpan;
using field::Fr;
using model::Arithmetic;
using model::Int128;
using proof::zk::add_to_cell;
using proof::zk::Additions;
using proof::zk::Attempt;
using proof::zk::attempt;
using proof::zk::chase;
using proof::zk::DishonestProver;
using proof::zk::finish_and_verify;
using proof::zk::kind_of;
using proof::zk::never_alone;
using proof::zk::place_of;
using testing::GraphBuilder;
using testing::window;

// The verifier refuses because the records of exactly these kinds don't hold.
void expect_caught(const Attempt& result, const std::set<std::string>& kinds) {
  std::set<std::string> seen;
  for (const std::string& label : result.violated) seen.insert(kind_of(label));
  EXPECT_EQ(seen, kinds);
  ASSERT_FALSE(result.verdict.ok());
  EXPECT_EQ(result.verdict.error().code, base::ErrorCode::kRejected);
  EXPECT_EQ(place_of(result.verdict), "sigma");
}

void expect_caught(Job& job, const std::set<std::string>& kinds) { expect_caught(attempt(job.protocol()), kinds); }

void expect_accepted(Job& job) {
  const Attempt result = attempt(job.protocol());
  EXPECT_EQ(result.violated, std::vector<std::string>());
  EXPECT_TRUE(result.verdict.ok()) << result.verdict.error().message();
}

// ------------------------------------------------------------------ requantisation: one table of (hi, out)

// Dense, then t = acc*m + 64 = hi*2^7 + rem with limbs of 4 and 3 bits, and out = clamp(hi, 0, 14) from one table.
struct DirectClamp : ::testing::Test {
  static constexpr std::size_t kNode = 1, kLow = 0, kTop = 1, kHi = 2, kTopBits = 3;

  static std::shared_ptr<CommittedModel> build() {
    GraphBuilder b(Arithmetic::kRescaled, 21);
    auto x = b.input({3}, -8, 7);
    x = b.dense(x, 4, 4, 8);
    return commit_model(b.finish(b.requantize(x, 7, 0, 14, 4)));
  }
  static const std::shared_ptr<CommittedModel>& shared() {
    static const std::shared_ptr<CommittedModel> model = build();
    return model;
  }

  DirectClamp() : job(make_job(shared(), {5, -3, 7})) {
    EXPECT_EQ(job.key->plan.requantize[kNode]->remainder.size(), 2u);
    EXPECT_EQ(job.key->plan.requantize[kNode]->remainder[1].bits, kTopBits);
    // A cell whose output is neither end of the clamp, so that a step of one changes it.
    const auto& out = job.output();
    cell = static_cast<std::size_t>(std::find_if(out.begin(), out.end(), [](auto v) { return v > 0 && v < 14; }) - out.begin());
    EXPECT_LT(cell, out.size());
  }
  void move_hi(int delta) {
    job.column(kNode, kHi)[cell] += delta;
    job.output()[cell] = std::clamp<std::int64_t>(job.column(kNode, kHi)[cell], 0, 14);
    restate(job);
  }

  Job job;
  std::size_t cell = 0;
};

TEST_F(DirectClamp, HonestProverSucceeds) { expect_accepted(job); }

TEST_F(DirectClamp, HiOneTooLargeIsNotTheAccumulator) {
  move_hi(1);
  expect_caught(job, {"node # multiplier"});
}
TEST_F(DirectClamp, RemainderOneTooLargeIsNotTheAccumulator) {
  auto& low = job.column(kNode, kLow)[cell];
  low += low == 15 ? -1 : 1;
  expect_caught(job, {"node # multiplier"});
}
TEST_F(DirectClamp, RemainderAboveItsRangeIsNotInItsTable) {
  move_hi(-1);
  job.column(kNode, kTop)[cell] += 1 << kTopBits;
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, NegativeRemainderIsNotInItsTable) {
  move_hi(1);
  job.column(kNode, kTop)[cell] -= 1 << kTopBits;
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, TopLimbHasItsOwnWidth) {
  // 2^3 would fit the 4 bits of the other limb.
  job.column(kNode, kTop)[cell] = 1 << kTopBits;
  job.column(kNode, kLow)[cell] = 0;
  fill_columns(*job.key, job.model->graph(), job.witness);
  const std::int32_t top = job.column(kNode, kTop)[cell];
  job.column(kNode, kTop)[cell] = top + (1 << kTopBits);
  move_hi(-1);
  ASSERT_LT(top + (1 << kTopBits), 16);
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, LimbsAreNotExchangeable) {
  job.column(kNode, kLow)[cell] += 16;
  job.column(kNode, kTop)[cell] -= 1;
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, OutputIsTheTablesEntry) {
  job.output()[cell] += 1;
  restate(job);
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, HiBeyondTheTableIsRefused) {
  const auto& table = job.key->plan.tables[std::get<compiler::RequantizePlan::Direct>(job.key->plan.requantize[kNode]->activation).table];
  const auto beyond = static_cast<int>(table.first + static_cast<std::int64_t>(table.size)) - job.column(kNode, kHi)[cell];
  move_hi(beyond);
  job.column(kNode, kTop)[cell] -= beyond << kTopBits;
  expect_caught(job, {"lookups root"});
}
TEST_F(DirectClamp, MultiplicityOffByOneIsRefused) {
  for (const proof::lookup::Table& table : job.key->plan.tables) {
    bool done = false;
    const Attempt result = attempt(job.protocol(), {}, [&](std::string_view name, const IntegerSpan& values) {
      if (name != "lookups multiplicities " + std::to_string(table.id)) return;
      add_to_cell(values, table.size / 2, 1);
      done = true;
    });
    if (done) expect_caught(result, {"lookups root"});
  }
}
TEST_F(DirectClamp, AnotherTableDoesNotServe) {
  // (hi, 0) is the tuple hi of the range table but for the id.
  auto& hi = job.column(kNode, kHi)[cell];
  ASSERT_GT(hi, 0);
  ASSERT_LT(hi, 8);
  job.output()[cell] = 0;
  restate(job);
  const auto& range = job.key->plan.tables[job.key->plan.requantize[kNode]->remainder[kTop].table];
  expect_caught(attempt(job.protocol(), {},
                        [&](std::string_view name, const IntegerSpan& values) {
                          if (name == "lookups multiplicities " + std::to_string(range.id)) add_to_cell(values, static_cast<std::size_t>(hi), 1);
                        }),
                {"lookups root"});
}
TEST_F(DirectClamp, WrongAccumulatorIsRefused) {
  job.tensor(1)[cell] += 128;
  requantize_again(job, kNode);
  restate(job);
  expect_caught(job, {"node # dense"});
}
TEST_F(DirectClamp, WrongPublicOutputIsRefused) {
  job.statement.output.values[cell] += 1;
  expect_caught(job, {"opening"});  // of the output that was committed
}

// ------------------------------------------------------------------ the wide clamp: limbs and flags

// hi = low + low_part + 16*high, out = inside*low_part + above*15.
struct SplitClamp : ::testing::Test {
  static constexpr std::size_t kNode = 1;
  std::size_t low = 0, high = 0, inside = 0, above = 0;

  static const std::shared_ptr<CommittedModel>& shared() {
    static const std::shared_ptr<CommittedModel> model = [] {
      GraphBuilder b(Arithmetic::kRescaled, 22);
      auto x = b.dense(b.input({3}, -8, 7), 24, 4, 8);
      return commit_model(b.finish(b.requantize(x, 2, 0, 15)));
    }();
    return model;
  }
  SplitClamp() : job(make_job(shared(), {5, -3, 7})) {
    const auto& plan = *job.key->plan.requantize[kNode];
    EXPECT_TRUE(std::holds_alternative<compiler::RequantizePlan::Split>(plan.activation));
    low = plan.remainder.size();
    high = low + 1;
    inside = low + 2;
    above = low + 3;
  }
  std::size_t find(const std::function<bool(std::size_t)>& predicate) {
    for (std::size_t i = 0; i < job.output().size(); ++i)
      if (predicate(i)) return i;
    ADD_FAILURE() << "no such cell: choose another seed";
    return 0;
  }
  std::size_t below_cell() {
    return find([&](std::size_t i) { return job.column(kNode, high)[i] < 0 && job.column(kNode, low)[i] > 0; });
  }
  std::size_t inside_cell() {
    return find([&](std::size_t i) { return job.column(kNode, high)[i] == 0 && job.column(kNode, low)[i] > 0 && job.column(kNode, low)[i] < 15; });
  }
  std::size_t above_cell() {
    return find([&](std::size_t i) { return job.column(kNode, high)[i] > 0 && job.column(kNode, low)[i] < 15; });
  }
  // The output that the flags lead to.
  void follow(std::size_t i) {
    job.output()[i] = job.column(kNode, inside)[i] * job.column(kNode, low)[i] + job.column(kNode, above)[i] * 15;
    restate(job);
  }
  Job job;
};

TEST_F(SplitClamp, HonestProverSucceeds) { expect_accepted(job); }

TEST_F(SplitClamp, BelowIsNotInside) {
  const std::size_t i = below_cell();
  job.column(kNode, inside)[i] = 1;
  follow(i);
  expect_caught(job, {"lookups root"});
}
TEST_F(SplitClamp, BelowIsNotAbove) {
  const std::size_t i = below_cell();
  job.column(kNode, above)[i] = 1;
  follow(i);
  expect_caught(job, {"lookups root"});
}
TEST_F(SplitClamp, InsideIsNotBelow) {
  const std::size_t i = inside_cell();
  job.column(kNode, inside)[i] = 0;
  follow(i);
  expect_caught(job, {"lookups root"});
}
TEST_F(SplitClamp, AboveIsNotInside) {
  const std::size_t i = above_cell();
  job.column(kNode, inside)[i] = 1;
  job.column(kNode, above)[i] = 0;
  follow(i);
  expect_caught(job, {"lookups root"});
}
TEST_F(SplitClamp, LowPartHasItsRange) {
  const std::size_t i = above_cell();
  job.column(kNode, low)[i] += 16;
  job.column(kNode, high)[i] -= 1;
  expect_caught(job, {"lookups root"});
}
TEST_F(SplitClamp, WrongClassIsNotTheAccumulator) {
  const std::size_t i = inside_cell();
  job.column(kNode, high)[i] = 1;
  job.column(kNode, inside)[i] = 0;
  job.column(kNode, above)[i] = 1;
  follow(i);
  expect_caught(job, {"node # dense"});
}
TEST_F(SplitClamp, WrongLowPartIsNotTheAccumulator) {
  const std::size_t i = inside_cell();
  job.column(kNode, low)[i] += 1;
  follow(i);
  expect_caught(job, {"node # dense"});
}
TEST_F(SplitClamp, ClassBeyondTheTableIsRefused) {
  const std::size_t i = above_cell();
  job.column(kNode, high)[i] = 1 << 20;
  expect_caught(job, {"lookups root", "node # dense"});
}
TEST_F(SplitClamp, OutputFollowsFlags) {
  const std::size_t i = inside_cell();
  job.output()[i] += 1;
  restate(job);
  expect_caught(job, {"node # clamp"});
}

// ------------------------------------------------------------------ a clamp that never acts: limbs of hi

struct SmallRange : ::testing::Test {
  static constexpr std::size_t kNode = 1;
  static const std::shared_ptr<CommittedModel>& shared() {
    static const std::shared_ptr<CommittedModel> model = [] {
      GraphBuilder b(Arithmetic::kRescaled, 24);
      auto x = b.dense(b.input({3}, -8, 7), 4, 4, 0);
      return commit_model(b.finish(b.requantize(x, 1, -256, 255)));
    }();
    return model;
  }
  SmallRange() : job(make_job(shared(), {5, -3, 7})) {
    const auto& plan = *job.key->plan.requantize[kNode];
    const auto* identity = std::get_if<compiler::RequantizePlan::Identity>(&plan.activation);
    EXPECT_NE(identity, nullptr);
    limb = plan.remainder.size();
    bits = identity->limbs[0].bits;
  }
  Job job;
  std::size_t limb = 0;
  unsigned bits = 0;
};

TEST_F(SmallRange, HonestProverSucceeds) { expect_accepted(job); }

TEST_F(SmallRange, LimbsMakeTheOutput) {
  auto& value = job.column(kNode, limb)[1];
  value += value == 0 ? 1 : -1;
  expect_caught(job, {"node # small"});
}
TEST_F(SmallRange, OutputIsTheAccumulators) {
  auto& value = job.column(kNode, limb)[1];
  const int delta = value == 0 ? 1 : -1;
  value += delta;
  job.output()[1] += delta;
  restate(job);
  expect_caught(job, {"node # dense"});
}
TEST_F(SmallRange, LimbsHaveTheirRange) {
  job.tensor(1)[1] += 2 << bits;  // a false accumulator whose hi doesn't fit
  requantize_again(job, kNode);
  job.output()[1] = (job.tensor(1)[1] + 1) >> 1;
  auto& value = job.column(kNode, limb)[1];
  value += 1 << bits;
  if (job.key->plan.requantize[kNode]->columns() > limb + 1) value = 1 << bits;
  restate(job);
  const Attempt result = attempt(job.protocol());
  EXPECT_NE(std::find(result.violated.begin(), result.violated.end(), "lookups root"), result.violated.end());
  EXPECT_FALSE(result.verdict.ok());
}

TEST(SmallRangePlan, KeepsTheTableWhereLimbsWouldReachBeyondTheClamp) {
  // hi in [0, 9] inside the clamp [0, 14]: four bits could prove 15, which the clamp excludes.
  GraphBuilder b(Arithmetic::kRescaled, 24);
  auto x = b.input({1}, 0, 9);
  model::Architecture arch = b.finish(b.requantize(x, 0, 0, 14)).architecture;
  auto& op = std::get<model::integer_op::Requantize>(arch.nodes[0].op);
  op.hi_min = 0;
  op.hi_max = 9;
  ASSERT_TRUE(model::validate(arch).ok());
  const auto plan = compiler::lower_proof(arch);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(std::holds_alternative<compiler::RequantizePlan::Identity>(plan->requantize[0]->activation));
}

// ------------------------------------------------------------------ maximum pooling

struct MaxPool : ::testing::Test {
  static const std::shared_ptr<CommittedModel>& shared() {
    static const std::shared_ptr<CommittedModel> model = [] {
      GraphBuilder b(Arithmetic::kRescaled, 23);
      return commit_model(b.finish(b.max_pool(b.input({2, 4, 4}, -8, 7), window(2, 2))));
    }();
    return model;
  }
  MaxPool() : job(make_job(shared(), values())) {}
  static std::vector<std::int64_t> values() {
    std::vector<std::int64_t> v;
    for (int i = 0; i < 32; ++i) v.push_back((i * 7) % 15 - 8);
    return v;
  }
  Job job;
};

TEST_F(MaxPool, HonestProverSucceeds) { expect_accepted(job); }

TEST_F(MaxPool, MoreThanTheMaximumIsRefused) {
  job.output()[3] += 1;
  restate(job);
  expect_caught(job, {"lookups root"});
}
TEST_F(MaxPool, LessThanTheMaximumIsRefused) {
  job.output()[3] -= 1;
  restate(job);
  expect_caught(job, {"lookups root"});
}
TEST_F(MaxPool, AnotherInputOfTheWindowIsRefused) {
  // The smallest of the window's values.
  const auto& x = job.tensor(0);
  job.output()[0] = std::min({x[0], x[1], x[4], x[5]});
  ASSERT_LT(job.output()[0], std::max({x[0], x[1], x[4], x[5]}));
  restate(job);
  expect_caught(job, {"lookups root"});
}
TEST_F(MaxPool, EveryStepIsChecked) {
  ASSERT_EQ(job.witness.nodes[0].columns.size(), 2u);
  for (std::size_t step = 0; step < 2; ++step) {
    for (int delta : {-1, 1}) {
      Job wrong = make_job(shared(), values());
      wrong.column(0, step)[5] += delta;
      expect_caught(wrong, {"lookups root"});
    }
  }
}
TEST_F(MaxPool, ClaimsOfTheInputAreTied) {
  const auto result = attempt(job.protocol());
  ASSERT_TRUE(result.verdict.ok());
  DishonestProver names("test");
  job.protocol()(names);
  for (const std::string& label : names.message_labels()) {
    if (label.find("views") == std::string::npos) continue;
    for (std::size_t slot = 0; slot < 4; ++slot)
      EXPECT_FALSE(attempt(job.protocol(), {{label, {{slot, Fr::one()}}}}).verdict.ok()) << label << " slot " << slot;
  }
}

TEST(MaxPoolOfOneCell, OutputIsTheInput) {
  GraphBuilder b(Arithmetic::kRescaled, 24);
  const auto model = commit_model(b.finish(b.max_pool(b.input({2, 4, 4}, -8, 7), window(1, 2))));
  Job honest = make_job(model, MaxPool::values());
  expect_accepted(honest);
  Job job = make_job(model, MaxPool::values());
  job.output()[2] += 1;
  restate(job);
  expect_caught(job, {"node # pool"});
}

// ------------------------------------------------------------------ linear layers and element-wise operators

struct Operator {
  std::string name;
  std::set<std::string> caught_by;  // public input; the last check of the operator's claim
  std::function<model::TensorId(GraphBuilder&)> build;
};

std::vector<Operator> operators() {
  return {
      {"Dense", {"node # dense"}, [](GraphBuilder& b) { return b.dense(b.input({5}, -8, 7), 3, 4, 8); }},
      {"DenseOfRows", {"node # dense"}, [](GraphBuilder& b) { return b.dense(b.input({2, 3}, -8, 7), 5, 4, 0); }},
      {"Conv", {"node # conv"}, [](GraphBuilder& b) { return b.conv(b.input({2, 4, 3}, -8, 7), 3, window(2, 1, 1), 1, 4, 8); }},
      {"ConvOfGroups", {"node # conv"}, [](GraphBuilder& b) { return b.conv(b.input({4, 3, 3}, -8, 7), 6, window(2), 2, 4, 8); }},
      {"SumPool", {"input #"}, [](GraphBuilder& b) { return b.sum_pool(b.input({2, 4, 4}, -8, 7), window(2, 2)); }},
      {"Add", {"input #"}, [](GraphBuilder& b) { auto x = b.input({5}, -8, 7); return b.add(x, b.reshape(x, {5}), 3, -2); }},
      {"Multiply", {"node # product"}, [](GraphBuilder& b) { auto x = b.input({5}, -8, 7); return b.multiply(x, b.reshape(x, {5})); }},
      {"Square", {"node # product"}, [](GraphBuilder& b) { auto x = b.input({5}, -8, 7); return b.multiply(x, x); }},
      {"Transpose", {"input #"}, [](GraphBuilder& b) { return b.transpose(b.input({3, 5}, -8, 7), {1, 0}); }},
      {"Reshape", {"input #"}, [](GraphBuilder& b) { return b.reshape(b.input({3, 5}, -8, 7), {5, 3}); }},
  };
}

TEST(Operators, ExactWrongOutputsAreRefused) {
  for (const Operator& op : operators()) {
    SCOPED_TRACE(op.name);
    for (const Hide hide : {Hide{false, false}, Hide{true, true}}) {
      GraphBuilder b(Arithmetic::kExact, 25);
      const auto graph = b.finish(op.build(b));
      const auto model = commit_model(graph);
      Job job = make_job(model, b.random_input(graph), hide);
      expect_accepted(job);
      add_to_cell(job.witness.tensor(job.architecture().output), 1, 1);
      restate(job);
      // A hidden input's claims end in its opening, after the merge of functionals if there are any.
      const Attempt result = attempt(job.protocol());
      EXPECT_EQ(result.violated.size(), 1u);
      if (!hide.input) expect_caught(result, op.caught_by);
      ASSERT_FALSE(result.verdict.ok());
      EXPECT_EQ(place_of(result.verdict), "sigma");
    }
  }
}

TEST(Operators, RescaledWrongAccumulatorsAreRefused) {
  for (const Operator& op : operators()) {
    if (op.name == "Transpose" || op.name == "Reshape") continue;  // part of the requantised tensors' claims
    SCOPED_TRACE(op.name);
    GraphBuilder b(Arithmetic::kRescaled, 26);
    const auto accumulator = op.build(b);
    const auto graph = b.finish(b.requantize(accumulator, 2, -8, 7));
    const auto model = commit_model(graph);
    const auto input = b.random_input(graph);
    Job job = make_job(model, input, {});
    expect_accepted(job);
    const std::size_t node = job.architecture().nodes.size() - 1;
    // One step of the output, in a cell that isn't clamped.
    std::size_t cell = 0;
    while (cell + 1 < job.output().size() && (job.output()[cell] <= -8 || job.output()[cell] >= 7)) ++cell;
    job.tensor(accumulator)[cell] += job.output()[cell] >= 7 ? -4 : 4;
    requantize_again(job, node);
    restate(job);
    expect_caught(job, op.caught_by);
  }
}

TEST(Operators, MultipliersAreTheCommittedOnes) {
  // One cell: the product's factors are claims in the clear, so that the prover may use another multiplier to the end.
  GraphBuilder b(Arithmetic::kRescaled, 36);
  const auto graph = b.finish(b.requantize(b.dense(b.input({1}, 1, 7), 1, 4, 0), 3, 0, 14, 4));
  const auto model = commit_model(graph);
  Job job = make_job(model, {5});
  expect_accepted(job);
  model::IntegerGraph other = graph;
  std::visit([](auto& v) { v[0] += 1; }, other.values[1]);
  job.witness.trace = model::run_rescaled(other, std::vector<std::int64_t>{5});
  fill_columns(*job.key, other, job.witness);
  restate(job);
  expect_caught(attempt(job.protocol(), {{"node 1 multiplier ends", {{0, Fr::one()}}}}), {"node # multiplier value"});
}

TEST(Operators, FunctionalsOfAHiddenInputAreMergedRightly) {
  // One cell: an output for another input than the hidden one, carried down to the merge of the input's claims.
  GraphBuilder b(Arithmetic::kExact, 37);
  const auto graph = b.finish(b.conv(b.input({1, 1, 1}, -8, 7), 1, window(1), 1, 4, 0));
  const auto model = commit_model(graph);
  Job job = make_job(model, {3}, {true, false});
  expect_accepted(job);
  add_to_cell(job.witness.tensor(job.architecture().output), 0, model::value_at(graph.values[0], 0));
  restate(job);
  const Additions input_off_by_one = {{"node 0 conv ends", {{1, Fr::one()}}}};
  expect_caught(attempt(job.protocol(), input_off_by_one), {"input merge"});
  Additions merged = input_off_by_one;
  merged["input merge end"][0] = Fr::one();
  expect_caught(attempt(job.protocol(), merged), {"opening"});
}

// Claims that a prover carries on falsely, in networks of one cell, where only the opening of one tensor stands in its way.
TEST(Openings, EveryOpeningOfATensorIsNeeded) {
  GraphBuilder b(Arithmetic::kRescaled, 38);
  auto x = b.requantize(b.input({1}, 1, 7), 0, 0, 3);
  auto y = b.dense(x, 1, 4, 5);
  const auto graph = b.finish(b.requantize(y, 0, 0, 127));
  const auto model = commit_model(graph);
  Job job = make_job(model, {2});
  expect_accepted(job);
  const auto w = static_cast<std::int64_t>(model::value_at(graph.values[0], 0));
  ASSERT_NE(w, 0);
  {
    // The dense layer reads x + 1.
    Job lie = make_job(model, {2});
    lie.tensor(2)[0] += w;
    requantize_again(lie, 2);
    restate(lie);
    expect_caught(attempt(lie.protocol(), {{"node 1 dense ends", {{1, Fr::one()}}}}), {"opening"});
  }
  {
    // The dense layer uses w + 1.
    Job lie = make_job(model, {2});
    lie.tensor(2)[0] += lie.tensor(1)[0];
    requantize_again(lie, 2);
    restate(lie);
    expect_caught(attempt(lie.protocol(), {{"node 1 dense ends", {{0, Fr::one()}}}}), {"opening"});
  }
  {
    // The bias is one more.
    Job lie = make_job(model, {2});
    lie.tensor(2)[0] += 1;
    requantize_again(lie, 2);
    restate(lie);
    expect_caught(attempt(lie.protocol(), {{"node 1 bias 0", {{0, Fr::one()}}}}), {"opening"});
  }
}

TEST(Openings, BothFactorsOfAClampAreOpened) {
  GraphBuilder b(Arithmetic::kRescaled, 39);
  const auto graph = b.finish(b.requantize(b.dense(b.input({1}, -100, 100), 1, 4, 0), 0, 0, 15));
  const auto model = commit_model(graph);
  const auto w = static_cast<std::int64_t>(model::value_at(graph.values[0], 0));
  ASSERT_NE(w, 0);
  Job job = make_job(model, {w > 0 ? 1 : -1});
  ASSERT_TRUE(std::holds_alternative<compiler::RequantizePlan::Split>(job.key->plan.requantize[1]->activation));
  expect_accepted(job);
  const std::int64_t low = job.output()[0];
  ASSERT_GT(low, 0);
  ASSERT_LT(low, 15);
  job.output()[0] += low;  // inside * low part = 2 * low, or 1 * (2 * low)
  restate(job);
  expect_caught(attempt(job.protocol(), {{"node 1 clamp ends", {{0, Fr::one()}}}}), {"opening"});
  expect_caught(attempt(job.protocol(), {{"node 1 clamp ends", {{1, Fr::from_i64(low)}}}}), {"opening"});
}

TEST(Operators, WrongClaimsOfTermsAreRefused) {
  // Add splits one claim in two: raising one and lowering the other is caught at their ends.
  GraphBuilder b(Arithmetic::kExact, 27);
  auto x = b.input({5}, -8, 7);
  const auto graph = b.finish(b.add(b.dense(x, 3, 4, 0), b.dense(x, 3, 4, 8), 2, 3));
  Job job = make_job(commit_model(graph), b.random_input(graph));
  expect_caught(attempt(job.protocol(), {{"node 2 first term", {{0, Fr::one()}}}}), {"node # dense"});
}

// ------------------------------------------------------------------ ranges

TEST(Ranges, PublicInputOutOfRangeIsRefused) {
  Job job = make_job(DirectClamp::shared(), {5, -3, 7});
  const auto registered = RegisteredModel::check(job.key);
  ASSERT_TRUE(registered.ok());
  for (const Int128 wrong : {Int128{8}, Int128{-9}, Int128{1} << 100}) {
    InferenceProof proof{job.statement, {}};
    proof.statement.input.values[0] = wrong;
    const base::Status verdict = verify_inference(*registered, proof);
    ASSERT_FALSE(verdict.ok());
    EXPECT_EQ(verdict.error().code, base::ErrorCode::kRejected);
    EXPECT_EQ(place_of(verdict), "statement.input");
  }
}

TEST(Ranges, HiddenInputOutOfRangeIsRefused) {
  for (const std::int64_t wrong : {8, -9, 40}) {
    Job job = make_job(DirectClamp::shared(), {5, -3, wrong}, {true, false});
    const Attempt result = attempt(job.protocol());
    EXPECT_NE(std::find(result.violated.begin(), result.violated.end(), "lookups root"), result.violated.end());
    EXPECT_EQ(place_of(result.verdict), "sigma");
  }
}

TEST(Ranges, OnlyTheRangeCheckStopsAHiddenInputOutOfRange) {
  Job job = make_job(DirectClamp::shared(), {5, -3, 8}, {true, false});
  expect_caught(job, {"lookups root"});
}

// A model whose parameter 0 (weights, 4 bits), 1 (wide bias) or 2 (multipliers, 4 bits) its owner has falsified.
model::IntegerGraph range_graph() {
  GraphBuilder b(Arithmetic::kRescaled, 28);
  auto x = b.dense(b.input({3}, -8, 7), 2, 4, 32);
  return b.finish(b.requantize(x, 24, -8, 7, 4));
}

Attempt register_anyway(const CommittedModel& model) {
  return attempt([&](proof::zk::Context& context) {
    run_registration(context, model.key(), context.proving() ? &model.secrets() : nullptr);
  });
}

void expect_unregistered(const CommittedModel& model) {
  const auto registered = RegisteredModel::check(model.shared_key());
  ASSERT_FALSE(registered.ok());
  EXPECT_EQ(registered.error().code, base::ErrorCode::kRejected);
  EXPECT_EQ(place_of(registered), "registration.sigma");
  EXPECT_EQ(register_anyway(model).violated, std::vector<std::string>{"ranges root"});
}

TEST(Registration, RefusesWeightsOutOfRange) {
  for (const int wrong : {8, -9, 127}) {
    model::IntegerGraph graph = range_graph();
    std::get<std::vector<std::int8_t>>(graph.values[0])[4] = static_cast<std::int8_t>(wrong);
    expect_unregistered(*commit_model(graph));
  }
}

TEST(Registration, RefusesMultipliersOutOfRange) {
  for (const int wrong : {16, -1}) {
    model::IntegerGraph graph = range_graph();
    std::get<std::vector<std::int8_t>>(graph.values[2])[1] = static_cast<std::int8_t>(wrong);
    expect_unregistered(*commit_model(graph));
  }
}

// The parameter tensors of a model, committed anew with other cells and registered by its owner.
std::shared_ptr<CommittedModel> falsify(const model::IntegerGraph& graph, std::size_t tensor, const IntegerSpan& values) {
  auto model = commit_model(graph);
  TensorSecret& secret = CommittedModelAccess::secrets(*model)[tensor];
  secret.values = values;
  auto& key = const_cast<ModelKey&>(model->key());
  key.tensors[tensor].rows = commit::commit_rows(Generators::standard(), key.tensors[tensor].layout, values, secret.blinds);
  auto parsed = parse_model_key(write_model_key(key));  // for the id
  BLINDPROOF_CHECK(parsed.ok(), "a falsified key is well formed");
  key.id = parsed->id;
  proof::zk::ProverContext context(Generators::standard(), kRegistrationProtocol, Seed{5}, Seed{6});
  run_registration(context, key, &model->secrets());
  key.registration = context.finish();
  return model;
}

TEST(Registration, RefusesLimbsOutOfRange) {
  const model::IntegerGraph graph = range_graph();
  const auto honest = commit_model(graph);
  ASSERT_EQ(honest->key().tensors.size(), 4u);  // weights, two limbs of the bias, multipliers
  // The same bias by another carry.
  std::vector<std::int32_t> low, high;
  for (std::size_t i = 0; i < 2; ++i) {
    low.push_back(static_cast<std::int32_t>(commit::at(honest->secrets()[1].values, i)));
    high.push_back(static_cast<std::int32_t>(commit::at(honest->secrets()[2].values, i)));
  }
  low[0] += 1 << 16;
  const auto too_large = falsify(graph, 1, std::span<const std::int32_t>(low));
  expect_unregistered(*too_large);
  high[1] = -1;
  expect_unregistered(*falsify(graph, 2, std::span<const std::int32_t>(high)));
}

TEST(Registration, RefusesHugeWeights) {
  const model::IntegerGraph graph = range_graph();
  std::vector<Int128> weights(6, Int128{1});
  for (const Int128 huge : {Int128{1} << 126, -(Int128{1} << 126), Int128{1} << 64}) {
    weights[2] = huge;
    expect_unregistered(*falsify(graph, 0, std::span<const Int128>(weights)));
  }
}

TEST(Registration, IsWhatKeepsWeightsInRange) {
  // Without it, an inference with a weight out of range is accepted: RegisteredModel must stay the only way in.
  model::IntegerGraph graph = range_graph();
  std::get<std::vector<std::int8_t>>(graph.values[0])[4] = 9;
  const auto model = commit_model(graph);
  Job job = make_job(model, {1, 2, 1});
  expect_accepted(job);
  expect_unregistered(*model);
}

TEST(Registration, RefusesADoctoredId) {
  const auto model = commit_model(range_graph());
  auto doctored = std::make_shared<ModelKey>(model->key());
  doctored->id[3] ^= 1;
  const auto registered = RegisteredModel::check(doctored);
  ASSERT_FALSE(registered.ok());
  EXPECT_EQ(place_of(registered), "registration.id");
}

TEST(Registration, RefusesExchangedTensors) {
  // Two weight matrices of one shape, exchanged: the registration is about rows in their order.
  GraphBuilder b(Arithmetic::kExact, 29);
  auto x = b.input({3}, -8, 7);
  const auto graph = b.finish(b.dense(b.dense(x, 3, 4, 0), 3, 4, 0));
  const auto model = commit_model(graph);
  base::Bytes bytes = write_model_key(model->key());
  ModelKey swapped = model->key();
  std::swap(swapped.tensors[0].rows, swapped.tensors[1].rows);
  auto parsed = parse_model_key(write_model_key(swapped));
  ASSERT_TRUE(parsed.ok());
  EXPECT_NE(parsed->id, model->key().id);
  const auto registered = RegisteredModel::check(std::make_shared<ModelKey>(std::move(*parsed)));
  ASSERT_FALSE(registered.ok());
  EXPECT_EQ(place_of(registered), "registration.sigma");
}

// ------------------------------------------------------------------ what the statement binds

// Two dense layers of one shape, everything hidden: rows can be exchanged.
struct Binding : ::testing::Test {
  static model::IntegerGraph graph() {
    GraphBuilder b(Arithmetic::kRescaled, 30);
    auto x = b.input({3}, -8, 7);
    x = b.requantize(b.dense(x, 3, 4, 8), 3, -8, 7);
    return b.finish(b.requantize(b.dense(x, 3, 4, 8), 3, -8, 7));
  }
  static const std::shared_ptr<CommittedModel>& shared() {
    static const auto model = commit_model(graph());
    return model;
  }
  Binding() : job(make_job(shared(), {5, -3, 7}, {true, true})) {
    const Attempt honest = attempt(job.protocol());
    EXPECT_TRUE(honest.verdict.ok());
    proof = honest.proof;
  }
  base::Status verify_with(const ModelKey& key, const Statement& statement) {
    return proof::zk::verify(
        [&](proof::zk::Context& context) { ASSERT_TRUE(run_inference(context, key, statement, nullptr).ok()); }, proof);
  }
  Job job;
  base::Bytes proof;
};

TEST_F(Binding, ParametersAreNotExchangeable) {
  ModelKey key = *job.key;  // the same id, though the parameters' rows are others
  std::swap(key.tensors[0].rows, key.tensors[2].rows);
  EXPECT_EQ(place_of(verify_with(key, job.statement)), "sigma");
  key = *job.key;
  std::swap(key.tensors[1].rows, key.tensors[3].rows);
  EXPECT_EQ(place_of(verify_with(key, job.statement)), "sigma");
}
TEST_F(Binding, InputAndOutputAreNotExchangeable) {
  Statement swapped = job.statement;
  std::swap(swapped.input.rows, swapped.output.rows);
  EXPECT_EQ(place_of(verify_with(*job.key, swapped)), "sigma");
}
TEST_F(Binding, AnotherModelsParametersAreRefused) {
  const auto other = commit_model(graph(), 2);
  for (std::size_t t = 0; t < job.key->tensors.size(); ++t) {
    ModelKey key = *job.key;
    key.tensors[t] = other->key().tensors[t];
    EXPECT_EQ(place_of(verify_with(key, job.statement)), "sigma") << t;
  }
}
TEST_F(Binding, AlteredArchitectureIsRefused) {
  // Under the same id: what if it did not hash the architecture.
  const auto altered = [&](const std::function<void(model::Architecture&)>& change) {
    ModelKey key = *job.key;
    change(key.architecture);
    auto plan = compiler::lower_proof(key.architecture);
    EXPECT_TRUE(plan.ok());
    key.plan = std::move(*plan);
    return key;
  };
  const auto requantize = [](model::Architecture& a) -> model::integer_op::Requantize& {
    return std::get<model::integer_op::Requantize>(a.nodes[1].op);
  };
  for (const ModelKey& key : {altered([&](auto& a) { requantize(a).shift = 4; }), altered([&](auto& a) { requantize(a).factor = 2; }),
                              altered([&](auto& a) {
                                requantize(a).activation = model::integer_op::Requantize::Clamp{-4, 3};
                              }),
                              altered([](auto& a) { a.input_max = 6; })}) {
    const base::Status verdict = verify_with(key, job.statement);
    ASSERT_FALSE(verdict.ok());
    // And the id would have told.
    const auto parsed = parse_model_key(write_model_key(key));
    ASSERT_TRUE(parsed.ok());
    EXPECT_NE(parsed->id, job.key->id);
  }
}
TEST_F(Binding, ScalesAreInTheId) {
  for (double model::Architecture::*scale : {&model::Architecture::input_scale, &model::Architecture::output_scale}) {
    ModelKey key = *job.key;
    key.architecture.*scale *= 2;
    const auto parsed = parse_model_key(write_model_key(key));
    ASSERT_TRUE(parsed.ok());
    EXPECT_NE(parsed->id, job.key->id);
  }
}
TEST_F(Binding, ProvingWithOtherValuesThanCommittedIsRefused) {
  // The records hold for what the prover calculates with: only the group equation knows the commitments.
  for (std::size_t t = 0; t < job.key->tensors.size(); ++t) {
    std::vector<TensorSecret> secrets = job.model->secrets();
    std::vector<std::int32_t> values;
    for (std::size_t i = 0; i < commit::size(secrets[t].values); ++i)
      values.push_back(static_cast<std::int32_t>(commit::at(secrets[t].values, i)));
    values[0] += 1;  // from the least value of the range
    model::IntegerGraph other = job.model->graph();
    std::visit([&](auto& v) { v[0] = static_cast<std::remove_cvref_t<decltype(v[0])>>(values[0]); }, other.values[t]);
    const auto owner = std::make_shared<CommittedModel>(*job.model);
    Job lie = make_job(owner, {5, -3, 7}, {true, true});
    lie.witness.trace = model::run_rescaled(other, std::vector<std::int64_t>{5, -3, 7});
    fill_columns(*lie.key, other, lie.witness);
    restate(lie);
    secrets[t].values = std::span<const std::int32_t>(values);
    lie.witness.parameters = &secrets;
    expect_caught(lie, {});
  }
}
TEST_F(Binding, WrongHiddenTensorsAreRefused) {
  // The rows of the statement hide something else than the values that the proof is about.
  for (VisibleTensor Statement::*which : {&Statement::input, &Statement::output}) {
    Job lie = make_job(shared(), {5, -3, 7}, {true, true});
    auto& row = (lie.statement.*which).rows[0];
    row = (commit::G1(row) + Generators::standard().g()[1]).to_affine();
    expect_caught(lie, {});
  }
}
TEST_F(Binding, WrongHiddenOutputIsRefused) {
  job.output()[1] += 1;
  restate(job);
  expect_caught(job, {"node # clamp"});
}
TEST_F(Binding, JunkInPaddingCellsIsRefusedOrHasNoEffect) {
  // A row of three values uses generators 0..2 of four; 3 and those beyond are never claimed about.
  for (const std::size_t column : {std::size_t{3}, std::size_t{4}, std::size_t{100}, std::size_t{2047}}) {
    Job lie = make_job(shared(), {5, -3, 7}, {true, true});
    auto& row = lie.statement.input.rows[0];
    row = (commit::G1(row) + Generators::standard().g()[column]).to_affine();
    expect_caught(lie, {});
    ModelKey key = *lie.key;
    key.tensors[0].rows[0] = (commit::G1(key.tensors[0].rows[0]) + Generators::standard().g()[column]).to_affine();
    lie = make_job(shared(), {5, -3, 7}, {true, true});
    lie.key = std::make_shared<const ModelKey>(key);
    expect_caught(lie, {});
  }
}

TEST(StatementIsAbsorbed, WithEveryPart) {
  // What the first challenges depend on, as a verifier draws them.
  const ModelKey& key = *Binding::shared()->shared_key();
  const auto challenge_for = [&](const Statement& statement) {
    proof::zk::VerifierContext context(Generators::standard(), kInferenceProtocol, {});
    EXPECT_TRUE(run_inference(context, key, statement, nullptr).ok());
    return context.challenge("afterwards");
  };
  const Statement shown = make_job(Binding::shared(), {5, -3, 7}).statement;
  const Statement hidden = make_job(Binding::shared(), {5, -3, 7}, {true, true}).statement;
  const Fr of_shown = challenge_for(shown), of_hidden = challenge_for(hidden);
  EXPECT_EQ(of_shown, challenge_for(shown));
  EXPECT_NE(of_shown, of_hidden);
  const auto differs = [&](const Statement& from, const std::function<void(Statement&)>& change) {
    Statement other = from;
    change(other);
    EXPECT_NE(challenge_for(other), from.input.hidden ? of_hidden : of_shown);
  };
  differs(shown, [](Statement& s) { s.model[31] ^= 1; });
  differs(shown, [](Statement& s) { s.context.push_back(0); });
  differs(shown, [](Statement& s) { s.input.values[2] -= 1; });
  differs(shown, [](Statement& s) { s.output.values[2] -= 1; });
  differs(hidden, [](Statement& s) { s.input.rows[0] = s.output.rows[0]; });
  differs(hidden, [](Statement& s) { s.output.rows[0] = s.input.rows[0]; });
}

// ------------------------------------------------------------------ every message, every point, every forgery

struct Network {
  std::string name;
  std::function<model::IntegerGraph(GraphBuilder&)> build;
  Arithmetic arithmetic;
  Hide hide;
  std::vector<std::string> checks;  // that alone stand in the way of some forgery
};

std::vector<Network> networks() {
  return {
      {"dense, secret multipliers, split clamp, hidden",
       [](GraphBuilder& b) {
         auto x = b.requantize(b.dense(b.input({2}, -4, 3), 2, 3, 5), 3, 0, 7, 2);
         return b.finish(b.requantize(b.dense(x, 1, 3, 0), 2, -4, 3));
       },
       Arithmetic::kRescaled,
       {true, true},
       {"lookups tree layer #", "lookups tree numerators", "lookups tree denominators", "opening"}},
      {"convolutions and pools",
       [](GraphBuilder& b) {
         auto x = b.requantize(b.conv(b.input({2, 2, 2}, -2, 1), 2, window(1), 2, 3, 4), 2, -2, 0);
         x = b.max_pool(x, window(2));
         x = b.max_pool(x, window(1));
         return b.finish(b.requantize(b.sum_pool(b.reshape(x, {1, 2, 1}), window(1)), 1, -2, 0));
       },
       Arithmetic::kRescaled,
       {false, false},
       {"node # merge", "opening"}},
      {"one cell of everything",
       [](GraphBuilder& b) {
         auto x = b.input({1, 1, 1}, -4, 3);
         auto y = b.requantize(b.conv(x, 1, window(1), 1, 3, 0), 1, -4, 3, 2);
         y = b.max_pool(b.requantize(b.multiply(y, x), 2, -4, 3), window(1));
         return b.finish(b.requantize(b.dense(b.reshape(y, {1}), 1, 3, 4), 2, 0, 3));
       },
       Arithmetic::kRescaled,
       {true, false},
       {"opening"}},
      {"exact",
       [](GraphBuilder& b) {
         auto x = b.input({2, 2}, -4, 3);
         auto y = b.multiply(b.transpose(x, {1, 0}), x);
         return b.finish(b.add(b.dense(b.multiply(y, y), 2, 3, 4), b.dense(x, 2, 3, 0), 3, -1));
       },
       Arithmetic::kExact,
       {false, false},
       {"node # dense", "node # product", "input #"}},
  };
}

Job make_network_job(const Network& network, std::uint64_t seed) {
  GraphBuilder b(network.arithmetic, seed);
  const auto graph = network.build(b);
  return make_job(commit_model(graph), b.random_input(graph), network.hide);
}

TEST(EveryMessage, OneWrongValueIsRefused) {
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    Job job = make_network_job(network, 31);
    DishonestProver honest("test");
    ASSERT_TRUE(finish_and_verify(job.protocol(), honest).verdict.ok());
    std::set<std::string> kinds;
    for (const std::string& label : honest.message_labels()) {
      const Attempt result = attempt(job.protocol(), {{label, {{0, Fr::one()}}}});
      EXPECT_FALSE(result.violated.empty()) << label;
      for (const std::string& each : result.violated) kinds.insert(kind_of(each));
      ASSERT_FALSE(result.verdict.ok()) << label;
      EXPECT_EQ(place_of(result.verdict), "sigma");
    }
  }
}

TEST(EveryTensor, OneWrongCellIsRefused) {
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    Job names = make_network_job(network, 32);
    DishonestProver honest("test");
    ASSERT_TRUE(finish_and_verify(names.protocol(), honest).verdict.ok());
    for (const std::string& tensor : honest.tensor_names()) {
      Job job = make_network_job(network, 32);
      const Attempt result = attempt(job.protocol(), {}, [&](std::string_view name, const IntegerSpan& values) {
        if (name == tensor) add_to_cell(values, commit::size(values) - 1, 1);
      });
      EXPECT_FALSE(result.violated.empty()) << tensor;
      EXPECT_FALSE(result.verdict.ok()) << tensor;
    }
  }
}

TEST(EveryPoint, CommitmentToSomethingElseIsRefused) {
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    Job job = make_network_job(network, 33);
    DishonestProver honest("test");
    ASSERT_TRUE(finish_and_verify(job.protocol(), honest).verdict.ok());
    for (std::size_t n = 0; n < honest.point_count(); ++n) {
      DishonestProver prover("test");
      prover.shift_point(n);
      const Attempt result = finish_and_verify(job.protocol(), prover);
      EXPECT_EQ(result.violated, std::vector<std::string>()) << n;
      EXPECT_FALSE(result.verdict.ok()) << "point " << n;
    }
  }
}

TEST(EveryParameter, CommitmentToSomethingElseIsRefused) {
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    Job job = make_network_job(network, 33);
    for (std::size_t t = 0; t < job.model->key().tensors.size(); ++t) {
      ModelKey key = job.model->key();
      key.tensors[t].rows[0] = (commit::G1(key.tensors[t].rows[0]) + Generators::standard().g()[0]).to_affine();
      job.key = std::make_shared<const ModelKey>(key);
      expect_caught(job, {});
      const Attempt registration = attempt(
          [&](proof::zk::Context& context) { run_registration(context, key, context.proving() ? &job.model->secrets() : nullptr); });
      expect_caught(registration, {});
    }
  }
}

TEST(EveryCheck, StandsAloneInTheWayOfSomeForgery) {
  // A prover that alters whatever committed value makes the next violated record hold, from a true statement (what is accepted in
  // the end is a repaired, good proof) and from a false one (which must never come through).
  std::mt19937_64 random(34);
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    Job job = make_network_job(network, 35);
    EXPECT_EQ(never_alone(job.protocol(), network.checks, 40, random, [](const std::string&) {}), std::vector<std::string>());
    add_to_cell(job.witness.tensor(job.architecture().output), 0, job.architecture().arithmetic == Arithmetic::kExact || job.output()[0] < 0 ? 1 : -1);
    restate(job);
    const auto on_accept = [](const std::string& trail) { ADD_FAILURE() << "a false output was accepted:" << trail; };
    for (int trail = 0; trail < 10; ++trail) chase(job.protocol(), {}, random, on_accept);
  }
}

}  // namespace
}  // namespace blindproof::zkml
