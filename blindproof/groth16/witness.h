// Values of all wires: circom's .wtns files. They are secrets of the prover.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::groth16 {

/// Errors: kIo; kMalformed; kUnsupported for other fields; kLimit beyond 2^24 values.
base::Result<std::vector<field::Fr>> read_witness(const std::filesystem::path& path);
base::Result<std::vector<field::Fr>> parse_witness(base::ByteSpan bytes, std::string name);
base::Bytes write_witness(std::span<const field::Fr> values);

}  // namespace blindproof::groth16
