#include "blindproof/engine/fhe_inference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blindproof/arrays/npy.h"
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

template <class T>
base::Result<T> read_whole(const Path& path, std::size_t max_bytes, base::Result<T> (*parse)(base::ByteSpan)) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, max_bytes));
  return in_file(path, parse(bytes));
}

base::Result<ckks::ContextPtr> context_of(const Path& path, const fheml::ClientSpec& spec) {
  return in_file(path, ckks::Context::create(spec.parameters));
}

formats::EvaluationKeySelection selection_of(const fheml::ClientSpec& spec, const ckks::Context& context) {
  formats::EvaluationKeySelection selection{.relinearization = spec.relinearization, .rotations = {}, .conjugation = false, .q_limbs = 0, .entries = {}};
  for (const fheml::Rotation& rotation : spec.rotations) {
    selection.entries.push_back({fhe::rlwe::rotation_element(context.ring()->log_degree(), rotation.steps), context.q_limbs(rotation.level)});
  }
  return selection;
}

bool is_batch(const fheml::ClientSpec& spec) { return spec.packing == fheml::Packing::kBatch; }

// An input or output of a program: one ciphertext, or one for each element of a batch.
struct Ciphertexts {
  std::vector<ckks::Ciphertext> elements;
  std::size_t samples = 1;
};

base::Result<Ciphertexts> read_ciphertexts(const Path& path, formats::Contexts& contexts, const formats::KeyId& key_id,
                                           const fheml::ClientSpec& spec, const model::Shape& shape) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxCiphertextFileBytes));
  BLINDPROOF_ASSIGN(formats::CiphertextFile file, in_file(path, formats::parse_ciphertexts(bytes, contexts)));
  const auto mismatch = [&](std::string detail) { return base::error(ErrorCode::kMismatch, path.string(), std::move(detail)); };
  if (file.header.key_id != key_id) return mismatch("was encrypted under another key than the one given");
  const bool batch = file.layout.content == formats::Content::kBatch;
  if (!batch && file.layout.content != formats::Content::kProgram) {
    return mismatch("is not the input or output of a program: encrypt with --spec");
  }
  if (batch != is_batch(spec)) {
    return mismatch(batch ? "holds a batch of samples, but the program was lowered for one at a time"
                          : "holds one sample, but the program was lowered for batches");
  }
  auto& elements = std::get<std::vector<ckks::Ciphertext>>(file.ciphertexts);
  const std::size_t expected = batch ? model::element_count(shape) : 1;
  if (elements.size() != expected) {
    return mismatch("has " + std::to_string(elements.size()) + " ciphertexts, where the program has " + std::to_string(expected));
  }
  return Ciphertexts{std::move(elements), batch ? file.layout.shape[0] : 1};
}

formats::Layout layout_of(const fheml::ClientSpec& spec, std::size_t samples) {
  if (!is_batch(spec)) return {};
  return {formats::Content::kBatch, {samples}};
}

base::Status check_range(const Path& path, const fheml::ClientSpec& spec, const std::vector<float>& sample) {
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (!(std::abs(static_cast<double>(sample[i])) <= spec.input_magnitude)) {
      return base::error(ErrorCode::kInvalidArgument, path.string(),
                         "value " + std::to_string(i) + " exceeds " + std::to_string(spec.input_magnitude) +
                             ", the largest that the model was prepared for");
    }
  }
  return {};
}

// One sample, or all those of a batch.
base::Result<std::vector<std::vector<float>>> read_inputs(const EncryptInputRequest& request, const fheml::ClientSpec& spec,
                                                          std::size_t slots) {
  if (!is_batch(spec) || request.index) {
    BLINDPROOF_ASSIGN(std::vector<float> sample, read_sample(request.input, spec.input_shape, request.index));
    return std::vector<std::vector<float>>(1, std::move(sample));
  }
  BLINDPROOF_ASSIGN(Samples samples, read_samples(request.input, spec.input_shape));
  if (samples.x.size() > slots) {
    return base::error(ErrorCode::kLimit, request.input.string(),
                       "holds " + std::to_string(samples.x.size()) + " samples; a batch has at most " + std::to_string(slots));
  }
  return std::move(samples.x);
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
  for (const std::vector<float>& sample : samples) BLINDPROOF_TRY(check_range(request.input, spec, sample));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  const Stopwatch watch;
  std::vector<ckks::Ciphertext> ciphertexts;
  if (is_batch(spec)) {
    BLINDPROOF_ASSIGN(ciphertexts, encrypt_batch(context, key.key, samples));
  } else {
    const std::vector<double> values(samples[0].begin(), samples[0].end());
    const std::vector<double> slots = fheml::spread(spec.input, values, context->slots());
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::Encoder(context).encode(slots, context->top_level()));
    crypto::Csprng random;
    ciphertexts.push_back(ckks::encrypt(key.key, plaintext, random));
  }
  BLINDPROOF_ASSIGN(const base::Bytes bytes,
                    formats::write_ciphertexts({key.header, layout_of(spec, samples.size()), std::move(ciphertexts)}));
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
  BLINDPROOF_ASSIGN(Ciphertexts input, read_ciphertexts(request.input, contexts, keys.header().key_id, client, client.input_shape));
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
  BLINDPROOF_ASSIGN(const Ciphertexts output, read_ciphertexts(request.input, contexts, key.header.key_id, spec, spec.output_shape));
  for (const ckks::Ciphertext& element : output.elements) {
    if (element.level() == spec.output_level) continue;
    return base::error(ErrorCode::kMismatch, request.input.string(),
                       "is at level " + std::to_string(element.level()) + ", the program's output at " + std::to_string(spec.output_level));
  }
  const Stopwatch watch;
  std::vector<std::vector<double>> results;
  if (is_batch(spec)) {
    BLINDPROOF_ASSIGN(results, decrypt_batch(spec, key.key, output.elements, output.samples));
  } else {
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(key.key, output.elements[0]));
    results.push_back(fheml::finish(spec, fheml::gather(spec.output, ckks::Encoder(context).decode_real(plaintext))));
  }
  DecryptOutputOutcome outcome{.parameters = describe(context), .shape = spec.output_shape, .samples = output.samples};
  if (spec.finish == fheml::Finish::kArgMax && !outcome.shape.empty()) outcome.shape.pop_back();
  for (const std::vector<double>& values : results) {
    outcome.values.insert(outcome.values.end(), values.begin(), values.end());
    if (spec.finish == fheml::Finish::kArgMax) {
      if (values.size() == 1) outcome.classes.push_back(static_cast<std::size_t>(values[0]));
    } else if (values.size() > 1 && !outcome.shape.empty() && outcome.shape.back() == values.size()) {
      outcome.classes.push_back(static_cast<std::size_t>(std::ranges::max_element(values) - values.begin()));
    }
  }
  if (is_batch(spec)) outcome.shape.insert(outcome.shape.begin(), output.samples);
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_reals(request.out, outcome.shape, outcome.values, base::FileMode::kSecret));
  return outcome;
}

}  // namespace blindproof::engine
