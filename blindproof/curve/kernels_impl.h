// Internal to this module: the kernels, written once over "lanes" L and compiled once for each instruction set. Only
// kernels_*.cpp include it, each inside its own unnamed namespace's L, so that no code compiled for one instruction set
// can be linked into another.
//
// L is a lane engine of the field (field/lanes_portable.h) for Fq, with what points need besides:
//   Difference                  what differences of Values fit: a Value that is less reduced
//   gather/scatter              eight PackedPoints <-> x, y
//   load_points                 eight affine points
//   gather_multiples            the multiples that eight digits name, and the masks of nonzero and of negative digits
//   pick, negate_if, is_zero    by or as a mask: bit k for lane k; is_zero is exact
//   chord_x(slope, dx, x)       slope^2 - dx - 2x: the third point of a line through (x, y) and a point at x + dx
//   chord_y(slope, x, x3, y)    slope*(x - x3) - y: that point's y, negated
//   sum_x(r, ppp, q)            r^2 - ppp - 2q (see G1)
//   mul_sub_mul(a, b, c, d)     a b - c d
//   rotated<n>                  lane k+n, modulo 8, in lane k
//   invert                      all lanes at once; false, and nothing done, if one of them is zero
#pragma once

#include <type_traits>

#include "blindproof/curve/kernels.h"

namespace blindproof::curve {

/// Lanes of Fq2 over lanes L of Fq, as far as affine additions need them.
template <class L>
struct QuadraticLanes {
  using Mask = std::uint8_t;
  using Packed = PackedG2;
  using Affine = G2Affine;
  struct Value {
    typename L::Value c0, c1;
  };
  using Difference = Value;

  static BLINDPROOF_INLINE Value zero() { return {L::zero(), L::zero()}; }
  static BLINDPROOF_INLINE Value one() { return {L::one(), L::zero()}; }
  static BLINDPROOF_INLINE Value reduce(const Value& a) { return a; }
  static BLINDPROOF_INLINE Value add(const Value& a, const Value& b) {
    return {L::reduce(L::add(a.c0, b.c0)), L::reduce(L::add(a.c1, b.c1))};
  }
  static BLINDPROOF_INLINE Value sub(const Value& a, const Value& b) {
    return {L::reduce(L::sub(a.c0, b.c0)), L::reduce(L::sub(a.c1, b.c1))};
  }
  static BLINDPROOF_INLINE Value mul(const Value& a, const Value& b) {
    return {L::mul_sub_mul(a.c0, b.c0, a.c1, b.c1), L::mul_add(a.c0, b.c1, a.c1, b.c0)};
  }
  static BLINDPROOF_INLINE Value square(const Value& a) {
    return {L::mul(L::add(a.c0, a.c1), L::reduce(L::sub(a.c0, a.c1))), L::mul(L::add(a.c0, a.c0), a.c1)};
  }
  static BLINDPROOF_INLINE Value chord_x(const Value& slope, const Value& dx, const Value& x) {
    return sub(sub(square(slope), dx), add(x, x));
  }
  static BLINDPROOF_INLINE Value chord_y(const Value& slope, const Value& x, const Value& x_sum, const Value& y) {
    return sub(mul(slope, sub(x, x_sum)), y);
  }
  static BLINDPROOF_INLINE Value pick(Mask mask, const Value& if_set, const Value& if_clear) {
    return {L::pick(mask, if_set.c0, if_clear.c0), L::pick(mask, if_set.c1, if_clear.c1)};
  }
  static BLINDPROOF_INLINE Value negate_if(Mask mask, const Value& a) {
    return {L::reduce(L::negate_if(mask, a.c0)), L::reduce(L::negate_if(mask, a.c1))};
  }
  static BLINDPROOF_INLINE Mask is_zero(const Value& a) { return static_cast<Mask>(L::is_zero(a.c0) & L::is_zero(a.c1)); }
  /// By the norm, which is zero for zero only.
  static BLINDPROOF_INLINE bool invert(Value& a) {
    typename L::Value norm = L::mul_add(a.c0, a.c0, a.c1, a.c1);
    if (!L::invert(norm)) return false;
    a = {L::mul(a.c0, norm), L::mul(L::reduce(L::sub(L::zero(), a.c1)), norm)};
    return true;
  }

