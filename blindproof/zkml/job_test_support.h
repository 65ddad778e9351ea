// Everything that one proof is made of, open to be altered: what the tests of soundness, tampering and zero knowledge share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/crypto/random.h"
#include "blindproof/proof/zk/dishonest_prover_test_support.h"
#include "blindproof/testing/graphs.h"
#include "blindproof/zkml/inference.h"
#include "blindproof/zkml/registration.h"

namespace blindproof::zkml {

/// Reaches what only dishonest owners reach.
struct CommittedModelAccess {
  static std::vector<TensorSecret>& secrets(CommittedModel& model) { return model.secrets_; }
};

struct Job {
  std::shared_ptr<CommittedModel> model;
  std::shared_ptr<const ModelKey> key;
  Statement statement;
  Witness witness;

  const model::Architecture& architecture() const { return key->architecture; }
  std::vector<std::int64_t>& tensor(model::TensorId id) {
    return std::get<model::IntegerTrace<std::int64_t>>(witness.trace).tensors[id];
  }
  std::vector<std::int64_t>& output() { return tensor(architecture().output); }
  std::vector<std::int32_t>& column(std::size_t node, std::size_t index) { return witness.nodes[node].columns[index]; }
  proof::zk::Protocol protocol() {
    return [this](proof::zk::Context& context) {
      const base::Status status = run_inference(context, *key, statement, context.proving() ? &witness : nullptr);
      BLINDPROOF_CHECK(status.ok(), "the statement is refused in itself");
    };
  }
};

inline std::shared_ptr<CommittedModel> commit_model(model::IntegerGraph graph, std::uint8_t seed = 1,
                                                    const Generators& generators = Generators::standard()) {
  Seed bytes{};
  bytes[0] = seed;
  auto model = CommittedModel::commit(std::move(graph), bytes, {}, generators);
  BLINDPROOF_CHECK(model.ok(), "the model can't be committed to");
  return std::make_shared<CommittedModel>(std::move(*model));
}

/// Makes the statement show what the trace now says of input and output.
inline void restate(Job& job, const Generators& generators = Generators::standard()) {
  auto show = [&](VisibleTensor& visible, TensorSecret& secret, model::TensorId id) {
    const commit::IntegerSpan values = job.witness.tensor(id);
    if (visible.hidden) {
      secret.values = values;
      visible.rows = commit::commit_rows(generators, job.key->plan.tensors[id].layout, values, secret.blinds);
    } else {
      visible.values.clear();
      for (std::size_t i = 0; i < commit::size(values); ++i) visible.values.push_back(commit::at(values, i));
    }
  };
  show(job.statement.input, job.witness.input, job.architecture().input);
  show(job.statement.output, job.witness.output, job.architecture().output);
}

struct Hide {
  bool input = false, output = false;
};

inline Job make_job(std::shared_ptr<CommittedModel> model, const std::vector<std::int64_t>& input, Hide hide = {},
                    const Generators& generators = Generators::standard()) {
  Job job{model, model->shared_key(), {}, {}};
  job.witness.parameters = &model->secrets();
  if (job.architecture().arithmetic == model::Arithmetic::kRescaled) {
    job.witness.trace = model::run_rescaled(model->graph(), input);
  } else {
    job.witness.trace = model::run_exact(model->graph(), input);
  }
  fill_columns(*job.key, model->graph(), job.witness);
  job.statement.model = job.key->id;
  job.statement.context = {'j', 'o', 'b'};
  job.statement.input.hidden = hide.input;
  job.statement.output.hidden = hide.output;
  crypto::Csprng random(std::array<std::uint8_t, 32>{3});
  for (auto [secret, id] : {std::pair(&job.witness.input, job.architecture().input),
                            std::pair(&job.witness.output, job.architecture().output)}) {
    for (std::size_t r = 0; r < job.key->plan.tensors[id].layout.rows(); ++r) {
      std::array<std::uint8_t, 64> wide;
      random.fill(wide);
      secret->blinds.push_back(field::Fr::from_wide_bytes(wide));
    }
  }
  restate(job, generators);
  return job;
}

/// Computes a Requantize node's output anew from what its input now is in the trace, and every node's columns.
inline void requantize_again(Job& job, std::size_t node) {
  const model::IntegerNode& n = job.architecture().nodes[node];
  const auto& op = std::get<model::integer_op::Requantize>(n.op);
  const auto& clamp = std::get<model::integer_op::Requantize::Clamp>(op.activation);
  const std::vector<std::int64_t>& x = job.tensor(n.inputs[0]);
  const model::Shape& shape = job.architecture().shapes[n.output];
  std::size_t block = 1;
  for (std::size_t a = op.channel_axis + 1; a < shape.size(); ++a) block *= shape[a];
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::int64_t m = op.factor;
    if (op.multiplier)
      m = static_cast<std::int64_t>(model::value_at(job.model->graph().values[*op.multiplier], i / block % shape[op.channel_axis]));
    const std::int64_t rounding = op.shift > 0 ? std::int64_t{1} << (op.shift - 1) : 0;
    job.tensor(n.output)[i] = std::clamp((x[i] * m + rounding) >> op.shift, clamp.low, clamp.high);
  }
  fill_columns(*job.key, job.model->graph(), job.witness);
}

}  // namespace blindproof::zkml
