// BFV and BGV behind one set of names, for what runs exact programs on either.
#pragma once

#include <vector>

#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/bfv/linear_transform.h"
#include "blindproof/fhe/bfv/prediction.h"
#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/bgv/linear_transform.h"
#include "blindproof/fhe/bgv/prediction.h"
#include "blindproof/fheml/exact_program.h"

namespace blindproof::fheml {

struct Bfv {
  static constexpr ExactScheme kScheme = ExactScheme::kBfv;
  using Context = fhe::bfv::Context;
  using ContextPtr = fhe::bfv::ContextPtr;
  using Plaintext = fhe::bfv::Plaintext;
  using Ciphertext = fhe::bfv::Ciphertext;
  using LinearTransform = fhe::bfv::LinearTransform;
  using Prediction = fhe::bfv::Prediction;

  static base::Result<ContextPtr> create(const ExactParameters& p, std::uint64_t t) {
    return Context::create({.log_degree = p.log_degree, .t = t, .limbs = p.limbs, .limb_bits = p.limb_bits, .digits = p.digits,
                            .special_limbs = p.special_limbs, .security = p.security});
  }
  /// One for each prime, over one ring.
  static base::Result<std::vector<ContextPtr>> contexts(const ContextPtr& first, const ExactParameters& p) {
    std::vector<ContextPtr> result{first};
    for (std::size_t i = 1; i < p.primes.size(); ++i) {
      BLINDPROOF_ASSIGN(ContextPtr context, Context::create(first, p.primes[i]));
      result.push_back(std::move(context));
    }
    return result;
  }
  static int top_level(const Context&) { return 0; }
  static int level_of(const Ciphertext&) { return 0; }
  static bool is_fresh(const Ciphertext& a) { return a.parts().size() == 2; }
  /// The same parts under a context over the same ring.
  static Ciphertext assume(const ContextPtr& context, Ciphertext a, const Prediction& p) {
    const auto seed = a.seed();
    return {context, std::move(a).parts(), p.noise, p.secret_power, seed};
  }
  static double size_of(const Prediction& p) { return p.noise; }

  static base::Result<Plaintext> encode(const ContextPtr& context, std::span<const std::int64_t> slots) {
    return fhe::bfv::encode(context, slots);
  }
  static base::Result<LinearTransform> transform(const ContextPtr& context, const std::vector<std::size_t>& numbers,
                                                 const fhe::rlwe::MakeDiagonal& diagonal, int) {
    return LinearTransform::create(context, numbers, diagonal);
  }
  static base::Result<Ciphertext> lowered(const Ciphertext& a, int) { return a; }
  static Prediction lowered(const Context&, const Prediction& a, int) { return a; }

  static Prediction matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps) {
    return fhe::bfv::predict_matrix(context, a, norm, giant_steps);
  }
  static Prediction scaled(const Prediction& a, double factor) { return {factor * a.noise, a.secret_power}; }
  static Prediction with_plaintext(const Context&, const Prediction& a) { return fhe::bfv::predict_sum(a); }
  static Prediction product(const Context& context, const Prediction& a, const Prediction& b) {
    return fhe::bfv::predict_switch(context, fhe::bfv::predict_product(context, a, b));
  }
};

struct Bgv {
  static constexpr ExactScheme kScheme = ExactScheme::kBgv;
  using Context = fhe::bgv::Context;
  using ContextPtr = fhe::bgv::ContextPtr;
  using Plaintext = fhe::bgv::Plaintext;
  using Ciphertext = fhe::bgv::Ciphertext;
  using LinearTransform = fhe::bgv::LinearTransform;
  using Prediction = fhe::bgv::Prediction;

  static base::Result<ContextPtr> create(const ExactParameters& p, std::uint64_t t) {
    return Context::create({.log_degree = p.log_degree, .t = t, .levels = p.limbs - 1, .limb_bits = p.limb_bits, .digits = p.digits,
                            .special_limbs = p.special_limbs, .security = p.security});
  }
  static base::Result<std::vector<ContextPtr>> contexts(const ContextPtr& first, const ExactParameters&) {
    return std::vector<ContextPtr>{first};
  }
  static int top_level(const Context& context) { return context.top_level(); }
  static int level_of(const Ciphertext& a) { return a.level(); }
  static bool is_fresh(const Ciphertext& a) { return a.parts().size() == 2 && a.level() == a.context()->top_level() && a.factor() == 1; }
  static Ciphertext assume(const ContextPtr& context, Ciphertext a, const Prediction& p) {
    const auto seed = a.seed();
    const int level = a.level();
    const std::uint64_t factor = a.factor();
    return {context, level, factor, std::move(a).parts(), p.deviation, p.secret_power, seed};
  }
  static double size_of(const Prediction& p) { return p.deviation; }

  static base::Result<Plaintext> encode(const ContextPtr& context, std::span<const std::int64_t> slots) {
    return fhe::bgv::encode(context, slots);
  }
  static base::Result<LinearTransform> transform(const ContextPtr& context, const std::vector<std::size_t>& numbers,
                                                 const fhe::rlwe::MakeDiagonal& diagonal, int level) {
    return LinearTransform::create(context, numbers, diagonal, level);
  }
  static base::Result<Ciphertext> lowered(const Ciphertext& a, int level) { return fhe::bgv::lower_to(a, level); }
  static Prediction lowered(const Context& context, const Prediction& a, int level) {
    return fhe::bgv::predict_lowered(context, a, level);
  }

  static Prediction matrix(const Context& context, const Prediction& a, double norm, std::size_t giant_steps) {
    return fhe::bgv::predict_rescale(context, fhe::bgv::predict_matrix(context, a, norm, giant_steps));
  }
  static Prediction scaled(const Prediction& a, double factor) { return {factor * a.deviation, a.secret_power, a.level}; }
  static Prediction with_plaintext(const Context& context, const Prediction& a) { return fhe::bgv::predict_sum(context, a); }
  static Prediction product(const Context& context, const Prediction& a, const Prediction& b) {
    return fhe::bgv::predict_rescale(context, fhe::bgv::predict_switch(context, fhe::bgv::predict_product(context, a, b)));
  }
};

}  // namespace blindproof::fheml
