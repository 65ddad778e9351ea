#include "blindproof/chain/json_rpc.h"

#include <curl/curl.h>

#include <array>
#include <cstring>

#include "blindproof/base/check.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;

// Node's words go to terminals: no control characters, and not without end.
std::string printable(std::string_view text) {
  constexpr std::size_t kMax = 512;
  std::string out(text.substr(0, kMax));
  for (char& c : out) {
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (!out.empty() && !is_utf8(out)) out.pop_back();  // cut inside a character
  return out;
}

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  BLINDPROOF_CHECK(started == CURLE_OK, "libcurl can't be initialised");
}

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

struct Body {
  base::Bytes bytes;
  std::size_t limit = 0;
  bool too_long = false;
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  Body& body = *static_cast<Body*>(user);
  if (size * count > body.limit - body.bytes.size()) {
    body.too_long = true;
    return 0;  // ends the transfer
  }
  body.bytes.insert(body.bytes.end(), data, data + size * count);
  return size * count;
}

}  // namespace

struct JsonRpc::Connection {
  std::unique_ptr<CURL, CurlDeleter> handle;
  std::unique_ptr<curl_slist, CurlDeleter> headers;
  std::string url, host;
  Limits limits;
  std::uint64_t id = 0;
};

JsonRpc::JsonRpc(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
JsonRpc::JsonRpc(JsonRpc&&) noexcept = default;
JsonRpc& JsonRpc::operator=(JsonRpc&&) noexcept = default;
JsonRpc::~JsonRpc() = default;

base::Result<JsonRpc> JsonRpc::open(std::string_view url, const Limits& limits) {
  start_curl();
  auto connection = std::make_unique<Connection>();
  connection->url = url;
  connection->limits = limits;
  const std::unique_ptr<CURLU, CurlDeleter> parsed(curl_url());
  char *scheme = nullptr, *host = nullptr;
  const bool good = parsed != nullptr && curl_url_set(parsed.get(), CURLUPART_URL, connection->url.c_str(), 0) == CURLUE_OK &&
                    curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK;
  const std::string scheme_text = scheme == nullptr ? "" : scheme;
  connection->host = std::string("node ") + (host == nullptr ? "" : host);
  curl_free(scheme);
  curl_free(host);
  if (!good || (scheme_text != "http" && scheme_text != "https")) {
    return base::error(ErrorCode::kInvalidArgument, "--rpc", "must be a URL such as http://127.0.0.1:8545 or https://...");
  }
  connection->handle.reset(curl_easy_init());
  if (connection->handle == nullptr) return base::error(ErrorCode::kIo, connection->host, "libcurl can't be used");
  connection->headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
  curl_slist_append(connection->headers.get(), "Expect:");
  CURL* const handle = connection->handle.get();
  curl_easy_setopt(handle, CURLOPT_URL, connection->url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, limits.connect_ms);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, limits.request_ms);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, connection->headers.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
  return JsonRpc(std::move(connection));
}

base::Result<RpcReply> JsonRpc::request(std::string_view method, JsonValue parameters) {
  Connection& connection = *connection_;
  JsonValue request = JsonValue::make_object();
  request.set("jsonrpc", JsonValue::make_text("2.0"));
  request.set("id", JsonValue::make_number(++connection.id));
  request.set("method", JsonValue::make_text(std::string(method)));
  request.set("params", std::move(parameters));
  const std::string text = write_json(request);
  const std::string place = connection.host + ": " + std::string(method);
  Body body;
  body.limit = connection.limits.response_bytes;
  std::array<char, CURL_ERROR_SIZE> words{};
  CURL* const handle = connection.handle.get();
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words.data());
  const CURLcode code = curl_easy_perform(handle);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  if (body.too_long) {
    return base::error(ErrorCode::kLimit, place, "the answer has more than " + std::to_string(connection.limits.response_bytes) + " bytes");
  }
  if (code != CURLE_OK) return base::error(ErrorCode::kIo, place, printable(words[0] != '\0' ? words.data() : curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // Some nodes send refusals with another status than 200, some send web pages.
  auto reply = parse_rpc_reply(body.bytes, connection.id, place);
  if (!reply.ok() && status != 200) return base::error(ErrorCode::kIo, place, "HTTP status " + std::to_string(status));
  return reply;
}

base::Result<RpcReply> parse_rpc_reply(base::ByteSpan bytes, std::uint64_t id, std::string_view place) {
  const auto malformed = [&](const char* detail) { return base::error(ErrorCode::kMalformed, std::string(place), detail); };
  JsonLimits limits;
  limits.bytes = bytes.size();
  limits.depth = 32;
  limits.values = 200'000;
  BLINDPROOF_ASSIGN(JsonValue json, parse_json(bytes, place, limits));
  const JsonValue *version = json.find("jsonrpc"), *answered = json.find("id"), *result = json.find("result"),
                  *failure = json.find("error");
  if (version == nullptr || !version->is_text() || version->text != "2.0") return malformed("is no JSON-RPC 2.0 answer");
  RpcReply reply;
  if (failure != nullptr && failure->is_object()) {
    const JsonValue *message = failure->find("message"), *data = failure->find("data");
    reply.refusal =
        message != nullptr && message->is_text() && !message->text.empty() ? printable(message->text) : "refused, without saying why";
    if (data != nullptr && data->is_text()) {
      if (auto revert = parse_hex_data(*data, place); revert.ok()) reply.revert = *std::move(revert);
    }
    return reply;
  }
  if (answered == nullptr || answered->text != std::to_string(id)) return malformed("is the answer to another request");
  if (result == nullptr) return malformed("has neither result nor error");
  reply.result = *result;
  return reply;
}

base::Result<base::Bytes> parse_hex_data(const JsonValue& value, std::string_view place) {
  if (!value.is_text() || !value.text.starts_with("0x"))
    return base::error(ErrorCode::kMalformed, std::string(place), "must be 0x and hexadecimal digits");
  auto bytes = base::from_hex(std::string_view(value.text).substr(2));
  if (!bytes.ok()) return base::error(ErrorCode::kMalformed, std::string(place), "must be 0x and an even number of hexadecimal digits");
  return bytes;
}

}  // namespace blindproof::chain
