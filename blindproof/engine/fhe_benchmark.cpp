#include "blindproof/engine/fhe_benchmark.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <optional>

#include "blindproof/base/cpu.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"

namespace blindproof::engine {
namespace {

using Slots = std::vector<std::complex<double>>;

constexpr std::size_t kMostRuns = 1000;

/// Median of wall times in microseconds, after one run that warms caches and pools.
FheMeasurement measure(FheMeasurement what, const char* operation, double seconds, const std::function<void()>& body) {
  body();
  std::vector<double> times;
  const Stopwatch total;
  do {
    const Stopwatch one;
    body();
    times.push_back(one.seconds() * 1e6);
  } while (times.size() < kMostRuns && (times.size() < 3 || total.seconds() < seconds));
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  what.operation = operation;
  what.median_us = times[times.size() / 2];
  what.runs = times.size();
  return what;
}

FheMeasurement describe(const char* scheme, std::string_view parameters, const fhe::rlwe::Ring& ring, std::uint64_t t) {
  FheMeasurement what;
  what.scheme = scheme;
  what.parameters = std::string(parameters);
  what.n = ring.degree();
  what.log_q = ring.log2_modulus({ring.q_count(), false});
  what.log_p = ring.log2_modulus({ring.q_count(), true}) - what.log_q;
  what.q_limbs = ring.q_count();
  what.p_limbs = ring.p_count();
  what.dnum = static_cast<std::size_t>(ring.parameters().digits);
  what.t = t;
  what.threads = base::thread_count();
  what.simd = std::string(base::simd_name(base::simd_level()));
  return what;
}

void measure_ntt(const FheMeasurement& what, const fhe::rlwe::RingPtr& ring, double seconds,
                 std::vector<FheMeasurement>& results) {
  fhe::rlwe::NttPoly limb = fhe::rlwe::expand_uniform(ring, {1, false}, {}, 0);
  results.push_back(measure(what, "ntt", seconds, [&] { poly::ntt_forward(limb.tables(0), limb.limb(0)); }));
}

FheMeasurement key_bytes(FheMeasurement what, const fhe::rlwe::KeySwitchKey& key) {
  what.operation = "key_bytes";
  what.bytes = key.bytes() / 2 + key.seed.size();
  return what;
}

// What BFV and BGV call by the same names; only their keys know about levels.
struct Bfv {
  static constexpr const char* kName = "bfv";
  using Ciphertext = fhe::bfv::Ciphertext;
  static auto create(std::string_view name) { return fhe::bfv::Context::create(name); }
  static auto public_key(const fhe::bfv::Context&, const fhe::rlwe::SecretKey& secret, crypto::Csprng& random) {
    return fhe::bfv::generate_public_key(secret, random);
  }
  static auto relinearization_key(const fhe::bfv::Context& context, const fhe::rlwe::SecretKey& secret,
                                  crypto::Csprng& random) {
    return fhe::bfv::generate_relinearization_key(context, secret, random);
  }
  static auto rotation_keys(const fhe::bfv::Context& context, const fhe::rlwe::SecretKey& secret,
                            std::span<const std::int64_t> steps, crypto::Csprng& random) {
    return fhe::bfv::generate_rotation_keys(context, secret, steps, false, random);
  }
};

struct Bgv {
  static constexpr const char* kName = "bgv";
  using Ciphertext = fhe::bgv::Ciphertext;
  static auto create(std::string_view name) { return fhe::bgv::Context::create(name); }
  static auto public_key(const fhe::bgv::Context& context, const fhe::rlwe::SecretKey& secret, crypto::Csprng& random) {
    return fhe::bgv::generate_public_key(context, secret, random);
  }
  static auto relinearization_key(const fhe::bgv::Context& context, const fhe::rlwe::SecretKey& secret,
                                  crypto::Csprng& random) {
    return fhe::bgv::generate_relinearization_key(context, secret, context.top_level(), random);
  }
  static auto rotation_keys(const fhe::bgv::Context& context, const fhe::rlwe::SecretKey& secret,
                            std::span<const std::int64_t> steps, crypto::Csprng& random) {
    return fhe::bgv::generate_rotation_keys(context, secret, context.top_level(), steps, false, random);
  }
};

template <class Scheme>
base::Status run_exact(std::string_view name, double seconds, std::vector<FheMeasurement>& results) {
  using Ciphertext = typename Scheme::Ciphertext;
  BLINDPROOF_ASSIGN(const auto context, Scheme::create(name));
  const FheMeasurement what = describe(Scheme::kName, name, *context->ring(), context->parameters().t);
  crypto::Csprng random;
  const fhe::rlwe::SecretKey secret = fhe::rlwe::SecretKey::generate(context->ring(), random);
  const fhe::rlwe::PublicKey public_key = Scheme::public_key(*context, secret, random);
  const fhe::rlwe::KeySwitchKey relinearization = Scheme::relinearization_key(*context, secret, random);
  const std::vector<std::int64_t> steps{1, 2, 3, 4, 5, 6, 7, 8};
  const fhe::rlwe::GaloisKeys keys = Scheme::rotation_keys(*context, secret, steps, random);

  const field::Modulus& t = context->t();
  const std::size_t slots = context->slots().slots(), row = slots / 2;
  std::vector<std::int64_t> x(slots), product(slots), sum(slots), rotated(slots);
  for (std::int64_t& value : x) value = t.centered(random.below(t.value()));
  for (std::size_t i = 0; i < slots; ++i) {
    const std::uint64_t residue = t.reduce_signed(x[i]);
    product[i] = t.centered(t.multiply(residue, residue));
    sum[i] = t.centered(t.add(residue, residue));
    rotated[i] = x[i / row * row + (i + 8) % row];
  }
  BLINDPROOF_ASSIGN(const auto plaintext, encode(context, x));
  const Ciphertext a = encrypt(public_key, plaintext, random);
  std::optional<base::Result<Ciphertext>> outcome;
  const auto check = [&](const char* operation, const std::vector<std::int64_t>& expected) -> base::Status {
    BLINDPROOF_ASSIGN(const Ciphertext result, std::move(*outcome));
    BLINDPROOF_ASSIGN(const auto decrypted, decrypt(secret, result));
    if (decode(decrypted) == expected) return {};
    return base::error(base::ErrorCode::kRejected, operation, "doesn't decrypt to what it should");
  };
  const auto add_measurement = [&](const char* operation, const std::function<void()>& body) {
    results.push_back(measure(what, operation, seconds, body));
  };
  measure_ntt(what, context->ring(), seconds, results);
  add_measurement("encode", [&] { (void)encode(context, x); });
  add_measurement("encrypt", [&] { outcome = encrypt(public_key, plaintext, random); });
  BLINDPROOF_TRY(check("encrypt", x));
  add_measurement("decrypt_decode", [&] { (void)decode(decrypt(secret, a).value()); });
  add_measurement("add", [&] { outcome = add(a, a); });
  BLINDPROOF_TRY(check("add", sum));
  add_measurement("multiply_plain", [&] { outcome = multiply(a, plaintext); });
  BLINDPROOF_TRY(check("multiply_plain", product));
  add_measurement("multiply_relinearize_rescale", [&] { outcome = multiply(a, a, relinearization); });
  BLINDPROOF_TRY(check("multiply_relinearize_rescale", product));
  add_measurement("rotate", [&] { outcome = rotate(a, 8, keys); });
  BLINDPROOF_TRY(check("rotate", rotated));
  std::vector<Ciphertext> hoisted;
  add_measurement("rotate_hoisted", [&] { hoisted = rotate_hoisted(a, steps, keys).value(); });
  results.back().median_us /= static_cast<double>(steps.size());
  outcome = hoisted.back();
  BLINDPROOF_TRY(check("rotate_hoisted", rotated));
  results.push_back(key_bytes(what, relinearization));
  return {};
}

base::Status expect_close(const char* operation, const Slots& actual, const Slots& expected, double bound) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) largest = std::max(largest, std::abs(actual[i] - expected[i]));
  if (largest <= bound) return {};
  return base::error(base::ErrorCode::kRejected, operation,
                     "is off by " + std::to_string(largest) + ", predicted at most " + std::to_string(bound));
}

