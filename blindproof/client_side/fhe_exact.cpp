#include "blindproof/client_side/fhe_exact.h"

#include <algorithm>
#include <optional>
#include <string>

#include "blindproof/base/thread_pool.h"

namespace blindproof::client_side {
namespace {

namespace formats = fhe::formats;
using base::ErrorCode;
using base::Int128;
using fheml::Bfv;
using fheml::Bgv;
using fheml::ExactClientSpec;

base::Error mismatch(std::string detail) { return base::error(ErrorCode::kMismatch, "", std::move(detail)); }

// The same parts as ciphertexts of these contexts in turn, over one ring; errors are as of fresh ones.
template <class Scheme>
std::vector<typename Scheme::Ciphertext> under(std::vector<typename Scheme::Ciphertext> ciphertexts,
                                               const std::vector<typename Scheme::ContextPtr>& contexts) {
  const std::size_t each = ciphertexts.size() / contexts.size();
  std::vector<typename Scheme::Ciphertext> result;
  for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
    const auto& context = contexts[i / each];
    result.push_back(Scheme::assume(context, std::move(ciphertexts[i]), predict_fresh(*context)));
  }
  return result;
}

// make(i) for all i below count on several threads.
template <class Scheme>
base::Result<std::vector<typename Scheme::Ciphertext>> make_each(std::size_t count, auto&& make) {
  std::vector<std::optional<base::Result<typename Scheme::Ciphertext>>> made(count);
  base::parallel_for(count, [&](std::size_t i) { made[i].emplace(make(i)); });
  std::vector<typename Scheme::Ciphertext> result;
  for (auto& one : made) {
    if (!one->ok()) return std::move(*one).error();
    result.push_back(*std::move(*one));
  }
  return result;
}

}  // namespace

template <class Scheme>
base::Result<std::vector<typename Scheme::ContextPtr>> contexts_of(const fheml::ExactParameters& parameters) {
  BLINDPROOF_ASSIGN(const auto first, Scheme::create(parameters, parameters.primes[0]));
  return Scheme::contexts(first, parameters);
}

formats::EvaluationKeySelection selection_of(const ExactClientSpec& spec) {
  formats::EvaluationKeySelection result;
  result.relinearization = spec.relinearization;
  result.rotations = spec.rotations;
  return result;
}

std::size_t per_prime(const ExactClientSpec& spec, const model::Shape& shape) { return is_batch(spec) ? model::element_count(shape) : 1; }

base::Result<std::vector<std::vector<std::int64_t>>> quantize_samples(const ExactClientSpec& spec, const std::vector<std::vector<float>>& samples,
                                                                      std::size_t slots) {
  if (samples.empty()) return base::error(ErrorCode::kInvalidArgument, "", "holds no samples");
  if (samples.size() > (is_batch(spec) ? slots : 1)) {
    return base::error(ErrorCode::kLimit, "", "holds " + std::to_string(samples.size()) + " samples; " +
                                                  (is_batch(spec) ? "a batch has at most " + std::to_string(slots)
                                                                  : std::string("the program was lowered for one at a time")));
  }
  const model::Architecture interface = fheml::interface_of(spec);
  std::vector<std::vector<std::int64_t>> integers;
  for (const std::vector<float>& sample : samples) {
    BLINDPROOF_ASSIGN(std::vector<std::int64_t> quantized, model::quantize_input(interface, sample));
    integers.push_back(std::move(quantized));
  }
  return integers;
}

