// The `.bpm` file: a compiled model as its owner keeps it. Secret: it holds the weights and the blinding seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::model {

/// Least and greatest value of a tensor on the calibration samples.
struct FloatRange {
  float low = 0, high = 0;

  friend bool operator==(const FloatRange&, const FloatRange&) = default;
};

struct ModelFile {
  IntegerGraph graph;
  std::array<std::uint8_t, 32> blinding_seed;  // fresh for each compile; determines the commitment's blinds
  std::optional<FloatGraph> float_graph;       // what the integer graph was made from, for approximate evaluation
  std::vector<FloatRange> float_ranges = {};          // of its tensors; empty in files of version 1
};

/// Canonical bytes, specified in docs/spec/model-file.md: version 2 with ranges, otherwise 1.  Requires: valid graphs, a range for
/// each tensor of the float graph or none.
base::Bytes write_model_file(const ModelFile& file);

/// Errors: kMalformed, kUnsupported (another version), kLimit; the graphs are validated.
base::Result<ModelFile> parse_model_file(base::ByteSpan bytes);

}  // namespace blindproof::model
