#include "blindproof/service/http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "blindproof/service/http/problem.h"

namespace blindproof::service::http {
namespace {

using std::chrono::milliseconds;

/// Answers with what it got; "/refuse" before the body, "/stop" in the middle of it, "/events", "/file", "/slow".
class Echo final : public Handler {
 public:
  std::filesystem::path file;
  std::atomic<int> finished = 0;

  Opened open(RequestHead head) override {
    if (head.target == "/refuse") return {nullptr, problem(413, "too-large", "no")};
    class Taken final : public Exchange {
     public:
      Taken(Echo& echo, RequestHead request_head) : echo_(echo), head_(std::move(request_head)) {}
      bool write(base::ByteSpan bytes) override {
        bytes_ += bytes.size();
        if (text_.size() < 1000) text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return head_.target != "/stop";
      }
      Response finish() override {
        if (head_.target == "/slow") std::this_thread::sleep_for(milliseconds(300));
        ++echo_.finished;
        if (head_.target == "/file") {
          Response response;
          response.file = echo_.file;
          return response;
        }
        if (head_.target == "/events") {
          Response response{200, {{"Content-Type", "text/event-stream"}}};
          response.events = [count = 0]() mutable -> std::optional<std::string> {
            if (++count > 2) return std::nullopt;
            return "data: " + std::to_string(count) + "\n\n";
          };
          return response;
        }
        return {200, {}, head_.method + " " + std::to_string(bytes_) + " " + text_.substr(0, 100)};
      }

     private:
      Echo& echo_;
      RequestHead head_;
      std::string text_;
      std::size_t bytes_ = 0;
    };
    return {std::make_unique<Taken>(*this, std::move(head)), {}};
  }
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options_.idle = milliseconds(2000);
    options_.head = milliseconds(400);
    options_.piece = milliseconds(400);
    options_.max_connections = 20;
    server_ = Server::start(options_, echo_).value();
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
  static bool send_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// Until the server closes, or until `end` was read.
  static std::string receive(int descriptor, std::string_view end = "\x01never") {
    std::string text;
    char piece[4096];
    while (text.find(end) == std::string::npos) {
      const ssize_t count = ::recv(descriptor, piece, sizeof piece, 0);
      if (count <= 0) break;
      text.append(piece, static_cast<std::size_t>(count));
    }
    return text;
  }
  std::string exchange(std::string_view request) const {
    const int descriptor = connect_to_server();
    send_all(descriptor, request);
    const std::string text = receive(descriptor);
    close(descriptor);
    return text;
  }

