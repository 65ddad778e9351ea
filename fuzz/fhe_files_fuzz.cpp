// A file of keys or ciphertexts from anywhere. Its checksum is made to fit, since whoever means harm would do that too.
#include <algorithm>

#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/public_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "expect.h"
#include "fhe_contexts.h"

using namespace blindproof;
using namespace blindproof::fhe;

namespace {

bool same(const base::Bytes& a, const base::Bytes& b) { return std::ranges::equal(a, b); }

void read_secret_key(const base::Bytes& bytes, formats::Contexts& contexts) {
  const auto no_passphrase = [] {
    return base::Result<crypto::SecretBytes>(base::error(base::ErrorCode::kInvalidArgument, "fuzzer", "no passphrase"));
  };
  const auto file = formats::parse_secret_key(bytes, contexts, no_passphrase);
  if (file.ok()) FUZZ_EXPECT(same(*formats::write_secret_key(file->header, file->key, nullptr), bytes));
}

void read_public_key(const base::Bytes& bytes, formats::Contexts& contexts) {
  const auto file = formats::parse_public_key(bytes, contexts);
  if (file.ok()) FUZZ_EXPECT(same(formats::write_public_key(file->header, file->key), bytes));
}

// What was read may be computed with: no crash, whatever it decrypts to.
void read_ciphertexts(const base::Bytes& bytes, formats::Contexts& contexts) {
  const auto file = formats::parse_ciphertexts(bytes, contexts);
  if (!file.ok()) return;
  FUZZ_EXPECT(same(*formats::write_ciphertexts(*file), bytes));
  std::visit([](const auto& ciphertexts) { (void)add(ciphertexts.front(), ciphertexts.back()); }, file->ciphertexts);
}

// The table ends with a checksum of its own, somewhere before the keys.
void read_evaluation_keys(base::Bytes bytes, formats::Contexts& contexts) {
  for (const bool mended : {false, true}) {
    const auto file = formats::EvaluationKeyFile::parse(bytes, contexts);
    if (file.ok()) {
      (void)file->load_relinearization_key();
      (void)file->load_galois_keys();
      return;
    }
    if (!mended) fuzz::mend_table(bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static formats::Contexts contexts = fuzz::tiny_contexts();
  const auto kind = formats::kind_of({data, size});
  if (!kind.ok()) return 0;
  base::Bytes bytes(data, data + size);
  if (*kind == formats::Kind::kEvaluationKeys) {
    read_evaluation_keys(std::move(bytes), contexts);
    return 0;
  }
  if (size < formats::kChecksumBytes) return 0;
  bytes.resize(size - formats::kChecksumBytes);
  base::ByteWriter writer;
  writer.raw(bytes);
  bytes = formats::with_checksum(std::move(writer));
  switch (*kind) {
    case formats::Kind::kSecretKey: read_secret_key(bytes, contexts); break;
    case formats::Kind::kPublicKey: read_public_key(bytes, contexts); break;
    case formats::Kind::kCiphertexts: read_ciphertexts(bytes, contexts); break;
    case formats::Kind::kEvaluationKeys: break;
  }
  return 0;
}
