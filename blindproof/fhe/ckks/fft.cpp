#include "blindproof/fhe/ckks/fft.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "blindproof/base/check.h"

namespace blindproof::fhe::ckks {
namespace {

// Lengths from n/2 down to 1, positive exponent, natural order in and bit-reversed order out.
void forward(double* re, double* im, std::size_t n, const double* root_re, const double* root_im) {
  for (std::size_t half = n / 2; half >= 1; half /= 2) {
    const double* wr = root_re + half;
    const double* wi = root_im + half;
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      double* r0 = re + begin;
      double* i0 = im + begin;
      double* r1 = r0 + half;
      double* i1 = i0 + half;
      for (std::size_t j = 0; j < half; ++j) {
        const double dr = r0[j] - r1[j], di = i0[j] - i1[j];
        r0[j] += r1[j];
        i0[j] += i1[j];
        r1[j] = dr * wr[j] - di * wi[j];
        i1[j] = dr * wi[j] + di * wr[j];
      }
    }
  }
}

// The inverse of forward(), times n.
void backward(double* re, double* im, std::size_t n, const double* root_re, const double* root_im) {
  for (std::size_t half = 1; half < n; half *= 2) {
    const double* wr = root_re + half;
    const double* wi = root_im + half;
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      double* r0 = re + begin;
      double* i0 = im + begin;
      double* r1 = r0 + half;
      double* i1 = i0 + half;
      for (std::size_t j = 0; j < half; ++j) {
        const double tr = r1[j] * wr[j] + i1[j] * wi[j];
        const double ti = i1[j] * wr[j] - r1[j] * wi[j];
        r1[j] = r0[j] - tr;
        i1[j] = i0[j] - ti;
        r0[j] += tr;
        i0[j] += ti;
      }
    }
  }
}

}  // namespace

Embedding::Embedding(int log_degree) : slots_(std::size_t{1} << (log_degree - 1)) {
  const std::size_t degree = 2 * slots_;
  for (std::size_t t = 0; t < slots_; ++t) {
    const long double angle = std::numbers::pi_v<long double> * static_cast<long double>(t) / static_cast<long double>(degree);
    twist_re_.push_back(static_cast<double>(std::cos(angle)));
    twist_im_.push_back(static_cast<double>(std::sin(angle)));
  }
  root_re_.resize(slots_);
  root_im_.resize(slots_);
  for (std::size_t half = 1; half < slots_; half *= 2) {
    for (std::size_t j = 0; j < half; ++j) {
      const long double angle = std::numbers::pi_v<long double> * static_cast<long double>(j) / static_cast<long double>(half);
      root_re_[half + j] = static_cast<double>(std::cos(angle));
      root_im_[half + j] = static_cast<double>(std::sin(angle));
    }
  }
  const int log_slots = log_degree - 1;
  position_.resize(slots_);
  std::size_t power = 1;
  for (std::size_t j = 0; j < slots_; ++j, power = power * 5 % (2 * degree)) {
    std::size_t k = power / 4, reversed = 0;
    for (int bit = 0; bit < log_slots; ++bit, k >>= 1) reversed = reversed << 1 | (k & 1);
    position_[j] = static_cast<std::uint32_t>(reversed);
  }
}

void Embedding::to_coefficients(std::span<const std::complex<double>> slots, std::span<double> coefficients) const {
  BLINDPROOF_CHECK(slots.size() == slots_ && coefficients.size() == 2 * slots_, "N/2 slots and N coefficients");
  double* re = coefficients.data();
  double* im = re + slots_;
  for (std::size_t j = 0; j < slots_; ++j) {
    re[position_[j]] = slots[j].real();
    im[position_[j]] = slots[j].imag();
  }
  backward(re, im, slots_, root_re_.data(), root_im_.data());
  const double factor = 1.0 / static_cast<double>(slots_);
  for (std::size_t t = 0; t < slots_; ++t) {
    const double r = re[t] * factor, i = im[t] * factor;
    re[t] = r * twist_re_[t] + i * twist_im_[t];
    im[t] = i * twist_re_[t] - r * twist_im_[t];
  }
}

void Embedding::to_slots(std::span<const double> coefficients, std::span<std::complex<double>> slots) const {
  BLINDPROOF_CHECK(slots.size() == slots_ && coefficients.size() == 2 * slots_, "N/2 slots and N coefficients");
  std::vector<double> re(slots_), im(slots_);
  for (std::size_t t = 0; t < slots_; ++t) {
    const double r = coefficients[t], i = coefficients[t + slots_];
    re[t] = r * twist_re_[t] - i * twist_im_[t];
    im[t] = r * twist_im_[t] + i * twist_re_[t];
  }
  forward(re.data(), im.data(), slots_, root_re_.data(), root_im_.data());
  for (std::size_t j = 0; j < slots_; ++j) slots[j] = {re[position_[j]], im[position_[j]]};
}

}  // namespace blindproof::fhe::ckks
