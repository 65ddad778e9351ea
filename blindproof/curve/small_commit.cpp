#include "blindproof/curve/small_commit.h"

#include <algorithm>
#include <numeric>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/segment_sums.h"

namespace blindproof::curve {
namespace {

constexpr std::size_t kMultiples = 128;
constexpr unsigned kDigitBits = 8;
constexpr std::size_t kGeneratorsPerTask = 256;  // share inversions while the table is built

// Rows times digits from which column by column is faster than pair by pair.
constexpr std::size_t kManySums = 512;
constexpr std::size_t kColumnsPerBlock = 32;  // whose digits are transposed at a time

// The lowest signed digit, in [-128, 128), is taken off `rest`; the last digit is what remains, at most 128 in absolute
// value.
BLINDPROOF_INLINE int take_digit(std::int64_t& rest) {
  const int low = static_cast<std::int8_t>(rest & 0xff);
  rest = (rest >> kDigitBits) + (low < 0 ? 1 : 0);
  return low;
}

/// Digits that every entry of the matrix fits.
template <class Int>
unsigned digits_needed(const field::MatrixView<Int>& matrix) {
  if constexpr (sizeof(Int) == 1) return 1;
  std::int64_t lowest = 0, highest = 0;
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const Int* const begin = matrix.data + row * matrix.stride;
    Int row_lowest = 0, row_highest = 0;
    for (std::size_t j = 0; j < matrix.columns; ++j) {
      row_lowest = std::min(row_lowest, begin[j]);
      row_highest = std::max(row_highest, begin[j]);
    }
    lowest = std::min<std::int64_t>(lowest, row_lowest);
    highest = std::max<std::int64_t>(highest, row_highest);
  }
  unsigned digits = 1;
  for (; lowest < -128 || highest > 128; ++digits) {
    lowest = (lowest >> kDigitBits) + ((lowest & 0xff) >= 0x80 ? 1 : 0);
    highest = (highest >> kDigitBits) + ((highest & 0xff) >= 0x80 ? 1 : 0);
  }
  return digits;
}

/// The multiples of the next column come while the present one is added.
void prefetch(const PackedPoint* multiples) {
  for (std::size_t i = 0; i < kMultiples; ++i) __builtin_prefetch(multiples + i);
}

/// start + sum_d 2^(8d) * sums_d.
G1 join_digits(const G1& start, std::span<const G1> sums) {
  G1 total;
  for (std::size_t d = sums.size(); d-- > 0;) {
    for (unsigned i = 0; i < kDigitBits && !total.is_identity(); ++i) total = total.doubled();
    total += sums[d];
  }
  return total + start;
}

}  // namespace

void SmallScalarTable::Free::operator()(PackedPoint* points) const noexcept { delete[] points; }
SmallScalarTable::~SmallScalarTable() = default;
SmallScalarTable::SmallScalarTable(SmallScalarTable&&) noexcept = default;
SmallScalarTable& SmallScalarTable::operator=(SmallScalarTable&&) noexcept = default;

SmallScalarTable::SmallScalarTable(std::span<const G1Affine> generators)
    : SmallScalarTable(active_kernels(), generators) {}

SmallScalarTable::SmallScalarTable(const Kernels& kernels, std::span<const G1Affine> generators)
    : kernels_(&kernels), identity_(generators.size()), multiples_(new PackedPoint[generators.size() * kMultiples]) {
  for (std::size_t j = 0; j < generators.size(); ++j) identity_[j] = generators[j].is_identity();
  const std::size_t tasks = (generators.size() + kGeneratorsPerTask - 1) / kGeneratorsPerTask;
  base::parallel_for(tasks, [&](std::size_t task) {
    const std::size_t begin = task * kGeneratorsPerTask;
    const std::size_t end = std::min(begin + kGeneratorsPerTask, generators.size());
    for (std::size_t j = begin; j < end; ++j) {
      kernels.pack(&generators[j], 1, &multiples_[j * kMultiples]);
    }
    // From 1..m to 1..2m: doublings of m apart, as they need the careful kernel.
    std::vector<PairJob> doublings, sums;
    for (std::size_t m = 1; m < kMultiples; m *= 2) {
      doublings.clear();
      sums.clear();
      for (std::size_t j = begin; j < end; ++j) {
        if (identity_[j]) continue;
        PackedPoint* const first = &multiples_[j * kMultiples];  // first[k-1] is k times the generator
        const PointRef middle(first + m - 1, false);
        for (std::size_t k = 1; k < m; ++k) sums.push_back({first + k - 1, middle, first + m + k - 1});
        doublings.push_back({middle.point(), middle, first + 2 * m - 1});
      }
      kernels.add_pairs(doublings.data(), doublings.size(), true, &thread_scratch());
      kernels.add_pairs(sums.data(), sums.size(), false, &thread_scratch());
    }
  });
}

