// One proof in the making or in the checking.
//
// A protocol is a function over a Context, run by both sides in the same order with the same labels. It may
//   commit        a message of 1..4 scalars (Pedersen)                           -> Scalars
//   commit_tensor a tensor, row by row (Hyrax)
//   challenge     a random field element that depends on everything so far
//   require_zero  record   linear + sum of a*b = 0   over committed scalars
//   open          record   tensor~(z) = scalar
// and ends in finish(), which proves all records and openings:
//   1. openings   all claims are brought to one column point x by a sum-check (with committed rounds), where the last claim is an
//                 inner product of one derived commitment U with eq(x)                                     (opening.cpp)
//   2. sigma      product factors are copied into wide messages AB; all records are combined by powers of gamma; for each slot
//                 position j one combination E_j of all narrow messages, one random combination of all narrow messages, the
//                 AB messages and U are opened by masked responses; products of responses prove the records   (sigma.cpp)
//   3. the verifier folds every group equation into one multi-scalar multiplication, weights drawn after the last response
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/commit/hyrax.h"
#include "blindproof/commit/transcript.h"
#include "blindproof/proof/zk/scalar.h"

namespace blindproof::proof::zk {

using commit::Generators;
using commit::G1;
using commit::G1Affine;
using commit::IntegerSpan;
using commit::TensorCommitment;
using commit::TensorLayout;
using commit::TensorSecret;
using Point = std::vector<Fr>;  // variable 0 first

/// A committed tensor inside one proof.
using TensorId = std::uint32_t;

struct Product {
  Scalar a, b;
};

class Context {
 public:
  virtual ~Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  virtual bool proving() const = 0;

  void absorb(std::string_view label, base::ByteSpan data);
  Fr challenge(std::string_view label);
  Point challenge_point(std::string_view label, std::size_t variables);

  /// `values` counts for a prover only.  Requires: 1 <= count <= 4, values.size() == count when proving.
  std::vector<Scalar> commit(std::string_view label, std::size_t count, std::span<const Fr> values);
  Scalar commit_one(std::string_view label, const Fr& value);

  void require_zero(std::string_view label, Scalar linear, std::vector<Product> products = {});

  /// A tensor that the statement commits to (absorbed by the caller, together with the statement). `secret` for a prover.
  /// Caller must: keep both alive until finish().
  TensorId add_tensor(std::string_view name, const TensorCommitment& commitment, const TensorSecret* secret);
  /// A tensor that this proof commits to, at this place of the transcript. `values` for a prover, alive until finish().
  TensorId commit_tensor(std::string_view name, const TensorLayout& layout, const IntegerSpan* values);

  void open(TensorId tensor, Point z, Scalar value);

  /// Owns data that committed tensors point into, until this object goes.
  void keep_alive(std::shared_ptr<const void> data) { kept_.push_back(std::move(data)); }

  const TensorLayout& layout(TensorId tensor) const { return tensors_[tensor].layout; }
  /// Requires: proving().
  const IntegerSpan& values(TensorId tensor) const;

  struct Record {
    std::string label;
    Scalar linear;
    std::vector<Product> products;
  };
  const std::vector<Record>& records() const { return records_; }
  std::size_t message_count() const { return messages_.size(); }

 protected:
  explicit Context(const Generators& generators, std::string_view protocol)
      : generators_(generators), transcript_(protocol) {}

  struct Message {
    std::uint32_t slots;
    bool wide;
    std::size_t point;            // number of its commitment among all points; unused for the derived one
    std::vector<Fr> values;       // prover
    Fr blind;                     // prover
  };
  struct Tensor {
    std::string name;
    TensorLayout layout;
    const TensorCommitment* commitment;  // given by the statement, or null: rows are points first_point, ...
    std::size_t first_point;
    const TensorSecret* secret;          // prover
    std::unique_ptr<TensorSecret> own;   // prover, for commit_tensor
  };
  struct Opening {
    TensorId tensor;
    Point z;
    Scalar value;
  };

  /// Sends or receives, and absorbs. The point's number is returned; a prover passes the point.
  std::size_t send_point(std::string_view label, const G1Affine* point);
  Fr send_scalar(std::string_view label, const Fr* value);
  enum class Kind { kPoint, kScalar };
  virtual void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) = 0;

