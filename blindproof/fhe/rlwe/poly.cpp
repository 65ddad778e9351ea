#include "blindproof/fhe/rlwe/poly.h"

#include <algorithm>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/field/pack_memory.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

template <Form F>
void require_alike(const RnsPoly<F>& a, const RnsPoly<F>& b) {
  BLINDPROOF_CHECK(a.ring_ptr() == b.ring_ptr() && a.basis() == b.basis(), "polynomials of different rings or levels");
}

void require_covered(const NttPoly& a, const NttPoly& b) {
  const bool longer = !a.basis().with_p && !b.basis().with_p && b.basis().q_limbs >= a.basis().q_limbs;
  BLINDPROOF_CHECK(a.ring_ptr() == b.ring_ptr() && (a.basis() == b.basis() || longer),
                   "a factor of another ring or a lower level");
}

}  // namespace

LimbBuffer::LimbBuffer(std::size_t words, Secrecy secrecy)
    : words_(words), bytes_(words * sizeof(std::uint64_t)), secrecy_(secrecy) {
  data_ = static_cast<std::uint64_t*>(field::acquire_packs(bytes_));
}

LimbBuffer LimbBuffer::borrowed(std::span<std::uint64_t> words, std::shared_ptr<void> owner) {
  LimbBuffer result;
  result.data_ = words.data();
  result.words_ = words.size();
  result.owner_ = std::move(owner);
  return result;
}

LimbBuffer::LimbBuffer(const LimbBuffer& other) {
  if (other.data_ == nullptr) return;
  LimbBuffer copy(other.words_, other.secrecy_);
  std::ranges::copy(other.words(), copy.data_);
  swap(copy);
}

LimbBuffer& LimbBuffer::operator=(const LimbBuffer& other) {
  if (this != &other) {
    LimbBuffer copy(other);
    swap(copy);
  }
  return *this;
}

LimbBuffer::~LimbBuffer() {
  if (data_ == nullptr || owner_ != nullptr) return;
  if (secrecy_ == Secrecy::kSecret) {
    crypto::wipe({reinterpret_cast<std::uint8_t*>(data_), words_ * sizeof(std::uint64_t)});
  }
  field::release_packs(data_, bytes_);
}

void LimbBuffer::swap(LimbBuffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(words_, other.words_);
  std::swap(bytes_, other.bytes_);
  std::swap(secrecy_, other.secrecy_);
  owner_.swap(other.owner_);
}

NttPoly to_values(CoeffPoly&& a) {
  base::parallel_for(a.limbs(), [&](std::size_t i) { poly::ntt_forward(a.tables(i), a.limb(i)); });
  const RingPtr ring = a.ring_ptr();
  const Basis basis = a.basis();
  return NttPoly::adopt(ring, basis, std::move(a).release());
}

CoeffPoly to_coefficients(NttPoly&& a) {
  base::parallel_for(a.limbs(), [&](std::size_t i) { poly::ntt_inverse(a.tables(i), a.limb(i)); });
  const RingPtr ring = a.ring_ptr();
  const Basis basis = a.basis();
  return CoeffPoly::adopt(ring, basis, std::move(a).release());
}

void add_to(NttPoly& a, const NttPoly& b) {
  require_alike(a, b);
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::add(a.modulus(i), a.limb(i), b.limb(i), a.limb(i)); });
}

void subtract_from(NttPoly& a, const NttPoly& b) {
  require_alike(a, b);
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::subtract(a.modulus(i), a.limb(i), b.limb(i), a.limb(i)); });
}

void negate(NttPoly& a) {
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::negate(a.modulus(i), a.limb(i), a.limb(i)); });
}

void multiply_by(NttPoly& a, const NttPoly& b) {
  require_alike(a, b);
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::multiply(a.modulus(i), a.limb(i), b.limb(i), a.limb(i)); });
}

void multiply_add(NttPoly& acc, const NttPoly& a, const NttPoly& b) {
  require_alike(acc, a);
  require_covered(a, b);
  base::parallel_for(acc.limbs(), [&](std::size_t i) {
    field::multiply_add(acc.modulus(i), a.limb(i), b.limb(i), acc.limb(i));
  });
}

