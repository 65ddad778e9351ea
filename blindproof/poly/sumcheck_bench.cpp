#include <benchmark/benchmark.h>

#include <vector>

#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/fraction_tree.h"

namespace blindproof::poly {
namespace {

std::vector<Fr> elements(std::size_t count, std::uint64_t seed) {
  std::vector<Fr> result(count);
  Fr x = Fr::from_u64(seed);
  for (Fr& element : result) element = x = x.squared() + Fr::one();
  return result;
}

void per_item(benchmark::State& state, std::size_t items) {
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(items), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// Arguments: log of the size, threads.
struct Setting {
  std::size_t n, size;
  explicit Setting(const benchmark::State& state)
      : n(static_cast<std::size_t>(state.range(0))), size(std::size_t{1} << n) {
    base::set_thread_count(static_cast<std::size_t>(state.range(1)));
  }
};

void sizes(benchmark::internal::Benchmark* b) {
  b->Args({10, 1})->Args({16, 1})->Args({20, 1})->Args({20, 2})->UseRealTime()->Unit(benchmark::kMicrosecond);
}

void BM_EqTable(benchmark::State& state) {
  const Setting setting(state);
  const std::vector<Fr> z = elements(setting.n, 5);
  for (auto _ : state) benchmark::DoNotOptimize(eq_table(z).packs());
  per_item(state, setting.size);
}
BENCHMARK(BM_EqTable)->Apply(sizes);

void BM_Evaluate(benchmark::State& state) {
  const Setting setting(state);
  const std::vector<Fr> z = elements(setting.n, 5);
  const FrVector f(elements(setting.size, 6));
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(f, z));
  per_item(state, setting.size);
}
BENCHMARK(BM_Evaluate)->Apply(sizes);

template <class Prover>
void prove(Prover& prover, const std::vector<Fr>& r) {
  for (const Fr& challenge : r) {
    benchmark::DoNotOptimize(prover.round());
    prover.bind(challenge);
  }
}

void BM_Product(benchmark::State& state) {
  const Setting setting(state);
  const std::vector<Fr> r = elements(setting.n, 7);
  const FrVector f(elements(setting.size, 8)), g(elements(setting.size, 9));
  for (auto _ : state) {
    state.PauseTiming();
    ProductProver prover(f, g);
    state.ResumeTiming();
    prove(prover, r);
  }
  per_item(state, setting.size);
}
BENCHMARK(BM_Product)->Apply(sizes);

void BM_EqProduct(benchmark::State& state) {
  const Setting setting(state);
  const std::vector<Fr> r = elements(setting.n, 7), z = elements(setting.n, 5);
  const FrVector f(elements(setting.size, 8)), g(elements(setting.size, 9));
  for (auto _ : state) {
    state.PauseTiming();
    FrVector f_copy = f, g_copy = g;
    state.ResumeTiming();
    EqProductProver prover(z, std::move(f_copy), std::move(g_copy));
    prove(prover, r);
  }
  per_item(state, setting.size);
}
BENCHMARK(BM_EqProduct)->Apply(sizes);

// Third argument: numerators (0: all one).
template <bool kProve>
void BM_Tree(benchmark::State& state) {
  const Setting setting(state);
  const FrVector p = state.range(2) != 0 ? FrVector(elements(setting.size, 8)) : FrVector();
  const FrVector q(elements(setting.size, 9));
  std::vector<std::vector<Fr>> points;
  for (std::size_t k = 0; k < setting.n; ++k) points.push_back(elements(k, k + 3));
  for (auto _ : state) {
    state.PauseTiming();
    FractionLeaves leaves{q, p};
    state.ResumeTiming();
    FractionTree tree(std::move(leaves));
    if (!kProve) continue;
    for (std::size_t k = 0; k < setting.n; ++k) {
      FractionTree::Layer layer = tree.layer(k, points[k], Fr::from_u64(k + 5));
      prove(layer, points[k]);
      benchmark::DoNotOptimize(layer.ends());
    }
  }
  per_item(state, setting.size);
}
void tree_sizes(benchmark::internal::Benchmark* b) {
  for (int numerators : {0, 1}) {
    for (int n : {10, 16, 20}) b->Args({n, 1, numerators});
    b->Args({20, 2, numerators});
  }
  b->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(BM_Tree<false>)->Name("BM_TreeBuild")->Apply(tree_sizes);
BENCHMARK(BM_Tree<true>)->Name("BM_TreeBuildAndProve")->Apply(tree_sizes);

}  // namespace
}  // namespace blindproof::poly
