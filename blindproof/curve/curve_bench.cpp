// The argument `set` is 0 for the portable kernels, 1 for IFMA. Threads: all, or BLINDPROOF_BENCH_THREADS.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/batch_multiply.h"
#include "blindproof/curve/fixed_base.h"
#include "blindproof/curve/g1.h"
#include "blindproof/curve/hash_to_curve.h"
#include "blindproof/curve/kernels.h"
#include "blindproof/curve/msm_kernels.h"
#include "blindproof/curve/pairing.h"
#include "blindproof/curve/small_commit.h"

namespace blindproof::curve {
namespace {

[[maybe_unused]] const bool threads_set = [] {
  const char* const text = std::getenv("BLINDPROOF_BENCH_THREADS");
  if (text != nullptr) base::set_thread_count(std::strtoul(text, nullptr, 10));
  return text != nullptr;
}();

const Kernels* kernel_set(const benchmark::State& state) {
  return state.range(0) == 0 ? &portable_kernels() : ifma_kernels();
}

#define BLINDPROOF_BENCH_KERNELS(kernels)                   \
  const Kernels* const kernels = kernel_set(state);         \
  if (kernels == nullptr) {                                 \
    state.SkipWithError("this CPU lacks the instructions"); \
    return;                                                 \
  }                                                         \
  state.SetLabel(kernels->name)

const std::vector<G1Affine>& points() {
  static const std::vector<G1Affine> all = derive_generators("curve bench", 65536);
  return all;
}
[[maybe_unused]] const bool points_made = !points().empty();  // not inside the first timing

std::vector<Fr> scalars(std::size_t count) {
  std::mt19937_64 engine(1);
  std::vector<Fr> out(count);
  for (Fr& scalar : out) {
    std::array<std::uint8_t, 64> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine());
    scalar = Fr::from_wide_bytes(bytes);
  }
  return out;
}

template <class Int>
std::vector<Int> integers(std::size_t count, int bits) {
  std::mt19937_64 engine(2);
  std::vector<Int> out(count);
  for (Int& value : out) value = static_cast<Int>(static_cast<std::int64_t>(engine()) >> (64 - bits));
  return out;
}

void per_value(benchmark::State& state, double values) {
  state.counters["per_value"] =
      benchmark::Counter(values, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Msm(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  const std::size_t n = static_cast<std::size_t>(state.range(1));
  const std::vector<Fr> factors = scalars(n);
  for (auto _ : state) benchmark::DoNotOptimize(msm(*kernels, std::span(points()).first(n), factors));
  per_value(state, static_cast<double>(n));
}
BENCHMARK(Msm)
    ->ArgsProduct({{0, 1}, {16, 64, 256, 2048, 4096, 65536}})
    ->ArgNames({"set", "points"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void MsmSmall(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  const std::size_t n = static_cast<std::size_t>(state.range(1));
  const std::vector<std::int32_t> factors = integers<std::int32_t>(n, static_cast<int>(state.range(2)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(msm_small<std::int32_t>(*kernels, std::span(points()).first(n), factors));
  }
  per_value(state, static_cast<double>(n));
}
BENCHMARK(MsmSmall)
    ->ArgsProduct({{0, 1}, {256, 2048}, {8, 12, 16, 20}})
    ->ArgNames({"set", "points", "bits"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void SmallTable(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  for (auto _ : state) benchmark::DoNotOptimize(SmallScalarTable(*kernels, std::span(points()).first(2048)));
}
BENCHMARK(SmallTable)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("set")
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

template <class Int>
void CommitRows(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  constexpr std::size_t kColumns = 2048;
  static std::unique_ptr<const SmallScalarTable> tables[2];
  auto& table = tables[state.range(0)];
  if (!table) table = std::make_unique<SmallScalarTable>(*kernels, std::span(points()).first(kColumns));
  const std::size_t rows = static_cast<std::size_t>(state.range(1));
  const std::vector<Int> cells = integers<Int>(rows * kColumns, sizeof(Int) == 1 ? 8 : sizeof(Int) == 2 ? 16 : 20);
  const std::vector<G1Affine> starts(points().begin() + kColumns,
                                     points().begin() + static_cast<std::ptrdiff_t>(kColumns + rows));
  std::vector<G1Affine> out(rows);
  for (auto _ : state) {
    table->commit_rows(field::MatrixView<Int>{cells.data(), rows, kColumns, kColumns}, starts, out);
  }
  per_value(state, static_cast<double>(cells.size()));
}
BENCHMARK(CommitRows<std::int8_t>)
    ->ArgsProduct({{0, 1}, {1, 4, 16, 128, 256, 512, 1024, 4096, 5000}})
    ->ArgNames({"set", "rows"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(CommitRows<std::int16_t>)
    ->ArgsProduct({{0, 1}, {1, 16, 256, 4096}})
    ->ArgNames({"set", "rows"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(CommitRows<std::int32_t>)
    ->ArgsProduct({{0, 1}, {16, 1024}})
    ->ArgNames({"set", "rows"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void FixedBaseBuild(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  for (auto _ : state)
    benchmark::DoNotOptimize(FixedBaseTable(*kernels, points()[0], static_cast<int>(state.range(1))));
}
BENCHMARK(FixedBaseBuild)
    ->ArgsProduct({{0, 1}, {8, 10, 12, 13}})
    ->ArgNames({"set", "bits"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void FixedBaseCommit(benchmark::State& state) {  // with the conversion to affine
  BLINDPROOF_BENCH_KERNELS(kernels);
  const std::size_t terms = static_cast<std::size_t>(state.range(2));
  std::vector<FixedBaseTable> tables;
  std::vector<const FixedBaseTable*> pointers;
  for (std::size_t i = 0; i < terms; ++i) tables.emplace_back(*kernels, points()[i], static_cast<int>(state.range(1)));
  for (const auto& table : tables) pointers.push_back(&table);
  const std::vector<Fr> factors = scalars(1024 * terms);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(multiply_sum(pointers, std::span(factors).subspan(i * terms, terms)).to_affine());
    i = (i + 1) % 1024;
  }
}
BENCHMARK(FixedBaseCommit)
    ->ArgsProduct({{0, 1}, {8, 10, 12, 13}, {1, 4}})
    ->ArgNames({"set", "bits", "terms"})
    ->Unit(benchmark::kMicrosecond);

void DeriveGenerators(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(derive_generators("bench", 2049));
}
BENCHMARK(DeriveGenerators)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

void DecodeBatch(benchmark::State& state) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < 4096; ++i) {
    const EncodedPoint encoded = encode(points()[i]);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  std::vector<G1Affine> out(4096);
  for (auto _ : state) benchmark::DoNotOptimize(decode_batch(bytes, out).ok());
  per_value(state, 4096);
}
BENCHMARK(DecodeBatch)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMicrosecond);

void SquareRoots(benchmark::State& state) {
  BLINDPROOF_BENCH_KERNELS(kernels);
  std::vector<Fq> values(256), roots(256);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = points()[i].x;
  for (auto _ : state) kernels->square_roots(values.data(), values.size(), roots.data());
  per_value(state, 256);
}
BENCHMARK(SquareRoots)->Arg(0)->Arg(1)->ArgName("set");

void ScalarMultiplication(benchmark::State& state) {
  const std::vector<Fr> factors = scalars(64);
  const G1 point(points()[0]);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(point * factors[i++ % 64]);
}
BENCHMARK(ScalarMultiplication)->Unit(benchmark::kMicrosecond);

void MixedAddition(benchmark::State& state) {
  G1 sum(points()[0]);
  for (auto _ : state) benchmark::DoNotOptimize(sum += points()[1]);
}
BENCHMARK(MixedAddition);

void ToAffine(benchmark::State& state) {
  const G1 point = G1(points()[0]).doubled();
  for (auto _ : state) benchmark::DoNotOptimize(point.to_affine());
}
BENCHMARK(ToAffine);

void MsmG2(benchmark::State& state) {
  const std::vector<Fr> logs = scalars(static_cast<std::size_t>(state.range(0)));
  const std::vector<G2Affine> points = multiply_each(G2Affine::generator(), logs);
  for (auto _ : state) benchmark::DoNotOptimize(msm(points, logs));
}
BENCHMARK(MsmG2)->RangeMultiplier(16)->Range(256, 1 << 16)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

template <class Affine>
void MultiplyEach(benchmark::State& state) {
  const std::vector<Fr> factors = scalars(1 << 16);
  for (auto _ : state) benchmark::DoNotOptimize(multiply_each(Affine::generator(), factors));
}
BENCHMARK(MultiplyEach<G1Affine>)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(MultiplyEach<G2Affine>)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

// Points and scalars all different.
template <class Affine>
void MultiplyPoints(benchmark::State& state) {
  const std::vector<Fr> factors = scalars(1 << 13);
  std::vector<Affine> points = multiply_each(Affine::generator(), std::span<const Fr>(factors));
  for (auto _ : state) multiply_each(std::span<Affine>(points), factors);
  per_value(state, 1 << 13);
}
BENCHMARK(MultiplyPoints<G1Affine>)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(MultiplyPoints<G2Affine>)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

void PairingProduct(benchmark::State& state) {
  std::vector<PairingTerm> terms(static_cast<std::size_t>(state.range(0)), PairingTerm{G1Affine::generator(), G2Affine::generator()});
  for (auto _ : state) benchmark::DoNotOptimize(pairing_product(terms));
}
BENCHMARK(PairingProduct)->Arg(1)->Arg(4)->Unit(benchmark::kMicrosecond);

void InGroup(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(G2Affine::generator().is_in_group());
}
BENCHMARK(InGroup)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace blindproof::curve
