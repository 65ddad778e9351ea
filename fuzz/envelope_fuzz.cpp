#include <algorithm>

#include "blindproof/base/base64url.h"
#include "blindproof/envelope/content.h"
#include "blindproof/envelope/key_envelope.h"
#include "expect.h"

using namespace blindproof;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto decoded = base::from_base64url(text); decoded.ok()) FUZZ_EXPECT(base::to_base64url(*decoded) == text);
  if (const auto json = envelope::parse_json(text, envelope::kMaxKeyEnvelopeBytes); json.ok()) (void)envelope::parse_recipient_key(*json);
  // Nobody encrypts for this key.
  static const envelope::RecipientSecretKey key = envelope::RecipientSecretKey::generate();
  (void)envelope::recipients_of(text);
  FUZZ_EXPECT(!envelope::open_data_key(text, "context", key).ok());

  // Content that was altered in one byte, cut or prolonged is refused; all that comes out is a beginning of what went in.
  if (size < 4) return 0;
  const envelope::Key256 data_key = envelope::make_data_key();
  const base::ByteSpan plain = bytes.subspan(4);
  base::Bytes encrypted;
  envelope::ContentEncryptor encryptor(data_key, [&](base::ByteSpan part) -> base::Status {
    encrypted.insert(encrypted.end(), part.begin(), part.end());
    return {};
  }, envelope::kMinLogChunk);
  FUZZ_EXPECT(encryptor.write(plain).ok() && encryptor.finish().ok());
  const std::size_t place = (std::size_t{data[0]} << 8 | data[1]) % encrypted.size();
  bool altered = true;
  switch (data[2] % 4) {
    case 0: encrypted[place] ^= data[3]; altered = data[3] != 0; break;
    case 1: encrypted.resize(place); break;
    case 2: encrypted.insert(encrypted.end(), std::size_t{data[3]} + 1, data[1]); break;
    default: altered = false;
  }
  base::Bytes decrypted;
  envelope::ContentDecryptor decryptor(data_key, [&](base::ByteSpan part) -> base::Status {
    decrypted.insert(decrypted.end(), part.begin(), part.end());
    return {};
  });
  const bool good = decryptor.write(encrypted).ok() && decryptor.finish().ok();
  FUZZ_EXPECT(good != altered);
  FUZZ_EXPECT(decrypted.size() <= plain.size() && std::ranges::equal(decrypted, plain.first(decrypted.size())));
  FUZZ_EXPECT(altered || decrypted.size() == plain.size());
  return 0;
}
