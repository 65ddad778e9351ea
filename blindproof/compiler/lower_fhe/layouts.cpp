#include "blindproof/compiler/lower_fhe/layouts.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "blindproof/compiler/lower_fhe/cost.h"

namespace blindproof::compiler {
namespace {

// Measured at N = 2^14: a diagonal is a product with a plaintext; baby steps share their decomposition, giant steps and folds have their own.
constexpr double kDiagonal = 0.04, kBabyStep = 0.4, kGiantStep = 0.9, kFold = 1.0;

}  // namespace

std::vector<Part> split(const model::Shape& shape, const std::optional<Grid>& grid, std::size_t most) {
  const std::size_t elements = model::element_count(shape);
  if (std::bit_ceil(elements) <= most) return {{0, elements, shape}};
  // Whole channels if one fits, by itself or on the grid.
  const std::size_t area = shape.size() == 3 ? shape[1] * shape[2] : elements;
  const std::size_t block = grid && grid->block <= most ? std::max(grid->block, std::bit_ceil(area)) : std::bit_ceil(area);
  const bool by_channel = shape.size() == 3 && block <= most;
  const std::size_t unit = by_channel ? area : 1, units = elements / unit, fit = by_channel ? most / block : most;
  const std::size_t count = (units + fit - 1) / fit;
  std::vector<Part> parts;
  for (std::size_t k = 0, first = 0; k < count; ++k) {
    const std::size_t size = units / count + (k < units % count ? 1 : 0);
    parts.push_back({first * unit, size * unit, by_channel ? model::Shape{size, shape[1], shape[2]} : model::Shape{size}});
    first += size;
  }
  return parts;
}

std::optional<fheml::Layout> grid_layout(const model::Shape& shape, const Grid& grid, bool share_blocks, std::size_t slots) {
  if (shape.size() != 3 || grid.block == 0) return std::nullopt;
  const std::size_t shared = share_blocks ? grid.step_y * grid.step_x : 1;
  const std::size_t blocks = std::bit_ceil((shape[0] + shared - 1) / shared);
  if (blocks * grid.block > slots) return std::nullopt;
  std::vector<std::uint32_t> positions;
  for (std::size_t c = 0; c < shape[0]; ++c) {
    const std::size_t sub = c % shared;
    for (std::size_t y = 0; y < shape[1]; ++y) {
      for (std::size_t x = 0; x < shape[2]; ++x) {
        const std::size_t row = y * grid.step_y + sub / grid.step_x, column = x * grid.step_x + sub % grid.step_x;
        const std::size_t within = row * grid.width + column;
        if (column >= grid.width || within >= grid.block) return std::nullopt;
        positions.push_back(static_cast<std::uint32_t>(c / shared * grid.block + within));
      }
    }
  }
  return fheml::periodic_layout(blocks * grid.block, std::move(positions));
}

std::optional<fheml::Layout> row_layout(std::size_t elements, std::size_t slots) {
  const std::size_t period = std::bit_ceil(elements);
  if (period > slots) return std::nullopt;
  std::vector<std::uint32_t> positions(elements);
  std::iota(positions.begin(), positions.end(), 0u);
  return fheml::periodic_layout(period, std::move(positions));
}

double cost_of(const fheml::SparseMatrix& matrix, const fheml::Layout& in, const fheml::Layout& out, std::size_t slots) {
  const MatrixCounts counts = counts_of(matrix, in, out, slots);
  return kDiagonal * static_cast<double>(counts.diagonals) + kBabyStep * static_cast<double>(counts.baby_steps) +
         kGiantStep * static_cast<double>(counts.giant_steps) + kFold * static_cast<double>(counts.folds);
}

fheml::Layout turned(const fheml::Layout& in, const fheml::Layout& out, std::size_t slots) {
  const std::size_t block = std::max(in.period, out.period), inner = std::min(in.period, out.period), copies = slots / block;
  fheml::Layout result = in;
  if (copies > 1 && inner >= copies) {
    result.block = block;
    result.shift = inner / copies;
  }
  return result;
}

}  // namespace blindproof::compiler
