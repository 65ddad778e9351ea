// Runs circuits on ciphertexts: fhe_circuits IN.json OUT.json. IN as circuits.mjs makes it; OUT has, for each circuit,
// what every register decrypts to, and with CKKS the predicted bound of its error.
//
// Registers are first the inputs, then the results of the instructions in their order.
#include <algorithm>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"

namespace blindproof {
namespace {

using Json = nlohmann::json;
using Steps = std::vector<std::int64_t>;
using fhe::rlwe::GaloisKeys;
using fhe::rlwe::KeySwitchKey;
using fhe::rlwe::PublicKey;
using fhe::rlwe::SecretKey;

// What the schemes call by different names. Products leave a ciphertext that sums and products accept.

struct Bfv {
  using Ciphertext = fhe::bfv::Ciphertext;
  using Outcome = base::Result<Ciphertext>;
  using Value = std::int64_t;

  Bfv(fhe::bfv::ContextPtr made, const Steps& steps)
      : context(std::move(made)),
        secret(fhe::bfv::generate_secret_key(*context, random)),
        public_key(fhe::bfv::generate_public_key(secret, random)),
        relinearization(fhe::bfv::generate_relinearization_key(*context, secret, random)),
        rotations(fhe::bfv::generate_rotation_keys(*context, secret, steps, true, random)) {}
  static auto create(const std::string& parameters) { return fhe::bfv::Context::create(parameters); }

  auto encoded(const std::vector<Value>& values) const { return encode(context, values); }
  auto encoded(const std::vector<Value>& values, const Ciphertext&) const { return encode(context, values); }
  base::Status align(Ciphertext&, Ciphertext&) const { return {}; }
  Outcome after_product(const Ciphertext& a) const { return relinearize(a, relinearization); }
  Outcome after_plain_product(const Ciphertext& a) const { return a; }
  Outcome exchange(const Ciphertext& a) const { return exchange_rows(a, rotations); }
  base::Result<Json> revealed(const Ciphertext& a) const {
    BLINDPROOF_ASSIGN(const auto plaintext, decrypt(secret, a));
    return Json{{"values", decode(plaintext)}};
  }

  fhe::bfv::ContextPtr context;
  crypto::Csprng random;
  SecretKey secret;
  PublicKey public_key;
  KeySwitchKey relinearization;
  GaloisKeys rotations;
};

template <class Ciphertext>
base::Status lower_the_higher(Ciphertext& a, Ciphertext& b) {
  const int level = std::min(a.level(), b.level());
  for (Ciphertext* x : {&a, &b}) {
    BLINDPROOF_ASSIGN(*x, lower_to(*x, level));
  }
  return {};
}

struct Bgv {
  using Ciphertext = fhe::bgv::Ciphertext;
  using Outcome = base::Result<Ciphertext>;
  using Value = std::int64_t;

  Bgv(fhe::bgv::ContextPtr made, const Steps& steps)
      : context(std::move(made)),
        secret(fhe::bgv::generate_secret_key(*context, random)),
        public_key(fhe::bgv::generate_public_key(*context, secret, random)),
        relinearization(fhe::bgv::generate_relinearization_key(*context, secret, context->top_level(), random)),
        rotations(fhe::bgv::generate_rotation_keys(*context, secret, context->top_level(), steps, true, random)) {}
  static auto create(const std::string& parameters) { return fhe::bgv::Context::create(parameters); }

  auto encoded(const std::vector<Value>& values) const { return encode(context, values); }
  auto encoded(const std::vector<Value>& values, const Ciphertext&) const { return encode(context, values); }
  base::Status align(Ciphertext& a, Ciphertext& b) const { return lower_the_higher(a, b); }
  Outcome after_product(const Ciphertext& a) const { return relinearize_and_rescale(a, relinearization); }
  Outcome after_plain_product(const Ciphertext& a) const { return lower_to(a, a.level() - 1); }
  Outcome exchange(const Ciphertext& a) const { return exchange_rows(a, rotations); }
  base::Result<Json> revealed(const Ciphertext& a) const {
    BLINDPROOF_ASSIGN(const auto plaintext, decrypt(secret, a));
    return Json{{"values", decode(plaintext)}};
  }

