#include "blindproof/engine/fhe_inference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blindproof/arrays/npy.h"
#include "blindproof/client_side/fhe.h"
#include "blindproof/engine/fhe_batch.h"
#include "blindproof/engine/fhe_encrypted_model.h"
#include "blindproof/engine/fhe_exact.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/packing.h"
#include "blindproof/fheml/batch_executor.h"
#include "blindproof/fheml/encrypted_executor.h"
#include "blindproof/fheml/executor.h"

namespace blindproof::engine {
namespace {

namespace formats = fhe::formats;
namespace ckks = fhe::ckks;
using base::ErrorCode;
using client_side::is_batch;
using client_side::layout_of;
using client_side::selection_of;

template <class T>
base::Result<T> read_whole(const Path& path, std::size_t max_bytes, base::Result<T> (*parse)(base::ByteSpan)) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, max_bytes));
  return in_file(path, parse(bytes));
}

base::Result<ckks::ContextPtr> context_of(const Path& path, const fheml::ClientSpec& spec) {
  return in_file(path, ckks::Context::create(spec.parameters));
}

base::Result<client_side::CkksCiphertexts> read_ciphertexts(const Path& path, formats::Contexts& contexts, const formats::KeyId& key_id,
                                                            const fheml::ClientSpec& spec, const model::Shape& shape) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxCiphertextFileBytes));
  return in_file(path, client_side::parse_program_ciphertexts(bytes, contexts, key_id, spec, shape));
}

// One sample, or all those of a batch.
base::Result<std::vector<std::vector<float>>> read_inputs(const EncryptInputRequest& request, const fheml::ClientSpec& spec,
                                                          std::size_t slots) {
  std::vector<std::vector<float>> samples;
  if (!is_batch(spec) || request.index) {
    BLINDPROOF_ASSIGN(std::vector<float> sample, read_sample(request.input, spec.input_shape, request.index));
    samples.push_back(std::move(sample));
  } else {
    BLINDPROOF_ASSIGN(Samples read, read_samples(request.input, spec.input_shape));
    samples = std::move(read.x);
  }
  if (const base::Status status = client_side::check_samples(spec, samples, slots); !status.ok()) return in_file(request.input, status.error());
  return samples;
}

}  // namespace

base::Result<fheml::Program> read_program(const Path& path) { return read_whole(path, kMaxProgramBytes, fheml::parse_program); }

base::Result<fheml::ClientSpec> read_client_spec(const Path& path) {
  return read_whole(path, kMaxClientSpecBytes, fheml::parse_client_spec);
}

base::Result<Lowered> lower_in_memory(const Path& model, const compiler::LowerFheOptions& options, const base::Progress& progress) {
  progress.report("reading", 0, 0);
  BLINDPROOF_ASSIGN(const model::ModelFile file, read_model(model));
  if (!file.float_graph) {
    return base::error(ErrorCode::kInvalidArgument, model.string(), "has no float network inside: compile it again");
  }
  progress.report("lowering", 0, 0);
  BLINDPROOF_ASSIGN(compiler::LowerFheOutcome lowered, in_file(model, compiler::lower_fhe(*file.float_graph, file.float_ranges, options)));
  const fheml::ClientSpec& client = lowered.program.client;
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(model, client));
  const fhe::rlwe::Ring& ring = *context->ring();
  LowerOutcome summary{.parameters = describe(context), .steps = lowered.steps, .rotations = client.rotations.size(),
                       .relinearization = client.relinearization};
  for (const formats::EvaluationKeyEntry& entry : formats::entries_of(context, selection_of(client, *context))) {
    summary.key_bytes += formats::evaluation_key_bytes(ring, entry.q_limbs);
  }
  summary.ciphertext_bytes = formats::packed_bytes(ring, {ring.q_count(), false});
  if (is_batch(client)) {
    BLINDPROOF_ASSIGN(const fheml::BatchExecutor executor, fheml::BatchExecutor::create(lowered.program, context));
    summary.weight_bytes = executor.bytes();
    summary.ciphertext_bytes *= model::element_count(client.input_shape);
    summary.max_samples = context->slots();
  }
  if (!is_batch(client)) summary.weight_bytes = fheml::choose_storage(lowered.program, *context, fheml::kWeightMemory).bytes;
  return Lowered{std::move(lowered), context, std::move(summary)};
}

