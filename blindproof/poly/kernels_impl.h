// The kernels over any lane engine. Included by one source file for each kernel set.
#pragma once

#include "blindproof/poly/kernels.h"

namespace blindproof::poly {

template <class E>
struct PolyKernelTemplates {
  using Value = typename E::Value;
  using Accumulator = typename E::Accumulator;

  static void outer_product(const EqFactors& factors, std::size_t begin, std::size_t end, FrPack* out) {
    for (std::size_t block = begin; block < end; ++block) {
      const Value high = high_of(factors, block);
      FrPack* row = out + block * factors.low_packs;
      for (std::size_t i = 0; i < factors.low_packs; ++i) {
        E::store(row[i].words, E::mul(high, E::load(factors.low[i].words)));
      }
    }
  }

  static void extend_eq(const FrPack* in, std::size_t packs, const Fr& variable, FrPack* out) {
    const auto z = E::broadcast(variable);
    for (std::size_t i = 0; i < packs; ++i) {
      const Value whole = E::load(in[i].words), top = E::mul(whole, z);
      E::store(out[i].words, E::reduce(E::sub(whole, top)));
      E::store(out[i + packs].words, top);
    }
  }

  static Fr weighted_sum(const EqFactors& factors, const FrPack* values, std::size_t begin, std::size_t end) {
    Accumulator total;
    for (std::size_t block = begin; block < end; ++block) {
      const FrPack* row = values + block * factors.low_packs;
      Accumulator sum;
      for (std::size_t i = 0; i < factors.low_packs; ++i) {
        sum.add_product(E::load(factors.low[i].words), E::load(row[i].words));
      }
      total.add_product(high_of(factors, block), sum.lazy_value());
    }
    return E::sum_lanes(total.value());
  }

  static void fold(FrPack* table, std::size_t half, const Fr& r, std::size_t begin, std::size_t end) {
    const Value factor = E::broadcast(r);
    for (std::size_t i = begin; i < end; ++i) {
      E::store(table[i].words, E::fold(E::load(table[i].words), E::load(table[i + half].words), factor));
    }
  }

  template <std::size_t kTerms, Step kStep>
  static QuadraticRound round(const RoundArguments& arguments, std::size_t begin, std::size_t end) {
    const Value constant = E::broadcast(arguments.constant);
    Accumulator at_zero, leading;
    for (std::size_t i = begin; i < end; ++i) {
      const Tables<kTerms> t = fetch<kTerms, kStep>(arguments, i, constant);
      at_zero.add_product(t.low[0], t.low[1]);
      leading.add_product(E::sub(t.high[0], t.low[0]), E::sub(t.high[1], t.low[1]));
      if constexpr (kTerms == 2) {
        at_zero.add_product(t.low[2], t.low[3]);
        leading.add_product(E::sub(t.high[2], t.low[2]), E::sub(t.high[3], t.low[3]));
      }
    }
    return {E::sum_lanes(at_zero.value()), E::sum_lanes(leading.value())};
  }

  template <std::size_t kTerms, Step kStep>
  static QuadraticRound eq_round(const RoundArguments& arguments, std::size_t begin, std::size_t end) {
    const EqFactors& eq = arguments.eq;
    const Value constant = E::broadcast(arguments.constant);
    Accumulator at_zero, leading;
    for (std::size_t block = begin; block < end; ++block) {
      Accumulator block_at_zero, block_leading;
      for (std::size_t i = 0; i < eq.low_packs; ++i) {
        const Tables<kTerms> t = fetch<kTerms, kStep>(arguments, block * eq.low_packs + i, constant);
        const Value weight = E::load(eq.low[i].words);
        if constexpr (kTerms == 1) {
          block_at_zero.add_product(weight, E::mul(t.low[0], t.low[1]));
          block_leading.add_product(weight, E::mul(E::sub(t.high[0], t.low[0]), E::sub(t.high[1], t.low[1])));
        } else {
          block_at_zero.add_product(weight, E::mul_add(t.low[0], t.low[1], t.low[2], t.low[3]));
          block_leading.add_product(weight, E::mul_add(E::sub(t.high[0], t.low[0]), E::sub(t.high[1], t.low[1]),
                                                       E::sub(t.high[2], t.low[2]), E::sub(t.high[3], t.low[3])));
        }
      }
      const Value weight = high_of(eq, block);
      at_zero.add_product(weight, block_at_zero.lazy_value());
      leading.add_product(weight, block_leading.lazy_value());
    }
    return {E::sum_lanes(at_zero.value()), E::sum_lanes(leading.value())};
  }

  static void add_fractions(const FrPack* p, const FrPack* q, std::size_t half, std::size_t begin, std::size_t end,
                            FrPack* p_out, FrPack* q_out) {
    for (std::size_t i = begin; i < end; ++i) {
      const Value q0 = E::load(q[i].words), q1 = E::load(q[i + half].words);
      E::store(q_out[i].words, E::mul(q0, q1));
      if (p == nullptr) {
        E::store(p_out[i].words, E::reduce(E::add(q0, q1)));
      } else {
        E::store(p_out[i].words, E::mul_add(E::load(p[i].words), q1, E::load(p[i + half].words), q0));
      }
    }
  }

  static constexpr PolyKernels table() {
    constexpr Step n = Step::kNone, f = Step::kFold, s = Step::kShift;
    return {&outer_product,
            &extend_eq,
            &weighted_sum,
            &fold,
            {&round<1, n>, &round<1, f>, &round<1, s>},
            {&round<2, n>, &round<2, f>, &round<2, s>},
            {&eq_round<1, n>, &eq_round<1, f>, &eq_round<1, s>},
            {&eq_round<2, n>, &eq_round<2, f>, &eq_round<2, s>},
            &add_fractions};
  }

 private:
  template <std::size_t kTerms>
  struct Tables {
    Value low[2 * kTerms], high[2 * kTerms];  // t(0,x) and t(1,x)
  };

  static BLINDPROOF_INLINE Value high_of(const EqFactors& eq, std::size_t block) {
    return E::broadcast_lane(eq.high[block / E::kLanes].words, block % E::kLanes);
  }

  template <std::size_t kTerms, Step kStep>
  static BLINDPROOF_INLINE Tables<kTerms> fetch(const RoundArguments& arguments, std::size_t i, const Value& constant) {
    const std::size_t half = arguments.half;
    Tables<kTerms> t;
    for (std::size_t k = 0; k < 2 * kTerms; ++k) {
      FrPack* table = arguments.tables[k];
      if constexpr (kStep == Step::kFold) {
        t.low[k] = E::fold(E::load(table[i].words), E::load(table[i + 2 * half].words), constant);
        t.high[k] = E::fold(E::load(table[i + half].words), E::load(table[i + 3 * half].words), constant);
      } else {
        t.low[k] = E::load(table[i].words);
        t.high[k] = E::load(table[i + half].words);
      }
      if constexpr (kStep == Step::kShift && kTerms == 1) {
        t.low[k] = E::reduce(E::add(t.low[k], constant));
        t.high[k] = E::reduce(E::add(t.high[k], constant));
      } else if (kStep == Step::kShift && k == 2) {
        t.low[k] = E::reduce(E::add(t.low[k], E::mul(constant, t.low[1])));
        t.high[k] = E::reduce(E::add(t.high[k], E::mul(constant, t.high[1])));
      }
      if (kStep == Step::kFold || (kStep == Step::kShift && (kTerms == 1 || k == 2))) {
        E::store(table[i].words, t.low[k]);
        E::store(table[i + half].words, t.high[k]);
      }
    }
    return t;
  }
};

}  // namespace blindproof::poly
