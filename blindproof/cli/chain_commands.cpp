// blindproof chain key | deploy | send | call | register | submit | claim | verify | verify-proof
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/chain/artifact.h"
#include "blindproof/chain/attestation.h"
#include "blindproof/chain/contract_calls.h"
#include "blindproof/chain/node.h"
#include "blindproof/chain/receipt.h"
#include "blindproof/cli/chain_options.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"

namespace blindproof::cli {
namespace {

using base::ErrorCode;
using std::filesystem::path;

// A call to an address without code succeeds, and says nothing.
base::Status expect_contract(chain::Node& node, const chain::Address& address) {
  BLINDPROOF_ASSIGN(const base::Bytes code, node.code(address));
  if (code.empty())
    return base::error(ErrorCode::kMismatch, chain::to_text(address), "is no contract on the chain " + std::to_string(node.chain_id()));
  return base::Status::good();
}

void add_key(CLI::App& app, Session& session) {
  const auto out = std::make_shared<path>();
  CLI::App& command = *app.add_subcommand("key", "Make a secp256k1 key for transactions and settlements");
  command.add_option("--out", *out, "File of the secret key, mode 0600; must not exist")->required();
  command.footer("Other tools' keys work too: one line of 64 hexadecimal digits.\nExample:\n  blindproof chain key --out coordinator.key");
  session.add_command(command, [&session, out] {
    const chain::EthereumKey key = chain::EthereumKey::generate();
    if (const base::Status written = key.write(*out); !written.ok()) return session.fail(written.error());
    const std::string address = chain::to_text(key.address());
    Sheet sheet;
    sheet.line("address", address);
    return session.report({{"address", address}, {"secret_file", out->string()}}, sheet.text() + "Wrote " + out->string() + " (secret)\n");
  });
}

void add_deploy(CLI::App& app, Session& session) {
  struct Arguments {
    path artifact;
    std::vector<std::string> arguments;
    NodeOption node;
    TransactionOptions transaction;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("deploy", "Deploy a compiled contract and check what lies on the chain");
  command.add_option("artifact", arguments->artifact, "Compiled contract: JSON with abi, bytecode, deployedBytecode")->required();
  command.add_option("--args", arguments->arguments, "The constructor's arguments, in its order: addresses, numbers, 0x... bytes, texts");
  arguments->node.add_to(command);
  arguments->transaction.add_to(command);
  command.footer(
      "Example:\n  blindproof chain deploy contracts/build/AIToken.json --rpc http://127.0.0.1:8545 --key-file owner.key \\\n"
      "    --args 0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  session.add_command(command, [&session, arguments] {
    chain::Execution execution;
    std::string name;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(arguments->artifact, chain::kMaxArtifactBytes));
      BLINDPROOF_ASSIGN(const chain::Artifact artifact, chain::parse_artifact(bytes, arguments->artifact.string()));
      name = artifact.name.empty() ? arguments->artifact.stem().string() : artifact.name;
      BLINDPROOF_ASSIGN(const base::Bytes data, chain::creation_data(artifact, arguments->arguments));
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->transaction.key.load());
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect());
      node.know(artifact.errors);
      BLINDPROOF_ASSIGN(execution, node.execute(key, {std::nullopt, data}, arguments->transaction.limits(), arguments->transaction.wait_seconds));
      if (!execution.contract) return base::error(ErrorCode::kMalformed, "node", "names no contract that the transaction made");
      BLINDPROOF_ASSIGN(const base::Bytes code, node.code(*execution.contract));
      if (!artifact.matches(code)) {
        return base::error(ErrorCode::kMismatch, chain::to_text(*execution.contract),
                           "the code on the chain is not the compiled contract's; don't use it");
      }
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    const std::string address = chain::to_text(*execution.contract);
    Sheet sheet;
    sheet.line("contract", name)
        .line("address", address)
        .line("gas", format_count(execution.gas_used))
        .line("transaction", "0x" + base::to_hex(execution.hash))
        .line("code", "is the compiled contract's");
    Json json = {{"contract", name}, {"address", address}, {"code_matches", true}};
    json.update(to_json(execution));
    return session.report(json, sheet.text());
  });
}

