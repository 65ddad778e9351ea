// The `.bpm` file: a compiled model as its owner keeps it. Secret: it holds the weights and the blinding seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "blindproof/base/bytes.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::model {

struct ModelFile {
  IntegerGraph graph;
  std::array<std::uint8_t, 32> blinding_seed;  // fresh for each compile; determines the commitment's blinds
  std::optional<FloatGraph> float_graph;       // what the integer graph was made from, for approximate evaluation
};

/// Canonical bytes, specified in docs/spec/model-file.md.  Requires: valid graphs.
base::Bytes write_model_file(const ModelFile& file);

/// Errors: kMalformed, kUnsupported (another version), kLimit; the graphs are validated.
base::Result<ModelFile> parse_model_file(base::ByteSpan bytes);

}  // namespace blindproof::model
