// Secret keys on disk: readable by their owner alone.
#pragma once

#include <filesystem>

#include "blindproof/base/result.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::chain {

/// Errors: those of base::read_file; kInvalidArgument if others than the owner may read or write the file.
base::Result<crypto::SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace blindproof::chain
