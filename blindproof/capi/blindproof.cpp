#include "blindproof/capi/blindproof.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/capi/inspect.h"
#include "blindproof/client_side/fhe.h"
#include "blindproof/client_side/fhe_exact.h"
#include "blindproof/client_side/hybrid.h"
#include "blindproof/client_side/verify.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/fhe/formats/public_key_file.h"

struct blindproof_error {
  std::string code, place, message;
};

namespace blindproof::capi {
namespace {

using base::ErrorCode;
using nlohmann::json;
namespace formats = fhe::formats;
namespace frbgv = fhe::frbgv;
namespace ckks = fhe::ckks;

constexpr std::size_t kMaxSpecBytes = std::size_t{1} << 24;
constexpr std::size_t kMaxSecretKeyBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxPassphraseBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxProofBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxDecimalBytes = std::size_t{1} << 28;

base::ByteSpan span_of(blindproof_bytes bytes) { return {bytes.data, bytes.size}; }

// The same error with the input's name before its place.
base::Error in(const char* name, base::Error error) {
  error.place = error.place.empty() ? name : std::string(name) + ": " + error.place;
  return error;
}
template <class T>
base::Result<T> in(const char* name, base::Result<T> result) {
  if (!result.ok()) return in(name, std::move(result).error());
  return result;
}
base::Status in(const char* name, base::Status status) {
  if (!status.ok()) return in(name, base::Error(status.error()));
  return status;
}

base::Status check_size(const char* name, blindproof_bytes bytes, std::size_t limit) {
  if (bytes.size <= limit) return {};
  return base::error(ErrorCode::kLimit, name, "has " + std::to_string(bytes.size) + " bytes; at most " + std::to_string(limit) + " are read");
}

// malloc's memory, so that it can be released without knowing more than the address.
base::Status give(base::ByteSpan bytes, blindproof_buffer& out) {
  auto* const data = static_cast<std::uint8_t*>(std::malloc(bytes.empty() ? 1 : bytes.size()));
  if (data == nullptr) return base::error(ErrorCode::kLimit, "memory", "there are no " + std::to_string(bytes.size()) + " bytes left for a result");
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  out = {data, bytes.size()};
  return {};
}

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// Results that are handed over together or not at all.
class Results {
 public:
  ~Results() {
    for (auto& [out, buffer] : made_) blindproof_buffer_free(&buffer);
  }
  base::Status add(blindproof_buffer* out, base::ByteSpan bytes) {
    blindproof_buffer buffer{};
    BLINDPROOF_TRY(give(bytes, buffer));
    made_.emplace_back(out, buffer);
    return {};
  }
  base::Status add_json(blindproof_buffer* out, const json& value) { return add(out, base::as_bytes(text_of(value))); }
  base::Status hand_over() {
    for (auto& [out, buffer] : made_) *out = buffer;
    made_.clear();
    return {};
  }

 private:
  std::vector<std::pair<blindproof_buffer*, blindproof_buffer>> made_;
};

blindproof_code status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo: return BLINDPROOF_IO;
    case ErrorCode::kMalformed: return BLINDPROOF_MALFORMED;
    case ErrorCode::kUnsupported: return BLINDPROOF_UNSUPPORTED;
    case ErrorCode::kLimit: return BLINDPROOF_LIMIT;
    case ErrorCode::kInvalidArgument: return BLINDPROOF_INVALID_ARGUMENT;
    case ErrorCode::kMismatch: return BLINDPROOF_MISMATCH;
    case ErrorCode::kRejected: return BLINDPROOF_REJECTED;
  }
  return BLINDPROOF_INTERNAL;
}

void set_error(blindproof_error** out, std::string code, std::string place, std::string message) {
  if (out != nullptr) *out = new (std::nothrow) blindproof_error{std::move(code), std::move(place), std::move(message)};
}

// Runs body() -> Status; what it throws, if this build has exceptions, becomes an error.
blindproof_code guarded(blindproof_error** out, auto&& body) noexcept {
  if (out != nullptr) *out = nullptr;
#if defined(__cpp_exceptions)
  try {
#endif
    const base::Status status = body();
    if (status.ok()) return BLINDPROOF_OK;
    const base::Error& error = status.error();
    set_error(out, std::string(base::error_code_name(error.code)), error.place, error.detail);
    return status_of(error.code);
#if defined(__cpp_exceptions)
  } catch (const std::bad_alloc&) {
    if (out != nullptr) *out = nullptr;  // no memory for a text either
  } catch (...) {
    try {
      set_error(out, "internal", "", "a fault of the library");
    } catch (...) {
    }
  }
  return BLINDPROOF_INTERNAL;
#endif
}

