#include "blindproof/fheml/affine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/fheml/placement.h"

namespace blindproof::fheml {

SparseMatrix SparseMatrix::identity(std::size_t size) {
  SparseMatrix result;
  result.columns = size;
  for (std::uint32_t i = 0; i < size; ++i) result.append_row(std::vector<std::pair<std::uint32_t, float>>{{i, 1.0f}});
  return result;
}

SparseMatrix SparseMatrix::dense(std::size_t rows, std::size_t columns, std::span<const float> values) {
  BLINDPROOF_CHECK(values.size() == rows * columns, "rows times columns values");
  SparseMatrix result;
  result.columns = columns;
  std::vector<std::pair<std::uint32_t, float>> row;
  for (std::size_t i = 0; i < rows; ++i) {
    row.clear();
    for (std::uint32_t j = 0; j < columns; ++j) {
      if (values[i * columns + j] != 0) row.emplace_back(j, values[i * columns + j]);
    }
    result.append_row(row);
  }
  return result;
}

void SparseMatrix::append_row(std::span<const std::pair<std::uint32_t, float>> entries) {
  for (const auto& [c, v] : entries) {
    column.push_back(c);
    value.push_back(v);
  }
  ++rows;
  begins.push_back(value.size());
}

SparseMatrix product(const SparseMatrix& a, const SparseMatrix& b) {
  BLINDPROOF_CHECK(a.columns == b.rows, "as many columns as rows");
  SparseMatrix result;
  result.columns = b.columns;
  std::vector<double> row(b.columns);
  std::vector<std::uint32_t> touched;
  std::vector<bool> seen(b.columns);
  std::vector<std::pair<std::uint32_t, float>> entries;
  for (std::size_t i = 0; i < a.rows; ++i) {
    touched.clear();
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) {
      for (std::uint64_t l = b.begins[a.column[k]]; l < b.begins[a.column[k] + 1]; ++l) {
        const std::uint32_t c = b.column[l];
        if (!seen[c]) touched.push_back(c);
        seen[c] = true;
        row[c] += static_cast<double>(a.value[k]) * static_cast<double>(b.value[l]);
      }
    }
    std::ranges::sort(touched);
    entries.clear();
    for (const std::uint32_t c : touched) {
      const auto value = static_cast<float>(row[c]);
      if (value != 0) entries.emplace_back(c, value);
      row[c] = 0;
      seen[c] = false;
    }
    result.append_row(entries);
  }
  return result;
}

SparseMatrix sum(const SparseMatrix& a, const SparseMatrix& b) {
  BLINDPROOF_CHECK(a.rows == b.rows && a.columns == b.columns, "matrices of one shape");
  SparseMatrix result;
  result.columns = a.columns;
  std::vector<std::pair<std::uint32_t, float>> entries;
  for (std::size_t i = 0; i < a.rows; ++i) {
    std::map<std::uint32_t, float> row;
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) row[a.column[k]] += a.value[k];
    for (std::uint64_t k = b.begins[i]; k < b.begins[i + 1]; ++k) row[b.column[k]] += b.value[k];
    std::erase_if(row, [](const auto& entry) { return entry.second == 0; });
    entries.assign(row.begin(), row.end());
    result.append_row(entries);
  }
  return result;
}

std::vector<double> multiply(const SparseMatrix& a, std::span<const double> x) {
  BLINDPROOF_CHECK(x.size() == a.columns, "a value for each column");
  std::vector<double> result(a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) result[i] += static_cast<double>(a.value[k]) * x[a.column[k]];
  }
  return result;
}

void write_matrix(base::ByteWriter& writer, const SparseMatrix& matrix) {
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    writer.u64(matrix.begins[i + 1] - matrix.begins[i]);
    for (std::uint64_t k = matrix.begins[i]; k < matrix.begins[i + 1]; ++k) {
      writer.u32(matrix.column[k]);
      writer.u32(std::bit_cast<std::uint32_t>(matrix.value[k]));
    }
  }
}

SparseMatrix read_matrix(base::ByteReader& reader, std::size_t rows, std::size_t columns) {
  SparseMatrix result;
  result.columns = columns;
  std::vector<std::pair<std::uint32_t, float>> entries;
  for (std::size_t i = 0; reader.ok() && i < rows; ++i) {
    const std::size_t count = reader.count(columns, 8);
    entries.clear();
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t c = reader.u32();
      const auto value = std::bit_cast<float>(reader.u32());
      if (c >= columns || (k > 0 && c <= entries.back().first) || !std::isfinite(value) || value == 0) {
        reader.fail("a matrix has an entry that can't be");
        return {};
      }
      entries.emplace_back(c, value);
    }
    result.append_row(entries);
  }
  return result;
}

bool SlotMatrix::fits(const Layout& in, const Layout& out, std::size_t slots) noexcept {
  const std::size_t inner = std::min(in.period, out.period), block = std::max(in.period, out.period);
  if (out.shift > 0) return in.shift == 0 && in.period == out.period;
  return out.block == out.period && (in.shift == 0 || (in.block == block && in.shift * (slots / block) == inner));
}

SlotMatrix::SlotMatrix(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots)
    : slots_(slots), repeat_(in.shift > 0 || out.shift > 0 ? slots : std::max(in.period, out.period)), folds_(folds_of(in, out, slots)),
      entries_(std::min(in.period, out.period)) {
  BLINDPROOF_CHECK(fits(in, out, slots), "layouts that a matrix can go between");
  for_each_placement(matrix, in, out, slots, [&](std::size_t, std::size_t d, std::size_t slot, float value) {
    entries_[d].push_back({static_cast<std::uint32_t>(slot), value});
  });
}

std::vector<std::size_t> SlotMatrix::numbers() const {
  std::vector<std::size_t> result;
  for (std::size_t number = 0; number < entries_.size(); ++number) {
    if (!entries_[number].empty()) result.push_back(number);
  }
  return result;
}

std::vector<std::size_t> SlotMatrix::numbers_of(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots) {
  std::vector<bool> used(std::min(in.period, out.period));
  for_each_placement(matrix, in, out, slots, [&](std::size_t, std::size_t d, std::size_t, float) { used[d] = true; });
  std::vector<std::size_t> result;
  for (std::size_t number = 0; number < used.size(); ++number) {
    if (used[number]) result.push_back(number);
  }
  return result;
}

std::vector<SlotMatrix::Placement> SlotMatrix::placements_of(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots) {
  std::vector<Placement> result;
  for_each_placement(matrix, in, out, slots, [&](std::size_t row, std::size_t d, std::size_t slot, float value) {
    result.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(d), static_cast<std::uint32_t>(slot), value});
  });
  return result;
}

std::vector<double> SlotMatrix::diagonal(std::size_t number) const {
  std::vector<double> result(slots_);
  for (const Entry& entry : entries_[number]) {
    for (std::size_t slot = entry.slot; slot < slots_; slot += repeat_) result[slot] = static_cast<double>(entry.value);
  }
  return result;
}

std::vector<std::int64_t> SlotMatrix::folds_of(const Layout& in, const Layout& out, std::size_t slots) {
  const std::size_t end = out.shift > 0 ? out.period : in.shift > 0 ? slots : std::max(in.period, out.period);
  std::vector<std::int64_t> result;
  for (std::size_t step = out.period; step < end; step *= 2) result.push_back(static_cast<std::int64_t>(step));
  return result;
}

}  // namespace blindproof::fheml