const PackedPoint* SmallScalarTable::multiples(std::size_t generator) const {
  return &multiples_[generator * kMultiples];
}

template <class Int>
void SmallScalarTable::commit_rows(const field::MatrixView<Int>& matrix, std::span<const G1Affine> starts,
                                   std::span<G1Affine> out) const {
  BLINDPROOF_CHECK(matrix.columns <= generators(), "a generator for each column");
  std::vector<std::uint32_t> columns(matrix.columns);
  std::iota(columns.begin(), columns.end(), 0u);
  commit_rows(matrix, columns, starts, out);
}

template <class Int>
void SmallScalarTable::commit_rows(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns,
                                   std::span<const G1Affine> starts, std::span<G1Affine> out) const {
  BLINDPROOF_CHECK(columns.size() == matrix.columns, "a generator for each column");
  for (const std::uint32_t column : columns) BLINDPROOF_CHECK(column < generators(), "no such generator");
  BLINDPROOF_CHECK(starts.size() == matrix.rows && out.size() == matrix.rows, "a start and an output for each row");
  if (matrix.rows == 0) return;
  const unsigned digits = digits_needed(matrix);
  if (matrix.rows * digits >= kManySums) {
    commit_many(matrix, columns, digits, starts, out);
  } else {
    commit_few(matrix, columns, digits, starts, out);
  }
}

template <class Int>
void SmallScalarTable::commit_few(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns,
                                  unsigned digits, std::span<const G1Affine> starts, std::span<G1Affine> out) const {
  // A task is some rows, or a part of one row where there are fewer rows than threads.
  constexpr std::size_t kTaskPoints = 8192, kMinPartColumns = 256;
  const std::size_t rows_by_work =
      std::max<std::size_t>(1, kTaskPoints / std::max<std::size_t>(1, digits * matrix.columns));
  const std::size_t rows_by_threads = (matrix.rows + base::thread_count() - 1) / base::thread_count();
  const std::size_t rows_per_task = std::min(rows_by_work, rows_by_threads);
  const std::size_t row_tasks = (matrix.rows + rows_per_task - 1) / rows_per_task;
  const std::size_t parts = std::clamp<std::size_t>(base::thread_count() / row_tasks, 1,
                                                    std::max<std::size_t>(1, matrix.columns / kMinPartColumns));
  std::vector<G1> sums(matrix.rows * parts);
  base::parallel_for(row_tasks * parts, [&](std::size_t task) {
    const std::size_t part = task % parts;
    const std::size_t row_begin = task / parts * rows_per_task;
    const std::size_t row_end = std::min(row_begin + rows_per_task, matrix.rows);
    const std::size_t column_begin = matrix.columns * part / parts, column_end = matrix.columns * (part + 1) / parts;
    const std::size_t width = column_end - column_begin;
    const std::size_t segments = (row_end - row_begin) * digits;

    // One list for each row and digit.
    std::vector<PointRef> points;
    points.reserve(segments * width);
    std::vector<std::uint32_t> sizes(segments);
    std::vector<std::int16_t> row_digits(digits * width);
    for (std::size_t row = row_begin; row < row_end; ++row) {
      const Int* const entries = matrix.data + row * matrix.stride + column_begin;
      for (std::size_t j = 0; j < width; ++j) {
        std::int64_t rest = identity_[columns[column_begin + j]] ? 0 : static_cast<std::int64_t>(entries[j]);
        for (unsigned d = 0; d + 1 < digits; ++d)
          row_digits[d * width + j] = static_cast<std::int16_t>(take_digit(rest));
        row_digits[(digits - 1) * width + j] = static_cast<std::int16_t>(rest);
      }
      for (unsigned d = 0; d < digits; ++d) {
        const std::size_t before = points.size();
        for (std::size_t j = 0; j < width; ++j) {
          const int digit = row_digits[d * width + j];
          if (digit == 0) continue;
          const std::size_t index = static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1;
          points.emplace_back(multiples(columns[column_begin + j]) + index, digit < 0);
        }
        sizes[(row - row_begin) * digits + d] = static_cast<std::uint32_t>(points.size() - before);
      }
    }

    std::vector<PackedPoint> storage(segments);
    std::vector<PointRef> packed_sums(segments);
    SegmentSums<PackedPoint>(*kernels_).run(points, sizes, storage, packed_sums);
    std::vector<G1> digit_sums(digits);
    for (std::size_t row = row_begin; row < row_end; ++row) {
      for (unsigned d = 0; d < digits; ++d) {
        const PointRef ref = packed_sums[(row - row_begin) * digits + d];
        G1Affine point;
        if (!ref.is_null()) kernels_->unpack(ref.point(), 1, &point);
        digit_sums[d] = G1(ref.negative() ? -point : point);
      }
      sums[row * parts + part] = join_digits(G1(part == 0 ? starts[row] : G1Affine()), digit_sums);
    }
  });
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::size_t part = 1; part < parts; ++part) sums[row * parts] += sums[row * parts + part];
    sums[row] = sums[row * parts];
  }
  batch_to_affine(std::span(sums).first(matrix.rows), out);
}