std::optional<crypto::SecretBytes> passphrase_of(blindproof_bytes bytes) {
  if (bytes.size == 0) return std::nullopt;
  crypto::SecretBytes secret(bytes.size);
  std::memcpy(secret.expose_mutable().data(), bytes.data, bytes.size);
  return secret;
}

auto asker(blindproof_bytes passphrase) {
  return [passphrase]() -> base::Result<crypto::SecretBytes> {
    std::optional<crypto::SecretBytes> given = passphrase_of(passphrase);
    if (!given) return base::error(ErrorCode::kInvalidArgument, "passphrase", "is needed: the secret key is under one");
    return std::move(*given);
  };
}

struct KeyInputs {
  blindproof_bytes spec, secret_key, passphrase;
};
base::Status check_sizes(const KeyInputs& inputs) {
  BLINDPROOF_TRY(check_size("spec", inputs.spec, kMaxSpecBytes));
  BLINDPROOF_TRY(check_size("secret key", inputs.secret_key, kMaxSecretKeyBytes));
  return check_size("passphrase", inputs.passphrase, kMaxPassphraseBytes);
}

base::Result<std::vector<std::vector<float>>> rows_of(const float* values, std::size_t count, std::size_t rows) {
  if (rows == 0 || count == 0 || count % rows != 0) {
    return base::error(ErrorCode::kInvalidArgument, "values",
                       std::to_string(count) + " values can't be " + std::to_string(rows) + " samples of one size, one at least");
  }
  const std::size_t each = count / rows;
  std::vector<std::vector<float>> result;
  for (std::size_t i = 0; i < rows; ++i) result.emplace_back(values + i * each, values + (i + 1) * each);
  return result;
}

json integers_of(const std::vector<model::Int128>& values) {
  json list = json::array();
  for (const model::Int128 value : values) list.push_back(base::to_string(value));
  return list;
}

base::Status give_answers(const client_side::Answers& answers, blindproof_buffer* values, blindproof_buffer* facts) {
  Results results;
  BLINDPROOF_TRY(results.add(values, base::ByteSpan(reinterpret_cast<const std::uint8_t*>(answers.values.data()), answers.values.size() * sizeof(double))));
  BLINDPROOF_TRY(results.add_json(facts, json{{"shape", answers.shape}, {"samples", answers.samples}, {"classes", answers.classes},
                                         {"integers", integers_of(answers.integers)}}));
  return results.hand_over();
}

json refusal_of(const base::Error& error) {
  return {{"code", base::error_code_name(error.code)}, {"place", error.place}, {"message", error.detail}};
}

// ---- fhe ----

base::Status generate_fhe_keys(const formats::AnyContext& context, const formats::EvaluationKeySelection& selection, blindproof_bytes passphrase,
                               blindproof_buffer* secret_out, blindproof_buffer* public_out, blindproof_buffer* evaluation_out) {
  crypto::Csprng random;
  const formats::Header header{context, formats::generate_key_id(random)};
  const fhe::rlwe::SecretKey secret = fhe::rlwe::SecretKey::generate(formats::ring_of(context), random);
  const std::optional<crypto::SecretBytes> protection = passphrase_of(passphrase);
  BLINDPROOF_ASSIGN(base::Bytes secret_bytes, formats::write_secret_key(header, secret, protection ? &*protection : nullptr));
  Results results;
  const base::Status kept = results.add(secret_out, secret_bytes);
  crypto::wipe(secret_bytes);
  BLINDPROOF_TRY(kept);
  BLINDPROOF_TRY(results.add(public_out, formats::write_public_key(
                                             header, fhe::rlwe::PublicKey::generate(secret, formats::error_multiplier_of(context), random))));
  BLINDPROOF_ASSIGN(const base::Bytes evaluation, formats::generate_evaluation_keys(header, secret, selection, random));
  BLINDPROOF_TRY(results.add(evaluation_out, evaluation));
  return results.hand_over();
}

