// CKKS by hand: x^3/2 - 3x/2 + 1 and an inner product. Levels go down by one with each product, every level has one
// scale, and sums want both equal: lower_to() brings the higher operand down. Each ciphertext predicts a bound of its
// error.
#include <cmath>
#include <vector>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

void show(const char* step, const ckks::Ciphertext& a) {
  line(step, "level %d   scale 2^%-7.4f error below %.1e", a.level(), std::log2(a.scale()), a.error_bound());
}

int main() {
  const ckks::ContextPtr context = unwrap(ckks::Context::create("ckks-8192-2"));
  const ckks::Encoder encoder(context);
  const int top = context->top_level();
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = ckks::generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = ckks::generate_public_key(secret_key, random);
  const rlwe::KeySwitchKey relinearization = ckks::generate_relinearization_key(*context, secret_key, top, random);
  const auto check = [&](const ckks::Ciphertext& result, const std::vector<double>& expected) {
    const double error = largest_difference(encoder.decode_real(unwrap(ckks::decrypt(secret_key, result))), expected);
    line("decrypted, largest error of a slot", "measured %.1e, predicted below %.1e", error, result.error_bound());
    require(error <= result.error_bound() && error < 1e-5, "the result is wrong");
  };

  title("x^3/2 - 3x/2 + 1 in 4096 slots");
  std::vector<double> x(context->slots()), expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = -1 + 2 * static_cast<double>(i) / static_cast<double>(x.size());
    expected[i] = x[i] * x[i] * x[i] / 2 - 1.5 * x[i] + 1;
  }
  const ckks::Ciphertext enc_x = ckks::encrypt(public_key, unwrap(encoder.encode(x, top)), random);
  show("x", enc_x);
  const ckks::Ciphertext long_square = unwrap(ckks::square(enc_x));
  show("x^2, neither relinearised nor rescaled", long_square);
  const ckks::Ciphertext square = unwrap(ckks::relinearize_and_rescale(long_square, relinearization));
  show("x^2, both in one pass", square);
  const ckks::Ciphertext half = unwrap(ckks::rescale(unwrap(ckks::multiply(enc_x, 0.5))));
  show("x/2, a constant costs a level too", half);
  const ckks::Ciphertext cube = unwrap(ckks::multiply(square, half, relinearization));
  show("x^3/2", cube);
  const ckks::Ciphertext linear = unwrap(ckks::rescale(unwrap(ckks::multiply(enc_x, -1.5))));
  show("-3x/2", linear);
  line_of_error("the sum of the two", ckks::add(cube, linear));
  const ckks::Ciphertext lowered = unwrap(ckks::lower_to(linear, cube.level()));
  show("-3x/2 lowered", lowered);
  const ckks::Ciphertext sum = unwrap(ckks::add(cube, lowered));
  const std::vector<double> ones(context->slots(), 1.0);
  const ckks::Ciphertext polynomial = unwrap(ckks::add(sum, unwrap(encoder.encode(ones, sum.level()))));
  show("x^3/2 - 3x/2 + 1", polynomial);
  check(polynomial, expected);
  line_of_error("one product more", ckks::multiply(polynomial, polynomial, relinearization));

  title("a_1 b_1 + .. + a_16 b_16, slot by slot");
  std::vector<ckks::Ciphertext> a, b;
  std::vector<double> inner(context->slots());
  for (std::size_t k = 0; k < 16; ++k) {
    std::vector<double> values_a(inner.size()), values_b(inner.size());
    for (std::size_t i = 0; i < inner.size(); ++i) {
      values_a[i] = std::sin(static_cast<double>(i + k));
      values_b[i] = std::cos(static_cast<double>(i * k));
      inner[i] += values_a[i] * values_b[i];
    }
    a.push_back(ckks::encrypt(public_key, unwrap(encoder.encode(values_a, top)), random));
    b.push_back(ckks::encrypt(public_key, unwrap(encoder.encode(values_b, top)), random));
  }
  ckks::Ciphertext eager = unwrap(ckks::multiply(a[0], b[0], relinearization)), lazy = eager;
  const double eager_ms = median_ms([&] {
    eager = unwrap(ckks::multiply(a[0], b[0], relinearization));
    for (std::size_t k = 1; k < a.size(); ++k) {
      eager = unwrap(ckks::add(eager, unwrap(ckks::multiply(a[k], b[k], relinearization))));
    }
  });
  const double lazy_ms = median_ms([&] {
    ckks::Ciphertext products = unwrap(ckks::multiply(a[0], b[0]));
    for (std::size_t k = 1; k < a.size(); ++k)
      products = unwrap(ckks::add(products, unwrap(ckks::multiply(a[k], b[k]))));
    lazy = unwrap(ckks::relinearize_and_rescale(products, relinearization));
  });
  line("each product relinearised and rescaled", "%6.1f ms", eager_ms);
  check(eager, inner);
  line("only their sum", "%6.1f ms", lazy_ms);
  check(lazy, inner);
}
