#include "blindproof/proof/lookup/lookup.h"

#include <gtest/gtest.h>

#include <memory>

#include "blindproof/proof/zk/dishonest_prover_test_support.h"

namespace blindproof::proof::lookup {
namespace {

using zk::add_to_cell;
using zk::Attempt;
using zk::attempt;
using zk::place_of;
using zk::DishonestProver;
using zk::Protocol;

using Cells = std::vector<std::int32_t>;

struct Use {
  std::size_t table;
  std::vector<std::size_t> axes;
  std::vector<Cells> columns;
};

// Commits all columns, looks them up, and opens what is claimed.
Protocol protocol_of(std::vector<Table> tables, std::vector<Use> uses, unsigned max_tree_bits = kMaxTreeBits) {
  return [tables = std::move(tables), uses = std::make_shared<std::vector<Use>>(std::move(uses)), max_tree_bits](Context& context) {
    std::vector<Lookup> lookups;
    std::vector<std::vector<zk::TensorId>> tensors;
    for (std::size_t l = 0; l < uses->size(); ++l) {
      const Use& use = (*uses)[l];
      Lookup lookup{use.table, TensorLayout(use.axes), {}};
      tensors.emplace_back();
      for (std::size_t c = 0; c < use.columns.size(); ++c) {
        const IntegerSpan values = std::span<const std::int32_t>(use.columns[c]);
        tensors.back().push_back(context.commit_tensor("column " + std::to_string(l) + "." + std::to_string(c), lookup.layout,
                                                       context.proving() ? &values : nullptr));
        if (context.proving()) lookup.columns.push_back(values);
      }
      lookups.push_back(std::move(lookup));
    }
    std::size_t calls = 0;
    prove_lookups(context, "t", tables, lookups,
                  [&](std::size_t l, const Point& z) {
                    std::vector<Scalar> claims;
                    for (std::size_t c = 0; c < tensors[l].size(); ++c) {
                      const Fr value = context.proving() ? commit::evaluate(lookups[l].layout, lookups[l].columns[c], z) : Fr::zero();
                      claims.push_back(context.commit_one("claim " + std::to_string(calls++), value));
                      context.open(tensors[l][c], z, claims.back());
                    }
                    return claims;
                  },
                  max_tree_bits);
  };
}

Cells some_cells(std::size_t count, std::int32_t first, std::int32_t size) {
  Cells cells;
  for (std::size_t i = 0; i < count; ++i) cells.push_back(first + static_cast<std::int32_t>((i * i + 3 * i) % static_cast<std::size_t>(size)));
  return cells;
}

Cells clamped(const Cells& cells, std::int32_t low, std::int32_t high) {
  Cells out;
  for (const std::int32_t v : cells) out.push_back(std::clamp(v, low, high));
  return out;
}

// A range, a clamp and an explicit table of two further columns.
std::vector<Table> three_tables() {
  return {{1, -3, 7, Table::Range{}},
          {2, -10, 21, Table::Clamp{-2, 5}},
          {3, 4, 3, Table::Explicit{{{7, 8, 9}, {-1, 0, 1}}}}};
}

std::vector<Use> good_uses() {
  const Cells v = some_cells(15, -10, 21);
  return {{0, {5}, {some_cells(5, -3, 7)}},
          {1, {3, 5}, {v, clamped(v, -2, 5)}},
          {2, {4}, {{4, 5, 6, 5}, {7, 8, 9, 8}, {-1, 0, 1, 0}}},
          {0, {1}, {{3}}}};
}

void expect_accepted(const Protocol& protocol) {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, std::vector<std::string>());
  EXPECT_TRUE(result.verdict.ok()) << result.verdict.error().message();
}

void expect_refused(const Protocol& protocol, const std::string& violated = "t root") {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, std::vector<std::string>{violated});
  ASSERT_FALSE(result.verdict.ok());
  EXPECT_EQ(place_of(result.verdict), "sigma");
}

// ------------------------------------------------------------------ tables

TEST(Table, ColumnsAtAPointAreSumsOverEntries) {
  std::vector<Table> tables;
  for (const std::size_t size : std::vector<std::size_t>{1, 2, 3, 5, 8, 100}) {
    for (const std::int64_t first : {-50, 0, 7}) {
      tables.push_back({1, first, size, Table::Range{}});
      for (const auto& [low, high] : {std::pair<std::int64_t, std::int64_t>{-3, 4}, {-100, -90}, {90, 200}, {-200, 200}, {7, 7}})
        tables.push_back({1, first, size, Table::Clamp{low, high}});
      tables.push_back({1, first, size, Table::Explicit{{some_cells(size, -9, 31), some_cells(size, 5, 3)}}});
    }
  }
  Fr seed = Fr::from_u64(11);
  for (const Table& table : tables) {
    Point z;
    while (std::size_t{1} << z.size() < table.size) z.push_back(seed = seed.squared() + Fr::one());
    for (std::size_t c = 0; c < table.columns(); ++c) {
      Fr sum;
      for (std::size_t i = 0; i < table.size; ++i) {
        Fr eq = Fr::one();
        for (std::size_t b = 0; b < z.size(); ++b) eq *= i >> b & 1 ? z[b] : Fr::one() - z[b];
        sum += eq * Fr::from_i64(table.entry(i, c));
      }
      EXPECT_EQ(table.column_at(z, c), sum) << "size " << table.size << " first " << table.first << " column " << c;
    }
  }
}

