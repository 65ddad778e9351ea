#include "blindproof/curve/kernels.h"

#include <gtest/gtest.h>

#include "blindproof/curve/curve_test_support.h"
#include "blindproof/curve/segment_sums.h"

namespace blindproof::curve {
namespace {

class KernelsOfEachSet : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
  std::vector<PackedPoint> pack(const std::vector<G1Affine>& points) const {
    std::vector<PackedPoint> packed(points.size());
    kernels().pack(points.data(), points.size(), packed.data());
    return packed;
  }
  std::vector<G1Affine> unpack(const std::vector<PackedPoint>& packed) const {
    std::vector<G1Affine> points(packed.size());
    kernels().unpack(packed.data(), packed.size(), points.data());
    return points;
  }
};

TEST_P(KernelsOfEachSet, UnpackUndoesPack) {
  test::Random random;
  for (const std::size_t size : test::edge_sizes()) {
    const std::vector<G1Affine> points = random.corner_points(size);
    EXPECT_EQ(unpack(pack(points)), points);
  }
}

TEST_P(KernelsOfEachSet, PackedIdentityIsAllZeros) {
  const std::vector<PackedPoint> packed = pack({G1Affine::identity()});
  for (const std::uint64_t word : packed[0].words) EXPECT_EQ(word, 0u);
}

TEST_P(KernelsOfEachSet, AddPairsAgreesWithG1) {
  test::Random random;
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 2047u, 2048u, 2049u, 5000u}) {
    for (const bool corners : {false, true}) {
      for (const bool doublings : {false, true}) {
        std::vector<G1Affine> a = corners ? random.corner_points(size) : random.points(size);
        std::vector<G1Affine> b = corners ? random.corner_points(size) : random.points(size);
        for (auto* points : {&a, &b}) {  // operands are no identities
          for (auto& point : *points) point = point.is_identity() ? G1Affine::generator() : point;
        }
        std::vector<PackedPoint> packed_a = pack(a), packed_b = pack(b), out(size);
        std::vector<PairJob> jobs;
        std::vector<G1> sums;
        bool identity = false;
        for (std::size_t i = 0; i < size; ++i) {
          const bool negate = random.below(2) == 0;
          PackedPoint* const places[] = {&out[i], &packed_a[i], &packed_b[i]};
          jobs.push_back({&packed_a[i], PointRef(&packed_b[i], negate), places[i % 3]});
          sums.push_back(G1(a[i]) + (negate ? -b[i] : b[i]));
          identity |= sums[i].is_identity();
        }
        EXPECT_EQ(kernels().add_pairs(jobs.data(), size, doublings, &thread_scratch()), identity);
        for (std::size_t i = 0; i < size; ++i) out[i] = *jobs[i].out;
        std::vector<G1Affine> expected(size);
        batch_to_affine(sums, expected);
        EXPECT_EQ(unpack(out), expected);
        for (std::size_t i = 0; i < size; ++i) {
          std::uint64_t any = 0;
          for (const std::uint64_t word : out[i].words) any |= word;
          EXPECT_EQ(any == 0, expected[i].is_identity());
        }
      }
    }
  }
}

TEST_P(KernelsOfEachSet, LongChainsOfResultsStayExact) {
  // Results are operands of the next round, 300 times: errors of range would build up.
  test::Random random;
  std::vector<G1Affine> points = random.points(64);
  std::vector<PackedPoint> packed = pack(points);
  for (int round = 0; round < 300; ++round) {
    std::vector<PairJob> jobs;
    std::vector<G1> sums;
    for (std::size_t i = 0; i < 32; ++i) {
      const std::size_t j = 32 + random.below(32);
      const bool negate = random.below(2) == 0;
      jobs.push_back({&packed[i], PointRef(&packed[j], negate), &packed[i]});
      sums.push_back(G1(points[i]) + (negate ? -points[j] : points[j]));
    }
    const bool identity = kernels().add_pairs(jobs.data(), jobs.size(), false, &thread_scratch());
    ASSERT_FALSE(identity);
    batch_to_affine(sums, std::span(points).first(32));
    std::swap_ranges(points.begin(), points.begin() + 32, points.begin() + 32);
    std::swap_ranges(packed.begin(), packed.begin() + 32, packed.begin() + 32);
  }
  EXPECT_EQ(unpack(packed), points);
}

// Points whose coordinates x*2^260 mod q, as the lanes of 52-bit limbs keep them, are next to 0 or to q.
std::vector<G1Affine> extreme_points() {
  Fq shift = Fq::one();  // 2^-260
  for (int i = 0; i < 260; ++i) shift *= Fq::from_u64(2).inverse();
  std::vector<G1Affine> points;
  for (std::int64_t k = -12; k <= 12; ++k) {
    const Fq x = Fq::from_i64(k) * shift;
    const std::optional<Fq> y = (x.squared() * x + Fq::from_u64(3)).square_root();
    if (!y) continue;
    points.push_back({x, *y});
    points.push_back({x, -*y});
  }
  return points;
}

