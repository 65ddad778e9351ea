#include "blindproof/engine/fhe_exact.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/client_side/fhe_exact.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/packing.h"
#include "blindproof/fheml/exact_batch_executor.h"
#include "blindproof/fheml/exact_coefficient_executor.h"
#include "blindproof/fheml/exact_executor.h"

namespace blindproof::engine {
namespace {

namespace formats = fhe::formats;
using base::ErrorCode;
using base::Int128;
using client_side::contexts_of;
using client_side::decrypt_integers;
using client_side::encrypt_integers;
using client_side::is_batch;
using client_side::per_prime;
using client_side::selection_of;
using client_side::with_scheme;
using fheml::ExactClientSpec;
using fheml::ExactProgram;
using fheml::ExactScheme;

template <class T>
base::Result<T> read_whole(const Path& path, std::size_t max_bytes, base::Result<T> (*parse)(base::ByteSpan)) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, max_bytes));
  return in_file(path, parse(bytes));
}

template <class Scheme>
using Ciphertexts = client_side::ExactCiphertexts<Scheme>;

template <class Scheme>
base::Result<Ciphertexts<Scheme>> read_ciphertexts(const Path& path, formats::Contexts& known, const formats::KeyId& key_id,
                                                   const ExactClientSpec& spec, const model::Shape& shape,
                                                   const std::vector<typename Scheme::ContextPtr>& contexts) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxCiphertextFileBytes));
  return in_file(path, client_side::parse_exact_ciphertexts<Scheme>(bytes, known, key_id, spec, shape, contexts));
}

template <class Scheme>
base::Result<Ciphertexts<Scheme>> sanitized(Ciphertexts<Scheme> outputs, const fhe::rlwe::PublicKey& key, int hiding_bits) {
  std::vector<std::optional<base::Result<typename Scheme::Ciphertext>>> made(outputs.elements.size());
  base::parallel_for(made.size(), [&](std::size_t i) {
    crypto::Csprng random;
    made[i].emplace(sanitize(outputs.elements[i], key, hiding_bits, random));
  });
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i]->ok()) return std::move(*made[i]).error();
    outputs.elements[i] = *std::move(*made[i]);
  }
  return outputs;
}

// The program for one sample at a time, on slots or coefficients, or for batches.
template <class Scheme>
class Runner {
 public:
  static base::Result<Runner> create(ExactProgram program, const std::vector<typename Scheme::ContextPtr>& contexts,
                                     const base::Progress& progress = {}) {
    Runner runner;
    if constexpr (Scheme::kScheme == ExactScheme::kBfv) {
      if (is_batch(program.client)) {
        BLINDPROOF_ASSIGN(runner.batch_, fheml::ExactBatchExecutor::create(std::move(program), contexts));
        return runner;
      }
      if (program.client.coefficients) {
        BLINDPROOF_ASSIGN(runner.linear_, fheml::ExactCoefficientExecutor::create(std::move(program), contexts));
        return runner;
      }
    }
    BLINDPROOF_ASSIGN(runner.single_, fheml::ExactExecutor<Scheme>::create(std::move(program), contexts, progress));
    return runner;
  }
  std::size_t bytes() const { return single_ ? single_->bytes() : batch_ ? batch_->bytes() : linear_->bytes(); }

  base::Result<Ciphertexts<Scheme>> run(Ciphertexts<Scheme> input, const fhe::rlwe::KeySwitchKey* relinearization,
                                        const fhe::rlwe::GaloisKeys& rotations, const base::Progress& progress = {}) const {
    Ciphertexts<Scheme> output{{}, input.samples};
    if constexpr (Scheme::kScheme == ExactScheme::kBfv) {
      if (batch_) {
        BLINDPROOF_ASSIGN(output.elements, batch_->run(std::move(input.elements), relinearization, progress));
        return output;
      }
      if (linear_) {
        BLINDPROOF_ASSIGN(output.elements, linear_->run(input.elements));
        return output;
      }
    }
    BLINDPROOF_ASSIGN(output.elements, single_->run(input.elements, relinearization, rotations, progress));
    return output;
  }

 private:
  std::optional<fheml::ExactExecutor<Scheme>> single_;
  std::optional<fheml::ExactBatchExecutor> batch_;
  std::optional<fheml::ExactCoefficientExecutor> linear_;
};

