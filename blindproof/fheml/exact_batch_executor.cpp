#include "blindproof/fheml/exact_batch_executor.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/residue_gemm.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace rlwe = fhe::rlwe;

constexpr std::size_t kMaxRows = 128;  // of a group
constexpr std::size_t kChunk = 2048;   // entries of a limb, for each task

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted inference", std::move(detail)); }

// The integer in every slot: a constant polynomial, whose values are all the same.
void add_to_all_slots(const fhe::bfv::Context& context, rlwe::NttPoly& a, base::Int128 integer) {
  const field::Modulus& t = context.t();
  const std::uint64_t reduced = t.reduce_signed(static_cast<std::int64_t>(integer % static_cast<base::Int128>(t.value())));
  const std::int64_t rest = t.centered(t.multiply(reduced, context.constants().q_mod_t));  // [Q m]_t: round(Q m / t) = -rest / t
  for (std::size_t i = 0; i < a.limbs(); ++i) {
    const field::Modulus& q = a.modulus(i);
    const std::uint64_t scaled = q.multiply(q.reduce_signed(rest), context.constants().minus_inverse_t_mod_q[i]);
    for (std::uint64_t& x : a.limb(i)) x = q.add(x, scaled);
  }
}

}  // namespace

ExactBatchExecutor::ExactBatchExecutor(ExactProgram program)
    : program_(std::move(program)), groups_(program_.steps.size()), last_use_(program_.steps.size() + 1), skeletons_(skeletons_of(program_)) {
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    for (const ValueId id : inputs_of(program_.steps[i])) last_use_[id] = i;
    const auto* affine = std::get_if<ExactAffineStep>(&program_.steps[i]);
    if (affine == nullptr) continue;
    std::map<std::vector<Column>, std::size_t> known;  // the group with these columns that has room
    for (std::uint32_t row = 0; row < affine->bias.size(); ++row) {
      std::vector<Column> columns;
      std::vector<std::int64_t> weights;
      for (std::uint32_t term = 0; term < affine->terms.size(); ++term) {
        const IntegerMatrix& matrix = affine->terms[term].matrix;
        for (std::uint64_t k = matrix.begins[row]; k < matrix.begins[row + 1]; ++k) {
          columns.push_back({term, matrix.column[k]});
          weights.push_back(matrix.value[k]);
        }
      }
      if (columns.empty()) {  // weight 0 comes later: t, so that the bias doesn't stand in the open
        columns.push_back({0, 0});
        weights.push_back(0);
      }
      const auto [found, added] = known.try_emplace(columns, groups_[i].size());
      if (!added && groups_[i][found->second].rows.size() == kMaxRows) found->second = groups_[i].size();
      if (found->second == groups_[i].size()) groups_[i].push_back({{}, columns, {}});
      Group& group = groups_[i][found->second];
      group.rows.push_back(row);
      group.weights.insert(group.weights.end(), weights.begin(), weights.end());
    }
  }
}

base::Result<ExactBatchExecutor> ExactBatchExecutor::create(ExactProgram program, std::vector<ContextPtr> contexts) {
  const std::vector<std::uint64_t> primes = program.client.parameters.primes;
  if (program.client.packing != Packing::kBatch || program.client.parameters.scheme != ExactScheme::kBfv) {
    return failed(ErrorCode::kMismatch, "the program is for one sample at a time, not for batches: lower the model with --packing batch");
  }
  BLINDPROOF_CHECK(contexts.size() == primes.size(), "a context for each prime");
  ExactBatchExecutor executor(std::move(program));
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    BLINDPROOF_CHECK(contexts[i]->parameters().t == primes[i] && contexts[i]->ring() == contexts[0]->ring(), "contexts of the primes");
    BLINDPROOF_TRY(predict<Bfv>(executor.program_, executor.skeletons_, *contexts[i]));
  }
  executor.contexts_ = std::move(contexts);
  return executor;
}

std::size_t ExactBatchExecutor::bytes() const noexcept {
  std::size_t total = 0;
  for (const auto& groups : groups_) {
    for (const Group& group : groups) total += group.weights.size() * sizeof(std::int64_t);
  }
  return total;
}

