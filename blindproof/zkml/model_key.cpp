#include "blindproof/zkml/model_key.h"

#include <string>

#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/crypto/random.h"
#include "blindproof/zkml/registration.h"

namespace blindproof::zkml {
namespace {

using base::ErrorCode;
using commit::IntegerSpan;
using commit::TensorLayout;
using field::Fr;
using model::Int128;

constexpr std::string_view kRowLabel = "model rows";

ModelId compute_id(base::ByteSpan architecture, const std::vector<TensorCommitment>& tensors) {
  base::ByteWriter writer;
  writer.text("blindproof v1 model id");
  writer.sized(architecture);
  writer.u64(tensors.size());
  for (const TensorCommitment& tensor : tensors) {
    writer.u64(tensor.rows.size());
    for (const auto& row : tensor.rows) writer.raw(curve::encode(row));
  }
  crypto::Shake256 hash;
  hash.absorb(writer.bytes());
  ModelId id;
  hash.squeeze(id);
  return id;
}

// Layouts and positions of parameter tensors.
void lay_out(ModelKey& key) {
  for (const compiler::ParameterPlan& parameter : key.plan.parameters) {
    key.first_tensor.push_back(key.tensors.size());
    for (std::size_t limb = 0; limb < parameter.limbs; ++limb) key.tensors.push_back({parameter.layout, {}});
  }
}

template <class Int>
IntegerSpan span_of(const std::vector<Int>& values) {
  return std::span<const Int>(values);
}

struct Secrets {
  std::vector<TensorSecret> tensors;
  std::shared_ptr<std::vector<std::vector<std::int32_t>>> limbs = std::make_shared<std::vector<std::vector<std::int32_t>>>();
};

// Values of every committed tensor, with their blinds.
Secrets derive_secrets(const model::IntegerGraph& graph, const ModelKey& key, const Seed& seed) {
  Secrets secrets;
  for (std::size_t p = 0; p < key.plan.parameters.size(); ++p) {
    const compiler::ParameterPlan& plan = key.plan.parameters[p];
    if (plan.limbs == 1) {
      secrets.tensors.push_back({std::visit([](const auto& v) { return span_of(v); }, graph.values[p]), {}});
      continue;
    }
    std::vector<std::vector<std::int32_t>> limbs(plan.limbs);
    std::visit(
        [&](const auto& values) {
          for (auto value : values) {
            auto shifted = static_cast<base::Uint128>(static_cast<Int128>(value) + plan.offset);
            for (auto& limb : limbs) {
              limb.push_back(static_cast<std::int32_t>(shifted & 0xffff));
              shifted >>= 16;
            }
          }
        },
        graph.values[p]);
    for (auto& limb : limbs) {
      secrets.limbs->push_back(std::move(limb));
      secrets.tensors.push_back({span_of(secrets.limbs->back()), {}});
    }
  }
  const commit::SeededBlinds blinds(seed, kRowLabel);
  for (std::size_t t = 0; t < secrets.tensors.size(); ++t) {
    TensorSecret& tensor = secrets.tensors[t];
    const TensorLayout& layout = key.tensors[t].layout;
    tensor.blinds.resize(layout.rows());
    base::parallel_for(layout.rows(), [&](std::size_t r) {
      const auto row = commit::bytes(tensor.values, layout.row_begin(r), layout.row_cells(layout.is_partial(r)));
      tensor.blinds[r] = blinds.row_blind(t, r, row);
    });
  }
  return secrets;
}

std::array<std::uint8_t, 32> digest_secrets(const Seed& seed, const ModelId& id) {
  // The blinds are a PRF of seed and rows, and the id depends on all of them.
  base::ByteWriter writer;
  writer.text("blindproof v1 secret digest");
  writer.raw(seed);
  writer.raw(id);
  crypto::Shake256 hash;
  hash.absorb(writer.bytes());
  std::array<std::uint8_t, 32> digest;
  hash.squeeze(digest);
  return digest;
}

}  // namespace

base::Result<CommittedModel> CommittedModel::commit(model::IntegerGraph graph, const Seed& seed,
                                                    const base::Progress& progress, const Generators& generators) {
  auto key = std::make_shared<ModelKey>();
  key->architecture = graph.architecture;
  BLINDPROOF_ASSIGN(key->plan, compiler::lower_proof(graph.architecture));
  lay_out(*key);
  CommittedModel model;
  model.graph_ = std::make_shared<const model::IntegerGraph>(std::move(graph));
  Secrets secrets = derive_secrets(*model.graph_, *key, seed);
  for (std::size_t t = 0; t < key->tensors.size(); ++t) {
    progress.report("committing", t, key->tensors.size());
    key->tensors[t].rows =
        commit::commit_rows(generators, key->tensors[t].layout, secrets.tensors[t].values, secrets.tensors[t].blinds);
  }
  progress.report("committing", key->tensors.size(), key->tensors.size());
  key->id = compute_id(model::write_architecture(key->architecture), key->tensors);
  model.secrets_ = std::move(secrets.tensors);
  model.limbs_ = secrets.limbs;
  model.secret_digest_ = digest_secrets(seed, key->id);

  progress.report("proving ranges", 0, 1);
  Seed entropy;
  crypto::random_bytes(entropy);
  proof::zk::ProverContext context(generators, kRegistrationProtocol, entropy, model.secret_digest_);
  run_registration(context, *key, &model.secrets_);
  key->registration = context.finish();
  progress.report("proving ranges", 1, 1);
  model.key_ = std::move(key);
  return model;
}

base::Result<CommittedModel> CommittedModel::load(model::IntegerGraph graph, const Seed& seed,
                                                  std::shared_ptr<const ModelKey> key, const Generators& generators) {
  if (model::write_architecture(graph.architecture) != model::write_architecture(key->architecture))
    return base::error(ErrorCode::kMismatch, "model key", "belongs to a model of another architecture");
  CommittedModel model;
  model.graph_ = std::make_shared<const model::IntegerGraph>(std::move(graph));
  Secrets secrets = derive_secrets(*model.graph_, *key, seed);
  // One row of each tensor: enough to tell another model or another seed from this one.
  for (std::size_t t = 0; t < key->tensors.size(); ++t) {
    const TensorLayout& layout = key->tensors[t].layout;
    const std::size_t cells = layout.row_cells(layout.is_partial(0));
    std::vector<Fr> row(std::size_t{1} << layout.column_bits());
    const std::vector<std::uint32_t> columns = layout.columns(layout.is_partial(0));
    for (std::size_t k = 0; k < cells; ++k) row[columns[k]] = commit::to_field(secrets.tensors[t].values, k);
    if (!(generators.commit(row, secrets.tensors[t].blinds[0]).to_affine() == key->tensors[t].rows[0]))
      return base::error(ErrorCode::kMismatch, "model key", "belongs to other parameters: commit to the model again");
  }
  model.secrets_ = std::move(secrets.tensors);
  model.limbs_ = secrets.limbs;
  model.secret_digest_ = digest_secrets(seed, key->id);
  model.key_ = std::move(key);
  return model;
}

base::Result<RegisteredModel> RegisteredModel::check(std::shared_ptr<const ModelKey> key, const Generators& generators) {
  if (key->id != compute_id(model::write_architecture(key->architecture), key->tensors))
    return base::error(ErrorCode::kRejected, "registration.id", "the model's id is not the hash of its architecture and rows");
  proof::zk::VerifierContext context(generators, kRegistrationProtocol, key->registration);
  run_registration(context, *key, nullptr);
  if (const base::Status status = context.finish(); !status.ok()) {
    base::Error error = status.error();
    error.place = "registration." + error.place;
    return error;
  }
  return RegisteredModel(std::move(key));
}

namespace {
constexpr std::string_view kMagic = "BPK";
constexpr std::uint8_t kVersion = 1, kVersionWithBounds = 2;
constexpr std::size_t kMaxArchitectureBytes = std::size_t{1} << 26;
constexpr std::size_t kMaxRegistrationBytes = std::size_t{1} << 26;
}  // namespace

base::Bytes write_model_key(const ModelKey& key) {
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kMagic));
  writer.u8(key.bounds.empty() ? kVersion : kVersionWithBounds);
  writer.sized(model::write_architecture(key.architecture));
  for (const TensorCommitment& tensor : key.tensors)
    for (const auto& row : tensor.rows) writer.raw(curve::encode(row));
  writer.sized(key.registration);
  if (!key.bounds.empty()) writer.sized(key.bounds);
  return std::move(writer).take();
}

