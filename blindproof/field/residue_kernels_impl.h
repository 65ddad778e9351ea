// The kernels over any lane engine (residue_lanes_portable.h says what that is). Included by one source file for each
// kernel set, whose engine has a type of an anonymous namespace among its arguments.
#pragma once

#include "blindproof/field/prime_field.h"
#include "blindproof/field/residue_kernels.h"

#define BLINDPROOF_INLINE_BODY __attribute__((always_inline))

namespace blindproof::field {

template <class E>
struct ResidueKernelTemplates {
  using Words = ResidueKernels::Words;
  using Out = ResidueKernels::Out;
  using Word = typename E::Word;
  using Operand = typename E::Operand;
  using Constants = typename E::Constants;
  using Sum = typename E::Sum;
  static constexpr std::size_t kLanes = E::kLanes;

  // The last n % kLanes entries go through padded copies.
  BLINDPROOF_INLINE static Word load_some(const std::uint64_t* p, std::size_t count) {
    std::uint64_t padded[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i) padded[i] = p[i];
    return E::load(padded);
  }
  BLINDPROOF_INLINE static void store_some(std::uint64_t* p, Word a, std::size_t count) {
    std::uint64_t padded[kLanes];
    E::store(padded, a);
    for (std::size_t i = 0; i < count; ++i) p[i] = padded[i];
  }

  struct Full {
    BLINDPROOF_INLINE Word operator()(const std::uint64_t* p, std::size_t i) const { return E::load(p + i); }
    BLINDPROOF_INLINE void store(std::uint64_t* p, std::size_t i, Word a) const { E::store(p + i, a); }
  };
  struct Some {
    std::size_t count;
    BLINDPROOF_INLINE Word operator()(const std::uint64_t* p, std::size_t i) const { return load_some(p + i, count); }
    BLINDPROOF_INLINE void store(std::uint64_t* p, std::size_t i, Word a) const { store_some(p + i, a, count); }
  };

  /// body(access, i) for every pack of lanes; `access` loads and stores, whole packs or the rest.
  template <class Body>
  BLINDPROOF_INLINE static void for_packs(std::size_t n, const Body& body) {
    const std::size_t whole = n / kLanes * kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes) body(Full{}, i);
    if constexpr (kLanes > 1) {
      if (whole != n) body(Some{n - whole}, whole);
    }
  }

  /// The end of the products that fit before a fold.
  BLINDPROOF_INLINE static std::size_t end_of_run(std::size_t begin, std::size_t terms) {
    return terms - begin < E::kTermsBetweenFolds ? terms : begin + E::kTermsBetweenFolds;
  }

  static void add(const Modulus& q, Words a, Words b, Out out, std::size_t n) {
    const Constants k(q);
    for_packs(n,
              [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY { at.store(out, i, E::add(k, at(a, i), at(b, i))); });
  }

  static void subtract(const Modulus& q, Words a, Words b, Out out, std::size_t n) {
    const Constants k(q);
    for_packs(n, [&](auto at, std::size_t i)
                     BLINDPROOF_INLINE_BODY { at.store(out, i, E::subtract(k, at(a, i), at(b, i))); });
  }

  static void negate(const Modulus& q, Words a, Out out, std::size_t n) {
    const Constants k(q);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY { at.store(out, i, E::negate(k, at(a, i))); });
  }