// The types between a function's parentheses, at the top level.
base::Result<std::vector<std::string>> argument_types(const std::string& signature) {
  const std::size_t open = signature.find('(');
  const auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  const bool good =
      open != std::string::npos && open > 0 && signature.back() == ')' && std::ranges::all_of(signature.substr(0, open), is_name);
  if (!good)
    return base::error(ErrorCode::kInvalidArgument, "function", "must be written with its types, e.g. \"authoriseCoordinator(address)\"");
  std::vector<std::string> types;
  std::string type;
  for (const char c : signature.substr(open + 1)) {
    if (c != ',' && c != ')') {
      type += c;
    } else {
      if (!type.empty()) types.push_back(type);
      type.clear();
    }
  }
  return types;
}

base::Result<base::Bytes> encode_function_call(const std::string& function, const std::vector<std::string>& arguments) {
  BLINDPROOF_ASSIGN(const std::vector<std::string> types, argument_types(function));
  if (types.size() != arguments.size()) {
    return base::error(ErrorCode::kInvalidArgument, "--args",
                       "the function takes " + std::to_string(types.size()) + ", not " + std::to_string(arguments.size()));
  }
  std::vector<chain::AbiValue> values;
  for (std::size_t i = 0; i < types.size(); ++i) {
    BLINDPROOF_ASSIGN(chain::AbiValue value, chain::parse_abi_value(types[i], arguments[i], "--args, number " + std::to_string(i + 1)));
    values.push_back(std::move(value));
  }
  return chain::encode_call(function, std::move(values));
}

void add_send(CLI::App& app, Session& session) {
  struct Arguments {
    std::string contract, function, value = "0";
    std::vector<std::string> arguments;
    NodeOption node;
    TransactionOptions transaction;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("send", "Call a contract's function by a transaction, e.g. as its owner");
  command.add_option("contract", arguments->contract, "Its address")->required();
  command.add_option("function", arguments->function, "With its types, as the ABI has them")->required();
  command.add_option("--args", arguments->arguments, "The arguments in their order: addresses, numbers, 0x... bytes, texts");
  command.add_option("--value", arguments->value, "Of the chain's coin to send along, in wei")->capture_default_str();
  arguments->node.add_to(command);
  arguments->transaction.add_to(command);
  command.footer(
      "Example: as the owner of a ZKReceiptVerifier, let a coordinator sign\n"
      "  blindproof chain send 0x5FbDB2315678afecb367f032d93F642f64180aa3 \"authoriseCoordinator(address)\" \\\n"
      "    --args 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --rpc http://127.0.0.1:8545 --key-file owner.key");
  session.add_command(command, [&session, arguments] {
    const auto run = [&]() -> base::Result<chain::Execution> {
      BLINDPROOF_ASSIGN(const chain::Address contract, chain::parse_address(arguments->contract, "contract"));
      BLINDPROOF_ASSIGN(const base::Bytes data, encode_function_call(arguments->function, arguments->arguments));
      BLINDPROOF_ASSIGN(const chain::Uint128 value, chain::parse_decimal(arguments->value, "--value"));
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->transaction.key.load());
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect());
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, contract));
      return node.execute(key, {contract, data, value}, arguments->transaction.limits(), arguments->transaction.wait_seconds);
    };
    const auto execution = run();
    if (!execution.ok()) return session.fail(execution.error());
    Sheet sheet;
    sheet.line("transaction", "0x" + base::to_hex(execution->hash)).line("gas", format_count(execution->gas_used));
    Json json = to_json(*execution), events = Json::array();
    for (const chain::Log& log : execution->logs) {
      Json topics = Json::array();
      for (const chain::Digest256& topic : log.topics) topics.push_back(chain::digest_text(topic));
      events.push_back({{"contract", chain::to_text(log.address)}, {"topics", std::move(topics)}, {"data", "0x" + base::to_hex(log.data)}});
    }
    json["events"] = std::move(events);
    return session.report(json, sheet.text());
  });
}

