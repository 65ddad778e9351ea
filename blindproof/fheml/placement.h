// Where a matrix' entries stand among the diagonals of slots: affine.h has the rule.
#pragma once

#include <algorithm>

#include "blindproof/fheml/layout.h"

namespace blindproof::fheml {

/// Calls place(row, diagonal, slot, value) for all entries of a matrix in compressed rows.   Requires: SlotMatrix::fits(in, out, slots).
template <class Matrix, class Place>
void for_each_placement(const Matrix& matrix, const Layout& in, const Layout& out, std::size_t slots, Place&& place) {
  const std::size_t p = in.period, d_period = out.period, inner = std::min(p, d_period), block = std::max(p, d_period);
  const std::size_t copies = slots / block;
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::uint64_t k = matrix.begins[row]; k < matrix.begins[row + 1]; ++k) {
      const std::size_t from = in.positions[matrix.column[k]], to = out.positions[row];
      const auto value = matrix.value[k];
      if (out.shift > 0) {
        for (std::size_t copy = 0; copy < copies; ++copy) {  // of blocks that are a multiple of the period long
          const std::size_t slot = copy * p + ((to - copy * p / out.block * out.shift) & (p - 1));
          place(row, (from - slot) & (p - 1), slot, value);
        }
        continue;
      }
      const std::size_t d = (from - to) & (inner - 1);
      // Within a block: the slot whose rotation by d holds `from`, and that the fold adds to `to`.
      const std::size_t slot = d_period < p ? (from - d) & (p - 1) : to;
      if (in.shift == 0) {
        place(row, d, slot, value);
        continue;
      }
      const std::size_t step = d % in.shift, turned = d / in.shift;
      const std::size_t copy = slot + step < block ? turned : (turned + copies - 1) % copies;
      place(row, step, copy * block + slot, value);
    }
  }
}

}  // namespace blindproof::fheml
