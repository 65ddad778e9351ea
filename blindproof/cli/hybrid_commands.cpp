#include "blindproof/cli/hybrid_commands.h"

#include <cmath>
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/engine/hybrid_benchmark.h"

namespace blindproof::cli {
namespace {

std::string bits(double value) { return format_real(std::round(10 * value) / 10) + " bits"; }

void add_parameters(const hybrid::Parameters& parameters, Sheet& sheet) {
  sheet.line("plaintext modulus", std::to_string(parameters.t) + ", for values of up to " + bits(parameters.plaintext_bits))
      .line("noise", bits(parameters.noise_typical_bits) + " typically, " + bits(parameters.noise_worst_bits) + " at worst; " +
                         bits(parameters.phase_bits) + " with the flood")
      .line("room", bits(parameters.room_bits) + " above the worst case")
      .line("model privacy", std::to_string(hybrid::kHidingBits) + " bits for " + format_count(static_cast<std::size_t>(parameters.evaluations)) +
                                 " answers to one client, by a flood of " + std::to_string(parameters.flood_bits) + " bits");
}

Json to_json(const hybrid::Parameters& parameters) {
  return {{"t", parameters.t},
          {"flood_bits", parameters.flood_bits},
          {"evaluations", parameters.evaluations},
          {"plaintext_bits", parameters.plaintext_bits},
          {"noise_typical_bits", parameters.noise_typical_bits},
          {"noise_worst_bits", parameters.noise_worst_bits},
          {"phase_bits", parameters.phase_bits},
          {"noise_bits_left", parameters.room_bits}};
}

}  // namespace

int lower_hybrid(const Session& session, const engine::LowerHybridRequest& request) {
  const auto outcome = engine::lower_hybrid_model(request);
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  sheet.line("scheme", "BGV modulo BN254's scalar prime, N = 16384, " + std::to_string(outcome->security_bits) + " bits of security");
  add_parameters(outcome->parameters, sheet);
  const std::string hidden = outcome->hidden > 0 ? "-" + std::to_string(outcome->hidden) : "";
  sheet.line("network", std::to_string(outcome->features) + hidden + "-" + std::to_string(outcome->outputs) + ", up to " +
                            format_count(outcome->max_records) + " records at once")
      .line("encrypted batch", format_bytes(outcome->input_bytes) + " in, " + format_bytes(outcome->output_bytes) + " out, whatever the number of records")
      .line("files", format_bytes(outcome->program_bytes) + " program (secret), " + format_bytes(outcome->spec_bytes) + " client's spec")
      .line("time", format_seconds(outcome->seconds))
      .line("note", "exact answers reveal a small model: after " +
                        format_count((outcome->features + 1) * (outcome->hidden > 0 ? outcome->features + 2 : 2) / 2) +
                        " records a client may compute an equal one");
  return session.report({{"program", request.out.string()},
                         {"spec", request.spec.string()},
                         {"level", "hybrid"},
                         {"parameters", to_json(outcome->parameters)},
                         {"security_bits", outcome->security_bits},
                         {"features", outcome->features},
                         {"hidden", outcome->hidden},
                         {"outputs", outcome->outputs},
                         {"max_records", outcome->max_records},
                         {"input_bytes", outcome->input_bytes},
                         {"output_bytes", outcome->output_bytes},
                         {"program_bytes", outcome->program_bytes},
                         {"spec_bytes", outcome->spec_bytes},
                         {"seconds", outcome->seconds}},
                        sheet.text());
}

int generate_hybrid_keys(const Session& session, const engine::Path& spec, const engine::Path& folder,
                         const std::optional<crypto::SecretBytes>& passphrase) {
  const auto outcome = engine::generate_hybrid_keys_for(spec, folder, passphrase);
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  sheet.line("key id", base::to_hex(outcome->key_id))
      .line(engine::kSecretKeyName, format_bytes(outcome->secret_bytes) + ", keep it" + (passphrase ? " (needs the passphrase)" : ""))
      .line(engine::kPublicKeyName, format_bytes(outcome->public_bytes) + ", for the server")
      .line("time", format_seconds(outcome->seconds));
  return session.report({{"folder", folder.string()},
                         {"level", "hybrid"},
                         {"t", outcome->t},
                         {"key_id", base::to_hex(outcome->key_id)},
                         {"secret_bytes", outcome->secret_bytes},
                         {"public_bytes", outcome->public_bytes},
                         {"passphrase", passphrase.has_value()},
                         {"seconds", outcome->seconds}},
                        "Keys are in " + folder.string() + ".\n" + sheet.text());
}

int inspect_hybrid(const Session& session, const engine::Path& file) {
  const auto summary = engine::inspect_hybrid_file(file);
  if (!summary.ok()) return session.fail(summary.error());
  const char* kind = summary->kind == hybrid::FileKind::kSecretKey ? "secret key" : summary->kind == hybrid::FileKind::kPublicKey ? "public key" : "ciphertexts";
  Sheet sheet;
  sheet.line("file", std::string(kind) + " of the hybrid level, " + format_bytes(summary->file_bytes))
      .line("scheme", "BGV modulo BN254's scalar prime, N = 16384")
      .line("plaintext modulus", std::to_string(summary->header.t))
      .line("key id", base::to_hex(summary->header.key_id));
  Json json = {{"file", file.string()},
               {"kind", kind},
               {"level", "hybrid"},
               {"file_bytes", summary->file_bytes},
               {"t", summary->header.t},
               {"key_id", base::to_hex(summary->header.key_id)}};
  if (summary->kind == hybrid::FileKind::kSecretKey) {
    sheet.line("protection", summary->passphrase ? "a passphrase" : "none but the file's mode");
    json["passphrase"] = summary->passphrase;
  }
  if (summary->digest) {
    sheet.line("digest", base::to_hex(*summary->digest) + ", which proofs name");
    json["digest"] = base::to_hex(*summary->digest);
  }
  if (summary->kind == hybrid::FileKind::kCiphertexts) {
    sheet.line("ciphertexts", format_count(summary->ciphertexts) + " of " + std::to_string(summary->components) + " components, for " +
                                  format_count(summary->records) + (summary->records == 1 ? " record" : " records"));
    json["ciphertexts"] = summary->ciphertexts;
    json["components"] = summary->components;
    json["records"] = summary->records;
  }
  return session.report(json, sheet.text());
}

int encrypt_hybrid(const Session& session, const engine::EncryptRecordsRequest& request) {
  const auto outcome = engine::encrypt_hybrid_input(request);
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  sheet.line("encrypted input", format_count(outcome->records) + (outcome->records == 1 ? " record of " : " records of ") +
                                    format_count(outcome->features) + " features, " + format_bytes(outcome->file_bytes))
      .line("time", format_seconds(outcome->seconds));
  return session.report({{"ciphertexts_file", request.out.string()},
                         {"level", "hybrid"},
                         {"records", outcome->records},
                         {"features", outcome->features},
                         {"file_bytes", outcome->file_bytes},
                         {"seconds", outcome->seconds}},
                        sheet.text());
}

int infer_hybrid(const Session& session, const engine::HybridInferRequest& request) {
  const auto outcome = engine::infer_hybrid(request);
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  add_parameters(outcome->parameters, sheet);
  sheet.line("encrypted output", format_bytes(outcome->file_bytes) + " for " + format_count(outcome->records) +
                                     (outcome->records == 1 ? " record" : " records"))
      .line("proof", request.proof ? format_bytes(outcome->proof_bytes) + " in " + request.proof->string() + ", of model " + base::to_hex(outcome->model)
                                   : "none: nothing shows the client what was evaluated, and `decrypt` refuses the answer without --unverified");
  std::string time = format_seconds(outcome->infer_seconds) + " for the evaluation, " + format_seconds(outcome->load_seconds) + " to load files";
  if (request.proof) time += ", " + format_seconds(outcome->prove_seconds) + " to prove, " + format_seconds(outcome->check_seconds) + " to check the proof";
  sheet.line("time", time);
  Json json = {{"output_file", request.out.string()},
               {"level", "hybrid"},
               {"parameters", to_json(outcome->parameters)},
               {"records", outcome->records},
               {"proven", request.proof.has_value()},
               {"file_bytes", outcome->file_bytes},
               {"infer_seconds", outcome->infer_seconds},
               {"load_seconds", outcome->load_seconds}};
  if (request.proof) {
    json["proof_file"] = request.proof->string();
    json["model_id"] = base::to_hex(outcome->model);
    json["proof_bytes"] = outcome->proof_bytes;
    json["prove_seconds"] = outcome->prove_seconds;
    json["check_seconds"] = outcome->check_seconds;
  }
  return session.report(json, sheet.text());
}

int decrypt_hybrid(const Session& session, const engine::DecryptRecordsRequest& request) {
  const auto outcome = engine::decrypt_hybrid_output(request);
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  sheet.line("output", format_count(outcome->records) + (outcome->records == 1 ? " record in " : " records in ") + request.out.string());
  if (outcome->records == 1) {
    sheet.line("values", format_values(outcome->values)).line("integers", format_values(outcome->integers));
    if (outcome->classes.size() == 1) sheet.line("class", std::to_string(outcome->classes[0]));
  }
  sheet.line("proof", request.proof ? "verified: " + request.proof->string() : "none was checked: this may be any server's number").line("time", format_seconds(outcome->seconds));
  return session.report({{"values_file", request.out.string()},
                         {"level", "hybrid"},
                         {"shape", outcome->shape},
                         {"records", outcome->records},
                         {"values", outcome->values},
                         {"integers", integers_json(outcome->integers)},
                         {"classes", outcome->classes},
                         {"verified", request.proof.has_value()},
                         {"seconds", outcome->seconds}},
                        sheet.text());
}

int verify_hybrid(const Session& session, const engine::VerifyAnswerRequest& request) {
  const auto verdict = engine::verify_answer(request);
  // A refusal is a verdict; an error means that there was nothing to judge.
  if (!verdict.ok()) return session.fail(verdict.error(), kUnusable);
  const std::string model = base::to_hex(verdict->key->id);
  if (verdict->refusal) {
    return session.report({{"accepted", false}, {"level", "hybrid"}, {"model_id", model}, {"check", verdict->refusal->place},
                           {"error", error_json(*verdict->refusal)}},
                          "Refused by check " + verdict->refusal->message(), kFailed);
  }
  const Json json = {{"accepted", true},
               {"level", "hybrid"},
               {"model_id", model},
               {"registration_checked", true},
               {"records", verdict->records},
               {"features", verdict->features},
               {"outputs", verdict->outputs},
               {"t", verdict->plaintext_modulus},
               {"flood_bits", verdict->flood_bits},
               {"evaluations", verdict->evaluations},
               {"context", base::to_hex(verdict->context)},
               {"proof_bytes", verdict->proof_bytes},
               {"load_seconds", verdict->load_seconds},
               {"registration_seconds", verdict->registration_seconds},
               {"proof_seconds", verdict->proof_seconds}};
  Sheet sheet;
  sheet.line("model", model)
      .line("answer", format_count(verdict->records) + (verdict->records == 1 ? " record of " : " records of ") + format_count(verdict->features) +
                          " features to " + format_count(verdict->outputs) + (verdict->outputs == 1 ? " output" : " outputs") + ", all encrypted")
      .line("context", verdict->context.empty() ? "none" : base::to_hex(verdict->context))
      .line("parameters", "every parameter of the model is in its declared range, every layer within its bounds (registrations checked)")
      .line("proof", format_bytes(verdict->proof_bytes))
      .line("time", format_seconds(verdict->proof_seconds) + " for the proof, " + format_seconds(verdict->registration_seconds) +
                        " for the model key, " + format_seconds(verdict->load_seconds) + " to read files");
  return session.report(json, "Proven: the committed model maps the encrypted input to the encrypted output.\n" + sheet.text());
}

void add_hybrid_bench(CLI::App& bench, Session& session) {
  const auto request = std::make_shared<engine::HybridBenchmarkRequest>();
  CLI::App& command = *bench.add_subcommand("hybrid", "Verified encrypted inference; every answer is verified, decrypted and compared");
  std::string names;
  for (const std::string& name : engine::hybrid_workload_names()) names += (names.empty() ? "" : ", ") + name;
  command.add_option("--workload", request->workload, names)->required();
  command.add_option("--repeat", request->runs, "Inferences, proofs and verifications; medians are reported")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))->capture_default_str();
  command.add_option("--models", request->models, "Folder of the trained networks (default: the source tree's models/)");
  command.add_option("--data", request->data, "Folder of tables that models/tables/make_data.py makes (default: the source tree's build/data)");
  command.footer("Reading and hashing ciphertexts counts in infer and verify. docs/cli.md explains every field.\n"
                 "Example:\n  blindproof bench hybrid --workload breast-cancer-mlp --threads 2 --json");
  session.add_command(command, [&session, request] {
    const auto outcome = engine::run_hybrid_benchmark(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    const hybrid::Parameters& parameters = outcome->parameters;
    const Json json = {{"workload", request->workload},
                       {"network", outcome->network},
                       {"params", to_json(parameters)},
                       {"records", outcome->records},
                       {"features", outcome->features},
                       {"weight_bits", outcome->weight_bits},
                       {"input_bits", outcome->input_bits},
                       {"flood_bits", parameters.flood_bits},
                       {"commit_s", outcome->commit_s},
                       {"bounds_check_s", outcome->bounds_check_s},
                       {"encrypt_s", outcome->encrypt_s},
                       {"infer_s", outcome->infer_s},
                       {"prove_s", outcome->prove_s},
                       {"verify_s", outcome->verify_s},
                       {"decrypt_s", outcome->decrypt_s},
                       {"proof_bytes", outcome->proof_bytes},
                       {"ciphertext_bytes", outcome->ciphertext_bytes},
                       {"peak_rss_bytes", outcome->peak_rss_bytes},
                       {"threads", outcome->threads},
                       {"prove_over_infer", outcome->prove_s / outcome->infer_s},
                       {"noise_bits_left", parameters.room_bits},
                       {"accuracy_float", outcome->accuracy_float},
                       {"accuracy", outcome->accuracy}};
    Sheet sheet;
    sheet.line("network", outcome->network + ", " + std::to_string(outcome->weight_bits) + "-bit weights, " + std::to_string(outcome->input_bits) +
                              "-bit inputs, " + format_count(outcome->records) + " records");
    add_parameters(parameters, sheet);
    sheet.line("encrypt", format_seconds(outcome->encrypt_s) + ", " + format_bytes(outcome->ciphertext_bytes))
        .line("infer", format_seconds(outcome->infer_s))
        .line("prove", format_seconds(outcome->prove_s) + ", " + format_bytes(outcome->proof_bytes))
        .line("verify", format_seconds(outcome->verify_s))
        .line("decrypt", format_seconds(outcome->decrypt_s))
        .line("memory", format_bytes(outcome->peak_rss_bytes) + " at most, " + std::to_string(outcome->threads) + " threads")
        .line("accuracy", format_real(outcome->accuracy) + "%, of the float network " + format_real(outcome->accuracy_float) + "%");
    return session.report(json, sheet.text());
  });
}

}  // namespace blindproof::cli
