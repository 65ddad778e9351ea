// What a file is, for people.
#pragma once

#include <nlohmann/json.hpp>

#include "blindproof/base/bytes.h"

namespace blindproof::capi {

/// "kind", "level", "bytes" and what is public of the file.
/// Errors: kUnsupported for secret or unknown files; those of the format.
base::Result<nlohmann::json> inspect(base::ByteSpan bytes);

}  // namespace blindproof::capi
