// Eight field elements at a time, in plain C++: the specification of every lane engine.
//
// A lane engine is a class of static functions over `Value`, eight elements in registers. Kernels are templates over
// the engine and are compiled once for each instruction set, in a source file with that set's flags:
//
//   load, store                  a pack in memory: 40 words of 64 bits, aligned to 64 bytes, layout private to the
//                                engine
//   load_fields, store_fields    eight ordinary elements
//   broadcast, broadcast_lane    one element in all lanes
//   get, set                     one element of a pack in memory
//   add, sub, mul, square        lane by lane; mul_add(a,b,c,d) = a b + c d with one reduction
//   fold(low, high, r)           low + r (high - low)
//   reduce                       back to what store and Accumulator::add take (the identity here, see lanes_ifma.h)
//   Accumulator                  sum of any number of products and values
//   sum_lanes, zero_lanes, select, transpose
//
// `Isa` is a tag from the including source file's anonymous namespace: it gives every instance internal linkage, so
// that code compiled for a richer instruction set can't be merged with a copy that runs everywhere. All functions are
// inlined for the same reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "blindproof/field/prime_field.h"

namespace blindproof::field {

template <class FieldType, class Isa>
struct PortableLanes {
  using Field = FieldType;
  static constexpr std::size_t kLanes = 8;

  struct Value {
    Field lane[kLanes];
  };

  static BLINDPROOF_INLINE Value zero() { return Value{}; }
  static BLINDPROOF_INLINE Value load(const std::uint64_t* words) {
    Value v;
    std::memcpy(static_cast<void*>(&v), words, sizeof v);
    return v;
  }
  static BLINDPROOF_INLINE void store(std::uint64_t* words, const Value& v) { std::memcpy(words, &v, sizeof v); }
  static BLINDPROOF_INLINE Value load_fields(const Field* in) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = in[i];
    return v;
  }
  static BLINDPROOF_INLINE void store_fields(Field* out, const Value& v) {
    for (std::size_t i = 0; i < kLanes; ++i) out[i] = v.lane[i];
  }
  static BLINDPROOF_INLINE Field get(const std::uint64_t* words, std::size_t lane) {
    Field x;
    std::memcpy(static_cast<void*>(&x), words + 4 * lane, sizeof x);
    return x;
  }
  static BLINDPROOF_INLINE void set(std::uint64_t* words, std::size_t lane, const Field& x) {
    std::memcpy(words + 4 * lane, &x, sizeof x);
  }
  static BLINDPROOF_INLINE Value broadcast(const Field& x) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = x;
    return v;
  }
  static BLINDPROOF_INLINE Value broadcast_lane(const std::uint64_t* words, std::size_t lane) {
    return broadcast(get(words, lane));
  }

  static BLINDPROOF_INLINE Value add(const Value& a, const Value& b) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = a.lane[i] + b.lane[i];
    return v;
  }
  static BLINDPROOF_INLINE Value sub(const Value& a, const Value& b) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = a.lane[i] - b.lane[i];
    return v;
  }
  static BLINDPROOF_INLINE Value mul(const Value& a, const Value& b) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = a.lane[i] * b.lane[i];
    return v;
  }
  static BLINDPROOF_INLINE Value square(const Value& a) { return mul(a, a); }
  static BLINDPROOF_INLINE Value mul_add(const Value& a, const Value& b, const Value& c, const Value& d) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = a.lane[i] * b.lane[i] + c.lane[i] * d.lane[i];
    return v;
  }
  static BLINDPROOF_INLINE Value fold(const Value& low, const Value& high, const Value& r) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = low.lane[i] + r.lane[i] * (high.lane[i] - low.lane[i]);
    return v;
  }
  static BLINDPROOF_INLINE Value reduce(const Value& a) { return a; }

  static BLINDPROOF_INLINE Field sum_lanes(const Value& a) {
    Field sum = a.lane[0];
    for (std::size_t i = 1; i < kLanes; ++i) sum += a.lane[i];
    return sum;
  }
  /// Bit i is set if lane i is zero.
  static BLINDPROOF_INLINE std::uint8_t zero_lanes(const Value& a) {
    unsigned mask = 0;
    for (std::size_t i = 0; i < kLanes; ++i) mask |= static_cast<unsigned>(a.lane[i].is_zero()) << i;
    return static_cast<std::uint8_t>(mask);
  }
  /// Of a block of eight: lane j of value i goes to lane i of value j.
  static BLINDPROOF_INLINE void transpose(Value* block) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const Field t = block[i].lane[j];
        block[i].lane[j] = block[j].lane[i];
        block[j].lane[i] = t;
      }
    }
  }
  /// Lane i of b where bit i of the mask is set, of a elsewhere.
  static BLINDPROOF_INLINE Value select(std::uint8_t mask, const Value& a, const Value& b) {
    Value v;
    for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = (mask >> i & 1) != 0 ? b.lane[i] : a.lane[i];
    return v;
  }

  /// A sum of products, kept as 576-bit integers: 2^64 products fit, since each is below 2^508.
  class Accumulator {
   public:
    BLINDPROOF_INLINE Accumulator() : wide_{}, sum_{} {}
    BLINDPROOF_INLINE void add_product(const Value& a, const Value& b) {
      for (std::size_t i = 0; i < kLanes; ++i) add_wide(wide_[i], a.lane[i].montgomery(), b.lane[i].montgomery());
    }
    BLINDPROOF_INLINE void add(const Value& a) { sum_ = PortableLanes::add(sum_, a); }
    /// What one more product takes: value() without its last steps in engines that have some.
    BLINDPROOF_INLINE Value lazy_value() const { return value(); }
    BLINDPROOF_INLINE Value value() const {
      Value v;
      for (std::size_t i = 0; i < kLanes; ++i) v.lane[i] = sum_.lane[i] + reduce_wide(wide_[i]);
      return v;
    }

   private:
    using Uint128 = base::Uint128;

    static BLINDPROOF_INLINE void add_wide(std::uint64_t* wide, const Limbs& a, const Limbs& b) {
      std::uint64_t t[8] = {};
      for (std::size_t i = 0; i < 4; ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < 4; ++j) {
          const Uint128 x = static_cast<Uint128>(a[j]) * b[i] + t[i + j] + carry;
          t[i + j] = static_cast<std::uint64_t>(x);
          carry = static_cast<std::uint64_t>(x >> 64);
        }
        t[i + 4] = carry;
      }
      unsigned char carry = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        const Uint128 x = static_cast<Uint128>(wide[i]) + t[i] + carry;
        wide[i] = static_cast<std::uint64_t>(x);
        carry = static_cast<unsigned char>(x >> 64);
      }
      wide[8] += carry;
    }

    // The sum over 2^256 mod p. A Montgomery product takes any four limbs as one factor if the other is below p.
    static BLINDPROOF_INLINE Field reduce_wide(const std::uint64_t* w) {
      const Field low = Field::from_montgomery({w[0], w[1], w[2], w[3]}) * Field::from_montgomery({1, 0, 0, 0});
      const Field middle = Field::from_montgomery({w[4], w[5], w[6], w[7]}) * Field::from_montgomery(Field::kR);
      const Field high = Field::from_montgomery({w[8], 0, 0, 0}) * Field::from_montgomery(Field::kR2);
      return low + middle + high;
    }

    std::uint64_t wide_[kLanes][9];
    Value sum_;
  };
};

}  // namespace blindproof::field