// Adds q where the kernel set allows values up to 2q.
PackedPoint other_representative(const Kernels& kernels, PackedPoint point, bool of_x, bool of_y) {
  if (std::string(kernels.name) == "portable") return point;
  for (std::size_t half : {0u, 4u}) {
    if (half == 0 ? !of_x : !of_y) continue;
    mpz_class value;
    mpz_import(value.get_mpz_t(), 4, -1, 8, 0, 0, point.words + half);
    if (value >= test::Oracle::modulus()) continue;
    value += test::Oracle::modulus();
    std::fill_n(point.words + half, 4, std::uint64_t{0});
    mpz_export(point.words + half, nullptr, -1, 8, 0, 0, value.get_mpz_t());
  }
  return point;
}

TEST_P(KernelsOfEachSet, ExtremeCoordinatesInAnyRepresentationAgree) {
  test::Random random;
  const std::vector<G1Affine> points = extreme_points();
  ASSERT_GE(points.size(), 16u);
  std::vector<G1Affine> a, b;
  std::vector<PackedPoint> packed_a, packed_b;
  const std::vector<PackedPoint> packed = pack(points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < points.size(); ++j) {
      for (unsigned bits = 0; bits < 16; ++bits) {
        a.push_back(points[i]);
        b.push_back(points[j]);
        packed_a.push_back(other_representative(kernels(), packed[i], (bits & 1) != 0, (bits & 2) != 0));
        packed_b.push_back(other_representative(kernels(), packed[j], (bits & 4) != 0, (bits & 8) != 0));
      }
    }
  }
  EXPECT_EQ(unpack(packed_a), a);

  std::vector<PackedPoint> out(a.size());
  std::vector<PairJob> jobs;
  std::vector<PointRef> refs;
  std::vector<G1> sums;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool negate = random.below(2) == 0;
    jobs.push_back({&packed_a[i], PointRef(&packed_b[i], negate), &out[i]});
    sums.push_back(G1(a[i]) + (negate ? -b[i] : b[i]));
    refs.emplace_back(&packed_a[i], negate);
  }
  std::vector<G1Affine> expected(a.size());
  batch_to_affine(sums, expected);
  kernels().add_pairs(jobs.data(), jobs.size(), false, &thread_scratch());
  EXPECT_EQ(unpack(out), expected);

  for (int round = 0; round < 200; ++round) {
    std::vector<PointRef> some(24);
    G1 sum, weighted;
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::size_t k = random.below(refs.size());
      some[i] = refs[k];
      const G1 term(refs[k].negative() ? -a[k] : a[k]);
      sum += term;
      weighted += term * Fr::from_u64(i + 1);
    }
    ASSERT_EQ(sum_points(kernels(), some), sum);
    ASSERT_EQ(weighted_sum(kernels(), some), weighted);
  }
}

TEST_P(KernelsOfEachSet, MultiplesOfExtremePointsAgree) {
  test::Random random;
  const std::vector<G1Affine> points = extreme_points();
  const std::vector<PackedPoint> packed = pack(points);
  // "Multiples" may be any points: what is added is the digit's entry.
  std::vector<PackedPoint> entries;
  std::vector<G1Affine> entry_points;
  for (std::size_t k = 0; k < 128; ++k) {
    const std::size_t i = random.below(points.size());
    entry_points.push_back(points[i]);
    entries.push_back(other_representative(kernels(), packed[i], random.below(2) == 0, random.below(2) == 0));
  }
  constexpr std::size_t kBlocksUsed = 5;
  std::vector<PackedPoint> starts;
  std::vector<G1> sums;
  for (std::size_t i = 0; i < kBlocksUsed * kLanes; ++i) {
    const std::size_t k = random.below(points.size());
    starts.push_back(other_representative(kernels(), packed[k], random.below(2) == 0, random.below(2) == 0));
    sums.emplace_back(points[k]);
  }
  std::vector<PointBlock> blocks(kBlocksUsed);
  std::vector<std::uint8_t> identities(kBlocksUsed);
  kernels().load_blocks(starts.data(), kBlocksUsed, blocks.data(), identities.data());
  for (int round = 0; round < 300; ++round) {
    std::vector<std::int16_t> digits(starts.size());
    for (std::size_t i = 0; i < digits.size(); ++i) {
      digits[i] = static_cast<std::int16_t>(static_cast<int>(random.below(257)) - 128);
      if (digits[i] > 0) sums[i] += entry_points[static_cast<std::size_t>(digits[i] - 1)];
      if (digits[i] < 0) sums[i] -= entry_points[static_cast<std::size_t>(-digits[i] - 1)];
    }
    kernels().add_multiples(blocks.data(), identities.data(), kBlocksUsed, entries.data(), digits.data(),
                            &thread_scratch());
  }
  kernels().store_blocks(blocks.data(), identities.data(), kBlocksUsed, starts.data());
  std::vector<G1Affine> expected(sums.size());
  batch_to_affine(sums, expected);
  EXPECT_EQ(unpack(starts), expected);
}

