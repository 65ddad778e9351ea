#include "blindproof/cli/session.h"

#include <cstdio>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/cli/progress_bar.h"

namespace blindproof::cli {
namespace {

constexpr std::size_t kMaxThreads = 1024;

void print_line(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
  if (text.empty() || text.back() != '\n') std::fputc('\n', stream);
}

}  // namespace

void Session::add_command(CLI::App& command, std::function<int()> action) {
  command.add_option("--threads", threads_, "How many threads to use (default: one for each core)")
      ->check(CLI::Range(std::size_t{1}, kMaxThreads))
      ->group("Common options");
  command.add_flag("--json", json_, "Print one JSON object instead of text")->group("Common options");
  command.add_flag("--quiet,-q", quiet_, "No progress bar")->group("Common options");
  command.callback([this, action = std::move(action)] { action_ = action; });
}

int Session::run() {
  if (threads_ > 0) base::set_thread_count(threads_);
  const int code = action_();
  clear_progress_bar();
  if (std::fflush(stdout) == 0) return code;
  return fail(base::error(base::ErrorCode::kIo, "standard output", "can't be written"));
}

base::Progress Session::progress() const {
  return json_ || quiet_ ? base::Progress() : progress_bar();
}

int Session::report(const Json& json, const std::string& text, ExitCode code) const {
  clear_progress_bar();
  // Names of files need not be UTF-8.
  print_line(stdout, json_ ? json.dump(2, ' ', false, Json::error_handler_t::replace) : text);
  return code;
}

int Session::fail(const base::Error& error) const {
  const bool refused = error.code == base::ErrorCode::kRejected || error.code == base::ErrorCode::kMismatch;
  return fail(error, refused ? kFailed : kUnusable);
}

int Session::fail(const base::Error& error, ExitCode code) const {
  clear_progress_bar();
  if (json_) {
    return report({{"error", error_json(error)}}, "", code);
  }
  print_line(stderr, "blindproof: " + error.message());
  return code;
}

Json error_json(const base::Error& error) {
  return {{"code", base::error_code_name(error.code)}, {"place", error.place}, {"detail", error.detail}};
}

}  // namespace blindproof::cli
