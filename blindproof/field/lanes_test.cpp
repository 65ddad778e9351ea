#include <gmpxx.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "blindproof/base/cpu.h"
#include "blindproof/field/lanes_probe.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {
namespace {

// A lane engine as its memory sees it: limbs of 64 or 52 bits, a Montgomery factor, and the largest value that a pack
// may hold: the bounds that lanes_ifma.h promises are tested at their ends, not at random points.
struct Engine {
  std::string name;
  const LaneProbe* probe;
  bool fq;
  bool ifma;

  mpz_class modulus() const {
    mpz_class p;
    mpz_import(p.get_mpz_t(), 4, -1, 8, 0, 0, fq ? Fq::kModulus.data() : Fr::kModulus.data());
    return p;
  }
  mpz_class factor() const { return mpz_class(1) << (ifma ? 260 : 256); }
  /// Values of a pack are below this.
  mpz_class bound() const { return ifma ? mpz_class(2 * (modulus() + (mpz_class(1) << 230))) : modulus(); }

  void write(ProbePack& pack, std::size_t lane, const mpz_class& value) const {
    for (std::size_t i = 0; i < (ifma ? 5u : 4u); ++i) {
      const mpz_class limb = (value >> (ifma ? 52 * i : 64 * i)) & ((mpz_class(1) << (ifma ? 52 : 64)) - 1);
      pack.words[ifma ? 8 * i + lane : 4 * lane + i] = limb.get_ui();
    }
  }
  mpz_class read(const ProbePack& pack, std::size_t lane) const {
    mpz_class value = 0;
    for (std::size_t i = ifma ? 5 : 4; i-- > 0;) {
      const std::uint64_t limb = pack.words[ifma ? 8 * i + lane : 4 * lane + i];
      if (ifma) {
        EXPECT_LT(limb, std::uint64_t{1} << 52) << "limb not carried";
      }
      value = (value << (ifma ? 52 : 64)) + mpz_class(static_cast<unsigned long>(limb));
    }
    EXPECT_LT(value, bound());
    return value;
  }

  std::vector<mpz_class> edges() const {
    const mpz_class p = modulus();
    std::vector<mpz_class> candidates = {0, 1, p - 1, p, p + 1, 2 * p - 1, 2 * p, 2 * p + 1, bound() - 1, p / 2,
                                         (mpz_class(1) << 208) - 1, mpz_class(1) << 208,
                                         ((p >> 208) << 208) + (mpz_class(1) << 208) - 1,
                                         ((2 * p >> 208) << 208) + (mpz_class(1) << 208) - 1,
                                         (2 * p >> 208) << 208, (mpz_class(1) << 254) - 1, (mpz_class(1) << 253) - 1,
                                         (mpz_class(1) << 52) - 1};
    std::vector<mpz_class> result;
    for (const mpz_class& x : candidates) {
      if (x >= 0 && x < bound()) result.push_back(x);
    }
    return result;
  }
};

class LaneEngine : public testing::TestWithParam<Engine> {
 protected:
  using Lanes = std::vector<mpz_class>;

  mpz_class mod(mpz_class x) const {
    const mpz_class p = GetParam().modulus();
    x %= p;
    return x < 0 ? mpz_class(x + p) : x;
  }
  mpz_class unfactored(const mpz_class& x) const {
    mpz_class inverse;
    const mpz_class p = GetParam().modulus(), factor = GetParam().factor();
    mpz_invert(inverse.get_mpz_t(), factor.get_mpz_t(), p.get_mpz_t());
    return mod(x * inverse);
  }

