// ONNX and calibration data to a `.bpm` file.
#pragma once

#include <string>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"
#include "blindproof/engine/model_summary.h"

namespace blindproof::engine {

struct CompileOptions {
  model::Arithmetic arithmetic = model::Arithmetic::kRescaled;
  int weight_bits = 8;
  int activation_bits = 8;
  bool per_channel = true;
  double max_accuracy_loss = 0.5;  // percentage points
};

struct CompileOutcome {
  ModelSummary summary;
  std::size_t samples = 0;
  bool labelled = false;        // without labels, accuracies count the float model's answer as right
  double float_accuracy = 0;    // percent
  double integer_accuracy = 0;  // percent
  double agreement = 0;         // percent of samples with the float model's answer
  double output_error = 0;      // relative, root mean square
  std::string clipping;
  std::size_t file_bytes = 0;
  double seconds = 0;
};

/// Reads both files, quantises, and writes `out` with a fresh blinding seed.
base::Result<CompileOutcome> compile_model(const Path& onnx, const Path& calibration, const Path& out,
                                           const CompileOptions& options, const base::Progress& progress = {});

}  // namespace blindproof::engine
