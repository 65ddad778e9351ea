#include "blindproof/curve/small_commit.h"

#include <gtest/gtest.h>

#include <limits>

#include "blindproof/curve/curve_test_support.h"

namespace blindproof::curve {
namespace {

template <class Int>
struct Matrix {
  std::size_t rows, columns, stride;
  std::vector<Int> cells;

  Matrix(std::size_t r, std::size_t c, std::size_t padding = 0)
      : rows(r), columns(c), stride(c + padding), cells(r * (c + padding)) {}
  field::MatrixView<Int> view() const { return {cells.data(), rows, columns, stride}; }
  Int& at(std::size_t row, std::size_t column) { return cells[row * stride + column]; }
};

G1 times(const G1Affine& point, std::int64_t factor) {
  std::uint64_t magnitude = factor < 0 ? ~static_cast<std::uint64_t>(factor) + 1 : static_cast<std::uint64_t>(factor);
  G1 sum, power(factor < 0 ? -point : point);
  for (; magnitude != 0; magnitude >>= 1, power = power.doubled()) {
    if ((magnitude & 1) != 0) sum += power;
  }
  return sum;
}

template <class Int>
void expect_agrees(const Kernels& kernels, const std::vector<G1Affine>& generators, Matrix<Int>& matrix,
                   const std::vector<G1Affine>& starts, std::size_t check_every = 1) {
  const SmallScalarTable table(kernels, generators);
  std::vector<G1Affine> out(matrix.rows);
  table.commit_rows(matrix.view(), starts, out);
  for (std::size_t row = 0; row < matrix.rows; row += check_every) {
    G1 expected(starts[row]);
    for (std::size_t j = 0; j < matrix.columns; ++j) expected += times(generators[j], matrix.at(row, j));
    ASSERT_EQ(out[row], expected.to_affine())
        << "row " << row << " of " << matrix.rows << ", " << matrix.columns << " columns";
  }
}

template <class Int>
Int random_cell(test::Random& random) {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return std::numeric_limits<Int>::min();
    case 2:
      return std::numeric_limits<Int>::max();
    case 3:
      return static_cast<Int>(random.below(2) == 0 ? 1 : -1);
    default:
      return static_cast<Int>(random.word());
  }
}

class SmallScalarTableOnEachKernelSet : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }

  template <class Int>
  void check_shapes() {
    test::Random random;
    // Few rows go pair by pair, many go column by column.
    for (const auto& [rows, columns] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 3},
                                                                                        {1, 0},
                                                                                        {1, 1},
                                                                                        {1, 65},
                                                                                        {2, 40},
                                                                                        {7, 9},
                                                                                        {8, 8},
                                                                                        {9, 7},
                                                                                        {65, 5},
                                                                                        {300, 3},
                                                                                        {511, 2},
                                                                                        {512, 2},
                                                                                        {513, 3},
                                                                                        {600, 0}}) {
      const std::vector<G1Affine> generators = random.points(columns + 1);
      Matrix<Int> matrix(rows, columns, 3);
      for (auto& cell : matrix.cells) cell = random_cell<Int>(random);
      std::vector<G1Affine> starts = random.points(rows);
      for (std::size_t row = 1; row < rows; row += 3) starts[row] = G1Affine::identity();
      expect_agrees(kernels(), generators, matrix, starts, 1 + rows / 100);
    }
  }
};

TEST_P(SmallScalarTableOnEachKernelSet, AgreesWithDoubleAndAddForInt8) { check_shapes<std::int8_t>(); }
TEST_P(SmallScalarTableOnEachKernelSet, AgreesWithDoubleAndAddForInt16) { check_shapes<std::int16_t>(); }
TEST_P(SmallScalarTableOnEachKernelSet, AgreesWithDoubleAndAddForInt32) { check_shapes<std::int32_t>(); }
TEST_P(SmallScalarTableOnEachKernelSet, AgreesWithDoubleAndAddForInt64) { check_shapes<std::int64_t>(); }

