// Blobs whose bytes are encrypted content.
#pragma once

#include <filesystem>
#include <span>

#include "blindproof/envelope/content.h"
#include "blindproof/envelope/recipient_key.h"
#include "blindproof/service/store/blobs.h"

namespace blindproof::service::jobs {

struct SealedBlob {
  store::Blob blob;
  std::string key_envelope;
};

/// Under a fresh data key, for these recipients.
base::Result<SealedBlob> seal_bytes(const store::BlobFolder& blobs, base::ByteSpan plaintext, std::string_view context,
                                    std::span<const envelope::RecipientKey> recipients);
/// Under a data key that there is.
base::Result<store::Blob> seal_file(const store::BlobFolder& blobs, const std::filesystem::path& file, const envelope::Key256& data_key);
/// Errors: also kLimit.
base::Result<base::Bytes> open_bytes(const store::BlobFolder& blobs, const std::string& digest, const envelope::Key256& data_key, std::size_t max_bytes);
/// To a file of mode 0600.
base::Status open_to_file(const store::BlobFolder& blobs, const std::string& digest, const envelope::Key256& data_key,
                          const std::filesystem::path& file);

}  // namespace blindproof::service::jobs