base::Result<ModelKey> parse_model_key(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, "model key");
  const base::ByteSpan magic = reader.raw(kMagic.size());
  const std::uint8_t version = reader.u8();
  BLINDPROOF_TRY(reader.status());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin()))
    return base::error(ErrorCode::kMalformed, "model key", "not a .bpk file");
  if (version != kVersion && version != kVersionWithBounds)
    return base::error(ErrorCode::kUnsupported, "model key", "version " + std::to_string(version) + " is not known, only 1 and 2");
  const base::ByteSpan architecture = reader.sized(kMaxArchitectureBytes);
  BLINDPROOF_TRY(reader.status());
  ModelKey key;
  BLINDPROOF_ASSIGN(key.architecture, model::parse_architecture(architecture));
  BLINDPROOF_ASSIGN(key.plan, compiler::lower_proof(key.architecture));
  lay_out(key);
  for (TensorCommitment& tensor : key.tensors) {
    const std::size_t rows = tensor.layout.rows();
    const base::ByteSpan encoded = reader.raw(rows * curve::kEncodedPointBytes);
    BLINDPROOF_TRY(reader.status());
    tensor.rows.resize(rows);
    BLINDPROOF_TRY(curve::decode_batch(encoded, tensor.rows));
  }
  const base::ByteSpan registration = reader.sized(kMaxRegistrationBytes);
  const base::ByteSpan bounds = version == kVersionWithBounds ? reader.sized(kMaxRegistrationBytes) : base::ByteSpan();
  BLINDPROOF_TRY(reader.finish());
  if (version == kVersionWithBounds && bounds.empty())
    return base::error(ErrorCode::kMalformed, "model key", "has version 2, but no bounds");
  key.registration.assign(registration.begin(), registration.end());
  key.bounds.assign(bounds.begin(), bounds.end());
  key.id = compute_id(architecture, key.tensors);
  return key;
}

}  // namespace blindproof::zkml
