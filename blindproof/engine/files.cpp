#include "blindproof/engine/files.h"

#include <unistd.h>

#include <system_error>
#include <utility>

#include "blindproof/crypto/secret.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

enum class Content { kPublic, kSecret };

template <class T>
base::Result<T> read(const Path& path, std::size_t max_size, base::Result<T> (*parse)(base::ByteSpan),
                     Content content) {
  BLINDPROOF_ASSIGN(base::Bytes bytes, base::read_file(path, max_size));
  base::Result<T> parsed = parse(bytes);
  if (content == Content::kSecret) crypto::wipe(bytes);
  return in_file(path, std::move(parsed));
}

base::Result<std::size_t> write_secret(const Path& path, base::Bytes bytes) {
  base::Result<std::size_t> written = write_bytes(path, bytes, base::FileMode::kSecret);
  crypto::wipe(bytes);
  return written;
}

}  // namespace

base::Error in_file(const Path& path, base::Error error) {
  error.place = error.place.empty() ? path.string() : path.string() + ": " + error.place;
  return error;
}

base::Result<model::ModelFile> read_model(const Path& path) {
  return read(path, kMaxModelBytes, model::parse_model_file, Content::kSecret);
}

base::Result<zkml::ModelKey> read_model_key(const Path& path) {
  return read(path, kMaxModelKeyBytes, zkml::parse_model_key, Content::kPublic);
}

base::Result<zkml::InferenceProof> read_proof(const Path& path) {
  return read(path, kMaxProofBytes, zkml::parse_inference_proof, Content::kPublic);
}

base::Result<zkml::Opening> read_opening(const Path& path) {
  return read(path, kMaxOpeningBytes, zkml::parse_opening, Content::kSecret);
}

base::Result<std::size_t> write_model(const Path& path, const model::ModelFile& file) {
  return write_secret(path, model::write_model_file(file));
}

base::Result<std::size_t> write_model_key(const Path& path, const zkml::ModelKey& key) {
  return write_bytes(path, zkml::write_model_key(key), base::FileMode::kPublic);
}

base::Result<std::size_t> write_proof(const Path& path, const zkml::InferenceProof& proof) {
  return write_bytes(path, zkml::write_inference_proof(proof), base::FileMode::kPublic);
}

base::Result<std::size_t> write_opening(const Path& path, const zkml::Opening& opening) {
  return write_secret(path, zkml::write_opening(opening));
}

base::Result<std::size_t> write_bytes(const Path& path, base::ByteSpan bytes, base::FileMode mode) {
  BLINDPROOF_TRY(base::write_file_atomic(path, bytes, mode));
  return bytes.size();
}

base::Status check_writable(const Path& path) {
  std::error_code ignored;
  const Path folder = path.has_parent_path() ? path.parent_path() : Path(".");
  if (!path.has_filename() || std::filesystem::is_directory(path, ignored))
    return base::error(ErrorCode::kInvalidArgument, path.string(), "is a folder; give the name of a file");
  if (!std::filesystem::is_directory(folder, ignored))
    return base::error(ErrorCode::kInvalidArgument, path.string(), "can't be written: its folder doesn't exist");
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return base::error(ErrorCode::kInvalidArgument, path.string(), "can't be written: no permission for its folder");
  return {};
}

}  // namespace blindproof::engine
