// FrVector's kernels over any lane engine. Included by one source file for each kernel set.
#pragma once

#include "blindproof/field/fr_kernels.h"

namespace blindproof::field {

template <class E>
struct FrKernelTemplates {
  using Value = typename E::Value;

  static void from_fields(const Fr* in, std::size_t count, FrPack* out) {
    const std::size_t packs = count / E::kLanes;
    for (std::size_t i = 0; i < packs; ++i) E::store(out[i].words, E::load_fields(in + i * E::kLanes));
    if (count % E::kLanes != 0) {
      Fr rest[E::kLanes];
      for (std::size_t i = 0; i < count % E::kLanes; ++i) rest[i] = in[packs * E::kLanes + i];
      E::store(out[packs].words, E::load_fields(rest));
    }
  }

  static void to_fields(const FrPack* in, std::size_t count, Fr* out) {
    const std::size_t packs = count / E::kLanes;
    for (std::size_t i = 0; i < packs; ++i) E::store_fields(out + i * E::kLanes, E::load(in[i].words));
    if (count % E::kLanes != 0) {
      Fr rest[E::kLanes];
      E::store_fields(rest, E::load(in[packs].words));
      for (std::size_t i = 0; i < count % E::kLanes; ++i) out[packs * E::kLanes + i] = rest[i];
    }
  }

  static Fr get(const FrPack& pack, std::size_t lane) { return E::get(pack.words, lane); }
  static void set(FrPack& pack, std::size_t lane, const Fr& value) { E::set(pack.words, lane, value); }

  static Fr dot(const FrPack* a, const FrPack* b, std::size_t packs) {
    typename E::Accumulator sum;
    for (std::size_t i = 0; i < packs; ++i) sum.add_product(E::load(a[i].words), E::load(b[i].words));
    return E::sum_lanes(sum.value());
  }

  static void add_scaled(FrPack* acc, const Fr& factor, const FrPack* a, std::size_t packs) {
    const Value f = E::broadcast(factor);
    for (std::size_t i = 0; i < packs; ++i) {
      E::store(acc[i].words, E::reduce(E::add(E::load(acc[i].words), E::mul(f, E::load(a[i].words)))));
    }
  }

  static void add(FrPack* acc, const FrPack* a, std::size_t packs) {
    for (std::size_t i = 0; i < packs; ++i) {
      E::store(acc[i].words, E::reduce(E::add(E::load(acc[i].words), E::load(a[i].words))));
    }
  }
};

template <class Templates>
constexpr IntegerKernels<typename Templates::Int> integer_kernels() {
  return {&Templates::from_integers, &Templates::dot, &Templates::prepare_weights, &Templates::combine_rows};
}

/// `Integers<Int>` is the engine's own IntegerTemplates.
template <class E, template <class> class Integers>
constexpr FrKernels make_fr_kernels() {
  using T = FrKernelTemplates<E>;
  return {&T::from_fields,
          &T::to_fields,
          &T::get,
          &T::set,
          &T::dot,
          &T::add_scaled,
          &T::add,
          integer_kernels<Integers<std::int8_t>>(),
          integer_kernels<Integers<std::int16_t>>(),
          integer_kernels<Integers<std::int32_t>>(),
          integer_kernels<Integers<std::int64_t>>()};
}

}  // namespace blindproof::field
