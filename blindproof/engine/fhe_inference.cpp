#include "blindproof/engine/fhe_inference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/packing.h"
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

formats::EvaluationKeySelection selection_of(const fheml::ClientSpec& spec) {
  return {.relinearization = spec.relinearization, .rotations = spec.rotations, .conjugation = false, .q_limbs = 0};
}

// The one ciphertext of an input or output.
base::Result<ckks::Ciphertext> read_ciphertext(const Path& path, formats::Contexts& contexts, const formats::KeyId& key_id) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxCiphertextFileBytes));
  BLINDPROOF_ASSIGN(formats::CiphertextFile file, in_file(path, formats::parse_ciphertexts(bytes, contexts)));
  if (file.header.key_id != key_id) {
    return base::error(ErrorCode::kMismatch, path.string(), "was encrypted under another key than the one given");
  }
  auto& ciphertexts = std::get<std::vector<ckks::Ciphertext>>(file.ciphertexts);
  if (file.layout.content != formats::Content::kProgram || ciphertexts.size() != 1) {
    return base::error(ErrorCode::kMismatch, path.string(), "is not the input or output of a program: encrypt with --spec");
  }
  return std::move(ciphertexts[0]);
}

}  // namespace

base::Result<fheml::Program> read_program(const Path& path) { return read_whole(path, kMaxProgramBytes, fheml::parse_program); }

base::Result<fheml::ClientSpec> read_client_spec(const Path& path) {
  return read_whole(path, kMaxClientSpecBytes, fheml::parse_client_spec);
}

base::Result<LowerOutcome> lower_model(const LowerRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_TRY(check_writable(request.spec));
  progress.report("reading", 0, 0);
  BLINDPROOF_ASSIGN(const model::ModelFile file, read_model(request.model));
  if (!file.float_graph) {
    return base::error(ErrorCode::kInvalidArgument, request.model.string(), "has no float network inside: compile it again");
  }
  progress.report("lowering", 0, 0);
  BLINDPROOF_ASSIGN(const compiler::LowerFheOutcome lowered,
                    in_file(request.model, compiler::lower_fhe(*file.float_graph, file.float_ranges, request.options)));
  const fheml::ClientSpec& client = lowered.program.client;
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.model, client));
  const fhe::rlwe::Ring& ring = *context->ring();

  LowerOutcome outcome{.parameters = describe(context), .steps = lowered.steps, .rotations = client.rotations.size(),
                       .relinearization = client.relinearization};
  outcome.key_bytes = formats::entries_of(context, selection_of(client)).size() * formats::evaluation_key_bytes(ring, ring.q_count());
  outcome.ciphertext_bytes = formats::packed_bytes(ring, {ring.q_count(), false});
  for (const compiler::StepSummary& step : lowered.steps) {
    outcome.weight_bytes += step.diagonals * ring.limbs({context->q_limbs(step.level + 1), true}) * ring.degree() * sizeof(std::uint64_t);
  }
  const base::Bytes program = fheml::write_program(lowered.program), spec = fheml::write_client_spec(client);
  BLINDPROOF_ASSIGN(outcome.program_bytes, write_bytes(request.out, program, base::FileMode::kSecret));
  BLINDPROOF_ASSIGN(outcome.spec_bytes, write_bytes(request.spec, spec, base::FileMode::kPublic));
  outcome.seconds = watch.seconds();
  return outcome;
}

base::Result<GenerateKeysOutcome> generate_keys_for(const Path& spec, const Path& folder,
                                                    const std::optional<crypto::SecretBytes>& passphrase,
                                                    const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const fheml::ClientSpec client, read_client_spec(spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(spec, client));
  GenerateKeysRequest request{.parameters = "", .folder = folder, .evaluation = selection_of(client), .passphrase = {}};
  if (passphrase) request.passphrase = passphrase->clone();
  return generate_fhe_keys(context, request, progress);
}

