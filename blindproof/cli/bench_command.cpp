// blindproof bench zkml
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/benchmark.h"
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
}

}  // namespace blindproof::cli