base::Result<base::Bytes> encrypt_ckks(const blindproof_fhe_encrypt_request& request, const std::vector<std::vector<float>>& samples) {
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, in("spec", fheml::parse_client_spec(span_of(request.spec))));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, in("spec", ckks::Context::create(spec.parameters)));
  BLINDPROOF_TRY(in("values", client_side::check_samples(spec, samples, context->slots())));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key,
                    in("secret key", formats::parse_secret_key(span_of(request.secret_key), contexts, asker(request.passphrase))));
  return client_side::encrypt_samples(spec, context, key, samples);
}

template <class Scheme>
base::Result<base::Bytes> encrypt_exact(const fheml::ExactClientSpec& spec, const blindproof_fhe_encrypt_request& request,
                                        const std::vector<std::vector<float>>& samples) {
  BLINDPROOF_ASSIGN(const auto contexts, in("spec", client_side::contexts_of<Scheme>(spec.parameters)));
  BLINDPROOF_ASSIGN(const auto integers, in("values", client_side::quantize_samples(spec, samples, contexts[0]->slots().slots())));
  formats::Contexts known(contexts[0]);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key,
                    in("secret key", formats::parse_secret_key(span_of(request.secret_key), known, asker(request.passphrase))));
  BLINDPROOF_ASSIGN(auto ciphertexts, client_side::encrypt_integers<Scheme>(contexts, spec, key.key, integers));
  return client_side::write_exact_ciphertexts<Scheme>(key.header, spec, std::move(ciphertexts), contexts);
}

base::Result<client_side::Answers> decrypt_fhe(const KeyInputs& keys, blindproof_bytes ciphertext) {
  if (fheml::is_exact(span_of(keys.spec))) {
    BLINDPROOF_ASSIGN(const fheml::ExactClientSpec spec, in("spec", fheml::parse_exact_client_spec(span_of(keys.spec))));
    return client_side::with_scheme(spec.parameters.scheme, [&]<class Scheme>(Scheme) -> base::Result<client_side::Answers> {
      BLINDPROOF_ASSIGN(const auto contexts, in("spec", client_side::contexts_of<Scheme>(spec.parameters)));
      formats::Contexts known(contexts[0]);
      BLINDPROOF_ASSIGN(const formats::SecretKeyFile key,
                        in("secret key", formats::parse_secret_key(span_of(keys.secret_key), known, asker(keys.passphrase))));
      return in("ciphertext", client_side::decrypt_exact_output<Scheme>(spec, contexts, key, known, span_of(ciphertext)));
    });
  }
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, in("spec", fheml::parse_client_spec(span_of(keys.spec))));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, in("spec", ckks::Context::create(spec.parameters)));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key,
                    in("secret key", formats::parse_secret_key(span_of(keys.secret_key), contexts, asker(keys.passphrase))));
  return in("ciphertext", client_side::decrypt_program_output(spec, key, contexts, span_of(ciphertext)));
}

// ---- hybrid ----

base::Result<hybrid::Spec> parse_hybrid_spec(blindproof_bytes spec) { return in("spec", hybrid::parse_spec(span_of(spec))); }

std::optional<base::Bytes> context_of(const blindproof_bytes* context) {
  if (context == nullptr) return std::nullopt;
  return base::Bytes(context->data, context->data + context->size);
}

base::Result<std::shared_ptr<const zkml::ModelKey>> parse_model_key(blindproof_bytes bytes) {
  BLINDPROOF_ASSIGN(zkml::ModelKey key, in("model key", zkml::parse_model_key(span_of(bytes))));
  return std::make_shared<const zkml::ModelKey>(std::move(key));
}

base::Result<client_side::AnswerVerdict> verify_answer(const frbgv::Ring& ring, const blindproof_hybrid_verify_request& request,
                                                       const hybrid::CiphertextFile& output) {
  BLINDPROOF_TRY(check_size("proof", request.proof, kMaxProofBytes));
  BLINDPROOF_ASSIGN(const hybrid::HybridProof proof, in("proof", hybrid::parse_hybrid_proof(span_of(request.proof))));
  BLINDPROOF_ASSIGN(const auto model_key, parse_model_key(request.model_key));
  BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile public_key, in("public key", hybrid::parse_public_key(ring, span_of(request.public_key))));
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile input, in("input", hybrid::parse_ciphertexts(ring, span_of(request.input))));
  client_side::AnswerVerdict verdict =
      client_side::verify_answer({&ring, model_key, &proof, &public_key, &input, &output, context_of(request.context)});
  verdict.proof_bytes = request.proof.size;
  return verdict;
}

