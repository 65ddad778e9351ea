// BFV: exact integers modulo t, many in one ciphertext. Keys, encryption, sums, products and rotations; and the noise
// budget, which every ciphertext predicts of itself: when it is spent, an operation is an error instead of a wrong
// result.
#include <cstdint>
#include <string>
#include <vector>

#include "blindproof/fhe/bfv/bfv.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

int main() {
  title("Parameters: a named set, at least 128 bits of security");
  const bfv::ContextPtr context = unwrap(bfv::Context::create("bfv-8192"));
  const std::size_t slots = context->slots().slots(), row = slots / 2;
  const std::int64_t t = static_cast<std::int64_t>(context->t().value());
  line("integers in one ciphertext", "%zu, in 2 rows of %zu", slots, row);
  line("plaintext modulus t", "%lld", static_cast<long long>(t));
  line("ciphertext modulus", "%.0f bits", context->ring()->log2_modulus(context->basis()));
  line_of_error("a name that isn't there", bfv::Context::create("bfv-1000"));

  title("Keys: the secret one stays with the client, the others may be known to all");
  crypto::Csprng random;  // seeded by the operating system
  const rlwe::SecretKey secret_key = bfv::generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = bfv::generate_public_key(secret_key, random);
  const rlwe::KeySwitchKey relinearization = bfv::generate_relinearization_key(*context, secret_key, random);
  const rlwe::GaloisKeys rotations =
      bfv::generate_rotation_keys(*context, secret_key, std::vector<std::int64_t>{3}, false, random);
  line("public key", "to encrypt");
  line("relinearisation key", "for products, %.1f MB", static_cast<double>(relinearization.bytes()) / 1e6);
  line("rotation keys", "one for each number of steps");

  title("Computing without the secret key: x = 0, 1, 2, ..  y = 5, 5, 5, ..");
  std::vector<std::int64_t> x(slots), y(slots, 5);
  for (std::size_t i = 0; i < slots; ++i) x[i] = static_cast<std::int64_t>(i % 100);
  const bfv::Ciphertext enc_x = bfv::encrypt(public_key, unwrap(bfv::encode(context, x)), random);
  const bfv::Ciphertext enc_y = bfv::encrypt(public_key, unwrap(bfv::encode(context, y)), random);
  line("x, y freshly encrypted", "budget %5.1f bits", enc_x.predicted_budget_bits());
  const bfv::Ciphertext sum = unwrap(bfv::add(enc_x, enc_y));
  line("x + y", "budget %5.1f bits", sum.predicted_budget_bits());
  const bfv::Ciphertext product = unwrap(bfv::multiply(sum, enc_x));
  line("(x + y) x, three polynomials long", "budget %5.1f bits", product.predicted_budget_bits());
  const bfv::Ciphertext relinearized = unwrap(bfv::relinearize(product, relinearization));
  line("relinearised, two again", "budget %5.1f bits", relinearized.predicted_budget_bits());
  const bfv::Ciphertext rotated = unwrap(bfv::rotate(relinearized, 3, rotations));
  line("both rows rotated to the left by 3", "budget %5.1f bits", rotated.predicted_budget_bits());

  const std::vector<std::int64_t> result = bfv::decode(unwrap(bfv::decrypt(secret_key, rotated)));
  for (std::size_t i = 0; i < slots; ++i) {
    const std::size_t from = i / row * row + (i + 3) % row;
    require(result[i] == (x[from] + 5) * x[from], "a slot of (x + y) x is wrong");
  }
  line("decrypted: all slots are right", "%s", head(std::span<const std::int64_t>(result), 6, " %lld").c_str());

  title("Until the budget is spent: x^2, x^4, ..");
  bfv::Ciphertext power = enc_x;
  std::vector<std::int64_t> expected = x;
  int squarings = 0;
  for (;; ++squarings) {
    const bfv::Outcome next = bfv::multiply(power, power, relinearization);
    if (!next.ok()) {
      line_of_error(("x^" + std::to_string(2 << squarings)).c_str(), next);
      break;
    }
    power = next.value();
    for (std::int64_t& value : expected) value = context->t().centered(context->t().reduce_signed(value * value));
    require(bfv::decode(unwrap(bfv::decrypt(secret_key, power))) == expected, "a power of x is wrong");
    line(("x^" + std::to_string(2 << squarings) + " modulo t, right").c_str(), "budget %5.1f bits",
         power.predicted_budget_bits());
  }
  require(squarings >= 2, "the set promises two products in sequence");
}