std::size_t bytes_of_weights(const ExactProgram& program, const fhe::rlwe::Ring& ring) {
  if (program.client.coefficients) return program.client.parameters.primes.size() * ring.q_count() * ring.degree() * sizeof(std::uint64_t);
  if (is_batch(program.client)) {
    std::size_t entries = 0;
    for (const fheml::ExactStep& step : program.steps) {
      const auto* affine = std::get_if<fheml::ExactAffineStep>(&step);
      if (affine == nullptr) continue;
      for (const auto& term : affine->terms) entries += term.matrix.entries();
    }
    return entries * sizeof(std::int64_t);
  }
  const auto levels = fheml::levels_of(program.steps, program.client.parameters.limbs - 1);
  const auto skeletons = fheml::skeletons_of(program);
  std::size_t polynomials = 0;  // of one modulus
  for (std::size_t i = 0; i < skeletons.size(); ++i) {
    const bool leveled = program.client.parameters.scheme == ExactScheme::kBgv;
    const std::size_t q_limbs = leveled ? static_cast<std::size_t>(levels[i + 1]) + 2 : ring.q_count();
    for (const fheml::MatrixSkeleton& skeleton : skeletons[i]) polynomials += skeleton.diagonals * ring.limbs({q_limbs, true});
  }
  return program.client.parameters.primes.size() * polynomials * ring.degree() * sizeof(std::uint64_t);
}

template <class Scheme>
base::Result<LowerOutcome> lower_with(const LowerRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_TRY(check_writable(request.spec));
  progress.report("reading", 0, 0);
  BLINDPROOF_ASSIGN(const model::ModelFile file, read_model(request.model));
  progress.report("lowering", 0, 0);
  const compiler::LowerExactOptions options{Scheme::kScheme, request.options.hiding_bits, request.options.packing, request.options.security};
  BLINDPROOF_ASSIGN(const compiler::LowerExactOutcome lowered, in_file(request.model, compiler::lower_exact(file.graph, options)));
  const ExactClientSpec& client = lowered.program.client;
  BLINDPROOF_ASSIGN(const auto contexts, in_file(request.model, contexts_of<Scheme>(client.parameters)));
  const fhe::rlwe::Ring& ring = *contexts[0]->ring();

  LowerOutcome outcome{.parameters = describe(contexts[0]), .steps = lowered.steps, .rotations = client.rotations.size(),
                       .relinearization = client.relinearization};
  outcome.key_bytes = formats::entries_of(contexts[0], selection_of(client)).size() * formats::evaluation_key_bytes(ring, ring.q_count());
  outcome.ciphertext_bytes =
      contexts.size() * per_prime(client, client.input_shape) * formats::packed_bytes(ring, {ring.q_count(), false});
  if (is_batch(client)) outcome.max_samples = ring.degree();
  outcome.weight_bytes = bytes_of_weights(lowered.program, ring);
  outcome.plaintext_moduli = client.parameters.primes;
  outcome.output_bits = client.output_bits;
  const base::Bytes program = fheml::write_exact_program(lowered.program), spec = fheml::write_exact_client_spec(client);
  BLINDPROOF_ASSIGN(outcome.program_bytes, write_bytes(request.out, program, base::FileMode::kSecret));
  BLINDPROOF_ASSIGN(outcome.spec_bytes, write_bytes(request.spec, spec, base::FileMode::kPublic));
  outcome.seconds = watch.seconds();
  return outcome;
}

template <class Scheme>
base::Result<EncryptInputOutcome> encrypt_with(const ExactClientSpec& spec, const EncryptInputRequest& request) {
  BLINDPROOF_ASSIGN(const auto contexts, in_file(request.spec, contexts_of<Scheme>(spec.parameters)));
  std::vector<std::vector<float>> samples;
  if (is_batch(spec) && !request.index) {
    BLINDPROOF_ASSIGN(Samples read, read_samples(request.input, spec.input_shape));
    samples = std::move(read.x);
  } else {
    BLINDPROOF_ASSIGN(std::vector<float> sample, read_sample(request.input, spec.input_shape, request.index));
    samples.push_back(std::move(sample));
  }
  BLINDPROOF_ASSIGN(const std::vector<std::vector<std::int64_t>> integers,
                    in_file(request.input, client_side::quantize_samples(spec, samples, contexts[0]->slots().slots())));
  formats::Contexts known(contexts[0]);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, known, request.ask_passphrase));
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(auto ciphertexts, encrypt_integers<Scheme>(contexts, spec, key.key, integers));
  BLINDPROOF_ASSIGN(const base::Bytes bytes, client_side::write_exact_ciphertexts<Scheme>(key.header, spec, std::move(ciphertexts), contexts));
  EncryptInputOutcome outcome{.parameters = describe(contexts[0]), .samples = samples.size()};
  outcome.seconds = watch.seconds();
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