  static void multiply(const Modulus& q, Words a, Words b, Out out, std::size_t n) {
    const Constants k(q);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      at.store(out, i, E::multiply(k, E::operand(at(a, i)), E::operand(at(b, i))));
    });
  }

  static void multiply_add(const Modulus& q, Words a, Words b, Out acc, std::size_t n) {
    const Constants k(q);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      at.store(acc, i, E::add(k, at(acc, i), E::multiply(k, E::operand(at(a, i)), E::operand(at(b, i)))));
    });
  }

  static void scale(const Modulus& q, Words a, FixedFactor c, Out out, std::size_t n) {
    const Constants k(q);
    const auto factor = E::factor(k, c);
    for_packs(n,
              [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY { at.store(out, i, E::scale(k, at(a, i), factor)); });
  }

  static void scale_add(const Modulus& q, Words a, FixedFactor c, Out acc, std::size_t n) {
    const Constants k(q);
    const auto factor = E::factor(k, c);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      at.store(acc, i, E::add(k, at(acc, i), E::scale(k, at(a, i), factor)));
    });
  }

  static void subtract_scale(const Modulus& q, Words a, Words b, FixedFactor c, Out out, std::size_t n) {
    const Constants k(q);
    const auto factor = E::factor(k, c);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      at.store(out, i, E::scale(k, E::subtract(k, at(a, i), at(b, i)), factor));
    });
  }

  static void reduce_from(const Modulus& to, const Modulus& from, Words a, Out out, std::size_t n) {
    // A residue above q/2 stands for itself minus q: add -q modulo `to` first, which leaves it below 2^51.
    const Constants k(to);
    const std::uint64_t half = from.value() / 2, minus_q = to.negate(to.reduce(from.value()));
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      at.store(out, i, E::reduce(k, E::add_if_above(at(a, i), half, minus_q)));
    });
  }

  static void from_signed(const Modulus& q, const std::int64_t* a, Out out, std::size_t n) {
    const Constants k(q);
    const auto* words = reinterpret_cast<const std::uint64_t*>(a);
    for_packs(
        n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY { at.store(out, i, E::reduce_signed(k, at(words, i))); });
  }

  static void tensor(const Modulus& q, const Words* a, const Words* b, const Out* c, std::size_t n) {
    const Constants k(q);
    const Words a0 = a[0], a1 = a[1], b0 = b[0], b1 = b[1];
    const Out c0 = c[0], c1 = c[1], c2 = c[2];
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      const Operand x0 = E::operand(at(a0, i)), x1 = E::operand(at(a1, i));
      const Operand y0 = E::operand(at(b0, i)), y1 = E::operand(at(b1, i));
      Sum cross;
      cross.add_product(k, x0, y1);
      cross.add_product(k, x1, y0);
      const Word low = E::multiply(k, x0, y0), high = E::multiply(k, x1, y1);
      at.store(c0, i, low);
      at.store(c1, i, cross.value(k));
      at.store(c2, i, high);
    });
  }

  static void inner_products(const Modulus& q, const Words* a, const Words* b0, const Words* b1, std::size_t terms,
                             Out out0, Out out1, std::size_t n) {
    const Constants k(q);
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      Sum sum0, sum1;
      for (std::size_t t = 0; t < terms;) {
        const std::size_t end = end_of_run(t, terms);
        for (; t < end; ++t) {
          const Operand x = E::operand(at(a[t], i));
          sum0.add_product(k, x, E::operand(at(b0[t], i)));
          sum1.add_product(k, x, E::operand(at(b1[t], i)));
        }
        if (t < terms) {
          sum0.fold(k);
          sum1.fold(k);
        }
      }
      at.store(out0, i, sum0.value(k));
      at.store(out1, i, sum1.value(k));
    });
  }

  static void fetch(const std::uint32_t* permutation, Words in, Out out, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) out[i] = in[permutation[i]];
  }

  /// Automorphisms take whole blocks of 64 to blocks of 64.
  static void permute(const std::uint32_t* permutation, Words in, Out out, std::size_t n) {
    std::size_t i = 0;
    if constexpr (E::kPermutesBlocks) {
      for (; i + 64 <= n; i += 64) {
        const std::size_t block = permutation[i] & ~std::uint32_t{63};
        const bool done = block + 64 <= n && E::permute_block(permutation + i, in + block, out + i);
        if (!done) fetch(permutation, in, out, i, i + 64);
      }
    }
    fetch(permutation, in, out, i, n);
  }

  static void overflow(const double* reciprocals, std::size_t terms, const Words* a, Out out, std::size_t n) {
    for_packs(n, [&](auto at, std::size_t i) BLINDPROOF_INLINE_BODY {
      typename E::Double sum = E::zero();
      for (std::size_t t = 0; t < terms; ++t) sum = E::add_scaled(sum, at(a[t], i), reciprocals[t]);
      at.store(out, i, E::round(sum));
    });
  }

  // Several packs at a time, so that sums don't wait for each other.
  template <std::size_t kPacks, class Access>
  BLINDPROOF_INLINE static void finish_packs(const Modulus& to, const std::uint64_t* factors, std::size_t terms,
                                             const Words* prepared, Out out, std::size_t i, Access at) {
    const Constants k(to);
    Sum totals[kPacks];
    for (std::size_t t = 0; t < terms;) {
      const std::size_t end = end_of_run(t, terms);
      for (; t < end; ++t) {
        const Operand factor = E::broadcast(factors[t]);
        for (std::size_t p = 0; p < kPacks; ++p) {
          totals[p].add_product(k, E::operand(at(prepared[t], i + p * kLanes)), factor);
        }
      }
      if (t < terms) {
        for (std::size_t p = 0; p < kPacks; ++p) totals[p].fold(k);
      }
    }
    for (std::size_t p = 0; p < kPacks; ++p) at.store(out, i + p * kLanes, totals[p].value(k));
  }

  static void finish(const Modulus& to, const std::uint64_t* factors, std::size_t terms, const Words* prepared, Out out,
                     std::size_t n) {
    constexpr std::size_t kBlock = E::kConversionPacks * kLanes;
    std::size_t i = 0;
    for (; i + kBlock <= n; i += kBlock) finish_packs<E::kConversionPacks>(to, factors, terms, prepared, out, i, Full{});
    for (; i + kLanes <= n; i += kLanes) finish_packs<1>(to, factors, terms, prepared, out, i, Full{});
    if constexpr (kLanes > 1) {
      if (i != n) finish_packs<1>(to, factors, terms, prepared, out, i, Some{n - i});
    }
  }

  static constexpr ResidueKernels table() {
    return {&add,    &subtract,       &negate,         &multiply,       &multiply_add,
            &scale,  &scale_add,      &subtract_scale, &reduce_from,    &from_signed,
            &tensor, &inner_products, &permute,        &overflow,       &finish};
  }
};

}  // namespace blindproof::field
