// Networks to measure: real ones on real digits, and seeded ones of sizes that the field compares.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct Workload {
  model::IntegerGraph graph;
  std::vector<std::vector<float>> inputs;  // at least one
};

/// "mnist-mlp", "lenet5", "mlp-2m", "mlp-10m".
std::vector<std::string> workload_names();

/// Compiles the network. `models` is the folder with the real ones; empty: the source tree's.
/// Errors: kInvalidArgument for an unknown name; those of compiling.
base::Result<Workload> make_workload(std::string_view name, const Path& models);

}  // namespace blindproof::engine
