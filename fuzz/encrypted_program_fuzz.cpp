// A program with encrypted weights from anywhere. Its checksums are made to fit: what is fuzzed is the length of the table, the table without its
// checksum, the ciphertexts.
#include <algorithm>
#include <cstring>

#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/mapped.h"
#include "blindproof/fheml/encrypted_executor.h"
#include "expect.h"
#include "fhe_contexts.h"

using namespace blindproof;
using namespace blindproof::fhe;

namespace {

// What any program may ask for.
struct Client {
  ckks::ContextPtr context = fuzz::tiny_program_context();
  crypto::Csprng random{std::array<std::uint8_t, 32>{1}};
  rlwe::SecretKey secret = ckks::generate_secret_key(*context, random);
  rlwe::KeySwitchKey relinearization = ckks::generate_relinearization_key(*context, secret, context->top_level(), random);
  rlwe::GaloisKeys rotations;
  std::optional<ckks::Ciphertext> input;

  Client() {
    std::vector<std::int64_t> steps;
    for (std::size_t step = 1; step < context->slots(); ++step) steps.push_back(static_cast<std::int64_t>(step));
    rotations = ckks::generate_rotation_keys(*context, secret, context->top_level(), steps, false, random);
    const std::vector<double> ones(context->slots(), 1);
    input = ckks::encrypt(secret, *ckks::Encoder(context).encode(ones, context->top_level()), random);
  }
};

// The client's spec within the table has a checksum of its own.
void mend_spec(base::Bytes& table) {
  constexpr std::size_t kLengthAt = 4 + 2 + 16, kSpecAt = kLengthAt + 8;
  if (table.size() < kSpecAt) return;
  std::uint64_t length = 0;
  std::memcpy(&length, table.data() + kLengthAt, 8);
  if (length < formats::kChecksumBytes || length > table.size() - kSpecAt) return;
  const std::size_t content = static_cast<std::size_t>(length) - formats::kChecksumBytes;
  std::ranges::copy(crypto::sha256(base::ByteSpan(table).subspan(kSpecAt, content)), table.begin() + static_cast<std::ptrdiff_t>(kSpecAt + content));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Client client;
  if (size < 4) return 0;
  std::uint32_t table_bytes = 0;
  std::memcpy(&table_bytes, data, 4);
  const base::ByteSpan all(data + 4, size - 4);
  if (table_bytes > all.size()) return 0;
  base::Bytes table(all.begin(), all.begin() + table_bytes);
  mend_spec(table);
  base::ByteWriter writer;
  writer.raw(table);
  base::Bytes bytes = formats::with_checksum(std::move(writer));
  bytes.resize(formats::mapped_position(bytes.size()));
  bytes.insert(bytes.end(), all.begin() + table_bytes, all.end());
  const auto file = fheml::EncryptedProgramFile::parse(bytes);
  if (!file.ok()) return 0;
  const auto executor = fheml::EncryptedExecutor::create(*file, client.context);
  if (!executor.ok()) return 0;
  const auto output = executor->run(*client.input, &client.relinearization, client.rotations);
  if (output.ok()) FUZZ_EXPECT(output->level() == file->program().client.output_level);
  return 0;
}