void add_call(CLI::App& app, Session& session) {
  struct Arguments {
    std::string contract, function;
    std::vector<std::string> arguments;
    NodeOption node;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("call", "Ask a contract's function, without a transaction");
  command.add_option("contract", arguments->contract, "Its address")->required();
  command.add_option("function", arguments->function, "With its types, as the ABI has them")->required();
  command.add_option("--args", arguments->arguments, "The arguments in their order: addresses, numbers, 0x... bytes, texts");
  arguments->node.add_to(command);
  command.footer(
      "Prints the words of 32 bytes that it returns.\n"
      "Example:\n  blindproof chain call 0x5FbDB2315678afecb367f032d93F642f64180aa3 \"balanceOf(address)\" \\\n"
      "    --args 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --rpc http://127.0.0.1:8545");
  session.add_command(command, [&session, arguments] {
    const auto run = [&]() -> base::Result<base::Bytes> {
      BLINDPROOF_ASSIGN(const chain::Address contract, chain::parse_address(arguments->contract, "contract"));
      BLINDPROOF_ASSIGN(const base::Bytes data, encode_function_call(arguments->function, arguments->arguments));
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect());
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, contract));
      return node.call(contract, data);
    };
    const auto returned = run();
    if (!returned.ok()) return session.fail(returned.error());
    constexpr std::size_t kWord = 32;
    Json words = Json::array();
    std::string text;
    for (std::size_t begin = 0; begin < returned->size(); begin += kWord) {
      words.push_back("0x" + base::to_hex(base::ByteSpan(*returned).subspan(begin, std::min(kWord, returned->size() - begin))));
      text += words.back().get<std::string>() + "\n";
    }
    return session.report({{"words", std::move(words)}}, text);
  });
}

base::Result<chain::ProofWords> read_proof(const path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, chain::kMaxProofJsonBytes));
  return chain::parse_proof_json(bytes, file.string());
}

void add_register(CLI::App& app, Session& session) {
  struct Arguments {
    std::string registry, verifier, model_hash, architecture_hash, commitment, price = "0";
    std::optional<std::uint64_t> model;
    path proof, inputs;
    NodeOption node;
    TransactionOptions transaction;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("register", "Register a model, with the proof that its owner knows it");
  command.add_option("--registry", arguments->registry, "Address of the ModelRegistry")->required();
  command.add_option("--verifier", arguments->verifier, "Address of the ModelIntegrity circuit's Groth16Verifier")->required();
  command.add_option("--proof", arguments->proof, "proof.json")->required();
  command.add_option("--public", arguments->inputs, "public.json")->required();
  command.add_option("--model-hash", arguments->model_hash, "0x and 64 hexadecimal digits, as the circuit computes it")->required();
  command.add_option("--architecture-hash", arguments->architecture_hash, "The same")->required();
  command.add_option("--commitment", arguments->commitment, "0x and the 64 digits of the model id that model commit printed")->required();
  CLI::Option* price = command.add_option("--price", arguments->price, "Of a unit")->capture_default_str();
  command.add_option("--model", arguments->model, "Number of a registered model: adds a version to it")->excludes(price);
  arguments->node.add_to(command);
  arguments->transaction.add_to(command);
  command.footer(
      "The proof names chain, registry and sender; one made for others is refused before anything is sent.\n"
      "Example:\n  blindproof chain register --registry 0x... --verifier 0x... --proof proof.json --public public.json \\\n"
      "    --model-hash 0x... --architecture-hash 0x... --commitment 0x... --rpc http://127.0.0.1:8545 --key-file owner.key");
  session.add_command(command, [&session, arguments] {
    chain::Execution execution;
    chain::RegisteredVersion registered;
    const auto run = [&]() -> base::Status {
      chain::Registration registration;
      BLINDPROOF_ASSIGN(const chain::Address registry, chain::parse_address(arguments->registry, "--registry"));
      BLINDPROOF_ASSIGN(registration.verifier, chain::parse_address(arguments->verifier, "--verifier"));
      BLINDPROOF_ASSIGN(registration.model_hash, chain::parse_digest(arguments->model_hash, "--model-hash"));
      BLINDPROOF_ASSIGN(registration.architecture_hash, chain::parse_digest(arguments->architecture_hash, "--architecture-hash"));
      BLINDPROOF_ASSIGN(registration.commitment, chain::parse_digest(arguments->commitment, "--commitment"));
      BLINDPROOF_ASSIGN(registration.price, chain::parse_decimal(arguments->price, "--price"));
      BLINDPROOF_ASSIGN(registration.proof, read_proof(arguments->proof));
      BLINDPROOF_ASSIGN(const base::Bytes public_json, base::read_file(arguments->inputs, chain::kMaxPublicJsonBytes));
      BLINDPROOF_ASSIGN(const chain::PublicStatement inputs, chain::parse_public_json(public_json, arguments->inputs.string()));
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->transaction.key.load());
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect());
      node.know(chain::contract_errors());
      if (inputs != chain::split(chain::registration_digest(node.chain_id(), registry, key.address(), registration.model_hash,
                                                            registration.architecture_hash))) {
        return base::error(ErrorCode::kMismatch, arguments->inputs.string(),
                           "is not of this chain, registry, sender " + chain::to_text(key.address()) + ", model and architecture");
      }
      BLINDPROOF_TRY(expect_contract(node, registry));
      const base::Bytes call =
          arguments->model ? chain::encode_add_version(registration, *arguments->model) : chain::encode_register(registration);
      BLINDPROOF_ASSIGN(execution, node.execute(key, {registry, call}, arguments->transaction.limits(), arguments->transaction.wait_seconds));
      const auto version = chain::find_version_added(execution, registry, registration.model_hash);
      if (!version)
        return base::error(ErrorCode::kMismatch, chain::to_text(registry),
                           "did not say that it registered the model: is it a ModelRegistry?");
      registered = *version;
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    Sheet sheet;
    sheet.line("model", std::to_string(registered.model) + ", version " + std::to_string(registered.version))
        .line("gas", format_count(execution.gas_used))
        .line("transaction", "0x" + base::to_hex(execution.hash));
    Json json = {{"model", registered.model}, {"version", registered.version}, {"model_hash", arguments->model_hash}};
    json.update(to_json(execution));
    return session.report(json, sheet.text());
  });
}

