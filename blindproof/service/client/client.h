// A client of the service's HTTP API.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "blindproof/base/file.h"
#include "blindproof/base/progress.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/envelope/json.h"

namespace blindproof::service::client {

using envelope::Json;

/// A server-sent event. `data` is null where it isn't JSON.
struct Event {
  std::string id, name;
  Json data;
};

/// One connection, used by one thread at a time. TLS certificates are verified against the system's authorities.
///
/// Errors of requests, whose place is the server's name: kIo if it can't be reached or says that it can't serve; kLimit for quotas, rates
/// and sizes; kUnsupported and kRejected as the problem's type says; kMismatch for conflicts; kInvalidArgument for other refusals;
/// kMalformed for answers that make no sense.
class Client {
 public:
  /// `url`: "http://127.0.0.1:8080", "https://..."; without path.
  /// Errors: kInvalidArgument for anything else, or a key that isn't printable text.
  static base::Result<Client> open(std::string_view url, const crypto::SecretBytes& api_key);
  /// For requests that need no key.
  static base::Result<Client> open(std::string_view url);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // `path`: with its query, from the first slash on.
  base::Result<Json> get(const std::string& path);
  base::Result<Json> post(const std::string& path, const Json& body);
  base::Result<Json> post(const std::string& path);  // without a body
  base::Result<Json> put(const std::string& path, const Json& body);
  base::Result<Json> remove(const std::string& path);
  /// An answer in another format than JSON.
  base::Result<std::string> get_text(const std::string& path);
  /// The file as the body, streamed, with its bytes as progress ("sending").
  base::Result<Json> post_file(const std::string& path, const std::filesystem::path& file);
  base::Result<Json> put_file(const std::string& path, const std::filesystem::path& file);
  /// To a file that appears when it is whole.   Errors: also kLimit for more than max_bytes.
  base::Status download(const std::string& path, const std::filesystem::path& file, std::uint64_t max_bytes,
                        base::FileMode mode = base::FileMode::kPublic);
  /// Events after the one with id `after` (empty: all), until `take` returns false or the server ends the stream.
  base::Status events(const std::string& path, const std::string& after, const std::function<bool(const Event&)>& take);

  /// Where uploads report to from now on.
  void set_progress(base::Progress progress);

 private:
  struct Connection;
  struct Request;
  explicit Client(std::unique_ptr<Connection> connection);
  static base::Result<Client> connect(std::string_view url, crypto::SecretBytes authorization);
  base::Result<std::string> exchange(const Request& request);
  base::Result<Json> send(const Request& request);
  std::unique_ptr<Connection> connection_;
};

/// For a query's values and a path's segments.
std::string percent_encode(std::string_view text);

}  // namespace blindproof::service::client
