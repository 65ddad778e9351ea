// Arrays of reals as a model's inputs, and integers as its outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/engine/files.h"
#include "blindproof/model/shape.h"

namespace blindproof::engine {

struct Samples {
  std::vector<std::vector<float>> x;
  std::vector<std::uint32_t> labels;  // `y` of an .npz file; empty if there is none
  bool batched = false;               // whether the file has a dimension for samples
};

/// A `.npy` file, or `x` (and `y`) of an `.npz` file; which of them is seen from the content. An array holds one sample
/// of that shape or, with a dimension in front, several. Dimensions of 1 may be missing or added, and a sample may be
/// flat.
/// Errors: those of arrays; kInvalidArgument for another shape, labels that don't fit, or an empty file.
base::Result<Samples> read_samples(const Path& path, const model::Shape& shape);

/// One of them, with its label. Errors: kInvalidArgument if there is no such one.
base::Result<Samples> take_sample(Samples samples, std::size_t index);

/// The sample to prove. Errors: kInvalidArgument if there are several and `index` doesn't say which, or is too large.
base::Result<std::vector<float>> read_sample(const Path& path, const model::Shape& shape,
                                             std::optional<std::size_t> index);

/// An image to look at, whatever model it is for.
struct Image {
  std::vector<float> pixels;  // [height, width]
  std::size_t height = 0, width = 0;
  std::optional<std::uint32_t> label;
};
/// Of an array [..., height, width], the image at that place among the leading dimensions.
base::Result<Image> read_image(const Path& path, std::size_t index);

/// Whole numbers: of an integer type, or as decimal text (how large ones are written).
/// Errors: kInvalidArgument for floats.
base::Result<std::vector<model::Int128>> read_integers(const Path& path);

/// int64, or decimal text if one doesn't fit. Returns the file's size.
base::Result<std::size_t> write_integers(const Path& path, const model::Shape& shape,
                                         const std::vector<model::Int128>& values, base::FileMode mode);
base::Result<std::size_t> write_reals(const Path& path, const model::Shape& shape, const std::vector<double>& values,
                                      base::FileMode mode);

}  // namespace blindproof::engine