NttPoly product(const NttPoly& a, const NttPoly& b) {
  require_covered(a, b);
  const bool secret = a.secrecy() == Secrecy::kSecret || b.secrecy() == Secrecy::kSecret;
  NttPoly result(a.ring_ptr(), a.basis(), secret ? Secrecy::kSecret : Secrecy::kPublic);
  base::parallel_for(a.limbs(), [&](std::size_t i) {
    field::multiply(a.modulus(i), a.limb(i), b.limb(i), result.limb(i));
  });
  return result;
}

void scale(NttPoly& a, std::span<const std::uint64_t> factors) {
  BLINDPROOF_CHECK(factors.size() == a.limbs(), "one factor for each limb");
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::scale(a.modulus(i), a.limb(i), factors[i], a.limb(i)); });
}

NttPoly truncate(const NttPoly& a, const Basis& target) {
  BLINDPROOF_CHECK(target.q_limbs <= a.basis().q_limbs && (!target.with_p || a.basis().with_p),
                   "only existing limbs can be kept");
  NttPoly result(a.ring_ptr(), target, a.secrecy());
  for (std::size_t i = 0; i < result.limbs(); ++i) {
    const std::size_t source = i < target.q_limbs ? i : a.basis().q_limbs + i - target.q_limbs;
    std::ranges::copy(a.limb(source), result.limb(i).begin());
  }
  return result;
}

NttPoly permuted(const NttPoly& a, std::span<const std::uint32_t> permutation) {
  NttPoly result(a.ring_ptr(), a.basis(), a.secrecy());
  base::parallel_for(a.limbs(), [&](std::size_t i) { field::permute(permutation, a.limb(i), result.limb(i)); });
  return result;
}

PreparedConversion::PreparedConversion(const field::BaseConverter& converter, std::vector<const std::uint64_t*> in,
                                       std::size_t n, Secrecy secrecy)
    : converter_(converter), overflow_(n, secrecy), vectors_(std::move(in)) {
  base::parallel_ranges(n, 2048, [&](std::size_t begin, std::size_t end) {
    std::vector<const std::uint64_t*> from;
    for (const std::uint64_t* vector : vectors_) from.push_back(vector + begin);
    converter.overflow(from, overflow_.words().data() + begin, end - begin);
  });
  vectors_.push_back(overflow_.words().data());
}

void PreparedConversion::finish(std::size_t first, std::span<std::uint64_t* const> out) const {
  converter_.finish(vectors_, first, out, overflow_.words().size());
}

void for_limb_groups(const Ring& ring, std::size_t limbs, const std::function<void(std::size_t, std::size_t)>& body) {
  // In large rings what is converted from doesn't stay in the cache from one limb to the next; in others results should.
  const std::size_t largest = ring.log_degree() >= 16 ? 16 : 2, threads = base::thread_count();
  const std::size_t rounds = (limbs + largest * threads - 1) / (largest * threads);
  const std::size_t groups = std::min(limbs, rounds * threads);
  base::parallel_for(groups, [&](std::size_t i) { body(limbs * i / groups, limbs * (i + 1) / groups); });
}

void divide_each(const Ring& ring, const LimbSource& source, const Division& division, std::uint64_t t,
                 const LimbSink& finish) {
  using Limb = std::span<std::uint64_t>;
  const std::size_t n = ring.degree(), count = source.count, dropped = division.dropped.size();
  const auto limbs_of = [&](std::size_t i, Limb scratch) {
    std::vector<Limb> limbs;
    for (std::size_t k = 0; k < count; ++k) limbs.push_back(scratch.subspan(k * n, n));
    source.limbs(i, limbs);
    return limbs;
  };
  LimbBuffer remainders(dropped * count * n, source.secrecy);
  std::vector<std::vector<const std::uint64_t*>> in(count, std::vector<const std::uint64_t*>(dropped));
  base::parallel_for(dropped, [&](std::size_t i) {
    const poly::NttTables& tables = ring.tables(division.from, division.dropped[i]);
    const field::Modulus& q = tables.modulus();
    const std::uint64_t factor = q.multiply(q.inverse(q.reduce(t)), division.converter.inverse(i));
    const std::vector<Limb> limbs = limbs_of(division.dropped[i], remainders.words().subspan(i * count * n, count * n));
    for (std::size_t k = 0; k < count; ++k) {
      poly::ntt_inverse_scaled(tables, factor, limbs[k]);
      in[k][i] = limbs[k].data();
    }
  });
  std::vector<PreparedConversion> conversions;
  conversions.reserve(count);
  for (std::size_t k = 0; k < count; ++k) conversions.emplace_back(division.converter, in[k], n, source.secrecy);
  for_limb_groups(ring, ring.limbs(division.to), [&](std::size_t first, std::size_t last) {
    const std::size_t size = last - first;
    LimbBuffer scratch((size + 1) * count * n, source.secrecy);
    const Limb quotients = scratch.words().subspan(count * n);
    for (std::size_t k = 0; k < count; ++k) {
      std::vector<std::uint64_t*> out;
      for (std::size_t j = 0; j < size; ++j) out.push_back(quotients.subspan((j * count + k) * n).data());
      conversions[k].finish(first, out);
    }
    for (std::size_t i = first; i < last; ++i) {
      const poly::NttTables& tables = ring.tables(division.to, i);
      const field::Modulus& q = tables.modulus();
      const std::size_t from = i < division.to.q_limbs ? i : division.from.q_limbs + i - division.to.q_limbs;
      const std::vector<Limb> limbs = limbs_of(from, scratch.words());
      for (std::size_t k = 0; k < count; ++k) {
        const Limb quotient = quotients.subspan(((i - first) * count + k) * n, n);
        poly::ntt_forward(tables, quotient);
        if (t != 1) field::scale(q, quotient, q.reduce(t), quotient);
        field::subtract_scale(q, limbs[k], quotient, division.inverses[i], quotient);
        finish(k, i, quotient);
      }
    }
  });
}

