#include "blindproof/fhe/formats/secret_key_file.h"

#include <algorithm>
#include <string>

#include "blindproof/fhe/formats/ternary.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::string_view kPlace = "secret key";
constexpr std::uint8_t kOpen = 0, kUnderPassphrase = 1;

struct Stored {
  Header header;
  std::uint8_t protection;
  base::ByteSpan content, associated;
};

base::Result<Stored> read(base::ByteSpan bytes, Contexts& contexts) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, checked(bytes, kPlace));
  base::ByteReader reader(body, kPlace);
  BLINDPROOF_ASSIGN(Header header, read_header(reader, Kind::kSecretKey, contexts));
  const std::uint8_t protection = reader.u8();
  if (protection > kUnderPassphrase) reader.fail("this kind of protection isn't known");
  const base::ByteSpan associated = body.first(reader.position());
  const base::ByteSpan content = reader.sized(body.size());
  BLINDPROOF_TRY(reader.finish());
  return Stored{std::move(header), protection, content, associated};
}

}  // namespace

base::Result<base::Bytes> write_secret_key(const Header& header, const rlwe::SecretKey& key,
                                           const crypto::SecretBytes* passphrase, const secretbox::Cost& cost) {
  base::ByteWriter writer;
  writer.reserve(key.ring()->degree() + 2048);
  write_header(writer, Kind::kSecretKey, header);
  writer.u8(passphrase != nullptr ? kUnderPassphrase : kOpen);
  const crypto::SecretBytes content = join_trits(key.ternary().expose());
  if (passphrase != nullptr) {
    BLINDPROOF_ASSIGN(const base::Bytes sealed, secretbox::seal(*passphrase, content.expose(), writer.bytes(), cost));
    writer.sized(sealed);
  } else {
    writer.sized(content.expose());
  }
  return with_checksum(std::move(writer));
}

base::Result<SecretKeyFile> parse_secret_key(base::ByteSpan bytes, Contexts& contexts, const AskPassphrase& ask) {
  BLINDPROOF_ASSIGN(Stored stored, read(bytes, contexts));
  crypto::SecretBytes content;
  if (stored.protection == kUnderPassphrase) {
    BLINDPROOF_ASSIGN(const crypto::SecretBytes passphrase, ask());
    BLINDPROOF_ASSIGN(content, secretbox::open(passphrase, stored.content, stored.associated));
  } else {
    content = crypto::SecretBytes::copy_of(stored.content);
  }
  const rlwe::RingPtr& ring = ring_of(stored.header.context);
  BLINDPROOF_ASSIGN(crypto::SecretBytes ternary, split_trits(ring->degree(), content));
  BLINDPROOF_ASSIGN(rlwe::SecretKey key, rlwe::SecretKey::from_coefficients(ring, std::move(ternary)));
  return SecretKeyFile{std::move(stored.header), std::move(key)};
}

base::Result<SecretKeySummary> inspect_secret_key(base::ByteSpan bytes, Contexts& contexts) {
  BLINDPROOF_ASSIGN(Stored stored, read(bytes, contexts));
  return SecretKeySummary{std::move(stored.header), stored.protection == kUnderPassphrase};
}

}  // namespace blindproof::fhe::formats