  mpz_class expected(LaneOperation operation, const std::vector<Lanes>& in, std::size_t lane, std::size_t count) const {
    const mpz_class &a = in[0][lane], &b = in[1][lane], &c = in[2][lane], &d = in[3][lane];
    switch (operation) {
      case LaneOperation::kMul: return unfactored(a * b);
      case LaneOperation::kMulOfDifferences: return unfactored((a - b) * (c - d));
      case LaneOperation::kMulAdd: return unfactored(a * b + c * d);
      case LaneOperation::kMulAddDifferences: return unfactored((a - b) * (c - d) + (c - b) * (a - d));
      case LaneOperation::kSquare: return unfactored(a * a);
      case LaneOperation::kSquareDifference: return unfactored((a - b) * (a - b));
      case LaneOperation::kFold: return mod(a + unfactored((b - a) * c));
      case LaneOperation::kSum: return mod(3 * a + 2 * (b + c + d));
      case LaneOperation::kAddSub: return mod(a - b - c);
      case LaneOperation::kSelect: return mod(lane % 2 == 1 ? b : a);
      case LaneOperation::kBroadcastLane: return mod(in[0][5]);
      case LaneOperation::kStoreLoadFields: return mod(a);
      case LaneOperation::kAccumulate: return mod(unfactored(a * b) * static_cast<unsigned long>(count));
      case LaneOperation::kAccumulateDifferences:
        return mod(unfactored((a - b) * (c - d)) * static_cast<unsigned long>(count) + c);
    }
    return -1;
  }

  void check(LaneOperation operation, const std::vector<Lanes>& in, std::size_t count) const {
    const Engine& engine = GetParam();
    ProbePack packs[4] = {}, out = {};
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t lane = 0; lane < 8; ++lane) engine.write(packs[i], lane, in[i][lane]);
    }
    engine.probe->apply(operation, packs, count, out);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      ASSERT_EQ(mod(engine.read(out, lane)), expected(operation, in, lane, count))
          << "operation " << static_cast<int>(operation) << " lane " << lane << " count " << count << "\n"
          << in[0][lane] << "\n" << in[1][lane] << "\n" << in[2][lane] << "\n" << in[3][lane];
    }
  }

  std::vector<Lanes> random_lanes(std::mt19937_64& random) const {
    const std::vector<mpz_class> edges = GetParam().edges();
    std::vector<Lanes> in(4, Lanes(8));
    for (Lanes& pack : in) {
      for (mpz_class& x : pack) {
        if (random() % 2 == 0) {
          x = edges[random() % edges.size()];
        } else {
          x = 0;
          for (int i = 0; i < 5; ++i) x = (x << 64) + mpz_class(static_cast<unsigned long>(random()));
          x %= GetParam().bound();
        }
      }
    }
    return in;
  }
};

std::vector<Engine> engines() {
  std::vector<Engine> result = {{"FrPortable", &kFrProbePortable, false, false},
                                {"FqPortable", &kFqProbePortable, true, false}};
#if defined(__x86_64__)
  if (base::simd_available(base::Simd::kIfma)) {
    result.push_back({"FrIfma", &kFrProbeIfma, false, true});
    result.push_back({"FqIfma", &kFqProbeIfma, true, true});
  }
#endif
  return result;
}

