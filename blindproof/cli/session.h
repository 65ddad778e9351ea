// What all commands share: common options, output as text or JSON, exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"

namespace blindproof::cli {

using Json = nlohmann::ordered_json;

enum ExitCode : int { kGood = 0, kFailed = 1, kUnusable = 2 };

class Session {
 public:
  explicit Session(bool json) : json_(json) {}

  /// Adds --threads, --json and --quiet and makes `action` what the program does if the user chose this command.
  void add_command(CLI::App& command, std::function<int()> action);
  /// Runs the chosen command.
  int run();

  /// To be handed to the engine: a bar on a terminal, nothing elsewhere.
  base::Progress progress() const;

  /// Prints one of the two.
  int report(const Json& json, const std::string& text, ExitCode code = kGood) const;
  /// Prints the error. Rejections and mismatches are failures, anything else is unusable input.
  int fail(const base::Error& error) const;
  int fail(const base::Error& error, ExitCode code) const;

 private:
  bool json_;
  bool quiet_ = false;
  std::size_t threads_ = 0;
  std::function<int()> action_;
};

Json error_json(const base::Error& error);

// One for each group of commands.
void add_model_commands(CLI::App& app, Session& session);
void add_prove_command(CLI::App& app, Session& session);
void add_verify_command(CLI::App& app, Session& session);
void add_lower_command(CLI::App& model, Session& session);
void add_encrypt_model_command(CLI::App& model, Session& session);
void add_plan_command(CLI::App& app, Session& session);
void add_fhe_commands(CLI::App& app, Session& session);
void add_serve_command(CLI::App& app, Session& session);
void add_bench_command(CLI::App& app, Session& session);
void add_data_command(CLI::App& app, Session& session);
void add_groth16_commands(CLI::App& app, Session& session);
void add_ceremony_commands(CLI::App& groth16, Session& session);
void add_witness_command(CLI::App& groth16, Session& session);
void add_groth16_bench(CLI::App& bench, Session& session);
void add_receipt_commands(CLI::App& app, Session& session);
void add_chain_commands(CLI::App& app, Session& session);
void add_remote_commands(CLI::App& app, Session& session);
void add_admin_commands(CLI::App& app, Session& session);
/// Requires: all others are there.
void add_completion_command(CLI::App& app, Session& session);

}  // namespace blindproof::cli
