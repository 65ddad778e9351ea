// blindproof groth16 witness
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "blindproof/base/file.h"
#include "blindproof/chain/attestation.h"
#include "blindproof/chain/receipt.h"
#include "blindproof/chain/settlement.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/groth16_witness.h"
#include "blindproof/groth16/decimal.h"

namespace blindproof::cli {
namespace {

using base::ErrorCode;
using std::filesystem::path;

struct Arguments {
  engine::ModelWitnessRequest request;
  path out;
  std::optional<path> salts_out, receipt, settlement;
  std::string statement = "inference";
  std::optional<std::string> chain_id, contract, owner, units;
};

base::Error invalid(std::string place, std::string detail) {
  return base::error(ErrorCode::kInvalidArgument, std::move(place), std::move(detail));
}

chain::Digest256 digest_of(const field::Fr& value) {
  chain::Digest256 digest = value.to_bytes();
  std::ranges::reverse(digest);
  return digest;
}

struct Statement {
  engine::CircuitStatement circuit;
  std::optional<chain::Settlement> settlement;  // of a receipt
};

base::Result<chain::Settlement> read_terms(const path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, chain::kMaxSettlementBytes));
  BLINDPROOF_ASSIGN(const chain::SignedSettlement settlement, chain::parse_settlement(bytes, file.string()));
  return settlement.terms;
}

base::Result<std::uint64_t> read_units(const Arguments& arguments, const chain::Settlement& terms) {
  if (arguments.units) return chain::parse_decimal64(*arguments.units, "--units");
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(*arguments.receipt, chain::kMaxReceiptBytes));
  BLINDPROOF_ASSIGN(const chain::Receipt receipt, chain::Receipt::parse(bytes, arguments.receipt->string()));
  if (receipt.hash() != terms.receipt_hash)
    return base::error(ErrorCode::kMismatch, arguments.settlement->string(), "is the settlement of another receipt");
  const std::optional<std::uint64_t> units = receipt.integer_units();
  if (!units) return invalid(arguments.receipt->string(), "has units that are no integer: give --units, which divides the amount");
  return *units;
}

base::Result<circuits::ReceiptTerms> receipt_terms(const Arguments& arguments, const chain::Settlement& terms) {
  circuits::ReceiptTerms result;
  result.chain_id = terms.chain_id;
  result.contract = terms.contract.bytes;
  result.recipient = terms.recipient.bytes;
  result.nonce = terms.nonce;
  result.deadline = terms.deadline;
  result.receipt_hash = terms.receipt_hash;
  BLINDPROOF_ASSIGN(result.units, read_units(arguments, terms));
  const chain::Uint128 price = result.units == 0 ? 0 : terms.amount / result.units;
  if (price * result.units != terms.amount || price > ~std::uint64_t{0}) {
    return base::error(ErrorCode::kMismatch, arguments.settlement->string(), "has an amount that isn't the units times a price below 2^64");
  }
  result.unit_price = static_cast<std::uint64_t>(price);
  return result;
}

base::Result<Statement> read_statement(const Arguments& arguments) {
  const bool registers = arguments.chain_id || arguments.contract || arguments.owner;
  const bool settles = arguments.receipt || arguments.settlement || arguments.units;
  if (registers && arguments.statement != "integrity") return invalid("--chain-id, --contract, --owner", "belong to --statement integrity");
  if (settles && arguments.statement != "receipt") return invalid("--receipt, --settlement, --units", "belong to --statement receipt");
  if (arguments.statement == "integrity") {
    if (!arguments.chain_id || !arguments.contract || !arguments.owner)
      return invalid("--statement integrity", "needs --chain-id, --contract and --owner");
    circuits::RegistrationTerms terms;
    BLINDPROOF_ASSIGN(terms.chain_id, chain::parse_decimal64(*arguments.chain_id, "--chain-id"));
    BLINDPROOF_ASSIGN(const chain::Address contract, chain::parse_address(*arguments.contract, "--contract"));
    BLINDPROOF_ASSIGN(const chain::Address owner, chain::parse_address(*arguments.owner, "--owner"));
    terms.contract = contract.bytes;
    terms.owner = owner.bytes;
    return Statement{terms, std::nullopt};
  }
  if (arguments.statement == "receipt") {
    if (!arguments.settlement || !(arguments.receipt || arguments.units))
      return invalid("--statement receipt", "needs --settlement, and --receipt or --units");
    BLINDPROOF_ASSIGN(const chain::Settlement settlement, read_terms(*arguments.settlement));
    BLINDPROOF_ASSIGN(const circuits::ReceiptTerms terms, receipt_terms(arguments, settlement));
    return Statement{terms, settlement};
  }
  return Statement{engine::InferenceStatement{}, std::nullopt};
}

