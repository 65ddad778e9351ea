#include "blindproof/chain/key_file.h"

#include "blindproof/base/file.h"

namespace blindproof::chain {

base::Result<crypto::SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t max_bytes) {
  using std::filesystem::perms;
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!failure && std::filesystem::is_regular_file(status) &&
      (status.permissions() & (perms::group_all | perms::others_all)) != perms::none) {
    return base::error(base::ErrorCode::kInvalidArgument, path.string(), "others may read this secret key; run chmod 600 on it");
  }
  BLINDPROOF_ASSIGN(base::Bytes bytes, base::read_file(path, max_bytes));
  crypto::SecretBytes secret = crypto::SecretBytes::copy_of(bytes);
  crypto::wipe(bytes);
  return secret;
}

}  // namespace blindproof::chain
