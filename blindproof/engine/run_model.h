// The plain interpreters on a `.bpm` file: what a proof would be about, and the float network behind it.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/client_side/answers.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct RunRequest {
  Path model, input;
  std::optional<std::size_t> index;  // one sample of several
  bool use_float_graph = false;
};

struct RunOutcome {
  bool batched = false;
  model::Shape output_shape, real_shape;             // of one sample; an arg-max drops the last axis of the reals
  std::vector<std::vector<model::Int128>> integers;  // by sample; empty for the float graph
  std::vector<std::vector<double>> reals;            // by sample: dequantised and finished, or the float graph's
  std::vector<std::size_t> classes;                  // by sample; empty if an output isn't one row of scores
  std::optional<double> accuracy;                    // percent, if the file has labels and there are classes
  double seconds = 0;                                // of all samples together, files not counted
};

base::Result<RunOutcome> run_model(const RunRequest& request, const base::Progress& progress = {});

using client_side::real_output_shape;
using client_side::top_class;

}  // namespace blindproof::engine
