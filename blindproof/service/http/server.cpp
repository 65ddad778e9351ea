#include "blindproof/service/http/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "blindproof/crypto/random.h"
#include "blindproof/service/http/problem.h"

namespace blindproof::service::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Parser = beast::http::request_parser<beast::http::buffer_body>;

constexpr std::size_t kPieceBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxDiscardedBytes = std::size_t{1} << 18;
constexpr milliseconds kEventPoll{200}, kEventComment{15000}, kLinger{2000}, kFirstRetry{20};

base::Result<net::ssl::context> make_tls_context(const TlsFiles& files) {
  net::ssl::context context(net::ssl::context::tls_server);
  error_code code;
  const auto failed = [&](const std::filesystem::path& file, const char* what) {
    return base::error(base::ErrorCode::kInvalidArgument, file.string(), std::string(what) + ": " + code.message());
  };
  context.set_options(net::ssl::context::default_workarounds | net::ssl::context::no_tlsv1 | net::ssl::context::no_tlsv1_1, code);
  context.use_certificate_chain_file(files.certificate.string(), code);
  if (code) return failed(files.certificate, "is no certificate in PEM that can be used");
  context.use_private_key_file(files.key.string(), net::ssl::context::pem, code);
  if (code) return failed(files.key, "is no key in PEM of this certificate");
  return context;
}

std::string to_string(std::string_view text) { return std::string(text); }

}  // namespace

class Server::Implementation {
 public:
  Implementation(const ServerOptions& options, Handler& handler)
      : options_(options), handler_(handler), pool_(options.threads), acceptor_(io_) {
    std::array<std::uint8_t, 8> random;
    crypto::random_bytes(random);
    id_prefix_ = base::to_hex(random) + "-";
  }

  ~Implementation() {
    stop();
    pool_.stop();
    pool_.join();
  }

  base::Status listen() {
    error_code code;
    if (options_.tls) {
      BLINDPROOF_ASSIGN(tls_, make_tls_context(*options_.tls));
    }
    const auto address = net::ip::make_address(options_.host, code);
    if (code) return base::error(base::ErrorCode::kInvalidArgument, options_.host, "is no address of this machine; give one as 127.0.0.1 or ::");
    const tcp::endpoint endpoint(address, options_.port);
    const auto failed = [&](const char* what) {
      return base::error(base::ErrorCode::kIo, options_.host + ":" + std::to_string(options_.port), std::string(what) + ": " + code.message());
    };
    acceptor_.open(endpoint.protocol(), code);
    if (code) return failed("can't be opened");
    acceptor_.set_option(net::socket_base::reuse_address(true), code);
    acceptor_.bind(endpoint, code);
    if (code) return failed("can't be bound");
    acceptor_.listen(net::socket_base::max_listen_connections, code);
    if (code) return failed("can't be listened on");
    port_ = acceptor_.local_endpoint(code).port();
    net::co_spawn(io_, accept(), net::detached);
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    net::post(io_, [this] {
      stopping_ = true;
      error_code ignored;
      acceptor_.close(ignored);
      for (Connection* connection : connections_) {
        if (connection->idle) connection->tcp_stream.close();
      }
      deadline_.expires_after(options_.shutdown);
      deadline_.async_wait([this](error_code cancelled) {
        if (!cancelled) io_.stop();
      });
      if (connections_.empty()) deadline_.cancel();
    });
    thread_.join();
    ended_ = true;
  }

  std::uint16_t port() const { return port_; }

 private:
  struct Connection {
    explicit Connection(Implementation& implementation, tcp::socket socket) : owner(implementation), tcp_stream(std::move(socket)) {
      if (owner.tls_) tls.emplace(tcp_stream, *owner.tls_);
      owner.connections_.insert(this);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
      owner.connections_.erase(this);
      if (owner.stopping_ && !owner.ended_ && owner.connections_.empty()) owner.deadline_.cancel();
    }
    /// `operation` on what bytes go through.
    template <class Operation>
    auto over(const Operation& operation) {
      return tls ? operation(*tls) : operation(tcp_stream);
    }

