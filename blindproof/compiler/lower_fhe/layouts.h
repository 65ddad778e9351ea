// Where results of affine steps go: the layout with the cheapest matrices.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/fheml/program.h"

namespace blindproof::compiler {

/// The pixels of an image tensor [C, H, W] on the grid of the network's input: pixel (y, x) stands at (y * step_y, x * step_x). Channels have
/// blocks of slots, a grid each; with steps above 1 several channels share a block.
struct Grid {
  std::size_t width = 0;  // of the input image
  std::size_t block = 0;  // power of two
  std::size_t step_y = 1, step_x = 1;
};

/// Pieces of a tensor that have ciphertexts of their own: channels of an image, or elements.
struct Part {
  std::size_t first, count;  // elements
  model::Shape shape;
};
/// Pieces with periods up to `most` slots (a power of two), as few and as even as that allows. On a grid, images of the given block.
std::vector<Part> split(const model::Shape& shape, const std::optional<Grid>& grid, std::size_t most);

/// Periods up to `slots`; nothing if the tensor doesn't fit.
std::optional<fheml::Layout> grid_layout(const model::Shape& shape, const Grid& grid, bool share_blocks, std::size_t slots);
/// Elements one after the other.
std::optional<fheml::Layout> row_layout(std::size_t elements, std::size_t slots);

/// Rough time of a matrix between two layouts, in units of a rotation.
double cost_of(const fheml::SparseMatrix& matrix, const fheml::Layout& in, const fheml::Layout& out, std::size_t slots);

/// `in` with its copies turned as suits matrices to `out`; the same where there is nothing to gain.
fheml::Layout turned(const fheml::Layout& in, const fheml::Layout& out, std::size_t slots);

}  // namespace blindproof::compiler
