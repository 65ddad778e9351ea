// Artifacts on disk. Errors begin with the file's name; secret files are readable by their owner alone.
#pragma once

#include <filesystem>
#include <utility>

#include "blindproof/base/file.h"
#include "blindproof/base/result.h"
#include "blindproof/model/model_file.h"
#include "blindproof/zkml/model_key.h"
#include "blindproof/zkml/prove.h"

namespace blindproof::engine {

using Path = std::filesystem::path;

inline constexpr std::size_t kMaxModelBytes = std::size_t{1} << 33;
inline constexpr std::size_t kMaxModelKeyBytes = std::size_t{1} << 32;
inline constexpr std::size_t kMaxProofBytes = std::size_t{1} << 30;
inline constexpr std::size_t kMaxOpeningBytes = std::size_t{1} << 30;

base::Result<model::ModelFile> read_model(const Path& path);
base::Result<zkml::ModelKey> read_model_key(const Path& path);
base::Result<zkml::InferenceProof> read_proof(const Path& path);
base::Result<zkml::Opening> read_opening(const Path& path);

// Each returns the file's size.
base::Result<std::size_t> write_model(const Path& path, const model::ModelFile& file);
base::Result<std::size_t> write_model_key(const Path& path, const zkml::ModelKey& key);
base::Result<std::size_t> write_proof(const Path& path, const zkml::InferenceProof& proof);
base::Result<std::size_t> write_opening(const Path& path, const zkml::Opening& opening);

/// Atomic, like all of the above.
base::Result<std::size_t> write_bytes(const Path& path, base::ByteSpan bytes, base::FileMode mode);

/// The same error with the file's name before its place.
base::Error in_file(const Path& path, base::Error error);
template <class T>
base::Result<T> in_file(const Path& path, base::Result<T> result) {
  if (!result.ok()) return in_file(path, std::move(result).error());
  return result;
}

/// Errors: kInvalidArgument if no file can be written there: better known before hours of work than after.
base::Status check_writable(const Path& path);

}  // namespace blindproof::engine