// A circuit of the same shape, but another network's, would be noticed only by whoever takes the proof.
base::Status check_public_values(const engine::ModelWitness& witness, const Statement& statement, const path& circuit) {
  chain::Digest256 digest;
  if (const auto* terms = std::get_if<circuits::RegistrationTerms>(&statement.circuit)) {
    digest = chain::registration_digest(terms->chain_id, {terms->contract}, {terms->owner}, digest_of(witness.digests.model),
                                        digest_of(witness.architecture_hash));
  } else if (statement.settlement) {
    digest = chain::statement_digest(*statement.settlement,
                                     {digest_of(witness.digests.model), digest_of(witness.digests.input), digest_of(witness.digests.output)});
  } else {
    return base::Status::good();
  }
  const chain::PublicStatement expected = chain::split(digest);
  const std::vector<field::Fr>& values = witness.public_values;
  if (values.size() == 2 && groth16::to_decimal(values[0]) == chain::to_decimal(expected.high) &&
      groth16::to_decimal(values[1]) == chain::to_decimal(expected.low)) {
    return base::Status::good();
  }
  return base::error(ErrorCode::kMismatch, circuit.string(), "is the circuit of another network or statement: its public values aren't this statement's");
}

}  // namespace

void add_witness_command(CLI::App& groth16, Session& session) {
  const auto arguments = std::make_shared<Arguments>();
  engine::ModelWitnessRequest& request = arguments->request;
  CLI::App& command = *groth16.add_subcommand("witness", "Make the witness of a model's circuit: what groth16 prove proves");
  command.add_option("model", request.model, "NET.bpm, the owner's")->required();
  command.add_option("--circuit", request.circuit, "C.r1cs of this network and statement, compiled with --O1")->required();
  command.add_option("--out", arguments->out, "W.wtns to write: secret")->required();
  command.add_option("--statement", arguments->statement, "inference, integrity or receipt (docs/spec/chain.md)")
      ->check(CLI::IsMember({"inference", "integrity", "receipt"}))->capture_default_str();
  command.add_option("--input", request.input, "X.npy, or x of an .npz archive: reals, before quantisation");
  command.add_option("--index", request.index, "Which sample, if the input holds several, counted from 0");
  command.add_option("--salts", request.salts, "JSON of earlier salts to use again, e.g. the model's; others are drawn");
  command.add_option("--salts-out", arguments->salts_out, "Where the salts are written, secret as well (default: W.salts)");
  command.add_option("--chain-id", arguments->chain_id, "integrity: the chain");
  command.add_option("--contract", arguments->contract, "integrity: address of the ModelRegistry");
  command.add_option("--owner", arguments->owner, "integrity: address that registers the model");
  command.add_option("--settlement", arguments->settlement, "receipt: S.json, from receipt settle");
  CLI::Option* receipt = command.add_option("--receipt", arguments->receipt, "receipt: R.json, whose units are part of the amount");
  command.add_option("--units", arguments->units, "receipt: instead of the receipt's; the amount is units times a price")->excludes(receipt);
  command.footer(
      "The same model has the same digest under the same salt only: give the salts of its registration to later statements.\n"
      "Examples:\n  blindproof groth16 witness net.bpm --circuit net_inference.r1cs --input x.npy --out w.wtns\n"
      "  blindproof groth16 witness net.bpm --circuit net_model_integrity.r1cs --statement integrity --chain-id 31337 \\\n"
      "    --contract 0x... --owner 0x... --out model.wtns\n"
      "  blindproof groth16 witness net.bpm --circuit net_receipt.r1cs --statement receipt --input x.npy --salts model.salts \\\n"
      "    --receipt r.json --settlement s.json --out w.wtns");
  session.add_command(command, [&session, arguments] {
    const path salts_out = arguments->salts_out.value_or(engine::salts_path(arguments->out));
    const auto run = [&]() -> base::Result<engine::ModelWitness> {
      BLINDPROOF_ASSIGN(const Statement statement, read_statement(*arguments));
      arguments->request.statement = statement.circuit;
      BLINDPROOF_ASSIGN(engine::ModelWitness witness, engine::make_model_witness(arguments->request));
      BLINDPROOF_TRY(check_public_values(witness, statement, arguments->request.circuit));
      BLINDPROOF_TRY(engine::write_model_witness(witness, arguments->out, salts_out));
      return witness;
    };
    const auto witness = run();
    if (!witness.ok()) return session.fail(witness.error());
    Json json = {{"witness", arguments->out}, {"salts", salts_out}, {"statement", arguments->statement}};
    Sheet sheet;
    const auto add_digest = [&](const std::string& key, const std::string& name, const field::Fr& value) {
      json[key] = chain::digest_text(digest_of(value));
      sheet.line(name, json[key].get<std::string>());
    };
    add_digest("model_hash", "model hash", witness->digests.model);
    add_digest("architecture_hash", "architecture hash", witness->architecture_hash);
    if (witness->has_input) {
      add_digest("input_hash", "input hash", witness->digests.input);
      add_digest("output_hash", "output hash", witness->digests.output);
    }
    Json values = Json::array();
    for (const field::Fr& value : witness->public_values) values.push_back(groth16::to_decimal(value));
    json.update({{"public", std::move(values)}, {"constraints", witness->constraints}, {"wires", witness->wires.size()}, {"seconds", witness->seconds}});
    sheet.line("constraints", format_count(witness->constraints)).line("time", format_seconds(witness->seconds));
    return session.report(json, sheet.text() + "Wrote " + arguments->out.string() + " and " + salts_out.string() + " (both secret)\n");
  });
}

}  // namespace blindproof::cli
