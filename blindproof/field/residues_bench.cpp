#include "blindproof/field/residues.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "blindproof/field/base_converter.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/field/pack_memory.h"

namespace blindproof::field {
namespace {

constexpr std::size_t kDegree = 32768;

/// Residues in memory as ciphertexts have it.
class Limb {
 public:
  Limb(const Modulus& q, std::uint64_t seed) : data_(static_cast<std::uint64_t*>(acquire_packs(bytes_))) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < kDegree; ++i) data_[i] = random() % q.value();
  }
  Limb(Limb&& other) noexcept : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}
  Limb& operator=(Limb&&) = delete;
  ~Limb() {
    if (data_ != nullptr) release_packs(data_, bytes_);
  }
  Residues words() { return {data_, kDegree}; }

 private:
  std::size_t bytes_ = kDegree * sizeof(std::uint64_t);
  std::uint64_t* data_;
};

std::vector<Modulus> moduli(int bits, std::size_t count) {
  std::vector<Modulus> result;
  for (std::uint64_t value : *ntt_primes_below(bits, 16, count)) result.push_back(*Modulus::create(value));
  return result;
}

void per_item(benchmark::State& state, std::size_t items) {
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(items), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void choose_set(benchmark::State& state) { state.SetLabel(std::string(base::simd_name(kernel_set()))); }

template <class Body>
void elementwise(benchmark::State& state, const Body& body) {
  const Modulus q = moduli(49, 1)[0];
  Limb a(q, 1), b(q, 2), out(q, 3);
  for (auto _ : state) {
    body(q, a.words(), b.words(), out.words());
    benchmark::ClobberMemory();
  }
  per_item(state, kDegree);
  choose_set(state);
}

void BM_Add(benchmark::State& state) {
  elementwise(state, [](const Modulus& q, ConstResidues a, ConstResidues b, Residues out) { add(q, a, b, out); });
}
BENCHMARK(BM_Add);

void BM_Multiply(benchmark::State& state) {
  elementwise(state, [](const Modulus& q, ConstResidues a, ConstResidues b, Residues out) { multiply(q, a, b, out); });
}
BENCHMARK(BM_Multiply);

void BM_SubtractScale(benchmark::State& state) {
  elementwise(state, [](const Modulus& q, ConstResidues a, ConstResidues b, Residues out) {
    subtract_scale(q, a, b, q.value() / 3, out);
  });
}
BENCHMARK(BM_SubtractScale);

void BM_FromSigned(benchmark::State& state) {
  const std::vector<std::int64_t> a(kDegree, -12345);
  elementwise(state, [&](const Modulus& q, ConstResidues, ConstResidues, Residues out) { from_signed(q, a, out); });
}
BENCHMARK(BM_FromSigned);

void BM_Tensor(benchmark::State& state) {
  const Modulus q = moduli(49, 1)[0];
  std::vector<Limb> limbs;
  for (std::uint64_t i = 0; i < 7; ++i) limbs.emplace_back(q, i);
  for (auto _ : state) {
    tensor(q, limbs[0].words(), limbs[1].words(), limbs[2].words(), limbs[3].words(), limbs[4].words(),
           limbs[5].words(), limbs[6].words());
    benchmark::ClobberMemory();
  }
  per_item(state, kDegree);
}
BENCHMARK(BM_Tensor);

// Any permutation inside blocks of 64, blocks in any order: what automorphisms are.
void BM_Permute(benchmark::State& state) {
  std::mt19937_64 random(4);
  std::vector<std::uint32_t> permutation(kDegree), blocks(kDegree / 64);
  std::iota(blocks.begin(), blocks.end(), 0u);
  std::ranges::shuffle(blocks, random);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    const auto begin = permutation.begin() + static_cast<std::ptrdiff_t>(64 * block);
    std::iota(begin, begin + 64, 64 * blocks[block]);
    std::shuffle(begin, begin + 64, random);
  }
  elementwise(state,
              [&](const Modulus&, ConstResidues a, ConstResidues, Residues out) { permute(permutation, a, out); });
}
BENCHMARK(BM_Permute);

// All limbs of a key switch with `terms` digits.
void BM_InnerProducts(benchmark::State& state) {
  const auto terms = static_cast<std::size_t>(state.range(0)), limbs = static_cast<std::size_t>(state.range(1));
  const std::vector<Modulus> q = moduli(50, limbs);
  std::vector<Limb> memory;
  for (std::size_t i = 0; i < limbs * (3 * terms + 2); ++i) memory.emplace_back(q[i % limbs], i);
  std::vector<const std::uint64_t*> a(terms), b0(terms), b1(terms);
  for (auto _ : state) {
    for (std::size_t limb = 0; limb < limbs; ++limb) {
      const auto words = [&](std::size_t i) { return memory[i * limbs + limb].words(); };
      for (std::size_t t = 0; t < terms; ++t) {
        a[t] = words(t).data();
        b0[t] = words(terms + t).data();
        b1[t] = words(2 * terms + t).data();
      }
      inner_products(q[limb], a, b0, b1, words(3 * terms), words(3 * terms + 1));
    }
    benchmark::ClobberMemory();
  }
  per_item(state, limbs * terms * kDegree);
}
BENCHMARK(BM_InnerProducts)->Args({3, 17})->Unit(benchmark::kMillisecond);

void BM_Convert(benchmark::State& state) {
  const auto from = static_cast<std::size_t>(state.range(0)), to = static_cast<std::size_t>(state.range(1));
  const std::vector<Modulus> q = moduli(50, from + to);
  const auto middle = q.begin() + static_cast<std::ptrdiff_t>(from);
  const BaseConverter converter({q.begin(), middle}, {middle, q.end()});
  std::vector<Limb> memory;
  std::vector<const std::uint64_t*> in;
  std::vector<std::uint64_t*> out;
  for (std::size_t i = 0; i < from + to; ++i) {
    std::uint64_t* words = memory.emplace_back(q[i], i).words().data();
    i < from ? in.push_back(words) : out.push_back(words);
  }
  for (auto _ : state) {
    converter.convert(in, out, kDegree);
    benchmark::ClobberMemory();
  }
  per_item(state, from * to * kDegree);
}
BENCHMARK(BM_Convert)->Args({5, 12})->Args({1, 4})->Args({4, 1})->Args({16, 16})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace blindproof::field
