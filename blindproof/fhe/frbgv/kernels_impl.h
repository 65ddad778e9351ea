// The kernels over any lane engine. Included by one source file for each kernel set. `Access` is what only the engine's file knows:
// how eight packs are transposed, and how sums with small integers are accumulated.
#pragma once

#include "blindproof/fhe/frbgv/kernels.h"

namespace blindproof::fhe::frbgv {

template <class E, class Access>
struct KernelTemplates {
  using Value = typename E::Value;

  // Passes go from N/2 apart down to 1; a pass with m blocks splits each block of X^(2n) - root^2 into X^n - root and X^n + root.
  // Two passes are done at once where there are two, and blocks that fit the cache are finished before the next.
  static void forward(const TransformTables& tables, FrPack* a) {
    std::size_t blocks = 1, length = tables.packs;
    for (; length > kCachedPacks; blocks *= 4, length /= 4) {
      for (std::size_t b = 0; b < blocks; ++b) forward_two_passes(tables, blocks, b, a + b * length, length / 4);
    }
    for (std::size_t b = 0; b < blocks; ++b) forward_block(tables, blocks, b, a + b * length, length);
  }

  static void inverse(const TransformTables& tables, FrPack* a) {
    std::size_t blocks = 1, length = tables.packs;
    while (length > kCachedPacks) {
      blocks *= 4;
      length /= 4;
    }
    for (std::size_t b = 0; b < blocks; ++b) inverse_block(tables, blocks, b, a + b * length, length);
    while (blocks > 1) {
      blocks /= 4;
      length *= 4;
      for (std::size_t b = 0; b < blocks; ++b) inverse_two_passes(tables, blocks, b, a + b * length, length / 4);
    }
    scale(a, tables.scale, tables.packs);
  }

  static void multiply(const FrPack* a, const FrPack* b, std::size_t packs, FrPack* out) {
    for (std::size_t i = 0; i < packs; ++i) E::store(out[i].words, E::reduce(E::mul(E::load(a[i].words), E::load(b[i].words))));
  }
  static void multiply_add(FrPack* acc, const FrPack* a, const FrPack* b, std::size_t packs) {
    for (std::size_t i = 0; i < packs; ++i) {
      E::store(acc[i].words, E::reduce(E::add(E::load(acc[i].words), E::mul(E::load(a[i].words), E::load(b[i].words)))));
    }
  }
  static void subtract(FrPack* acc, const FrPack* a, std::size_t packs) {
    for (std::size_t i = 0; i < packs; ++i) E::store(acc[i].words, E::reduce(E::sub(E::load(acc[i].words), E::load(a[i].words))));
  }
  static void scale(FrPack* a, const Fr& factor, std::size_t packs) {
    const Value f = E::broadcast(factor);
    for (std::size_t i = 0; i < packs; ++i) E::store(a[i].words, E::reduce(E::mul(f, E::load(a[i].words))));
  }
  static void square(const FrPack* z0, const FrPack* z1, std::size_t packs, FrPack* const* s) {
    for (std::size_t i = 0; i < packs; ++i) {
      const Value a = E::load(z0[i].words), b = E::load(z1[i].words);
      E::store(s[0][i].words, E::reduce(E::square(a)));
      const auto cross = E::mul(a, b);
      E::store(s[1][i].words, E::reduce(E::add(cross, cross)));
      E::store(s[2][i].words, E::reduce(E::square(b)));
    }
  }

  // Weights are positive here: sum_k (W(i,k) + offset) x_k, less offset sum_k x_k, which all rows share.
  static void combine(const WeightRows& rows, const FrPack* const* in, std::size_t begin, std::size_t end, FrPack* const* out) {
    for (std::size_t p = begin; p < end; ++p) {
      Value offset;
      {
        typename Access::template Sums<1> sums;
        for (std::size_t k = 0; k < rows.columns; ++k) sums.add(in[k][p].words, &kOffset, 0);
        offset = sums.value(0);
      }
      std::size_t i = 0;
      for (; i + kRows <= rows.rows; i += kRows) combine_rows<kRows>(rows, in, p, offset, i, out);
      for (; i < rows.rows; ++i) combine_rows<1>(rows, in, p, offset, i, out);
    }
  }

  static constexpr FrBgvKernels table() {
    return {&forward, &inverse, &multiply, &multiply_add, &subtract, &scale, &square, &combine};
  }

 private:
  static constexpr std::size_t kCachedPacks = 128;
  static constexpr std::size_t kRows = 4;
  static constexpr std::uint32_t kOffset = static_cast<std::uint32_t>(kWeightOffset);

  template <std::size_t kCount>
  static BLINDPROOF_INLINE void combine_rows(const WeightRows& rows, const FrPack* const* in, std::size_t p, const Value& offset, std::size_t i,
                                             FrPack* const* out) {
    typename Access::template Sums<kCount> sums;
    const std::uint32_t* weights = rows.weights + i * rows.columns;
    for (std::size_t k = 0; k < rows.columns; ++k) sums.add(in[k][p].words, weights + k, rows.columns);
    for (std::size_t j = 0; j < kCount; ++j) {
      FrPack& target = out[i + j][p];
      const Value sum = E::reduce(E::sub(sums.value(j), offset));
      E::store(target.words, E::reduce(E::add(E::load(target.words), sum)));
    }
  }

  static BLINDPROOF_INLINE Value root(const TransformTables& tables, std::size_t index) {
    return E::broadcast_lane(tables.roots[index / E::kLanes].words, index % E::kLanes);
  }

