// The canonical embedding: a real polynomial of degree below N to its values at N/2 roots of X^N + 1, and back.
//
// With zeta = exp(i pi / N), slot j is the value at zeta^(5^j). The other half of the values are their conjugates. Since the
// powers of 5 are the odd numbers that are 1 modulo 4, and X^(N/2) = i at all of those roots,
//   value at zeta^(4k+1) = sum_{t < N/2} (m_t + i m_{t+N/2}) zeta^t exp(2 pi i t k / (N/2)):
// a complex transform of length N/2 of twisted coefficients.
//
// In double precision without fused multiplications: every machine gets the same bits.
// Ref: Cheon-Kim-Kim-Song, ePrint 2016/421, section 2.2.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace blindproof::fhe::ckks {

class Embedding {
 public:
  explicit Embedding(int log_degree);

  std::size_t slots() const noexcept { return slots_; }

  /// Requires: N/2 slots; N coefficients.
  void to_coefficients(std::span<const std::complex<double>> slots, std::span<double> coefficients) const;
  void to_slots(std::span<const double> coefficients, std::span<std::complex<double>> slots) const;

 private:
  std::size_t slots_;
  std::vector<double> twist_re_, twist_im_;  // zeta^t
  std::vector<double> root_re_, root_im_;    // stage of half length h at [h, 2h): exp(2 pi i j / (2h))
  std::vector<std::uint32_t> position_;      // of slot j in bit-reversed order
};

}  // namespace blindproof::fhe::ckks
