// Where the elements of a tensor sit among the slots of a ciphertext.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/model/shape.h"

namespace blindproof::fheml {

/// Slot k*block + s (s < block) holds what belongs to position (s + k*shift) mod period: the content repeats with the period,
/// and copies in later blocks may be turned, so that one product with a plaintext serves several diagonals of a matrix.
/// period, block and the number of slots are powers of two, period <= block <= slots. Slots of no element hold anything.
struct Layout {
  std::size_t period = 1, block = 1, shift = 0;
  std::vector<std::uint32_t> positions;  // of elements, all different, below period

  std::size_t position_in(std::size_t slot) const noexcept { return (slot + slot / block * shift) & (period - 1); }

  friend bool operator==(const Layout&, const Layout&) = default;
};

/// Unturned copies.
Layout periodic_layout(std::size_t period, std::vector<std::uint32_t> positions);

/// Elements one after the other: how tensors are numbered where each element has a ciphertext of its own.   Requires: elements > 0.
Layout layout_in_order(std::size_t elements);

/// All slots; those of no element are 0.   Requires: a value for each position.
std::vector<double> spread(const Layout& layout, std::span<const double> values, std::size_t slots);
std::vector<double> gather(const Layout& layout, std::span<const double> slots);

void write_shape(base::ByteWriter& writer, const model::Shape& shape);
/// Fails (reader.status()) for a shape without elements, or with more than model::kMaxElements.
model::Shape read_shape(base::ByteReader& reader);

void write_layout(base::ByteWriter& writer, const Layout& layout);
/// Fails (reader.status()) unless it is a layout of `elements` elements in `slots` slots.
Layout read_layout(base::ByteReader& reader, std::size_t elements, std::size_t slots);

}  // namespace blindproof::fheml
