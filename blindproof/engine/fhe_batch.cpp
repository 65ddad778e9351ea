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

base::Result<Ciphertexts> sanitize_batch(const Ciphertexts& elements, const fhe::rlwe::PublicKey& key, int hiding_bits) {
  return make_each(elements.size(), [&](std::size_t i) {
    crypto::Csprng random;
    return ckks::sanitize(elements[i], key, hiding_bits, random);
  });
}

}  // namespace blindproof::engine