// What the attested receipt says that is to be settled.
struct SettlementArguments {
  path receipt;
  std::optional<path> proof;
  std::optional<std::string> verifier;
  NodeOption node;
};

// The receipt's attestation of this proof, or, without a proof, its only one; checked against the receipt.
base::Result<chain::Attestation> read_attestation(const SettlementArguments& arguments) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(arguments.receipt, chain::kMaxReceiptBytes));
  BLINDPROOF_ASSIGN(const chain::Receipt receipt, chain::Receipt::parse(bytes, arguments.receipt.string()));
  BLINDPROOF_ASSIGN(const std::vector<chain::Attestation> attestations, chain::attestations_of(receipt));
  if (attestations.empty())
    return base::error(ErrorCode::kInvalidArgument, arguments.receipt.string(), "no proof is attached (see receipt attach)");
  auto chosen = attestations.begin();
  if (arguments.proof) {
    BLINDPROOF_ASSIGN(const base::Bytes proof, base::read_file(*arguments.proof, chain::kMaxProofJsonBytes));
    chosen = std::ranges::find(attestations, crypto::sha256(proof), &chain::Attestation::proof_hash);
    if (chosen == attestations.end())
      return base::error(ErrorCode::kRejected, "attestation.digest", "the proof is another file than the attached one");
  } else if (attestations.size() > 1) {
    return base::error(ErrorCode::kInvalidArgument, arguments.receipt.string(), "several proofs are attached: give --proof");
  }
  BLINDPROOF_TRY(chain::check_attestation(*chosen, receipt));
  if (!chosen->settlement.signature)
    return base::error(ErrorCode::kRejected, "attestation.signature", "the settlement is not signed by a coordinator");
  return *chosen;
}

base::Result<chain::Submission> submission_of(const chain::Attestation& attestation, const SettlementArguments& arguments) {
  chain::Submission submission{{}, attestation.settlement, attestation.digests, {}};
  BLINDPROOF_ASSIGN(submission.verifier, chain::parse_address(arguments.verifier.value_or(""), "--verifier"));
  BLINDPROOF_ASSIGN(submission.proof, read_proof(*arguments.proof));
  return submission;
}