// ------------------------------------------------------------------ completeness

TEST(Lookup, AcceptsTuplesOfEveryKindOfTable) { expect_accepted(protocol_of(three_tables(), good_uses())); }

TEST(Lookup, AcceptsEverySize) {
  for (const std::size_t size : std::vector<std::size_t>{1, 2, 3, 7, 8, 9, 64, 100})
    for (const std::size_t cells : std::vector<std::size_t>{1, 2, 5, 8, 33})
      expect_accepted(protocol_of({{1, 0, size, Table::Range{}}}, {{0, {cells}, {some_cells(cells, 0, static_cast<std::int32_t>(size))}}}));
}

TEST(Lookup, AcceptsTablesThatAreNotUsed) {
  expect_accepted(protocol_of(three_tables(), {{0, {2}, {{-3, 3}}}}));
}

TEST(Lookup, AcceptsNothingAtAll) { expect_accepted(protocol_of({}, {})); }

TEST(Lookup, AcceptsManyTrees) {
  for (const unsigned bits : {5u, 6u, 7u}) expect_accepted(protocol_of(three_tables(), good_uses(), bits));
  // Look-ups larger than a tree come in parts; parts without used cells don't exist.
  const Cells v = some_cells(3 * 9 * 5, -10, 21);
  expect_accepted(protocol_of(three_tables(), {{1, {3, 9, 5}, {v, clamped(v, -2, 5)}}, {0, {77}, {some_cells(77, -3, 7)}}}, 5));
}

// ------------------------------------------------------------------ soundness

TEST(Lookup, RefusesValuesOutsideTheTable) {
  for (const unsigned bits : {kMaxTreeBits, 5u}) {
    for (const std::int32_t wrong : {-4, 4, 1000, -1000}) {
      std::vector<Use> uses = good_uses();
      uses[0].columns[0][3] = wrong;
      expect_refused(protocol_of(three_tables(), uses, bits));
    }
  }
}

TEST(Lookup, RefusesWrongEntries) {
  for (std::size_t column : {1u, 2u}) {
    std::vector<Use> uses = good_uses();
    uses[2].columns[column][1] += 1;
    expect_refused(protocol_of(three_tables(), uses));
  }
  std::vector<Use> uses = good_uses();
  uses[1].columns[1][14] += 1;
  expect_refused(protocol_of(three_tables(), uses));
}

TEST(Lookup, RefusesTuplesOfAnotherTable) {
  // Two tables that differ in their ids and in one entry.
  const std::vector<Table> tables = {{1, 0, 4, Table::Explicit{{{0, 1, 2, 3}}}}, {2, 0, 4, Table::Explicit{{{0, 1, 2, 9}}}}};
  const Protocol protocol = protocol_of(tables, {{0, {2}, {{1, 3}, {1, 9}}}});
  const Attempt result = attempt(protocol, {}, [](std::string_view name, const IntegerSpan& values) {
    if (name == "t multiplicities 2") add_to_cell(values, 3, 1);
  });
  EXPECT_EQ(result.violated, std::vector<std::string>{"t root"});
  EXPECT_FALSE(result.verdict.ok());
}

TEST(Lookup, RefusesWrongMultiplicities) {
  for (const unsigned bits : {kMaxTreeBits, 5u}) {
    for (const std::uint32_t id : {1u, 2u, 3u}) {
      const Attempt result = attempt(protocol_of(three_tables(), good_uses(), bits), {}, [&](std::string_view name, const IntegerSpan& values) {
        if (name == "t multiplicities " + std::to_string(id)) add_to_cell(values, 0, 1);
      });
      EXPECT_EQ(result.violated, std::vector<std::string>{"t root"});
      EXPECT_FALSE(result.verdict.ok());
    }
  }
}

