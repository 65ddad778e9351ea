#include "blindproof/engine/commit_model.h"

#include <memory>
#include <utility>

#include "blindproof/crypto/secret.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/hybrid/bounds.h"
#include "blindproof/hybrid/proof_protocol.h"

namespace blindproof::engine {
namespace {

std::size_t count_parameters(const model::Architecture& architecture) {
  std::size_t count = 0;
  for (const auto& parameter : architecture.parameters) count += model::element_count(parameter.shape);
  return count;
}

}  // namespace

base::Result<CommitOutcome> commit_model(const Path& model, const Path& out, const base::Progress& progress) {
  BLINDPROOF_TRY(check_writable(out));
  BLINDPROOF_ASSIGN(model::ModelFile file, read_model(model));
  const Stopwatch watch;
  base::Result<zkml::CommittedModel> committed =
      zkml::CommittedModel::commit(std::move(file.graph), file.blinding_seed, progress);
  crypto::wipe(file.blinding_seed);
  if (!committed.ok()) return in_file(model, std::move(committed).error());
  zkml::ModelKey key = committed->key();
  if (hybrid::read_network(key.architecture).ok()) {
    progress.report("proving bounds", 0, 1);
    BLINDPROOF_ASSIGN(const hybrid::BoundsProof bounds, hybrid::prove_bounds(*committed));
    key.bounds = hybrid::write_bounds_proof(bounds);
    progress.report("proving bounds", 1, 1);
  }
  CommitOutcome outcome;
  outcome.seconds = watch.seconds();
  outcome.model = key.id;
  outcome.parameters = count_parameters(key.architecture);
  for (const auto& tensor : key.tensors) outcome.rows += tensor.rows.size();
  outcome.registration_bytes = key.registration.size() + key.bounds.size();
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_model_key(out, key));
  return outcome;
}

base::Result<KeyCheck> check_model_key(const Path& path) {
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, read_model_key(path));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  static_cast<void>(commit::Generators::standard());  // derived once per process, outside the time
  const Stopwatch watch;
  const base::Result<zkml::RegisteredModel> registered = zkml::RegisteredModel::check(key);
  KeyCheck check{key->id, count_parameters(key->architecture), watch.seconds(), {}};
  if (!registered.ok()) check.refusal = in_file(path, registered.error());
  return check;
}

}  // namespace blindproof::engine