json verdict_of(const client_side::AnswerVerdict& verdict) {
  json result{{"accepted", !verdict.refusal},
              {"model", base::to_hex(verdict.key->id)},
              {"records", verdict.records},
              {"features", verdict.features},
              {"outputs", verdict.outputs},
              {"plaintext_modulus", std::to_string(verdict.plaintext_modulus)},
              {"evaluations", std::to_string(verdict.evaluations)},
              {"flood_bits", verdict.flood_bits},
              {"context", base::to_hex(verdict.context)},
              {"proof_bytes", verdict.proof_bytes},
              {"registration_seconds", verdict.registration_seconds},
              {"proof_seconds", verdict.proof_seconds}};
  if (verdict.refusal) result["refusal"] = refusal_of(*verdict.refusal);
  return result;
}

base::Result<client_side::Answers> decrypt_hybrid(const blindproof_hybrid_decrypt_request& request) {
  if (request.evidence == nullptr && request.unverified == 0) {
    return base::error(ErrorCode::kRejected, "proof",
                       "nothing proves this answer, and what you do with a forged one may tell the server about your key; it is decrypted "
                       "only if you ask for an unverified one");
  }
  BLINDPROOF_ASSIGN(const hybrid::Spec spec, parse_hybrid_spec(request.spec));
  const frbgv::RingPtr ring = frbgv::Ring::create();
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile output, in("output", hybrid::parse_ciphertexts(*ring, span_of(request.output))));
  BLINDPROOF_TRY(in("output", client_side::check_outputs(output, spec)));
  if (request.evidence != nullptr) {
    BLINDPROOF_ASSIGN(const client_side::AnswerVerdict verdict, verify_answer(*ring, *request.evidence, output));
    BLINDPROOF_TRY(client_side::check_verdict(verdict, spec, output));
  }
  BLINDPROOF_ASSIGN(const hybrid::SecretKeyFile key,
                    in("secret key", hybrid::parse_secret_key(ring, span_of(request.secret_key), asker(request.passphrase))));
  BLINDPROOF_ASSIGN(client_side::HybridAnswers decrypted, in("output", client_side::decrypt_hybrid(spec, key, output)));
  return std::move(decrypted.answers);
}

// ---- zkml ----

base::Result<std::vector<model::Int128>> parse_integers(blindproof_bytes decimal) {
  BLINDPROOF_TRY(check_size("output", decimal, kMaxDecimalBytes));
  const std::string_view text(reinterpret_cast<const char*>(decimal.data), decimal.size);
  std::vector<model::Int128> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    BLINDPROOF_ASSIGN(const model::Int128 value, in("output", base::parse_int128(text.substr(begin, end - begin))));
    values.push_back(value);
    begin = end + 1;
  }
  return values;
}

json report_of(const client_side::TensorReport& tensor) {
  json result{{"shape", tensor.shape}, {"hidden", tensor.hidden}, {"opened", tensor.opened}, {"compared", tensor.compared}};
  if (tensor.hidden) {
    result["commitment"] = tensor.commitment;
  } else {
    result["integers"] = integers_of(tensor.values);
  }
  return result;
}

json verdict_of(const client_side::Verdict& verdict) {
  json result{{"accepted", !verdict.refusal},
              {"model", base::to_hex(verdict.model)},
              {"arithmetic", verdict.arithmetic},
              {"parameters", verdict.parameters},
              {"input", report_of(verdict.input)},
              {"output", report_of(verdict.output)},
              {"context", base::to_hex(verdict.context)},
              {"proof_bytes", verdict.proof_bytes},
              {"registration_seconds", verdict.registration_seconds},
              {"proof_seconds", verdict.proof_seconds}};
  if (verdict.refusal) result["refusal"] = refusal_of(*verdict.refusal);
  if (!verdict.refusal && !verdict.output.hidden) result["values"] = verdict.output_reals;
  if (verdict.top_class) result["class"] = *verdict.top_class;
  return result;
}

