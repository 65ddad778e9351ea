// Model commitments.
//
// A ModelKey is public: the architecture, one Hyrax commitment for each parameter (limb), and the registration proof that every
// parameter lies in its range. Its id is the hash of architecture and rows; proofs are about ids.
// A CommittedModel is the owner's: the same with the parameters and their blinds.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"
#include "blindproof/commit/hyrax.h"
#include "blindproof/compiler/lower_proof/proof_plan.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::zkml {

using commit::Generators;
using commit::Seed;
using commit::TensorCommitment;
using commit::TensorSecret;
using ModelId = std::array<std::uint8_t, 32>;

struct ModelKey {
  model::Architecture architecture;
  compiler::ProofPlan plan;                       // from the architecture
  std::vector<TensorCommitment> tensors;          // parameters in order, limbs low first
  std::vector<std::size_t> first_tensor;          // by model::ParameterId
  base::Bytes registration;                       // proof; its statement is the id
  base::Bytes bounds;                             // another, of the hybrid level, or empty: carried, not looked at
  ModelId id{};
};

/// `.bpk` bytes: docs/spec/model-key.md. Parsing validates the architecture and every point, not the registration.
base::Bytes write_model_key(const ModelKey& key);
base::Result<ModelKey> parse_model_key(base::ByteSpan bytes);

/// A model key whose registration proof was verified.
class RegisteredModel {
 public:
  /// Errors: kRejected at place "registration...": some parameter may be out of range.
  static base::Result<RegisteredModel> check(std::shared_ptr<const ModelKey> key,
                                             const Generators& generators = Generators::standard());
  const ModelKey& key() const { return *key_; }

 private:
  explicit RegisteredModel(std::shared_ptr<const ModelKey> key) : key_(std::move(key)) {}
  std::shared_ptr<const ModelKey> key_;
};

class CommittedModel {
 public:
  /// Commits to all parameters, deterministically from the seed, and proves the registration.
  /// Requires: a validated graph.  Caller must: use a seed for one set of parameters only.
  static base::Result<CommittedModel> commit(model::IntegerGraph graph, const Seed& seed,
                                             const base::Progress& progress = {},
                                             const Generators& generators = Generators::standard());
  /// The owner's model with a key that was made before: derives blinds, commits to nothing anew but a sample of rows.
  /// Errors: kMismatch if the key belongs to other parameters or another architecture.
  static base::Result<CommittedModel> load(model::IntegerGraph graph, const Seed& seed, std::shared_ptr<const ModelKey> key,
                                           const Generators& generators = Generators::standard());

  const ModelKey& key() const { return *key_; }
  std::shared_ptr<const ModelKey> shared_key() const { return key_; }
  const model::IntegerGraph& graph() const { return *graph_; }
  /// By position in key().tensors.
  const std::vector<TensorSecret>& secrets() const { return secrets_; }
  /// For the hedging of nonces: a digest of everything secret here.
  const std::array<std::uint8_t, 32>& secret_digest() const { return secret_digest_; }

 private:
  friend struct CommittedModelAccess;  // tests build dishonest models
  std::shared_ptr<const model::IntegerGraph> graph_;
  std::shared_ptr<const ModelKey> key_;
  std::vector<TensorSecret> secrets_;
  std::shared_ptr<const std::vector<std::vector<std::int32_t>>> limbs_;  // of wide parameters; secrets_ points into it
  std::array<std::uint8_t, 32> secret_digest_{};
};

}  // namespace blindproof::zkml