Json settlement_report(const chain::Attestation& attestation) {
  const chain::Settlement& terms = attestation.settlement.terms;
  return {{"contract", chain::to_text(terms.contract)},
          {"receipt_hash", base::to_hex(terms.receipt_hash)},
          {"recipient", chain::to_text(terms.recipient)},
          {"amount", chain::to_decimal(terms.amount)},
          {"statement", chain::digest_text(chain::statement_digest(terms, attestation.digests))}};
}

void add_submit(CLI::App& app, Session& session) {
  struct Arguments {
    SettlementArguments settlement;
    TransactionOptions transaction;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("submit", "Settle a receipt: the contract checks proof and signature, and records it once");
  command.add_option("receipt", arguments->settlement.receipt, "R.json with the proof attached")->required();
  command.add_option("--proof", arguments->settlement.proof, "proof.json")->required();
  command.add_option("--verifier", arguments->settlement.verifier, "Address of the circuit's Groth16Verifier")->required();
  arguments->settlement.node.add_to(command);
  arguments->transaction.add_to(command);
  command.footer(
      "Anybody may submit; contract, recipient and amount are the settlement's. What would fail is told before anything is sent.\n"
      "Example:\n  blindproof chain submit r.json --proof proof.json --verifier 0x... --rpc http://127.0.0.1:8545 --key-file sender.key");
  session.add_command(command, [&session, arguments] {
    chain::Execution execution;
    chain::Attestation attestation;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(attestation, read_attestation(arguments->settlement));
      BLINDPROOF_ASSIGN(const chain::Submission submission, submission_of(attestation, arguments->settlement));
      const chain::Settlement& terms = attestation.settlement.terms;
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->transaction.key.load());
      BLINDPROOF_ASSIGN(chain::Node node, arguments->settlement.node.connect(terms.chain_id));
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, terms.contract));
      const base::Bytes call = chain::encode_verify_and_record(submission);
      BLINDPROOF_ASSIGN(execution, node.execute(key, {terms.contract, call}, arguments->transaction.limits(), arguments->transaction.wait_seconds));
      if (!chain::has_proof_verified(execution, terms, chain::statement_digest(terms, attestation.digests))) {
        return base::error(ErrorCode::kMismatch, chain::to_text(terms.contract),
                           "did not say that it recorded the statement: is it a ZKReceiptVerifier?");
      }
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    const chain::Settlement& terms = attestation.settlement.terms;
    Sheet sheet;
    sheet.line("recorded", base::to_hex(terms.receipt_hash))
        .line("pays", chain::to_decimal(terms.amount) + " to " + chain::to_text(terms.recipient))
        .line("gas", format_count(execution.gas_used))
        .line("transaction", "0x" + base::to_hex(execution.hash));
    Json json = settlement_report(attestation);
    json.update(to_json(execution));
    return session.report(json, sheet.text());
  });
}