template <class Scheme>
base::Result<ExactCiphertexts<Scheme>> encrypt_integers(const std::vector<typename Scheme::ContextPtr>& contexts, const ExactClientSpec& spec,
                                                   const fhe::rlwe::SecretKey& key, const std::vector<std::vector<std::int64_t>>& samples) {
  const std::size_t each = per_prime(spec, spec.input_shape);
  BLINDPROOF_ASSIGN(auto elements, make_each<Scheme>(each * contexts.size(), [&](std::size_t i) -> base::Result<typename Scheme::Ciphertext> {
    const auto& context = contexts[i / each];
    std::vector<std::int64_t> slots;
    if (is_batch(spec)) {
      for (const auto& sample : samples) slots.push_back(context->t().centered(context->t().reduce_signed(sample[i % each])));
    } else if (!spec.coefficients) {
      slots = fheml::spread(spec.input, samples[0], spec.parameters.slots(), context->t());
    }
    BLINDPROOF_ASSIGN(auto plaintext, Scheme::encode(context, slots));
    if (spec.coefficients) {
      std::vector<std::uint64_t> coefficients(context->slots().slots());
      std::ranges::transform(samples[0], coefficients.begin(), [&](std::int64_t x) { return context->t().reduce_signed(x); });
      plaintext = typename Scheme::Plaintext(context, std::move(coefficients));
    }
    crypto::Csprng random;
    return encrypt(key, plaintext, random);
  }));
  return ExactCiphertexts<Scheme>{std::move(elements), samples.size()};
}

template <class Scheme>
base::Result<std::vector<std::vector<Int128>>> decrypt_integers(const ExactClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                                const ExactCiphertexts<Scheme>& outputs) {
  std::vector<std::vector<std::int64_t>> slots;  // or coefficients
  for (const auto& output : outputs.elements) {
    BLINDPROOF_ASSIGN(const auto plaintext, decrypt(key, output));
    slots.emplace_back();
    if (spec.coefficients) {
      for (const std::uint64_t c : plaintext.coefficients()) slots.back().push_back(plaintext.context()->t().centered(c));
    } else {
      slots.back() = decode(plaintext);
    }
  }
  const std::size_t primes = spec.parameters.primes.size(), each = per_prime(spec, spec.output_shape);
  const fheml::ResidueCombiner combiner(spec.parameters.primes, spec.output_bits);
  std::vector<std::int64_t> residues(primes);
  std::vector<std::vector<Int128>> result(outputs.samples);
  for (std::size_t sample = 0; sample < outputs.samples; ++sample) {
    for (std::size_t k = 0; k < spec.output.positions.size(); ++k) {
      for (std::size_t i = 0; i < primes; ++i) {
        residues[i] = is_batch(spec)       ? slots[i * each + k][sample]
                      : spec.coefficients ? slots[i][fheml::output_coefficient(spec, k)]
                                          : slots[i][spec.output.positions[k]];
      }
      const std::optional<Int128> value = combiner.combine(residues);
      if (!value) {
        return base::error(ErrorCode::kRejected, "output",
                           "holds a number that the model never gives: it isn't this program's result for this key");
      }
      result[sample].push_back(*value);
    }
  }
  return result;
}

template <class Scheme>
base::Result<ExactCiphertexts<Scheme>> parse_exact_ciphertexts(base::ByteSpan bytes, formats::Contexts& known, const formats::KeyId& key_id,
                                                               const ExactClientSpec& spec, const model::Shape& shape,
                                                               const std::vector<typename Scheme::ContextPtr>& contexts) {
  BLINDPROOF_ASSIGN(formats::CiphertextFile file, formats::parse_ciphertexts(bytes, known));
  if (file.header.key_id != key_id) return mismatch("was encrypted under another key than the one given");
  const bool batch = file.layout.content == formats::Content::kBatch;
  if (!batch && file.layout.content != formats::Content::kProgram) {
    return mismatch("is not the input or output of a program: encrypt with --spec");
  }
  if (batch != is_batch(spec)) {
    return mismatch(batch ? "holds a batch of samples, but the program was lowered for one at a time"
                          : "holds one sample, but the program was lowered for batches");
  }
  auto& elements = std::get<std::vector<typename Scheme::Ciphertext>>(file.ciphertexts);
  const std::size_t expected = per_prime(spec, shape) * contexts.size();
  if (elements.size() != expected) {
    return mismatch("has " + std::to_string(elements.size()) + " ciphertexts, where the program has " + std::to_string(expected));
  }
  return ExactCiphertexts<Scheme>{under<Scheme>(std::move(elements), contexts), batch ? file.layout.shape[0] : 1};
}