base::Result<EncryptInputOutcome> encrypt_input(const EncryptInputRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, read_client_spec(request.spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.spec, spec));
  BLINDPROOF_ASSIGN(const std::vector<float> sample, read_sample(request.input, spec.input_shape, request.index));
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (!(std::abs(static_cast<double>(sample[i])) <= spec.input_magnitude)) {
      return base::error(ErrorCode::kInvalidArgument, request.input.string(),
                         "value " + std::to_string(i) + " exceeds " + std::to_string(spec.input_magnitude) +
                             ", the largest that the model was prepared for");
    }
  }
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  const Stopwatch watch;
  const std::vector<double> slots = fheml::spread(spec.input, std::vector<double>(sample.begin(), sample.end()), context->slots());
  BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::Encoder(context).encode(slots, context->top_level()));
  crypto::Csprng random;
  const ckks::Ciphertext ciphertext = ckks::encrypt(key.key, plaintext, random);
  BLINDPROOF_ASSIGN(const base::Bytes bytes, formats::write_ciphertexts({key.header, {}, std::vector{ciphertext}}));
  EncryptInputOutcome outcome{.parameters = describe(context)};
  outcome.seconds = watch.seconds();
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<InferOutcome> infer(const InferRequest& request, const base::Progress& progress) {
  if (!request.no_model_privacy) {
    return base::error(ErrorCode::kUnsupported, "model privacy",
                       "outputs can't be flooded yet: with the secret key, their noise tells something of the weights. Where the client may "
                       "learn that, say --no-model-privacy");
  }
  BLINDPROOF_TRY(check_writable(request.out));
  const Stopwatch loading;
  BLINDPROOF_ASSIGN(fheml::Program program, read_program(request.program));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.program, program.client));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::EvaluationKeyFile keys,
                    in_file(request.evaluation_keys, formats::EvaluationKeyFile::open(request.evaluation_keys, contexts)));
  BLINDPROOF_ASSIGN(const ckks::Ciphertext input, read_ciphertext(request.input, contexts, keys.header().key_id));
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  if (program.client.relinearization) {
    BLINDPROOF_ASSIGN(relinearization, in_file(request.evaluation_keys, keys.load_relinearization_key()));
  }
  fhe::rlwe::GaloisKeys rotations;
  for (const std::int64_t steps : program.client.rotations) {
    const std::size_t element = fhe::rlwe::rotation_element(context->ring()->log_degree(), steps);
    BLINDPROOF_ASSIGN(fhe::rlwe::GaloisKey key, in_file(request.evaluation_keys, keys.load_galois_key(element)));
    rotations.insert(std::move(key));
  }
  InferOutcome outcome{.parameters = describe(context)};
  outcome.load_seconds = loading.seconds();

  const Stopwatch encoding;
  BLINDPROOF_ASSIGN(const fheml::Executor executor, fheml::Executor::create(std::move(program), context, progress));
  outcome.encode_seconds = encoding.seconds();
  const Stopwatch inferring;
  BLINDPROOF_ASSIGN(const ckks::Ciphertext output,
                    executor.run(input, relinearization ? &*relinearization : nullptr, rotations, progress));
  outcome.infer_seconds = inferring.seconds();
  outcome.error_bound = output.error_bound() * executor.program().client.output_scale;
  BLINDPROOF_ASSIGN(const base::Bytes bytes, formats::write_ciphertexts({keys.header(), {}, std::vector{output}}));
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<DecryptOutputOutcome> decrypt_output(const DecryptOutputRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, read_client_spec(request.spec));
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, context_of(request.spec, spec));
  formats::Contexts contexts(context);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  BLINDPROOF_ASSIGN(const ckks::Ciphertext output, read_ciphertext(request.input, contexts, key.header.key_id));
  if (output.level() != spec.output_level) {
    return base::error(ErrorCode::kMismatch, request.input.string(),
                       "is at level " + std::to_string(output.level()) + ", the program's output at " + std::to_string(spec.output_level));
  }
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(key.key, output));
  DecryptOutputOutcome outcome{.parameters = describe(context), .shape = spec.output_shape};
  outcome.values = fheml::finish(spec, fheml::gather(spec.output, ckks::Encoder(context).decode_real(plaintext)));
  if (spec.finish == fheml::Finish::kArgMax) {
    if (!outcome.shape.empty()) outcome.shape.pop_back();
    if (outcome.values.size() == 1) outcome.top_class = static_cast<std::size_t>(outcome.values[0]);
  } else if (outcome.values.size() > 1 && !outcome.shape.empty() && outcome.shape.back() == outcome.values.size()) {
    outcome.top_class = static_cast<std::size_t>(std::ranges::max_element(outcome.values) - outcome.values.begin());
  }
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_reals(request.out, outcome.shape, outcome.values, base::FileMode::kSecret));
  return outcome;
}

}  // namespace blindproof::engine
