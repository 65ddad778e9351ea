#include "blindproof/fhe/rlwe/key_switch.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {

namespace {

/// The digits of a polynomial, made limb by limb.
class Digits {
 public:
  explicit Digits(const NttPoly& c) : c_(c), q_limbs_(c.basis().q_limbs) {
    const Ring& ring = c.ring();
    BLINDPROOF_CHECK(!c.basis().with_p && ring.p_count() > 0,
                     "decomposes polynomials over Q, in rings with special moduli");
    CoeffPoly coefficients(c.ring_ptr(), c.basis(), c.secrecy());
    base::parallel_for(c.limbs(), [&](std::size_t i) {
      std::ranges::copy(c.limb(i), coefficients.limb(i).begin());
      poly::ntt_inverse(c.tables(i), coefficients.limb(i));
    });
    for (std::size_t digit = 0; digit < ring.digit_count(q_limbs_); ++digit) {
      std::vector<const std::uint64_t*> in;
      for (std::size_t i = ring.digit_begin(digit); i < ring.digit_end(digit, q_limbs_); ++i) {
        in.push_back(coefficients.limb(i).data());
      }
      conversions_.emplace_back(ring.digit_converter(q_limbs_, digit), in, ring.degree(), c.secrecy());
    }
  }

  std::size_t count() const noexcept { return conversions_.size(); }

  /// Limb i of {q_limbs, with P} of a digit, transformed: in `scratch`, or c's own where the digit has this modulus.
  std::span<const std::uint64_t> limb(std::size_t digit, std::size_t i, std::span<std::uint64_t> scratch) const {
    const Ring& ring = c_.ring();
    const std::size_t begin = ring.digit_begin(digit), end = ring.digit_end(digit, q_limbs_);
    if (i >= begin && i < end) return c_.limb(i);
    conversions_[digit].finish(i < begin ? i : i - (end - begin), scratch);
    poly::ntt_forward(ring.tables({q_limbs_, true}, i), scratch);
    return scratch;
  }

 private:
  const NttPoly& c_;
  std::size_t q_limbs_;
  std::vector<PreparedConversion> conversions_;
};

// The sums over `count` digits, limb by limb. `fetch(i, a)` points a[j] at limb i of digit j, and gives the memory in which
// those lie that exist from now on.
template <class Fetch>
LimbSource sums(const RingPtr& ring, std::size_t q_limbs, std::size_t count, const KeySwitchKey& key, Fetch fetch) {
  BLINDPROOF_CHECK(key.q_limbs() >= q_limbs && key.b.front().ring_ptr() == ring, "the key is for fewer limbs or another ring");
  const auto limbs = [&ring, q_limbs, count, &key, fetch](std::size_t i, std::span<std::span<std::uint64_t>> to) {
    const std::size_t key_limb = i < q_limbs ? i : i + key.q_limbs() - q_limbs;
    std::vector<const std::uint64_t*> a(count), b0(count), b1(count);
    const LimbBuffer memory = fetch(i, a);
    for (std::size_t j = 0; j < count; ++j) {
      b0[j] = key.b[j].limb(key_limb).data();
      b1[j] = key.a[j].limb(key_limb).data();
    }
    field::inner_products(ring->modulus({q_limbs, true}, i), a, b0, b1, to[0], to[1]);
  };
  return {2, Secrecy::kPublic, limbs};
}

LimbSource sums(const Decomposition& digits, const KeySwitchKey& key) {
  return sums(digits.digits.front().ring_ptr(), digits.q_limbs, digits.digits.size(), key,
              [&digits](std::size_t i, std::span<const std::uint64_t*> a) {
                for (std::size_t j = 0; j < a.size(); ++j) a[j] = digits.digits[j].limb(i).data();
                return LimbBuffer();
              });
}

Pair stored(const LimbSource& source, const RingPtr& ring, std::size_t q_limbs) {
  Pair result{NttPoly(ring, {q_limbs, true}), NttPoly(ring, {q_limbs, true})};
  base::parallel_for(result.c0.limbs(), [&](std::size_t i) {
    std::span<std::uint64_t> limbs[] = {result.c0.limb(i), result.c1.limb(i)};
    source.limbs(i, limbs);
  });
  return result;
}

}  // namespace

Decomposition decompose(const NttPoly& c) {
  const Digits digits(c);
  Decomposition result{c.basis().q_limbs, {}};
  for (std::size_t j = 0; j < digits.count(); ++j) result.digits.emplace_back(c.ring_ptr(), Basis{result.q_limbs, true}, c.secrecy());
  base::parallel_for(result.digits[0].limbs(), [&](std::size_t i) {
    for (std::size_t j = 0; j < digits.count(); ++j) {
      const std::span<std::uint64_t> target = result.digits[j].limb(i);
      const std::span<const std::uint64_t> limb = digits.limb(j, i, target);
      if (limb.data() != target.data()) std::ranges::copy(limb, target.begin());
    }
  });
  return result;
}

Pair accumulate(const Decomposition& digits, const KeySwitchKey& key) {
  return stored(sums(digits, key), digits.digits.front().ring_ptr(), digits.q_limbs);
}

Pair accumulate(const NttPoly& c, const KeySwitchKey& key) {
  const Digits digits(c);
  const std::size_t n = c.degree();
  const auto fetch = [&](std::size_t i, std::span<const std::uint64_t*> a) {
    LimbBuffer scratch(a.size() * n, c.secrecy());
    for (std::size_t j = 0; j < a.size(); ++j) a[j] = digits.limb(j, i, scratch.words().subspan(j * n, n)).data();
    return scratch;
  };
  return stored(sums(c.ring_ptr(), c.basis().q_limbs, digits.count(), key, fetch), c.ring_ptr(), c.basis().q_limbs);
}

void switch_each(const Decomposition& digits, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish) {
  BLINDPROOF_CHECK(division.from == (Basis{digits.q_limbs, true}), "a division for another level");
  divide_each(digits.digits.front().ring(), sums(digits, key), division, t, finish);
}

void switch_each(const NttPoly& c, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish) {
  // Sums are stored here: the first halves of all conversions, of the digits and of the division, would be read in
  // turns, more than caches hold in large rings.
  Pair pair = accumulate(c, key);
  NttPoly* polynomials[] = {&pair.c0, &pair.c1};
  divide_each(polynomials, division, t, finish);
}

Pair key_switch(const NttPoly& c, const KeySwitchKey& key) {
  Pair result{NttPoly(c.ring_ptr(), c.basis()), NttPoly(c.ring_ptr(), c.basis())};
  switch_each(c, key, c.ring().drop_p(c.basis().q_limbs), 1,
              [&](std::size_t k, std::size_t i, std::span<std::uint64_t> limb) {
                std::ranges::copy(limb, (k == 0 ? result.c0 : result.c1).limb(i).begin());
              });
  return result;
}

void add_lifted(NttPoly& acc, const NttPoly& a) {
  BLINDPROOF_CHECK(acc.basis() == (Basis{a.basis().q_limbs, true}) && !a.basis().with_p && acc.ring_ptr() == a.ring_ptr(),
                   "a polynomial over Q joins a sum over QP of its level");
  base::parallel_for(a.limbs(), [&](std::size_t i) {
    field::scale_add(a.modulus(i), a.limb(i), a.ring().p_modulo(i), acc.limb(i));
  });
}

}  // namespace blindproof::fhe::rlwe