template <class Scheme>
base::Result<base::Bytes> write_exact_ciphertexts(const formats::Header& header, const ExactClientSpec& spec, ExactCiphertexts<Scheme> ciphertexts,
                                                  const std::vector<typename Scheme::ContextPtr>& contexts) {
  formats::Layout layout;
  if (is_batch(spec)) layout = {formats::Content::kBatch, {ciphertexts.samples}};
  return formats::write_ciphertexts({header, layout, under<Scheme>(std::move(ciphertexts.elements), {contexts[0]})});
}

template <class Scheme>
base::Result<Answers> decrypt_exact_output(const ExactClientSpec& spec, const std::vector<typename Scheme::ContextPtr>& contexts,
                                           const formats::SecretKeyFile& key, formats::Contexts& known, base::ByteSpan ciphertexts) {
  BLINDPROOF_ASSIGN(const auto output, parse_exact_ciphertexts<Scheme>(ciphertexts, known, key.header.key_id, spec, spec.output_shape, contexts));
  for (const auto& one : output.elements) {
    if (one.seed()) return mismatch("is an encrypted input, not an output of `infer`");
  }
  BLINDPROOF_ASSIGN(const auto samples, decrypt_integers<Scheme>(spec, key.key, output));
  const model::Architecture interface = fheml::interface_of(spec);
  Answers answers;
  answers.shape = real_output_shape(interface);
  answers.samples = output.samples;
  for (const std::vector<Int128>& integers : samples) {
    const std::vector<double> values = model::dequantize_output(interface, integers);
    answers.values.insert(answers.values.end(), values.begin(), values.end());
    answers.integers.insert(answers.integers.end(), integers.begin(), integers.end());
    if (const auto best = top_class(spec.output_shape, integers)) answers.classes.push_back(*best);
  }
  if (is_batch(spec)) answers.shape.insert(answers.shape.begin(), output.samples);
  return answers;
}

#define BLINDPROOF_INSTANTIATE(Scheme)                                                                                                     \
  template base::Result<std::vector<Scheme::ContextPtr>> contexts_of<Scheme>(const fheml::ExactParameters&);                              \
  template base::Result<ExactCiphertexts<Scheme>> encrypt_integers<Scheme>(const std::vector<Scheme::ContextPtr>&, const ExactClientSpec&,        \
                                                                   const fhe::rlwe::SecretKey&, const std::vector<std::vector<std::int64_t>>&); \
  template base::Result<std::vector<std::vector<Int128>>> decrypt_integers<Scheme>(const ExactClientSpec&, const fhe::rlwe::SecretKey&,           \
                                                                           const ExactCiphertexts<Scheme>&);                              \
  template base::Result<ExactCiphertexts<Scheme>> parse_exact_ciphertexts<Scheme>(base::ByteSpan, formats::Contexts&, const formats::KeyId&,      \
                                                                          const ExactClientSpec&, const model::Shape&,                    \
                                                                          const std::vector<Scheme::ContextPtr>&);                        \
  template base::Result<base::Bytes> write_exact_ciphertexts<Scheme>(const formats::Header&, const ExactClientSpec&, ExactCiphertexts<Scheme>,    \
                                                             const std::vector<Scheme::ContextPtr>&);                                     \
  template base::Result<Answers> decrypt_exact_output<Scheme>(const ExactClientSpec&, const std::vector<Scheme::ContextPtr>&,             \
                                                              const formats::SecretKeyFile&, formats::Contexts&, base::ByteSpan);
BLINDPROOF_INSTANTIATE(Bfv)
BLINDPROOF_INSTANTIATE(Bgv)
#undef BLINDPROOF_INSTANTIATE

}  // namespace blindproof::client_side
