// A plain matrix times an encrypted vector, by diagonals with baby and giant steps: what a dense layer of a network is.
// The second way repeats the vector in all slots: half of the diagonals, and the result is repeated likewise, ready for
// the next matrix.
#include <cmath>
#include <vector>

#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/linear_transform.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

constexpr std::size_t kSize = 64;

struct Client {
  ckks::ContextPtr context;
  ckks::Encoder encoder;
  crypto::Csprng& random;
  rlwe::SecretKey secret_key;
};

void multiply(Client& client, const ckks::Diagonals& diagonals, const std::vector<double>& x,
              const std::vector<double>& expected) {
  const int level = client.context->top_level();
  const auto transform = unwrap(ckks::LinearTransform::create(client.encoder, diagonals, level));
  line("diagonals that aren't zero", "%zu, in baby steps below %zu", diagonals.size(), transform.baby_steps());
  const double encode_ms =
      median_ms([&] { (void)unwrap(ckks::LinearTransform::create(client.encoder, diagonals, level)); });
  line("encoded, once for each matrix", "%6.1f ms", encode_ms);
  const rlwe::GaloisKeys keys = ckks::generate_rotation_keys(*client.context, client.secret_key, level,
                                                             transform.rotations(), false, client.random);
  line("rotations() says which keys it needs", "%zu", keys.by_element().size());
  const ckks::Ciphertext encrypted =
      ckks::encrypt(client.secret_key, unwrap(client.encoder.encode(x, level)), client.random);
  line_of_error("without them", transform.apply(encrypted, {}));
  ckks::Ciphertext product = encrypted;
  const double ms = median_ms([&] { product = unwrap(transform.apply(encrypted, keys)); });
  line("matrix times encrypted vector, one level", "%6.1f ms", ms);
  const std::vector<double> slots = client.encoder.decode_real(unwrap(ckks::decrypt(client.secret_key, product)));
  const double error = largest_difference(slots, expected);
  line("largest error of an entry", "measured %.1e, predicted below %.1e", error, product.error_bound());
  require(error <= product.error_bound() && error < 1e-4, "the product is wrong");
}

int main() {
  const ckks::ContextPtr context = unwrap(ckks::Context::create("ckks-8192-2"));
  const std::size_t slots = context->slots();
  crypto::Csprng random;
  Client client{context, ckks::Encoder(context), random, ckks::generate_secret_key(*context, random)};

  std::vector<std::vector<double>> matrix(kSize, std::vector<double>(kSize));
  std::vector<double> x(kSize), product(kSize);
  for (std::size_t j = 0; j < kSize; ++j) x[j] = std::sin(static_cast<double>(j));
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      matrix[i][j] = std::cos(static_cast<double>(i * j + 1)) / 8;
      product[i] += matrix[i][j] * x[j];
    }
  }

  title("A 64 x 64 matrix, zeros around it");
  multiply(client, ckks::diagonals_of(matrix, slots), x, product);

  title("The same matrix, the vector repeated in all slots");
  ckks::Diagonals diagonals;
  for (std::size_t d = 0; d < kSize; ++d) {
    for (std::size_t i = 0; i < slots; ++i) diagonals[d].push_back(matrix[i % kSize][(i + d) % kSize]);
  }
  std::vector<double> repeated_x(slots), repeated_product(slots);
  for (std::size_t i = 0; i < slots; ++i) {
    repeated_x[i] = x[i % kSize];
    repeated_product[i] = product[i % kSize];
  }
  multiply(client, diagonals, repeated_x, repeated_product);
}
