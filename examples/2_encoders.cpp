// How numbers get into slots. BFV (and BGV): integers modulo t in two rows. CKKS: real or complex numbers times a
// scale, which sets the precision. Inputs that don't fit are an error.
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <vector>

#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

void show_rows(const char* step, const std::vector<std::int64_t>& slots) {
  const std::span<const std::int64_t> all(slots);
  line(step, "%s", head(all.first(all.size() / 2), 4, " %4lld").c_str());
  line("", "%s", head(all.last(all.size() / 2), 4, " %4lld").c_str());
}

void integers() {
  title("Integers in bfv-8192: two rows of 4096 slots");
  const bfv::ContextPtr context = unwrap(bfv::Context::create("bfv-8192"));
  const std::size_t slots = context->slots().slots(), row = slots / 2;
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = bfv::generate_secret_key(*context, random);
  const rlwe::GaloisKeys keys =
      bfv::generate_rotation_keys(*context, secret_key, std::vector<std::int64_t>{1}, true, random);
  const auto decrypted = [&](const bfv::Ciphertext& a) { return bfv::decode(unwrap(bfv::decrypt(secret_key, a))); };

  std::vector<std::int64_t> values(slots);
  for (std::size_t i = 0; i < row; ++i) {
    values[i] = static_cast<std::int64_t>(i);
    values[row + i] = -static_cast<std::int64_t>(i);
  }
  const bfv::Ciphertext encrypted = bfv::encrypt(secret_key, unwrap(bfv::encode(context, values)), random);
  show_rows("encoded, encrypted, decrypted", decrypted(encrypted));
  const std::vector<std::int64_t> rotated = decrypted(unwrap(bfv::rotate(encrypted, 1, keys)));
  const std::vector<std::int64_t> exchanged = decrypted(unwrap(bfv::exchange_rows(encrypted, keys)));
  show_rows("rotated by 1: each row for itself", rotated);
  show_rows("rows exchanged", exchanged);
  require(decrypted(encrypted) == values, "slots changed by encryption");
  for (std::size_t i = 0; i < row; ++i) {
    require(rotated[i] == values[(i + 1) % row] && rotated[row + i] == values[row + (i + 1) % row], "rotation");
    require(exchanged[i] == values[row + i] && exchanged[row + i] == values[i], "exchange of rows");
  }

  const std::int64_t half = static_cast<std::int64_t>(context->t().value() / 2);
  const bfv::Plaintext largest = unwrap(bfv::encode(context, std::vector<std::int64_t>{half}));
  const bfv::Ciphertext wrapped = unwrap(bfv::add(bfv::encrypt(secret_key, largest, random), largest));
  line("results wrap modulo t: t/2 + t/2", "%lld", static_cast<long long>(decrypted(wrapped)[0]));
  require(decrypted(wrapped)[0] == -1, "the sum of two t/2, rounded down, is -1");
  line_of_error("inputs don't", bfv::encode(context, std::vector<std::int64_t>{half + 1}));
  line_of_error("too many", bfv::encode(context, std::vector<std::int64_t>(slots + 1)));
}

void numbers() {
  title("Real and complex numbers in ckks-8192-2: one row of 4096 slots");
  const ckks::ContextPtr context = unwrap(ckks::Context::create("ckks-8192-2"));
  const ckks::Encoder encoder(context);
  const int top = context->top_level();
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = ckks::generate_secret_key(*context, random);

  std::vector<double> reals(context->slots());
  for (std::size_t i = 0; i < reals.size(); ++i) reals[i] = std::sin(static_cast<double>(i));
  std::printf("  %-10s  %-22s %-22s %s\n", "scale", "error of encoding", "error of encryption", "predicted bound");
  for (const int bits : {20, 30, 40, 50}) {
    const ckks::Plaintext plaintext = unwrap(encoder.encode(reals, top, std::exp2(bits)));
    const ckks::Ciphertext encrypted = ckks::encrypt(secret_key, plaintext, random);
    const double rounding = largest_difference(encoder.decode_real(plaintext), reals);
    const double noise = largest_difference(encoder.decode_real(unwrap(ckks::decrypt(secret_key, encrypted))), reals);
    std::printf("  2^%-8d  %-22.1e %-22.1e %.1e%s\n", bits, rounding, noise, encrypted.error_bound(),
                std::exp2(bits) == context->scale(top) ? "   <- the set's own, if none is given" : "");
    require(rounding <= plaintext.error_bound() && noise <= encrypted.error_bound(), "an error exceeds its bound");
  }

  const std::vector<std::complex<double>> complexes{{1, 2}, {-0.5, 0.25}};
  const auto back = encoder.decode(unwrap(encoder.encode(complexes, top)));
  line("complex slots; missing ones are 0", "%.3f%+.3fi  %.3f%+.3fi  %.3f", back[0].real(), back[0].imag(),
       back[1].real(), back[1].imag(), std::abs(back[2]));
  require(largest_difference(back, complexes) < 1e-9, "complex slots");

  line_of_error("more than the level's modulus holds", encoder.encode(std::vector<double>{1e9}, 0));
  line_of_error("not a number", encoder.encode(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, top));
  line_of_error("a level that isn't there", encoder.encode(std::vector<double>{1}, 3));
}

int main() {
  integers();
  numbers();
}
