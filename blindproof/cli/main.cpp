#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string_view>

#include "blindproof/cli/interrupts.h"
#include "blindproof/cli/progress_bar.h"
#include "blindproof/cli/session.h"

namespace blindproof::cli {
namespace {

constexpr const char* kDescription =
    "Proofs that a committed, hidden neural network gave an answer.\n"
    "An owner compiles and commits to a model once, then proves answers; anybody verifies them.";
constexpr const char* kFooter =
    "Example: from a network to a checked answer\n"
    "  blindproof model compile net.onnx --calibration data.npz --out net.bpm\n"
    "  blindproof model commit net.bpm --out net.bpk\n"
    "  blindproof prove net.bpm --model-key net.bpk --input x.npy --out p.bpp --hide-input\n"
    "  blindproof verify p.bpp --model-key net.bpk\n"
    "Exit codes: 0 good; 1 the work failed, or a proof was refused; 2 input that can't be used.\n"
    "Environment: BLINDPROOF_SIMD=scalar, avx2 or ifma (default: the best this CPU has; the results are the same).";

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

int run(int argc, char** argv) {
  Session session(wants_json(argc, argv));
  CLI::App app(kDescription, "blindproof");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", BLINDPROOF_VERSION);
  add_model_commands(app, session);
  add_prove_command(app, session);
  add_verify_command(app, session);
  add_plan_command(app, session);
  add_fhe_commands(app, session);
  add_groth16_commands(app, session);
  add_receipt_commands(app, session);
  add_chain_commands(app, session);
  add_serve_command(app, session);
  add_remote_commands(app, session);
  add_admin_commands(app, session);
  add_bench_command(app, session);
  add_data_command(app, session);
  add_completion_command(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return session.fail(base::error(base::ErrorCode::kInvalidArgument, "arguments",
                                    std::string(error.what()) + " (see --help)"),
                        kUnusable);
  }
  try {
    return session.run();
  } catch (const std::bad_alloc&) {
    return session.fail(base::error(base::ErrorCode::kLimit, "memory", "there is not enough for this"), kUnusable);
  } catch (const std::exception& error) {
    return session.fail(base::error(base::ErrorCode::kIo, "unexpected failure", error.what()), kUnusable);
  }
}

}  // namespace
}  // namespace blindproof::cli

int main(int argc, char** argv) {
  try {
    blindproof::cli::handle_interrupts();
    return blindproof::cli::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "blindproof: unexpected failure: %s\n", error.what());
    return blindproof::cli::kUnusable;
  }
}
