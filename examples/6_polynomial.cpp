// A function that isn't a polynomial, here the sigmoid: interpolated at Chebyshev nodes, then evaluated on encrypted
// slots with about 2 sqrt(degree) products. Inputs must lie in the interval; nobody can check that of encrypted ones.
#include <cmath>
#include <vector>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/polynomial.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

int main() {
  title("Degree and precision on [-8, 8], in plain numbers");
  std::printf("  %8s %8s %18s\n", "degree", "levels", "largest error");
  for (const std::size_t degree : {7u, 15u, 31u, 63u}) {
    const ckks::Polynomial candidate = ckks::chebyshev_interpolation(sigmoid, -8, 8, degree);
    double error = 0;
    for (double x = -8; x <= 8; x += 0.01) error = std::max(error, std::abs(ckks::evaluate(candidate, x) - sigmoid(x)));
    std::printf("  %8zu %8d %18.1e\n", degree, ckks::depth(candidate), error);
  }

  title("Degree 31 on 16384 encrypted numbers");
  const ckks::Polynomial polynomial = ckks::chebyshev_interpolation(sigmoid, -8, 8, 31);
  const ckks::ContextPtr context = unwrap(ckks::Context::create("ckks-32768-12"));
  const ckks::Encoder encoder(context);
  // Not all of the set's levels are needed: at lower ones all is faster.
  const int level = ckks::depth(polynomial);
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = ckks::generate_secret_key(*context, random);
  const rlwe::KeySwitchKey relinearization = ckks::generate_relinearization_key(*context, secret_key, level, random);

  std::vector<double> x(context->slots()), interpolated(x.size()), exact(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = -8 + 16 * static_cast<double>(i) / static_cast<double>(x.size());
    interpolated[i] = ckks::evaluate(polynomial, x[i]);
    exact[i] = sigmoid(x[i]);
  }
  const ckks::Ciphertext encrypted = ckks::encrypt(secret_key, unwrap(encoder.encode(x, level)), random);
  ckks::Ciphertext result = encrypted;
  const double ms = median_ms([&] { result = unwrap(ckks::evaluate(polynomial, encrypted, relinearization)); });
  line("evaluated", "%.0f ms, from level %d to %d", ms, encrypted.level(), result.level());
  require(encrypted.level() - result.level() == ckks::depth(polynomial), "depth() is not what evaluate() takes");

  const std::vector<double> slots = encoder.decode_real(unwrap(ckks::decrypt(secret_key, result)));
  for (const std::size_t i : {std::size_t{0}, x.size() / 4, x.size() / 2, 3 * x.size() / 4}) {
    line("", "sigmoid(%4.1f) = %.7f, computed %.7f", x[i], exact[i], slots[i]);
  }
  const double noise = largest_difference(slots, interpolated), error = largest_difference(slots, exact);
  line("error from encryption", "measured %.1e, predicted below %.1e", noise, result.error_bound());
  line("error in all, interpolation included", "measured %.1e", error);
  require(noise <= result.error_bound() && error < 1e-4, "the sigmoid is wrong");

  line_of_error("with a level too few",
                ckks::evaluate(polynomial, unwrap(ckks::lower_to(encrypted, level - 1)), relinearization));
}
