#include "blindproof/engine/fhe_batch.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"

namespace blindproof::engine {
namespace {

namespace ckks = fhe::ckks;
using Ciphertexts = std::vector<ckks::Ciphertext>;

// make(i) for all i below count on several threads; a randomness of its own for each that wants it.
base::Result<Ciphertexts> make_each(std::size_t count, const std::function<base::Result<ckks::Ciphertext>(std::size_t)>& make) {
  std::vector<std::optional<base::Result<ckks::Ciphertext>>> made(count);
  base::parallel_for(count, [&](std::size_t i) { made[i].emplace(make(i)); });
  Ciphertexts result;
  for (auto& one : made) {
    if (!one->ok()) return std::move(*one).error();
    result.push_back(*std::move(*one));
  }
  return result;
}

}  // namespace

base::Result<Ciphertexts> encrypt_batch(const ckks::ContextPtr& context, const fhe::rlwe::SecretKey& key,
                                        const std::vector<std::vector<float>>& samples, const base::Progress& progress) {
  progress.report("encrypting", 0, 0);
  const ckks::Encoder encoder(context);
  return make_each(samples[0].size(), [&](std::size_t element) -> base::Result<ckks::Ciphertext> {
    std::vector<double> slots;
    for (const auto& sample : samples) slots.push_back(static_cast<double>(sample[element]));
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, encoder.encode(slots, context->top_level()));
    crypto::Csprng random;
    return ckks::encrypt(key, plaintext, random);
  });
}

base::Result<std::vector<std::vector<double>>> decrypt_batch(const fheml::ClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                             const Ciphertexts& elements, std::size_t samples) {
  std::vector<std::vector<double>> outputs(samples);
  for (const ckks::Ciphertext& element : elements) {
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(key, element));
    const std::vector<double> slots = ckks::Encoder(element.context()).decode_real(plaintext);
    for (std::size_t i = 0; i < samples; ++i) outputs[i].push_back(slots[i]);
  }
  for (std::vector<double>& output : outputs) output = fheml::finish(spec, output);
  return outputs;
}

base::Result<Ciphertexts> sanitize_batch(const Ciphertexts& elements, const fhe::rlwe::PublicKey& key, int hiding_bits) {
  return make_each(elements.size(), [&](std::size_t i) {
    crypto::Csprng random;
    return ckks::sanitize(elements[i], key, hiding_bits, random);
  });
}

}  // namespace blindproof::engine