  // A packed point's coordinates lie as if they were two points of G1.
  static BLINDPROOF_INLINE void gather(const Packed* const points[kLanes], Value& x, Value& y) {
    const PackedPoint* halves[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) halves[k] = reinterpret_cast<const PackedPoint*>(points[k]->words);
    L::gather(halves, x.c0, x.c1);
    for (std::size_t k = 0; k < kLanes; ++k) ++halves[k];
    L::gather(halves, y.c0, y.c1);
  }
  static BLINDPROOF_INLINE void scatter(Packed* const points[kLanes], const Value& x, const Value& y) {
    PackedPoint* halves[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) halves[k] = reinterpret_cast<PackedPoint*>(points[k]->words);
    L::scatter(halves, x.c0, x.c1);
    for (std::size_t k = 0; k < kLanes; ++k) ++halves[k];
    L::scatter(halves, y.c0, y.c1);
  }
  static BLINDPROOF_INLINE void load_points(const G2Affine* points, Value& x, Value& y) {
    G1Affine halves[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) halves[k] = {points[k].x.c0, points[k].x.c1};
    L::load_points(halves, x.c0, x.c1);
    for (std::size_t k = 0; k < kLanes; ++k) halves[k] = {points[k].y.c0, points[k].y.c1};
    L::load_points(halves, y.c0, y.c1);
  }
  static BLINDPROOF_INLINE void store_fields(Fq2* out, const Value& a) {
    Fq c0[kLanes], c1[kLanes];
    L::store_fields(c0, a.c0);
    L::store_fields(c1, a.c1);
    for (std::size_t k = 0; k < kLanes; ++k) {
      out[k].c0 = c0[k];
      out[k].c1 = c1[k];
    }
  }
};

template <class L>
struct KernelSet {
  using Value = typename L::Value;
  using Difference = typename L::Difference;
  using Mask = std::uint8_t;
  using Packed = typename L::Packed;
  using Affine = typename L::Affine;
  using Coordinate = decltype(Affine::x);
  using Job = Addition<Packed>;

  // What a batch remembers of eight additions. numerator/denominator is the slope of the line through the two points.
  struct alignas(64) Step {
    Value x, y, prefix;
    Difference numerator, denominator;
    std::uint8_t active, tangent, vanish;
  };
  static constexpr std::size_t kBlocks = sizeof(KernelScratch) / sizeof(Step) < KernelScratch::kBlocks ? sizeof(KernelScratch) / sizeof(Step) : KernelScratch::kBlocks;
  static BLINDPROOF_INLINE Step* steps_of(KernelScratch* scratch) { return reinterpret_cast<Step*>(scratch->blocks); }

  // Products of denominators in two chains, which overlap in the pipeline.
  struct Chains {
    Value chain[2];

    BLINDPROOF_INLINE Chains() : chain{L::one(), L::one()} {}
    /// Returns the product before.
    BLINDPROOF_INLINE Value push(std::size_t i, const Difference& denominator) {
      const Value before = chain[i & 1];
      chain[i & 1] = L::mul(before, denominator);
      return before;
    }
    /// From products to inverses of products. False if a denominator is zero.
    BLINDPROOF_INLINE bool invert() {
      Value inverse = L::mul(chain[0], chain[1]);
      if (!L::invert(inverse)) return false;
      const Value first = L::mul(inverse, chain[1]);
      chain[1] = L::mul(inverse, chain[0]);
      chain[0] = first;
      return true;
    }
    BLINDPROOF_INLINE Value pop(std::size_t i, const Value& prefix, const Difference& denominator) {
      const Value inverse = L::mul(chain[i & 1], prefix);
      chain[i & 1] = L::mul(chain[i & 1], denominator);
      return inverse;
    }
  };

  /// 3 x^2, of which the tangent's slope is made.
  static BLINDPROOF_INLINE Difference triple_square(const Value& x) {
    const auto square = L::square(x);
    return L::add(L::add(square, square), square);
  }
  // The way back through a batch goes in groups, step by step: consecutive products don't depend on each other, so that
  // they overlap in the pipeline.
  static constexpr std::size_t kGroup = 4;