    Implementation& owner;
    beast::tcp_stream tcp_stream;
    std::optional<beast::ssl_stream<beast::tcp_stream&>> tls;
    beast::flat_buffer buffer;
    bool idle = true;
  };

  static auto into(error_code& code) { return net::redirect_error(net::use_awaitable, code); }

  template <class Buffers>
  net::awaitable<void> write(Connection& connection, const Buffers& buffers, error_code& code) {
    co_await connection.over([&](auto& stream) { return net::async_write(stream, buffers, into(code)); });
  }

  /// Runs what may block on one of the handler's threads; the caller goes on with its result on the transport's thread.
  template <class Function>
  net::awaitable<std::invoke_result_t<Function>> on_pool(Function function) {
    using Value = std::invoke_result_t<Function>;
    co_return co_await net::co_spawn(
        pool_, [](Function run) -> net::awaitable<Value> { co_return run(); }(std::move(function)), net::use_awaitable);
  }

  net::awaitable<void> accept() {
    while (true) {
      error_code code;
      tcp::socket socket = co_await acceptor_.async_accept(into(code));
      if (stopping_ || code == net::error::operation_aborted) co_return;
      if (code) {  // out of descriptors: those in use will be closed
        net::steady_timer timer(io_, kFirstRetry);
        co_await timer.async_wait(into(code));
        continue;
      }
      if (connections_.size() >= options_.max_connections) continue;  // closes it
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      net::co_spawn(io_, serve(std::move(socket)), net::detached);
    }
  }

  net::awaitable<void> serve(tcp::socket socket) {
    Connection connection(*this, std::move(socket));
    bool more = true;
    if (connection.tls) {
      error_code code;
      connection.idle = false;
      connection.tcp_stream.expires_after(options_.head);
      co_await connection.tls->async_handshake(net::ssl::stream_base::server, into(code));
      if (code) co_return;
    }
    while (more && !stopping_) more = co_await serve_one(connection);
    co_await linger(connection);
  }

  /// Whether the connection can take another request.
  net::awaitable<bool> serve_one(Connection& connection) {
    beast::tcp_stream& tcp_stream = connection.tcp_stream;
    error_code code;
    if (connection.buffer.size() == 0) {
      connection.idle = true;
      tcp_stream.expires_after(options_.idle);
      const std::size_t count =
          co_await connection.over([&](auto& stream) { return stream.async_read_some(connection.buffer.prepare(4096), into(code)); });
      connection.idle = false;
      if (code || stopping_) co_return false;
      connection.buffer.commit(count);
    }
    Parser parser;
    parser.header_limit(options_.max_head_bytes);
    parser.body_limit(boost::none);  // the handler limits it
    tcp_stream.expires_after(options_.head);
    co_await connection.over([&](auto& stream) { return beast::http::async_read_header(stream, connection.buffer, parser, into(code)); });
    if (code) {
      if (code == beast::error::timeout || code == beast::http::error::end_of_stream || code == beast::http::error::partial_message) co_return false;
      const bool large = code == beast::http::error::header_limit || code == beast::http::error::buffer_overflow;
      if (code.category() == beast::http::make_error_code(beast::http::error::bad_method).category()) {
        co_await respond(connection, large ? problem(431, "too-large", "the request's head is too large") : problem(400, "malformed", "this is no HTTP request"), 11, false);
      }
      co_return false;
    }
    const bool keep_alive = parser.get().keep_alive() && !stopping_;
    const unsigned version = parser.get().version();
    Opened opened = co_await on_pool([this, head = head_of(parser)]() mutable { return handler_.open(std::move(head)); });
    if (!opened.exchange) {
      // What was not read of the body would be taken for the next request.
      const bool whole = parser.is_done();
      co_return co_await respond(connection, std::move(opened.response), version, keep_alive && whole);
    }
    if (!co_await receive(connection, parser, *opened.exchange)) co_return false;
    Response response = co_await on_pool([exchange = opened.exchange.get()] { return exchange->finish(); });
    co_return co_await respond(connection, std::move(response), version, keep_alive && parser.is_done() && !stopping_);
  }

