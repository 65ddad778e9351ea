#include <benchmark/benchmark.h>

#include "blindproof/crypto/keccak.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/crypto/sha256_kernels.h"

namespace blindproof::crypto {
namespace {

constexpr std::size_t kSize = 1 << 16;

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kSize));
}

void BM_Sha256(benchmark::State& state) {
  const base::Bytes message(kSize, 1);
  for (auto _ : state) benchmark::DoNotOptimize(sha256(message));
  count_bytes(state);
}
BENCHMARK(BM_Sha256);

void BM_Sha256Portable(benchmark::State& state) {
  const base::Bytes message(kSize, 1);
  std::array<std::uint32_t, 8> hash{};
  for (auto _ : state) sha256_compress_portable(hash, message);
  benchmark::DoNotOptimize(hash);
  count_bytes(state);
}
BENCHMARK(BM_Sha256Portable);

void BM_Keccak256(benchmark::State& state) {
  const base::Bytes message(kSize, 1);
  for (auto _ : state) benchmark::DoNotOptimize(keccak256(message));
  count_bytes(state);
}
BENCHMARK(BM_Keccak256);

void BM_Shake256Squeeze(benchmark::State& state) {
  base::Bytes out(kSize);
  Shake256 xof;
  for (auto _ : state) xof.squeeze(out);
  benchmark::DoNotOptimize(out.data());
  count_bytes(state);
}
BENCHMARK(BM_Shake256Squeeze);

void BM_KeccakPermutation(benchmark::State& state) {
  KeccakState lanes{};
  for (auto _ : state) keccak_f1600(lanes);
  benchmark::DoNotOptimize(lanes);
}
BENCHMARK(BM_KeccakPermutation);

void BM_Csprng(benchmark::State& state) {
  base::Bytes out(kSize);
  Csprng random(std::array<std::uint8_t, 32>{1});
  for (auto _ : state) random.fill(out);
  benchmark::DoNotOptimize(out.data());
  count_bytes(state);
}
BENCHMARK(BM_Csprng);

}  // namespace
}  // namespace blindproof::crypto
