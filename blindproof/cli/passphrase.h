// Passphrases from a file or the keyboard. Never from the command line, which other users can see.
#pragma once

#include <filesystem>
#include <optional>

#include "blindproof/base/result.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::cli {

/// The file's first line, or what is typed (unseen; twice if `repeat`) where there is no file.
/// Errors: kIo; kInvalidArgument for an empty one, two that differ, or nobody at a terminal.
base::Result<crypto::SecretBytes> read_passphrase(const std::optional<std::filesystem::path>& file, bool repeat);

}  // namespace blindproof::cli
