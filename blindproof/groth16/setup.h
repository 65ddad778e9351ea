// Keys for a circuit from randomness of this machine: for development only.
#pragma once

#include <filesystem>

#include "blindproof/base/progress.h"
#include "blindproof/groth16/r1cs.h"
#include "blindproof/groth16/zkey.h"

namespace blindproof::groth16 {

/// Writes a key whose secrets one process has drawn and wiped: nobody else can know that it did. The file says so (Zkey::insecure()).
/// Errors: kInvalidArgument for a circuit without constraints; kIo.
base::Status setup_for_development(const R1cs& r1cs, const std::filesystem::path& path, const base::Progress& progress = {});

}  // namespace blindproof::groth16
