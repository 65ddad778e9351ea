#include "blindproof/proof/lookup/table.h"

#include <algorithm>

#include "blindproof/poly/multilinear.h"

namespace blindproof::proof::lookup {
namespace {

// sum_{i < used} i eq(z,i)
Fr cut_identity_at(std::span<const Fr> z, std::size_t used) {
  if (used == 0) return Fr::zero();
  if (used >> z.size() != 0) {
    Fr sum = Fr::zero();
    for (std::size_t j = 0; j < z.size(); ++j) sum += Fr::power_of_two(static_cast<int>(j)) * z[j];
    return sum;
  }
  const std::size_t half = std::size_t{1} << (z.size() - 1);
  const Fr top = z.back();
  const auto below = z.first(z.size() - 1);
  Fr sum = (Fr::one() - top) * cut_identity_at(below, std::min(used, half));
  if (used > half) {
    sum += top * (Fr::from_u64(half) * poly::cut_sum_at(below, used - half) + cut_identity_at(below, used - half));
  }
  return sum;
}

}  // namespace

std::size_t Table::columns() const {
  if (std::holds_alternative<Range>(content)) return 1;
  if (std::holds_alternative<Clamp>(content)) return 2;
  return 1 + std::get<Explicit>(content).columns.size();
}

std::int64_t Table::entry(std::size_t index, std::size_t column) const {
  const std::int64_t v = first + static_cast<std::int64_t>(index);
  if (column == 0) return v;
  if (const auto* clamp = std::get_if<Clamp>(&content)) return std::min(std::max(v, clamp->low), clamp->high);
  return std::get<Explicit>(content).columns[column - 1][index];
}

Fr Table::column_at(std::span<const Fr> z, std::size_t column) const {
  // The identity on [begin, end) of the table.
  auto identity = [&](std::size_t begin, std::size_t end) {
    return Fr::from_i64(first) * (poly::cut_sum_at(z, end) - poly::cut_sum_at(z, begin)) + cut_identity_at(z, end) -
           cut_identity_at(z, begin);
  };
  if (column == 0) return identity(0, size);
  if (const auto* clamp = std::get_if<Clamp>(&content)) {
    const auto clip = [&](std::int64_t v) {
      return static_cast<std::size_t>(std::clamp<std::int64_t>(v - first, 0, static_cast<std::int64_t>(size)));
    };
    const std::size_t begin = clip(clamp->low), end = std::max(begin, clip(clamp->high));
    return Fr::from_i64(clamp->low) * poly::cut_sum_at(z, begin) + identity(begin, end) +
           Fr::from_i64(clamp->high) * (poly::cut_sum_at(z, size) - poly::cut_sum_at(z, end));
  }
  const auto& values = std::get<Explicit>(content).columns[column - 1];
  field::FrVector eq = poly::eq_table(z);
  eq.truncate(values.size());
  return field::dot(eq, std::span<const std::int32_t>(values));
}

}  // namespace blindproof::proof::lookup