template <class Scheme>
base::Result<InferOutcome> infer_with(ExactProgram program, const InferRequest& request, const Stopwatch& loading,
                                      const base::Progress& progress) {
  const ExactClientSpec client = program.client;
  const int hiding_bits = request.no_model_privacy ? 0 : client.hiding_bits;
  BLINDPROOF_ASSIGN(auto contexts, in_file(request.program, contexts_of<Scheme>(client.parameters)));
  formats::Contexts known(contexts[0]);
  BLINDPROOF_ASSIGN(const formats::EvaluationKeyFile keys,
                    in_file(request.evaluation_keys, formats::EvaluationKeyFile::open(request.evaluation_keys, known)));
  BLINDPROOF_ASSIGN(auto input, read_ciphertexts<Scheme>(request.input, known, keys.header().key_id, client, client.input_shape, contexts));
  for (const auto& one : input.elements) {
    if (one.seed() && Scheme::is_fresh(one)) continue;
    return base::error(ErrorCode::kMismatch, request.input.string(), "isn't a fresh encryption of an input: encrypt with --spec");
  }
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  if (client.relinearization) {
    BLINDPROOF_ASSIGN(relinearization, in_file(request.evaluation_keys, keys.load_relinearization_key()));
  }
  std::vector<std::size_t> elements;
  for (const std::int64_t steps : client.rotations) {
    elements.push_back(fhe::rlwe::rotation_element(contexts[0]->ring()->log_degree(), steps));
  }
  BLINDPROOF_ASSIGN(const fhe::rlwe::GaloisKeys rotations, in_file(request.evaluation_keys, keys.load_galois_keys(elements)));
  std::optional<formats::PublicKeyFile> public_key;
  if (hiding_bits > 0) {
    const Path path = request.public_key.empty() ? request.evaluation_keys.parent_path() / kPublicKeyName : request.public_key;
    BLINDPROOF_ASSIGN(public_key, read_public_key(path, known));
    if (public_key->header.key_id != keys.header().key_id) {
      return base::error(ErrorCode::kMismatch, path.string(), "is of another secret key than the evaluation keys");
    }
  }
  InferOutcome outcome{.parameters = describe(contexts[0]), .samples = input.samples, .hiding_bits = hiding_bits};
  outcome.load_seconds = loading.seconds();

  const Stopwatch encoding;
  BLINDPROOF_ASSIGN(const auto runner, Runner<Scheme>::create(std::move(program), contexts, progress));
  outcome.encode_seconds = encoding.seconds();
  const Stopwatch inferring;
  BLINDPROOF_ASSIGN(auto output, runner.run(std::move(input), relinearization ? &*relinearization : nullptr, rotations, progress));
  if (public_key) {
    BLINDPROOF_ASSIGN(output, sanitized<Scheme>(std::move(output), public_key->key, hiding_bits));
  }
  outcome.infer_seconds = inferring.seconds();
  BLINDPROOF_ASSIGN(const base::Bytes bytes, client_side::write_exact_ciphertexts<Scheme>(keys.header(), client, std::move(output), contexts));
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

template <class Scheme>
base::Result<DecryptOutputOutcome> decrypt_with(const ExactClientSpec& spec, const DecryptOutputRequest& request) {
  BLINDPROOF_ASSIGN(const auto contexts, in_file(request.spec, contexts_of<Scheme>(spec.parameters)));
  formats::Contexts known(contexts[0]);
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, known, request.ask_passphrase));
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(request.input, kMaxCiphertextFileBytes));
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(client_side::Answers answers,
                    in_file(request.input, client_side::decrypt_exact_output<Scheme>(spec, contexts, key, known, bytes)));
  DecryptOutputOutcome outcome{.parameters = describe(contexts[0]), .shape = std::move(answers.shape), .samples = answers.samples};
  outcome.values = std::move(answers.values);
  outcome.integers = std::move(answers.integers);
  outcome.classes = std::move(answers.classes);
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_reals(request.out, outcome.shape, outcome.values, base::FileMode::kSecret));
  return outcome;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <class Scheme>
