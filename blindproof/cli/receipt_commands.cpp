// blindproof receipt key | create | sign | settle | attach | verify
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/chain/attestation.h"
#include "blindproof/chain/ed25519.h"
#include "blindproof/chain/receipt.h"
#include "blindproof/chain/settlement.h"
#include "blindproof/cli/chain_options.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/crypto/random.h"
#include "blindproof/engine/groth16.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using chain::JsonValue;
using chain::Receipt;
using fs::path;

base::Error invalid(std::string place, std::string detail) {
  return base::error(ErrorCode::kInvalidArgument, std::move(place), std::move(detail));
}

base::Result<Receipt> read_receipt(const path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, chain::kMaxReceiptBytes));
  return Receipt::parse(bytes, file.string());
}

base::Result<chain::Ed25519PublicKey> read_public_key(const path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, 4096));
  return chain::parse_public_key(bytes, file.string());
}

base::Result<chain::SignedSettlement> read_settlement(const path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, chain::kMaxSettlementBytes));
  return chain::parse_settlement(bytes, file.string());
}

base::Status write_text(const path& file, const std::string& text) { return base::write_file_atomic(file, base::as_bytes(text)); }

Json rendered(const JsonValue& value) { return Json::parse(chain::write_json(value)); }

void add_key(CLI::App& receipt, Session& session) {
  struct Arguments {
    path out;
    std::string key_id;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *receipt.add_subcommand("key", "Make an Ed25519 key that signs receipts");
  command.add_option("--out", arguments->out, "NAME: writes NAME.key (secret, mode 0600) and NAME.pub")->required();
  command.add_option("--key-id", arguments->key_id, "How receipts name the key (default: from its digest)");
  command.footer("Existing keys are never replaced.\nExample:\n  blindproof receipt key --out provider");
  session.add_command(command, [&session, arguments] {
    const auto run = [&]() -> base::Result<chain::Ed25519PublicKey> {
      BLINDPROOF_ASSIGN(const chain::Ed25519SecretKey key, chain::Ed25519SecretKey::generate(arguments->key_id));
      BLINDPROOF_TRY(key.write(arguments->out.string() + ".key"));
      BLINDPROOF_TRY(base::write_file_atomic(arguments->out.string() + ".pub", base::as_bytes(chain::write_public_key(key.public_key())),
                                             base::FileMode::kPublic, base::Overwrite::kRefuse));
      return key.public_key();
    };
    const auto key = run();
    if (!key.ok()) return session.fail(key.error());
    const std::string secret = arguments->out.string() + ".key", open = arguments->out.string() + ".pub";
    Sheet sheet;
    sheet.line("key id", key->key_id).line("public key", base::to_hex(key->point));
    return session.report(
        {{"key_id", key->key_id}, {"public_key", base::to_hex(key->point)}, {"secret_file", secret}, {"public_file", open}},
        sheet.text() + "Wrote " + secret + " (secret) and " + open + " (for those who verify)\n");
  });
}

// What kind of JSON an option's text becomes.
enum class Form { kText, kNumber, kTime };
struct FieldOption {
  const char* field;
  const char* option;
  Form form;
  const char* help;
};
constexpr std::array<FieldOption, 16> kFieldOptions = {
    {{"receipt_id", "--receipt-id", Form::kText, "Default: random"},
     {"job_id", "--job-id", Form::kText, "The job"},
     {"provider", "--provider", Form::kText, "Who did it"},
     {"client", "--client", Form::kText, "For whom"},
     {"units", "--units", Form::kNumber, "How much: an integer or a decimal"},
     {"unit_type", "--unit-type", Form::kText, "Of what, e.g. tokens"},
     {"started_at", "--started-at", Form::kTime, "2026-01-31T23:59:59Z, or Unix seconds"},
     {"completed_at", "--completed-at", Form::kTime, "The same"},
     {"price", "--price", Form::kText, "Decimal"},
     {"model", "--model", Form::kText, "Name or id"},
     {"prompt_hash", "--prompt-hash", Form::kText, "SHA-256, 64 hexadecimal digits"},
     {"artifact_hash", "--artifact-hash", Form::kText, "The same"},
     {"duration_ms", "--duration-ms", Form::kNumber, "Milliseconds"},
     {"coordinator_id", "--coordinator-id", Form::kText, "Who brought the two together"},
     {"nonce", "--nonce", Form::kText, "Any text"},
     {"chain_id", "--chain-id", Form::kNumber, "Where it may be settled"}}};

base::Result<JsonValue> option_value(const FieldOption& option, const std::string& text) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (option.form == Form::kText || (option.form == Form::kTime && !digits)) {
    if (!chain::is_utf8(text)) return invalid(option.option, "must be UTF-8");
    return JsonValue::make_text(text);
  }
  BLINDPROOF_ASSIGN(JsonValue number, chain::parse_json(base::as_bytes(text), option.option));
  if (!number.is(JsonValue::Kind::kNumber)) return invalid(option.option, "must be a number");
  return number;
}

