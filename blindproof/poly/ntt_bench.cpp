#include "blindproof/poly/ntt.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <vector>

#include "blindproof/field/pack_memory.h"

namespace blindproof::poly {
namespace {

enum class Direction { kForward, kInverse };

/// `limbs` different primes and vectors in turn: with many, tables and values come from a far cache.
template <Direction kDirection>
void BM_Ntt(benchmark::State& state) {
  const int log_degree = static_cast<int>(state.range(0)), bits = static_cast<int>(state.range(1));
  const auto limbs = static_cast<std::size_t>(state.range(2));
  std::vector<NttTables> tables;
  for (std::uint64_t q : *field::ntt_primes_below(bits, log_degree + 1, limbs)) {
    tables.push_back(*NttTables::create(*field::Modulus::create(q), log_degree));
  }
  const std::size_t n = std::size_t{1} << log_degree;
  std::size_t bytes = limbs * n * sizeof(std::uint64_t);
  auto* memory = static_cast<std::uint64_t*>(field::acquire_packs(bytes));
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < limbs * n; ++i) memory[i] = random() % tables[i / n].modulus().value();
  for (auto _ : state) {
    for (std::size_t limb = 0; limb < limbs; ++limb) {
      const std::span a(memory + limb * n, n);
      kDirection == Direction::kForward ? ntt_forward(tables[limb], a) : ntt_inverse(tables[limb], a);
    }
    benchmark::ClobberMemory();
  }
  field::release_packs(memory, bytes);
  state.counters["limb"] = benchmark::Counter(
      static_cast<double>(limbs), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (int bits : {49, 50}) benchmark->Args({15, bits, 1});
  benchmark->Args({15, 50, 17});
  for (int log_degree : {12, 13, 14, 16, 17}) benchmark->Args({log_degree, 50, 1});
  benchmark->Unit(benchmark::kMicrosecond);
}
BENCHMARK(BM_Ntt<Direction::kForward>)->Apply(sizes);
BENCHMARK(BM_Ntt<Direction::kInverse>)->Apply(sizes);

void BM_Tables(benchmark::State& state) {
  const field::Modulus q = *field::Modulus::create((*field::ntt_primes_below(50, 16, 1)).front());
  for (auto _ : state) benchmark::DoNotOptimize(NttTables::create(q, 15).ok());
}
BENCHMARK(BM_Tables)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace blindproof::poly