  RequestHead head_of(const Parser& parser) {
    const auto& request = parser.get();
    RequestHead head;
    head.method = to_string({request.method_string().data(), request.method_string().size()});
    head.target = to_string({request.target().data(), request.target().size()});
    for (const auto& field : request) {
      head.headers.emplace_back(to_string({field.name_string().data(), field.name_string().size()}), to_string({field.value().data(), field.value().size()}));
    }
    if (const auto length = parser.content_length()) head.content_length = *length;
    head.id = id_prefix_ + std::to_string(++requests_);
    return head;
  }

  /// False if the connection broke or was too slow. True also when the exchange wants no more.
  net::awaitable<bool> receive(Connection& connection, Parser& parser, Exchange& exchange) {
    beast::tcp_stream& tcp_stream = connection.tcp_stream;
    error_code code;
    if (beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
      tcp_stream.expires_after(options_.piece);
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await write(connection, net::buffer(kContinue.data(), kContinue.size()), code);
      if (code) co_return false;
    }
    std::vector<std::uint8_t> piece(parser.is_done() ? 0 : kPieceBytes);
    const auto begun = steady_clock::now();
    std::uint64_t received = 0;
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      tcp_stream.expires_after(options_.piece);
      co_await connection.over([&](auto& stream) { return beast::http::async_read_some(stream, connection.buffer, parser, into(code)); });
      if (code == beast::http::error::need_buffer) code = {};
      const std::size_t count = piece.size() - parser.get().body().size;
      received += count;
      if (code) co_return false;  // after a time-out the stream is closed
      const auto elapsed = steady_clock::now() - begun;
      const auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count());
      if (elapsed > options_.piece && received < seconds * options_.min_bytes_per_s) {
        co_await respond(connection, problem(408, "timeout", "the body came too slowly"), 11, false);
        co_return false;
      }
      if (count == 0) continue;
      const base::ByteSpan bytes(piece.data(), count);
      if (!co_await on_pool([&exchange, bytes] { return exchange.write(bytes); })) co_return true;
    }
    co_return true;
  }

  template <class Body>
  void fill_head(beast::http::response<Body>& message, const Response& response, unsigned version, bool keep_alive) {
    message.version(version);
    message.result(static_cast<unsigned>(response.status));
    message.reason(std::string(reason_phrase(response.status)));
    for (const auto& [name, value] : response.headers) message.set(name, value);
    if (message.find(beast::http::field::cache_control) == message.end() && response.file.empty()) {
      message.set(beast::http::field::cache_control, "no-store");
    }
    message.set("X-Content-Type-Options", "nosniff");
    message.keep_alive(keep_alive);
  }

  /// Whether the connection can take another request.
  net::awaitable<bool> respond(Connection& connection, Response response, unsigned version, bool keep_alive) {
    if (response.later) co_return co_await respond_later(connection, std::move(response.later), version, keep_alive);
    if (response.events) co_return co_await respond_events(connection, response, version);
    if (!response.file.empty()) co_return co_await respond_file(connection, response, version, keep_alive);
    beast::http::response<beast::http::string_body> message;
    fill_head(message, response, version, keep_alive);
    message.body() = std::move(response.body);
    if (response.status != 204) message.prepare_payload();
    error_code code;
    connection.tcp_stream.expires_after(options_.piece);
    co_await connection.over([&](auto& stream) { return beast::http::async_write(stream, message, into(code)); });
    co_return !code && keep_alive;
  }

  net::awaitable<bool> respond_later(Connection& connection, LaterResponse later, unsigned version, bool keep_alive) {
    net::steady_timer timer(io_);
    while (!stopping_) {
      std::optional<Response> response = co_await on_pool([&later] { return later(); });
      if (response) co_return co_await respond(connection, *std::move(response), version, keep_alive);
      timer.expires_after(kEventPoll);
      error_code ignored;
      co_await timer.async_wait(into(ignored));
    }
    co_return co_await respond(connection, problem(503, "unavailable", "the server is stopping; the work goes on as a job"), version, false);
  }

  net::awaitable<bool> respond_file(Connection& connection, const Response& response, unsigned version, bool keep_alive) {
    std::ifstream file(response.file, std::ios::binary | std::ios::ate);
    if (!file) {
      co_return co_await respond(connection, problem(503, "unavailable", "storage can't be reached; nothing was changed"), version, keep_alive);
    }
    const auto size = static_cast<std::uint64_t>(file.tellg());
    file.seekg(0);
    beast::http::response<beast::http::empty_body> message;
    fill_head(message, response, version, keep_alive);
    message.content_length(size);
    beast::http::response_serializer<beast::http::empty_body> serializer(message);
    error_code code;
    connection.tcp_stream.expires_after(options_.piece);
    co_await connection.over([&](auto& stream) { return beast::http::async_write_header(stream, serializer, into(code)); });
    std::vector<char> piece(kPieceBytes);
    for (std::uint64_t sent = 0; sent < size && !code;) {
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - sent));
      if (!file.read(piece.data(), static_cast<std::streamsize>(count))) co_return false;  // the length was promised
      connection.tcp_stream.expires_after(options_.piece);
      co_await write(connection, net::buffer(piece.data(), count), code);
      sent += count;
    }
    co_return !code && keep_alive;
  }

  net::awaitable<bool> respond_events(Connection& connection, const Response& response, unsigned version) {
    beast::http::response<beast::http::empty_body> message;
    fill_head(message, response, version, false);
    const bool chunked = version >= 11;
    if (chunked) message.chunked(true);
    beast::http::response_serializer<beast::http::empty_body> serializer(message);
    error_code code;
    connection.tcp_stream.expires_after(options_.piece);
    co_await connection.over([&](auto& stream) { return beast::http::async_write_header(stream, serializer, into(code)); });
    net::steady_timer timer(io_);
    auto last = steady_clock::now();
    while (!code && !stopping_) {
      const EventSource& source = response.events;
      std::optional<std::string> text = co_await on_pool([&source] { return source(); });
      if (!text) break;
      if (text->empty() && steady_clock::now() - last > kEventComment) *text = ":\n\n";  // shows whether the client is there
      if (!text->empty()) {
        connection.tcp_stream.expires_after(options_.piece);
        if (chunked) {
          co_await write(connection, beast::http::make_chunk(net::buffer(*text)), code);
        } else {
          co_await write(connection, net::buffer(*text), code);
        }
        last = steady_clock::now();
      }
      timer.expires_after(kEventPoll);
      error_code ignored;
      co_await timer.async_wait(into(ignored));
    }
    if (!code && chunked) co_await write(connection, beast::http::make_chunk_last(), code);
    co_return false;
  }

  /// Lets the peer read the response although it was still sending: a closed socket with unread bytes would be reset.
  net::awaitable<void> linger(Connection& connection) {
    error_code code;
    connection.tcp_stream.expires_after(kLinger);
    if (connection.tls) co_await connection.tls->async_shutdown(into(code));
    connection.tcp_stream.socket().shutdown(tcp::socket::shutdown_send, code);
    std::array<char, 4096> discarded;
    for (std::size_t total = 0; !code && total < kMaxDiscardedBytes;) {
      total += co_await connection.tcp_stream.async_read_some(net::buffer(discarded), into(code));
    }
    connection.tcp_stream.close();
  }

  ServerOptions options_;
  std::optional<net::ssl::context> tls_;
  Handler& handler_;
  std::string id_prefix_;
  std::uint16_t port_ = 0;
  // Used on the transport's thread alone. Before the context, whose end destroys connections that were not over.
  std::set<Connection*> connections_;
  bool stopping_ = false, ended_ = false;
  std::uint64_t requests_ = 0;
  net::io_context io_{1};
  net::thread_pool pool_;
  tcp::acceptor acceptor_;
  net::steady_timer deadline_{io_};
  std::thread thread_;
};

Server::Server(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
Server::~Server() = default;

base::Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler& handler) {
  auto implementation = std::make_unique<Implementation>(options, handler);
  BLINDPROOF_TRY(implementation->listen());
  return std::unique_ptr<Server>(new Server(std::move(implementation)));
}

std::uint16_t Server::port() const { return implementation_->port(); }
void Server::stop() { implementation_->stop(); }

}  // namespace blindproof::service::http
