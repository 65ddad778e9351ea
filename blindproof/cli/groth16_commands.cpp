// blindproof groth16, blindproof bench groth16
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/groth16.h"
#include "blindproof/engine/groth16_benchmark.h"
#include "blindproof/engine/solidity_verifier.h"

namespace blindproof::cli {
namespace {

constexpr const char* kWarning = "INSECURE: the key is of a development setup. Whoever has seen its randomness can forge proofs.\n";

void add_setup(CLI::App& group, Session& session) {
  const auto request = std::make_shared<engine::Groth16SetupRequest>();
  CLI::App& command = *group.add_subcommand("setup", "Make the keys of a circuit");
  command.add_option("circuit", request->circuit, "C.r1cs, as circom writes it")->required();
  command.add_option("--out", request->out, "C.zkey to write: the proving key")->required();
  command.add_option("--ptau", request->ptau, "P.ptau of a ceremony, which is verified: the key then needs contributions");
  command.add_flag("--trust-ptau", request->trust_ptau, "The .ptau file was verified before");
  command.add_option("--verification-key", request->verification_key, "With --dev: VK.json to write, as snarkjs does");
  command.add_flag("--dev", request->development, "From this machine's randomness alone: for development, and marked so in the files");
  command.footer("Files of ceremonies are snarkjs's: begin one with `groth16 ptau new`, or take a public one.\n"
                 "Examples:\n  blindproof groth16 setup circuit.r1cs --dev --out circuit.zkey --verification-key vk.json\n"
                 "  blindproof groth16 setup circuit.r1cs --ptau powers.ptau --out 0.zkey");
  session.add_command(command, [&session, request] {
    const auto outcome = engine::groth16_setup(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    sheet.line("constraints", format_count(outcome->constraints)).line("wires", format_count(outcome->wires)).line("public", format_count(outcome->public_values))
        .line("time", format_seconds(outcome->seconds));
    Json json = {{"key", request->out}, {"constraints", outcome->constraints}, {"wires", outcome->wires}, {"public_values", outcome->public_values},
                 {"insecure", request->development}, {"seconds", outcome->seconds}};
    if (request->development) return session.report(json, kWarning + sheet.text());
    json["circuit_hash"] = outcome->circuit_hash;
    sheet.line("circuit hash", outcome->circuit_hash);
    return session.report(json, sheet.text() + "Proofs under this key can be forged until somebody contributes: `groth16 contribute`.\n");
  });
}

void add_prove(CLI::App& group, Session& session) {
  const auto request = std::make_shared<engine::Groth16ProveRequest>();
  CLI::App& command = *group.add_subcommand("prove", "Prove that a witness satisfies a circuit");
  command.add_option("--key", request->key, "C.zkey")->required();
  command.add_option("--witness", request->witness, "W.wtns, as circom's generators write it")->required();
  command.add_option("--proof", request->proof, "PROOF.json to write")->required();
  command.add_option("--public", request->public_values, "PUBLIC.json to write")->required();
  command.footer("Example:\n  blindproof groth16 prove --key circuit.zkey --witness witness.wtns --proof proof.json --public public.json");
  session.add_command(command, [&session, request] {
    const auto outcome = engine::groth16_prove(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    sheet.line("proof", request->proof.string()).line("public values", format_count(outcome->public_values)).line("time", format_seconds(outcome->seconds));
    return session.report({{"proof", request->proof}, {"public", request->public_values}, {"public_values", outcome->public_values},
                           {"insecure_key", outcome->insecure_key}, {"seconds", outcome->seconds}},
                          (outcome->insecure_key ? kWarning : "") + sheet.text());
  });
}

void add_verify(CLI::App& group, Session& session) {
  const auto request = std::make_shared<engine::Groth16VerifyRequest>();
  CLI::App& command = *group.add_subcommand("verify", "Verify a proof");
  command.add_option("--key", request->key, "VK.json, or C.zkey")->required();
  command.add_option("--proof", request->proof, "PROOF.json")->required();
  command.add_option("--public", request->public_values, "PUBLIC.json")->required();
  command.add_flag("--allow-dev", request->allow_development, "Accept keys of development setups");
  command.footer("Exit code: 0 proven; 1 refused, and by which check; 2 input that can't be used.\n"
                 "Example:\n  blindproof groth16 verify --key vk.json --proof proof.json --public public.json");
  session.add_command(command, [&session, request] {
    const auto verdict = engine::groth16_verify(*request);
    if (!verdict.ok()) return session.fail(verdict.error(), kUnusable);
    if (verdict->refusal) {
      return session.report({{"accepted", false}, {"check", verdict->refusal->place}, {"error", error_json(*verdict->refusal)}},
                            "Refused by check " + verdict->refusal->message(), kFailed);
    }
    return session.report({{"accepted", true}, {"insecure_key", verdict->insecure_key}, {"public", verdict->public_values}, {"seconds", verdict->seconds}},
                          std::string(verdict->insecure_key ? kWarning : "") + "Proven, for " + format_count(verdict->public_values.size()) +
                              " public values, in " + format_seconds(verdict->seconds) + ".\n",
                          kGood);
  });
}

void add_export_verifier(CLI::App& group, Session& session) {
  const auto request = std::make_shared<engine::ExportVerifierRequest>();
  CLI::App& command = *group.add_subcommand("export-verifier", "Write the Solidity contract that verifies proofs under a key");
  command.add_option("key", request->key, "VK.json")->required();
  command.add_option("--circuit", request->circuit, "C.r1cs that the key was made for: the contract carries its hash")->required();
  command.add_option("--out", request->out, "V.sol to write")->required();
  command.add_option("--contract", request->contract, "The contract's name")->capture_default_str();
  command.add_flag("--allow-dev", request->allow_development, "Accept keys of development setups");
  command.add_flag("--check", request->check, "Write nothing: fail unless V.sol is the contract of this key and this circuit");
  command.footer("What the contract's hashes are of: docs/spec/contracts.md, section 2.\n"
                 "Example:\n  blindproof groth16 export-verifier vk.json --circuit circuit.r1cs --out Verifier.sol");
  session.add_command(command, [&session, request] {
    const auto exported = engine::export_verifier(*request);
    if (!exported.ok()) return session.fail(exported.error());
    const std::string circuit_hash = "0x" + base::to_hex(exported->circuit_hash), key_hash = "0x" + base::to_hex(exported->key_hash);
    Sheet sheet;
    sheet.line("contract", request->contract).line("public values", format_count(exported->inputs)).line("circuit hash", circuit_hash).line("key hash", key_hash);
    return session.report({{"out", request->out}, {"contract", request->contract}, {"public_values", exported->inputs}, {"circuit_hash", circuit_hash},
                           {"key_hash", key_hash}, {"insecure_key", exported->insecure_key}},
                          (exported->insecure_key ? kWarning : "") + sheet.text());
  });
}

}  // namespace

void add_groth16_commands(CLI::App& app, Session& session) {
  CLI::App& group = *app.add_subcommand("groth16", "Proofs for circom's circuits, in the files of circom and snarkjs");
  group.require_subcommand(1);
  add_setup(group, session);
  add_ceremony_commands(group, session);
  add_witness_command(group, session);
  add_prove(group, session);
  add_verify(group, session);
  add_export_verifier(group, session);
}

void add_groth16_bench(CLI::App& bench, Session& session) {
  const auto request = std::make_shared<engine::Groth16BenchmarkRequest>();
  CLI::App& command = *bench.add_subcommand("groth16", "Time Groth16 on chains of Poseidon hashes; every proof is verified");
  command.add_option("--sizes", request->log_constraints, "Logarithms of the numbers of constraints")
      ->check(CLI::Range(9, 22))->capture_default_str()->delimiter(',');
  command.footer("The peak of memory is that of proving and verifying; the setup's is in the JSON.\n"
                 "Example:\n  blindproof bench groth16 --sizes 16,18 --json");
  session.add_command(command, [&session, request] {
    const auto results = engine::run_groth16_benchmark(*request, session.progress());
    if (!results.ok()) return session.fail(results.error());
    Json rows = Json::array();
    std::vector<std::vector<std::string>> table{{"constraints", "setup", "prove", "verify", "key", "peak memory"}};
    for (const engine::Groth16Measurement& m : *results) {
      rows.push_back({{"constraints", m.constraints}, {"log_domain", m.log_domain}, {"setup_s", m.setup_s}, {"prove_s", m.prove_s}, {"verify_s", m.verify_s},
                      {"zkey_bytes", m.zkey_bytes}, {"setup_peak_rss_bytes", m.setup_peak_rss_bytes}, {"peak_rss_bytes", m.peak_rss_bytes}, {"threads", m.threads}});
      table.push_back({format_count(m.constraints), format_seconds(m.setup_s), format_seconds(m.prove_s), format_seconds(m.verify_s), format_bytes(m.zkey_bytes),
                       format_bytes(m.peak_rss_bytes)});
    }
    return session.report({{"results", std::move(rows)}}, format_table(table));
  });
}

}  // namespace blindproof::cli