  static BLINDPROOF_INLINE void find_slopes(const Step* steps, Chains& chains, std::size_t begin, std::size_t end,
                                            Value* slopes) {
    for (std::size_t i = end; i-- > begin;) slopes[i - begin] = chains.pop(i, steps[i].prefix, steps[i].denominator);
    for (std::size_t i = begin; i < end; ++i) slopes[i - begin] = L::mul(steps[i].numerator, slopes[i - begin]);
  }

  // ---- a + b for independent pairs

  // Lanes past the end repeat the last job: same operands, same result, same place.
  struct JobLanes {
    const Job* jobs[kLanes];

    BLINDPROOF_INLINE JobLanes(const Job* all, std::size_t count, std::size_t block) {
      for (std::size_t k = 0; k < kLanes; ++k) {
        const std::size_t i = block * kLanes + k;
        jobs[k] = all + (i < count ? i : count - 1);
      }
    }
    BLINDPROOF_INLINE void load_a(Value& x, Value& y) const {
      const Packed* points[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) points[k] = jobs[k]->a;
      L::gather(points, x, y);
    }
    BLINDPROOF_INLINE Mask load_b(Value& x, Value& y) const {
      const Packed* points[kLanes];
      unsigned negative = 0;
      for (std::size_t k = 0; k < kLanes; ++k) {
        points[k] = jobs[k]->b.point();
        negative |= (jobs[k]->b.negative() ? 1u : 0u) << k;
      }
      L::gather(points, x, y);
      return static_cast<Mask>(negative);
    }
    BLINDPROOF_INLINE void store(const Value& x, const Value& y) const {
      Packed* points[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) points[k] = jobs[k]->out;
      L::scatter(points, x, y);
    }
  };

  // Operands lie anywhere in tables of many megabytes.
  static constexpr std::size_t kBlocksAhead = 6;
  static BLINDPROOF_INLINE void prefetch_jobs(const Job* jobs, std::size_t count, std::size_t block) {
    if ((block + 1) * kLanes > count) return;
    for (std::size_t k = 0; k < kLanes; ++k) {
      for (std::size_t line = 0; line < sizeof(Packed); line += 64) {
        __builtin_prefetch(reinterpret_cast<const char*>(jobs[block * kLanes + k].a) + line);
        __builtin_prefetch(reinterpret_cast<const char*>(jobs[block * kLanes + k].b.point()) + line);
      }
    }
  }

  enum class Outcome { kZeroDenominator, kDone, kDoneWithIdentity };

  template <bool kCareful>
  static Outcome add_pairs_batch(const Job* jobs, std::size_t count, KernelScratch* scratch) {
    Step* const steps = steps_of(scratch);
    const std::size_t blocks = (count + kLanes - 1) / kLanes;
    Chains chains;
    Mask identities = 0;
    for (std::size_t i = 0; i < blocks; ++i) {
      prefetch_jobs(jobs, count, i + kBlocksAhead);
      const JobLanes lanes(jobs, count, i);
      Value xa, ya, xb, yb;
      lanes.load_a(xa, ya);
      const Mask negative = lanes.load_b(xb, yb);
      Difference denominator = L::sub(xb, xa);
      Difference numerator = L::sub(L::negate_if(negative, yb), ya);
      if constexpr (kCareful) {
        const Mask same_x = L::is_zero(denominator);
        const Mask tangent = same_x & L::is_zero(numerator);
        const Mask vanish = static_cast<Mask>(same_x & ~tangent);
        denominator = L::pick(tangent, L::add(ya, ya), denominator);
        denominator = L::pick(vanish, L::one(), denominator);
        numerator = L::pick(tangent, triple_square(xa), numerator);
        steps[i].tangent = tangent;
        steps[i].vanish = vanish;
        identities |= vanish;
      }
      steps[i].x = xa;
      steps[i].y = ya;
      steps[i].numerator = numerator;
      steps[i].denominator = denominator;
      steps[i].prefix = chains.push(i, denominator);
    }
    if (!chains.invert()) return Outcome::kZeroDenominator;
    Value slopes[kGroup], x_sums[kGroup];
    for (std::size_t end = blocks; end > 0;) {
      const std::size_t begin = (end - 1) / kGroup * kGroup;
      find_slopes(steps, chains, begin, end, slopes);
      for (std::size_t i = begin; i < end; ++i) {
        Difference dx = steps[i].denominator;
        if constexpr (kCareful) dx = L::pick(steps[i].tangent, L::sub(steps[i].x, steps[i].x), dx);
        x_sums[i - begin] = L::chord_x(slopes[i - begin], dx, steps[i].x);
      }
      for (std::size_t i = begin; i < end; ++i) {
        Value x = x_sums[i - begin];
        Value y = L::chord_y(slopes[i - begin], steps[i].x, x, steps[i].y);
        if constexpr (kCareful) {
          x = L::pick(steps[i].vanish, L::zero(), x);
          y = L::pick(steps[i].vanish, L::zero(), y);
        }
        JobLanes(jobs, count, i).store(x, y);
      }
      end = begin;
    }
    return identities != 0 ? Outcome::kDoneWithIdentity : Outcome::kDone;
  }