  /// A message with any number of slots (up to all generators); `blind` and `point` as the prover computes them.
  std::uint32_t commit_message(std::string_view label, std::size_t count, std::span<const Fr> values, bool wide);
  virtual Fr blind_for(std::string_view label, std::span<const Fr> values) = 0;
  virtual commit::BlindSource::Mask mask_for(std::string_view label, std::span<const Fr> values, const Fr& blind) = 0;
  /// The group operations of a prover, apart so that a clear run can do without them.
  virtual G1Affine commit_values(std::span<const Fr> values, const Fr& blind);
  virtual std::vector<G1Affine> commit_rows(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> blinds);
  /// Whether blind_for() of tensor rows looks at the values (tests of zero knowledge): they are expanded only then.
  virtual bool wants_row_values() const { return false; }
  /// A received scalar was not canonical.
  virtual void bad_scalar() = 0;
  /// For tests of soundness: a dishonest prover alters what it is about to commit.
  virtual void before_commit(std::string_view label, std::vector<Fr>& values);
  /// The same for tensors: a dishonest prover writes into the cells, which it owns.
  virtual void before_commit_tensor(std::string_view name, const IntegerSpan& values);

  /// Opening claims to one derived message U: message id, with the coefficients of tensor rows that make it.
  struct Derived {
    std::uint32_t message = 0;
    bool present = false;
    struct Row {
      TensorId tensor;
      std::size_t row;
      Fr coefficient;
    };
    std::vector<Row> rows;
  };
  Derived prove_openings();

  /// What the sigma protocol leaves for the verifier's multi-scalar multiplication: sum of coefficient * point = 0.
  struct GroupEquation {
    std::vector<Fr> message_points;     // by point number: messages, tensor rows, first moves
    std::vector<std::vector<Fr>> statement_rows;  // by tensor, for tensors with a commitment
    std::vector<Fr> generators;
    Fr h;
  };
  GroupEquation prove_records(const Derived& derived);

  const Generators& generators_;
  commit::Transcript transcript_;
  std::vector<Message> messages_;
  std::vector<Record> records_;
  std::vector<Tensor> tensors_;
  std::vector<Opening> openings_;
  std::size_t points_ = 0;

 private:
  void unique(std::string_view label);
  std::unordered_set<std::string> labels_;
  std::vector<std::shared_ptr<const void>> kept_;
};

class ProverContext : public Context {
 public:
  /// Caller must: give `entropy` of 32 fresh random bytes and a digest of the whole witness.
  ProverContext(const Generators& generators, std::string_view protocol, base::ByteSpan entropy,
                base::ByteSpan witness_digest);
  /// With another source of blinds: for tests of zero knowledge.
  ProverContext(const Generators& generators, std::string_view protocol, commit::BlindSource& blinds);

  bool proving() const override { return true; }
  base::Bytes finish();

  /// Labels of the records that don't hold: empty for an honest prover. For tests.
  std::vector<std::string> violated() const;
  /// All messages' values, for tests that look for leaks.
  std::vector<Fr> secret_scalars() const;

 protected:
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override;
  Fr blind_for(std::string_view label, std::span<const Fr> values) override;
  commit::BlindSource::Mask mask_for(std::string_view label, std::span<const Fr> values, const Fr& blind) override;
  bool wants_row_values() const override { return own_blinds_ == nullptr; }
  void bad_scalar() override;

 private:
  std::unique_ptr<commit::BlindSource> own_blinds_;
  commit::BlindSource* blinds_;
  base::Bytes proof_;
};

/// The prover's run without group operations: every commitment is sent as the identity. Says whether a witness satisfies all
/// records, fast; for tests over many inputs. Challenges don't depend on the witness, so it proves nothing to anybody.
class ClearContext : public ProverContext {
 public:
  ClearContext(const Generators& generators, std::string_view protocol);
  /// Runs the openings too; the labels of records that don't hold.
  std::vector<std::string> finish_clear();

 protected:
  G1Affine commit_values(std::span<const Fr> values, const Fr& blind) override;
  std::vector<G1Affine> commit_rows(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> blinds) override;
  Fr blind_for(std::string_view label, std::span<const Fr> values) override;
  commit::BlindSource::Mask mask_for(std::string_view label, std::span<const Fr> values, const Fr& blind) override;
};

class VerifierContext : public Context {
 public:
  /// `proof` must outlive this object.
  VerifierContext(const Generators& generators, std::string_view protocol, base::ByteSpan proof);

  bool proving() const override { return false; }
  /// Errors: kMalformed (length, encodings), kRejected with place "sigma" (the group equation doesn't hold).
  base::Status finish();

 protected:
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override;
  Fr blind_for(std::string_view label, std::span<const Fr> values) override;
  commit::BlindSource::Mask mask_for(std::string_view label, std::span<const Fr> values, const Fr& blind) override;
  void bad_scalar() override { bad_scalar_ = true; }

 private:
  base::ByteSpan proof_;
  std::size_t position_ = 0;
  std::vector<std::uint8_t> points_seen_;  // encodings, decoded all at once at the end
  bool too_short_ = false;
  bool bad_scalar_ = false;
};

}  // namespace blindproof::proof::zk
