#include "blindproof/commit/hyrax.h"

#include <gtest/gtest.h>

#include <random>

#include "blindproof/curve/msm.h"
#include "blindproof/poly/multilinear.h"

namespace blindproof::commit {
namespace {

Fr random_element(std::mt19937_64& random) { return Fr::from_u64(random()) * Fr::from_u64(random()) + Fr::from_u64(random()); }

template <class Int>
std::vector<Int> random_values(std::mt19937_64& random, std::size_t count, int bits) {
  std::vector<Int> values(count);
  for (Int& v : values) v = static_cast<Int>(static_cast<std::int64_t>(random() & ((std::uint64_t{1} << bits) - 1)) - (std::int64_t{1} << (bits - 1)));
  return values;
}

// Row commitments by their definition.
std::vector<G1Affine> naive_rows(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> blinds) {
  std::vector<G1Affine> rows;
  for (std::size_t r = 0; r < layout.rows(); ++r) {
    std::vector<Fr> row(kGenerators);
    const auto columns = layout.columns(layout.is_partial(r));
    for (std::size_t k = 0; k < columns.size(); ++k) row[columns[k]] = to_field(values, layout.row_begin(r) + k);
    G1 sum = curve::msm(Generators::standard().g(), row);
    sum += Generators::standard().h() * blinds[r];
    rows.push_back(sum.to_affine());
  }
  return rows;
}

template <class Int>
void check(std::vector<std::size_t> axes, int bits, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const TensorLayout layout(std::move(axes));
  const auto data = random_values<Int>(random, layout.cells(), bits);
  const IntegerSpan values = std::span<const Int>(data);
  std::vector<Fr> blinds(layout.rows());
  for (Fr& b : blinds) b = random_element(random);
  EXPECT_EQ(commit_rows(Generators::standard(), layout, values, blinds), naive_rows(layout, values, blinds));

  std::vector<Fr> z(layout.bits());
  for (Fr& c : z) c = random_element(random);
  EXPECT_EQ(evaluate(layout, values, z), poly::evaluate(padded_table(layout, values), z));
}

TEST(Hyrax, CommitmentsAndEvaluationsMatchTheirDefinition) {
  check<std::int8_t>({1}, 8, 1);
  check<std::int8_t>({5, 3}, 8, 2);
  check<std::int8_t>({6150}, 8, 3);
  check<std::int16_t>({10, 784}, 16, 4);
  check<std::int32_t>({33, 65, 2}, 20, 5);
  check<std::int64_t>({3, 5000}, 40, 6);
  check<Int128>({7, 3, 3, 3}, 60, 7);
}

TEST(Hyrax, ManyRowsTakeTheTableOfMultiples) {
  check<std::int8_t>({150, 2048}, 8, 8);
  check<std::int8_t>({300, 784}, 8, 9);
  check<std::int16_t>({130, 1300}, 16, 10);
}

TEST(Blinding, RowsAndSeedsGiveUnrelatedBlinds) {
  Seed a{}, b{};
  b[0] = 1;
  const base::Bytes row = {1, 2, 3}, other = {1, 2, 4};
  const SeededBlinds source(a, "rows"), second(b, "rows"), third(a, "other rows");
  const Fr blind = source.row_blind(0, 0, row);
  EXPECT_EQ(blind, source.row_blind(0, 0, row));
  EXPECT_FALSE(blind == source.row_blind(0, 1, row));
  EXPECT_FALSE(blind == source.row_blind(1, 0, row));
  EXPECT_FALSE(blind == source.row_blind(0, 0, other));
  EXPECT_FALSE(blind == second.row_blind(0, 0, row));
  EXPECT_FALSE(blind == third.row_blind(0, 0, row));
}

TEST(Blinding, StuckEntropyStillGivesFreshNoncesForAnotherTranscript) {
  const base::Bytes stuck(32, 7), witness = {1};
  std::array<std::uint8_t, 64> state_a{}, state_b{};
  state_b[0] = 1;
  HedgedBlinds a(stuck, witness, state_a), b(stuck, witness, state_b), again(stuck, witness, state_a);
  const Fr first = a.blind("D", {});
  EXPECT_FALSE(first == b.blind("D", {}));
  EXPECT_EQ(first, again.blind("D", {}));
  EXPECT_FALSE(first == a.blind("D", {}));  // the counter moved
}

}  // namespace
}  // namespace blindproof::commit
