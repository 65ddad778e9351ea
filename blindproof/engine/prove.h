// A proof that a committed model maps an input to an output.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct ProveRequest {
  Path model, model_key, input, proof;
  std::optional<std::size_t> index;  // which sample of the input, if it holds several
  std::optional<Path> output;        // where to write the outputs
  bool dequantize_output = false;    // as reals
  bool hide_input = false, hide_output = false;
  base::Bytes context;
};

struct ProveOutcome {
  zkml::ModelId model{};
  bool output_hidden = false;
  model::Shape output_shape, real_shape;
  std::vector<model::Int128> integers;       // empty if hidden: nobody prints them by accident
  std::vector<double> reals;                 // likewise
  std::optional<std::size_t> top_class;      // likewise
  std::optional<Path> opening;               // written if something is hidden
  std::size_t proof_bytes = 0, opening_bytes = 0;
  double load_seconds = 0;                   // reading and preparing model and key
  double prove_seconds = 0;                  // from the input in memory to the proof
  double check_seconds = 0;                  // verifying it before it leaves
};

/// Proves, verifies the proof itself, then writes the files.
/// Errors: kMismatch for another model's key; kRejected at "self-check"; those of files and inputs.
base::Result<ProveOutcome> prove(const ProveRequest& request, const base::Progress& progress = {});

/// "a/P.bpp" -> "a/P.open".
Path opening_path(const Path& proof);

}  // namespace blindproof::engine