void add_create(CLI::App& receipt, Session& session) {
  struct Arguments {
    std::optional<path> from, metadata;
    std::array<std::optional<std::string>, kFieldOptions.size()> values;
    path out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *receipt.add_subcommand("create", "Write a receipt, not signed yet");
  command.add_option("--from", arguments->from, "JSON object of fields; the options below replace its fields");
  for (std::size_t i = 0; i < kFieldOptions.size(); ++i)
    command.add_option(kFieldOptions[i].option, arguments->values[i], kFieldOptions[i].help);
  command.add_option("--metadata", arguments->metadata, "JSON object of anything else");
  command.add_option("--out", arguments->out, "R.json")->required();
  command.footer(
      "docs/spec/receipts.md says what each field may hold.\n"
      "Example:\n  blindproof receipt create --job-id j-1 --provider node-7 --client alice --units 1200 --unit-type tokens \\\n"
      "    --started-at 2026-01-31T23:59:58Z --completed-at 2026-02-01T00:00:00Z --out r.json");
  session.add_command(command, [&session, arguments] {
    const auto run = [&]() -> base::Result<Receipt> {
      JsonValue json = JsonValue::make_object();
      json.set("version", JsonValue::make_text("1.0"));
      std::array<std::uint8_t, 16> id;
      crypto::random_bytes(id);
      json.set("receipt_id", JsonValue::make_text(base::to_hex(id)));
      const auto read = [](const path& file) -> base::Result<JsonValue> {
        BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, chain::kMaxReceiptBytes));
        BLINDPROOF_ASSIGN(JsonValue object, chain::parse_json(bytes, file.string()));
        if (!object.is_object()) return base::error(ErrorCode::kMalformed, file.string(), "must be a JSON object");
        return object;
      };
      if (arguments->from) {
        BLINDPROOF_ASSIGN(const JsonValue given, read(*arguments->from));
        for (const chain::JsonMember& member : given.members) json.set(member.key, member.value);
        for (const char* field : {"receipt_hash", "signature", "attestations"}) {
          if (given.find(field) != nullptr)
            return base::error(ErrorCode::kInvalidArgument, arguments->from->string() + ": " + field, "does not belong into a new receipt");
        }
      }
      for (std::size_t i = 0; i < kFieldOptions.size(); ++i) {
        if (!arguments->values[i]) continue;
        BLINDPROOF_ASSIGN(JsonValue value, option_value(kFieldOptions[i], *arguments->values[i]));
        json.set(kFieldOptions[i].field, std::move(value));
      }
      if (arguments->metadata) {
        BLINDPROOF_ASSIGN(JsonValue metadata, read(*arguments->metadata));
        json.set("metadata", std::move(metadata));
      }
      BLINDPROOF_ASSIGN(Receipt made, Receipt::from_json(std::move(json), "receipt"));
      BLINDPROOF_TRY(write_text(arguments->out, made.write()));
      return made;
    };
    const auto made = run();
    if (!made.ok()) return session.fail(made.error());
    const std::string hash = base::to_hex(made->hash());
    Sheet sheet;
    sheet.line("receipt", made->json().find("receipt_id")->text).line("hash", hash);
    return session.report({{"receipt_file", arguments->out.string()}, {"receipt_hash", hash}, {"receipt", rendered(made->json())}},
                          sheet.text() + "Wrote " + arguments->out.string() + " (not signed)\n");
  });
}