TEST_P(KernelsOfEachSet, SumsWithoutInversionAgreeWithG1) {
  test::Random random;
  for (const std::size_t size : {0u, 8u, 16u, 64u, 512u}) {
    for (const bool corners : {false, true}) {
      const std::vector<G1Affine> points = corners ? random.corner_points(size) : random.points(size);
      const std::vector<PackedPoint> packed = pack(points);
      std::vector<PointRef> refs(size);
      G1 sum, weighted;
      for (std::size_t i = 0; i < size; ++i) {
        if (points[i].is_identity() || random.below(4) == 0) continue;
        const bool negate = random.below(2) == 0;
        refs[i] = PointRef(&packed[i], negate);
        const G1 term(negate ? -points[i] : points[i]);
        sum += term;
        weighted += term * Fr::from_u64(i + 1);
      }
      EXPECT_EQ(sum_points(kernels(), refs), sum);
      EXPECT_EQ(weighted_sum(kernels(), refs), weighted);
    }
  }
}

TEST_P(KernelsOfEachSet, WeightedSumOfOnePointAtEachPlace) {
  test::Random random;
  const std::vector<G1Affine> points = random.points(1);
  const std::vector<PackedPoint> packed = pack(points);
  for (std::size_t i = 0; i < 32; ++i) {
    std::vector<PointRef> refs(32);
    refs[i] = PointRef(&packed[0], false);
    EXPECT_EQ(weighted_sum(kernels(), refs), points[0] * Fr::from_u64(i + 1));
  }
}

TEST_P(KernelsOfEachSet, SquareRootsAgreeWithTheScalarField) {
  test::Random random;
  for (const std::size_t size : test::edge_sizes()) {
    std::vector<Fq> values(size), roots(size);
    for (auto& value : values) value = random.below(8) == 0 ? -Fq::from_u64(random.below(3)) : random.point().x;
    kernels().square_roots(values.data(), size, roots.data());
    for (std::size_t i = 0; i < size; ++i) {
      const std::optional<Fq> root = values[i].square_root();
      EXPECT_EQ(roots[i].squared() == values[i], root.has_value());
      if (root) {
        EXPECT_EQ(roots[i], *root);
      }
    }
  }
}

TEST_P(KernelsOfEachSet, SegmentSumsAgreeWithG1) {
  test::Random random;
  for (const bool corners : {false, true}) {
    for (const std::size_t segments : {0u, 1u, 10u, 500u}) {
      std::vector<std::uint32_t> sizes(segments);
      for (auto& size : sizes)
        size = static_cast<std::uint32_t>(random.below(8) == 0 ? random.below(300) : random.below(6));
      if (segments == 1) sizes[0] = 9001;  // longer than a group
      std::vector<PointRef> refs;
      std::vector<G1> expected(segments);
      const std::vector<G1Affine> points = corners ? random.corner_points(100) : random.points(100);
      const std::vector<PackedPoint> packed = pack(points);
      for (std::size_t s = 0; s < segments; ++s) {
        for (std::size_t i = 0; i < sizes[s]; ++i) {
          std::size_t k = random.below(points.size());
          while (points[k].is_identity()) k = random.below(points.size());
          const bool negate = random.below(2) == 0;
          refs.emplace_back(&packed[k], negate);
          expected[s] += negate ? -points[k] : points[k];
        }
      }
      std::vector<PackedPoint> storage(segments);
      std::vector<PointRef> sums(segments);
      SegmentSums<PackedPoint>(kernels()).run(refs, sizes, storage, sums);
      for (std::size_t s = 0; s < segments; ++s) {
        EXPECT_EQ(sums[s].is_null(), expected[s].is_identity());
        if (sums[s].is_null()) continue;
        G1Affine sum;
        kernels().unpack(sums[s].point(), 1, &sum);
        EXPECT_EQ(G1(sums[s].negative() ? -sum : sum), expected[s]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelsOfEachSet, testing::ValuesIn(test::all_kernels()),
                         [](const auto& set) { return std::string(set.param->name); });

}  // namespace
}  // namespace blindproof::curve