  fhe::bgv::ContextPtr context;
  crypto::Csprng random;
  SecretKey secret;
  PublicKey public_key;
  KeySwitchKey relinearization;
  GaloisKeys rotations;
};

struct Ckks {
  using Ciphertext = fhe::ckks::Ciphertext;
  using Outcome = base::Result<Ciphertext>;
  using Value = double;

  Ckks(fhe::ckks::ContextPtr made, const Steps& steps)
      : context(std::move(made)),
        encoder(context),
        secret(fhe::ckks::generate_secret_key(*context, random)),
        public_key(fhe::ckks::generate_public_key(secret, random)),
        relinearization(fhe::ckks::generate_relinearization_key(*context, secret, context->top_level(), random)),
        rotations(fhe::ckks::generate_rotation_keys(*context, secret, context->top_level(), steps, true, random)) {}
  static auto create(const std::string& parameters) { return fhe::ckks::Context::create(parameters); }

  auto encoded(const std::vector<Value>& values) const { return encoder.encode(values, context->top_level()); }
  auto encoded(const std::vector<Value>& values, const Ciphertext& partner) const {
    return encoder.encode(values, partner.level());
  }
  base::Status align(Ciphertext& a, Ciphertext& b) const { return lower_the_higher(a, b); }
  Outcome after_product(const Ciphertext& a) const { return relinearize_and_rescale(a, relinearization); }
  Outcome after_plain_product(const Ciphertext& a) const { return rescale(a); }
  Outcome exchange(const Ciphertext& a) const { return conjugate(a, rotations); }
  base::Result<Json> revealed(const Ciphertext& a) const {
    BLINDPROOF_ASSIGN(const auto plaintext, decrypt(secret, a));
    return Json{{"values", encoder.decode_real(plaintext)}, {"error_bound", a.error_bound()}};
  }