void divide_each(std::span<NttPoly*> polynomials, const Division& division, std::uint64_t t, const LimbSink& finish) {
  for (const NttPoly* a : polynomials) BLINDPROOF_CHECK(a->basis() == division.from, "a division for another level");
  const auto limbs = [&](std::size_t i, std::span<std::span<std::uint64_t>> to) {
    for (std::size_t k = 0; k < polynomials.size(); ++k) to[k] = polynomials[k]->limb(i);
  };
  divide_each(polynomials[0]->ring(), {polynomials.size(), polynomials[0]->secrecy(), limbs}, division, t, finish);
}

NttPoly divide(NttPoly&& a, const Division& division, std::uint64_t t) {
  NttPoly result(a.ring_ptr(), division.to, a.secrecy());
  NttPoly* polynomials[] = {&a};
  divide_each(polynomials, division, t, [&](std::size_t, std::size_t i, std::span<std::uint64_t> limb) {
    std::ranges::copy(limb, result.limb(i).begin());
  });
  return result;
}

CoeffPoly from_signed(const RingPtr& ring, const Basis& basis, std::span<const std::int64_t> coefficients,
                      Secrecy secrecy) {
  BLINDPROOF_CHECK(coefficients.size() == ring->degree(), "one integer for each coefficient");
  CoeffPoly result(ring, basis, secrecy);
  base::parallel_for(result.limbs(), [&](std::size_t i) {
    field::from_signed(result.modulus(i), coefficients, result.limb(i));
  });
  return result;
}

NttPoly values_of_signed(const RingPtr& ring, const Basis& basis, std::span<const std::int64_t> coefficients,
                         Secrecy secrecy) {
  BLINDPROOF_CHECK(coefficients.size() == ring->degree(), "one integer for each coefficient");
  NttPoly result(ring, basis, secrecy);
  base::parallel_for(result.limbs(), [&](std::size_t i) {
    field::from_signed(result.modulus(i), coefficients, result.limb(i));
    poly::ntt_forward(result.tables(i), result.limb(i));
  });
  return result;
}

void compact_values(const poly::NttTables& tables, const CompactPoly& compact, std::span<std::uint64_t> out) {
  const field::Modulus& q = tables.modulus();
  field::from_signed(q, compact.integers, out);
  poly::ntt_forward(tables, out);
  if (compact.shift > 0) field::scale(q, out, q.power(2, static_cast<std::uint64_t>(compact.shift)), out);
}

NttPoly compact_values(const RingPtr& ring, const Basis& basis, const CompactPoly& compact) {
  BLINDPROOF_CHECK(compact.integers.size() == ring->degree(), "one integer for each coefficient");
  NttPoly result(ring, basis, Secrecy::kSecret);
  base::parallel_for(result.limbs(), [&](std::size_t i) { compact_values(result.tables(i), compact, result.limb(i)); });
  return result;
}

}  // namespace blindproof::fhe::rlwe