void add_sign(CLI::App& receipt, Session& session) {
  struct Arguments {
    path file, key;
    std::optional<path> out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *receipt.add_subcommand("sign", "Hash and sign a receipt");
  command.add_option("receipt", arguments->file, "R.json")->required();
  command.add_option("--key", arguments->key, "NAME.key, from receipt key")->required();
  command.add_option("--out", arguments->out, "Where to write it (default: the same file)");
  command.footer("Example:\n  blindproof receipt sign r.json --key provider.key");
  session.add_command(command, [&session, arguments] {
    const path out = arguments->out.value_or(arguments->file);
    const auto run = [&]() -> base::Result<Receipt> {
      BLINDPROOF_ASSIGN(Receipt read, read_receipt(arguments->file));
      BLINDPROOF_ASSIGN(const chain::Ed25519SecretKey key, chain::Ed25519SecretKey::read(arguments->key));
      read.sign(key);
      // The key's memory may be faulty; a wrong signature would give it away.
      BLINDPROOF_TRY(read.verify(key.public_key()));
      BLINDPROOF_TRY(write_text(out, read.write()));
      return read;
    };
    const auto made = run();
    if (!made.ok()) return session.fail(made.error());
    const std::string hash = made->json().find("receipt_hash")->text, key_id = made->signature()->key_id;
    Sheet sheet;
    sheet.line("hash", hash).line("signed by", key_id);
    return session.report({{"receipt_file", out.string()},
                           {"receipt_hash", hash},
                           {"key_id", key_id},
                           {"signature", rendered(*made->json().find("signature"))}},
                          sheet.text() + "Wrote " + out.string() + "\n");
  });
}

void add_settle(CLI::App& receipt, Session& session) {
  struct Arguments {
    path file, provider_key, out;
    std::string chain_id, contract, recipient, deadline;
    std::optional<std::string> amount, unit_price, nonce;
    EthereumKeyOption key;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      *receipt.add_subcommand("settle", "As the coordinator: check a receipt and sign what a contract may pay for it (EIP-712)");
  command.add_option("receipt", arguments->file, "R.json, signed")->required();
  command.add_option("--provider-key", arguments->provider_key, "NAME.pub of the provider: the receipt must be signed by it")->required();
  command.add_option("--chain-id", arguments->chain_id, "The chain")->required();
  command.add_option("--contract", arguments->contract, "Address of the ZKReceiptVerifier")->required();
  command.add_option("--recipient", arguments->recipient, "Address that is paid")->required();
  CLI::Option* amount = command.add_option("--amount", arguments->amount, "In the smallest unit of the token");
  command.add_option("--unit-price", arguments->unit_price, "Instead: the amount is the receipt's units times this")->excludes(amount);
  command.add_option("--nonce", arguments->nonce, "64-bit number (default: random)");
  command.add_option("--deadline", arguments->deadline, "Unix seconds: later it can't be settled")->required();
  arguments->key.add_to(command, "The coordinator's");
  command.add_option("--out", arguments->out, "S.json")->required();
  command.footer(
      "Example:\n  blindproof receipt settle r.json --provider-key provider.pub --chain-id 31337 \\\n"
      "    --contract 0x5FbDB2315678afecb367f032d93F642f64180aa3 --recipient 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n"
      "    --unit-price 1000 --deadline 1900000000 --key-file coordinator.key --out s.json");
  session.add_command(command, [&session, arguments] {
    chain::SignedSettlement made;
    chain::Address coordinator;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(const Receipt read, read_receipt(arguments->file));
      BLINDPROOF_ASSIGN(const chain::Ed25519PublicKey provider, read_public_key(arguments->provider_key));
      BLINDPROOF_TRY(read.verify(provider));
      chain::Settlement& terms = made.terms;
      terms.receipt_hash = read.hash();
      BLINDPROOF_ASSIGN(terms.chain_id, chain::parse_decimal64(arguments->chain_id, "--chain-id"));
      if (read.chain_id() && *read.chain_id() != terms.chain_id) {
        return base::error(ErrorCode::kMismatch, "--chain-id", "the receipt is for the chain " + std::to_string(*read.chain_id()));
      }
      BLINDPROOF_ASSIGN(terms.contract, chain::parse_address(arguments->contract, "--contract"));
      BLINDPROOF_ASSIGN(terms.recipient, chain::parse_address(arguments->recipient, "--recipient"));
      if (terms.contract.is_zero()) return invalid("--contract", "is the zero address");
      if (terms.recipient.is_zero()) return invalid("--recipient", "is the zero address");
      BLINDPROOF_ASSIGN(terms.deadline, chain::parse_decimal64(arguments->deadline, "--deadline"));
      if (arguments->unit_price) {
        BLINDPROOF_ASSIGN(const std::uint64_t price, chain::parse_decimal64(*arguments->unit_price, "--unit-price"));
        const auto units = read.integer_units();
        if (!units) return invalid("--unit-price", "the receipt's units are no integer; give --amount");
        terms.amount = chain::Uint128{*units} * price;
      } else if (arguments->amount) {
        BLINDPROOF_ASSIGN(terms.amount, chain::parse_decimal(*arguments->amount, "--amount"));
      } else {
        return invalid("arguments", "give --amount or --unit-price");
      }
      if (arguments->nonce) {
        BLINDPROOF_ASSIGN(terms.nonce, chain::parse_decimal64(*arguments->nonce, "--nonce"));
      } else {
        terms.nonce = crypto::Csprng().next_u64();
      }
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->key.load());
      coordinator = key.address();
      made.signature = key.sign(chain::eip712_digest(terms));
      BLINDPROOF_TRY(chain::check_coordinator(made, coordinator));
      return write_text(arguments->out, chain::write_json_indented(chain::settlement_json(made)) + "\n");
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    Sheet sheet;
    sheet.line("receipt", base::to_hex(made.terms.receipt_hash))
        .line("pays", chain::to_decimal(made.terms.amount) + " to " + chain::to_text(made.terms.recipient))
        .line("nonce", std::to_string(made.terms.nonce))
        .line("coordinator", chain::to_text(coordinator));
    return session.report({{"settlement_file", arguments->out.string()},
                           {"coordinator", chain::to_text(coordinator)},
                           {"settlement", rendered(chain::settlement_json(made))}},
                          sheet.text() + "Wrote " + arguments->out.string() + "\n");
  });
}

void add_attach(CLI::App& receipt, Session& session) {
  struct Arguments {
    path file, settlement, proof, inputs;
    std::string circuit = "receipt_attestation", model, input, output;
    std::optional<path> out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *receipt.add_subcommand("attach", "Attach a Groth16 proof to a receipt");
  command.add_option("receipt", arguments->file, "R.json")->required();
  command.add_option("--settlement", arguments->settlement, "S.json, from receipt settle")->required();
  command.add_option("--proof", arguments->proof, "proof.json")->required();
  command.add_option("--public", arguments->inputs, "public.json")->required();
  command.add_option("--model-hash", arguments->model, "0x and 64 hexadecimal digits, as the circuit computes it")->required();
  command.add_option("--input-hash", arguments->input, "The same")->required();
  command.add_option("--output-hash", arguments->output, "The same")->required();
  command.add_option("--circuit", arguments->circuit, "Name of the circuit, for people")->capture_default_str();
  command.add_option("--out", arguments->out, "Where to write it (default: the same file)");
  command.footer(
      "The public inputs must be those of this receipt, settlement and these hashes.\n"
      "Example:\n  blindproof receipt attach r.json --settlement s.json --proof proof.json --public public.json \\\n"
      "    --model-hash 0x... --input-hash 0x... --output-hash 0x...");
  session.add_command(command, [&session, arguments] {
    const path out = arguments->out.value_or(arguments->file);
    chain::Attestation made;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(Receipt read, read_receipt(arguments->file));
      BLINDPROOF_ASSIGN(made.settlement, read_settlement(arguments->settlement));
      BLINDPROOF_ASSIGN(const base::Bytes proof, base::read_file(arguments->proof, chain::kMaxProofJsonBytes));
      BLINDPROOF_ASSIGN(const base::Bytes inputs, base::read_file(arguments->inputs, chain::kMaxPublicJsonBytes));
      made.circuit = arguments->circuit;
      made.proof_hash = crypto::sha256(proof);
      made.public_hash = crypto::sha256(inputs);
      BLINDPROOF_ASSIGN(made.digests.model, chain::parse_digest(arguments->model, "--model-hash"));
      BLINDPROOF_ASSIGN(made.digests.input, chain::parse_digest(arguments->input, "--input-hash"));
      BLINDPROOF_ASSIGN(made.digests.output, chain::parse_digest(arguments->output, "--output-hash"));
      BLINDPROOF_ASSIGN(made, chain::parse_attestation(chain::attestation_json(made), "attestation"));
      BLINDPROOF_TRY(chain::check_attestation(made, read));
      BLINDPROOF_TRY(chain::check_files(made, proof, inputs));
      BLINDPROOF_TRY(read.attach(chain::attestation_json(made)));
      return write_text(out, read.write());
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    Sheet sheet;
    sheet.line("proof", base::to_hex(made.proof_hash))
        .line("statement", chain::to_decimal(made.statement().high) + ", " + chain::to_decimal(made.statement().low));
    return session.report({{"receipt_file", out.string()}, {"attestation", rendered(chain::attestation_json(made))}},
                          sheet.text() + "Wrote " + out.string() + "\n");
  });
}

struct VerifyArguments {
  path file, key;
  std::optional<path> proof, inputs, verification_key;
  std::optional<std::string> coordinator;
  bool allow_development = false;
};

struct VerifyOutcome {
  std::string receipt_hash;
  std::vector<std::string> checks;  // passed, in order
  std::size_t attestations = 0;
  bool proof_verified = false, insecure_key = false;
  std::optional<base::Error> refusal;
};

// The check attestation.proof.
base::Result<bool> verify_proof(const VerifyArguments& arguments, const chain::Attestation& attestation, base::ByteSpan proof, base::ByteSpan inputs,
                                VerifyOutcome& outcome) {
  BLINDPROOF_ASSIGN(const engine::Groth16Verdict verdict,
                    engine::groth16_verify({*arguments.verification_key, *arguments.proof, *arguments.inputs, arguments.allow_development}, proof, inputs));
  const chain::PublicStatement statement = attestation.statement();
  const std::vector<std::string> expected = {chain::to_decimal(statement.high), chain::to_decimal(statement.low)};
  if (verdict.refusal || verdict.public_values != expected) {
    outcome.refusal =
        base::error(ErrorCode::kRejected, "attestation.proof", verdict.refusal ? verdict.refusal->message() : "proves another statement");
    return false;
  }
  outcome.proof_verified = true;
  outcome.insecure_key = verdict.insecure_key;
  outcome.checks.emplace_back("attestation.proof");
  return true;
}

// Errors are of the input; a check that fails is in the outcome.
base::Result<VerifyOutcome> verify(const VerifyArguments& arguments) {
  VerifyOutcome outcome;
  BLINDPROOF_ASSIGN(const Receipt receipt, read_receipt(arguments.file));
  BLINDPROOF_ASSIGN(const chain::Ed25519PublicKey key, read_public_key(arguments.key));
  outcome.receipt_hash = base::to_hex(receipt.hash());
  outcome.checks.emplace_back("receipt");
  std::optional<base::Bytes> proof, inputs;
  if (arguments.proof.has_value() != arguments.inputs.has_value()) return invalid("arguments", "--proof and --public belong together");
  if (arguments.verification_key && !arguments.proof) return invalid("arguments", "--verification-key needs --proof and --public");
  if (arguments.proof) {
    BLINDPROOF_ASSIGN(proof, base::read_file(*arguments.proof, chain::kMaxProofJsonBytes));
    BLINDPROOF_ASSIGN(inputs, base::read_file(*arguments.inputs, chain::kMaxPublicJsonBytes));
  }
  std::optional<chain::Address> coordinator;
  if (arguments.coordinator) {
    BLINDPROOF_ASSIGN(coordinator, chain::parse_address(*arguments.coordinator, "--coordinator"));
  }
  const auto refuse = [&](base::Error error) {
    outcome.refusal = std::move(error);
    return outcome;
  };
  if (const auto status = receipt.verify(key); !status.ok()) return refuse(status.error());
  for (const char* check : {"receipt.signed", "receipt.hash", "receipt.key_id", "receipt.signature"}) outcome.checks.emplace_back(check);

  const auto attestations = chain::attestations_of(receipt);
  if (!attestations.ok()) return refuse(attestations.error());
  outcome.attestations = attestations->size();
  if (attestations->empty()) {
    if (proof) return refuse(base::error(ErrorCode::kRejected, "attestation.digest", "no proof is attached to the receipt"));
    if (coordinator)
      return refuse(base::error(ErrorCode::kRejected, "attestation.signature", "nothing is attached that a coordinator could have signed"));
    return outcome;
  }
  for (const chain::Attestation& attestation : *attestations) {
    if (const auto status = chain::check_attestation(attestation, receipt); !status.ok()) return refuse(status.error());
  }
  for (const char* check : {"attestation.form", "attestation.receipt", "attestation.chain", "attestation.amount"})
    outcome.checks.emplace_back(check);
  if (proof) {
    const auto digest = crypto::sha256(*proof);
    const auto attached = std::ranges::find(*attestations, digest, &chain::Attestation::proof_hash);
    // Of several, the one whose proof it is; the first one says what is wrong if it is none's.
    const chain::Attestation& attestation = attached == attestations->end() ? attestations->front() : *attached;
    if (const auto status = chain::check_files(attestation, *proof, *inputs); !status.ok()) return refuse(status.error());
    for (const char* check : {"attestation.digest", "attestation.statement"}) outcome.checks.emplace_back(check);
    if (arguments.verification_key) {
      BLINDPROOF_ASSIGN(const bool proven, verify_proof(arguments, attestation, *proof, *inputs, outcome));
      if (!proven) return outcome;
    }
  }
  if (coordinator) {
    for (const chain::Attestation& attestation : *attestations) {
      if (const auto status = chain::check_coordinator(attestation.settlement, *coordinator); !status.ok()) return refuse(status.error());
    }
    outcome.checks.emplace_back("attestation.signature");
  }
  return outcome;
}

void add_verify(CLI::App& receipt, Session& session) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App& command =
      *receipt.add_subcommand("verify", "Check a receipt's hash and signature, and what is attached to it; needs no network");
  command.add_option("receipt", arguments->file, "R.json")->required();
  command.add_option("--key", arguments->key, "NAME.pub of the signer, from a source that you trust")->required();
  CLI::Option* proof = command.add_option("--proof", arguments->proof, "proof.json that is attached");
  command.add_option("--public", arguments->inputs, "Its public.json")->needs(proof);
  command
      .add_option("--verification-key", arguments->verification_key,
                  "VK.json of the circuit, from a source that you trust: verifies the proof itself")
      ->needs(proof);
  command.add_flag("--allow-dev", arguments->allow_development, "Accept verification keys of development setups");
  command.add_option("--coordinator", arguments->coordinator, "Address that must have signed the settlement");
  command.footer(
      "Exit code 1 with the name of the check that failed; docs/spec/receipts.md lists them.\n"
      "Examples:\n  blindproof receipt verify r.json --key provider.pub\n"
      "  blindproof receipt verify r.json --key provider.pub --proof proof.json --public public.json --verification-key vk.json");
  session.add_command(command, [&session, arguments] {
    const auto outcome = verify(*arguments);
    if (!outcome.ok()) return session.fail(outcome.error());
    Json json = {
        {"accepted", !outcome->refusal.has_value()}, {"receipt_hash", outcome->receipt_hash},     {"checks", outcome->checks},
        {"attestations", outcome->attestations},     {"proof_verified", outcome->proof_verified}, {"insecure_key", outcome->insecure_key}};
    if (outcome->refusal) {
      json["check"] = outcome->refusal->place;
      json["error"] = error_json(*outcome->refusal);
      return session.report(json, "REFUSED by " + outcome->refusal->message() + "\n", kFailed);
    }
    std::string text = "Accepted: the receipt " + outcome->receipt_hash + "\n";
    for (const std::string& check : outcome->checks) text += "  " + check + "\n";
    if (outcome->attestations > 0 && !outcome->proof_verified)
      text += "The attached proof was NOT verified: give --proof, --public and --verification-key.\n";
    if (outcome->insecure_key) text += "INSECURE: the verification key is of a development setup; whoever made it can forge proofs.\n";
    return session.report(json, text);
  });
}

}  // namespace

void add_receipt_commands(CLI::App& app, Session& session) {
  CLI::App& receipt = *app.add_subcommand("receipt", "Receipts: create, sign, settle, verify");
  receipt.require_subcommand(1);
  add_key(receipt, session);
  add_create(receipt, session);
  add_sign(receipt, session);
  add_settle(receipt, session);
  add_attach(receipt, session);
  add_verify(receipt, session);
}

}  // namespace blindproof::cli
