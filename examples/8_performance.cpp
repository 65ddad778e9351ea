// What the main operations of CKKS cost, on one thread and on all.
// An argument chooses another set: example_8_performance ckks-32768-12
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "ckks-16384-5";
  const ckks::ContextPtr context = unwrap(ckks::Context::create(name));
  const ckks::Encoder encoder(context);
  const int top = context->top_level();
  const std::vector<std::int64_t> steps{1, 2, 3, 4, 5, 6, 7, 8};
  crypto::Csprng random;
  const rlwe::SecretKey secret_key = ckks::generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = ckks::generate_public_key(secret_key, random);
  const rlwe::KeySwitchKey relinearization = ckks::generate_relinearization_key(*context, secret_key, top, random);
  const rlwe::GaloisKeys keys = ckks::generate_rotation_keys(*context, secret_key, top, steps, false, random);

  std::vector<double> x(context->slots()), squares(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<double>(i));
    squares[i] = x[i] * x[i];
  }
  const ckks::Plaintext plaintext = unwrap(encoder.encode(x, top));
  const ckks::Ciphertext a = ckks::encrypt(public_key, plaintext, random);
  const ckks::Ciphertext product = unwrap(ckks::multiply(a, a, relinearization));
  const double error = largest_difference(encoder.decode_real(unwrap(ckks::decrypt(secret_key, product))), squares);
  require(error <= product.error_bound() && error < 1e-4, "a product is wrong");

  struct Operation {
    const char* name;
    std::function<void()> run;
    double alone_ms = 0;
  };
  std::vector<Operation> operations{
      {"encode", [&] { (void)unwrap(encoder.encode(x, top)); }},
      {"decode", [&] { (void)encoder.decode_real(plaintext); }},
      {"encrypt, public key", [&] { (void)ckks::encrypt(public_key, plaintext, random); }},
      {"encrypt, secret key", [&] { (void)ckks::encrypt(secret_key, plaintext, random); }},
      {"decrypt", [&] { (void)unwrap(ckks::decrypt(secret_key, a)); }},
      {"add", [&] { (void)unwrap(ckks::add(a, a)); }},
      {"multiply by a plaintext", [&] { (void)unwrap(ckks::multiply(a, plaintext)); }},
      {"rescale", [&] { (void)unwrap(ckks::rescale(a)); }},
      {"multiply, relinearise, rescale", [&] { (void)unwrap(ckks::multiply(a, a, relinearization)); }},
      {"rotate", [&] { (void)unwrap(ckks::rotate(a, 1, keys)); }},
      {"rotate by 8 numbers of steps, hoisted", [&] { (void)unwrap(ckks::rotate_hoisted(a, steps, keys)); }},
      {"generate a rotation key",
       [&] {
         (void)ckks::generate_rotation_keys(*context, secret_key, top, std::vector<std::int64_t>{1}, false, random);
       }},
  };

  const std::size_t threads = base::thread_count();
  title((std::string(name) + ", level " + std::to_string(top) + ", median in ms").c_str());
  line("", "%12s %9zu threads", "1 thread", threads);
  base::set_thread_count(1);
  for (Operation& operation : operations) operation.alone_ms = median_ms(operation.run);
  base::set_thread_count(threads);
  for (const Operation& operation : operations) {
    line(operation.name, "%12.3f %17.3f", operation.alone_ms, median_ms(operation.run));
  }
}
