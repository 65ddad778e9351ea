#include "blindproof/hybrid/proof.h"

#include <algorithm>
#include <string>

#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic = "BPH";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxProofBytes = std::size_t{1} << 26;

// The model's secrets and the whole re-randomiser: what hedged nonces depend on besides fresh entropy.
Digest witness_digest(const zkml::CommittedModel& model, const RerandomizerColumns& columns) {
  crypto::Sha256 hash;
  hash.absorb(model.secret_digest());
  for (const commit::IntegerSpan* span : {&columns.masks, &columns.errors, &columns.limbs}) hash.absorb(commit::bytes(*span, 0, commit::size(*span)));
  return hash.finish();
}

base::Status check_shape(const Network& network, const Statement& statement, const Ring& ring, const PublicValues& values) {
  const auto refuse = [](std::string_view place, std::string detail) {
    return base::error(ErrorCode::kRejected, std::string(place), std::move(detail));
  };
  if (values.inputs.size() != network.inputs())
    return refuse("input", "has " + std::to_string(values.inputs.size()) + " ciphertexts, the model takes " + std::to_string(network.inputs()));
  if (values.outputs.size() != network.outputs())
    return refuse("output", "has " + std::to_string(values.outputs.size()) + " ciphertexts, the model gives " + std::to_string(network.outputs()));
  const auto right = [&](const FrVector& vector) { return vector.size() == ring.degree(); };
  const auto check = [&](std::string_view place, std::span<const Ciphertext> ciphertexts, std::size_t components) -> base::Status {
    for (const Ciphertext& ciphertext : ciphertexts) {
      if (ciphertext.size() != components)
        return refuse(place, "a ciphertext has " + std::to_string(ciphertext.size()) + " components, not " + std::to_string(components));
      if (!std::all_of(ciphertext.begin(), ciphertext.end(), right)) return refuse(place, "a component has another degree");
    }
    return {};
  };
  BLINDPROOF_TRY(check("input", values.inputs, 2));
  BLINDPROOF_TRY(check("output", values.outputs, network.components()));
  if (!right(values.key->components[0]) || !right(values.key->components[1])) return refuse("public key", "has another degree");
  if (!right(*values.vanishing)) return refuse("records", "the vanishing polynomial has another degree");
  if (statement.records == 0 || statement.records > ring.degree()) return refuse("statement.records", "is not between 1 and the number of slots");
  if (statement.plaintext_modulus < 2 || statement.flood_bits % kLimbBits != 0 || statement.flood_bits < kLimbBits ||
      statement.flood_bits > kMaxFloodBits)
    return refuse("statement.parameters", "no parameters of this level");
  return {};
}

}  // namespace

base::Result<HybridProof> prove_evaluation(const zkml::CommittedModel& model, Statement statement, const Ring& ring,
                                           const PublicValues& values, const ProofWitness& witness, const Generators& generators) {
  if (statement.context.size() > kMaxContextBytes)
    return base::error(ErrorCode::kLimit, "context", "has more than " + std::to_string(kMaxContextBytes) + " bytes");
  BLINDPROOF_ASSIGN(const Network network, read_network(model.key().architecture));
  BLINDPROOF_TRY(check_shape(network, statement, ring, values));
  commit::Seed entropy;
  crypto::random_bytes(entropy);
  proof::zk::ProverContext context(generators, kHybridProtocol, entropy, witness_digest(model, witness.rerandomizer));
  run_hybrid(context, model.key(), network, statement, ring, values, &witness);
  HybridProof proof{std::move(statement), context.finish()};
  if (const std::vector<std::string> violated = context.violated(); !violated.empty())
    return base::error(ErrorCode::kMismatch, violated.front(), "the evaluation is not this model's on these ciphertexts");
  return proof;
}

base::Result<HybridProof> prove_answer(const zkml::CommittedModel& model, const Parameters& parameters, const Evaluation& evaluation,
                                       const Exchange& exchange, base::Bytes context, const Generators& generators) {
  Statement statement{model.key().id,     parameters.t,          parameters.flood_bits,   parameters.evaluations, exchange.records,
                      exchange.key_digest, exchange.input_digest, exchange.output_digest, std::move(context)};
  const PublicValues values{exchange.key, exchange.inputs, exchange.outputs, &evaluation.vanishing};
  const ProofWitness witness{&model.secrets(), evaluation.hidden, columns_of(evaluation.rerandomizer)};
  return prove_evaluation(model, std::move(statement), *exchange.ring, values, witness, generators);
}

