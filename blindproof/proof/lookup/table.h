// Public tables of tuples. The first column is always first, first+1, ...: its value finds the entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "blindproof/field/prime_field.h"

namespace blindproof::proof::lookup {

using field::Fr;

struct Table {
  std::uint32_t id = 0;      // unique in a proof, not 0
  std::int64_t first = 0;
  std::size_t size = 0;      // 1..2^17

  struct Range {};           // tuples (v)
  struct Clamp {             // tuples (v, min(max(v, low), high))
    std::int64_t low, high;
  };
  struct Explicit {          // tuples (v, columns[0][v-first], columns[1][v-first], ...)
    std::vector<std::vector<std::int32_t>> columns;
  };
  std::variant<Range, Clamp, Explicit> content;

  std::size_t columns() const;
  /// Entry `index` of column `column`.
  std::int64_t entry(std::size_t index, std::size_t column) const;
  /// sum_{i < size} eq(z,i) entry(i, column). Logarithmic for ranges and clamps.  Requires: 2^z.size() >= size.
  Fr column_at(std::span<const Fr> z, std::size_t column) const;
};

}  // namespace blindproof::proof::lookup