base::Error no_room_for_privacy(const Path& program) {
  return base::error(ErrorCode::kInvalidArgument, program.string(),
                     "was lowered without model privacy: the output's noise would tell the client something of the weights. Lower the model "
                     "again, or say --no-model-privacy");
}

base::Result<LowerOutcome> lower_model(const LowerRequest& request, const base::Progress& progress) {
  if (request.scheme) return lower_exact_model(request, progress);
  const Stopwatch watch;
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_TRY(check_writable(request.spec));
  BLINDPROOF_ASSIGN(Lowered lowered, lower_in_memory(request.model, request.options, progress));
  LowerOutcome outcome = std::move(lowered.summary);
  const base::Bytes program = fheml::write_program(lowered.outcome.program), spec = fheml::write_client_spec(lowered.outcome.program.client);
  BLINDPROOF_ASSIGN(outcome.program_bytes, write_bytes(request.out, program, base::FileMode::kSecret));
  BLINDPROOF_ASSIGN(outcome.spec_bytes, write_bytes(request.spec, spec, base::FileMode::kPublic));
  outcome.seconds = watch.seconds();
  return outcome;
}

base::Result<GenerateKeysOutcome> generate_keys_for(const Path& spec, const Path& folder,
                                                    const std::optional<crypto::SecretBytes>& passphrase,
                                                    const base::Progress& progress) {
  if (is_exact_file(spec)) return generate_exact_keys_for(spec, folder, passphrase, progress);
  BLINDPROOF_ASSIGN(const fheml::ClientSpec client, read_client_spec(spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(spec, client));
  GenerateKeysRequest request{.parameters = "", .folder = folder, .evaluation = selection_of(client, *context), .passphrase = {}};
  if (passphrase) request.passphrase = passphrase->clone();
  return generate_fhe_keys(context, request, progress);
}

base::Result<EncryptInputOutcome> encrypt_input(const EncryptInputRequest& request) {
  if (is_exact_file(request.spec)) return encrypt_exact_input(request);
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, read_client_spec(request.spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.spec, spec));
  BLINDPROOF_ASSIGN(const std::vector<std::vector<float>> samples, read_inputs(request, spec, context->slots()));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const base::Bytes bytes, client_side::encrypt_samples(spec, context, key, samples));
  EncryptInputOutcome outcome{.parameters = describe(context), .samples = samples.size()};
  outcome.seconds = watch.seconds();
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<InferOutcome> infer(const InferRequest& request, const base::Progress& progress) {
  if (is_exact_file(request.program)) return infer_exact(request, progress);
  BLINDPROOF_TRY(check_writable(request.out));
  const Stopwatch loading;
  fheml::Program program;
  std::optional<fheml::EncryptedProgramFile> encrypted;
  if (is_encrypted_program(request.program)) {
    BLINDPROOF_ASSIGN(encrypted, in_file(request.program, fheml::EncryptedProgramFile::open(request.program, kMaxEncryptedProgramBytes)));
  } else {
    BLINDPROOF_ASSIGN(program, read_program(request.program));
  }
  const fheml::ClientSpec client = encrypted ? encrypted->program().client : program.client;
  const int hiding_bits = request.no_model_privacy ? 0 : client.hiding_bits;
  if (hiding_bits == 0 && !request.no_model_privacy) return no_room_for_privacy(request.program);
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.program, client));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::EvaluationKeyFile keys,
                    in_file(request.evaluation_keys, formats::EvaluationKeyFile::open(request.evaluation_keys, contexts)));
  if (encrypted && encrypted->program().key_id != keys.header().key_id) {
    return base::error(ErrorCode::kMismatch, request.program.string(), "was encrypted under the public key of another client than these evaluation keys");
  }
  BLINDPROOF_ASSIGN(client_side::CkksCiphertexts input, read_ciphertexts(request.input, contexts, keys.header().key_id, client, client.input_shape));
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  if (client.relinearization) {
    BLINDPROOF_ASSIGN(relinearization, in_file(request.evaluation_keys, keys.load_relinearization_key()));
  }
  std::vector<std::size_t> elements;
  for (const fheml::Rotation& rotation : client.rotations) {
    elements.push_back(fhe::rlwe::rotation_element(context->ring()->log_degree(), rotation.steps));
  }
  BLINDPROOF_ASSIGN(const fhe::rlwe::GaloisKeys rotations, in_file(request.evaluation_keys, keys.load_galois_keys(elements)));
  std::optional<formats::PublicKeyFile> public_key;
  if (hiding_bits > 0) {
    const Path path = request.public_key.empty() ? request.evaluation_keys.parent_path() / kPublicKeyName : request.public_key;
    BLINDPROOF_ASSIGN(public_key, read_public_key(path, contexts));
    if (public_key->header.key_id != keys.header().key_id) {
      return base::error(ErrorCode::kMismatch, path.string(), "is of another secret key than the evaluation keys");
    }
  }
  InferOutcome outcome{.parameters = describe(context), .samples = input.samples, .encrypted_model = encrypted.has_value(), .hiding_bits = hiding_bits};
  outcome.load_seconds = loading.seconds();

  const Stopwatch encoding;
  const fhe::rlwe::KeySwitchKey* const relinearization_key = relinearization ? &*relinearization : nullptr;
  std::optional<fheml::Executor> single;
  std::optional<fheml::BatchExecutor> batch;
  std::optional<fheml::EncryptedExecutor> with_encrypted_weights;
  if (encrypted) {
    BLINDPROOF_ASSIGN(with_encrypted_weights, in_file(request.program, fheml::EncryptedExecutor::create(*encrypted, context, progress)));
  } else if (is_batch(client)) {
    BLINDPROOF_ASSIGN(batch, fheml::BatchExecutor::create(std::move(program), context));
  } else {
    BLINDPROOF_ASSIGN(single, fheml::Executor::create(std::move(program), context, progress, request.weight_memory));
  }
  outcome.encode_seconds = encoding.seconds();
  const Stopwatch inferring;
  std::vector<ckks::Ciphertext> output;
  if (batch) {
    BLINDPROOF_ASSIGN(output, batch->run(std::move(input.elements), relinearization_key, progress));
  } else {
    BLINDPROOF_ASSIGN(ckks::Ciphertext one, single ? single->run(input.elements[0], relinearization_key, rotations, progress)
                                                   : with_encrypted_weights->run(input.elements[0], relinearization_key, rotations, progress));
    output.push_back(std::move(one));
  }
  if (public_key) {
    BLINDPROOF_ASSIGN(output, sanitize_batch(output, public_key->key, hiding_bits));
  }
  outcome.infer_seconds = inferring.seconds();
  for (const ckks::Ciphertext& element : output) {
    outcome.error_bound = std::max(outcome.error_bound, element.error_bound() * client.output_scale);
  }
  BLINDPROOF_ASSIGN(const base::Bytes bytes,
                    formats::write_ciphertexts({keys.header(), layout_of(client, input.samples), std::move(output)}));
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<DecryptOutputOutcome> decrypt_output(const DecryptOutputRequest& request) {
  if (is_exact_file(request.spec)) return decrypt_exact_output(request);
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, read_client_spec(request.spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.spec, spec));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(request.input, kMaxCiphertextFileBytes));
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(client_side::Answers answers, in_file(request.input, client_side::decrypt_program_output(spec, key, contexts, bytes)));
  DecryptOutputOutcome outcome{.parameters = describe(context), .shape = std::move(answers.shape), .samples = answers.samples};
  outcome.values = std::move(answers.values);
  outcome.classes = std::move(answers.classes);
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_reals(request.out, outcome.shape, outcome.values, base::FileMode::kSecret));
  return outcome;
}

}  // namespace blindproof::engine
