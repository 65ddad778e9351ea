// Keys, ciphertexts, programs and specs of the hybrid level from anywhere, over a small, insecure ring. The input is a file without its
// digest, which is added: otherwise nothing would get past that check.
#include <algorithm>

#include "blindproof/crypto/sha256.h"
#include "blindproof/hybrid/files.h"
#include "expect.h"

using namespace blindproof;

namespace {

constexpr std::size_t kKeyHeaderBytes = 4 + 2 + 1 + 8 + 16;

/// Of what comes before the values, in files that end with a tree digest.
std::size_t header_bytes(base::ByteSpan file, hybrid::FileKind kind) {
  if (kind == hybrid::FileKind::kPublicKey) return kKeyHeaderBytes + 32;
  const std::size_t content = kKeyHeaderBytes + 4 + 4;
  return content + 1 + (file.size() > content && file[content] == 0 ? 32 : 1);
}

base::Bytes sealed(base::ByteSpan file, hybrid::FileKind kind) {
  base::Bytes bytes(file.begin(), file.end());
  hybrid::Digest digest = crypto::sha256(file);
  if (kind == hybrid::FileKind::kPublicKey || kind == hybrid::FileKind::kCiphertexts) {
    const std::size_t header = std::min(header_bytes(file, kind), file.size());
    digest = hybrid::tree_digest(file.first(header), file.subspan(header));
  }
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  return bytes;
}

base::Result<crypto::SecretBytes> no_passphrase() { return base::error(base::ErrorCode::kInvalidArgument, "passphrase", "none"); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan input(data, size);
  static const fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create(6);
  (void)hybrid::parse_ciphertexts(*ring, input);
  const auto kind = hybrid::kind_of(input);
  if (!kind) return 0;
  const base::Bytes bytes = sealed(input, *kind);
  switch (*kind) {
    case hybrid::FileKind::kSecretKey:
      if (const auto file = hybrid::parse_secret_key(ring, bytes, no_passphrase); file.ok())
        FUZZ_EXPECT(*hybrid::write_secret_key(file->header, file->key, nullptr) == bytes);
      break;
    case hybrid::FileKind::kPublicKey:
      if (const auto file = hybrid::parse_public_key(*ring, bytes); file.ok()) FUZZ_EXPECT(hybrid::write_public_key(file->header, file->key) == bytes);
      break;
    case hybrid::FileKind::kCiphertexts:
      if (const auto file = hybrid::parse_ciphertexts(*ring, bytes); file.ok()) FUZZ_EXPECT(hybrid::write_ciphertexts(*file) == bytes);
      break;
    case hybrid::FileKind::kProgram:
      if (const auto file = hybrid::parse_program(bytes); file.ok()) FUZZ_EXPECT(hybrid::write_program(*file) == bytes);
      break;
    case hybrid::FileKind::kSpec:
      if (const auto spec = hybrid::parse_spec(bytes); spec.ok()) FUZZ_EXPECT(hybrid::write_spec(*spec) == bytes);
      break;
  }
  return 0;
}
