#include "blindproof/fheml/integer_matrix.h"

#include <algorithm>
#include <map>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/fheml/placement.h"

namespace blindproof::fheml {
namespace {

using base::Int128;

base::Error too_large(const char* what, int bits) {
  return base::error(base::ErrorCode::kLimit, "integer matrix",
                     std::string(what) + " of composed layers has more than " + std::to_string(bits) + " bits: use narrower weights");
}

base::Result<std::int64_t> narrowed(Int128 value) {
  if (value > INT64_MAX || value < -Int128{INT64_MAX}) return too_large("an entry", 63);
  return static_cast<std::int64_t>(value);
}

bool add_product(Int128& sum, Int128 a, Int128 b) {
  Int128 term = 0;
  return !__builtin_mul_overflow(a, b, &term) && !__builtin_add_overflow(sum, term, &sum);
}

}  // namespace

IntegerMatrix IntegerMatrix::identity(std::size_t size) {
  IntegerMatrix result;
  result.columns = size;
  for (std::uint32_t i = 0; i < size; ++i) result.append_row(std::vector<std::pair<std::uint32_t, std::int64_t>>{{i, 1}});
  return result;
}

void IntegerMatrix::append_row(std::span<const std::pair<std::uint32_t, std::int64_t>> entries) {
  for (const auto& [c, v] : entries) {
    column.push_back(c);
    value.push_back(v);
  }
  ++rows;
  begins.push_back(value.size());
}

base::Result<IntegerMatrix> product(const IntegerMatrix& a, const IntegerMatrix& b) {
  BLINDPROOF_CHECK(a.columns == b.rows, "as many columns as rows");
  IntegerMatrix result;
  result.columns = b.columns;
  std::vector<Int128> row(b.columns);
  std::vector<std::uint32_t> touched;
  std::vector<bool> seen(b.columns);
  std::vector<std::pair<std::uint32_t, std::int64_t>> entries;
  for (std::size_t i = 0; i < a.rows; ++i) {
    touched.clear();
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) {
      for (std::uint64_t l = b.begins[a.column[k]]; l < b.begins[a.column[k] + 1]; ++l) {
        const std::uint32_t c = b.column[l];
        if (!seen[c]) touched.push_back(c);
        seen[c] = true;
        if (!add_product(row[c], a.value[k], b.value[l])) return too_large("an entry", 63);
      }
    }
    std::ranges::sort(touched);
    entries.clear();
    for (const std::uint32_t c : touched) {
      BLINDPROOF_ASSIGN(const std::int64_t value, narrowed(row[c]));
      if (value != 0) entries.emplace_back(c, value);
      row[c] = 0;
      seen[c] = false;
    }
    result.append_row(entries);
  }
  return result;
}

base::Result<IntegerMatrix> sum(const IntegerMatrix& a, std::int64_t factor_a, const IntegerMatrix& b, std::int64_t factor_b) {
  BLINDPROOF_CHECK(a.rows == b.rows && a.columns == b.columns, "matrices of one shape");
  IntegerMatrix result;
  result.columns = a.columns;
  std::vector<std::pair<std::uint32_t, std::int64_t>> entries;
  for (std::size_t i = 0; i < a.rows; ++i) {
    entries.clear();
    std::uint64_t k = a.begins[i], l = b.begins[i];
    while (k < a.begins[i + 1] || l < b.begins[i + 1]) {
      const bool takes_a = l == b.begins[i + 1] || (k < a.begins[i + 1] && a.column[k] <= b.column[l]);
      const bool takes_b = k == a.begins[i + 1] || (l < b.begins[i + 1] && b.column[l] <= a.column[k]);
      const std::uint32_t c = takes_a ? a.column[k] : b.column[l];
      Int128 value = 0;
      if (takes_a && !add_product(value, factor_a, a.value[k++])) return too_large("an entry", 63);
      if (takes_b && !add_product(value, factor_b, b.value[l++])) return too_large("an entry", 63);
      BLINDPROOF_ASSIGN(const std::int64_t narrow, narrowed(value));
      if (narrow != 0) entries.emplace_back(c, narrow);
    }
    result.append_row(entries);
  }
  return result;
}

base::Result<std::vector<Int128>> multiply_add(const IntegerMatrix& a, std::span<const Int128> x, std::span<const Int128> y) {
  BLINDPROOF_CHECK(x.size() == a.columns && y.size() == a.rows, "a value for each column and row");
  std::vector<Int128> result(y.begin(), y.end());
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) {
      if (!add_product(result[i], a.value[k], x[a.column[k]])) return too_large("a sum", 127);
    }
  }
  return result;
}

SparseMatrix pattern_of(const IntegerMatrix& matrix) {
  SparseMatrix result;
  result.rows = matrix.rows;
  result.columns = matrix.columns;
  result.begins = matrix.begins;
  result.column = matrix.column;
  result.value.assign(matrix.entries(), 1);
  return result;
}

void write_matrix(base::ByteWriter& writer, const IntegerMatrix& matrix) {
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    writer.u64(matrix.begins[i + 1] - matrix.begins[i]);
    for (std::uint64_t k = matrix.begins[i]; k < matrix.begins[i + 1]; ++k) {
      writer.u32(matrix.column[k]);
      writer.i64(matrix.value[k]);
    }
  }
}

IntegerMatrix read_integer_matrix(base::ByteReader& reader, std::size_t rows, std::size_t columns) {
  IntegerMatrix result;
  result.columns = columns;
  std::vector<std::pair<std::uint32_t, std::int64_t>> entries;
  for (std::size_t i = 0; reader.ok() && i < rows; ++i) {
    const std::size_t count = reader.count(columns, 12);
    entries.clear();
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t c = reader.u32();
      const std::int64_t value = reader.i64();
      if (c >= columns || (k > 0 && c <= entries.back().first) || value == 0 || value == INT64_MIN) {
        reader.fail("a matrix has an entry that can't be");
        return {};
      }
      entries.emplace_back(c, value);
    }
    result.append_row(entries);
  }
  return result;
}

IntegerSlotMatrix::IntegerSlotMatrix(const IntegerMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots)
    : slots_(slots), period_(in.shift > 0 || out.shift > 0 ? slots : std::max(in.period, out.period)),
      folds_(SlotMatrix::folds_of(in, out, slots)), entries_(std::min(in.period, out.period)) {
  BLINDPROOF_CHECK(SlotMatrix::fits(in, out, slots), "layouts that a matrix can go between");
  for_each_placement(matrix, in, out, slots, [&](std::size_t, std::size_t d, std::size_t slot, std::int64_t value) {
    entries_[d].push_back({static_cast<std::uint32_t>(slot), value});
  });
  for (std::size_t number = 0; number < entries_.size(); ++number) {
    if (!entries_[number].empty()) numbers_.push_back(number);
  }
}

std::vector<std::int64_t> IntegerSlotMatrix::diagonal(std::size_t number, const field::Modulus& t) const {
  std::vector<std::int64_t> result(2 * slots_);  // both rows hold the same
  for (const Entry& entry : entries_[number]) {
    const std::int64_t value = t.centered(t.reduce_signed(entry.value));
    for (std::size_t slot = entry.slot; slot < result.size(); slot += period_) result[slot] = value;
  }
  return result;
}

}  // namespace blindproof::fheml
