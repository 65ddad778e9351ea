#include "blindproof/engine/hybrid_inference.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "blindproof/engine/hybrid_proof.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 33;

base::Error mismatch(const Path& path, std::string detail) { return base::error(ErrorCode::kMismatch, path.string(), std::move(detail)); }

base::Status refuse_existing(const Path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  return base::error(ErrorCode::kInvalidArgument, path.string(), "exists: keys are never overwritten, choose another folder");
}

// Before the secret key is even read.
base::Status check_proof(const DecryptRecordsRequest& request, const hybrid::Spec& spec, const hybrid::CiphertextFile& output) {
  BLINDPROOF_ASSIGN(const AnswerVerdict verdict, verify_answer({*request.proof, request.model_key, request.keys / kPublicKeyName,
                                                                request.input_ciphertext, request.input, request.context}));
  const base::Status status = client_side::check_verdict(verdict, spec, output);
  if (status.ok()) return {};
  base::Error error = status.error();
  error.place = (error.place == "proof" ? *request.proof : error.place == "spec" ? request.spec : request.input).string();
  return error;
}

// A check of one file.
base::Status in_file(const Path& path, const base::Status& status) {
  if (status.ok()) return {};
  return engine::in_file(path, status.error());
}
using engine::in_file;

}  // namespace

bool is_hybrid_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  return file.good() && hybrid::kind_of(base::as_bytes({magic.data(), magic.size()})).has_value();
}

base::Result<hybrid::ProgramFile> read_hybrid_program(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxFileBytes));
  return in_file(path, hybrid::parse_program(bytes));
}
base::Result<hybrid::Spec> read_hybrid_spec(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxFileBytes));
  return in_file(path, hybrid::parse_spec(bytes));
}
base::Result<hybrid::SecretKeyFile> read_hybrid_secret_key(const frbgv::RingPtr& ring, const Path& folder, const hybrid::AskPassphrase& ask) {
  const Path path = folder / kSecretKeyName;
  BLINDPROOF_ASSIGN(base::Bytes bytes, base::read_file(path, kMaxSecretKeyBytes));
  base::Result<hybrid::SecretKeyFile> key = hybrid::parse_secret_key(ring, bytes, ask);
  crypto::wipe(bytes);
  return in_file(path, std::move(key));
}
base::Result<hybrid::PublicKeyFile> read_hybrid_public_key(const frbgv::Ring& ring, const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxPublicKeyBytes));
  return in_file(path, hybrid::parse_public_key(ring, bytes));
}
base::Result<hybrid::CiphertextFile> read_hybrid_ciphertexts(const frbgv::Ring& ring, const Path& path) {
  BLINDPROOF_ASSIGN(const base::MappedFile file, base::map_file(path, kMaxCiphertextFileBytes));
  return in_file(path, hybrid::parse_ciphertexts(ring, file.bytes));
}

base::Result<HybridFileSummary> inspect_hybrid_file(const Path& path) {
  BLINDPROOF_ASSIGN(const base::MappedFile mapped, base::map_file(path, SIZE_MAX));
  const std::optional<hybrid::FileKind> kind = hybrid::kind_of(mapped.bytes);
  const frbgv::RingPtr ring = frbgv::Ring::create();
  if (kind == hybrid::FileKind::kSecretKey) {
    BLINDPROOF_ASSIGN(const hybrid::SecretKeySummary key, in_file(path, hybrid::inspect_secret_key(*ring, mapped.bytes)));
    return HybridFileSummary{.kind = *kind, .header = key.header, .file_bytes = mapped.bytes.size(), .passphrase = key.passphrase};
  }
  if (kind == hybrid::FileKind::kPublicKey) {
    BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile key, in_file(path, hybrid::parse_public_key(*ring, mapped.bytes)));
    return HybridFileSummary{.kind = *kind, .header = key.header, .file_bytes = mapped.bytes.size(), .digest = key.digest};
  }
  if (kind == hybrid::FileKind::kCiphertexts) {
    BLINDPROOF_ASSIGN(const hybrid::CiphertextFile file, in_file(path, hybrid::parse_ciphertexts(*ring, mapped.bytes)));
    return HybridFileSummary{.kind = *kind, .header = file.header, .file_bytes = mapped.bytes.size(), .digest = file.digest,
                             .records = file.records, .ciphertexts = file.ciphertexts.size(), .components = file.ciphertexts[0].size()};
  }
  return base::error(ErrorCode::kInvalidArgument, path.string(), "holds no keys or ciphertexts");
}