base::Status run_ckks(const fhe::ckks::NamedParameters& set, double seconds, std::vector<FheMeasurement>& results) {
  using namespace fhe;
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, ckks::Context::create(set.name));
  const rlwe::Ring& ring = *context->ring();
  const int top = context->top_level();
  const FheMeasurement what = describe("ckks", set.name, ring, 0);

  crypto::Csprng random;
  const rlwe::SecretKey secret = ckks::generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = ckks::generate_public_key(secret, random);
  const rlwe::KeySwitchKey relinearization = ckks::generate_relinearization_key(*context, secret, top, random);
  const std::vector<std::int64_t> steps{1, 2, 3, 4, 5, 6, 7, 8};
  const rlwe::GaloisKeys keys = ckks::generate_rotation_keys(*context, secret, top, steps, false, random);
  const ckks::Encoder encoder(context);

  const std::size_t slots = context->slots();
  Slots x(slots), product(slots), sum(slots), rotated(slots);
  for (std::complex<double>& z : x) {
    z = {static_cast<double>(random.below(2001)) / 1000 - 1, static_cast<double>(random.below(2001)) / 1000 - 1};
  }
  for (std::size_t i = 0; i < slots; ++i) {
    product[i] = x[i] * x[i];
    sum[i] = x[i] + x[i];
    rotated[i] = x[(i + 8) % slots];
  }
  const auto add_measurement = [&](const char* operation, const std::function<void()>& body) {
    results.push_back(measure(what, operation, seconds, body));
  };

  BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, encoder.encode(x, top));
  const ckks::Ciphertext a = ckks::encrypt(public_key, plaintext, random);
  std::optional<ckks::Outcome> outcome;
  const auto check = [&](const char* operation, const Slots& expected) -> base::Status {
    BLINDPROOF_ASSIGN(const ckks::Ciphertext result, std::move(*outcome));
    BLINDPROOF_ASSIGN(const ckks::Plaintext decrypted, ckks::decrypt(secret, result));
    return expect_close(operation, encoder.decode(decrypted), expected, result.error_bound());
  };

  measure_ntt(what, context->ring(), seconds, results);
  add_measurement("encode", [&] { (void)encoder.encode(x, top); });
  add_measurement("encrypt", [&] { outcome = ckks::encrypt(public_key, plaintext, random); });
  BLINDPROOF_TRY(check("encrypt", x));
  add_measurement("decrypt_decode", [&] { (void)encoder.decode(*ckks::decrypt(secret, a)); });
  add_measurement("add", [&] { outcome = ckks::add(a, a); });
  BLINDPROOF_TRY(check("add", sum));
  add_measurement("multiply_plain", [&] { outcome = ckks::multiply(a, plaintext); });
  BLINDPROOF_TRY(check("multiply_plain", product));
  add_measurement("multiply_relinearize_rescale", [&] { outcome = ckks::multiply(a, a, relinearization); });
  BLINDPROOF_TRY(check("multiply_relinearize_rescale", product));
  add_measurement("rotate", [&] { outcome = ckks::rotate(a, 8, keys); });
  BLINDPROOF_TRY(check("rotate", rotated));
  std::vector<ckks::Ciphertext> hoisted;
  add_measurement("rotate_hoisted", [&] { hoisted = ckks::rotate_hoisted(a, steps, keys).value(); });
  results.back().median_us /= static_cast<double>(steps.size());
  outcome = hoisted.back();
  BLINDPROOF_TRY(check("rotate_hoisted", rotated));
  results.push_back(key_bytes(what, relinearization));
  return {};
}

}  // namespace