base::Result<ExactInferenceOutcome> run_with(const ExactInferenceRequest& request, const base::Progress& progress) {
  const model::IntegerGraph& graph = *request.graph;
  Stopwatch watch;
  BLINDPROOF_ASSIGN(compiler::LowerExactOutcome lowered, compiler::lower_exact(graph, request.options));
  const ExactClientSpec client = lowered.program.client;
  BLINDPROOF_ASSIGN(const auto contexts, contexts_of<Scheme>(client.parameters));
  ExactInferenceOutcome outcome{.parameters = describe(contexts[0]), .exact = client.parameters};
  outcome.lower_s = watch.seconds();

  watch = {};
  progress.report("keys", 0, 0);
  const fhe::rlwe::RingPtr& ring = contexts[0]->ring();
  const std::uint64_t multiplier = formats::error_multiplier_of(contexts[0]);
  crypto::Csprng random;
  const fhe::rlwe::SecretKey secret = fhe::rlwe::SecretKey::generate(ring, random);
  const fhe::rlwe::PublicKey public_key = fhe::rlwe::PublicKey::generate(secret, multiplier, random);
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  if (client.relinearization) relinearization = fhe::rlwe::make_relinearization_key(secret, ring->q_count(), multiplier, random);
  const fhe::rlwe::GaloisKeys rotations =
      fhe::rlwe::make_rotation_keys(secret, client.rotations, false, ring->q_count(), multiplier, random);
  outcome.key_generation_s = watch.seconds();
  outcome.key_bytes = formats::entries_of(contexts[0], selection_of(client)).size() * formats::evaluation_key_bytes(*ring, ring->q_count());

  watch = {};
  BLINDPROOF_ASSIGN(const auto runner, Runner<Scheme>::create(std::move(lowered.program), contexts, progress));
  outcome.encode_weights_s = watch.seconds();
  outcome.weight_bytes = runner.bytes();

  // One after the other; a batch takes all at once.
  outcome.batch = is_batch(client) ? request.inputs.size() : 1;
  if (outcome.batch > contexts[0]->slots().slots()) {
    return base::error(ErrorCode::kLimit, "exact inference", "a batch has at most " + std::to_string(contexts[0]->slots().slots()) + " samples");
  }
  std::vector<double> encrypt_s, latency_s, decrypt_s, plain_s;
  for (std::size_t i = 0; i < request.inputs.size(); i += outcome.batch) {
    progress.report("inference", i, request.inputs.size());
    std::vector<std::vector<std::int64_t>> samples;
    for (std::size_t k = i; k < i + outcome.batch; ++k) {
      BLINDPROOF_ASSIGN(std::vector<std::int64_t> integers, model::quantize_input(graph.architecture, request.inputs[k]));
      samples.push_back(std::move(integers));
    }
    watch = {};
    BLINDPROOF_ASSIGN(const auto input, encrypt_integers<Scheme>(contexts, client, secret, samples));
    encrypt_s.push_back(watch.seconds());
    Ciphertexts<Scheme> received = input;
    watch = {};
    BLINDPROOF_ASSIGN(auto output, runner.run(std::move(received), relinearization ? &*relinearization : nullptr, rotations));
    if (client.hiding_bits > 0) {
      BLINDPROOF_ASSIGN(output, sanitized<Scheme>(std::move(output), public_key, client.hiding_bits));
    }
    latency_s.push_back(watch.seconds());
    watch = {};
    BLINDPROOF_ASSIGN(std::vector<std::vector<Int128>> decrypted, decrypt_integers<Scheme>(client, secret, output));
    for (const std::vector<Int128>& integers : decrypted) {
      outcome.reals.push_back(model::dequantize_output(fheml::interface_of(client), integers));
    }
    decrypt_s.push_back(watch.seconds());
    for (std::size_t k = 0; k < samples.size(); ++k) {
      watch = {};
      outcome.equal += model::run_integer(graph, samples[k]) == decrypted[k];
      plain_s.push_back(watch.seconds());
    }
    std::ranges::move(decrypted, std::back_inserter(outcome.outputs));
    if (i > 0) continue;
    const formats::Header header{contexts[0], {}};
    BLINDPROOF_ASSIGN(const base::Bytes input_file, client_side::write_exact_ciphertexts<Scheme>(header, client, input, contexts));
    BLINDPROOF_ASSIGN(const base::Bytes output_file, client_side::write_exact_ciphertexts<Scheme>(header, client, std::move(output), contexts));
    outcome.ciphertext_bytes = input_file.size();
    outcome.output_bytes = output_file.size();
  }
  outcome.encrypt_s = median(encrypt_s);
  outcome.latency_s = median(latency_s);
  outcome.decrypt_s = median(decrypt_s);
  outcome.plain_s = median(plain_s);
  return outcome;
}

}  // namespace