base::Result<client_side::Verdict> verify(const blindproof_verify_request& request) {
  BLINDPROOF_TRY(check_size("proof", request.proof, kMaxProofBytes));
  client_side::Evidence evidence;
  BLINDPROOF_ASSIGN(evidence.key, parse_model_key(request.model_key));
  BLINDPROOF_ASSIGN(evidence.proof, in("proof", zkml::parse_inference_proof(span_of(request.proof))));
  if (request.opening != nullptr) {
    BLINDPROOF_ASSIGN(evidence.opening, in("opening", zkml::parse_opening(span_of(*request.opening))));
  }
  if (request.input != nullptr) {
    const std::vector<float> sample(request.input, request.input + request.input_count);
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> input, in("input", model::quantize_input(evidence.key->architecture, sample)));
    evidence.input.emplace(input.begin(), input.end());
  }
  if (request.output != nullptr) {
    BLINDPROOF_ASSIGN(evidence.output, parse_integers(*request.output));
  }
  evidence.context = context_of(request.context);
  BLINDPROOF_ASSIGN(client_side::Verdict verdict, client_side::verify(evidence));
  verdict.proof_bytes = request.proof.size;
  return verdict;
}

}  // namespace
}  // namespace blindproof::capi

using namespace blindproof;
using namespace blindproof::capi;

extern "C" {

const char* blindproof_error_code(const blindproof_error* error) { return error->code.c_str(); }
const char* blindproof_error_place(const blindproof_error* error) { return error->place.c_str(); }
const char* blindproof_error_message(const blindproof_error* error) { return error->message.c_str(); }
void blindproof_error_free(blindproof_error* error) { delete error; }

void blindproof_buffer_free(blindproof_buffer* buffer) {
  if (buffer == nullptr || buffer->data == nullptr) return;
  crypto::wipe(std::span<std::uint8_t>(buffer->data, buffer->size));
  std::free(buffer->data);
  *buffer = {};
}

void* blindproof_allocate(size_t size) { return std::malloc(size == 0 ? 1 : size); }
void blindproof_release(void* memory, size_t size) {
  if (memory == nullptr) return;
  crypto::wipe(std::span<std::uint8_t>(static_cast<std::uint8_t*>(memory), size));
  std::free(memory);
}

const char* blindproof_version(void) { return BLINDPROOF_VERSION; }

blindproof_code blindproof_inspect(blindproof_bytes file, blindproof_buffer* facts, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_ASSIGN(const json result, inspect(span_of(file)));
    Results results;
    BLINDPROOF_TRY(results.add_json(facts, result));
    return results.hand_over();
  });
}

blindproof_code blindproof_fhe_generate_keys(blindproof_bytes spec, blindproof_bytes passphrase, blindproof_buffer* secret_key,
                                               blindproof_buffer* public_key, blindproof_buffer* evaluation_keys, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_TRY(check_sizes({spec, {}, passphrase}));
    if (fheml::is_exact(span_of(spec))) {
      BLINDPROOF_ASSIGN(const fheml::ExactClientSpec client, in("spec", fheml::parse_exact_client_spec(span_of(spec))));
      return client_side::with_scheme(client.parameters.scheme, [&]<class Scheme>(Scheme) -> base::Status {
        BLINDPROOF_ASSIGN(const auto contexts, in("spec", client_side::contexts_of<Scheme>(client.parameters)));
        return generate_fhe_keys(contexts[0], client_side::selection_of(client), passphrase, secret_key, public_key, evaluation_keys);
      });
    }
    BLINDPROOF_ASSIGN(const fheml::ClientSpec client, in("spec", fheml::parse_client_spec(span_of(spec))));
    BLINDPROOF_ASSIGN(const ckks::ContextPtr context, in("spec", ckks::Context::create(client.parameters)));
    return generate_fhe_keys(context, client_side::selection_of(client, *context), passphrase, secret_key, public_key, evaluation_keys);
  });
}

blindproof_code blindproof_fhe_encrypt(const blindproof_fhe_encrypt_request* request, blindproof_buffer* ciphertext, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_TRY(check_sizes({request->spec, request->secret_key, request->passphrase}));
    BLINDPROOF_ASSIGN(const auto samples, rows_of(request->values, request->count, request->samples));
    const auto encrypt = [&]() -> base::Result<base::Bytes> {
      if (!fheml::is_exact(span_of(request->spec))) return encrypt_ckks(*request, samples);
      BLINDPROOF_ASSIGN(const fheml::ExactClientSpec spec, in("spec", fheml::parse_exact_client_spec(span_of(request->spec))));
      return client_side::with_scheme(spec.parameters.scheme,
                                      [&]<class Scheme>(Scheme) { return encrypt_exact<Scheme>(spec, *request, samples); });
    };
    BLINDPROOF_ASSIGN(const base::Bytes bytes, encrypt());
    Results results;
    BLINDPROOF_TRY(results.add(ciphertext, bytes));
    return results.hand_over();
  });
}