  Echo echo_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  const int descriptor = connect_to_server();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(send_all(descriptor, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
    EXPECT_NE(receive(descriptor, "hello").find("POST 5 hello"), std::string::npos);
  }
  // Two at once.
  ASSERT_TRUE(send_all(descriptor, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n2"));
  const std::string both = receive(descriptor);
  EXPECT_NE(both.find("POST 1 1"), std::string::npos);
  EXPECT_NE(both.find("POST 1 2"), std::string::npos);
  close(descriptor);
}

TEST_F(ServerTest, TakesChunkedAndLargeBodies) {
  EXPECT_NE(exchange("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").find("POST 5 abcde"), std::string::npos);
  const std::string body(3 << 20, 'x');
  EXPECT_NE(exchange("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body).find("POST 3145728 "), std::string::npos);
}

TEST_F(ServerTest, ContinuesOnRequest) {
  const int descriptor = connect_to_server();
  ASSERT_TRUE(send_all(descriptor, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  EXPECT_NE(receive(descriptor, "\r\n\r\n").find("100 Continue"), std::string::npos);
  ASSERT_TRUE(send_all(descriptor, "hello"));
  EXPECT_NE(receive(descriptor, "hello").find("200 OK"), std::string::npos);
  close(descriptor);
  EXPECT_EQ(exchange("POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n").find("100 Continue"), std::string::npos);
}

TEST_F(ServerTest, ARefusalArrivesAlthoughTheBodyIsUnderWay) {
  for (const char* path : {"/refuse", "/stop"}) {
    const std::string body(200 << 10, 'x');
    const std::string answer = exchange(std::string("POST ") + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_NE(answer.find(path == std::string("/refuse") ? "413" : "200 OK"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  }
}

TEST_F(ServerTest, WhatIsNoHttpIsRefused) {
  EXPECT_NE(exchange("nonsense\r\n\r\n").find("400 Bad Request"), std::string::npos);
  EXPECT_NE(exchange("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n").find("431"), std::string::npos);
  EXPECT_NE(exchange("POST /x HTTP/1.1\r\nContent-Length: x\r\n\r\n").find("400"), std::string::npos);
  EXPECT_NE(exchange("POST /x HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc").find("400"), std::string::npos);
}

TEST_F(ServerTest, SlowHeadsAndBodiesAreCutOff) {
  int descriptor = connect_to_server();
  send_all(descriptor, "GET /x HT");
  const auto begun = std::chrono::steady_clock::now();
  receive(descriptor);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(4000));
  close(descriptor);
  descriptor = connect_to_server();
  send_all(descriptor, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_EQ(receive(descriptor), "");
  close(descriptor);
  EXPECT_EQ(echo_.finished, 0);
  // A byte now and then doesn't help.
  descriptor = connect_to_server();
  send_all(descriptor, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  std::string answer;
  for (int i = 0; i < 30 && answer.empty(); ++i) {
    send_all(descriptor, "x");
    char piece[1000];
    const ssize_t count = ::recv(descriptor, piece, sizeof piece, MSG_DONTWAIT);
    if (count > 0) answer.assign(piece, static_cast<std::size_t>(count));
    std::this_thread::sleep_for(milliseconds(100));
  }
  EXPECT_NE(answer.find("408"), std::string::npos);
  close(descriptor);
}

TEST_F(ServerTest, SendsFilesAndEvents) {
  std::string name = (std::filesystem::temp_directory_path() / "server-XXXXXX").string();
  const int made = ::mkstemp(name.data());
  ASSERT_GE(made, 0);
  close(made);
  const std::string content(1 << 20, 'f');
  std::ofstream(name) << content;
  echo_.file = name;
  const std::string answer = exchange("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 1048576"), std::string::npos);
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), content);
  std::filesystem::remove(name);
  EXPECT_NE(exchange("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").find("503"), std::string::npos);
  const std::string events = exchange("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(events.find("data: 1"), std::string::npos);
  EXPECT_NE(events.find("data: 2"), std::string::npos);
  EXPECT_TRUE(events.ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, ConnectionsAreLimited) {
  std::vector<int> descriptors;
  for (int i = 0; i < 20; ++i) descriptors.push_back(connect_to_server());
  std::this_thread::sleep_for(milliseconds(100));
  const int refused = connect_to_server();
  EXPECT_EQ(receive(refused), "");
  close(refused);
  for (const int descriptor : descriptors) close(descriptor);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_NE(exchange("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").find("200"), std::string::npos);
}

TEST_F(ServerTest, StoppingAnswersWhatIsUnderWayAndClosesTheRest) {
  const int idle = connect_to_server(), busy = connect_to_server();
  send_all(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(100));
  std::thread stopper([&] { server_->stop(); });
  EXPECT_NE(receive(busy).find("200 OK"), std::string::npos);
  EXPECT_EQ(receive(idle), "");
  stopper.join();
  EXPECT_EQ(echo_.finished, 1);
  close(idle);
  close(busy);
}

TEST_F(ServerTest, AddressesThatCannotBeUsedAreErrors) {
  ServerOptions options;
  options.host = "no such host";
  EXPECT_EQ(Server::start(options, echo_).error().code, base::ErrorCode::kInvalidArgument);
  options.host = "127.0.0.1";
  options.port = server_->port();
  EXPECT_EQ(Server::start(options, echo_).error().code, base::ErrorCode::kIo);
}

}  // namespace
}  // namespace blindproof::service::http