base::Result<ExactProgram> read_exact_program(const Path& path) { return read_whole(path, kMaxProgramBytes, fheml::parse_exact_program); }

base::Result<ExactClientSpec> read_exact_client_spec(const Path& path) {
  return read_whole(path, kMaxClientSpecBytes, fheml::parse_exact_client_spec);
}

bool is_exact_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 7> header{};
  file.read(header.data(), header.size());
  return file.good() && fheml::is_exact(base::as_bytes({header.data(), header.size()}));
}

base::Result<LowerOutcome> lower_exact_model(const LowerRequest& request, const base::Progress& progress) {
  return with_scheme(*request.scheme, [&]<class Scheme>(Scheme) { return lower_with<Scheme>(request, progress); });
}

base::Result<GenerateKeysOutcome> generate_exact_keys_for(const Path& spec, const Path& folder,
                                                          const std::optional<crypto::SecretBytes>& passphrase,
                                                          const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const ExactClientSpec client, read_exact_client_spec(spec));
  GenerateKeysRequest request{.parameters = "", .folder = folder, .evaluation = selection_of(client), .passphrase = {}};
  if (passphrase) request.passphrase = passphrase->clone();
  return with_scheme(client.parameters.scheme, [&]<class Scheme>(Scheme) -> base::Result<GenerateKeysOutcome> {
    BLINDPROOF_ASSIGN(const auto contexts, in_file(spec, contexts_of<Scheme>(client.parameters)));
    return generate_fhe_keys(contexts[0], request, progress);
  });
}

base::Result<EncryptInputOutcome> encrypt_exact_input(const EncryptInputRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const ExactClientSpec spec, read_exact_client_spec(request.spec));
  return with_scheme(spec.parameters.scheme, [&]<class Scheme>(Scheme) { return encrypt_with<Scheme>(spec, request); });
}

base::Result<InferOutcome> infer_exact(const InferRequest& request, const base::Progress& progress) {
  BLINDPROOF_TRY(check_writable(request.out));
  const Stopwatch loading;
  BLINDPROOF_ASSIGN(ExactProgram program, read_exact_program(request.program));
  if (program.client.hiding_bits == 0 && !request.no_model_privacy) return no_room_for_privacy(request.program);
  return with_scheme(program.client.parameters.scheme, [&]<class Scheme>(Scheme) {
    return infer_with<Scheme>(std::move(program), request, loading, progress);
  });
}

base::Result<DecryptOutputOutcome> decrypt_exact_output(const DecryptOutputRequest& request) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const ExactClientSpec spec, read_exact_client_spec(request.spec));
  return with_scheme(spec.parameters.scheme, [&]<class Scheme>(Scheme) { return decrypt_with<Scheme>(spec, request); });
}

base::Result<ExactInferenceOutcome> run_exact_inference(const ExactInferenceRequest& request, const base::Progress& progress) {
  if (request.graph == nullptr || request.inputs.empty()) {
    return base::error(ErrorCode::kInvalidArgument, "exact inference", "takes a graph and one input at least");
  }
  return with_scheme(request.options.scheme, [&]<class Scheme>(Scheme) { return run_with<Scheme>(request, progress); });
}

}  // namespace blindproof::engine
