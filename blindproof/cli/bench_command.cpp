// blindproof bench zkml, blindproof bench fhe
#include <map>
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/hybrid_commands.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/benchmark.h"
#include "blindproof/engine/fhe_benchmark.h"
#include "blindproof/engine/inference_benchmark.h"
#include "blindproof/engine/workloads.h"

namespace blindproof::cli {
namespace {

using engine::BenchmarkOutcome;

Json to_json(const engine::BenchmarkRequest& request, const BenchmarkOutcome& outcome) {
  return {{"workload", request.workload},
          {"params", outcome.parameters},
          {"activations", outcome.activations},
          {"lookups", outcome.lookups},
          {"commit_s", outcome.commit_s},
          {"prove_s", outcome.prove_s},
          {"prove_min_s", outcome.prove_min_s},
          {"verify_s", outcome.verify_s},
          {"registration_verify_s", outcome.registration_verify_s},
          {"plain_s", outcome.plain_s},
          {"compile_s", outcome.compile_s},
          {"generators_s", outcome.generators_s},
          {"proof_bytes", outcome.proof_bytes},
          {"model_key_bytes", outcome.model_key_bytes},
          {"registration_bytes", outcome.registration_bytes},
          {"peak_rss_bytes", outcome.peak_rss_bytes},
          {"threads", outcome.threads},
          {"repeat", outcome.repeat},
          {"simd", outcome.simd},
          {"zero_knowledge", true}};
}

std::string to_text(const engine::BenchmarkRequest& request, const BenchmarkOutcome& outcome) {
  Sheet sheet;
  sheet.line("workload", request.workload)
      .line("parameters", format_count(outcome.parameters))
      .line("activations", format_count(outcome.activations))
      .line("commit", format_seconds(outcome.commit_s))
      .line("prove", format_seconds(outcome.prove_s) + " (least " + format_seconds(outcome.prove_min_s) +
                         "), weights and input hidden")
      .line("verify", format_seconds(outcome.verify_s))
      .line("registration", format_seconds(outcome.registration_verify_s) + " to verify, once for each key")
      .line("plain", format_seconds(outcome.plain_s))
      .line("generators", format_seconds(outcome.generators_s) + ", once in each process, in none of the above")
      .line("proof", format_bytes(outcome.proof_bytes))
      .line("model key", format_bytes(outcome.model_key_bytes))
      .line("peak memory", format_bytes(outcome.peak_rss_bytes))
      .line("on", std::to_string(outcome.threads) + " threads, " + outcome.simd + " kernels");
  return sheet.text();
}

Json to_json(const std::vector<engine::FheMeasurement>& measurements) {
  Json results = Json::array();
  for (const engine::FheMeasurement& m : measurements) {
    Json row = {{"scheme", m.scheme},   {"parameters", m.parameters}, {"n", m.n},
                {"log_q", m.log_q},     {"log_p", m.log_p},           {"q_limbs", m.q_limbs},
                {"p_limbs", m.p_limbs}, {"dnum", m.dnum},             {"t", m.t == 0 ? Json() : Json(m.t)},
                {"operation", m.operation}, {"threads", m.threads},   {"simd", m.simd}};
    if (m.operation == "key_bytes") {
      row["bytes"] = m.bytes;
    } else {
      row["median_us"] = m.median_us;
      row["runs"] = m.runs;
    }
    results.push_back(std::move(row));
  }
  return {{"results", std::move(results)}};
}

std::string to_text(const std::vector<engine::FheMeasurement>& measurements) {
  Sheet sheet;
  std::string parameters;
  for (const engine::FheMeasurement& m : measurements) {
    if (m.parameters != parameters) {
      parameters = m.parameters;
      sheet.line(parameters, "N = " + format_count(m.n) + ", " + std::to_string(m.q_limbs) + " + " +
                                 std::to_string(m.p_limbs) + " limbs, " + std::to_string(m.dnum) + " digits, " +
                                 std::to_string(m.threads) + " threads, " + m.simd + " kernels");
    }
    sheet.line("  " + m.operation, m.operation == "key_bytes" ? format_bytes(m.bytes) : format_seconds(m.median_us / 1e6));
  }
  return sheet.text();
}

void add_fhe_bench(CLI::App& bench, Session& session) {
  const auto request = std::make_shared<engine::FheBenchmarkRequest>();
  CLI::App& command = *bench.add_subcommand("fhe", "Time homomorphic operations; every result is decrypted and compared");
  command.add_option("--parameters", request->parameters, "A named parameter set (default: all of them)");
  command.add_option("--seconds", request->seconds, "To spend on each operation")
      ->check(CLI::Range(0.0, 60.0))->capture_default_str();
  command.footer("Example:\n  blindproof bench fhe --parameters ckks-16384-5 --threads 1 --json");
  session.add_command(command, [&session, request] {
    const auto results = engine::run_fhe_benchmark(*request, session.progress());
    if (!results.ok()) return session.fail(results.error());
    return session.report(to_json(*results), to_text(*results));
  });
}

Json to_json(const engine::InferenceBenchmarkRequest& request, const engine::InferenceBenchmarkOutcome& o) {
  const bool exact = request.exact_scheme.has_value();
  return {{"workload", request.workload},
          {"params", o.parameters},
          {"scheme", o.scheme},
          {"n", o.n},
          {"levels", o.levels},
          {"latency_s", o.latency_s},
          {"throughput_per_s", o.throughput_per_s},
          {"packing", request.packing == fheml::Packing::kBatch ? "batch" : "single"},
          {"samples", o.samples},
          {"batch", o.batch},
          {"encrypt_s", o.encrypt_s},
          {"decrypt_s", o.decrypt_s},
          {"key_bytes", o.key_bytes},
          {"ciphertext_bytes", o.ciphertext_bytes},
          {"weight_bytes", o.weight_bytes},
          {"peak_rss_bytes", o.peak_rss_bytes},
          {"accuracy_plain", o.accuracy_plain},
          {"accuracy_float_same", o.accuracy_float_same},
          {"accuracy_integer", o.accuracy_integer},
          {"accuracy_encrypted", o.accuracy_encrypted},
          {"same_as_integer", o.same_as_integer},
          {"max_abs_error", o.max_abs_error},
          {"encryption_error", exact ? Json() : Json(o.encryption_error)},
          {"predicted_error", exact ? Json() : Json(o.predicted_error)},
          {"equal_to_integer", exact ? Json(o.equal_to_integer) : Json()},
          {"plaintext_moduli", exact ? Json(o.plaintext_moduli) : Json()},
          {"encrypted_model", request.encrypted_model},
          {"encrypt_model_s", request.encrypted_model ? Json(o.encrypt_model_s) : Json()},
          {"model_privacy_bits", request.hiding_bits},
          {"lower_s", o.lower_s},
          {"key_generation_s", o.key_generation_s},
          {"encode_weights_s", o.encode_weights_s},
          {"plain_s", o.plain_s},
          {"overhead_vs_plain", o.overhead_vs_plain},
          {"threads", o.threads},
          {"simd", o.simd}};
}

std::string to_text(const engine::InferenceBenchmarkRequest& request, const engine::InferenceBenchmarkOutcome& o) {
  Sheet sheet;
  sheet.line(request.workload, format_count(o.parameters) + " parameters, " + o.scheme + ", N = " + format_count(o.n) + ", " +
                                   std::to_string(o.levels) + " levels, " + std::to_string(o.threads) + " threads, " + o.simd + " kernels")
      .line("latency", format_seconds(o.latency_s) + " at the server; " + format_seconds(o.encrypt_s) + " to encrypt, " +
                           format_seconds(o.decrypt_s) + " to decrypt" +
                           (o.batch > 1 ? "; for a batch of " + format_count(o.batch) + " samples" : ""))
      .line("throughput", format_real(o.throughput_per_s) + " samples a second")
      .line("once", format_seconds(o.lower_s) + " to lower, " + format_seconds(o.key_generation_s) + " for keys, " +
                        (request.encrypted_model ? format_seconds(o.encrypt_model_s) + " to encrypt weights, " + format_seconds(o.encode_weights_s) + " to check them"
                                                 : format_seconds(o.encode_weights_s) + " to encode weights"))
      .line("sizes", format_bytes(o.key_bytes) + " of keys, " + format_bytes(o.ciphertext_bytes) + " for an input, " +
                         format_bytes(o.weight_bytes) + " of weights in memory, " + format_bytes(o.peak_rss_bytes) + " in all")
      .line("accuracy", format_percent(o.accuracy_encrypted) + " encrypted, " + format_percent(o.accuracy_plain) + " plain, of " +
                            format_count(o.samples) + " samples; outputs off by at most " + format_real(o.max_abs_error))
      .line("the same network", format_percent(o.accuracy_float_same) + " in floats, " + format_percent(o.accuracy_integer) +
                                    " in integers, whose class " + format_percent(o.same_as_integer) + " of encrypted runs give" +
                                    (request.exact_scheme ? "; " + format_percent(o.equal_to_integer) + " give all its integers" : ""))
      .line("model privacy", request.hiding_bits > 0 ? std::to_string(request.hiding_bits) + " bits" : "none")
      .line("overhead", format_real(o.overhead_vs_plain) + " times the plain network's " + format_seconds(o.plain_s));
  return sheet.text();
}

void add_inference_bench(CLI::App& bench, Session& session) {
  const auto request = std::make_shared<engine::InferenceBenchmarkRequest>();
  CLI::App& command = *bench.add_subcommand("inference", "Time encrypted inference; every result is decrypted and compared");
  std::string names;
  for (const std::string& name : engine::inference_workload_names()) names += (names.empty() ? "" : ", ") + name;
  command.add_option("--workload", request->workload, names)->required();
  const auto scheme = std::make_shared<std::string>("ckks");
  command.add_option("--scheme", *scheme, "ckks: the float network; bfv, bgv: its integers, exactly")
      ->check(CLI::IsMember({"ckks", "bfv", "bgv"}))->capture_default_str();
  command.add_option("--bits", request->bits, "Of integer weights and inputs (default: the workload's)")->check(CLI::Range(4, 16));
  command.add_option("--samples", request->samples,
                     "Inputs, one after the other, of which medians are reported (default: 500; 20 for seeded networks), or in a batch (2000)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{2000}));
  command.add_option("--packing", request->packing,
                     "single: one sample at a time; batch: as many as a ciphertext has slots, filled up with the same samples again")
      ->transform(CLI::CheckedTransformer(std::map<std::string, fheml::Packing>{{"single", fheml::Packing::kSingle},
                                                                               {"batch", fheml::Packing::kBatch}}))
      ->default_str("single");
  command.add_option("--degree", request->degree, "Of activations that aren't squares")->check(CLI::Range(2, 511))->capture_default_str();
  command.add_option("--model-privacy", request->hiding_bits, "Bits by which a flood hides the weights from the client; 0: no flood")
      ->check(CLI::Range(0, 44))->capture_default_str();
  command.add_flag("--encrypted-model", request->encrypted_model, "Weights encrypted under the client's key too (CKKS, one sample at a time)");
  command.add_option("--models", request->models, "Folder of the trained networks (default: the source tree's models/)");
  command.add_option("--data", request->data,
                     "Folder of the tables that models/tables/make_data.py makes (default: the source tree's build/data/)");
  command.footer("Example:\n  blindproof bench inference --workload mnist-mlp --json");
  session.add_command(command, [&session, request, scheme] {
    if (*scheme != "ckks") request->exact_scheme = *scheme == "bfv" ? fheml::ExactScheme::kBfv : fheml::ExactScheme::kBgv;
    const auto outcome = engine::run_inference_benchmark(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    return session.report(to_json(*request, *outcome), to_text(*request, *outcome));
  });
}

}  // namespace

void add_bench_command(CLI::App& app, Session& session) {
  CLI::App& bench = *app.add_subcommand("bench", "Measure whole workloads");
  bench.require_subcommand(1);
  bench.footer("Example:\n  blindproof bench zkml --workload mlp-2m --json");
  const auto request = std::make_shared<engine::BenchmarkRequest>();
  CLI::App& command = *bench.add_subcommand("zkml", "Commit, prove and verify; every proof is verified for real");
  std::string names;
  for (const std::string& name : engine::workload_names()) names += (names.empty() ? "" : ", ") + name;
  command.add_option("--workload", request->workload, names)->required();
  command.add_option("--repeat", request->repeat, "Proofs to make, each of another input; medians are reported")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))->capture_default_str();
  command.add_option("--models", request->models, "Folder of the real networks (default: the source tree's models/)");
  command.footer("prove: wall time from the input in memory to the proof's bytes.\n"
                 "verify: from the bytes of key and proof, registration apart. docs/cli.md explains every field.\n"
                 "Example:\n  blindproof bench zkml --workload mlp-2m --threads 2 --json");
  session.add_command(command, [&session, request] {
    const auto outcome = engine::run_benchmark(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    return session.report(to_json(*request, *outcome), to_text(*request, *outcome));
  });
  add_fhe_bench(bench, session);
  add_groth16_bench(bench, session);
  add_hybrid_bench(bench, session);
  add_inference_bench(bench, session);
}

}  // namespace blindproof::cli