base::Result<std::vector<FheMeasurement>> run_fhe_benchmark(const FheBenchmarkRequest& request,
                                                            const base::Progress& progress) {
  std::vector<std::pair<std::string_view, std::function<base::Status(std::vector<FheMeasurement>&)>>> sets;
  for (const fhe::bfv::NamedParameters& set : fhe::bfv::named_parameters()) {
    sets.emplace_back(set.name, [&](auto& results) { return run_exact<Bfv>(set.name, request.seconds, results); });
  }
  for (const fhe::bgv::NamedParameters& set : fhe::bgv::named_parameters()) {
    sets.emplace_back(set.name, [&](auto& results) { return run_exact<Bgv>(set.name, request.seconds, results); });
  }
  for (const fhe::ckks::NamedParameters& set : fhe::ckks::named_parameters()) {
    sets.emplace_back(set.name, [&](auto& results) { return run_ckks(set, request.seconds, results); });
  }
  std::string names;
  for (const auto& [name, run] : sets) names += (names.empty() ? "" : ", ") + std::string(name);
  if (!request.parameters.empty()) std::erase_if(sets, [&](const auto& set) { return set.first != request.parameters; });
  if (sets.empty()) {
    return base::error(base::ErrorCode::kInvalidArgument, "parameters",
                       "'" + request.parameters + "' is not one of " + names);
  }
  std::vector<FheMeasurement> results;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    progress.report("measuring", i, sets.size());
    BLINDPROOF_TRY(sets[i].second(results));
  }
  progress.report("measuring", sets.size(), sets.size());
  return results;
}

}  // namespace blindproof::engine
