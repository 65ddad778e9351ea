#include "blindproof/capi/inspect.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "blindproof/client_side/verify.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/public_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "blindproof/fheml/exact_program.h"
#include "blindproof/hybrid/files.h"
#include "blindproof/hybrid/proof.h"

namespace blindproof::capi {
namespace {

using base::ErrorCode;
using nlohmann::json;
namespace formats = fhe::formats;

bool begins(base::ByteSpan bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

std::string_view finish_name(model::Finish finish) {
  switch (finish) {
    case model::Finish::kNone: return "none";
    case model::Finish::kSoftmax: return "softmax";
    case model::Finish::kArgMax: return "argmax";
  }
  return "none";
}

std::string_view finish_name(fheml::Finish finish) {
  switch (finish) {
    case fheml::Finish::kNone: return "none";
    case fheml::Finish::kSoftmax: return "softmax";
    case fheml::Finish::kArgMax: return "argmax";
    case fheml::Finish::kSigmoid: return "sigmoid";
  }
  return "none";
}

json describe(const model::Architecture& arch) {
  std::size_t parameters = 0;
  for (const auto& parameter : arch.parameters) parameters += model::element_count(parameter.shape);
  json layers = json::array();
  for (const model::IntegerNode& node : arch.nodes) layers.push_back({{"op", model::op_name(node.op)}, {"shape", arch.shapes[node.output]}});
  return {{"arithmetic", client_side::arithmetic_name(arch)},
          {"input_shape", arch.shapes[arch.input]},
          {"output_shape", arch.shapes[arch.output]},
          {"input_min", arch.input_min},
          {"input_max", arch.input_max},
          {"input_scale", arch.input_scale},
          {"output_scale", arch.output_scale},
          {"finish", finish_name(arch.finish)},
          {"parameters", parameters},
          {"layers", std::move(layers)}};
}

json describe(const zkml::VisibleTensor& tensor) {
  json result{{"hidden", tensor.hidden}};
  if (tensor.hidden) {
    result["commitment"] = client_side::commitment_digest(tensor);
  } else {
    json integers = json::array();
    for (const model::Int128 value : tensor.values) integers.push_back(base::to_string(value));
    result["integers"] = std::move(integers);
  }
  return result;
}

void describe(const formats::Header& header, json& result) {
  const fhe::rlwe::Ring& ring = *formats::ring_of(header.context);
  result["scheme"] = formats::scheme_name(header.context);
  result["parameters"] = formats::parameters_name(header.context);
  result["security_bits"] = fhe::rlwe::security_bits(formats::security_of(header.context));
  result["degree"] = ring.degree();
  result["log_q"] = ring.log2_modulus({ring.q_count(), false});
  result["key_id"] = base::to_hex(header.key_id);
}

base::Status inspect_fhe(formats::Kind kind, base::ByteSpan bytes, json& result) {
  formats::Contexts contexts;
  result["level"] = "fhe";
  switch (kind) {
    case formats::Kind::kSecretKey: {
      BLINDPROOF_ASSIGN(const formats::SecretKeySummary key, formats::inspect_secret_key(bytes, contexts));
      result["kind"] = "secret_key";
      result["passphrase"] = key.passphrase;
      describe(key.header, result);
      return {};
    }
    case formats::Kind::kPublicKey: {
      BLINDPROOF_ASSIGN(const formats::PublicKeyFile key, formats::parse_public_key(bytes, contexts));
      result["kind"] = "public_key";
      describe(key.header, result);
      return {};
    }
    case formats::Kind::kEvaluationKeys: {
      BLINDPROOF_ASSIGN(const formats::EvaluationKeyFile keys, formats::EvaluationKeyFile::parse(bytes, contexts));
      result["kind"] = "evaluation_keys";
      result["keys"] = keys.entries().size();
      describe(keys.header(), result);
      return {};
    }
    case formats::Kind::kCiphertexts: {
      BLINDPROOF_ASSIGN(const formats::CiphertextFile file, formats::parse_ciphertexts(bytes, contexts));
      result["kind"] = "ciphertexts";
      result["ciphertexts"] = std::visit([](const auto& ciphertexts) { return ciphertexts.size(); }, file.ciphertexts);
      result["samples"] = file.layout.content == formats::Content::kBatch ? file.layout.shape[0] : 1;
      describe(file.header, result);
      return {};
    }
  }
  return {};
}

base::Status inspect_hybrid(hybrid::FileKind kind, base::ByteSpan bytes, json& result) {
  result["level"] = "hybrid";
  const fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create();
  const auto describe_header = [&](const hybrid::KeyHeader& header) {
    result["plaintext_modulus"] = std::to_string(header.t);
    result["key_id"] = base::to_hex(header.key_id);
  };
  switch (kind) {
    case hybrid::FileKind::kSecretKey: {
      BLINDPROOF_ASSIGN(const hybrid::SecretKeySummary key, hybrid::inspect_secret_key(*ring, bytes));
      result["kind"] = "secret_key";
      result["passphrase"] = key.passphrase;
      describe_header(key.header);
      return {};
    }
    case hybrid::FileKind::kPublicKey: {
      BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile key, hybrid::parse_public_key(*ring, bytes));
      result["kind"] = "public_key";
      result["digest"] = base::to_hex(key.digest);
      describe_header(key.header);
      return {};
    }
    case hybrid::FileKind::kCiphertexts: {
      BLINDPROOF_ASSIGN(const hybrid::CiphertextFile file, hybrid::parse_ciphertexts(*ring, bytes));
      result["kind"] = "ciphertexts";
      result["digest"] = base::to_hex(file.digest);
      result["direction"] = file.seed ? "input" : "output";
      result["ciphertexts"] = file.ciphertexts.size();
      result["samples"] = file.records;
      describe_header(file.header);
      return {};
    }
    case hybrid::FileKind::kSpec: {
      BLINDPROOF_ASSIGN(const hybrid::Spec spec, hybrid::parse_spec(bytes));
      result["kind"] = "client_spec";
      result.update(describe(spec.architecture()));
      result["features"] = spec.features();
      result["outputs"] = spec.outputs();
      result["max_samples"] = fhe::frbgv::kDegree;
      result["plaintext_modulus"] = std::to_string(spec.parameters().t);
      result["evaluations"] = std::to_string(spec.parameters().evaluations);
      return {};
    }
    case hybrid::FileKind::kProgram: break;
  }
  return base::error(ErrorCode::kUnsupported, "file", "is a program, which holds the model's weights: it is not looked into");
}

base::Status inspect_client_spec(base::ByteSpan bytes, json& result) {
  result["kind"] = "client_spec";
  result["level"] = "fhe";
  if (fheml::is_exact(bytes)) {
    BLINDPROOF_ASSIGN(const fheml::ExactClientSpec spec, fheml::parse_exact_client_spec(bytes));
    result["scheme"] = spec.parameters.scheme == fheml::ExactScheme::kBfv ? "BFV" : "BGV";
    result["degree"] = std::size_t{1} << spec.parameters.log_degree;
    result["input_shape"] = spec.input_shape;
    result["output_shape"] = spec.output_shape;
    result["finish"] = finish_name(spec.finish);
    result["max_samples"] = spec.packing == fheml::Packing::kBatch ? std::size_t{1} << spec.parameters.log_degree : 1;
    result["hiding_bits"] = spec.hiding_bits;
    result["rotations"] = spec.rotations.size();
    return {};
  }
  BLINDPROOF_ASSIGN(const fheml::ClientSpec spec, fheml::parse_client_spec(bytes));
  result["scheme"] = "CKKS";
  result["degree"] = std::size_t{1} << spec.parameters.log_degree;
  result["input_shape"] = spec.input_shape;
  result["output_shape"] = spec.output_shape;
  result["finish"] = finish_name(spec.finish);
  result["max_samples"] = spec.packing == fheml::Packing::kBatch ? std::size_t{1} << (spec.parameters.log_degree - 1) : 1;
  result["input_magnitude"] = spec.input_magnitude;
  result["hiding_bits"] = spec.hiding_bits;
  result["rotations"] = spec.rotations.size();
  return {};
}

base::Status fill(base::ByteSpan bytes, json& result) {
  if (const auto kind = hybrid::kind_of(bytes)) return inspect_hybrid(*kind, bytes, result);
  if (const auto kind = formats::kind_of(bytes); kind.ok()) return inspect_fhe(*kind, bytes, result);
  if (begins(bytes, "BPC1")) return inspect_client_spec(bytes, result);
  if (hybrid::is_hybrid_proof(bytes)) {
    BLINDPROOF_ASSIGN(const hybrid::HybridProof proof, hybrid::parse_hybrid_proof(bytes));
    const hybrid::Statement& statement = proof.statement;
    result.update({{"kind", "answer_proof"}, {"level", "hybrid"}, {"model", base::to_hex(statement.model)},
                   {"plaintext_modulus", std::to_string(statement.plaintext_modulus)}, {"flood_bits", statement.flood_bits},
                   {"evaluations", std::to_string(statement.evaluations)}, {"samples", statement.records},
                   {"public_key", base::to_hex(statement.public_key)}, {"input", base::to_hex(statement.input)},
                   {"output", base::to_hex(statement.output)}, {"context", base::to_hex(statement.context)}});
    return {};
  }
  if (begins(bytes, "BPK")) {
    BLINDPROOF_ASSIGN(const zkml::ModelKey key, zkml::parse_model_key(bytes));
    result.update({{"kind", "model_key"}, {"level", "zkml"}, {"model", base::to_hex(key.id)}, {"bounds", !key.bounds.empty()}});
    result.update(describe(key.architecture));
    return {};
  }
  if (begins(bytes, "BPO")) return base::error(ErrorCode::kUnsupported, "file", "is an opening, which is secret: it is not looked into");
  if (begins(bytes, "BPM") || begins(bytes, "BPF")) {
    return base::error(ErrorCode::kUnsupported, "file", "is a model or a program, which holds weights: it is not looked into");
  }
  if (begins(bytes, "BPP")) {
    BLINDPROOF_ASSIGN(const zkml::InferenceProof proof, zkml::parse_inference_proof(bytes));
    result.update({{"kind", "proof"}, {"level", "zkml"}, {"model", base::to_hex(proof.statement.model)},
                   {"input", describe(proof.statement.input)}, {"output", describe(proof.statement.output)},
                   {"context", base::to_hex(proof.statement.context)}});
    return {};
  }
  return base::error(ErrorCode::kUnsupported, "file", "is none that blindproof knows");
}

}  // namespace

base::Result<json> inspect(base::ByteSpan bytes) {
  json result{{"bytes", bytes.size()}};
  BLINDPROOF_TRY(fill(bytes, result));
  return result;
}

}  // namespace blindproof::capi
