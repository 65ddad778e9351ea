#include "blindproof/engine/groth16_benchmark.h"

#include <malloc.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "blindproof/base/thread_pool.h"
#include "blindproof/commit/poseidon.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/groth16/prove.h"
#include "blindproof/groth16/setup.h"

namespace blindproof::engine {
namespace {

using field::Fr;

constexpr std::size_t kWidth = 3;

// A value of the circuit: a wire, or a few of them.
struct Expression {
  std::vector<std::pair<std::uint32_t, Fr>> terms;
  Fr value;
};

class Builder {
 public:
  PoseidonChain chain;

  Builder() { (void)new_wire(Fr::one()); }

  std::uint32_t new_wire(const Fr& value) {
    chain.witness.push_back(value);
    return chain.r1cs.wires = static_cast<std::uint32_t>(chain.witness.size()), chain.r1cs.wires - 1;
  }
  Expression of(std::uint32_t wire) const { return {{{wire, Fr::one()}}, chain.witness[wire]}; }
  Expression plus(Expression a, const Fr& constant) const {
    a.terms.emplace_back(0, constant);
    a.value += constant;
    return a;
  }
  /// A wire for a b.
  Expression times(const Expression& a, const Expression& b) {
    const std::uint32_t wire = new_wire(a.value * b.value);
    constrain(a, b, of(wire));
    return of(wire);
  }
  void constrain(const Expression& a, const Expression& b, const Expression& c) {
    append(chain.r1cs.a, a);
    append(chain.r1cs.b, b);
    append(chain.r1cs.c, c);
  }
  std::size_t constraints() const { return chain.r1cs.constraints(); }

 private:
  static void append(groth16::Combinations& part, const Expression& expression) {
    for (const auto& [wire, factor] : expression.terms) part.add_term(wire, factor);
    part.end_combination();
  }
};

// Every state is wires, so that expressions stay short.
Expression hash(Builder& builder, const Expression& left, const Expression& right) {
  const commit::PoseidonParameters& parameters = commit::poseidon_parameters(kWidth);
  const Expression one = builder.of(0);
  std::array<Expression, kWidth> state{Expression{}, left, right};
  const Fr* constant = parameters.round_constants.data();
  for (std::size_t round = 0; round < parameters.rounds; ++round) {
    const bool full = round < commit::kPoseidonFullRounds / 2 || round >= parameters.rounds - commit::kPoseidonFullRounds / 2;
    for (std::size_t i = 0; i < kWidth; ++i) {
      state[i] = builder.plus(std::move(state[i]), *constant++);
      if (!full && i > 0) continue;
      const Expression square = builder.times(state[i], state[i]);
      state[i] = builder.times(builder.times(square, square), state[i]);
    }
    std::array<Expression, kWidth> mixed;
    for (std::size_t i = 0; i < kWidth; ++i) {
      Expression sum;
      for (std::size_t j = 0; j < kWidth; ++j) {
        const Fr& entry = parameters.matrix[i * kWidth + j];
        for (const auto& [wire, factor] : state[j].terms) sum.terms.emplace_back(wire, factor * entry);
        sum.value += state[j].value * entry;
      }
      // What isn't raised to a power in the next round would grow from round to round.
      mixed[i] = i == 0 ? std::move(sum) : builder.times(sum, one);
    }
    state = std::move(mixed);
  }
  return state[0];
}

}  // namespace

PoseidonChain poseidon_chain(int log_constraints) {
  const std::size_t most = (std::size_t{1} << log_constraints) - 3;
  Builder builder;
  (void)builder.new_wire(Fr::zero());  // the last value, set below
  Expression value = builder.of(builder.new_wire(Fr::from_u64(1)));
  builder.chain.r1cs.outputs = builder.chain.r1cs.inputs = 1;
  const Expression one = builder.of(0);
  std::size_t each = 0;
  while (builder.constraints() + each + 2 <= most) {
    const std::size_t before = builder.constraints();
    const Expression next = hash(builder, value, value);
    value = builder.times(next, one);
    each = builder.constraints() - before;
  }
  builder.chain.witness[1] = value.value;
  builder.constrain(value, one, builder.of(1));
  return std::move(builder.chain);
}

namespace {

// The most memory that this process had, since it began or since forget_peak() (where the kernel allows that).
std::size_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}
void forget_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

base::Result<Groth16Measurement> measure(int log_constraints, const std::filesystem::path& folder) {
  Groth16Measurement m;
  m.threads = base::thread_count();
  const std::filesystem::path path = folder / "bench.zkey";
  std::vector<Fr> witness;
  {
    const PoseidonChain chain = poseidon_chain(log_constraints);
    m.constraints = chain.r1cs.constraints();
    const Stopwatch watch;
    BLINDPROOF_TRY(groth16::setup_for_development(chain.r1cs, path));
    m.setup_s = watch.seconds();
    witness = chain.witness;
  }
  m.zkey_bytes = std::filesystem::file_size(path);
  m.setup_peak_rss_bytes = peak_rss_bytes();
  forget_peak();
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(path));
  BLINDPROOF_ASSIGN(const groth16::Proof proof, groth16::prove(key, witness));
  m.prove_s = watch.seconds();
  m.log_domain = log_constraints;
  BLINDPROOF_ASSIGN(const groth16::VerificationKey verification_key, key.verification_key());
  const Stopwatch verification;
  BLINDPROOF_TRY(groth16::verify(verification_key, std::span(witness).subspan(1, 2), proof));
  m.verify_s = verification.seconds();
  m.peak_rss_bytes = peak_rss_bytes();
  return m;
}

}  // namespace

base::Result<std::vector<Groth16Measurement>> run_groth16_benchmark(const Groth16BenchmarkRequest& request, const base::Progress& progress) {
  std::vector<Groth16Measurement> results;
  std::string name = (std::filesystem::temp_directory_path() / "blindproof-groth16-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return base::error(base::ErrorCode::kIo, name, "can't be made");
  const std::filesystem::path folder = name;
  for (const int log_constraints : request.log_constraints) {
    progress.report("sizes", results.size(), request.log_constraints.size());
    base::Result<Groth16Measurement> m = measure(log_constraints, folder);
    if (!m.ok()) {
      std::filesystem::remove_all(folder);
      return std::move(m).error();
    }
    results.push_back(*std::move(m));
  }
  std::filesystem::remove_all(folder);
  return results;
}

}  // namespace blindproof::engine
