#include "blindproof/engine/solidity_verifier.h"

#include <algorithm>
#include <map>
#include <span>

#include "blindproof/base/bytes.h"
#include "blindproof/base/check.h"
#include "blindproof/base/file.h"
#include "blindproof/engine/groth16_files.h"
#include "blindproof/groth16/r1cs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using curve::G1Affine;
using curve::G2Affine;
using field::Fq;

constexpr std::size_t kMaxCircuitBytes = std::size_t{1} << 34;
constexpr std::size_t kMaxContractBytes = 1 << 20;

constexpr std::string_view kTemplate =
#include "solidity_template.inc"
    ;

using Word = std::array<std::uint8_t, 32>;  // big-endian, as the EVM has it

Word to_word(const Fq& value) {
  Word word = value.to_bytes();
  std::ranges::reverse(word);
  return word;
}
std::array<Word, 2> to_words(const G1Affine& point) { return {to_word(point.x), to_word(point.y)}; }
std::array<Word, 4> to_words(const G2Affine& point) {
  return {to_word(point.x.c1), to_word(point.x.c0), to_word(point.y.c1), to_word(point.y.c0)};
}

std::string literal(std::span<const std::uint8_t> bytes) { return "0x" + base::to_hex(bytes); }

using Values = std::map<std::string, std::string, std::less<>>;

void add_point(Values& values, const std::string& name, const G1Affine& point) {
  const auto words = to_words(point);
  values[name + "_X"] = literal(words[0]);
  values[name + "_Y"] = literal(words[1]);
}
void add_point(Values& values, const std::string& name, const G2Affine& point) {
  const auto words = to_words(point);
  values[name + "_X1"] = literal(words[0]);
  values[name + "_X0"] = literal(words[1]);
  values[name + "_Y1"] = literal(words[2]);
  values[name + "_Y0"] = literal(words[3]);
}

// @NAME@ becomes the value of that name.
std::string fill(std::string_view text, const Values& values) {
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = text.find('@', at);
    filled += text.substr(at, start - at);
    if (start == text.npos) break;
    const std::size_t end = text.find('@', start + 1);
    // NatSpec's tags have an @ as well, and end in a blank.
    const std::string_view name = end == text.npos ? std::string_view() : text.substr(start + 1, end - start - 1);
    const auto is_in_names = [](char c) { return ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '_'; };
    if (name.empty() || !std::ranges::all_of(name, is_in_names)) {
      filled += '@';
      at = start + 1;
      continue;
    }
    const auto value = values.find(name);
    BLINDPROOF_CHECK(value != values.end(), "the template of verifiers has a name that nothing fills");
    filled += value->second;
    at = end + 1;
  }
  return filled;
}

bool is_contract_name(std::string_view name) {
  const auto is_letter = [](char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && is_letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || ('0' <= c && c <= '9') || c == '_'; });
}

}  // namespace

crypto::Digest256 verification_key_hash(const groth16::VerificationKey& key) {
  BLINDPROOF_CHECK(!key.ic.empty(), "a verification key has IC_0");
  crypto::Sha256 hash;
  const std::string_view tag = "blindproof/vkey1";
  hash.absorb(std::span(reinterpret_cast<const std::uint8_t*>(tag.data()), tag.size()));
  std::array<std::uint8_t, 8> inputs;
  for (std::size_t i = 0; i < 8; ++i) inputs[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(key.ic.size() - 1) >> (56 - 8 * i));
  hash.absorb(inputs);
  const auto absorb = [&](const auto& point) {
    for (const Word& word : to_words(point)) hash.absorb(word);
  };
  absorb(key.alpha);
  absorb(key.beta);
  absorb(key.gamma);
  absorb(key.delta);
  for (const G1Affine& point : key.ic) absorb(point);
  return hash.finish();
}

