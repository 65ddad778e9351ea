// The transport: HTTP/1.1 over TCP, or TLS (1.2 and later), with Boost.Beast. Bounded heads, bodies handed on piece by piece, time-outs, graceful end.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "blindproof/base/result.h"
#include "blindproof/service/http/message.h"

namespace blindproof::service::http {

/// PEM files.
struct TlsFiles {
  std::filesystem::path certificate;  // and the chain that leads to its authority
  std::filesystem::path key;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;           // 0: any free one
  std::optional<TlsFiles> tls;      // read once
  std::size_t threads = 4;          // that call the handler
  std::size_t max_connections = 4096;
  std::uint32_t max_head_bytes = 16384;
  std::chrono::milliseconds idle = std::chrono::seconds(60);   // between requests
  std::chrono::milliseconds head = std::chrono::seconds(10);   // from a request's first byte to the end of its head; a handshake
  std::chrono::milliseconds piece = std::chrono::seconds(20);  // without any byte of a body, or without the peer taking any
  std::uint64_t min_bytes_per_s = 1024;                        // of a body, after `piece`
  std::chrono::milliseconds shutdown = std::chrono::seconds(20);  // for requests under way
};

class Server {
 public:
  /// Listens when this returns.   Errors: kIo, kInvalidArgument (host, certificate or key).
  static base::Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler& handler);
  ~Server();

  std::uint16_t port() const;
  /// No more connections; idle ones are closed, requests under way are answered, then this returns.
  void stop();

 private:
  class Implementation;
  explicit Server(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace blindproof::service::http
