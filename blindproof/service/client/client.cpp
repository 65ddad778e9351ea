#include "blindproof/service/client/client.h"

#include <curl/curl.h>

#include <array>
#include <cstdio>
#include <optional>

#include "blindproof/base/check.h"

namespace blindproof::service::client {
namespace {

using base::ErrorCode;
using base::Result;

constexpr long kConnectMs = 10'000;
constexpr long kSilenceSeconds = 60;  // without a byte in either direction
constexpr long kAnswerSeconds = 600;
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 28;

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  BLINDPROOF_CHECK(started == CURLE_OK, "libcurl can't be initialised");
}

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// A server's words go to terminals.
std::string printable(std::string text) {
  constexpr std::size_t kMax = 1000;
  if (text.size() > kMax) text.resize(kMax);
  for (char& c : text) {
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20;

/// A stream's lines as events: https://html.spec.whatwg.org/multipage/server-sent-events.html
class EventReader {
 public:
  explicit EventReader(const std::function<bool(const Event&)>& take) : take_(take) {}

  /// False: no more is wanted.
  bool read(std::string_view bytes) {
    pending_ += bytes;
    for (std::size_t end; (end = pending_.find('\n')) != std::string::npos;) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      if (!read_line(line)) return false;
    }
    if (pending_.size() + data_.size() <= kMaxEventBytes) return true;
    too_long_ = true;
    return false;
  }
  bool too_long() const { return too_long_; }

 private:
  bool read_line(const std::string& line) {
    if (line.empty()) {
      const bool any = !data_.empty();
      Event event{id_, std::exchange(name_, {}), Json()};
      if (auto json = envelope::parse_json(std::exchange(data_, {}), kMaxEventBytes); json.ok()) event.data = *std::move(json);
      return !any || take_(event);
    }
    const std::size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field == "id") id_ = value;
    if (field == "event") name_ = value;
    if (field == "data") data_ += data_.empty() ? value : "\n" + value;
    return true;
  }

  const std::function<bool(const Event&)>& take_;
  std::string pending_, id_, name_, data_;
  bool too_long_ = false;
};

/// Where an answer goes: into memory, or, if it is good, into a file or to who takes events.
struct Sink {
  CURL* handle = nullptr;
  base::AtomicFile* file = nullptr;
  EventReader* events = nullptr;
  bool enough = false;  // of events
  std::uint64_t max_bytes = kMaxAnswerBytes, written = 0;
  std::string text;
  std::optional<base::Error> failure;
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  Sink& sink = *static_cast<Sink*>(user);
  const std::size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(sink.handle, CURLINFO_RESPONSE_CODE, &status);
  if (sink.events != nullptr && status == 200) {
    if (sink.events->read({data, bytes})) return bytes;
    if (sink.events->too_long()) sink.failure = base::error(ErrorCode::kLimit, "answer", "has an event that is too long");
    sink.enough = !sink.failure;
    return 0;
  }
  if (sink.file == nullptr || status != 200) {
    if (bytes > kMaxAnswerBytes - sink.text.size()) {
      sink.failure = base::error(ErrorCode::kLimit, "answer", "is too long");
      return 0;  // ends the transfer
    }
    sink.text.append(data, bytes);
    return bytes;
  }
  if (bytes > sink.max_bytes - sink.written) {
    sink.failure = base::error(ErrorCode::kLimit, "answer", "has more than " + std::to_string(sink.max_bytes) + " bytes");
    return 0;
  }
  if (base::Status status_of_file = sink.file->write_at(sink.written, {reinterpret_cast<const std::uint8_t*>(data), bytes}); !status_of_file.ok()) {
    sink.failure = status_of_file.error();
    return 0;
  }
  sink.written += bytes;
  return bytes;
}

std::size_t read_body(char* data, std::size_t size, std::size_t count, void* user) { return std::fread(data, 1, size * count, static_cast<std::FILE*>(user)); }

int report_upload(void* user, curl_off_t, curl_off_t, curl_off_t total, curl_off_t sent) {
  if (total > 0) static_cast<const base::Progress*>(user)->report("sending", static_cast<std::uint64_t>(sent), static_cast<std::uint64_t>(total));
  return 0;
}

ErrorCode code_of(long status, const std::string& type) {
  if (status >= 500 || status == 408) return ErrorCode::kIo;
  if (status == 413 || status == 429) return ErrorCode::kLimit;
  if (status == 409) return ErrorCode::kMismatch;
  if (type == "urn:blindproof:problem:unsupported") return ErrorCode::kUnsupported;
  if (type == "urn:blindproof:problem:rejected") return ErrorCode::kRejected;
  return ErrorCode::kInvalidArgument;
}

}  // namespace

