// The kernels over any lane engine. Included by one source file for each kernel set.
#pragma once

#include "blindproof/poly/fr_fft_kernels.h"

namespace blindproof::poly {

template <class E>
struct FrFftKernelTemplates {
  using Value = typename E::Value;

  static BLINDPROOF_INLINE Value root_at(const FrPack* roots, std::size_t j) { return E::broadcast_lane(roots[j / 8].words, j % 8); }

  // Two stages at a time, so that values are loaded and stored half as often.
  static void transform(FrPack* a, int log_size, const FrPack* roots) {
    const std::size_t size = std::size_t{1} << log_size;
    std::size_t length = 1;  // of the transforms that are done
    if (log_size % 2 != 0) {
      for (std::size_t i = 0; i < size; i += 2) {
        const Value low = E::load(a[i].words), high = E::load(a[i + 1].words);
        E::store(a[i].words, E::reduce(E::add(low, high)));
        E::store(a[i + 1].words, E::reduce(E::sub(low, high)));
      }
      length = 2;
    }
    for (; length < size; length *= 4) {
      for (std::size_t j = 0; j < length; ++j) {
        // w_2l^j, w_4l^j, w_4l^(j + l)
        const Value w1 = root_at(roots, j * (size / (2 * length))), w2 = root_at(roots, j * (size / (4 * length)));
        const Value w3 = root_at(roots, (j + length) * (size / (4 * length)));
        for (std::size_t block = j; block < size; block += 4 * length) {
          FrPack* const at = a + block;
          const Value a0 = E::load(at[0].words), a2 = E::load(at[2 * length].words);
          const auto a1 = E::mul(E::load(at[length].words), w1), a3 = E::mul(E::load(at[3 * length].words), w1);
          const auto s0 = E::add(a0, a1);
          const auto s1 = E::sub(a0, a1);
          const auto s2 = E::mul(E::add(a2, a3), w2), s3 = E::mul(E::sub(a2, a3), w3);
          E::store(at[0].words, E::reduce(E::add(s0, s2)));
          E::store(at[2 * length].words, E::reduce(E::sub(s0, s2)));
          E::store(at[length].words, E::reduce(E::add(s1, s3)));
          E::store(at[3 * length].words, E::reduce(E::sub(s1, s3)));
        }
      }
    }
  }

  // Chains of powers that overlap in the pipeline.
  static constexpr std::size_t kChains = 4;

  static BLINDPROOF_INLINE void multiply_by(FrPack* a, std::size_t packs, const Fr* factors, const Fr* ratios) {
    Value power[kChains], ratio = E::load_fields(ratios);
    power[0] = E::load_fields(factors);
    for (std::size_t k = 1; k < kChains; ++k) power[k] = E::mul(power[k - 1], ratio);
    for (std::size_t k = 1; k < kChains; k *= 2) ratio = E::square(ratio);
    for (std::size_t i = 0; i < packs; i += kChains) {
      for (std::size_t k = 0; k < kChains && i + k < packs; ++k) {
        E::store(a[i + k].words, E::mul(E::load(a[i + k].words), power[k]));
        power[k] = E::mul(power[k], ratio);
      }
    }
  }

  static void multiply_by_powers(FrPack* a, std::size_t packs, const Fr& first, const Fr& base, const Fr& step) {
    Fr factors[8], ratios[8], ratio = base;
    for (std::size_t l = 0; l < 8; ++l) {
      factors[l] = first;
      ratios[l] = ratio;
      ratio *= step;
    }
    multiply_by(a, packs, factors, ratios);
  }

  static void multiply_along(FrPack* a, std::size_t packs, const Fr& first, const Fr& step) {
    Fr factors[8], ratios[8], factor = first;
    const Fr ratio = step.squared().squared().squared();
    for (std::size_t l = 0; l < 8; ++l) {
      factors[l] = factor;
      ratios[l] = ratio;
      factor *= step;
    }
    multiply_by(a, packs, factors, ratios);
  }

  static void transpose(const FrPack* in, std::size_t stride, FrPack* const out[8]) {
    Value block[8];
    for (std::size_t i = 0; i < 8; ++i) block[i] = E::load(in[i * stride].words);
    E::transpose(block);
    for (std::size_t i = 0; i < 8; ++i) E::store(out[i]->words, block[i]);
  }

  static void multiply_subtract(FrPack* a, const FrPack* b, const FrPack* c, std::size_t packs) {
    for (std::size_t i = 0; i < packs; ++i) {
      E::store(a[i].words, E::reduce(E::sub(E::mul(E::load(a[i].words), E::load(b[i].words)), E::load(c[i].words))));
    }
  }

  static constexpr FrFftKernels table() { return {transform, multiply_by_powers, multiply_along, transpose, multiply_subtract}; }
};

}  // namespace blindproof::poly
