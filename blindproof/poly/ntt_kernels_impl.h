// The transform over any engine of butterflies (ntt_lanes_portable.h says what that is). Included by one source file
// for each kernel set, whose engine has a type of an anonymous namespace among its arguments.
//
// Three stages, or two, are done in one pass over memory; the last three transpose blocks of 8 groups of 8. (Finishing
// parts that fit the first-level cache before others was not faster, and slower where tables come from far.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/prime_field.h"
#include "blindproof/poly/ntt_kernels.h"

namespace blindproof::poly {

template <class E>
struct NttKernelTemplates {
  using Vector = typename E::Vector;
  using Constants = typename E::Constants;
  using Twiddle = typename E::Twiddle;
  static constexpr std::size_t kLanes = E::kLanes;
  static constexpr std::size_t kGroups = 8;  // of 8 words: a block

  struct Transform {
    const NttArguments& arguments;
    Constants k;
    std::uint64_t* a;
    std::size_t degree;

    BLINDPROOF_INLINE Twiddle twiddle(std::size_t index) const {
      return E::broadcast(k, arguments.values[index], arguments.quotients[index]);
    }
  };

  // Stages of a pass. Value i of 8 or 4 lies at i times an eighth or a quarter of the group's size.

  BLINDPROOF_INLINE static void forward8(const Constants& k, Vector (&v)[8], const Twiddle (&w)[7]) {
    for (std::size_t i = 0; i < 4; ++i) E::template forward<true>(k, v[i], v[i + 4], w[0]);
    for (std::size_t i = 0; i < 2; ++i) {
      E::template forward<false>(k, v[i], v[i + 2], w[1]);
      E::template forward<false>(k, v[i + 4], v[i + 6], w[2]);
    }
    for (std::size_t i = 0; i < 4; ++i) E::template forward<false>(k, v[2 * i], v[2 * i + 1], w[3 + i]);
  }

  // Without reduction, the sum of two sums and the product of their difference would be the largest of all.
  BLINDPROOF_INLINE static void inverse8_but_last(const Constants& k, Vector (&v)[8], const Twiddle (&w)[7]) {
    for (std::size_t i = 0; i < 4; ++i) E::template inverse<false>(k, v[2 * i], v[2 * i + 1], w[3 + i]);
    E::template inverse<true>(k, v[0], v[2], w[1]);
    E::template inverse<false>(k, v[1], v[3], w[1]);
    E::template inverse<true>(k, v[4], v[6], w[2]);
    E::template inverse<false>(k, v[5], v[7], w[2]);
  }
  BLINDPROOF_INLINE static void inverse8(const Constants& k, Vector (&v)[8], const Twiddle (&w)[7]) {
    inverse8_but_last(k, v, w);
    E::template inverse<false>(k, v[0], v[4], w[0]);
    for (std::size_t i = 1; i < 4; ++i) E::template inverse<true>(k, v[i], v[i + 4], w[0]);
  }

  template <bool kInput, std::size_t kRadix>
  BLINDPROOF_INLINE static void load(const Constants& k, const std::uint64_t* p, std::size_t distance,
                                     Vector (&v)[kRadix]) {
    for (std::size_t i = 0; i < kRadix; ++i) {
      if constexpr (kInput) {
        v[i] = E::load_input(k, p + i * distance);
      } else {
        v[i] = E::load(p + i * distance);
      }
    }
  }
  template <bool kOutput, std::size_t kRadix>
  BLINDPROOF_INLINE static void store(const Constants& k, std::uint64_t* p, std::size_t distance,
                                      const Vector (&v)[kRadix]) {
    for (std::size_t i = 0; i < kRadix; ++i) {
      if constexpr (kOutput) {
        E::store_output(k, p + i * distance, v[i]);
      } else {
        E::store(p + i * distance, v[i]);
      }
    }
  }

