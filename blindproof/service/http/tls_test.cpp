#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "blindproof/service/http/problem.h"
#include "blindproof/service/http/server.h"

namespace blindproof::service::http {
namespace {

using std::chrono::milliseconds;

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

class Echo final : public Handler {
  Opened open(RequestHead) override {
    class Taken final : public Exchange {
      bool write(base::ByteSpan bytes) override {
        bytes_ += bytes.size();
        return true;
      }
      Response finish() override { return {200, {}, std::to_string(bytes_) + std::string(100'000, '.')}; }
      std::size_t bytes_ = 0;
    };
    return {std::make_unique<Taken>(), {}};
  }
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    write_pair("a");
    write_pair("b");
    options_.head = milliseconds(400);
    options_.tls = TlsFiles{folder_ / "a.pem", folder_ / "a.key"};
    server_ = Server::start(options_, echo_).value();
  }
  ~TlsTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A certificate of its own authority, and its key.
  void write_pair(const std::string& name) const {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    const Owned<std::FILE> certificate_file(std::fopen((folder_ / (name + ".pem")).c_str(), "w")), key_file(std::fopen((folder_ / (name + ".key")).c_str(), "w"));
    ASSERT_EQ(PEM_write_X509(certificate_file.get(), certificate.get()), 1);
    ASSERT_EQ(PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  }

  int connect_to_server() const {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return descriptor;
  }

  struct Answer {
    bool connected = false, closed_in_order = false;
    std::string text;
  };
  /// The certificate must be a.pem's.
  Answer exchange(std::string_view request, int newest = TLS1_3_VERSION) const {
    const Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context.get(), newest);
    SSL_CTX_set_security_level(context.get(), 0);  // else it would refuse old versions itself
    SSL_CTX_load_verify_locations(context.get(), (folder_ / "a.pem").c_str(), nullptr);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const Owned<SSL> ssl(SSL_new(context.get()));
    const int descriptor = connect_to_server();
    SSL_set_fd(ssl.get(), descriptor);
    Answer answer;
    answer.connected = SSL_connect(ssl.get()) == 1;
    if (answer.connected) {
      EXPECT_EQ(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), static_cast<int>(request.size()));
      char piece[4096];
      int count = 0;
      while ((count = SSL_read(ssl.get(), piece, sizeof piece)) > 0) answer.text.append(piece, static_cast<std::size_t>(count));
      answer.closed_in_order = SSL_get_error(ssl.get(), count) == SSL_ERROR_ZERO_RETURN;
    }
    close(descriptor);
    return answer;
  }

  std::filesystem::path folder_ = [] {
    std::string name = (std::filesystem::temp_directory_path() / "tls-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  Echo echo_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, BodiesAndAnswersGoThroughIt) {
  const std::string body(3 << 20, 'x');
  const Answer answer = exchange("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_NE(answer.text.find("3145728" + std::string(100'000, '.')), std::string::npos);
  EXPECT_TRUE(answer.closed_in_order) << "a cut answer would look the same";
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", TLS1_2_VERSION).connected);
  EXPECT_FALSE(exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", TLS1_1_VERSION).connected);
}

TEST_F(TlsTest, RequestsInTheClearGetNoAnswer) {
  const int descriptor = connect_to_server();
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(::send(descriptor, kRequest.data(), kRequest.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kRequest.size()));
  std::string text;
  char piece[4096];
  for (ssize_t count = 0; (count = ::recv(descriptor, piece, sizeof piece, 0)) > 0;) text.append(piece, static_cast<std::size_t>(count));
  EXPECT_EQ(text.find("HTTP/1.1"), std::string::npos);
  close(descriptor);
}

TEST_F(TlsTest, HandshakesThatDontEndAreCutOff) {
  const int descriptor = connect_to_server();
  char byte = 0;
  EXPECT_LE(::recv(descriptor, &byte, 1, 0), 0);  // the server closes it
  close(descriptor);
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreErrors) {
  const auto error_of = [&](const char* certificate, const char* key) {
    ServerOptions options;
    options.tls = TlsFiles{folder_ / certificate, folder_ / key};
    return Server::start(options, echo_).error();
  };
  EXPECT_EQ(error_of("none.pem", "a.key").place, (folder_ / "none.pem").string());
  EXPECT_EQ(error_of("a.pem", "none.key").place, (folder_ / "none.key").string());
  EXPECT_EQ(error_of("a.pem", "b.key").code, base::ErrorCode::kInvalidArgument) << "the key of another certificate";
  EXPECT_EQ(error_of("a.key", "a.key").code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::service::http