base::Result<ExactBatchExecutor::Value> ExactBatchExecutor::run_affine(const ContextPtr& context, std::size_t index,
                                                                       const std::vector<Value>& values) const {
  const auto& step = std::get<ExactAffineStep>(program_.steps[index]);
  const rlwe::RingPtr& ring = context->ring();
  const rlwe::Basis basis = context->basis();
  const field::Modulus& t = context->t();
  std::vector<rlwe::Parts> sums(step.bias.size());
  for (rlwe::Parts& parts : sums) {
    for (int part = 0; part < 2; ++part) parts.emplace_back(ring, basis);
  }
  std::vector<std::vector<std::int64_t>> weights;  // by group, modulo t
  for (const Group& group : groups_[index]) {
    std::vector<std::int64_t> centered;
    for (const std::int64_t weight : group.weights) centered.push_back(t.centered(t.reduce_signed(weight)));
    const std::size_t columns = group.columns.size();
    for (auto row = centered.begin(); row != centered.end(); row += static_cast<std::ptrdiff_t>(columns)) {
      const auto end = row + static_cast<std::ptrdiff_t>(columns);
      if (std::all_of(row, end, [](std::int64_t w) { return w == 0; })) *row = static_cast<std::int64_t>(t.value());
    }
    weights.push_back(std::move(centered));
  }
  // All groups on one piece of a limb after the other: the pieces that they share stay in the cache.
  struct Task {
    std::size_t part, limb, begin;
  };
  const std::size_t chunk = std::min(ring->degree(), kChunk);
  std::vector<Task> tasks;
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t limb = 0; limb < ring->limbs(basis); ++limb) {
      for (std::size_t begin = 0; begin < ring->degree(); begin += chunk) tasks.push_back({part, limb, begin});
    }
  }
  base::parallel_for(tasks.size(), [&](std::size_t i) {
    const auto& [part, limb, begin] = tasks[i];
    const field::Modulus& q = ring->modulus(basis, limb);
    std::vector<const std::uint64_t*> in;
    std::vector<std::uint64_t*> out;
    std::vector<std::uint64_t> residues;
    for (std::size_t g = 0; g < groups_[index].size(); ++g) {
      const Group& group = groups_[index][g];
      in.clear();
      for (const Column& column : group.columns) {
        in.push_back(values[step.terms[column.term].value][column.element]->parts()[part].limb(limb).data() + begin);
      }
      out.clear();
      for (const std::uint32_t row : group.rows) out.push_back(sums[row][part].limb(limb).data() + begin);
      residues.clear();
      for (const std::int64_t weight : weights[g]) residues.push_back(q.reduce_signed(weight));
      field::multiply_matrix(q, residues, in, out, chunk);
    }
  });
  std::optional<Bfv::Prediction> predicted;
  for (const MatrixSkeleton& skeleton : skeletons_[index]) {
    const Bfv::Prediction part = Bfv::scaled(prediction_of(*values[skeleton.value][0]), growth_bound(skeleton, t.value()));
    predicted = predicted ? predict_sum(*predicted, part) : part;
  }
  predicted = Bfv::with_plaintext(*context, *predicted);
  Value result(step.bias.size());
  base::parallel_for(result.size(), [&](std::size_t row) {
    add_to_all_slots(*context, sums[row][0], step.bias[row]);
    result[row].emplace(context, std::move(sums[row]), predicted->noise, predicted->secret_power);
  });
  return result;
}

base::Result<std::vector<fhe::bfv::Ciphertext>> ExactBatchExecutor::run_residue(const ContextPtr& context, std::vector<Ciphertext> inputs,
                                                                                const rlwe::KeySwitchKey* relinearization,
                                                                                const base::Progress& progress) const {
  std::vector<Value> values(1);
  for (Ciphertext& element : inputs) values[0].emplace_back(Bfv::assume(context, std::move(element), predict_fresh(*context)));
  inputs.clear();
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    progress.report("evaluating", i, program_.steps.size());
    Value result;
    if (const auto* product = std::get_if<ProductStep>(&program_.steps[i])) {
      const Value &a = values[product->a], &b = values[product->b];
      std::vector<std::optional<base::Result<Ciphertext>>> made(a.size());
      base::parallel_for(a.size(), [&](std::size_t k) { made[k].emplace(multiply(*a[k], *b[k], *relinearization)); });
      for (auto& one : made) {
        if (!one->ok()) return std::move(*one).error();
        result.emplace_back(*std::move(*one));
      }
    } else {
      BLINDPROOF_ASSIGN(result, run_affine(context, i, values));
    }
    for (const ValueId id : inputs_of(program_.steps[i])) {
      if (last_use_[id] == i) values[id].clear();
    }
    values.push_back(std::move(result));
  }
  std::vector<Ciphertext> output;
  for (auto& element : values.back()) output.push_back(std::move(*element));
  return output;
}

base::Result<std::vector<fhe::bfv::Ciphertext>> ExactBatchExecutor::run(std::vector<Ciphertext> inputs,
                                                                        const rlwe::KeySwitchKey* relinearization,
                                                                        const base::Progress& progress) const {
  const std::size_t elements = program_.client.input.positions.size();
  if (inputs.size() != elements * contexts_.size()) {
    return failed(ErrorCode::kMismatch, "the program takes a ciphertext for each of its " + std::to_string(elements) + " inputs and " +
                                            std::to_string(contexts_.size()) + " plaintext moduli; there are " + std::to_string(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].context() != contexts_[i / elements]) {
      return failed(ErrorCode::kMismatch, "a ciphertext belongs to other parameters than the program");
    }
    if (!Bfv::is_fresh(inputs[i])) return failed(ErrorCode::kMismatch, "a ciphertext isn't a fresh one");
  }
  if (program_.client.relinearization && relinearization == nullptr) {
    return failed(ErrorCode::kInvalidArgument, "the evaluation keys have no relinearisation key");
  }
  std::vector<Ciphertext> outputs;
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    const auto begin = std::make_move_iterator(inputs.begin() + static_cast<std::ptrdiff_t>(i * elements));
    std::vector<Ciphertext> of_prime(begin, begin + static_cast<std::ptrdiff_t>(elements));
    BLINDPROOF_ASSIGN(std::vector<Ciphertext> results, run_residue(contexts_[i], std::move(of_prime), relinearization, progress));
    std::ranges::move(results, std::back_inserter(outputs));
  }
  return outputs;
}

}  // namespace blindproof::fheml
