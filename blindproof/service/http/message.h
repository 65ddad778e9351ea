// Requests and responses as handlers see them, whatever the transport.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blindproof/base/bytes.h"

namespace blindproof::service::http {

struct RequestHead {
  std::string method, target;  // target: path and query as they came
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> content_length;
  std::string id;  // in the log and in the response

  /// "" if there is none. Names in any case.
  std::string_view header(std::string_view name) const;
};

/// The next part of an event stream: "" for nothing yet, nothing at its end.
using EventSource = std::function<std::optional<std::string>()>;

struct Response;
/// Nothing as long as the response isn't known.
using LaterResponse = std::function<std::optional<Response>()>;

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::filesystem::path file = {};  // in place of the body
  std::shared_ptr<void> hold = {};  // keeps the file until it was sent
  EventSource events = {};          // in place of the body
  LaterResponse later = {};         // in place of all: asked again and again, without blocking
  std::string route = {}, tenant = {};  // for the log; route is the pattern, without ids
};

/// A request whose body is being received.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// False if no more is wanted: `finish` says why.
  virtual bool write(base::ByteSpan bytes) = 0;
  virtual Response finish() = 0;
};

/// One of the two: a request that is over without its body, or one that takes it.
struct Opened {
  std::unique_ptr<Exchange> exchange;
  Response response;
};

class Handler {
 public:
  virtual ~Handler() = default;
  /// Called from several threads. Blocks for as long as disks and databases do.
  virtual Opened open(RequestHead head) = 0;
};

}  // namespace blindproof::service::http
