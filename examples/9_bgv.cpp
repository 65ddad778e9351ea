// BGV: exact integers like BFV, in levels like CKKS. A product costs one level; each level has a factor by which
// messages are multiplied out of sight. Sums want equal level and factor: lower_to() sees to both.
#include <cstdint>
#include <string>
#include <vector>

#include "blindproof/fhe/bgv/bgv.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

void show(const char* step, const bgv::Ciphertext& a) {
  line(step, "level %d   factor %7llu   budget %5.1f bits", a.level(), static_cast<unsigned long long>(a.factor()),
       a.predicted_budget_bits());
}

int main() {
  const bgv::ContextPtr context = unwrap(bgv::Context::create("bgv-16384"));
  const std::size_t slots = context->slots().slots();
  const int top = context->top_level();
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = bgv::generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = bgv::generate_public_key(*context, secret_key, random);
  const rlwe::KeySwitchKey relinearization = bgv::generate_relinearization_key(*context, secret_key, top, random);

  title("Levels of bgv-16384 and their factors");
  for (int level = top; level >= 0; --level) {
    line(level == top ? "fresh ciphertexts"
         : level == 0 ? "no product left"
                      : "",
         "level %d   factor %7llu   modulus %3.0f bits", level, static_cast<unsigned long long>(context->factor(level)),
         context->ring()->log2_modulus(context->basis(level)));
  }

  title("x^4 + 3 x^2 - x modulo t in 16384 slots");
  std::vector<std::int64_t> x(slots), fourths(slots), expected(slots);
  const auto reduced = [&](std::int64_t value) { return context->t().centered(context->t().reduce_signed(value)); };
  for (std::size_t i = 0; i < slots; ++i) {
    x[i] = static_cast<std::int64_t>(i) - static_cast<std::int64_t>(slots / 2);
    const std::int64_t square = reduced(x[i] * x[i]);
    fourths[i] = reduced(square * square);
    expected[i] = reduced(fourths[i] + 3 * square - x[i]);
  }
  const bgv::Ciphertext enc_x = bgv::encrypt(public_key, unwrap(bgv::encode(context, x)), random);
  show("x", enc_x);
  const bgv::Ciphertext long_square = unwrap(bgv::square(enc_x));
  show("x^2, neither relinearised nor divided", long_square);
  const bgv::Ciphertext square = unwrap(bgv::relinearize_and_rescale(long_square, relinearization));
  show("x^2, both in one pass", square);
  const bgv::Ciphertext fourth = unwrap(bgv::multiply(square, square, relinearization));
  show("x^4", fourth);
  const bgv::Ciphertext triple = unwrap(bgv::multiply(square, 3));
  show("3 x^2, a small constant costs no level", triple);
  line_of_error("x^4 + 3 x^2", bgv::add(fourth, triple));
  const bgv::Ciphertext lowered_triple = unwrap(bgv::lower_to(triple, fourth.level()));
  show("3 x^2 lowered", lowered_triple);
  const bgv::Ciphertext lowered_x = unwrap(bgv::lower_to(enc_x, fourth.level()));
  show("x lowered by two levels", lowered_x);
  const bgv::Ciphertext sum = unwrap(bgv::subtract(unwrap(bgv::add(fourth, lowered_triple)), lowered_x));
  show("x^4 + 3 x^2 - x", sum);
  require(bgv::decode(unwrap(bgv::decrypt(secret_key, sum))) == expected, "a slot is wrong");
  line("decrypted", "all %zu slots are right", slots);

  title("Down to the last level");
  bgv::Ciphertext power = fourth;
  for (int exponent = 8; power.level() > 0; exponent *= 2) {
    power = unwrap(bgv::multiply(power, power, relinearization));
    for (std::int64_t& value : fourths) value = reduced(value * value);
    show(("x^" + std::to_string(exponent)).c_str(), power);
  }
  require(bgv::decode(unwrap(bgv::decrypt(secret_key, power))) == fourths, "a slot of the last power is wrong");
  line("decrypted", "all %zu slots are right", slots);
  line_of_error("squared once more", bgv::multiply(power, power, relinearization));
}