void add_claim(CLI::App& app, Session& session) {
  struct Arguments {
    SettlementArguments settlement;
    std::optional<std::string> token, escrow;
    std::optional<std::uint64_t> job;
    TransactionOptions transaction;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("claim", "Have a settled receipt paid: minted by an AIToken, or released by a JobEscrow");
  command.add_option("receipt", arguments->settlement.receipt, "R.json, settled by chain submit")->required();
  command.add_option("--proof", arguments->settlement.proof, "proof.json: which attestation, if the receipt has several");
  CLI::Option* token = command.add_option("--token", arguments->token, "Address of the AIToken");
  CLI::Option* job = command.add_option("--job", arguments->job, "Number of the job in the escrow");
  CLI::Option* escrow = command.add_option("--escrow", arguments->escrow, "Address of the JobEscrow")->excludes(token)->needs(job);
  job->needs(escrow);
  arguments->settlement.node.add_to(command);
  arguments->transaction.add_to(command);
  command.footer(
      "Anybody may claim; the settlement says who is paid. An escrow credits: who is paid draws it by chain send ESCROW \"withdraw()\".\n"
      "Example:\n  blindproof chain claim r.json --token 0x... --rpc http://127.0.0.1:8545 --key-file sender.key");
  session.add_command(command, [&session, arguments] {
    chain::Execution execution;
    chain::Attestation attestation;
    const auto run = [&]() -> base::Status {
      if (!arguments->token && !arguments->escrow) return base::error(ErrorCode::kInvalidArgument, "arguments", "give --token, or --escrow and --job");
      BLINDPROOF_ASSIGN(attestation, read_attestation(arguments->settlement));
      const chain::Settlement& terms = attestation.settlement.terms;
      BLINDPROOF_ASSIGN(const chain::Address consumer, arguments->token ? chain::parse_address(*arguments->token, "--token")
                                                                        : chain::parse_address(*arguments->escrow, "--escrow"));
      const base::Bytes call =
          arguments->token ? chain::encode_mint(terms, attestation.digests) : chain::encode_release(*arguments->job, terms, attestation.digests);
      BLINDPROOF_ASSIGN(const chain::EthereumKey key, arguments->transaction.key.load());
      BLINDPROOF_ASSIGN(chain::Node node, arguments->settlement.node.connect(terms.chain_id));
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, consumer));
      BLINDPROOF_ASSIGN(execution, node.execute(key, {consumer, call}, arguments->transaction.limits(), arguments->transaction.wait_seconds));
      const bool paid = arguments->token ? chain::has_receipt_minted(execution, consumer, terms)
                                         : chain::has_job_released(execution, consumer, *arguments->job, terms);
      if (!paid) {
        return base::error(ErrorCode::kMismatch, chain::to_text(consumer),
                           "did not say that it paid: is it " + std::string(arguments->token ? "an AIToken?" : "a JobEscrow?"));
      }
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    const chain::Settlement& terms = attestation.settlement.terms;
    Sheet sheet;
    sheet.line(arguments->token ? "minted" : "credited", chain::to_decimal(terms.amount) + " to " + chain::to_text(terms.recipient))
        .line("gas", format_count(execution.gas_used))
        .line("transaction", "0x" + base::to_hex(execution.hash));
    Json json = settlement_report(attestation);
    json.update(to_json(execution));
    return session.report(json, sheet.text());
  });
}

void add_verify_proof(CLI::App& app, Session& session) {
  struct Arguments {
    std::string verifier;
    path proof, inputs;
    NodeOption node;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("verify-proof", "Have a circuit's Groth16Verifier check a proof, without a transaction");
  command.add_option("verifier", arguments->verifier, "Its address")->required();
  command.add_option("--proof", arguments->proof, "PROOF.json")->required();
  command.add_option("--public", arguments->inputs, "PUBLIC.json")->required();
  arguments->node.add_to(command);
  command.footer(
      "Exit code 1 if the contract refuses. The gas is what a transaction with this call would pay.\n"
      "Example:\n  blindproof chain verify-proof 0x5FbDB2315678afecb367f032d93F642f64180aa3 --proof proof.json --public public.json \\\n"
      "    --rpc http://127.0.0.1:8545");
  session.add_command(command, [&session, arguments] {
    std::optional<base::Error> refusal;
    std::uint64_t gas = 0;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(const chain::Address verifier, chain::parse_address(arguments->verifier, "verifier"));
      BLINDPROOF_ASSIGN(const chain::ProofWords proof, read_proof(arguments->proof));
      BLINDPROOF_ASSIGN(const base::Bytes public_json, base::read_file(arguments->inputs, chain::kMaxProofJsonBytes));
      BLINDPROOF_ASSIGN(const std::vector<chain::Word> inputs, chain::parse_public_values(public_json, arguments->inputs.string()));
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect());
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, verifier));
      const base::Bytes call = chain::encode_verify_proof(proof, inputs);
      const auto answer = node.call(verifier, call);
      if (!answer.ok() && answer.error().code != ErrorCode::kRejected) return answer.error();
      if (!answer.ok()) {
        refusal = base::error(ErrorCode::kRejected, "chain.proof", answer.error().detail);
        return base::Status::good();
      }
      if (!answer->empty()) return base::error(ErrorCode::kMismatch, chain::to_text(verifier), "returns a value: it is no Groth16Verifier");
      BLINDPROOF_ASSIGN(gas, node.estimate_gas({verifier, call}));
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    Json json = {{"accepted", !refusal.has_value()}, {"verifier", arguments->verifier}};
    if (refusal) {
      json.update({{"check", refusal->place}, {"error", error_json(*refusal)}});
      return session.report(json, "REFUSED by " + refusal->message() + "\n", kFailed);
    }
    json["gas"] = gas;
    return session.report(json, "The contract accepts the proof, for " + format_count(gas) + " gas in a transaction.\n");
  });
}

