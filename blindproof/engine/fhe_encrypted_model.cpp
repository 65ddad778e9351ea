#include "blindproof/engine/fhe_encrypted_model.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

namespace formats = fhe::formats;

}  // namespace

bool is_encrypted_program(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, fheml::kEncryptedProgramMagic.size()> magic{};
  file.read(magic.data(), magic.size());
  return file.good() && std::ranges::equal(magic, fheml::kEncryptedProgramMagic);
}

base::Result<EncryptedModelSummary> read_encrypted_model(const Path& program, const Path& spec) {
  BLINDPROOF_ASSIGN(const fheml::EncryptedProgramFile file, in_file(program, fheml::EncryptedProgramFile::open(program, kMaxEncryptedProgramBytes)));
  const fheml::ClientSpec& client = file.program().client;
  BLINDPROOF_ASSIGN(const fhe::ckks::ContextPtr context, in_file(program, fhe::ckks::Context::create(client.parameters)));
  BLINDPROOF_TRY(base::write_file_atomic(spec, fheml::write_client_spec(client)));
  return EncryptedModelSummary{describe(context), file.program().key_id, client.input_shape, client.output_shape, file.ciphertexts()};
}

base::Result<EncryptModelOutcome> encrypt_model(const EncryptModelRequest& request, const base::Progress& progress) {
  BLINDPROOF_TRY(check_writable(request.out));
  progress.report("reading", 0, 0);
  BLINDPROOF_ASSIGN(const fheml::Program program, read_program(request.program));
  BLINDPROOF_ASSIGN(const fhe::ckks::ContextPtr context, in_file(request.program, fhe::ckks::Context::create(program.client.parameters)));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::PublicKeyFile key, read_public_key(request.public_key, contexts));
  const Stopwatch watch;
  crypto::Csprng random;
  BLINDPROOF_ASSIGN(const fheml::EncryptedProgramOutcome written,
                    in_file(request.program,
                            fheml::encrypt_program(program, context, key.header.key_id, key.key, request.out, random, progress)));
  return EncryptModelOutcome{describe(context), key.header.key_id, written.ciphertexts, written.file_bytes, watch.seconds()};
}

}  // namespace blindproof::engine
