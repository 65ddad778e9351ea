// A model as this level evaluates it: one ciphertext for each feature, one record in each slot, weights as scalars.
// docs/spec/hybrid.md, "Scheme".
#pragma once

#include <span>
#include <vector>

#include "blindproof/fhe/frbgv/rerandomizer.h"
#include "blindproof/hybrid/parameters.h"

namespace blindproof::hybrid {

using fhe::frbgv::Ciphertext;
using fhe::frbgv::SlotEncoder;

/// What clients and verifiers know: the architecture, the registered bounds, and what follows from them.
class Spec {
 public:
  /// Errors: kUnsupported, with the reason and the figures, for networks that don't fit this level.
  static base::Result<Spec> create(model::Architecture architecture, Bounds bounds, std::uint64_t evaluations);

  const model::Architecture& architecture() const noexcept { return architecture_; }
  const Network& network() const noexcept { return network_; }
  const Bounds& bounds() const noexcept { return bounds_; }
  const Parameters& parameters() const noexcept { return parameters_; }
  std::size_t features() const noexcept { return network_.inputs(); }
  std::size_t outputs() const noexcept { return network_.outputs(); }
  SlotEncoder encoder(std::size_t degree = fhe::frbgv::kDegree) const;

  friend bool operator==(const Spec& a, const Spec& b) {
    return a.architecture_ == b.architecture_ && a.bounds_ == b.bounds_ && a.parameters_ == b.parameters_;
  }

 private:
  Spec(model::Architecture architecture, Network network, Bounds bounds, Parameters parameters)
      : architecture_(std::move(architecture)), network_(network), bounds_(std::move(bounds)), parameters_(parameters) {}
  model::Architecture architecture_;
  Network network_;
  Bounds bounds_;
  Parameters parameters_;
};

/// The owner's: with the weights.
class Program {
 public:
  /// Errors: those of model::validate and of Spec::create.
  static base::Result<Program> create(model::IntegerGraph graph, std::uint64_t evaluations = kDefaultEvaluations);

  const model::IntegerGraph& graph() const noexcept { return graph_; }
  const Spec& spec() const noexcept { return spec_; }

 private:
  Program(model::IntegerGraph graph, Spec spec) : graph_(std::move(graph)), spec_(std::move(spec)) {}
  model::IntegerGraph graph_;
  Spec spec_;
};

/// Of one batch. `hidden` and the re-randomiser are what a proof is made from.
struct Evaluation {
  std::vector<Ciphertext> hidden;   // b + W x, by unit; empty without a square
  std::vector<Ciphertext> outputs;  // re-randomised
  fhe::frbgv::Rerandomizer rerandomizer;
  FrVector vanishing;               // Z
};

struct EvaluationInputs {
  const fhe::frbgv::PublicKey* key = nullptr;
  std::span<const Ciphertext> features;  // of 2 components
  std::size_t records = 0;               // used slots
};

/// The outputs before anything is hidden: for tests. They reveal the weights to whoever made the inputs.
std::vector<Ciphertext> evaluate_unprotected(const Program& program, std::span<const Ciphertext> features,
                                             std::vector<Ciphertext>* hidden = nullptr);

/// On all threads.
/// Requires: one ciphertext of the ring for each feature; 1 <= records <= N.
Evaluation evaluate(const Program& program, const fhe::frbgv::Ring& ring, const EvaluationInputs& inputs, crypto::Csprng& random);

/// Slot p of ciphertext d is feature d of record p; unused slots are 0.   Domain: records * features integers, record by record.
/// Errors: kLimit for no records or more than slots; kInvalidArgument for values outside the model's input range.
base::Result<std::vector<Ciphertext>> encrypt_records(const Spec& spec, const fhe::frbgv::SecretKey& secret, std::span<const std::int64_t> values,
                                                      const fhe::frbgv::Seed& seed, crypto::Csprng& random);

struct Answers {
  std::vector<std::int64_t> values;  // records * outputs integers, record by record
  int phase_bits = 0;                // the largest of all outputs
};
/// Errors: kMismatch for another number of outputs or components; kRejected for results that no evaluation of the model gives.
base::Result<Answers> decrypt_records(const Spec& spec, const fhe::frbgv::SecretKey& secret, std::span<const Ciphertext> outputs,
                                      std::size_t records);

}  // namespace blindproof::hybrid