base::Result<LowerHybridOutcome> lower_hybrid_model(const LowerHybridRequest& request) {
  const Stopwatch watch;
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_TRY(check_writable(request.spec));
  BLINDPROOF_ASSIGN(model::ModelFile file, read_model(request.model));
  BLINDPROOF_ASSIGN(hybrid::Program program, in_file(request.model, hybrid::Program::create(std::move(file.graph), request.evaluations)));
  const hybrid::Spec& spec = program.spec();
  BLINDPROOF_ASSIGN(const auto level, frbgv::security(frbgv::kLogDegree));
  LowerHybridOutcome outcome;
  outcome.parameters = spec.parameters();
  outcome.security_bits = fhe::rlwe::security_bits(level);
  outcome.features = spec.features();
  outcome.hidden = spec.network().second ? spec.network().first.outputs : 0;
  outcome.outputs = spec.outputs();
  outcome.max_records = frbgv::kDegree;
  outcome.input_bytes = spec.features() * frbgv::kDegree * field::Fr::kBytes;
  outcome.output_bytes = spec.outputs() * spec.network().components() * frbgv::kDegree * field::Fr::kBytes;
  BLINDPROOF_ASSIGN(outcome.spec_bytes, write_bytes(request.spec, hybrid::write_spec(spec), base::FileMode::kPublic));
  base::Bytes bytes = hybrid::write_program({std::move(program), file.blinding_seed});
  const auto written = write_bytes(request.out, bytes, base::FileMode::kSecret);
  crypto::wipe(bytes);
  BLINDPROOF_ASSIGN(outcome.program_bytes, written);
  outcome.seconds = watch.seconds();
  return outcome;
}

base::Result<HybridKeysOutcome> generate_hybrid_keys_for(const Path& spec_path, const Path& folder,
                                                         const std::optional<crypto::SecretBytes>& passphrase) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const hybrid::Spec spec, read_hybrid_spec(spec_path));
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return base::error(ErrorCode::kIo, folder.string(), "can't be made: " + failure.message());
  const Path secret_path = folder / kSecretKeyName, public_path = folder / kPublicKeyName;
  BLINDPROOF_TRY(refuse_existing(secret_path));
  BLINDPROOF_TRY(refuse_existing(public_path));

  BLINDPROOF_ASSIGN(client_side::HybridKeys keys, client_side::generate_hybrid_keys(spec, passphrase ? &*passphrase : nullptr));
  HybridKeysOutcome outcome{keys.header.t, keys.header.key_id, keys.secret.size(), keys.public_key.size(), 0};
  const base::Status kept = base::write_file_atomic(secret_path, keys.secret, base::FileMode::kSecret, base::Overwrite::kRefuse);
  crypto::wipe(keys.secret);
  BLINDPROOF_TRY(kept);
  if (const base::Status written = base::write_file_atomic(public_path, keys.public_key, base::FileMode::kPublic, base::Overwrite::kRefuse);
      !written.ok()) {
    std::filesystem::remove(secret_path, failure);
    return written.error();
  }
  outcome.seconds = watch.seconds();
  return outcome;
}

