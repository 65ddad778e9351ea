#include "blindproof/client_side/fhe.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"

namespace blindproof::client_side {
namespace {

namespace ckks = fhe::ckks;
namespace formats = fhe::formats;
using base::ErrorCode;

base::Error mismatch(std::string detail) { return base::error(ErrorCode::kMismatch, "", std::move(detail)); }

}  // namespace

formats::EvaluationKeySelection selection_of(const fheml::ClientSpec& spec, const ckks::Context& context) {
  formats::EvaluationKeySelection selection{.relinearization = spec.relinearization, .rotations = {}, .conjugation = false, .q_limbs = 0, .entries = {}};
  for (const fheml::Rotation& rotation : spec.rotations) {
    selection.entries.push_back({fhe::rlwe::rotation_element(context.ring()->log_degree(), rotation.steps), context.q_limbs(rotation.level)});
  }
  return selection;
}

formats::Layout layout_of(const fheml::ClientSpec& spec, std::size_t samples) {
  if (!is_batch(spec)) return {};
  return {formats::Content::kBatch, {samples}};
}

base::Result<CkksCiphertexts> parse_program_ciphertexts(base::ByteSpan bytes, formats::Contexts& contexts, const formats::KeyId& key_id,
                                                        const fheml::ClientSpec& spec, const model::Shape& shape) {
  BLINDPROOF_ASSIGN(formats::CiphertextFile file, formats::parse_ciphertexts(bytes, contexts));
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
  return CkksCiphertexts{std::move(elements), batch ? file.layout.shape[0] : 1};
}

base::Result<std::vector<ckks::Ciphertext>> encrypt_batch(const ckks::ContextPtr& context, const fhe::rlwe::SecretKey& key,
                                                          const std::vector<std::vector<float>>& samples, const base::Progress& progress) {
  progress.report("encrypting", 0, 0);
  const ckks::Encoder encoder(context);
  const auto encrypt_element = [&](std::size_t element) -> base::Result<ckks::Ciphertext> {
    std::vector<double> slots;
    for (const auto& sample : samples) slots.push_back(static_cast<double>(sample[element]));
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, encoder.encode(slots, context->top_level()));
    crypto::Csprng random;  // of its own: elements are encrypted at the same time
    return ckks::encrypt(key, plaintext, random);
  };
  std::vector<std::optional<base::Result<ckks::Ciphertext>>> made(samples[0].size());
  base::parallel_for(made.size(), [&](std::size_t element) { made[element].emplace(encrypt_element(element)); });
  std::vector<ckks::Ciphertext> result;
  for (auto& one : made) {
    if (!one->ok()) return std::move(*one).error();
    result.push_back(*std::move(*one));
  }
  return result;
}

base::Result<std::vector<std::vector<double>>> decrypt_batch(const fheml::ClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                             const std::vector<ckks::Ciphertext>& elements, std::size_t samples) {
  std::vector<std::vector<double>> outputs(samples);
  for (const ckks::Ciphertext& element : elements) {
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(key, element));
    const std::vector<double> slots = ckks::Encoder(element.context()).decode_real(plaintext);
    for (std::size_t i = 0; i < samples; ++i) outputs[i].push_back(slots[i]);
  }
  for (std::vector<double>& output : outputs) output = fheml::finish(spec, output);
  return outputs;
}

base::Status check_samples(const fheml::ClientSpec& spec, const std::vector<std::vector<float>>& samples, std::size_t slots) {
  if (samples.empty()) return base::error(ErrorCode::kInvalidArgument, "", "holds no samples");
  const std::size_t limit = is_batch(spec) ? slots : 1;
  if (samples.size() > limit) {
    return base::error(ErrorCode::kLimit, "", "holds " + std::to_string(samples.size()) + " samples; " +
                                                  (is_batch(spec) ? "a batch has at most " + std::to_string(slots)
                                                                  : std::string("the program was lowered for one at a time")));
  }
  const std::size_t size = model::element_count(spec.input_shape);
  for (const std::vector<float>& sample : samples) {
    if (sample.size() != size) {
      return base::error(ErrorCode::kInvalidArgument, "", "a sample has " + std::to_string(sample.size()) + " values, the model's input " +
                                                              std::to_string(size));
    }
    for (std::size_t i = 0; i < sample.size(); ++i) {
      if (std::abs(static_cast<double>(sample[i])) <= spec.input_magnitude) continue;
      return base::error(ErrorCode::kInvalidArgument, "",
                         "value " + std::to_string(i) + " exceeds " + std::to_string(spec.input_magnitude) +
                             ", the largest that the model was prepared for");
    }
  }
  return {};
}

base::Result<base::Bytes> encrypt_samples(const fheml::ClientSpec& spec, const ckks::ContextPtr& context, const formats::SecretKeyFile& key,
                                          const std::vector<std::vector<float>>& samples) {
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
  return formats::write_ciphertexts({key.header, layout_of(spec, samples.size()), std::move(ciphertexts)});
}

base::Result<Answers> decrypt_program_output(const fheml::ClientSpec& spec, const formats::SecretKeyFile& key, formats::Contexts& contexts,
                                             base::ByteSpan ciphertexts) {
  BLINDPROOF_ASSIGN(const CkksCiphertexts output, parse_program_ciphertexts(ciphertexts, contexts, key.header.key_id, spec, spec.output_shape));
  for (const ckks::Ciphertext& element : output.elements) {
    if (element.level() == spec.output_level) continue;
    return mismatch("is at level " + std::to_string(element.level()) + ", the program's output at " + std::to_string(spec.output_level));
  }
  std::vector<std::vector<double>> results;
  if (is_batch(spec)) {
    BLINDPROOF_ASSIGN(results, decrypt_batch(spec, key.key, output.elements, output.samples));
  } else {
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(key.key, output.elements[0]));
    const ckks::Encoder encoder(output.elements[0].context());
    results.push_back(fheml::finish(spec, fheml::gather(spec.output, encoder.decode_real(plaintext))));
  }
  Answers answers;
  answers.shape = spec.output_shape;
  answers.samples = output.samples;
  if (spec.finish == fheml::Finish::kArgMax && !answers.shape.empty()) answers.shape.pop_back();
  for (const std::vector<double>& values : results) {
    answers.values.insert(answers.values.end(), values.begin(), values.end());
    if (spec.finish == fheml::Finish::kArgMax) {
      if (values.size() == 1) answers.classes.push_back(static_cast<std::size_t>(values[0]));
    } else if (values.size() > 1 && !answers.shape.empty() && answers.shape.back() == values.size()) {
      answers.classes.push_back(static_cast<std::size_t>(std::ranges::max_element(values) - values.begin()));
    }
  }
  if (is_batch(spec)) answers.shape.insert(answers.shape.begin(), output.samples);
  return answers;
}

}  // namespace blindproof::client_side