TEST(Lookup, EveryCheckStandsAloneInTheWayOfSomeForgery) {
  std::vector<Use> uses = good_uses();
  uses[0].columns[0][3] = 4;  // not in the table
  std::mt19937_64 random(5);
  const auto on_accept = [](const std::string& trail) { ADD_FAILURE() << "accepted:" << trail; };
  EXPECT_EQ(never_alone(protocol_of(three_tables(), uses),
                        {"t root", "t tree layer #", "t tree numerators", "t tree denominators", "opening"}, 40, random, on_accept),
            std::vector<std::string>());
  EXPECT_EQ(never_alone(protocol_of(three_tables(), uses, 6),
                        {"t root", "t tree # layer #", "t root # numerator", "t root # denominator", "t root # first numerator",
                         "t root # first denominator", "t root # running numerator"},
                        40, random, on_accept),
            std::vector<std::string>());
}

TEST(Lookup, RefusesWrongSumsOfTrees) {
  const Protocol protocol = protocol_of(three_tables(), good_uses(), 6);
  const auto violated = [&](const std::string& message, std::size_t slot) { return attempt(protocol, {{message, {{slot, Fr::one()}}}}).violated; };
  EXPECT_EQ(violated("t root 1", 3), std::vector<std::string>{"t root 1 running denominator"});
  EXPECT_EQ(violated("t root 1", 2), (std::vector<std::string>{"t root 1 running numerator", "t root"}));
  EXPECT_EQ(violated("AB 0", 0), std::vector<std::string>{"factor copy"});
  for (std::size_t tree : {0u, 1u})
    for (std::size_t slot = 0; slot < 4; ++slot)
      EXPECT_FALSE(attempt(protocol, {{"t root " + std::to_string(tree), {{slot, Fr::one()}}}}).verdict.ok());
}

// ------------------------------------------------------------------ controls: why the order and the ids

// The same argument without trees, for a few cells: sum of 1/(alpha - t) = sum of m/(alpha - entry), inverses committed one by
// one. Its schedule can be broken on purpose.
struct Broken {
  bool late_multiplicities = false, no_ids = false;
};

// Table 1: (v, v) for v in 0..3. Table 2: (v, 0) for v in 0..3. One look-up of (v, out) in table 1, multiplicities by `choose`.
using Choose = std::function<std::vector<Fr>(const std::vector<Fr>& entries, const Fr& tuple)>;

Protocol direct(Broken broken, std::int64_t v, std::int64_t out, const Choose& choose) {
  return [=](Context& context) {
    const auto optional = [&](const std::vector<Fr>& values) { return context.proving() ? std::span<const Fr>(values) : std::span<const Fr>(); };
    const std::vector<Fr> column_values = {Fr::from_i64(v), Fr::from_i64(out)};
    const std::vector<Scalar> column = context.commit("columns", 2, optional(column_values));
    std::vector<Fr> entries(8), m(8);
    Fr alpha, beta, tuple;
    const auto draw = [&] {
      beta = context.challenge("beta");
      alpha = context.challenge("alpha");
      for (std::size_t i = 0; i < 8; ++i)
        entries[i] = alpha - (broken.no_ids ? Fr::zero() : Fr::from_u64(1 + i / 4)) - beta * Fr::from_u64(i % 4) -
                     beta.squared() * (i < 4 ? Fr::from_u64(i) : Fr::zero());
      tuple = alpha - (broken.no_ids ? Fr::zero() : Fr::one()) - beta * Fr::from_i64(v) - beta.squared() * Fr::from_i64(out);
    };
    std::vector<Scalar> multiplicity;
    const auto commit_multiplicities = [&] {
      if (context.proving()) m = choose(entries, tuple);
      for (std::size_t i = 0; i < 8; i += 4) {
        const std::vector<Fr> part(m.begin() + static_cast<std::ptrdiff_t>(i), m.begin() + static_cast<std::ptrdiff_t>(i + 4));
        const auto s = context.commit("multiplicities " + std::to_string(i), 4, optional(part));
        multiplicity.insert(multiplicity.end(), s.begin(), s.end());
      }
    };
    if (broken.late_multiplicities) draw();
    commit_multiplicities();
    if (!broken.late_multiplicities) draw();
    const Scalar inverse = context.commit_one("inverse", context.proving() ? tuple.inverse() : Fr::zero());
    const Scalar denominator = Scalar(alpha - (broken.no_ids ? Fr::zero() : Fr::one())) - column[0] * beta - column[1] * beta.squared();
    context.require_zero("inverse", Scalar(-Fr::one()), {{inverse, denominator}});
    Scalar sum = inverse;
    for (std::size_t i = 0; i < 8; ++i) sum -= multiplicity[i] * entries[i].inverse();
    context.require_zero("sum", sum);
  };
}

std::vector<Fr> unit(std::size_t index) {
  std::vector<Fr> m(8);
  m[index] = Fr::one();
  return m;
}