base::Result<EncryptRecordsOutcome> encrypt_hybrid_input(const EncryptRecordsRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const hybrid::Spec spec, read_hybrid_spec(request.spec));
  const model::Architecture& architecture = spec.architecture();
  std::vector<std::vector<float>> samples;
  if (request.index) {
    BLINDPROOF_ASSIGN(std::vector<float> sample, read_sample(request.input, architecture.shapes[architecture.input], request.index));
    samples.push_back(std::move(sample));
  } else {
    BLINDPROOF_ASSIGN(Samples read, read_samples(request.input, architecture.shapes[architecture.input]));
    samples = std::move(read.x);
  }
  const frbgv::RingPtr ring = frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const hybrid::SecretKeyFile key, read_hybrid_secret_key(ring, request.keys, request.ask_passphrase));
  BLINDPROOF_TRY(in_file(request.keys / kSecretKeyName, client_side::check_plaintext_modulus(key.header, spec)));
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const base::Bytes bytes, in_file(request.input, client_side::encrypt_hybrid(spec, key, samples)));
  EncryptRecordsOutcome outcome{samples.size(), spec.features(), bytes.size(), watch.seconds()};
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<HybridInferOutcome> infer_hybrid(const HybridInferRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  if (request.proof) BLINDPROOF_TRY(check_writable(*request.proof));
  const Stopwatch loading;
  BLINDPROOF_ASSIGN(const hybrid::ProgramFile program, read_hybrid_program(request.program));
  const hybrid::Spec& spec = program.program.spec();
  const frbgv::RingPtr ring = frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile key, read_hybrid_public_key(*ring, request.public_key));
  BLINDPROOF_TRY(in_file(request.public_key, client_side::check_plaintext_modulus(key.header, spec)));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile input, read_hybrid_ciphertexts(*ring, request.input));
  BLINDPROOF_TRY(in_file(request.input, client_side::check_inputs(input, spec)));
  if (input.header != key.header) return mismatch(request.input, "was encrypted under another key than the public one given");
  HybridInferOutcome outcome;
  outcome.parameters = spec.parameters();
  outcome.records = input.records;
  outcome.load_seconds = loading.seconds();
  const Stopwatch inferring;
  crypto::Csprng random;
  hybrid::Evaluation evaluation = hybrid::evaluate(program.program, *ring, {&key.key, input.ciphertexts, input.records}, random);
  outcome.infer_seconds = inferring.seconds();
  const hybrid::CiphertextFile output{input.header, input.records, std::nullopt, std::move(evaluation.outputs), {}};
  const base::Bytes bytes = hybrid::write_ciphertexts(output);
  base::Bytes proof;
  if (request.proof) {
    ProveAnswerRequest prove{ring.get(), &program, &key, &input, &evaluation, output.ciphertexts, {}, request.model_key, request.context};
    std::copy(bytes.end() - static_cast<std::ptrdiff_t>(prove.output_digest.size()), bytes.end(), prove.output_digest.begin());
    BLINDPROOF_ASSIGN(const ProveAnswerOutcome proven, prove_answer(prove));
    outcome.model = proven.model;
    outcome.prove_seconds = proven.prove_seconds;
    outcome.check_seconds = proven.check_seconds;
    proof = hybrid::write_hybrid_proof(proven.proof);
  }
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  if (request.proof) {
    BLINDPROOF_ASSIGN(outcome.proof_bytes, write_bytes(*request.proof, proof, base::FileMode::kPublic));
  }
  return outcome;
}

base::Result<DecryptRecordsOutcome> decrypt_hybrid_output(const DecryptRecordsRequest& request) {
  if (!request.proof && !request.unverified)
    return base::error(ErrorCode::kRejected, request.input.string(),
                       "nothing proves this answer, and what you do with a forged one may tell the server about your key; --unverified decrypts it all the same");
  BLINDPROOF_ASSIGN(const hybrid::Spec spec, read_hybrid_spec(request.spec));
  const frbgv::RingPtr ring = frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile output, read_hybrid_ciphertexts(*ring, request.input));
  BLINDPROOF_TRY(in_file(request.input, client_side::check_outputs(output, spec)));
  if (request.proof) BLINDPROOF_TRY(check_proof(request, spec, output));
  BLINDPROOF_ASSIGN(const hybrid::SecretKeyFile key, read_hybrid_secret_key(ring, request.keys, request.ask_passphrase));
  if (key.header != output.header) return mismatch(request.input, "is not under the secret key in " + request.keys.string());
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(client_side::HybridAnswers decrypted, in_file(request.input, client_side::decrypt_hybrid(spec, key, output)));
  client_side::Answers& answers = decrypted.answers;
  DecryptRecordsOutcome outcome;
  outcome.records = answers.samples;
  outcome.shape = std::move(answers.shape);
  outcome.values = std::move(answers.values);
  outcome.integers = std::move(answers.integers);
  outcome.classes = std::move(answers.classes);
  outcome.phase_bits = decrypted.phase_bits;
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_reals(request.out, outcome.shape, outcome.values, base::FileMode::kSecret));
  return outcome;
}

}  // namespace blindproof::engine
