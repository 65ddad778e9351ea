// Windows of convolutions and pools as ONNX describes them.
#pragma once

#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/onnx/graph_builder.h"

namespace blindproof::onnx {

/// An image [C,H,W], or a signal [C,L] seen as [C,1,L].
struct Image {
  Computed value;
  bool is_signal;
  std::size_t dimensions() const { return is_signal ? 1 : 2; }
};

/// Errors: kUnsupported for other ranks.
base::Result<Image> as_image(NodeContext& node, Computed x);

/// The output of an operator on an image: [C,1,L] back to [C,L] for a signal.
Computed from_image(NodeContext& node, Computed y, const Image& image);

/// Reads strides, pads, dilations, auto_pad and ceil_mode. `kernel` has one size for each dimension of the image.
base::Result<model::Window2d> read_window(NodeContext& node, const Image& image,
                                          const std::vector<std::size_t>& kernel);

/// [channels, H', W']. Errors: kMalformed if the window doesn't fit.
base::Result<model::Shape> windowed_shape(NodeContext& node, const Image& image, const model::Window2d& window,
                                          std::size_t channels);

}  // namespace blindproof::onnx
