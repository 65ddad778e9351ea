// JSON-RPC 2.0 over HTTP(S) (libcurl), as Ethereum's nodes speak it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/json.h"

namespace blindproof::chain {

/// What the node made of a request.
struct RpcReply {
  JsonValue result;     // if it was carried out
  std::string refusal;  // otherwise the node's words
  base::Bytes revert;   // and what the contract said, if one reverted

  bool ok() const noexcept { return refusal.empty(); }
};

/// One connection. TLS certificates are verified against the system's authorities; redirects are not followed. The URL may hold
/// credentials, so that errors name nothing but its host.
class JsonRpc {
 public:
  struct Limits {
    long connect_ms = 10'000;
    long request_ms = 30'000;
    std::size_t response_bytes = 8u << 20;
  };

  /// Errors: kInvalidArgument unless the URL is http:// or https://.
  static base::Result<JsonRpc> open(std::string_view url, const Limits& limits);
  static base::Result<JsonRpc> open(std::string_view url) { return open(url, Limits()); }
  JsonRpc(JsonRpc&&) noexcept;
  JsonRpc& operator=(JsonRpc&&) noexcept;
  ~JsonRpc();

  /// Errors: kIo (no connection, time-out, HTTP status); kLimit; kMalformed for what is no answer to this request.
  base::Result<RpcReply> request(std::string_view method, JsonValue parameters);

 private:
  struct Connection;
  explicit JsonRpc(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

/// The answer to the request of this number.   Errors: kMalformed, kLimit.
base::Result<RpcReply> parse_rpc_reply(base::ByteSpan bytes, std::uint64_t id, std::string_view place);

/// "0x" and an even number of digits.   Errors: kMalformed.
base::Result<base::Bytes> parse_hex_data(const JsonValue& value, std::string_view place);

}  // namespace blindproof::chain
