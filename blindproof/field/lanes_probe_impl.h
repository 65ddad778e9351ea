#pragma once

#include "blindproof/field/lanes_probe.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {

template <class E>
struct LaneProbeTemplates {
  using Field = typename E::Field;
  using Value = typename E::Value;

  static void apply(LaneOperation operation, const ProbePack* in, std::size_t count, ProbePack& out) {
    const Value a = E::load(in[0].words), b = E::load(in[1].words), c = E::load(in[2].words), d = E::load(in[3].words);
    Value r = E::zero();
    switch (operation) {
      case LaneOperation::kMul: r = E::mul(a, b); break;
      case LaneOperation::kMulOfDifferences: r = E::mul(E::sub(a, b), E::sub(c, d)); break;
      case LaneOperation::kMulAdd: r = E::mul_add(a, b, c, d); break;
      case LaneOperation::kMulAddDifferences:
        r = E::mul_add(E::sub(a, b), E::sub(c, d), E::sub(c, b), E::sub(a, d));
        break;
      case LaneOperation::kSquare: r = E::square(a); break;
      case LaneOperation::kSquareDifference: r = E::square(E::sub(a, b)); break;
      case LaneOperation::kFold: r = E::fold(a, b, c); break;
      case LaneOperation::kSum: {
        const auto sum = E::add(E::add(a, b), E::add(c, d));
        r = E::reduce(E::add(E::add(sum, sum), a));
        break;
      }
      case LaneOperation::kAddSub: r = E::reduce(E::sub(E::sub(a, b), c)); break;
      case LaneOperation::kSelect: r = E::select(0xaa, a, b); break;
      case LaneOperation::kBroadcastLane: r = E::broadcast_lane(in[0].words, 5); break;
      case LaneOperation::kStoreLoadFields: {
        Field fields[8];
        E::store_fields(fields, a);
        r = E::load_fields(fields);
        break;
      }
      case LaneOperation::kAccumulate: {
        typename E::Accumulator sum;
        for (std::size_t i = 0; i < count; ++i) sum.add_product(a, b);
        r = sum.value();
        break;
      }
      case LaneOperation::kAccumulateDifferences: {
        typename E::Accumulator sum;
        for (std::size_t i = 0; i < count; ++i) sum.add_product(E::sub(a, b), E::sub(c, d));
        sum.add(c);
        r = sum.value();
        break;
      }
    }
    E::store(out.words, r);
  }

  static void sum_lanes(const ProbePack& a, std::uint64_t* limbs) { put(E::sum_lanes(E::load(a.words)), limbs); }
  static void get(const ProbePack& a, std::size_t lane, std::uint64_t* limbs) { put(E::get(a.words, lane), limbs); }
  static void set(ProbePack& a, std::size_t lane, const std::uint64_t* limbs) {
    E::set(a.words, lane, Field::from_montgomery({limbs[0], limbs[1], limbs[2], limbs[3]}));
  }
  static unsigned zero_lanes(const ProbePack& a) { return E::zero_lanes(E::load(a.words)); }

  static constexpr LaneProbe probe() { return {&apply, &sum_lanes, &get, &set, &zero_lanes}; }

 private:
  static BLINDPROOF_INLINE void put(const Field& x, std::uint64_t* limbs) {
    for (std::size_t i = 0; i < 4; ++i) limbs[i] = x.montgomery()[i];
  }
};

}  // namespace blindproof::field
