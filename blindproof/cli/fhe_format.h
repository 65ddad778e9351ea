// Parameters of homomorphic encryption and steps of programs, for people and as JSON.
#pragma once

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/compiler/lower_fhe/lower_fhe.h"
#include "blindproof/engine/fhe_keys.h"

namespace blindproof::cli {

/// log2 of a modulus, to the nearest bit.
std::string format_bits(double bits);
Json to_json(const engine::FheParameters& parameters);
void add_parameters(const engine::FheParameters& parameters, Sheet& sheet);

Json to_json(const std::vector<compiler::StepSummary>& steps);
std::string format_steps(const std::vector<compiler::StepSummary>& steps);

}  // namespace blindproof::cli