  fhe::ckks::ContextPtr context;
  fhe::ckks::Encoder encoder;
  crypto::Csprng random;
  SecretKey secret;
  PublicKey public_key;
  KeySwitchKey relinearization;
  GaloisKeys rotations;
};

template <class Scheme>
auto apply(const Scheme& scheme, const Json& instruction, const Json& plains,
           const std::vector<typename Scheme::Ciphertext>& registers) -> typename Scheme::Outcome {
  using Ciphertext = typename Scheme::Ciphertext;
  const std::string op = instruction.at("op");
  const auto operand = [&](const char* name) { return registers.at(instruction.at(name).get<std::size_t>()); };
  Ciphertext a = operand("a");
  if (op == "negate") return negate(a);
  if (op == "exchange") return scheme.exchange(a);
  if (op == "rotate") return rotate(a, instruction.at("steps").get<std::int64_t>(), scheme.rotations);
  if (op == "rotate_hoisted") {
    const Steps steps{instruction.at("steps").get<std::int64_t>()};
    BLINDPROOF_ASSIGN(const auto all, rotate_hoisted(a, steps, scheme.rotations));
    return all.front();
  }
  if (op == "square") {
    BLINDPROOF_ASSIGN(const Ciphertext long_square, square(a));
    return scheme.after_product(long_square);
  }
  if (instruction.contains("plain")) {
    const Json& values = plains.at(instruction.at("plain").get<std::size_t>());
    BLINDPROOF_ASSIGN(const auto plain, scheme.encoded(values.get<std::vector<typename Scheme::Value>>(), a));
    if (op == "add_plain") return add(a, plain);
    if (op == "subtract_plain") return subtract(a, plain);
    if (op == "multiply_plain") {
      BLINDPROOF_ASSIGN(const Ciphertext product, multiply(a, plain));
      return scheme.after_plain_product(product);
    }
  }
  Ciphertext b = operand("b");
  BLINDPROOF_TRY(scheme.align(a, b));
  if (op == "add") return add(a, b);
  if (op == "subtract") return subtract(a, b);
  if (op == "multiply") return multiply(a, b, scheme.relinearization);
  if (op == "sum_of_products") {  // ab + cb, relinearised once
    Ciphertext c = operand("c");
    BLINDPROOF_TRY(scheme.align(a, c));
    BLINDPROOF_TRY(scheme.align(b, c));
    BLINDPROOF_TRY(scheme.align(a, c));
    BLINDPROOF_ASSIGN(const Ciphertext ab, multiply(a, b));
    BLINDPROOF_ASSIGN(const Ciphertext cb, multiply(c, b));
    BLINDPROOF_ASSIGN(const Ciphertext sum, add(ab, cb));
    return scheme.after_product(sum);
  }
  return base::error(base::ErrorCode::kInvalidArgument, "circuit", "no instruction is called '" + op + "'");
}

template <class Scheme>
base::Result<Json> run_circuit(Scheme& scheme, const Json& circuit) {
  std::vector<typename Scheme::Ciphertext> registers;
  Json results = Json::array();
  const auto append = [&](typename Scheme::Ciphertext made) -> base::Status {
    registers.push_back(std::move(made));
    BLINDPROOF_ASSIGN(Json result, scheme.revealed(registers.back()));
    results.push_back(std::move(result));
    return {};
  };
  for (const Json& input : circuit.at("inputs")) {
    BLINDPROOF_ASSIGN(const auto plaintext, scheme.encoded(input.get<std::vector<typename Scheme::Value>>()));
    BLINDPROOF_TRY(append(encrypt(scheme.public_key, plaintext, scheme.random)));
  }
  for (const Json& instruction : circuit.at("instructions")) {
    auto outcome = apply(scheme, instruction, circuit.at("plains"), registers);
    if (!outcome.ok()) {
      return base::error(outcome.error().code, "instruction " + instruction.dump(), outcome.error().message());
    }
    BLINDPROOF_TRY(append(std::move(outcome).value()));
  }
  return results;
}

template <class Scheme>
base::Result<Json> run_set(const Json& set) {
  BLINDPROOF_ASSIGN(const auto context, Scheme::create(set.at("parameters").get<std::string>()));
  Scheme scheme(context, set.at("steps").get<Steps>());
  Json results = Json::array();
  for (const Json& circuit : set.at("circuits")) {
    BLINDPROOF_ASSIGN(Json registers, run_circuit(scheme, circuit));
    results.push_back(std::move(registers));
  }
  return results;
}

base::Result<Json> run(const Json& set) {
  const std::string scheme = set.at("scheme");
  if (scheme == "bfv") return run_set<Bfv>(set);
  if (scheme == "bgv") return run_set<Bgv>(set);
  if (scheme == "ckks") return run_set<Ckks>(set);
  return base::error(base::ErrorCode::kInvalidArgument, "set", "no scheme is called '" + scheme + "'");
}

}  // namespace
}  // namespace blindproof

int main(int argc, char** argv) {
  using namespace blindproof;
  if (argc != 3) {
    std::fprintf(stderr, "usage: fhe_circuits IN.json OUT.json\n");
    return 2;
  }
  try {
    std::ifstream in(argv[1]);
    Json results = Json::array();
    for (const Json& set : Json::parse(in)) {
      const base::Result<Json> result = run(set);
      if (!result.ok()) {
        std::fprintf(stderr, "fhe_circuits: %s: %s\n", set.at("parameters").get<std::string>().c_str(),
                     result.error().message().c_str());
        return 1;
      }
      results.push_back(*result);
    }
    std::ofstream(argv[2]) << results;
  } catch (const std::exception& problem) {  // of the JSON library
    std::fprintf(stderr, "fhe_circuits: %s\n", problem.what());
    return 1;
  }
  return 0;
}