template <class Int>
void SmallScalarTable::commit_many(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns,
                                   unsigned digits, std::span<const G1Affine> starts, std::span<G1Affine> out) const {
  // Rows of one task advance together, all their digits in one batch of additions. Tasks are of nearly equal size.
  constexpr std::size_t kMaxSums = KernelScratch::kBlocks * kLanes;
  const std::size_t max_rows = kMaxSums / digits / kLanes * kLanes;
  const std::size_t tasks_by_size = (matrix.rows + max_rows - 1) / max_rows;
  const std::size_t threads = base::thread_count();
  std::size_t tasks = (tasks_by_size + threads - 1) / threads * threads;
  if (matrix.rows * digits < tasks * kManySums / 2)
    tasks = std::max<std::size_t>(1, matrix.rows * digits / (kManySums / 2));
  const std::size_t rows_per_task = ((matrix.rows + tasks - 1) / tasks + kLanes - 1) / kLanes * kLanes;
  tasks = (matrix.rows + rows_per_task - 1) / rows_per_task;
  const std::size_t blocks_per_digit = rows_per_task / kLanes;
  const std::size_t blocks = blocks_per_digit * digits;

  base::parallel_for(tasks, [&](std::size_t task) {
    const std::size_t row_begin = task * rows_per_task;
    const std::size_t row_count = std::min(rows_per_task, matrix.rows - row_begin);
    // Lane (d, row) is the sum of digit d; rows past the end have digits of zero. Lowest digits begin at the starts.
    std::vector<PackedPoint> packed(blocks * kLanes);
    kernels_->pack(starts.data() + row_begin, row_count, packed.data());
    std::vector<PointBlock> sums(blocks);
    std::vector<std::uint8_t> identities(blocks);
    kernels_->load_blocks(packed.data(), blocks, sums.data(), identities.data());

    // Of one column: lanes contiguous. Columns at a power of two from each other would share their places in the cache.
    const std::size_t column_stride = blocks * kLanes + 64;
    std::vector<std::int16_t> block_digits(kColumnsPerBlock * column_stride);
    for (std::size_t block_begin = 0; block_begin < matrix.columns; block_begin += kColumnsPerBlock) {
      const std::size_t width = std::min(kColumnsPerBlock, matrix.columns - block_begin);
      for (std::size_t row = 0; row < row_count; ++row) {
        const Int* const entries = matrix.data + (row_begin + row) * matrix.stride + block_begin;
        for (std::size_t j = 0; j < width; ++j) {
          std::int16_t* const column = &block_digits[j * column_stride + row];
          std::int64_t rest = entries[j];
          for (unsigned d = 0; d + 1 < digits; ++d)
            column[d * rows_per_task] = static_cast<std::int16_t>(take_digit(rest));
          column[(digits - 1) * rows_per_task] = static_cast<std::int16_t>(rest);
        }
      }
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t generator = columns[block_begin + j];
        if (identity_[generator]) continue;
        if (block_begin + j + 1 < matrix.columns) prefetch(multiples(columns[block_begin + j + 1]));
        kernels_->add_multiples(sums.data(), identities.data(), blocks, multiples(generator),
                                &block_digits[j * column_stride], &thread_scratch());
      }
    }

    kernels_->store_blocks(sums.data(), identities.data(), blocks, packed.data());
    if (digits == 1) {
      kernels_->unpack(packed.data(), row_count, out.data() + row_begin);
      return;
    }
    std::vector<G1Affine> affine(packed.size());
    kernels_->unpack(packed.data(), packed.size(), affine.data());
    std::vector<G1> totals(row_count);
    std::vector<G1> digit_sums(digits);
    for (std::size_t row = 0; row < row_count; ++row) {
      for (unsigned d = 0; d < digits; ++d) digit_sums[d] = G1(affine[d * rows_per_task + row]);
      totals[row] = join_digits(G1(), digit_sums);
    }
    batch_to_affine(totals, out.subspan(row_begin, row_count));
  });
}

#define BLINDPROOF_INSTANTIATE(Int)                                                                          \
  template void SmallScalarTable::commit_rows(const field::MatrixView<Int>&, std::span<const G1Affine>,      \
                                              std::span<G1Affine>) const;                                    \
  template void SmallScalarTable::commit_rows(const field::MatrixView<Int>&, std::span<const std::uint32_t>, \
                                              std::span<const G1Affine>, std::span<G1Affine>) const;
BLINDPROOF_INSTANTIATE(std::int8_t)
BLINDPROOF_INSTANTIATE(std::int16_t)
BLINDPROOF_INSTANTIATE(std::int32_t)
BLINDPROOF_INSTANTIATE(std::int64_t)
#undef BLINDPROOF_INSTANTIATE

}  // namespace blindproof::curve
