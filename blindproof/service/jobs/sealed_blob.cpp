#include "blindproof/service/jobs/sealed_blob.h"

#include <limits>

#include "blindproof/base/file.h"
#include "blindproof/envelope/key_envelope.h"

namespace blindproof::service::jobs {

base::Result<SealedBlob> seal_bytes(const store::BlobFolder& blobs, base::ByteSpan plaintext, std::string_view context,
                                    std::span<const envelope::RecipientKey> recipients) {
  const envelope::Key256 data_key = envelope::make_data_key();
  BLINDPROOF_ASSIGN(std::string key_envelope, envelope::seal_data_key(data_key, context, recipients));
  BLINDPROOF_ASSIGN(store::BlobWriter writer, blobs.create());
  envelope::ContentEncryptor encryptor(data_key, [&](base::ByteSpan bytes) { return writer.write(bytes); });
  BLINDPROOF_TRY(encryptor.write(plaintext));
  BLINDPROOF_TRY(encryptor.finish());
  BLINDPROOF_ASSIGN(store::Blob blob, writer.finish());
  return SealedBlob{std::move(blob), std::move(key_envelope)};
}

base::Result<store::Blob> seal_file(const store::BlobFolder& blobs, const std::filesystem::path& file, const envelope::Key256& data_key) {
  BLINDPROOF_ASSIGN(store::BlobWriter writer, blobs.create());
  envelope::ContentEncryptor encryptor(data_key, [&](base::ByteSpan bytes) { return writer.write(bytes); });
  BLINDPROOF_TRY(envelope::read_pieces(file, std::numeric_limits<std::uint64_t>::max(), [&](base::ByteSpan bytes) { return encryptor.write(bytes); }));
  BLINDPROOF_TRY(encryptor.finish());
  return writer.finish();
}

base::Result<base::Bytes> open_bytes(const store::BlobFolder& blobs, const std::string& digest, const envelope::Key256& data_key, std::size_t max_bytes) {
  base::Bytes opened;
  envelope::ContentDecryptor decryptor(data_key, [&](base::ByteSpan bytes) -> base::Status {
    if (bytes.size() > max_bytes - opened.size()) return base::error(base::ErrorCode::kLimit, "stored content", "is too large");
    opened.insert(opened.end(), bytes.begin(), bytes.end());
    return {};
  });
  BLINDPROOF_TRY(blobs.read(digest, [&](base::ByteSpan bytes) { return decryptor.write(bytes); }));
  BLINDPROOF_TRY(decryptor.finish());
  return opened;
}

base::Status open_to_file(const store::BlobFolder& blobs, const std::string& digest, const envelope::Key256& data_key,
                          const std::filesystem::path& file) {
  BLINDPROOF_ASSIGN(base::AtomicFile out, base::AtomicFile::create(file, base::FileMode::kSecret));
  std::uint64_t written = 0;
  envelope::ContentDecryptor decryptor(data_key, [&](base::ByteSpan bytes) -> base::Status {
    BLINDPROOF_TRY(out.write_at(written, bytes));
    written += bytes.size();
    return {};
  });
  BLINDPROOF_TRY(blobs.read(digest, [&](base::ByteSpan bytes) { return decryptor.write(bytes); }));
  BLINDPROOF_TRY(decryptor.finish());
  return out.commit();
}

}  // namespace blindproof::service::jobs
