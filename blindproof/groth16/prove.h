// Groth16's prover. Groth, ePrint 2016/260.
#pragma once

#include "blindproof/base/progress.h"
#include "blindproof/groth16/zkey.h"

namespace blindproof::groth16 {

/// Zero-knowledge by two fresh random scalars. The key is read section by section.
/// Errors: kMismatch for a witness of another circuit's length, or one whose first value isn't 1; kInvalidArgument for one that doesn't satisfy the constraints (or a
/// damaged key): the proof is verified before it is given away; those of reading the key.
base::Result<Proof> prove(const Zkey& key, std::span<const Fr> witness, const base::Progress& progress = {});

}  // namespace blindproof::groth16