void add_verify(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<SettlementArguments>();
  CLI::App& command = *app.add_subcommand("verify", "Ask a contract, without a transaction, whether a receipt is settled, or would be");
  command.add_option("receipt", arguments->receipt, "R.json with the proof attached")->required();
  CLI::Option* proof =
      command.add_option("--proof", arguments->proof, "proof.json: if the receipt is not settled yet, have the contract check it");
  command.add_option("--verifier", arguments->verifier, "Address of the circuit's Groth16Verifier")->needs(proof);
  proof->needs("--verifier");
  arguments->node.add_to(command);
  command.footer(
      "Exit code 0: this very statement is recorded, or would be. 1: neither.\n"
      "Example:\n  blindproof chain verify r.json --rpc http://127.0.0.1:8545");
  session.add_command(command, [&session, arguments] {
    chain::Attestation attestation;
    bool recorded = false;
    chain::Digest256 settled{};
    std::optional<base::Error> refusal;
    const auto run = [&]() -> base::Status {
      BLINDPROOF_ASSIGN(attestation, read_attestation(*arguments));
      const chain::Settlement& terms = attestation.settlement.terms;
      const chain::Digest256 statement = chain::statement_digest(terms, attestation.digests);
      std::optional<chain::Submission> submission;
      if (arguments->proof) {
        BLINDPROOF_ASSIGN(submission, submission_of(attestation, *arguments));
      }
      BLINDPROOF_ASSIGN(chain::Node node, arguments->node.connect(terms.chain_id));
      node.know(chain::contract_errors());
      BLINDPROOF_TRY(expect_contract(node, terms.contract));
      BLINDPROOF_ASSIGN(const base::Bytes answer, node.call(terms.contract, chain::encode_recorded_statement(terms.receipt_hash)));
      BLINDPROOF_ASSIGN(settled, chain::AbiReader(answer, "recordedStatement").word());
      recorded = settled == statement;
      if (recorded) return base::Status::good();
      if (settled != chain::Digest256{}) {
        refusal = base::error(ErrorCode::kRejected, "chain.recorded",
                              "the receipt was settled by another statement, " + chain::digest_text(settled));
      } else if (!submission) {
        refusal = base::error(ErrorCode::kRejected, "chain.recorded", "the receipt is not settled");
      } else {
        const auto checked = node.call(terms.contract, chain::encode_verify_receipt_proof(*submission));
        if (!checked.ok() && checked.error().code != ErrorCode::kRejected) return checked.error();
        if (!checked.ok()) {
          refusal = base::error(ErrorCode::kRejected, "chain.proof", checked.error().detail);
        } else {
          BLINDPROOF_ASSIGN(const chain::Word returned, chain::AbiReader(*checked, "verifyReceiptProof").word());
          if (returned != statement) refusal = base::error(ErrorCode::kRejected, "chain.proof", "the contract checked another statement");
        }
      }
      return base::Status::good();
    };
    if (const base::Status status = run(); !status.ok()) return session.fail(status.error());
    Json json = {
        {"accepted", !refusal.has_value()}, {"recorded", recorded}, {"proof_accepted", !recorded && !refusal ? Json(true) : Json()}};
    json.update(settlement_report(attestation));
    if (refusal) {
      json["check"] = refusal->place;
      json["error"] = error_json(*refusal);
      return session.report(json, "REFUSED by " + refusal->message() + "\n", kFailed);
    }
    return session.report(
        json, recorded ? "Settled: this statement is recorded.\n" : "Not settled yet; the contract accepts proof and signature.\n");
  });
}

}  // namespace

void add_chain_commands(CLI::App& app, Session& session) {
  CLI::App& chain = *app.add_subcommand("chain", "Contracts on an Ethereum chain: deploy, register, submit, verify");
  chain.require_subcommand(1);
  add_key(chain, session);
  add_deploy(chain, session);
  add_send(chain, session);
  add_call(chain, session);
  add_register(chain, session);
  add_submit(chain, session);
  add_claim(chain, session);
  add_verify(chain, session);
  add_verify_proof(chain, session);
}

}  // namespace blindproof::cli
