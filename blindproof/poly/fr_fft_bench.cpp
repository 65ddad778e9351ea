#include <benchmark/benchmark.h>

#include <cstdlib>

#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/fr_fft.h"

namespace blindproof::poly {
namespace {

// Threads: all, or BLINDPROOF_BENCH_THREADS.
[[maybe_unused]] const bool threads_set = [] {
  const char* const text = std::getenv("BLINDPROOF_BENCH_THREADS");
  if (text != nullptr) base::set_thread_count(std::strtoul(text, nullptr, 10));
  return text != nullptr;
}();

void Forward(benchmark::State& state) {
  const int log_size = static_cast<int>(state.range(0));
  const FrFft fft = FrFft::create(log_size).value();
  field::FrVector a(std::size_t{1} << log_size);
  for (std::size_t i = 0; i < a.size(); i += 5) a.set(i, field::Fr::from_u64(i).inverse());
  for (auto _ : state) fft.forward(a);
}
BENCHMARK(Forward)->DenseRange(12, 20, 2)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace blindproof::poly
