#include "blindproof/fheml/layout.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "blindproof/base/check.h"

namespace blindproof::fheml {

Layout periodic_layout(std::size_t period, std::vector<std::uint32_t> positions) {
  return {period, period, 0, std::move(positions)};
}

Layout layout_in_order(std::size_t elements) {
  std::vector<std::uint32_t> positions(elements);
  std::iota(positions.begin(), positions.end(), 0u);
  return periodic_layout(std::bit_ceil(elements), std::move(positions));
}

std::vector<double> spread(const Layout& layout, std::span<const double> values, std::size_t slots) {
  BLINDPROOF_CHECK(values.size() == layout.positions.size(), "a value for each position");
  std::vector<double> content(layout.period), result(slots);
  for (std::size_t i = 0; i < values.size(); ++i) content[layout.positions[i]] = values[i];
  for (std::size_t slot = 0; slot < slots; ++slot) result[slot] = content[layout.position_in(slot)];
  return result;
}

std::vector<double> gather(const Layout& layout, std::span<const double> slots) {
  std::vector<double> values(layout.positions.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = slots[layout.positions[i]];
  return values;
}

void write_shape(base::ByteWriter& writer, const model::Shape& shape) {
  writer.u8(static_cast<std::uint8_t>(shape.size()));
  for (const std::size_t dimension : shape) writer.u32(static_cast<std::uint32_t>(dimension));
}

model::Shape read_shape(base::ByteReader& reader) {
  model::Shape shape(std::min<std::size_t>(reader.u8(), 255));
  if (shape.size() > model::kMaxDimensions) {
    reader.fail("a shape has too many dimensions");
    return {};
  }
  for (std::size_t& dimension : shape) dimension = reader.u32();
  if (reader.ok() && model::element_count(shape) == 0) reader.fail("a shape has no elements, or too many");
  return shape;
}

void write_layout(base::ByteWriter& writer, const Layout& layout) {
  writer.u32(static_cast<std::uint32_t>(layout.period));
  writer.u32(static_cast<std::uint32_t>(layout.block));
  writer.u32(static_cast<std::uint32_t>(layout.shift));
  for (const std::uint32_t position : layout.positions) writer.u32(position);
}

Layout read_layout(base::ByteReader& reader, std::size_t elements, std::size_t slots) {
  Layout layout;
  layout.period = reader.u32();
  layout.block = reader.u32();
  layout.shift = reader.u32();
  if (!std::has_single_bit(layout.period) || !std::has_single_bit(layout.block) || layout.period > layout.block ||
      layout.block > slots || layout.shift >= layout.period || elements > layout.period) {
    reader.fail("a layout doesn't fit its slots");
    return {};
  }
  const base::ByteSpan stored = reader.raw(4 * elements);
  if (!reader.ok()) return {};
  base::ByteReader positions(stored, "positions");
  std::vector<bool> taken(layout.period);
  for (std::size_t i = 0; i < elements; ++i) {
    const std::uint32_t position = positions.u32();
    if (position >= layout.period || taken[position]) {
      reader.fail("elements of a layout share a slot, or have none");
      return {};
    }
    taken[position] = true;
    layout.positions.push_back(position);
  }
  return layout;
}

}  // namespace blindproof::fheml
