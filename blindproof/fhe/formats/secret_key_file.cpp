#include "blindproof/fhe/formats/secret_key_file.h"

#include <algorithm>
#include <string>

#include "blindproof/fhe/rlwe/sampling.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::string_view kPlace = "secret key";
constexpr std::uint8_t kOpen = 0, kUnderPassphrase = 1;
constexpr std::uint8_t kTritRange = 243;
constexpr std::size_t kTritsPerByte = 5;

std::size_t content_bytes(std::size_t degree) { return (degree + kTritsPerByte - 1) / kTritsPerByte; }

// The inverse of rlwe::split_trits; trits beyond the last are 1, which stands for 0.   Timing: constant.
crypto::SecretBytes joined_trits(base::ByteSpan ternary) {
  crypto::SecretBytes content(content_bytes(ternary.size()));
  const std::size_t size = content.size();
  for (std::size_t i = 0; i < size; ++i) {
    unsigned byte = 0;
    for (std::size_t j = kTritsPerByte; j-- > 0;) {
      const std::size_t index = j * size + i;
      byte = 3 * byte + (index < ternary.size() ? (ternary[index] + 1u) & 0xff : 1u);
    }
    content.expose_mutable()[i] = static_cast<std::uint8_t>(byte);
  }
  return content;
}

base::Result<rlwe::SecretKey> from_content(const rlwe::RingPtr& ring, const crypto::SecretBytes& content) {
  unsigned bad = content.size() != content_bytes(ring->degree());
  for (const std::uint8_t byte : content.expose()) bad |= static_cast<unsigned>(byte >= kTritRange);
  if (bad != 0) return base::error(ErrorCode::kMalformed, std::string(kPlace), "the coefficients are not five to a byte");
  crypto::SecretBytes rest = content.clone(), trits(content.size() * kTritsPerByte);
  const std::span<std::uint8_t> bytes = trits.expose_mutable();
  rlwe::split_trits(rest.expose_mutable(), {reinterpret_cast<std::int8_t*>(bytes.data()), bytes.size()});
  for (const std::uint8_t trit : bytes.subspan(ring->degree())) bad |= trit;
  if (bad != 0) return base::error(ErrorCode::kMalformed, std::string(kPlace), "the coefficients beyond the last are not 0");
  return rlwe::SecretKey::from_coefficients(ring, crypto::SecretBytes::copy_of(bytes.first(ring->degree())));
}

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
  writer.reserve(content_bytes(key.ring()->degree()) + 2048);
  write_header(writer, Kind::kSecretKey, header);
  writer.u8(passphrase != nullptr ? kUnderPassphrase : kOpen);
  const crypto::SecretBytes content = joined_trits(key.ternary().expose());
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
  BLINDPROOF_ASSIGN(rlwe::SecretKey key, from_content(ring_of(stored.header.context), content));
  return SecretKeyFile{std::move(stored.header), std::move(key)};
}

base::Result<SecretKeySummary> inspect_secret_key(base::ByteSpan bytes, Contexts& contexts) {
  BLINDPROOF_ASSIGN(Stored stored, read(bytes, contexts));
  return SecretKeySummary{std::move(stored.header), stored.protection == kUnderPassphrase};
}

}  // namespace blindproof::fhe::formats