base::Status verify_answer(const BoundedModel& model, const HybridProof& proof, const Exchange& exchange, const Generators& generators) {
  BLINDPROOF_ASSIGN(const Network network, read_network(model.key().architecture));
  BLINDPROOF_ASSIGN(const Parameters parameters,
                    compute_parameters(model.key().architecture, network, model.bounds(), proof.statement.evaluations));
  const std::size_t degree = exchange.ring->degree();
  if (exchange.records == 0 || exchange.records > degree)
    return base::error(ErrorCode::kRejected, "input", "holds " + std::to_string(exchange.records) + " records");
  BLINDPROOF_ASSIGN(const SlotEncoder encoder, SlotEncoder::create(degree, parameters.t));
  const FrVector vanishing = fhe::frbgv::vanishing_values(*exchange.ring, encoder, static_cast<std::size_t>(exchange.records));
  const Expected expected{parameters.t,        parameters.flood_bits, exchange.records,
                          exchange.key_digest, exchange.input_digest, exchange.output_digest};
  const PublicValues values{exchange.key, exchange.inputs, exchange.outputs, &vanishing};
  return verify_evaluation(model, proof, expected, *exchange.ring, values, generators);
}

base::Status verify_evaluation(const BoundedModel& model, const HybridProof& proof, const Expected& expected, const Ring& ring,
                               const PublicValues& values, const Generators& generators) {
  const Statement& statement = proof.statement;
  const auto mismatch = [](std::string_view place, std::string_view detail) {
    return base::error(ErrorCode::kMismatch, "statement." + std::string(place), std::string(detail));
  };
  if (statement.model != model.key().id) return mismatch("model", "the proof is about another model");
  if (statement.public_key != expected.public_key) return mismatch("public_key", "the proof is about another public key");
  if (statement.input != expected.input) return mismatch("input", "the proof is about other input ciphertexts");
  if (statement.output != expected.output) return mismatch("output", "the proof is about other output ciphertexts");
  if (statement.records != expected.records) return mismatch("records", "the proof is about another number of records");
  if (statement.plaintext_modulus != expected.plaintext_modulus || statement.flood_bits != expected.flood_bits)
    return mismatch("parameters", "plaintext modulus or flood are not those that the model's bounds ask for");
  if (statement.context.size() > kMaxContextBytes) return base::error(ErrorCode::kLimit, "statement.context", "is too long");
  BLINDPROOF_ASSIGN(const Network network, read_network(model.key().architecture));
  BLINDPROOF_TRY(check_shape(network, statement, ring, values));
  proof::zk::VerifierContext context(generators, kHybridProtocol, proof.proof);
  run_hybrid(context, model.key(), network, statement, ring, values, nullptr);
  return context.finish();
}

bool is_hybrid_proof(base::ByteSpan bytes) {
  return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

base::Bytes write_hybrid_proof(const HybridProof& proof) {
  const Statement& statement = proof.statement;
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kMagic));
  writer.u8(kVersion);
  writer.raw(statement.model);
  writer.u64(statement.plaintext_modulus);
  writer.u32(statement.flood_bits);
  writer.u64(statement.evaluations);
  writer.u64(statement.records);
  writer.raw(statement.public_key);
  writer.raw(statement.input);
  writer.raw(statement.output);
  writer.sized(statement.context);
  writer.sized(proof.proof);
  return std::move(writer).take();
}

base::Result<HybridProof> parse_hybrid_proof(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, "proof");
  const base::ByteSpan magic = reader.raw(kMagic.size());
  const std::uint8_t version = reader.u8();
  BLINDPROOF_TRY(reader.status());
  if (!is_hybrid_proof(magic)) return base::error(ErrorCode::kMalformed, "proof", "not a proof of an encrypted inference");
  if (version != kVersion)
    return base::error(ErrorCode::kUnsupported, "proof", "version " + std::to_string(version) + " is not known, only 1");
  HybridProof proof;
  Statement& statement = proof.statement;
  const auto read_digest = [&](std::array<std::uint8_t, 32>& digest) {
    const base::ByteSpan span = reader.raw(digest.size());
    if (reader.ok()) std::copy(span.begin(), span.end(), digest.begin());
  };
  read_digest(statement.model);
  statement.plaintext_modulus = reader.u64();
  statement.flood_bits = reader.u32();
  statement.evaluations = reader.u64();
  statement.records = reader.u64();
  read_digest(statement.public_key);
  read_digest(statement.input);
  read_digest(statement.output);
  const base::ByteSpan text = reader.sized(kMaxContextBytes);
  const base::ByteSpan own = reader.sized(kMaxProofBytes);
  BLINDPROOF_TRY(reader.finish());
  statement.context.assign(text.begin(), text.end());
  proof.proof.assign(own.begin(), own.end());
  return proof;
}

}  // namespace blindproof::hybrid
