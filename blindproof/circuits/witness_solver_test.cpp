#include "blindproof/circuits/witness_solver.h"

#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace blindproof::circuits {
namespace {

using Terms = std::vector<std::pair<std::uint32_t, Fr>>;

Fr number(std::int64_t value) { return Fr::from_i64(value); }

struct Circuit {
  groth16::R1cs r1cs;

  Circuit(std::uint32_t wires, std::uint32_t outputs, std::uint32_t private_inputs) {
    r1cs.wires = wires;
    r1cs.outputs = outputs;
    r1cs.private_inputs = private_inputs;
  }
  Circuit& add(const Terms& a, const Terms& b, const Terms& c) {
    for (const auto& [list, terms] : {std::pair{&r1cs.a, &a}, {&r1cs.b, &b}, {&r1cs.c, &c}}) {
      for (const auto& [wire, factor] : *terms) list->add_term(wire, factor);
      list->end_combination();
    }
    return *this;
  }
  Circuit& bit(std::uint32_t wire) { return add({{wire, number(1)}}, {{wire, number(1)}, {0, number(-1)}}, {}); }
};

// Wires: 1, out, in, then bits 3..: in = sum of bits, out = in * in.
Circuit decomposition(std::uint32_t bits) {
  Circuit circuit(3 + bits, 1, 1);
  Terms sum;
  for (std::uint32_t i = 0; i < bits; ++i) {
    circuit.bit(3 + i);
    sum.push_back({3 + i, Fr::power_of_two(static_cast<int>(i))});
  }
  sum.push_back({2, number(-1)});
  circuit.add({{0, number(1)}}, sum, {});
  circuit.add({{2, number(1)}}, {{2, number(1)}}, {{1, number(1)}});
  return circuit;
}

TEST(WitnessSolver, TakesNumbersApartIntoBits) {
  for (const std::uint32_t bits : {1u, 2u, 64u, 65u, 253u}) {
    const Circuit circuit = decomposition(bits);
    const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
    ASSERT_TRUE(solver.ok()) << solver.error().message();
    EXPECT_EQ(solver->strict_decompositions(), 0u);
    const Fr top = Fr::power_of_two(static_cast<int>(bits)) - Fr::one();
    for (const Fr& value : {Fr(), Fr::one(), top, Fr::power_of_two(static_cast<int>(bits) - 1)}) {
      const base::Result<std::vector<Fr>> witness = solver->solve(std::vector<Fr>{value});
      ASSERT_TRUE(witness.ok()) << witness.error().message();
      EXPECT_EQ((*witness)[1], value * value);
      Fr sum;
      for (std::uint32_t i = bits; i > 0; --i) sum = sum.doubled() + (*witness)[2 + i];
      EXPECT_EQ(sum, value);
    }
    const base::Result<std::vector<Fr>> beyond = solver->solve(std::vector<Fr>{top + Fr::one()});
    ASSERT_FALSE(beyond.ok());
    EXPECT_EQ(beyond.error().code, base::ErrorCode::kInvalidArgument);
  }
}

TEST(WitnessSolver, CountsDecompositionsOf254Bits) {
  const Circuit circuit = decomposition(254);
  const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
  ASSERT_TRUE(solver.ok()) << solver.error().message();
  EXPECT_EQ(solver->strict_decompositions(), 1u);
  const base::Result<std::vector<Fr>> witness = solver->solve(std::vector<Fr>{-Fr::one()});
  ASSERT_TRUE(witness.ok());
  EXPECT_EQ((*witness)[3], Fr());  // r - 1 is even
}

TEST(WitnessSolver, LeavesMoreBitsThanAnElementHasOpen) {
  const Circuit circuit = decomposition(255);
  const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
  ASSERT_FALSE(solver.ok());
  EXPECT_EQ(solver.error().code, base::ErrorCode::kUnsupported);
}

// in - 5 = b0 + 2 b1 + 4 b2, where b2 has no wire: (in - 5 - b0 - 2 b1)(in - 5 - b0 - 2 b1 - 4) = 0, times some
// factors.
TEST(WitnessSolver, FindsBitsOfRangesWhoseTopBitHasNoWire) {
  for (const std::int64_t factor : {1, -1, 3}) {
    Circuit circuit(4, 0, 1);
    circuit.bit(2).bit(3);
    const Terms rest = {{1, number(1)}, {2, number(-1)}, {3, number(-2)}, {0, number(-5)}};
    Terms other;
    for (const auto& [wire, value] : rest) other.push_back({wire, value * number(factor)});
    other.back().second = number(-9 * factor);
    circuit.add(rest, other, {});
    const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
    ASSERT_TRUE(solver.ok()) << solver.error().message();
    for (std::int64_t value = 4; value <= 13; ++value) {
      const base::Result<std::vector<Fr>> witness = solver->solve(std::vector<Fr>{number(value)});
      ASSERT_EQ(witness.ok(), value >= 5 && value <= 12) << value;
      if (!witness.ok()) continue;
      EXPECT_EQ((*witness)[2], number((value - 5) & 1));
      EXPECT_EQ((*witness)[3], number((value - 5) >> 1 & 1));
    }
  }
}

TEST(WitnessSolver, RefusesCircuitsWithAChoice) {
  const auto refused = [](const Circuit& circuit) {
    const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
    return !solver.ok() && solver.error().code == base::ErrorCode::kUnsupported;
  };
  Circuit root(3, 0, 1);  // wire 2 is a square root
  root.add({{2, number(1)}}, {{2, number(1)}}, {{1, number(1)}});
  EXPECT_TRUE(refused(root));
  Circuit quotient(3, 0, 1);  // wire 2 times the input is 1: unless the input is 0
  quotient.add({{1, number(1)}}, {{2, number(1)}}, {{0, number(1)}});
  EXPECT_TRUE(refused(quotient));
  Circuit free(3, 0, 1);
  free.add({{1, number(1)}}, {{1, number(1)}}, {{1, number(1)}});
  EXPECT_TRUE(refused(free));
  Circuit no_bits(4, 0, 1);  // in = w2 + 2 w3, and nothing makes these bits
  no_bits.add({{0, number(1)}}, {{2, number(1)}, {3, number(2)}, {1, number(-1)}}, {});
  EXPECT_TRUE(refused(no_bits));
  Circuit twice(4, 0, 1);  // in = b2 + b3
  twice.bit(2).bit(3).add({{0, number(1)}}, {{2, number(1)}, {3, number(1)}, {1, number(-1)}}, {});
  EXPECT_TRUE(refused(twice));
  Circuit signs(4, 0, 1);  // in = 2 b2 - b3
  signs.bit(2).bit(3).add({{0, number(1)}}, {{2, number(2)}, {3, number(-1)}, {1, number(-1)}}, {});
  EXPECT_TRUE(refused(signs));
  Circuit wide(3, 0, 1);  // wire 2 is 0 or 3, not a bit
  wide.add({{2, number(1)}}, {{2, number(1)}, {0, number(-3)}}, {});
  EXPECT_TRUE(refused(wide));
}

TEST(WitnessSolver, AddsRepeatedTermsUpAndIgnoresCancelledOnes) {
  Circuit circuit(4, 1, 1);
  // 2 * (in + in) = out + 5 w3 - 5 w3;  in * 3 = w3 + w3
  circuit.add({{0, number(2)}}, {{2, number(1)}, {2, number(1)}}, {{1, number(1)}, {3, number(5)}, {3, number(-5)}});
  circuit.add({{2, number(1)}}, {{0, number(3)}}, {{3, number(1)}, {3, number(1)}});
  const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
  ASSERT_TRUE(solver.ok()) << solver.error().message();
  const base::Result<std::vector<Fr>> witness = solver->solve(std::vector<Fr>{number(7)});
  ASSERT_TRUE(witness.ok());
  EXPECT_EQ((*witness)[1], number(28));
  EXPECT_EQ((*witness)[3].doubled(), number(21));
}

TEST(WitnessSolver, RefusesMoreInputsThanWires) {
  const Circuit circuit(3, 1, 2);
  const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
  ASSERT_FALSE(solver.ok());
  EXPECT_EQ(solver.error().code, base::ErrorCode::kMalformed);
}

TEST(WitnessSolver, AcceptsACircuitWithoutConstraints) {
  const Circuit circuit(3, 0, 2);
  const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
  ASSERT_TRUE(solver.ok());
  EXPECT_EQ(solver->solve(std::vector<Fr>{number(4), number(5)})->back(), number(5));
}

TEST(WitnessSolver, AnyConstraintsGiveAWitnessOrAnError) {
  std::size_t solvers = 0, witnesses = 0;
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t bound) {
      return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random);
    };
    const std::uint32_t wires = 3 + below(6);
    Circuit circuit(wires, below(2), below(3));
    const auto terms = [&] {
      Terms result;
      for (std::uint32_t i = below(4); i > 0; --i) {
        const Fr power = Fr::power_of_two(static_cast<int>(below(5)));
        result.push_back({below(wires), below(3) == 0 ? -power : below(8) == 0 ? Fr() : power});
      }
      return result;
    };
    for (std::uint32_t i = below(12); i > 0; --i) {
      switch (below(4)) {
        case 0:
          circuit.bit(below(wires));
          break;
        case 1:
          circuit.add({{0, number(1)}}, terms(), terms());
          break;
        case 2: {
          const Terms list = terms();
          Terms shifted = list;
          shifted.push_back({0, number(-4)});
          circuit.add(list, shifted, {});
          break;
        }
        default:
          circuit.add(terms(), terms(), terms());
      }
    }
    const base::Result<WitnessSolver> solver = WitnessSolver::make(circuit.r1cs);
    if (!solver.ok()) continue;
    ++solvers;
    std::vector<Fr> inputs(solver->input_count());
    for (Fr& input : inputs) input = Fr::from_u64(below(4));
    const base::Result<std::vector<Fr>> witness = solver->solve(inputs);
    if (!witness.ok()) continue;
    ++witnesses;
    EXPECT_EQ(groth16::first_violation(circuit.r1cs, *witness), circuit.r1cs.constraints()) << "seed " << seed;
  }
  EXPECT_GT(solvers, 50u);
  EXPECT_GT(witnesses, 10u);
}

}  // namespace
}  // namespace blindproof::circuits
