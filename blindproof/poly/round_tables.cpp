#include "blindproof/poly/round_tables.h"

#include <algorithm>
#include <mutex>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/fr_kernels.h"

namespace blindproof::poly {
namespace {

constexpr std::size_t kGrain = 128;  // packs of a half for one thread: 25 us and more

}  // namespace

RoundTables::RoundTables(std::initializer_list<FrPack*> tables, std::size_t log_size)
    : count_(tables.size()), log_size_(log_size), packed_(true) {
  BLINDPROOF_CHECK((count_ == 2 || count_ == 4) && log_size >= 3, "two or four tables of whole packs");
  std::copy(tables.begin(), tables.end(), packs_.begin());
  if (log_size_ == 3) leave_packs();
}

RoundTables::RoundTables(std::initializer_list<std::span<const Fr>> tables, std::size_t log_size)
    : count_(tables.size()), log_size_(log_size) {
  BLINDPROOF_CHECK((count_ == 2 || count_ == 4) && log_size <= 3, "two or four short tables");
  std::size_t k = 0;
  for (const std::span<const Fr> table : tables) {
    BLINDPROOF_CHECK(table.size() == std::size_t{1} << log_size, "table sizes differ");
    std::copy(table.begin(), table.end(), short_[k++].begin());
  }
}

void RoundTables::shift(const Fr& constant) {
  if (packed_) {
    BLINDPROOF_CHECK(pending_ == Step::kNone, "shift comes before the first round");
    pending_ = Step::kShift;
    constant_ = constant;
    return;
  }
  for (std::size_t i = 0; i < std::size_t{1} << log_size_; ++i) {
    if (count_ == 4) {
      short_[2][i] += constant * short_[1][i];
    } else {
      short_[0][i] += constant;
      short_[1][i] += constant;
    }
  }
}

QuadraticRound RoundTables::round(const SplitEq* eq) {
  BLINDPROOF_CHECK(log_size_ > 0, "no variable is left");
  return packed_ ? packed_round(eq) : short_round(eq);
}

QuadraticRound RoundTables::short_round(const SplitEq* eq) const {
  const std::size_t half = std::size_t{1} << (log_size_ - 1);
  QuadraticRound result;
  for (std::size_t i = 0; i < half; ++i) {
    Fr at_zero, leading;
    for (std::size_t k = 0; k < count_; k += 2) {
      at_zero += short_[k][i] * short_[k + 1][i];
      leading += (short_[k][half + i] - short_[k][i]) * (short_[k + 1][half + i] - short_[k + 1][i]);
    }
    const Fr weight = eq == nullptr ? Fr::one() : eq->values(log_size_ - 1)[i];
    result.at_zero += weight * at_zero;
    result.leading += weight * leading;
  }
  return result;
}

QuadraticRound RoundTables::packed_round(const SplitEq* eq) {
  RoundArguments arguments{};
  std::copy(packs_.begin(), packs_.end(), arguments.tables);
  arguments.half = std::size_t{1} << (log_size_ - 4);
  arguments.constant = constant_;
  std::size_t ranges = arguments.half, grain = kGrain;
  const auto& kernels = poly_kernels();
  const RoundKernel* choices = count_ == 2 ? kernels.product : kernels.product_sum;
  if (eq != nullptr) {
    choices = count_ == 2 ? kernels.eq_product : kernels.eq_product_sum;
    arguments.eq = eq->factors(log_size_ - 1);
    ranges /= arguments.eq.low_packs;
    grain /= arguments.eq.low_packs;
  }
  const RoundKernel kernel = choices[static_cast<std::size_t>(pending_)];
  QuadraticRound result;
  std::mutex mutex;
  base::parallel_ranges(ranges, grain, [&](std::size_t begin, std::size_t end) {
    const QuadraticRound part = kernel(arguments, begin, end);
    std::lock_guard lock(mutex);
    result.at_zero += part.at_zero;
    result.leading += part.leading;
  });
  pending_ = Step::kNone;
  return result;
}

void RoundTables::bind(const Fr& r) {
  BLINDPROOF_CHECK(log_size_ > 0, "no variable is left");
  if (!packed_) {
    const std::size_t half = std::size_t{1} << --log_size_;
    for (std::size_t k = 0; k < count_; ++k) {
      for (std::size_t i = 0; i < half; ++i) short_[k][i] += r * (short_[k][half + i] - short_[k][i]);
    }
    return;
  }
  if (pending_ != Step::kNone) static_cast<void>(packed_round(nullptr));  // a round that nobody asked for
  pending_ = Step::kFold;
  constant_ = r;
  --log_size_;
  if (log_size_ == 3) {
    for (std::size_t k = 0; k < count_; ++k) poly_kernels().fold(packs_[k], 1, constant_, 0, 1);
    pending_ = Step::kNone;
    leave_packs();
  }
}

void RoundTables::leave_packs() {
  for (std::size_t k = 0; k < count_; ++k) field::fr_kernels().to_fields(packs_[k], 8, short_[k].data());
  packed_ = false;
}

const Fr& RoundTables::end(std::size_t table) const {
  BLINDPROOF_CHECK(log_size_ == 0 && table < count_, "variables are left");
  return short_[table][0];
}

}  // namespace blindproof::poly