  // Block b of `blocks`, of 4 n packs, into four.
  static BLINDPROOF_INLINE void forward_two_passes(const TransformTables& tables, std::size_t blocks, std::size_t b, FrPack* a, std::size_t n) {
    const Value w = root(tables, blocks + b), low = root(tables, 2 * (blocks + b)), high = root(tables, 2 * (blocks + b) + 1);
    for (std::size_t i = 0; i < n; ++i) {
      const Value x0 = E::load(a[i].words), x1 = E::load(a[i + n].words);
      const auto y2 = E::mul(w, E::load(a[i + 2 * n].words)), y3 = E::mul(w, E::load(a[i + 3 * n].words));
      const auto z0 = E::add(x0, y2), z1 = E::add(x1, y3);
      const auto z2 = E::sub(x0, y2), z3 = E::sub(x1, y3);
      const auto v1 = E::mul(low, z1), v3 = E::mul(high, z3);
      E::store(a[i].words, E::reduce(E::add(z0, v1)));
      E::store(a[i + n].words, E::reduce(E::sub(z0, v1)));
      E::store(a[i + 2 * n].words, E::reduce(E::add(z2, v3)));
      E::store(a[i + 3 * n].words, E::reduce(E::sub(z2, v3)));
    }
  }
  static BLINDPROOF_INLINE void inverse_two_passes(const TransformTables& tables, std::size_t blocks, std::size_t b, FrPack* a, std::size_t n) {
    const Value w = root(tables, blocks + b), low = root(tables, 2 * (blocks + b)), high = root(tables, 2 * (blocks + b) + 1);
    for (std::size_t i = 0; i < n; ++i) {
      const Value x0 = E::load(a[i].words), x1 = E::load(a[i + n].words);
      const Value x2 = E::load(a[i + 2 * n].words), x3 = E::load(a[i + 3 * n].words);
      const auto y0 = E::add(x0, x1), y2 = E::add(x2, x3);
      const auto y1 = E::mul(low, E::sub(x0, x1)), y3 = E::mul(high, E::sub(x2, x3));
      E::store(a[i].words, E::reduce(E::add(y0, y2)));
      E::store(a[i + n].words, E::reduce(E::add(y1, y3)));
      E::store(a[i + 2 * n].words, E::reduce(E::mul(w, E::sub(y0, y2))));
      E::store(a[i + 3 * n].words, E::reduce(E::mul(w, E::sub(y1, y3))));
    }
  }

  static BLINDPROOF_INLINE void forward_pair(const Value& w, FrPack& low, FrPack& high) {
    const Value x = E::load(low.words);
    const auto y = E::mul(w, E::load(high.words));
    E::store(low.words, E::reduce(E::add(x, y)));
    E::store(high.words, E::reduce(E::sub(x, y)));
  }
  static BLINDPROOF_INLINE void inverse_pair(const Value& w, FrPack& low, FrPack& high) {
    const Value x = E::load(low.words), y = E::load(high.words);
    E::store(low.words, E::reduce(E::add(x, y)));
    E::store(high.words, E::reduce(E::mul(w, E::sub(x, y))));
  }

  // Block `block` of `blocks`, to the end. Inside, blocks number from `first` on.
  static BLINDPROOF_INLINE void forward_block(const TransformTables& tables, std::size_t blocks, std::size_t block, FrPack* a, std::size_t length) {
    std::size_t count = blocks, first = block, parts = 1, n = length;
    for (; n > 2; count *= 4, first *= 4, parts *= 4, n /= 4) {
      for (std::size_t b = 0; b < parts; ++b) forward_two_passes(tables, count, first + b, a + b * n, n / 4);
    }
    if (n == 2) {
      for (std::size_t b = 0; b < parts; ++b) forward_pair(root(tables, count + first + b), a[2 * b], a[2 * b + 1]);
    }
    for (std::size_t g = 0; g < length / 8; ++g) {
      FrPack* group = a + 8 * g;
      const FrPack* tail = tables.tail + 7 * (block * (length / 8) + g);
      Access::transpose(group);
      for (std::size_t i = 0; i < 4; ++i) forward_pair(E::load(tail[0].words), group[i], group[i + 4]);
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t at = i / 2 * 4 + i % 2;
        forward_pair(E::load(tail[1 + i / 2].words), group[at], group[at + 2]);
      }
      for (std::size_t i = 0; i < 4; ++i) forward_pair(E::load(tail[3 + i].words), group[2 * i], group[2 * i + 1]);
      Access::transpose(group);
    }
  }
  static BLINDPROOF_INLINE void inverse_block(const TransformTables& tables, std::size_t blocks, std::size_t block, FrPack* a, std::size_t length) {
    for (std::size_t g = 0; g < length / 8; ++g) {
      FrPack* group = a + 8 * g;
      const FrPack* tail = tables.tail + 7 * (block * (length / 8) + g);
      Access::transpose(group);
      for (std::size_t i = 0; i < 4; ++i) inverse_pair(E::load(tail[3 + i].words), group[2 * i], group[2 * i + 1]);
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t at = i / 2 * 4 + i % 2;
        inverse_pair(E::load(tail[1 + i / 2].words), group[at], group[at + 2]);
      }
      for (std::size_t i = 0; i < 4; ++i) inverse_pair(E::load(tail[0].words), group[i], group[i + 4]);
      Access::transpose(group);
    }
    std::size_t count = blocks * length, parts = length, n = 1;
    if (__builtin_ctzll(length) % 2 != 0) {
      count /= 2;
      parts /= 2;
      n *= 2;
      for (std::size_t b = 0; b < parts; ++b) inverse_pair(root(tables, count + block * parts + b), a[2 * b], a[2 * b + 1]);
    }
    while (parts > 1) {
      count /= 4;
      parts /= 4;
      n *= 4;
      for (std::size_t b = 0; b < parts; ++b) inverse_two_passes(tables, count, block * parts + b, a + b * n, n / 4);
    }
  }
};

}  // namespace blindproof::fhe::frbgv
