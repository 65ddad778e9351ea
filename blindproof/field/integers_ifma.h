// Kernels between field elements and small integers with AVX-512 IFMA.
//
// As in integers_portable.h an integer w of b bits is offset to u = w + 2^(b-1). Row weights are cut into limbs so
// short that products by u fit the multiplier's low half (int8: 6 limbs of 43 bits, int16: 8 of 36); wider integers
// take 5 limbs of 52 bits and both halves, int64 twice (52 and 12 bits). Sums of limb products stay in 64 bits for
// kCarryRows rows.
#pragma once

#include <type_traits>

#include "blindproof/field/fr_kernels.h"
#include "blindproof/field/lanes_ifma.h"

namespace blindproof::field {

template <class IntType, class Isa>
struct IfmaIntegers {
  using Int = IntType;
  using Unsigned = std::make_unsigned_t<Int>;
  using E = IfmaLanes<Fr, Isa>;
  using Vector = typename E::Vector;
  using Value = typename E::Value;
  static constexpr int kBits = 8 * static_cast<int>(sizeof(Int));
  static constexpr std::uint64_t kOffset = std::uint64_t{1} << (kBits - 1);

  static void from_integers(const Int* in, std::size_t packs, FrPack* out) {
    const auto offset = E::broadcast(Fr::from_u64(kOffset));
    for (std::size_t i = 0; i < packs; ++i) {
      const Words u = load_words(in + 8 * i);
      E::store(out[i].words, E::reduce(E::sub(E::from_words(u.low, u.high), offset)));
    }
  }

  static Fr dot(const FrPack* a, const Int* b, std::size_t packs) {
    // Integers over the lanes: sum of u a in seven limbs, sum of a in six. A term adds at most 4 * 2^52 to a limb.
    constexpr std::size_t kCarry = 512;
    Vector products[7], sums[7];
    for (int k = 0; k < 7; ++k) products[k] = sums[k] = _mm512_setzero_si512();
    for (std::size_t begin = 0; begin < packs; begin += kCarry) {
      const std::size_t end = begin + kCarry < packs ? begin + kCarry : packs;
      for (std::size_t i = begin; i < end; ++i) {
        const Words u = load_words(b + 8 * i);
        const Value x = E::load(a[i].words);
        for (int k = 0; k < 5; ++k) {
          sums[k] = _mm512_add_epi64(sums[k], x.limb[k]);
          products[k] = E::multiply_low(products[k], x.limb[k], u.low);
          products[k + 1] = E::multiply_high(products[k + 1], x.limb[k], u.low);
          if constexpr (kBits == 64) {
            products[k + 1] = E::multiply_low(products[k + 1], x.limb[k], u.high);
            products[k + 2] = E::multiply_high(products[k + 2], x.limb[k], u.high);
          }
        }
      }
      carry_words(products);
      carry_words(sums);
    }
    const Value offset = E::mul(E::reduce_integer(sums), E::broadcast(Fr::from_u64(kOffset)));
    return E::sum_lanes(E::reduce(E::sub(E::reduce_integer(products), offset)));
  }

  static void prepare_weights(const Fr* weights, std::size_t count, std::uint64_t* prepared) {
    for (std::size_t i = 0; i < count; ++i) {
      const Limbs e = (weights[i] * Fr::from_montgomery(kTo260)).montgomery();
      for (std::size_t k = 0; k < kLimbs; ++k) {
        const std::size_t bit = k * kLimbBits, word = bit / 64, shift = bit % 64;
        std::uint64_t limb = 0;
        if (word < 4) limb = e[word] >> shift;
        if (shift != 0 && word + 1 < 4) limb |= e[word + 1] << (64 - shift);
        prepared[i * kPreparedWords + k] = limb & ((std::uint64_t{1} << kLimbBits) - 1);
      }
    }
  }

  static void combine_rows(const MatrixView<Int>& matrix, const Fr* weights, const std::uint64_t* prepared,
                           FrPack* out) {
    Fr total;
    for (std::size_t i = 0; i < matrix.rows; ++i) total += weights[i];
    const auto correction = E::broadcast(total * Fr::from_u64(kOffset));
    for (std::size_t first = 0; first < matrix.columns; first += 8 * kPanel) {
      const std::size_t columns = matrix.columns - first < 8 * kPanel ? matrix.columns - first : 8 * kPanel;
      combine_panel(matrix, first, columns, prepared, correction, out + first / 8);
    }
  }

 private:
  struct Words {
    Vector low, high;  // 52 bits, and 12 bits for int64
  };