struct Client::Connection {
  std::unique_ptr<CURL, CurlDeleter> handle;
  std::string url, host;
  crypto::SecretBytes authorization;  // the header, with a zero at its end; empty without a key
  base::Progress progress;
};

struct Client::Request {
  const char* method;
  const std::string& path;
  const Json* body = nullptr;
  const std::filesystem::path* upload = nullptr;
  base::AtomicFile* download = nullptr;
  std::uint64_t max_bytes = kMaxAnswerBytes;
  EventReader* events = nullptr;
  std::string after = {};  // id of the last event that is known
};

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(std::string_view url, crypto::SecretBytes authorization) {
  start_curl();
  auto connection = std::make_unique<Connection>();
  while (url.ends_with('/')) url.remove_suffix(1);
  connection->url = url;
  const std::unique_ptr<CURLU, CurlDeleter> parsed(curl_url());
  char *scheme = nullptr, *host = nullptr, *path = nullptr;
  const bool good = parsed != nullptr && curl_url_set(parsed.get(), CURLUPART_URL, connection->url.c_str(), 0) == CURLUE_OK &&
                    curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK && curl_url_get(parsed.get(), CURLUPART_PATH, &path, 0) == CURLUE_OK;
  const std::string scheme_text = scheme ? scheme : "", host_text = host ? host : "", path_text = path ? path : "";
  curl_free(scheme);
  curl_free(host);
  curl_free(path);
  if (!good || (scheme_text != "http" && scheme_text != "https") || path_text != "/" || url.find_first_of("?#@") != std::string_view::npos) {
    return base::error(ErrorCode::kInvalidArgument, "server", "must be a URL such as http://127.0.0.1:8080 or https://example.org");
  }
  connection->host = "server " + host_text;
  connection->authorization = std::move(authorization);
  connection->handle.reset(curl_easy_init());
  if (connection->handle == nullptr) return base::error(ErrorCode::kIo, connection->host, "libcurl can't be used");
  return Client(std::move(connection));
}

Result<Client> Client::open(std::string_view url) { return connect(url, {}); }

Result<Client> Client::open(std::string_view url, const crypto::SecretBytes& api_key) {
  static constexpr std::string_view kPrefix = "Authorization: Bearer ";
  const base::ByteSpan key = api_key.expose();
  for (const std::uint8_t byte : key) {
    if (byte <= 0x20 || byte >= 0x7f) return base::error(ErrorCode::kInvalidArgument, "API key", "must be one line of printable characters");
  }
  if (key.empty()) return base::error(ErrorCode::kInvalidArgument, "API key", "is empty");
  crypto::SecretBytes header(kPrefix.size() + key.size() + 1);
  std::copy(kPrefix.begin(), kPrefix.end(), header.expose_mutable().begin());
  std::copy(key.begin(), key.end(), header.expose_mutable().begin() + static_cast<std::ptrdiff_t>(kPrefix.size()));
  return connect(url, std::move(header));
}

void Client::set_progress(base::Progress progress) { connection_->progress = std::move(progress); }

