// From the normalised float graph to an integer graph, in each of the two arithmetics.
#pragma once

#include <vector>

#include "blindproof/compiler/quantize/calibration.h"
#include "blindproof/compiler/quantize/normalise.h"
#include "blindproof/compiler/quantize/quantize.h"

namespace blindproof::compiler {

struct Lowered {
  model::IntegerGraph graph;  // valid
  std::vector<LayerSummary> layers;
};

/// Errors: kUnsupported, naming the node; kLimit.
base::Result<Lowered> lower_rescaled(const NormalisedGraph& normalised, const Calibration& calibration,
                                     const QuantizeOptions& options, Clipping clipping);
base::Result<Lowered> lower_exact(const NormalisedGraph& normalised, const Calibration& calibration,
                                  const QuantizeOptions& options);

}  // namespace blindproof::compiler