  static bool add_pairs(const Job* jobs, std::size_t count, bool doublings, KernelScratch* scratch) {
    bool some_identity = false;
    constexpr std::size_t kBatch = kBlocks * kLanes;
    for (std::size_t begin = 0; begin < count; begin += kBatch) {
      const std::size_t size = count - begin < kBatch ? count - begin : kBatch;
      Outcome outcome = doublings ? Outcome::kZeroDenominator : add_pairs_batch<false>(jobs + begin, size, scratch);
      if (outcome == Outcome::kZeroDenominator) outcome = add_pairs_batch<true>(jobs + begin, size, scratch);
      some_identity |= outcome == Outcome::kDoneWithIdentity;
    }
    return some_identity;
  }

  // ---- sums that each take a multiple of the same base

  struct Block {
    Value x, y;
  };
  static_assert(!std::is_same_v<Packed, PackedPoint> || sizeof(Block) <= sizeof(PointBlock));
  static BLINDPROOF_INLINE Block* blocks_of(PointBlock* blocks, std::size_t i) {
    return reinterpret_cast<Block*>(blocks[i].bytes);
  }
  static BLINDPROOF_INLINE const Block* blocks_of(const PointBlock* blocks, std::size_t i) {
    return reinterpret_cast<const Block*>(blocks[i].bytes);
  }

  template <bool kCareful>
  static bool add_multiples_batch(PointBlock* sums, std::uint8_t* identities, std::size_t blocks,
                                  const PackedPoint* multiples, const std::int16_t* digits, KernelScratch* scratch) {
    Step* const steps = steps_of(scratch);
    Chains chains;
    for (std::size_t i = 0; i < blocks; ++i) {
      Block& sum = *blocks_of(sums, i);
      Value x, y;
      Mask nonzero, negative;
      L::gather_multiples(multiples, digits + i * kLanes, x, y, nonzero, negative);
      const auto signed_y = L::negate_if(negative, y);
      Mask active;
      if constexpr (kCareful) {
        active = steps[i].active;  // the first attempt has already filled the identities
      } else {
        active = static_cast<Mask>(nonzero & ~identities[i]);
        if (const Mask fill = nonzero & identities[i]; fill != 0) {
          sum.x = L::pick(fill, x, sum.x);
          sum.y = L::pick(fill, L::reduce(signed_y), sum.y);
          identities[i] = static_cast<Mask>(identities[i] & ~fill);
        }
        steps[i].active = active;
      }
      Difference denominator = L::pick(active, L::sub(x, sum.x), L::one());
      Difference numerator = L::sub(signed_y, sum.y);
      if constexpr (kCareful) {
        const Mask same_x = active & L::is_zero(denominator);
        const Mask tangent = same_x & L::is_zero(numerator);
        const Mask vanish = static_cast<Mask>(same_x & ~tangent);
        denominator = L::pick(tangent, L::add(sum.y, sum.y), denominator);
        numerator = L::pick(tangent, triple_square(sum.x), numerator);
        denominator = L::pick(vanish, L::one(), denominator);
        steps[i].active = static_cast<Mask>(active & ~vanish);
        steps[i].tangent = tangent;
        steps[i].vanish = vanish;
      }
      steps[i].numerator = numerator;
      steps[i].denominator = denominator;
      steps[i].prefix = chains.push(i, denominator);
    }
    if (!chains.invert()) return false;
    Value slopes[kGroup], x_sums[kGroup];
    for (std::size_t end = blocks; end > 0;) {
      const std::size_t begin = (end - 1) / kGroup * kGroup;
      find_slopes(steps, chains, begin, end, slopes);
      for (std::size_t i = begin; i < end; ++i) {
        const Value& x = blocks_of(sums, i)->x;
        Difference dx = steps[i].denominator;
        if constexpr (kCareful) dx = L::pick(steps[i].tangent, L::sub(x, x), dx);
        x_sums[i - begin] = L::pick(steps[i].active, L::chord_x(slopes[i - begin], dx, x), x);
      }
      for (std::size_t i = begin; i < end; ++i) {
        Block& sum = *blocks_of(sums, i);
        sum.y = L::pick(steps[i].active, L::chord_y(slopes[i - begin], sum.x, x_sums[i - begin], sum.y), sum.y);
        sum.x = x_sums[i - begin];
        if constexpr (kCareful) identities[i] |= steps[i].vanish;
      }
      end = begin;
    }
    return true;
  }