INSTANTIATE_TEST_SUITE_P(Engines, LaneEngine, testing::ValuesIn(engines()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(LaneEngine, OperationsAreExactAtEveryPairOfBounds) {
  const std::vector<mpz_class> edges = GetParam().edges();
  for (int operation = 0; operation < kLaneOperations; ++operation) {
    for (std::size_t i = 0; i < edges.size(); ++i) {
      for (std::size_t j = 0; j < edges.size(); j += 2) {
        // Lanes differ, so that a mixed-up lane shows.
        std::vector<Lanes> in(4, Lanes(8));
        for (std::size_t lane = 0; lane < 8; ++lane) {
          in[0][lane] = edges[i];
          in[1][lane] = edges[(j + lane / 2) % edges.size()];
          in[2][lane] = lane % 2 == 0 ? edges[i] : edges[(j + 1) % edges.size()];
          in[3][lane] = edges[(j + lane) % edges.size()];
        }
        check(static_cast<LaneOperation>(operation), in, 3);
      }
    }
  }
}

TEST_P(LaneEngine, OperationsAreExactOnRandomLanes) {
  std::mt19937_64 random(99);
  for (int i = 0; i < 200; ++i) {
    const std::vector<Lanes> in = random_lanes(random);
    for (int operation = 0; operation < kLaneOperations; ++operation) {
      check(static_cast<LaneOperation>(operation), in, 5);
    }
  }
}

TEST_P(LaneEngine, AccumulatorsHoldLargestProductsForAnyLength) {
  const mpz_class most = GetParam().bound() - 1, zero = 0;
  for (std::size_t count : {0u, 1u, 22u, 23u, 24u, 47u, 146u, 147u, 148u, 295u, 296u, 1000u, 100000u}) {
    const Lanes high(8, most), low(8, zero);
    check(LaneOperation::kAccumulate, {high, high, low, low}, count);
    // The largest and the smallest differences.
    check(LaneOperation::kAccumulateDifferences, {high, low, high, low}, count);
    check(LaneOperation::kAccumulateDifferences, {low, high, low, high}, count);
  }
}

TEST_P(LaneEngine, ElementsComeOutCanonicalAndGoBackIn) {
  const Engine& engine = GetParam();
  const std::vector<mpz_class> edges = engine.edges();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    ProbePack pack = {};
    mpz_class sum = 0;
    for (std::size_t lane = 0; lane < 8; ++lane) {
      engine.write(pack, lane, edges[(i + lane) % edges.size()]);
      sum += edges[(i + lane) % edges.size()];
    }
    const auto ordinary = [&](const std::uint64_t* limbs) {
      mpz_class x;
      mpz_import(x.get_mpz_t(), 4, -1, 8, 0, 0, limbs);
      EXPECT_LT(x, engine.modulus());
      return mod(x << (engine.ifma ? 4 : 0));  // 2^256 to 2^260
    };
    std::uint64_t limbs[4];
    engine.probe->sum_lanes(pack, limbs);
    EXPECT_EQ(ordinary(limbs), mod(sum));
    for (std::size_t lane = 0; lane < 8; ++lane) {
      engine.probe->get(pack, lane, limbs);
      ASSERT_EQ(ordinary(limbs), mod(edges[(i + lane) % edges.size()]));
      ProbePack other = {};
      engine.probe->set(other, lane, limbs);
      ASSERT_EQ(mod(engine.read(other, lane)), mod(edges[(i + lane) % edges.size()]));
      ASSERT_EQ(engine.read(other, (lane + 1) % 8), 0);
    }
  }
  ProbePack most = {};
  for (std::size_t lane = 0; lane < 8; ++lane) engine.write(most, lane, engine.bound() - 1);
  std::uint64_t limbs[4];
  engine.probe->sum_lanes(most, limbs);
  mpz_class x;
  mpz_import(x.get_mpz_t(), 4, -1, 8, 0, 0, limbs);
  EXPECT_EQ(mod(x << (engine.ifma ? 4 : 0)), mod(8 * (engine.bound() - 1)));
}

TEST_P(LaneEngine, ZeroLanesAreMultiplesOfTheModulus) {
  const Engine& engine = GetParam();
  for (const mpz_class& x : engine.edges()) {
    ProbePack pack = {};
    for (std::size_t lane = 0; lane < 8; ++lane) engine.write(pack, lane, lane % 3 == 0 ? x : mpz_class(lane));
    const bool zero = mod(x) == 0;
    EXPECT_EQ(engine.probe->zero_lanes(pack), zero ? 0x49u : 0u) << x;
  }
}

#if defined(__x86_64__)
TEST(IfmaEngine, IntegersOfSevenLimbsReduceExactly) {
  if (!base::simd_available(base::Simd::kIfma)) GTEST_SKIP() << "this CPU lacks AVX-512 IFMA";
  std::mt19937_64 random(5);
  const std::uint64_t most = (std::uint64_t{1} << 52) - 1;
  for (const Engine& engine : {Engine{"Fr", nullptr, false, true}, Engine{"Fq", nullptr, true, true}}) {
    for (int trial = 0; trial < 100; ++trial) {
      std::uint64_t words[56];
      for (std::uint64_t& word : words) {
        word = trial == 0 ? most : trial == 1 ? 0 : random() % 3 == 0 ? most : random() & most;
      }
      ProbePack out = {};
      reduce_integer_ifma(words, engine.fq, out);
      for (std::size_t lane = 0; lane < 8; ++lane) {
        mpz_class x = 0;
        for (std::size_t k = 7; k-- > 0;) x = (x << 52) + mpz_class(static_cast<unsigned long>(words[8 * k + lane]));
        ASSERT_EQ(engine.read(out, lane) % engine.modulus(), x % engine.modulus());
      }
    }
  }
}
#endif

}  // namespace
}  // namespace blindproof::field
