// blindproof remote: the service's API from the command line.
#include "blindproof/cli/remote_commands.h"

#include "blindproof/cli/remote_options.h"

namespace blindproof::cli {
namespace {

using base::Result;
using service::client::Client;

void add_server_commands(CLI::App& remote, Session& session) {
  CLI::App& status = *remote.add_subcommand("status", "Whether a service runs and can serve, and its version");
  status.footer("Example:\n  blindproof remote status --server http://127.0.0.1:8080");
  add_remote_command(
      status, session,
      [](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto live, client.get("/health/live"));
        BLINDPROOF_ASSIGN(const auto ready, client.get("/health/ready"));
        BLINDPROOF_ASSIGN(const auto server, client.get("/v2"));
        Json answer = Json::object();
        for (const auto& part : {server, live, ready}) merge(answer, part);
        return answer;
      },
      {.columns = {}, .text_member = {}, .needs_key = false});

  CLI::App& metrics = *remote.add_subcommand("metrics", "A service's counters, in Prometheus' text format");
  metrics.footer("Example:\n  blindproof remote metrics | grep blindproof_jobs");
  add_remote_command(
      metrics, session,
      [](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const std::string text, client.get_text("/metrics"));
        return Json{{"metrics", text}};
      },
      {.columns = {}, .text_member = "metrics", .needs_key = false});

  CLI::App& openapi = *remote.add_subcommand("openapi", "The description of all requests, as OpenAPI 3.1");
  openapi.footer("Example:\n  blindproof remote openapi > openapi.json");
  add_remote_command(
      openapi, session,
      [](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto document, client.get("/openapi.json"));
        return Json{{"openapi", document.dump(2, ' ', false, service::client::Json::error_handler_t::replace)}};
      },
      {.columns = {}, .text_member = "openapi", .needs_key = false});
}

}  // namespace

void add_remote_commands(CLI::App& app, Session& session) {
  CLI::App& remote = *app.add_subcommand("remote", "Use a service: models, inference at three levels, jobs, proofs, listings, receipts");
  remote.require_subcommand(1);
  remote.footer("Every command takes --server (or the variable " + std::string(kServerVariable) + ") and --key-file (or " + std::string(kApiKeyVariable) +
                ").\nExample: a model's owner and a client\n"
                "  blindproof remote models create digits\n"
                "  blindproof remote models upload MODEL net.bpm\n"
                "  blindproof remote models key MODEL --out net.bpk\n"
                "  blindproof remote infer MODEL --level zkml --input x.npy --proof p.bpp --model-key net.bpk");
  add_server_commands(remote, session);
  add_remote_model_commands(remote, session);
  add_remote_job_commands(remote, session);
  add_remote_market_commands(remote, session);
}

}  // namespace blindproof::cli