blindproof_code blindproof_fhe_decrypt(blindproof_bytes spec, blindproof_bytes secret_key, blindproof_bytes passphrase, blindproof_bytes ciphertext,
                                         blindproof_buffer* values, blindproof_buffer* facts, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    const KeyInputs keys{spec, secret_key, passphrase};
    BLINDPROOF_TRY(check_sizes(keys));
    BLINDPROOF_ASSIGN(const client_side::Answers answers, decrypt_fhe(keys, ciphertext));
    return give_answers(answers, values, facts);
  });
}

blindproof_code blindproof_hybrid_generate_keys(blindproof_bytes spec, blindproof_bytes passphrase, blindproof_buffer* secret_key,
                                                  blindproof_buffer* public_key, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_TRY(check_sizes({spec, {}, passphrase}));
    BLINDPROOF_ASSIGN(const hybrid::Spec client, capi::parse_hybrid_spec(spec));
    const std::optional<crypto::SecretBytes> protection = passphrase_of(passphrase);
    BLINDPROOF_ASSIGN(client_side::HybridKeys keys, client_side::generate_hybrid_keys(client, protection ? &*protection : nullptr));
    Results results;
    const base::Status kept = results.add(secret_key, keys.secret);
    crypto::wipe(keys.secret);
    BLINDPROOF_TRY(kept);
    BLINDPROOF_TRY(results.add(public_key, keys.public_key));
    return results.hand_over();
  });
}

blindproof_code blindproof_hybrid_encrypt(const blindproof_hybrid_encrypt_request* request, blindproof_buffer* ciphertext, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_TRY(check_sizes({request->spec, request->secret_key, request->passphrase}));
    BLINDPROOF_ASSIGN(const auto records, rows_of(request->values, request->count, request->records));
    BLINDPROOF_ASSIGN(const hybrid::Spec spec, capi::parse_hybrid_spec(request->spec));
    const frbgv::RingPtr ring = frbgv::Ring::create();
    BLINDPROOF_ASSIGN(const hybrid::SecretKeyFile key,
                      in("secret key", hybrid::parse_secret_key(ring, span_of(request->secret_key), asker(request->passphrase))));
    BLINDPROOF_TRY(in("secret key", client_side::check_plaintext_modulus(key.header, spec)));
    BLINDPROOF_ASSIGN(const base::Bytes bytes, in("values", client_side::encrypt_hybrid(spec, key, records)));
    Results results;
    BLINDPROOF_TRY(results.add(ciphertext, bytes));
    return results.hand_over();
  });
}

blindproof_code blindproof_hybrid_verify(const blindproof_hybrid_verify_request* request, blindproof_buffer* verdict_json, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    const frbgv::RingPtr ring = frbgv::Ring::create();
    BLINDPROOF_ASSIGN(const hybrid::CiphertextFile output, in("output", hybrid::parse_ciphertexts(*ring, span_of(request->output))));
    BLINDPROOF_ASSIGN(const client_side::AnswerVerdict verdict, capi::verify_answer(*ring, *request, output));
    Results results;
    BLINDPROOF_TRY(results.add_json(verdict_json, verdict_of(verdict)));
    return results.hand_over();
  });
}

blindproof_code blindproof_hybrid_decrypt(const blindproof_hybrid_decrypt_request* request, blindproof_buffer* values, blindproof_buffer* facts,
                                            blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_TRY(check_sizes({request->spec, request->secret_key, request->passphrase}));
    BLINDPROOF_ASSIGN(const client_side::Answers answers, capi::decrypt_hybrid(*request));
    return give_answers(answers, values, facts);
  });
}

blindproof_code blindproof_verify(const blindproof_verify_request* request, blindproof_buffer* verdict_json, blindproof_error** error) {
  return guarded(error, [&]() -> base::Status {
    BLINDPROOF_ASSIGN(const client_side::Verdict verdict, capi::verify(*request));
    Results results;
    BLINDPROOF_TRY(results.add_json(verdict_json, verdict_of(verdict)));
    return results.hand_over();
  });
}

}  // extern "C"
