#include "blindproof/client_side/hybrid.h"

#include <chrono>
#include <utility>

namespace blindproof::client_side {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

base::Error mismatch(std::string detail) { return base::error(ErrorCode::kMismatch, "", std::move(detail)); }

base::Status check(const AnswerEvidence& evidence, AnswerVerdict& verdict) {
  static_cast<void>(commit::Generators::standard());  // derived once per process, outside the times
  const Clock::time_point registration = Clock::now();
  BLINDPROOF_ASSIGN(const hybrid::BoundedModel model, check_bounded_model(evidence.model_key));
  verdict.registration_seconds = seconds_since(registration);
  BLINDPROOF_TRY(check_context(evidence.proof->statement.context, evidence.context));
  const hybrid::CiphertextFile& output = *evidence.output;
  const hybrid::Exchange exchange = exchange_of(*evidence.ring, *evidence.public_key, *evidence.input, output.ciphertexts, output.digest);
  if (output.records != exchange.records) {
    return base::error(ErrorCode::kRejected, "output",
                       "holds " + std::to_string(output.records) + " records, the input " + std::to_string(exchange.records));
  }
  const Clock::time_point start = Clock::now();
  BLINDPROOF_TRY(hybrid::verify_answer(model, *evidence.proof, exchange));
  verdict.proof_seconds = seconds_since(start);
  return {};
}

}  // namespace

base::Status check_plaintext_modulus(const hybrid::KeyHeader& header, const hybrid::Spec& spec) {
  if (header.t == spec.parameters().t) return {};
  return mismatch("is for another model: its plaintext modulus is " + std::to_string(header.t) + ", the model's is " +
                  std::to_string(spec.parameters().t));
}

base::Status check_inputs(const hybrid::CiphertextFile& file, const hybrid::Spec& spec) {
  BLINDPROOF_TRY(check_plaintext_modulus(file.header, spec));
  if (!file.seed) return mismatch("holds an output, not an encrypted input: encrypt with --spec");
  if (file.ciphertexts.size() != spec.features())
    return mismatch("has " + std::to_string(file.ciphertexts.size()) + " features, the model " + std::to_string(spec.features()));
  return {};
}

base::Status check_outputs(const hybrid::CiphertextFile& file, const hybrid::Spec& spec) {
  BLINDPROOF_TRY(check_plaintext_modulus(file.header, spec));
  if (file.seed) return mismatch("is an encrypted input, not an output of `infer`");
  if (file.ciphertexts.size() != spec.outputs() || file.ciphertexts[0].size() != spec.network().components())
    return mismatch("is no output of this model: another number of outputs or components");
  return {};
}

base::Result<HybridKeys> generate_hybrid_keys(const hybrid::Spec& spec, const crypto::SecretBytes* passphrase) {
  crypto::Csprng random;
  const frbgv::SecretKey secret = frbgv::SecretKey::generate(frbgv::Ring::create(), random);
  HybridKeys keys{{spec.parameters().t, hybrid::generate_key_id(random)}, {}, {}};
  BLINDPROOF_ASSIGN(keys.secret, hybrid::write_secret_key(keys.header, secret, passphrase));
  keys.public_key = hybrid::write_public_key(keys.header, frbgv::PublicKey::generate(secret, keys.header.t, random));
  return keys;
}

base::Result<base::Bytes> encrypt_hybrid(const hybrid::Spec& spec, const hybrid::SecretKeyFile& key,
                                         const std::vector<std::vector<float>>& records) {
  std::vector<std::int64_t> values;
  for (const std::vector<float>& record : records) {
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> integers, model::quantize_input(spec.architecture(), record));
    values.insert(values.end(), integers.begin(), integers.end());
  }
  crypto::Csprng random;
  hybrid::CiphertextFile file{key.header, records.size(), frbgv::Seed{}, {}, {}};
  random.fill(*file.seed);
  BLINDPROOF_ASSIGN(file.ciphertexts, hybrid::encrypt_records(spec, key.key, values, *file.seed, random));
  return hybrid::write_ciphertexts(file);
}

base::Result<hybrid::BoundedModel> check_bounded_model(std::shared_ptr<const zkml::ModelKey> key) {
  BLINDPROOF_ASSIGN(zkml::RegisteredModel registered, zkml::RegisteredModel::check(std::move(key)));
  return hybrid::BoundedModel::check(std::move(registered));
}

hybrid::Exchange exchange_of(const frbgv::Ring& ring, const hybrid::PublicKeyFile& key, const hybrid::CiphertextFile& input,
                             std::span<const hybrid::Ciphertext> outputs, const hybrid::Digest& output_digest) {
  return {&ring, &key.key, input.ciphertexts, outputs, input.records, key.digest, input.digest, output_digest};
}

AnswerVerdict verify_answer(const AnswerEvidence& evidence) {
  const hybrid::Statement& statement = evidence.proof->statement;
  AnswerVerdict verdict;
  verdict.key = evidence.model_key;
  verdict.output_digest = evidence.output->digest;
  verdict.records = evidence.input->records;
  verdict.features = evidence.input->ciphertexts.size();
  verdict.outputs = evidence.output->ciphertexts.size();
  verdict.plaintext_modulus = statement.plaintext_modulus;
  verdict.evaluations = statement.evaluations;
  verdict.flood_bits = statement.flood_bits;
  verdict.context = statement.context;
  if (const base::Status status = check(evidence, verdict); !status.ok()) verdict.refusal = status.error();
  return verdict;
}

base::Status check_verdict(const AnswerVerdict& verdict, const hybrid::Spec& spec, const hybrid::CiphertextFile& output) {
  if (verdict.refusal) {
    return base::error(ErrorCode::kRejected, "proof",
                       "is refused by check " + verdict.refusal->place + ": " + verdict.refusal->detail + "; nothing was decrypted");
  }
  if (verdict.output_digest != output.digest) return base::error(ErrorCode::kMismatch, "ciphertext", "changed while it was verified");
  if (verdict.key->architecture != spec.architecture() || verdict.plaintext_modulus != spec.parameters().t)
    return base::error(ErrorCode::kMismatch, "spec", "is of another model than the proof");
  return {};
}

base::Result<HybridAnswers> decrypt_hybrid(const hybrid::Spec& spec, const hybrid::SecretKeyFile& key, const hybrid::CiphertextFile& output) {
  if (key.header != output.header) return mismatch("is not under the secret key that was given");
  BLINDPROOF_ASSIGN(const hybrid::Answers decrypted, hybrid::decrypt_records(spec, key.key, output.ciphertexts, output.records));
  const model::Architecture& architecture = spec.architecture();
  HybridAnswers result{{}, decrypted.phase_bits};
  Answers& answers = result.answers;
  answers.samples = output.records;
  answers.shape = real_output_shape(architecture);
  answers.shape.insert(answers.shape.begin(), output.records);
  for (std::size_t p = 0; p < output.records; ++p) {
    const auto begin = decrypted.values.begin() + static_cast<std::ptrdiff_t>(p * spec.outputs());
    const std::vector<model::Int128> integers(begin, begin + static_cast<std::ptrdiff_t>(spec.outputs()));
    const std::vector<double> values = model::dequantize_output(architecture, integers);
    answers.values.insert(answers.values.end(), values.begin(), values.end());
    answers.integers.insert(answers.integers.end(), integers.begin(), integers.end());
    if (const auto best = top_class(architecture.shapes[architecture.output], integers)) answers.classes.push_back(*best);
  }
  return result;
}

}  // namespace blindproof::client_side
