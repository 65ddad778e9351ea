#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "blindproof/base/thread_pool.h"
#include "blindproof/field/fr_vector.h"

namespace blindproof::field {
namespace {

std::vector<Fr> elements(std::size_t count) {
  std::vector<Fr> result(count);
  Fr x = Fr::from_u64(3);
  for (Fr& element : result) element = x = x.squared() + Fr::one();
  return result;
}

template <class Int>
std::vector<Int> integers(std::size_t count) {
  std::vector<Int> result(count);
  std::uint64_t state = 1;
  for (Int& w : result) w = static_cast<Int>((state = state * 6364136223846793005u + 1442695040888963407u) >> 24);
  return result;
}

void per_item(benchmark::State& state, std::size_t items) {
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(items), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_Product(benchmark::State& state) {
  Fr x = elements(2)[1];
  const Fr y = x;
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) x *= y;
    benchmark::DoNotOptimize(x);
  }
  per_item(state, 100);
}
BENCHMARK(BM_Product);

void BM_Inverse(benchmark::State& state) {
  Fr x = elements(2)[1];
  for (auto _ : state) benchmark::DoNotOptimize(x = x.inverse() + Fr::one());
}
BENCHMARK(BM_Inverse);

void BM_Dot(benchmark::State& state) {
  base::set_thread_count(static_cast<std::size_t>(state.range(1)));
  const FrVector a(elements(static_cast<std::size_t>(state.range(0)))), b = a;
  for (auto _ : state) benchmark::DoNotOptimize(dot(a, b));
  per_item(state, a.size());
}
BENCHMARK(BM_Dot)->Args({1 << 12, 1})->Args({1 << 18, 1})->Args({1 << 18, 2})->UseRealTime();

void BM_AddScaled(benchmark::State& state) {
  base::set_thread_count(1);
  const FrVector a(elements(static_cast<std::size_t>(state.range(0))));
  FrVector acc = a;
  const Fr factor = a.at(1);
  for (auto _ : state) add_scaled(acc, factor, a);
  per_item(state, a.size());
}
BENCHMARK(BM_AddScaled)->Arg(1 << 12);

void BM_Convert(benchmark::State& state) {
  base::set_thread_count(1);
  const std::vector<Fr> a = elements(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(FrVector(a).packs());
  per_item(state, a.size());
}
BENCHMARK(BM_Convert)->Arg(1 << 12);

template <class Int>
void BM_DotIntegers(benchmark::State& state) {
  base::set_thread_count(1);
  const FrVector a(elements(static_cast<std::size_t>(state.range(0))));
  const std::vector<Int> w = integers<Int>(a.size());
  for (auto _ : state) benchmark::DoNotOptimize(dot(a, std::span<const Int>(w)));
  per_item(state, a.size());
}
BENCHMARK(BM_DotIntegers<std::int8_t>)->Arg(1 << 12);
BENCHMARK(BM_DotIntegers<std::int64_t>)->Arg(1 << 12);

template <class Int>
void BM_FromIntegers(benchmark::State& state) {
  base::set_thread_count(1);
  const std::vector<Int> w = integers<Int>(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(FrVector::from_integers(std::span<const Int>(w)).packs());
  per_item(state, w.size());
}
BENCHMARK(BM_FromIntegers<std::int8_t>)->Arg(1 << 12);

template <class Int>
void BM_CombineRows(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0)), columns = static_cast<std::size_t>(state.range(1));
  base::set_thread_count(static_cast<std::size_t>(state.range(2)));
  const std::vector<Int> matrix = integers<Int>(rows * columns);
  const std::vector<Fr> weights = elements(rows);
  for (auto _ : state) {
    benchmark::DoNotOptimize(combine_rows(MatrixView<Int>{matrix.data(), rows, columns, columns}, weights).packs());
  }
  per_item(state, rows * columns);
}
BENCHMARK(BM_CombineRows<std::int8_t>)
    ->Args({4096, 2048, 1})
    ->Args({4096, 2048, 2})
    ->Args({512, 784, 1})
    ->Args({128, 10, 1})
    ->Args({65536, 64, 2})
    ->UseRealTime();
BENCHMARK(BM_CombineRows<std::int16_t>)->Args({4096, 2048, 1})->UseRealTime();
BENCHMARK(BM_CombineRows<std::int32_t>)->Args({1024, 2048, 1})->UseRealTime();
BENCHMARK(BM_CombineRows<std::int64_t>)->Args({1024, 2048, 1})->UseRealTime();

}  // namespace
}  // namespace blindproof::field
