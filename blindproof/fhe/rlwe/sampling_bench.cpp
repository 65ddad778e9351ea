#include "blindproof/fhe/rlwe/sampling.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <vector>

namespace blindproof::fhe::rlwe {
namespace {

constexpr std::size_t kDegree = 32768;

crypto::Csprng fixed_random() { return crypto::Csprng(std::array<std::uint8_t, 32>{1}); }

void count_coefficients(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kDegree));
}

void BM_SampleTernary(benchmark::State& state) {
  crypto::Csprng random = fixed_random();
  std::vector<std::int8_t> out(kDegree);
  for (auto _ : state) {
    sample_ternary(random, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_coefficients(state);
}
BENCHMARK(BM_SampleTernary)->Unit(benchmark::kMicrosecond);

void BM_SampleError(benchmark::State& state) {
  crypto::Csprng random = fixed_random();
  std::vector<std::int8_t> out(kDegree);
  for (auto _ : state) {
    sample_error(random, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_coefficients(state);
}
BENCHMARK(BM_SampleError)->Unit(benchmark::kMicrosecond);

void BM_SampleUniform(benchmark::State& state) {
  crypto::Csprng random = fixed_random();
  const std::uint64_t modulus = state.range(0) == 50 ? (std::uint64_t{1} << 50) - 27 : (std::uint64_t{1} << 40) + 15;
  std::vector<std::uint64_t> out(kDegree);
  for (auto _ : state) {
    sample_uniform(random, modulus, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_coefficients(state);
}
BENCHMARK(BM_SampleUniform)->ArgName("bits")->Arg(40)->Arg(50)->Unit(benchmark::kMicrosecond);

/// Welch's t of the times for one fixed seed against fresh ones, in random order. Beyond 10 or so in every run it would
/// mean that time depends on the seed. Times beyond three medians, interruptions, are left out.
/// Ref: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", ePrint 2016/1123.
template <auto Sample>
void BM_TimingDependsOnSeed(benchmark::State& state) {
  crypto::Csprng choices;
  std::vector<std::int8_t> out(2560);
  std::array<std::vector<double>, 2> times;
  for (auto _ : state) {
    const std::size_t fresh = choices.next_u64() & 1;
    std::array<std::uint8_t, 32> seed;
    choices.fill(seed);
    for (std::uint8_t& byte : seed) byte = static_cast<std::uint8_t>(byte * fresh);
    crypto::Csprng random{std::span<const std::uint8_t, 32>(seed)};
    const auto start = std::chrono::steady_clock::now();
    Sample(random, out);
    benchmark::DoNotOptimize(out.data());
    times[fresh].push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  std::array<double, 2> mean{}, error{};
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<double>& all = times[i];
    if (all.size() < 100) return;
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
    std::erase_if(all, [limit = 3 * all[all.size() / 2]](double time) { return time > limit; });
    const double count = static_cast<double>(all.size());
    for (double time : all) mean[i] += time / count;
    for (double time : all) error[i] += (time - mean[i]) * (time - mean[i]) / (count * (count - 1));
  }
  state.counters["welch_t"] = (mean[0] - mean[1]) / std::sqrt(error[0] + error[1]);
}
BENCHMARK(BM_TimingDependsOnSeed<sample_error>)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace blindproof::fhe::rlwe
