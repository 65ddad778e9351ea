#include "blindproof/field/residue_gemm.h"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "blindproof/field/kernel_set.h"

namespace blindproof::field {
namespace {

// Rows by columns, modulo a prime of so many bits: a layer of a network on one limb of a batch, N = 16384.
void BM_MultiplyMatrix(benchmark::State& state) {
  constexpr std::size_t kDegree = 16384;
  const auto rows = static_cast<std::size_t>(state.range(0)), columns = static_cast<std::size_t>(state.range(1));
  const Modulus q = *Modulus::create((*ntt_primes_below(static_cast<int>(state.range(2)), 15, 1)).front());
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> matrix(rows * columns);
  for (std::uint64_t& w : matrix) w = random() % q.value();
  std::vector<std::vector<std::uint64_t>> memory(rows + columns, std::vector<std::uint64_t>(kDegree));
  std::vector<const std::uint64_t*> in;
  std::vector<std::uint64_t*> out;
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::uint64_t& x : memory[i]) x = random() % q.value();
    in.push_back(memory[i].data());
  }
  for (std::size_t i = 0; i < rows; ++i) out.push_back(memory[columns + i].data());
  for (auto _ : state) {
    multiply_matrix(q, matrix, in, out, kDegree);
    benchmark::ClobberMemory();
  }
  state.counters["each"] = benchmark::Counter(static_cast<double>(rows * columns * kDegree),
                                              benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.SetLabel(std::string(base::simd_name(kernel_set())));
}
BENCHMARK(BM_MultiplyMatrix)->Args({128, 784, 40})->Args({128, 784, 50})->Args({10, 64, 40})->Args({8, 25, 40})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace blindproof::field
