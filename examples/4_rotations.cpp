// Moving slots: rotations one by one and hoisted (one decomposition for all of them), sums of slots, complex
// conjugation.
#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;
using Slots = std::vector<std::complex<double>>;

int main() {
  const ckks::ContextPtr context = unwrap(ckks::Context::create("ckks-16384-5"));
  const ckks::Encoder encoder(context);
  const std::size_t n = context->slots();
  const int top = context->top_level();
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = ckks::generate_secret_key(*context, random);

  title("Keys: one for each number of steps that is used");
  const std::vector<std::int64_t> near{1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<std::int64_t> steps{3, 5, 6, 7, -1};
  for (std::size_t step = 1; step < n; step *= 2) steps.push_back(static_cast<std::int64_t>(step));
  rlwe::GaloisKeys keys;
  const double keys_ms =
      median_ms([&] { keys = ckks::generate_rotation_keys(*context, secret_key, top, steps, true, random); });
  double key_bytes = 0;
  for (const auto& [element, key] : keys.by_element()) key_bytes += static_cast<double>(key.key.bytes());
  line("1, 2, 4, .. 4096; 3, 5, 6, 7; -1; conjugation", "%zu keys, %.0f MB, %.0f ms", keys.by_element().size(),
       key_bytes / 1e6, keys_ms);

  Slots z(n);
  for (std::size_t i = 0; i < n; ++i) z[i] = {static_cast<double>(i % 10) / 10, std::sin(static_cast<double>(i))};
  const ckks::Ciphertext encrypted = ckks::encrypt(secret_key, unwrap(encoder.encode(z, top)), random);
  const auto check = [&](const ckks::Ciphertext& result, const Slots& expected) {
    const Slots slots = encoder.decode(unwrap(ckks::decrypt(secret_key, result)));
    const double error = largest_difference(slots, expected);
    require(error <= result.error_bound() && error < 1e-4, "the result is wrong");
    return slots;
  };
  const auto rotated = [&](std::int64_t step) {
    Slots result(n);
    for (std::size_t i = 0; i < n; ++i) result[i] = z[(i + n + static_cast<std::size_t>(step)) % n];
    return result;
  };
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000 + 0.0; };  // without -0
  const auto text = [&](const Slots& slots) {
    std::string result;
    for (std::size_t i = 0; i < 3; ++i) {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, " %8.3f%+.3fi", rounded(slots[i].real()), rounded(slots[i].imag()));
      result += buffer;
    }
    return result + " ...";
  };

  title("Rotations");
  line("z", "%s", text(z).c_str());
  line("to the left by 1", "%s", text(check(unwrap(ckks::rotate(encrypted, 1, keys)), rotated(1))).c_str());
  line("to the right by 1: -1 to the left", "%s",
       text(check(unwrap(ckks::rotate(encrypted, -1, keys)), rotated(-1))).c_str());
  Slots conjugated(n);
  std::ranges::transform(z, conjugated.begin(), [](const std::complex<double>& slot) { return std::conj(slot); });
  line("conjugated", "%s", text(check(unwrap(ckks::conjugate(encrypted, keys)), conjugated)).c_str());
  line_of_error("by 9, without its key", ckks::rotate(encrypted, 9, keys));

  title("Eight rotations of one ciphertext, by 1 to 8");
  std::vector<ckks::Ciphertext> single, hoisted;
  const double single_ms = median_ms([&] {
    single.clear();
    for (const std::int64_t step : near) single.push_back(unwrap(ckks::rotate(encrypted, step, keys)));
  });
  const double hoisted_ms = median_ms([&] { hoisted = unwrap(ckks::rotate_hoisted(encrypted, near, keys)); });
  for (std::size_t k = 0; k < near.size(); ++k) {
    check(single[k], rotated(near[k]));
    check(hoisted[k], rotated(near[k]));
  }
  line("one by one", "%6.1f ms", single_ms);
  line("hoisted", "%6.1f ms", hoisted_ms);

  title("Sums of slots by rotations by powers of two");
  for (const std::size_t count : {std::size_t{8}, n}) {
    std::complex<double> window = 0;
    for (std::size_t i = 0; i < count; ++i) window += z[i];
    Slots expected(n);
    for (std::size_t i = 0; i < n; ++i) {
      expected[i] = window;
      window += z[(i + count) % n] - z[i];
    }
    ckks::Ciphertext sums = encrypted;
    const double ms = median_ms([&] { sums = unwrap(ckks::sum_slots(encrypted, count, keys)); });
    const std::string step =
        "of " + std::to_string(count) + " slots, " + std::to_string(std::bit_width(count) - 1) + " rotations";
    line(step.c_str(), "%6.1f ms  %s", ms, text(check(sums, expected)).c_str());
  }

  title("Real parts: (z + conj z) / 2");
  const ckks::Ciphertext twice = unwrap(ckks::add(encrypted, unwrap(ckks::conjugate(encrypted, keys))));
  const ckks::Ciphertext real = unwrap(ckks::rescale(unwrap(ckks::multiply(twice, 0.5))));
  Slots expected(n);
  for (std::size_t i = 0; i < n; ++i) expected[i] = z[i].real();
  line("at the cost of one level", "%s", text(check(real, expected)).c_str());
}
