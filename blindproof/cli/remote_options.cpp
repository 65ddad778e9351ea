#include "blindproof/cli/remote_options.h"

#include <stdlib.h>

#include <cstdlib>
#include <memory>

#include "blindproof/chain/key_file.h"
#include "blindproof/cli/format.h"

namespace blindproof::cli {
namespace {

using base::ErrorCode;

constexpr std::size_t kMaxKeyBytes = 4096;

/// Answers go to terminals.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string shown(const Json& value) {
  return printable(value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string describe(const Json& answer, const RemoteShape& shape) {
  if (!answer.is_object() || answer.empty()) return "Done.";
  if (!shape.text_member.empty()) return answer.value(shape.text_member, std::string());
  if (answer.contains("items") && answer["items"].is_array()) {
    std::vector<std::vector<std::string>> rows = {shape.columns};
    for (const Json& item : answer["items"]) {
      std::vector<std::string> row;
      for (const std::string& column : shape.columns) row.push_back(item.is_object() && item.contains(column) ? shown(item[column]) : "");
      rows.push_back(std::move(row));
    }
    std::string text = rows.size() > 1 ? format_table(rows) : "None.\n";
    if (const std::string next = text_of(answer, "next_cursor"); !next.empty()) text += "More: --cursor " + printable(next) + "\n";
    return text;
  }
  Sheet sheet;
  for (const auto& [name, value] : answer.items()) sheet.line(printable(name), shown(value));
  return sheet.text();
}

}  // namespace

void RemoteOption::add_to(CLI::App& command) {
  command.add_option("--server", server, "URL, e.g. http://127.0.0.1:8080 (default: the environment variable " + std::string(kServerVariable) + ")");
  command.add_option("--key-file", key_file, "API key: one line, mode 0600 (default: the environment variable " + std::string(kApiKeyVariable) + ")");
}

base::Result<service::client::Client> RemoteOption::connect(bool needs_key) const {
  const char* variable = std::getenv(kServerVariable);
  if (!server && variable == nullptr) {
    return base::error(ErrorCode::kInvalidArgument, "server", "give --server, or set the environment variable " + std::string(kServerVariable));
  }
  crypto::SecretBytes key;
  if (key_file) {
    BLINDPROOF_ASSIGN(const crypto::SecretBytes file, chain::read_secret_file(*key_file, kMaxKeyBytes));
    base::ByteSpan line = file.expose();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line = line.first(line.size() - 1);
    key = crypto::SecretBytes::copy_of(line);
  } else if (const char* text = std::getenv(kApiKeyVariable); text != nullptr) {
    key = crypto::SecretBytes::copy_of(base::as_bytes(text));
  } else if (!needs_key) {
    return service::client::Client::open(server ? *server : variable);
  } else {
    return base::error(ErrorCode::kInvalidArgument, "API key", "give --key-file, or set the environment variable " + std::string(kApiKeyVariable));
  }
  return service::client::Client::open(server ? *server : variable, key);
}

void add_remote_command(CLI::App& command, Session& session, RemoteAction action, RemoteShape shape) {
  const auto remote = std::make_shared<RemoteOption>();
  remote->add_to(command);
  session.add_command(command, [&session, remote, action = std::move(action), shape = std::move(shape)] {
    auto client = remote->connect(shape.needs_key);
    if (!client.ok()) return session.fail(client.error());
    client->set_progress(session.progress());
    const base::Result<Json> answer = action(*client);
    if (!answer.ok()) return session.fail(answer.error());
    return session.report(answer->is_null() ? Json::object() : *answer, describe(*answer, shape));
  });
}

base::Result<WorkFolder> WorkFolder::create() {
  std::string name = (std::filesystem::temp_directory_path() / "blindproof-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return base::error(ErrorCode::kIo, name, "can't be made");
  return WorkFolder(name);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void PageOption::add_to(CLI::App& command) {
  command.add_option("--limit", limit, "Entries of a page")->check(CLI::Range(1, 200))->capture_default_str();
  command.add_option("--cursor", cursor, "Where the page before ended");
}

std::string PageOption::query(const std::string& more) const {
  std::string text = "?limit=" + std::to_string(limit);
  if (!cursor.empty()) text += "&cursor=" + service::client::percent_encode(cursor);
  return more.empty() ? text : text + "&" + more;
}

base::Result<std::string> segment(const char* name, const std::string& text) {
  if (text.empty() || text == "." || text == "..") return base::error(ErrorCode::kInvalidArgument, name, "must be an id or a name");
  return service::client::percent_encode(text);
}

Json rendered(const service::client::Json& answer) { return Json::parse(answer.dump(-1, ' ', false, service::client::Json::error_handler_t::replace)); }

void merge(Json& into, const service::client::Json& answer) {
  if (answer.is_object()) into.update(rendered(answer));
}

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

}  // namespace blindproof::cli