  static constexpr Limbs kTo260 = detail::power_of_two_mod(260, Fr::kModulus);
  static constexpr std::size_t kLimbs = kBits == 8 ? 6 : kBits == 16 ? 8 : 5;
  static constexpr unsigned kLimbBits = kBits == 8 ? 43 : kBits == 16 ? 36 : 52;
  static constexpr std::size_t kSums = kBits <= 16 ? kLimbs : kBits == 32 ? 6 : 7;
  // 2^64 over the most that a row adds to a sum: 2^51, 2^52, 2 * 2^52, 4 * 2^52; half of that where two terms meet.
  static constexpr std::size_t kCarryRows = kBits == 8 ? 8192 : kBits == 16 ? 4096 : kBits == 32 ? 1024 : 512;
  static constexpr std::size_t kPanel = 48 / sizeof(Int);                   // vectors of 8 columns
  static constexpr std::size_t kStrip = kBits == 8 || kBits == 32 ? 4 : 3;  // vectors whose sums fit the registers

  struct Panel {
    alignas(64) std::uint64_t words[kPanel][kSums][8];
  };

  // A block of the matrix, offset to unsigned, copied together: its rows may lie a power of two apart, where they would
  // evict each other from the cache before the next strip of columns uses the same lines. 24 KiB.
  static constexpr std::size_t kBlockRows = 64;
  struct Block {
    alignas(64) Unsigned rows[kBlockRows][8 * kPanel];

    /// Columns up to the next multiple of 64 bytes are filled with kOffset.
    BLINDPROOF_INLINE void copy(const Int* data, std::size_t stride, std::size_t count, std::size_t columns) {
      constexpr std::size_t kPerVector = 64 / sizeof(Int);
      const Vector sign = kBits == 8    ? _mm512_set1_epi8(static_cast<char>(0x80))
                          : kBits == 16 ? _mm512_set1_epi16(static_cast<short>(0x8000))
                          : kBits == 32 ? _mm512_set1_epi32(static_cast<int>(0x80000000u))
                                        : E::broadcast_word(std::uint64_t{1} << 63);
      const std::size_t whole = columns / kPerVector;
      const std::size_t rest_bytes = (columns % kPerVector) * sizeof(Int);
      const __mmask64 rest = (std::uint64_t{1} << rest_bytes) - 1;
      for (std::size_t i = 0; i < count; ++i) {
        const Int* from = data + i * stride;
        Unsigned* to = rows[i];
        for (std::size_t k = 0; k < whole; ++k) {
          _mm512_store_si512(to + k * kPerVector, _mm512_xor_si512(_mm512_loadu_si512(from + k * kPerVector), sign));
        }
        if (rest != 0) {
          const Vector last = _mm512_maskz_loadu_epi8(rest, from + whole * kPerVector);
          _mm512_store_si512(to + whole * kPerVector, _mm512_xor_si512(last, sign));
        }
      }
    }
  };

  static BLINDPROOF_INLINE Words split(Vector u) {
    if constexpr (kBits < 64) {
      return {u, _mm512_setzero_si512()};
    } else {
      return {_mm512_and_si512(u, E::broadcast_word(ifma::kLow52)), _mm512_srli_epi64(u, 52)};
    }
  }

