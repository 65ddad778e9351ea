#include "blindproof/fhe/rlwe/encrypted_matrix.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/linear_transform.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr const char* kOperation = "product with an encrypted matrix";

// sum_i a_i b_i, of degree 2, for one limb and some of its columns.
class ProductSum {
 public:
  ProductSum(const field::Modulus& q, std::size_t columns) : q_(q), more_(3 * columns) {}

  void begin(field::Residues c0, field::Residues c1, field::Residues c2) {
    out_ = {c0, c1, c2};
    first_ = true;
  }
  void add(field::ConstResidues a0, field::ConstResidues a1, field::ConstResidues b0, field::ConstResidues b1) {
    if (a0_.size() == kTerms) flush();
    a0_.push_back(a0.data());
    a1_.push_back(a1.data());
    b0_.push_back(b0.data());
    b1_.push_back(b1.data());
  }
  void end() { flush(); }

 private:
  static constexpr std::size_t kTerms = 64;  // that the kernel takes

  void flush() {
    const std::size_t columns = out_[0].size();
    const auto more = [&](std::size_t i) { return field::Residues(more_).subspan(i * columns, columns); };
    if (first_) {
      field::inner_products(q_, a0_, b0_, b1_, out_[0], out_[1]);
      field::inner_products(q_, a1_, b0_, b1_, more(0), out_[2]);
      field::add(q_, out_[1], more(0), out_[1]);
    } else {
      field::inner_products(q_, a0_, b0_, b1_, more(0), more(1));
      field::add(q_, out_[0], more(0), out_[0]);
      field::add(q_, out_[1], more(1), out_[1]);
      field::inner_products(q_, a1_, b0_, b1_, more(0), more(2));
      field::add(q_, out_[1], more(0), out_[1]);
      field::add(q_, out_[2], more(2), out_[2]);
    }
    first_ = false;
    for (auto* list : {&a0_, &a1_, &b0_, &b1_}) list->clear();
  }

  const field::Modulus& q_;
  std::array<field::Residues, 3> out_;
  std::vector<std::uint64_t> more_;
  std::vector<const std::uint64_t*> a0_, a1_, b0_, b1_;
  bool first_ = true;
};

}  // namespace

EncryptedMatrix::EncryptedMatrix(std::size_t baby_steps) : baby_steps_(baby_steps) {
  BLINDPROOF_CHECK(baby_steps > 0, "a number of baby steps");
}

void EncryptedMatrix::insert(std::size_t diagonal, Parts ciphertext) {
  BLINDPROOF_CHECK(ciphertext.size() == 2 && !ciphertext[0].basis().with_p, "an encrypted diagonal has degree 1, over Q");
  giants_[giant_of(diagonal)].emplace(diagonal % baby_steps_, std::move(ciphertext));
}

base::Result<Parts> EncryptedMatrix::apply(const Parts& a, const KeySwitchKey& relinearization, const GaloisKeys& keys, std::uint64_t t) const {
  BLINDPROOF_TRY(require_degree(kOperation, a, 1));
  BLINDPROOF_TRY(require_key(kOperation, a, relinearization));
  BLINDPROOF_CHECK(!giants_.empty() && giants_.begin()->second.begin()->second[0].basis() == a[0].basis(), "diagonals of the ciphertext's level");
  std::set<std::int64_t> steps;
  for (const auto& [giant, diagonals] : giants_) {
    if (giant != 0) {
      BLINDPROOF_ASSIGN(const GaloisKey* key, keys.find(rotation_element(a[0].ring().log_degree(), static_cast<std::int64_t>(giant)), a[0].basis().q_limbs));
      BLINDPROOF_TRY(require_key(kOperation, a, key->key));
    }
    for (const auto& [baby, diagonal] : diagonals) steps.insert(static_cast<std::int64_t>(baby));
  }
  const std::vector<std::int64_t> babies(steps.begin(), steps.end());
  BLINDPROOF_ASSIGN(const std::vector<Parts> rotated, rotations(kOperation, a, babies, keys, t));
  std::map<std::size_t, const Parts*> rotation_of;
  for (std::size_t i = 0; i < babies.size(); ++i) rotation_of.emplace(static_cast<std::size_t>(babies[i]), &rotated[i]);

  // Column by column, so that the rotations are read from memory once for all giant steps.
  constexpr std::size_t kColumns = 1024;
  const RingPtr& ring = a[0].ring_ptr();
  const Basis basis = a[0].basis();
  std::map<std::size_t, Parts> products;
  for (const auto& [giant, diagonals] : giants_) products.emplace(giant, Parts(3, NttPoly(ring, basis)));
  const std::size_t columns = std::min(kColumns, ring->degree()), chunks = ring->degree() / columns;
  base::parallel_for(ring->limbs(basis) * chunks, [&](std::size_t task) {
    const std::size_t limb = task / chunks, first = task % chunks * columns;
    const auto part = [&](auto& poly) { return poly.limb(limb).subspan(first, columns); };
    ProductSum sum(ring->modulus(basis, limb), columns);
    for (const auto& [giant, diagonals] : giants_) {
      Parts& out = products.at(giant);
      sum.begin(part(out[0]), part(out[1]), part(out[2]));
      for (const auto& [baby, diagonal] : diagonals) {
        const Parts& x = *rotation_of.at(baby);
        sum.add(part(x[0]), part(x[1]), part(diagonal[0]), part(diagonal[1]));
      }
      sum.end();
    }
  });

  std::map<std::size_t, Pair> inner;
  for (auto& [giant, product] : products) {
    Pair pair = accumulate(product[2], relinearization);
    add_lifted(pair.c0, product[0]);
    add_lifted(pair.c1, product[1]);
    product.clear();
    inner.emplace(giant, std::move(pair));
  }
  return join_giant_steps(std::move(inner), keys, t);
}

}  // namespace blindproof::fhe::rlwe