Result<std::string> Client::exchange(const Request& request) {
  CURL* const handle = connection_->handle.get();
  const std::string place = connection_->host;
  if (!request.path.starts_with('/')) return base::error(ErrorCode::kMalformed, place, "names a path that doesn't begin with a slash");
  curl_easy_reset(handle);  // connections stay open
  const std::string url = connection_->url + request.path;
  std::array<char, CURL_ERROR_SIZE> words{};
  Sink sink;
  sink.handle = handle;
  sink.file = request.download;
  sink.events = request.events;
  sink.max_bytes = request.max_bytes;
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, kAnswerSeconds);
  if (request.upload || request.download || request.events) {  // of any length, but not silent
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kSilenceSeconds);
  } else {
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, kAnswerSeconds);
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method);
  std::unique_ptr<curl_slist, CurlDeleter> headers;
  const auto add_header = [&](const char* text) { headers.reset(curl_slist_append(headers.release(), text)); };
  if (!connection_->authorization.expose().empty()) add_header(reinterpret_cast<const char*>(connection_->authorization.expose().data()));
  if (!request.after.empty()) add_header(("Last-Event-ID: " + request.after).c_str());
  std::string text;
  std::unique_ptr<std::FILE, CurlDeleter> file;
  if (request.body) {
    text = request.body->dump(-1, ' ', false, Json::error_handler_t::replace);
    add_header("Content-Type: application/json");
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
  } else if (request.upload) {
    std::error_code code;
    const auto size = std::filesystem::file_size(*request.upload, code);
    file.reset(std::fopen(request.upload->c_str(), "rb"));
    if (code || !file) return base::error(ErrorCode::kIo, request.upload->string(), "can't be read");
    add_header("Content-Type: application/octet-stream");
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(handle, CURLOPT_READDATA, file.get());
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, report_upload);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &connection_->progress);
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_reset(handle);  // it points at what ends here
  if (sink.failure) return *std::move(sink.failure);
  if (sink.enough) return std::string();
  // A server that refuses early may close the connection while the body is still on its way: its answer counts.
  if (code != CURLE_OK && !((code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE) && status >= 400)) {
    return base::error(ErrorCode::kIo, place, printable(words[0] != '\0' ? words.data() : curl_easy_strerror(code)));
  }
  if (status >= 200 && status < 300) return std::move(sink.text);
  const Result<Json> problem = envelope::parse_json(sink.text, kMaxAnswerBytes);
  const auto member = [&](const char* name) {
    const bool is_there = problem.ok() && problem->is_object() && problem->contains(name) && (*problem)[name].is_string();
    return is_there ? (*problem)[name].get<std::string>() : std::string();
  };
  std::string detail = member("detail");
  if (detail.empty()) detail = member("error");  // of the Open Inference Protocol
  return base::error(code_of(status, member("type")), place, detail.empty() ? "HTTP status " + std::to_string(status) : printable(detail));
}

Result<Json> Client::send(const Request& request) {
  BLINDPROOF_ASSIGN(const std::string text, exchange(request));
  if (text.empty()) return Json();
  Result<Json> answer = envelope::parse_json(text, kMaxAnswerBytes);
  if (answer.ok()) return answer;
  return base::error(ErrorCode::kMalformed, connection_->host, "its answer is no JSON");
}

Result<Json> Client::get(const std::string& path) { return send({"GET", path}); }
Result<Json> Client::post(const std::string& path, const Json& body) { return send({"POST", path, &body}); }
Result<Json> Client::post(const std::string& path) { return send({"POST", path}); }
Result<Json> Client::put(const std::string& path, const Json& body) { return send({"PUT", path, &body}); }
Result<Json> Client::remove(const std::string& path) { return send({"DELETE", path}); }
Result<Json> Client::post_file(const std::string& path, const std::filesystem::path& file) { return send({"POST", path, nullptr, &file}); }
Result<Json> Client::put_file(const std::string& path, const std::filesystem::path& file) { return send({"PUT", path, nullptr, &file}); }

Result<std::string> Client::get_text(const std::string& path) { return exchange({"GET", path}); }

base::Status Client::download(const std::string& path, const std::filesystem::path& file, std::uint64_t max_bytes, base::FileMode mode) {
  BLINDPROOF_ASSIGN(base::AtomicFile out, base::AtomicFile::create(file, mode));
  BLINDPROOF_TRY(exchange({"GET", path, nullptr, nullptr, &out, max_bytes}));
  return out.commit();
}

base::Status Client::events(const std::string& path, const std::string& after, const std::function<bool(const Event&)>& take) {
  for (const char c : after) {
    if (c <= 0x20 || c == 0x7f) return base::error(ErrorCode::kInvalidArgument, "event", "its id must be printable");
  }
  EventReader reader(take);
  BLINDPROOF_TRY(exchange({"GET", path, nullptr, nullptr, nullptr, kMaxAnswerBytes, &reader, after}));
  return {};
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace blindproof::service::client