TEST_P(SmallScalarTableOnEachKernelSet, WideIntegersThatHappenToBeNarrowAgree) {
  test::Random random;
  const std::vector<G1Affine> generators = random.points(5);
  for (const std::int64_t bound : {0, 1, 127, 128, 129, 255, 256, 32639, 32640, 32767, 32768, 1 << 23}) {
    for (const std::size_t rows : {3u, 600u}) {
      Matrix<std::int64_t> matrix(rows, generators.size());
      for (auto& cell : matrix.cells) cell = random.below(2) == 0 ? bound : -bound;
      expect_agrees(kernels(), generators, matrix, random.points(rows), 1 + rows / 50);
    }
  }
}

TEST_P(SmallScalarTableOnEachKernelSet, SumsThatMeetTheirNextSummandAreRight) {
  // Generators are small multiples of each other and of the starts: running sums collide with the point to be added,
  // with its negative and with the identity all the time, in some lanes and not in others.
  test::Random random;
  for (const std::size_t rows : {5u, 40u, 520u}) {
    for (int repeat = 0; repeat < 4; ++repeat) {
      std::vector<G1Affine> generators = random.corner_points(24);
      Matrix<std::int8_t> matrix(rows, generators.size());
      for (auto& cell : matrix.cells) cell = static_cast<std::int8_t>(static_cast<int>(random.below(5)) - 2);
      std::vector<G1Affine> starts(rows);
      for (auto& start : starts) {
        start = generators[random.below(generators.size())];
        if (random.below(2) == 0) start = -start;
      }
      expect_agrees(kernels(), generators, matrix, starts, 1 + rows / 100);
    }
  }
}

TEST_P(SmallScalarTableOnEachKernelSet, OneCollisionDoesNotDisturbItsNeighbours) {
  test::Random random;
  for (const std::size_t rows : {16u, 520u}) {
    const std::vector<G1Affine> generators = random.points(3);
    for (const int digit : {1, -1, 128 - 256, 127}) {
      for (const bool opposite : {false, true}) {
        Matrix<std::int8_t> matrix(rows, generators.size());
        for (auto& cell : matrix.cells) cell = static_cast<std::int8_t>(random.word());
        std::vector<G1Affine> starts = random.points(rows);
        const std::size_t row = random.below(rows);
        matrix.at(row, 0) = static_cast<std::int8_t>(digit);
        const G1 first = times(generators[0], digit);
        starts[row] = (opposite ? -first : first).to_affine();
        expect_agrees(kernels(), generators, matrix, starts, 1);
      }
    }
  }
}

TEST_P(SmallScalarTableOnEachKernelSet, ZeroRowsGiveTheirStarts) {
  test::Random random;
  const std::vector<G1Affine> generators = random.points(9);
  for (const std::size_t rows : {9u, 700u}) {
    Matrix<std::int8_t> matrix(rows, generators.size());
    std::vector<G1Affine> starts = random.corner_points(rows);
    std::vector<G1Affine> out(rows);
    SmallScalarTable(kernels(), generators).commit_rows(matrix.view(), starts, out);
    EXPECT_EQ(out, starts);
  }
}

TEST_P(SmallScalarTableOnEachKernelSet, ColumnsMayNameAnyGenerators) {
  test::Random random;
  const std::vector<G1Affine> generators = random.points(20);
  const std::vector<std::uint32_t> columns = {19, 3, 3, 0, 7};
  const SmallScalarTable table(kernels(), generators);
  for (const std::size_t rows : {4u, 520u}) {
    Matrix<std::int16_t> matrix(rows, columns.size());
    for (auto& cell : matrix.cells) cell = random_cell<std::int16_t>(random);
    const std::vector<G1Affine> starts = random.points(rows);
    std::vector<G1Affine> out(rows);
    table.commit_rows(matrix.view(), columns, starts, out);
    for (std::size_t row = 0; row < rows; row += 1 + rows / 40) {
      G1 expected(starts[row]);
      for (std::size_t j = 0; j < columns.size(); ++j) expected += times(generators[columns[j]], matrix.at(row, j));
      EXPECT_EQ(out[row], expected.to_affine());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, SmallScalarTableOnEachKernelSet, testing::ValuesIn(test::all_kernels()),
                         [](const auto& set) { return std::string(set.param->name); });

}  // namespace
}  // namespace blindproof::curve
