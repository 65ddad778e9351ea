// What commands that talk to a service share.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/cli/session.h"
#include "blindproof/service/client/client.h"

namespace blindproof::cli {

inline constexpr const char* kServerVariable = "BLINDPROOF_SERVER";
inline constexpr const char* kApiKeyVariable = "BLINDPROOF_API_KEY";

/// --server and --key-file; without them the environment. No option takes the key itself: arguments are seen by every process.
struct RemoteOption {
  std::optional<std::string> server;
  std::optional<std::filesystem::path> key_file;

  void add_to(CLI::App& command);
  /// Without `needs_key`, a key is sent if there is one.
  base::Result<service::client::Client> connect(bool needs_key = true) const;
};

/// What a command asks of the service: what it prints is the answer.
using RemoteAction = std::function<base::Result<Json>(service::client::Client&)>;

/// How an answer is shown, and asked for.
struct RemoteShape {
  std::vector<std::string> columns = {};  // of a list's table
  std::string text_member = {};           // printed alone, if it is not --json
  bool needs_key = true;
};

/// Lists ("items") become a table, objects a sheet.
void add_remote_command(CLI::App& command, Session& session, RemoteAction action, RemoteShape shape = {});

/// For files on their way. Removed with what is in it.
class WorkFolder {
 public:
  static base::Result<WorkFolder> create();
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  std::filesystem::path at(const char* name) const { return path_ / name; }

 private:
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// --limit and --cursor of lists.
struct PageOption {
  std::size_t limit = 50;
  std::string cursor;
  void add_to(CLI::App& command);
  /// "?limit=50&cursor=...&more"
  std::string query(const std::string& more = "") const;
};

/// What is in a path's segment, which must not be empty.
base::Result<std::string> segment(const char* name, const std::string& text);
/// The answer as commands print it.
Json rendered(const service::client::Json& answer);
/// Its members over those of `into`; nothing if it is no object.
void merge(Json& into, const service::client::Json& answer);
/// "" for what isn't there, or isn't text: a server may answer anything.
std::string text_of(const Json& object, const char* name);

}  // namespace blindproof::cli
