#include "blindproof/commit/layout.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "blindproof/poly/multilinear.h"

namespace blindproof::commit {
namespace {

const std::vector<std::vector<std::size_t>> kShapes = {
    {1}, {2}, {7}, {1, 1}, {5, 3}, {2048}, {2049}, {4000}, {6150}, {1, 4096}, {10, 784}, {3, 2048}, {3, 4000},
    {4000, 60}, {4001, 60}, {120, 16, 5, 5}, {7, 3, 3, 3}, {2, 1, 5000}, {5, 5000}, {3, 1, 1, 1300, 2}, {33, 65, 2}};

Fr random_element(std::mt19937_64& random) { return Fr::from_u64(random()) * Fr::from_u64(random()) + Fr::from_u64(random()); }

std::vector<Fr> random_point(std::mt19937_64& random, std::size_t size) {
  std::vector<Fr> z(size);
  for (Fr& c : z) c = random_element(random);
  return z;
}

// Index of a cell by the definition: bits of all axis indices, last axis lowest.
std::size_t padded_index(const TensorLayout& layout, std::size_t cell) {
  std::size_t index = 0;
  for (std::size_t a = layout.axes().size(); a-- > 0;) {
    index |= cell % layout.axes()[a] << layout.axis_shift(a);
    cell /= layout.axes()[a];
  }
  return index;
}

TEST(Layout, RowsAndColumnsCoverEveryCellOnce) {
  for (const auto& axes : kShapes) {
    const TensorLayout layout(axes);
    std::set<std::size_t> seen;
    std::size_t covered = 0;
    std::vector<std::size_t> row_index(layout.rows(), 0);
    for (std::size_t r = 0; r < layout.rows(); ++r) {
      const bool partial = layout.is_partial(r);
      const std::vector<std::uint32_t> columns = layout.columns(partial);
      ASSERT_EQ(columns.size(), layout.row_cells(partial));
      for (std::size_t k = 0; k < columns.size(); ++k) {
        const std::size_t cell = layout.row_begin(r) + k;
        ASSERT_LT(cell, layout.cells());
        const std::size_t index = padded_index(layout, cell);
        EXPECT_EQ(index & ((std::size_t{1} << layout.column_bits()) - 1), columns[k]);
        if (k == 0) row_index[r] = index >> layout.column_bits();
        EXPECT_EQ(index >> layout.column_bits(), row_index[r]);
        EXPECT_TRUE(seen.insert(cell).second);
        ++covered;
      }
    }
    EXPECT_EQ(covered, layout.cells());
    const auto indices = layout.padded_indices();
    ASSERT_EQ(indices.size(), layout.cells());
    for (std::size_t cell = 0; cell < layout.cells(); ++cell) ASSERT_EQ(indices[cell], padded_index(layout, cell));
  }
}

TEST(Layout, RowWeightsTimesColumnWeightsIsTheEqualityPolynomial) {
  std::mt19937_64 random(1);
  for (const auto& axes : kShapes) {
    const TensorLayout layout(axes);
    const std::vector<Fr> z = random_point(random, layout.bits());
    const std::vector<Fr> rows = layout.row_weights(z);
    ASSERT_EQ(rows.size(), layout.rows());
    Fr sum = Fr::zero();
    std::mt19937_64 pick(2);
    for (std::size_t r = 0; r < layout.rows(); ++r) {
      const std::vector<std::uint32_t> columns = layout.columns(layout.is_partial(r));
      const std::vector<Fr> eq = poly::eq_values(std::span<const Fr>(z).first(layout.column_bits()));
      for (std::uint32_t column : columns) sum += rows[r] * eq[column];
      // One cell per row against the definition.
      const std::size_t k = pick() % columns.size();
      const std::size_t index = padded_index(layout, layout.row_begin(r) + k);
      Fr direct = Fr::one();
      for (std::size_t b = 0; b < layout.bits(); ++b) direct *= index >> b & 1 ? z[b] : Fr::one() - z[b];
      ASSERT_EQ(rows[r] * eq[columns[k]], direct);
    }
    EXPECT_EQ(sum, layout.ones_at(z));
  }
}

TEST(Layout, ColumnWeightMatchesItsTable) {
  std::mt19937_64 random(3);
  for (const auto& axes : kShapes) {
    const TensorLayout layout(axes);
    const std::vector<Fr> z = random_point(random, layout.bits()), x = random_point(random, kMaxColumnBits);
    const std::vector<Fr> eq_z = poly::eq_values(std::span<const Fr>(z).first(layout.column_bits())), eq_x = poly::eq_values(x);
    for (bool partial : {false, true}) {
      if (partial ? !layout.has_partial() : !layout.has_full()) continue;
      Fr sum = Fr::zero();
      for (std::uint32_t column : layout.columns(partial)) sum += eq_z[column] * eq_x[column];
      EXPECT_EQ(layout.column_weight_at(z, partial, x), sum);
    }
  }
}

}  // namespace
}  // namespace blindproof::commit