base::Result<std::string> write_solidity_verifier(const groth16::VerificationKey& key, const SolidityVerifierOptions& options) {
  if (!is_contract_name(options.contract)) {
    return base::error(ErrorCode::kInvalidArgument, "contract name", "must be a letter, then letters, digits and _, at most 64");
  }
  BLINDPROOF_TRY(groth16::check_key(key));
  const std::size_t inputs = key.ic.size() - 1;
  if (inputs == 0) return base::error(ErrorCode::kRejected, "key.ic", "the circuit has no public inputs: a proof would say nothing about what a contract settles");
  if (inputs > kMaxSolidityInputs) {
    return base::error(ErrorCode::kLimit, "key.ic", "the circuit has " + std::to_string(inputs) + " public inputs; contracts take " +
                                                        std::to_string(kMaxSolidityInputs) + ". Hash them into two");
  }
  for (std::size_t i = 1; i <= inputs; ++i) {
    if (key.ic[i].is_identity()) {
      return base::error(ErrorCode::kRejected, "key.ic", "no proof depends on public input " + std::to_string(i - 1) + ": it could be anything");
    }
  }

  Values values;
  values["CONTRACT"] = options.contract;
  values["WARNING"] = options.insecure ? "// INSECURE: the key is of a development setup. Whoever has seen its randomness can forge proofs.\n" : "";
  values["INPUTS"] = std::to_string(inputs);
  values["PLURAL"] = inputs == 1 ? "" : "s";
  values["CIRCUIT_HASH"] = literal(options.circuit_hash);
  values["KEY_HASH"] = literal(verification_key_hash(key));
  add_point(values, "ALPHA", key.alpha);
  add_point(values, "MINUS_BETA", -key.beta);
  add_point(values, "MINUS_GAMMA", -key.gamma);
  add_point(values, "MINUS_DELTA", -key.delta);
  std::string& constants = values["IC_CONSTANTS"];
  std::string& terms = values["TERMS"];
  for (std::size_t i = 0; i <= inputs; ++i) {
    const std::string name = "IC" + std::to_string(i);
    const auto words = to_words(key.ic[i]);
    const std::string line_end = i < inputs ? "\n" : "";
    constants += "    uint256 private constant " + name + "_X = " + literal(words[0]) + ";\n";
    constants += "    uint256 private constant " + name + "_Y = " + literal(words[1]) + ";" + line_end;
    if (i == 0) continue;
    const std::string index = std::to_string(i - 1);
    terms += "            addTerm(sum, " + name + "_X, " + name + "_Y, calldataload(add(inputs, " + std::to_string(32 * (i - 1)) + ")), " + index +
             ", notInField, notEnoughGas)" + line_end;
  }
  return fill(kTemplate, values);
}

base::Result<ExportedVerifier> export_verifier(const ExportVerifierRequest& request) {
  BLINDPROOF_ASSIGN(const VerificationKeyFile file, read_verification_key_json(request.key));
  if (file.insecure && !request.allow_development) {
    return base::error(ErrorCode::kRejected, "key.development", "the key is of a development setup, whose maker can forge proofs: --allow-dev accepts it");
  }
  BLINDPROOF_TRY(groth16::check_key(file.key));
  ExportedVerifier exported;
  exported.inputs = file.key.ic.size() - 1;
  exported.insecure_key = file.insecure;
  {
    BLINDPROOF_ASSIGN(const base::MappedFile circuit, base::map_file(request.circuit, kMaxCircuitBytes));
    BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::parse_r1cs(circuit.bytes, request.circuit.string()));
    if (r1cs.public_wires() != exported.inputs) {
      return base::error(ErrorCode::kMismatch, request.circuit.string(), "the circuit has " + std::to_string(r1cs.public_wires()) + " public values, the key is for " +
                                                                           std::to_string(exported.inputs) + ": they don't belong together");
    }
    exported.circuit_hash = crypto::sha256(circuit.bytes);
  }
  SolidityVerifierOptions options{request.contract, exported.circuit_hash, file.insecure};
  BLINDPROOF_ASSIGN(const std::string text, write_solidity_verifier(file.key, options));
  exported.key_hash = verification_key_hash(file.key);
  if (!request.check) {
    BLINDPROOF_TRY(base::write_file_atomic(request.out, base::as_bytes(text)));
    return exported;
  }
  BLINDPROOF_ASSIGN(const base::Bytes found, base::read_file(request.out, kMaxContractBytes));
  if (!std::ranges::equal(found, base::as_bytes(text))) {
    return base::error(ErrorCode::kMismatch, request.out.string(), "isn't the contract of this key and this circuit: write it again, or don't deploy it");
  }
  return exported;
}

}  // namespace blindproof::engine
