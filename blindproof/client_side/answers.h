// Outputs as who asked for them sees them.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::client_side {

/// Index of the largest value of a row of two or more; nothing for another shape.
std::optional<std::size_t> top_class(const model::Shape& shape, const std::vector<model::Int128>& values);

/// The shape of dequantised outputs.
model::Shape real_output_shape(const model::Architecture& architecture);

/// Decrypted outputs, sample after sample.
struct Answers {
  model::Shape shape;                   // of the values; with the samples in front, for a batch
  std::size_t samples = 1;
  std::vector<double> values;           // dequantised and finished
  std::vector<model::Int128> integers;  // before that; none for CKKS
  std::vector<std::size_t> classes;     // one for each sample, where outputs are scores
};

/// What a proof was made for against what the verifier expects, which is no context if nothing is given.
/// Errors: kRejected at "statement.context".
base::Status check_context(const base::Bytes& proven, const std::optional<base::Bytes>& expected);

}  // namespace blindproof::client_side