  template <bool kInput>
  static void forward_pass8(const Transform& t, std::size_t groups) {
    const Constants k = t.k;
    const std::size_t size = t.degree / groups, distance = size / 8;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t i1 = groups + g, i2 = 2 * i1, i4 = 4 * i1;
      const Twiddle w[7] = {t.twiddle(i1),     t.twiddle(i2),     t.twiddle(i2 + 1), t.twiddle(i4),
                            t.twiddle(i4 + 1), t.twiddle(i4 + 2), t.twiddle(i4 + 3)};
      std::uint64_t* p = t.a + g * size;
      for (std::size_t j = 0; j < distance; j += kLanes) {
        Vector v[8];
        load<kInput>(k, p + j, distance, v);
        forward8(k, v, w);
        store<false>(k, p + j, distance, v);
      }
    }
  }

  template <bool kInput>
  static void forward_pass4(const Transform& t, std::size_t groups) {
    const Constants k = t.k;
    const std::size_t size = t.degree / groups, distance = size / 4;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t i1 = groups + g, i2 = 2 * i1;
      const Twiddle w[3] = {t.twiddle(i1), t.twiddle(i2), t.twiddle(i2 + 1)};
      std::uint64_t* p = t.a + g * size;
      for (std::size_t j = 0; j < distance; j += kLanes) {
        Vector v[4];
        load<kInput>(k, p + j, distance, v);
        for (std::size_t i = 0; i < 2; ++i) E::template forward<true>(k, v[i], v[i + 2], w[0]);
        for (std::size_t i = 0; i < 2; ++i) E::template forward<false>(k, v[2 * i], v[2 * i + 1], w[1 + i]);
        store<false>(k, p + j, distance, v);
      }
    }
  }

  template <bool kLast>
  static void inverse_pass8(const Transform& t, std::size_t groups) {
    const Constants k = t.k;
    const std::size_t size = t.degree / groups, distance = size / 8;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t i1 = 2 * groups - 1 - g, i2 = 2 * i1, i4 = 4 * i1;
      const Twiddle w[7] = {t.twiddle(i1),     t.twiddle(i2 + 1), t.twiddle(i2), t.twiddle(i4 + 3),
                            t.twiddle(i4 + 2), t.twiddle(i4 + 1), t.twiddle(i4)};
      std::uint64_t* p = t.a + g * size;
      for (std::size_t j = 0; j < distance; j += kLanes) {
        Vector v[8];
        load<false>(k, p + j, distance, v);
        if constexpr (kLast) {
          inverse8_but_last(k, v, w);
          inverse_last_stage(t, v);
        } else {
          inverse8(k, v, w);
        }
        store<kLast>(k, p + j, distance, v);
      }
    }
  }

  template <bool kLast>
  static void inverse_pass4(const Transform& t, std::size_t groups) {
    const Constants k = t.k;
    const std::size_t size = t.degree / groups, distance = size / 4;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t i1 = 2 * groups - 1 - g, i2 = 2 * i1;
      const Twiddle w[3] = {t.twiddle(i1), t.twiddle(i2 + 1), t.twiddle(i2)};
      std::uint64_t* p = t.a + g * size;
      for (std::size_t j = 0; j < distance; j += kLanes) {
        Vector v[4];
        load<false>(k, p + j, distance, v);
        for (std::size_t i = 0; i < 2; ++i) E::template inverse<true>(k, v[2 * i], v[2 * i + 1], w[1 + i]);
        if constexpr (kLast) {
          inverse_last_stage(t, v);
        } else {
          E::template inverse<false>(k, v[0], v[2], w[0]);
          E::template inverse<true>(k, v[1], v[3], w[0]);
        }
        store<kLast>(k, p + j, distance, v);
      }
    }
  }

  template <std::size_t kRadix>
  BLINDPROOF_INLINE static void inverse_last_stage(const Transform& t, Vector (&v)[kRadix]) {
    const field::FixedFactor &f = t.arguments.scale, &w = t.arguments.scaled_root;
    const Twiddle scale = E::broadcast(t.k, f.value, f.quotient), root = E::broadcast(t.k, w.value, w.quotient);
    for (std::size_t i = 0; i < kRadix / 2; ++i) E::inverse_scaled(t.k, v[i], v[i + kRadix / 2], scale, root);
  }

  /// The last three stages.
  static void forward_blocks(const Transform& t) {
    const Constants k = t.k;
    for (std::size_t block = 0; block < t.degree / 64; ++block) {
      std::uint64_t* p = t.a + block * 64;
      const std::size_t row = t.degree / 8 + block * 56;
      alignas(64) std::uint64_t turned[64];
      for (std::size_t l = 0; l < kGroups; l += kLanes) {
        Vector v[8];
        E::load_groups(p + 8 * l, v);
        Twiddle w[7];
        for (std::size_t i = 0; i < 7; ++i) {
          const std::size_t at = row + 8 * i + l;
          w[i] = E::load_twiddle(k, t.arguments.values + at, t.arguments.quotients + at);
        }
        forward8(k, v, w);
        std::uint64_t* to = kLanes == kGroups ? p : turned;  // the other groups of the block are still to be read
        for (std::size_t i = 0; i < 8; ++i) E::store_output(k, to + 8 * i + l, v[i]);
      }
      if constexpr (kLanes != kGroups) {
        for (std::size_t i = 0; i < 64; ++i) p[i] = turned[i];
      }
    }
  }

  static void inverse_blocks(const Transform& t) {
    const Constants k = t.k;
    for (std::size_t block = 0; block < t.degree / 64; ++block) {
      std::uint64_t* p = t.a + block * 64;
      const std::size_t row = t.degree / 8 + (t.degree / 64 - 1 - block) * 56;
      alignas(64) std::uint64_t turned[64];
      for (std::size_t l = 0; l < kGroups; l += kLanes) {
        Vector v[8];
        for (std::size_t i = 0; i < 8; ++i) v[i] = E::load_input(k, p + 8 * i + l);
        constexpr std::size_t kRows[7] = {0, 2, 1, 6, 5, 4, 3};
        Twiddle w[7];
        for (std::size_t i = 0; i < 7; ++i) {
          const std::size_t at = row + 8 * kRows[i] + (kGroups - kLanes - l);
          w[i] = E::load_reversed_twiddle(k, t.arguments.values + at, t.arguments.quotients + at);
        }
        inverse8(k, v, w);
        E::store_groups((kLanes == kGroups ? p : turned) + 8 * l, v);
      }
      if constexpr (kLanes != kGroups) {
        for (std::size_t i = 0; i < 64; ++i) p[i] = turned[i];
      }
    }
  }

  // Passes of four values first, if the stages before the last three are no multiple of three; then passes of eight.

  static void forward(const NttArguments& arguments, std::uint64_t* a) {
    const typename E::Environment environment;
    const Transform t = {arguments, Constants(*arguments.modulus), a, std::size_t{1} << arguments.log_degree};
    int stages = arguments.log_degree - 3;
    std::size_t groups = 1;
    while (stages > 0) {
      if (stages % 3 == 0) {
        groups == 1 ? forward_pass8<true>(t, groups) : forward_pass8<false>(t, groups);
        groups *= 8;
        stages -= 3;
      } else {
        groups == 1 ? forward_pass4<true>(t, groups) : forward_pass4<false>(t, groups);
        groups *= 4;
        stages -= 2;
      }
    }
    forward_blocks(t);
  }

  static void inverse(const NttArguments& arguments, std::uint64_t* a) {
    const typename E::Environment environment;
    const Transform t = {arguments, Constants(*arguments.modulus), a, std::size_t{1} << arguments.log_degree};
    inverse_blocks(t);
    int stages = arguments.log_degree - 3;
    while (stages > 0) {
      const bool four = stages == 2 || stages == 4;
      stages -= four ? 2 : 3;
      const std::size_t groups = std::size_t{1} << stages;
      if (four) {
        groups == 1 ? inverse_pass4<true>(t, groups) : inverse_pass4<false>(t, groups);
      } else {
        groups == 1 ? inverse_pass8<true>(t, groups) : inverse_pass8<false>(t, groups);
      }
    }
  }

  static constexpr NttKernels table() { return {&forward, &inverse}; }
};

}  // namespace blindproof::poly