  static BLINDPROOF_INLINE Words load_words(const Int* in) {
    Vector w;
    if constexpr (kBits == 8) {
      w = _mm512_cvtepi8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in)));
    } else if constexpr (kBits == 16) {
      w = _mm512_cvtepi16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
    } else if constexpr (kBits == 32) {
      w = _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
    } else {
      w = _mm512_loadu_si512(in);
    }
    return split(_mm512_add_epi64(w, E::broadcast_word(kOffset)));
  }

  static BLINDPROOF_INLINE Words load_offset_words(const Unsigned* in) {
    if constexpr (kBits == 8) {
      return split(_mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in))));
    } else if constexpr (kBits == 16) {
      return split(_mm512_cvtepu16_epi64(_mm_load_si128(reinterpret_cast<const __m128i*>(in))));
    } else if constexpr (kBits == 32) {
      return split(_mm512_cvtepu32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(in))));
    } else {
      return split(_mm512_load_si512(in));
    }
  }

  static BLINDPROOF_INLINE void carry_words(Vector* limb) {
    for (int k = 0; k < 6; ++k) {
      limb[k + 1] = _mm512_add_epi64(limb[k + 1], _mm512_srli_epi64(limb[k], 52));
      limb[k] = _mm512_and_si512(limb[k], E::broadcast_word(ifma::kLow52));
    }
  }

  /// sums of `kVectors` vectors of columns += the products over `rows` rows.
  template <std::size_t kVectors>
  static BLINDPROOF_INLINE void add_strip(const Block& block, std::size_t first, std::size_t rows,
                                          const std::uint64_t* prepared, std::uint64_t (*words)[kSums][8]) {
    Vector sums[kVectors][kSums];
    for (std::size_t v = 0; v < kVectors; ++v) {
      for (std::size_t k = 0; k < kSums; ++k) sums[v][k] = _mm512_load_si512(words[v][k]);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const Unsigned* row = block.rows[i] + 8 * first;
      const std::uint64_t* e = prepared + i * kPreparedWords;
      Words u[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) u[v] = load_offset_words(row + 8 * v);
      for (std::size_t k = 0; k < kLimbs; ++k) {
        const Vector limb = E::broadcast_word(e[k]);
        for (std::size_t v = 0; v < kVectors; ++v) {
          sums[v][k] = E::multiply_low(sums[v][k], limb, u[v].low);
          if constexpr (kBits >= 32) sums[v][k + 1] = E::multiply_high(sums[v][k + 1], limb, u[v].low);
          if constexpr (kBits == 64) {
            sums[v][k + 1] = E::multiply_low(sums[v][k + 1], limb, u[v].high);
            sums[v][k + 2] = E::multiply_high(sums[v][k + 2], limb, u[v].high);
          }
        }
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      for (std::size_t k = 0; k < kSums; ++k) _mm512_store_si512(words[v][k], sums[v][k]);
    }
  }

  /// Sums of limb products as one integer mod p.
  static BLINDPROOF_INLINE Value reduce_sums(const std::uint64_t (*words)[8]) {
    Vector sums[kSums];
    for (std::size_t k = 0; k < kSums; ++k) sums[k] = _mm512_load_si512(words[k]);
    const Vector limb_mask = E::broadcast_word((std::uint64_t{1} << kLimbBits) - 1);
    for (std::size_t k = 0; k + 1 < kSums; ++k) {
      sums[k + 1] = _mm512_add_epi64(sums[k + 1], _mm512_srli_epi64(sums[k], kLimbBits));
      sums[k] = _mm512_and_si512(sums[k], limb_mask);
    }
    Vector limb[8];
    for (Vector& x : limb) x = _mm512_setzero_si512();
    const Vector low = E::broadcast_word(ifma::kLow52);
    for (std::size_t k = 0; k < kSums; ++k) {
      const std::size_t at = k * kLimbBits / 52;
      const int shift = static_cast<int>(k * kLimbBits % 52);
      const Vector left = _mm512_sll_epi64(sums[k], _mm_cvtsi32_si128(shift));
      limb[at] = _mm512_add_epi64(limb[at], _mm512_and_si512(left, low));
      limb[at + 1] = _mm512_add_epi64(limb[at + 1], _mm512_srl_epi64(sums[k], _mm_cvtsi32_si128(52 - shift)));
    }
    carry_words(limb);  // the integer is below 2^254 2^64 2^14: limb 7 is zero
    return E::reduce_integer(limb);
  }

  template <class Correction>
  static void combine_panel(const MatrixView<Int>& matrix, std::size_t first, std::size_t columns,
                            const std::uint64_t* prepared, const Correction& correction, FrPack* out) {
    const std::size_t vectors = (columns + 7) / 8;
    Panel panel;
    Block block;
    std::size_t row = 0;
    do {  // once for no rows, too
      for (auto& vector : panel.words) {
        for (auto& sum : vector) _mm512_store_si512(sum, _mm512_setzero_si512());
      }
      const bool initial = row == 0;
      const std::size_t carry_row = matrix.rows - row < kCarryRows ? matrix.rows : row + kCarryRows;
      while (row < carry_row) {
        const std::size_t rows = carry_row - row < kBlockRows ? carry_row - row : kBlockRows;
        block.copy(matrix.data + row * matrix.stride + first, matrix.stride, rows, columns);
        const std::uint64_t* e = prepared + row * kPreparedWords;
        std::size_t v = 0;
        for (; v + kStrip <= vectors; v += kStrip) add_strip<kStrip>(block, v, rows, e, panel.words + v);
        for (; v < vectors; ++v) add_strip<1>(block, v, rows, e, panel.words + v);
        row += rows;
      }
      for (std::size_t v = 0; v < vectors; ++v) {
        const Value sum = reduce_sums(panel.words[v]);
        if (initial) {
          E::store(out[v].words, E::reduce(E::sub(sum, correction)));
        } else {
          E::store(out[v].words, E::reduce(E::add(E::load(out[v].words), sum)));
        }
      }
    } while (row < matrix.rows);
    if (columns % 8 != 0) {
      const auto used = static_cast<std::uint8_t>((1u << (columns % 8)) - 1);
      E::store(out[vectors - 1].words, E::select(used, E::zero(), E::load(out[vectors - 1].words)));
    }
  }
};

}  // namespace blindproof::field