TEST(LookupControl, MultiplicitiesAfterAlphaWouldAcceptAnything) {
  EXPECT_TRUE(attempt(direct({}, 2, 2, [](auto&, auto&) { return unit(2); })).verdict.ok());
  const auto forge = [](const std::vector<Fr>& entries, const Fr& tuple) {
    std::vector<Fr> m(8);
    m[0] = tuple.is_zero() ? Fr::zero() : entries[0] * tuple.inverse();
    return m;
  };
  EXPECT_TRUE(attempt(direct({.late_multiplicities = true}, 2, 3, forge)).verdict.ok());
  EXPECT_FALSE(attempt(direct({}, 2, 3, forge)).verdict.ok());
}

TEST(LookupControl, WithoutIdsOneTableServesAnother) {
  const auto other_table = [](auto&, auto&) { return unit(4 + 2); };
  EXPECT_TRUE(attempt(direct({.no_ids = true}, 2, 0, other_table)).verdict.ok());
  EXPECT_FALSE(attempt(direct({}, 2, 0, other_table)).verdict.ok());
}

// The real schedule: multiplicities are fixed before beta, beta and alpha before anything that depends on them.
TEST(Lookup, ChallengesDependOnMultiplicitiesAndColumns) {
  class Watcher : public DishonestProver {
   public:
    using DishonestProver::DishonestProver;
    std::vector<std::string> order;

   protected:
    void before_commit(std::string_view label, std::vector<Fr>& values) override {
      order.emplace_back(label);
      DishonestProver::before_commit(label, values);
    }
    void before_commit_tensor(std::string_view name, const IntegerSpan& values) override {
      order.emplace_back(name);
      DishonestProver::before_commit_tensor(name, values);
    }
  };
  Watcher watcher("test");
  protocol_of(three_tables(), good_uses())(watcher);
  std::size_t last_tensor = 0, first_message = watcher.order.size();
  for (std::size_t i = 0; i < watcher.order.size(); ++i) {
    const bool tensor = watcher.order[i].starts_with("column") || watcher.order[i].starts_with("t multiplicities");
    if (tensor) last_tensor = i;
    if (!tensor && i < first_message) first_message = i;
  }
  EXPECT_LT(last_tensor, first_message);
}

// A table of the one entry 0 and one look-up: the layer below the root is (-m, alpha - id, 1, alpha - id).
Fr alpha_of(std::int32_t value, std::int32_t extra_multiplicity) {
  DishonestProver prover("test", {}, [&](std::string_view name, const IntegerSpan& values) {
    if (name == "t multiplicities 1") add_to_cell(values, 0, extra_multiplicity);
  });
  protocol_of({{1, 0, 1, Table::Range{}}}, {{0, {1}, {{value}}}})(prover);
  const std::vector<Fr> scalars = prover.secret_scalars();
  return scalars[1] + Fr::one();
}

TEST(Lookup, AlphaDependsOnMultiplicitiesAndColumns) {
  EXPECT_EQ(alpha_of(0, 0), alpha_of(0, 0));
  EXPECT_NE(alpha_of(0, 0), alpha_of(0, 1));
  EXPECT_NE(alpha_of(0, 0), alpha_of(1, 0));
}

TEST(Lookup, TuplesWithOneSumAreDifferent) {
  // (2, 0) and the entry (1, 1): the same but for the powers of beta.
  const Protocol protocol = protocol_of({{1, 0, 4, Table::Explicit{{{0, 1, 2, 3}}}}}, {{0, {1}, {{2}, {0}}}});
  const Attempt result = attempt(protocol, {}, [](std::string_view name, const IntegerSpan& values) {
    if (name == "t multiplicities 1") add_to_cell(values, 1, 1);
  });
  EXPECT_EQ(result.violated, std::vector<std::string>{"t root"});
  EXPECT_FALSE(result.verdict.ok());
}

TEST(Lookup, ErrorsOfNumeratorAndDenominatorDontCancel) {
  // A false sum, repaired at the root by p0 + d and q0 - d: without a random lambda the next layer's claim would be the same.
  std::vector<Use> uses = good_uses();
  uses[0].columns[0][3] = 4;
  const Protocol protocol = protocol_of(three_tables(), uses);
  DishonestProver first("test");
  protocol(first);
  for (const auto& record : first.records()) {
    if (record.label != "t root") continue;
    const Fr p0 = record.products[0].a.value(), q1 = record.products[0].b.value(), p1 = record.products[1].a.value(),
             q0 = record.products[1].b.value();
    const Fr d = -(p0 * q1 + p1 * q0) * (q1 - p1).inverse();
    const Attempt result = attempt(protocol, {{"t tree layer 0 ends", {{0, d}, {1, -d}}}});
    EXPECT_EQ(result.violated, std::vector<std::string>{"t tree layer 1"});
    EXPECT_FALSE(result.verdict.ok());
  }
}

}  // namespace
}  // namespace blindproof::proof::lookup