  static void add_multiples(PointBlock* sums, std::uint8_t* identities, std::size_t blocks,
                            const PackedPoint* multiples, const std::int16_t* digits, KernelScratch* scratch) {
    if (!add_multiples_batch<false>(sums, identities, blocks, multiples, digits, scratch)) {
      add_multiples_batch<true>(sums, identities, blocks, multiples, digits, scratch);
    }
  }

  static void load_blocks(const PackedPoint* points, std::size_t blocks, PointBlock* sums, std::uint8_t* identities) {
    for (std::size_t i = 0; i < blocks; ++i) {
      const PackedPoint* lanes[kLanes];
      unsigned mask = 0;
      for (std::size_t k = 0; k < kLanes; ++k) {
        lanes[k] = points + i * kLanes + k;
        std::uint64_t any = 0;
        for (const std::uint64_t word : lanes[k]->words) any |= word;
        mask |= (any == 0 ? 1u : 0u) << k;
      }
      Block& sum = *blocks_of(sums, i);
      L::gather(lanes, sum.x, sum.y);
      identities[i] = static_cast<std::uint8_t>(mask);
    }
  }

  static void store_blocks(const PointBlock* sums, const std::uint8_t* identities, std::size_t blocks,
                           PackedPoint* points) {
    for (std::size_t i = 0; i < blocks; ++i) {
      PackedPoint* lanes[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = points + i * kLanes + k;
      const Block& sum = *blocks_of(sums, i);
      L::scatter(lanes, L::pick(identities[i], L::zero(), sum.x), L::pick(identities[i], L::zero(), sum.y));
    }
  }

  // ---- sums without inversion

  // Coordinates as in G1. `filled` lanes hold a point; the others are the identity, whatever their coordinates.
  struct Xyzz {
    Value x, y, zz, zzz;
    Mask filled = 0;

    /// Adds the affine points of the lanes in `present`. An addition P + P or P - P leaves zz = 0 for ever.
    template <class Y>
    BLINDPROOF_INLINE void add(Mask present, const Value& bx, const Y& by) {
      const Mask fill = static_cast<Mask>(present & ~filled);
      const Mask active = present & filled;
      if (active != 0) {
        const Difference p = L::sub(L::mul(bx, zz), x);
        const Difference r = L::sub(L::mul(by, zzz), y);
        finish(active, p, r, x, y, zz, zzz);
      }
      if (fill != 0) {
        x = L::pick(fill, bx, x);
        y = L::pick(fill, L::reduce(by), y);
        zz = L::pick(fill, L::one(), zz);
        zzz = L::pick(fill, L::one(), zzz);
        filled |= fill;
      }
    }

    /// The same for sums.
    BLINDPROOF_INLINE void add(const Xyzz& b) {
      const Mask fill = static_cast<Mask>(b.filled & ~filled);
      const Mask active = b.filled & filled;
      if (active != 0) {
        const Value u = L::mul(x, b.zz);
        const Value s = L::mul(y, b.zzz);
        const Difference p = L::sub(L::mul(b.x, zz), u);
        const Difference r = L::sub(L::mul(b.y, zzz), s);
        finish(active, p, r, u, s, L::mul(zz, b.zz), L::mul(zzz, b.zzz));
      }
      if (fill != 0) {
        x = L::pick(fill, b.x, x);
        y = L::pick(fill, b.y, y);
        zz = L::pick(fill, b.zz, zz);
        zzz = L::pick(fill, b.zzz, zzz);
        filled |= fill;
      }
    }

    BLINDPROOF_INLINE void finish(Mask active, const Difference& p, const Difference& r, const Value& u, const Value& s,
                                  const Value& zz_before, const Value& zzz_before) {
      const Value pp = L::square(p);
      const Value ppp = L::mul(p, pp);
      const Value q = L::mul(u, pp);
      const Value next_x = L::sum_x(r, ppp, q);
      const Value next_y = L::mul_sub_mul(r, L::sub(q, next_x), s, ppp);
      x = L::pick(active, next_x, x);
      y = L::pick(active, next_y, y);
      zz = L::pick(active, L::mul(zz_before, pp), zz);
      zzz = L::pick(active, L::mul(zzz_before, ppp), zzz);
    }

    /// Lane k+kCount in lane k.
    template <int kCount>
    BLINDPROOF_INLINE Xyzz rotated() const {
      return {L::template rotated<kCount>(x), L::template rotated<kCount>(y), L::template rotated<kCount>(zz),
              L::template rotated<kCount>(zzz), static_cast<Mask>(filled >> kCount | filled << (kLanes - kCount))};
    }

    /// False if a filled lane has zz = 0.
    bool store(LaneSums* out) const {
      const Value empty = L::zero();
      L::store_fields(out->x, L::pick(filled, x, empty));
      L::store_fields(out->y, L::pick(filled, y, empty));
      L::store_fields(out->zz, L::pick(filled, zz, empty));
      L::store_fields(out->zzz, L::pick(filled, zzz, empty));
      bool good = true;
      for (std::size_t k = 0; k < kLanes; ++k) good &= (filled >> k & 1) == 0 || !out->zz[k].is_zero();
      return good;
    }
  };

  static BLINDPROOF_INLINE Xyzz empty_sums() { return {L::zero(), L::zero(), L::zero(), L::zero(), 0}; }

  // points[k*stride] for each lane, added to the sums; `absent` stands in for null.
  static BLINDPROOF_INLINE void add_present(const PointRef* points, std::size_t stride, const PackedPoint* absent,
                                            Xyzz& sums) {
    const PackedPoint* lanes[kLanes];
    unsigned present = 0, negative = 0;
    for (std::size_t k = 0; k < kLanes; ++k) {
      const PointRef ref = points[k * stride];
      present |= (ref.is_null() ? 0u : 1u) << k;
      negative |= (ref.negative() ? 1u : 0u) << k;
      lanes[k] = ref.is_null() ? absent : ref.point();
    }
    Value x, y;
    L::gather(lanes, x, y);
    sums.add(static_cast<Mask>(present), x, L::negate_if(static_cast<Mask>(negative), y));
  }

  static bool sum(const PointRef* points, std::size_t count, LaneSums* out) {
    const PackedPoint absent{};
    Xyzz sums = empty_sums();
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(points[i].point());
    for (std::size_t i = 0; i < count; i += kLanes) {
      add_present(points + i, 1, &absent, sums);
    }
    sums.add(sums.template rotated<4>());
    sums.add(sums.template rotated<2>());
    sums.add(sums.template rotated<1>());
    return sums.store(out);
  }

  static bool weighted_sums(const PointRef* points, std::size_t count, const PackedPoint* start, LaneSums* sums_out,
                            LaneSums* weighted_out) {
    const std::size_t length = count / kLanes;
    Xyzz sums = empty_sums();
    Xyzz weighted = empty_sums();
    {
      const PackedPoint* lanes[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = start;
      Value x, y;
      L::gather(lanes, x, y);
      weighted.add(0xff, x, y);
    }
    for (std::size_t i = length; i-- > 0;) {
      add_present(points + i, length, start, sums);
      weighted.add(sums);
    }
    const bool good = sums.store(sums_out);
    return weighted.store(weighted_out) && good;
  }

  // ---- square roots

  static void square_roots(const Fq* values, std::size_t count, Fq* roots) {
    constexpr std::size_t kPerRound = 2 * kLanes;
    Fq padded[kPerRound];
    for (std::size_t begin = 0; begin < count; begin += kPerRound) {
      const std::size_t size = count - begin < kPerRound ? count - begin : kPerRound;
      for (std::size_t k = 0; k < kPerRound; ++k) padded[k] = k < size ? values[begin + k] : Fq();
      Value a = L::load_fields(padded);
      Value b = L::load_fields(padded + kLanes);
      power_for_root(a, b);
      L::store_fields(padded, a);
      L::store_fields(padded + kLanes, b);
      for (std::size_t k = 0; k < size; ++k) roots[begin + k] = padded[k];
    }
  }

  // Fixed windows of four bits of (q+1)/4, two blocks at once to fill the pipeline.
  static BLINDPROOF_INLINE void power_for_root(Value& a, Value& b) {
    constexpr std::uint64_t p0 = field::FqParameters::kModulus[0], p1 = field::FqParameters::kModulus[1],
                            p2 = field::FqParameters::kModulus[2], p3 = field::FqParameters::kModulus[3];
    constexpr std::uint64_t kExponent[4] = {(p0 >> 2 | p1 << 62) + 1, p1 >> 2 | p2 << 62, p2 >> 2 | p3 << 62, p3 >> 2};
    Value table_a[16], table_b[16];
    table_a[0] = table_b[0] = L::one();
    for (std::size_t i = 1; i < 16; ++i) {
      table_a[i] = L::mul(table_a[i - 1], a);
      table_b[i] = L::mul(table_b[i - 1], b);
    }
    constexpr std::size_t kTop = 62;  // the highest window with a set bit: (q+1)/4 has 252 bits
    static_assert(kExponent[3] >> 60 == 0 && kExponent[3] >> 56 != 0);
    a = table_a[kExponent[3] >> 56 & 15];
    b = table_b[kExponent[3] >> 56 & 15];
    for (std::size_t window = kTop; window-- > 0;) {
      for (int i = 0; i < 4; ++i) {
        a = L::square(a);
        b = L::square(b);
      }
      const std::size_t digit = kExponent[window / 16] >> (4 * (window % 16)) & 15;
      if (digit != 0) {
        a = L::mul(a, table_a[digit]);
        b = L::mul(b, table_b[digit]);
      }
    }
  }

  // ---- conversions

  static void pack(const Affine* points, std::size_t count, Packed* out) {
    Affine last[kLanes];
    Packed unused[kLanes];
    for (std::size_t begin = 0; begin < count; begin += kLanes) {
      const Affine* from = points + begin;
      Packed* lanes[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = begin + k < count ? out + begin + k : unused + k;
      if (begin + kLanes > count) {
        for (std::size_t k = 0; begin + k < count; ++k) last[k] = from[k];
        from = last;
      }
      Value x, y;
      L::load_points(from, x, y);
      L::scatter(lanes, x, y);
    }
  }

  static void unpack(const Packed* points, std::size_t count, Affine* out) {
    Coordinate x[kLanes], y[kLanes];
    for (std::size_t begin = 0; begin < count; begin += kLanes) {
      const Packed* lanes[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = points + (begin + k < count ? begin + k : count - 1);
      Value packed_x, packed_y;
      L::gather(lanes, packed_x, packed_y);
      L::store_fields(x, packed_x);
      L::store_fields(y, packed_y);
      for (std::size_t k = 0; k < kLanes && begin + k < count; ++k) {
        out[begin + k].x = x[k];
        out[begin + k].y = y[k];
      }
    }
  }

  static constexpr Kernels table(const char* name) {
    using OfG2 = KernelSet<QuadraticLanes<L>>;
    return {name, pack, unpack, add_pairs, add_multiples, load_blocks, store_blocks, sum, weighted_sums, square_roots,
            OfG2::pack, OfG2::unpack, OfG2::add_pairs};
  }
};

}  // namespace blindproof::curve
