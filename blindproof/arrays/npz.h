// NumPy .npz files: zip archives of .npy files, stored or deflated.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "blindproof/arrays/npy.h"
#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"

namespace blindproof::arrays {

inline constexpr std::size_t kMaxNpzBytes = std::size_t{1} << 32;  // the archive, and all its arrays together

using ArrayMap = std::map<std::string, Array>;  // by name, without ".npy"

/// Errors: kMalformed (also for wrong checksums and duplicate names); kUnsupported for encryption, zip64, several
/// volumes, other compressions and entries that aren't .npy files; kLimit.
base::Result<ArrayMap> parse_npz(base::ByteSpan bytes, std::string_view place);
base::Result<ArrayMap> read_npz(const std::filesystem::path& path);

/// The array of that name. Errors: kInvalidArgument, listing the names there are.
base::Result<Array> take_array(ArrayMap& arrays, const std::string& name, std::string_view place);

}  // namespace blindproof::arrays
