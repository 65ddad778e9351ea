#include "blindproof/service/client/client.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "blindproof/base/file.h"
#include "blindproof/service/http/problem.h"
#include "blindproof/service/http/server.h"

namespace blindproof::service::client {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

/// Says what it was asked; answers by the path's last part.
class Echo final : public http::Handler {
 public:
  class Exchange final : public http::Exchange {
   public:
    explicit Exchange(http::RequestHead head) : head_(std::move(head)) {}
    bool write(base::ByteSpan bytes) override {
      body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return true;
    }
    http::Response finish() override {
      if (head_.target == "/nothing") return {204};
      if (head_.target == "/busy") return http::problem(429, "quota", "too\nmuch");
      if (head_.target == "/conflict") return http::problem(409, "exists", "is there");
      if (head_.target == "/invalid") return http::problem(422, "invalid", "no");
      if (head_.target == "/unsupported") return http::problem(422, "unsupported", "no");
      if (head_.target == "/down") return http::problem(503, "unavailable", "no");
      if (head_.target == "/text") return {200, {}, "text"};
      if (head_.target == "/html") return {404, {}, "<html>"};
      if (head_.target == "/elsewhere") return {302, {{"Location", "/nothing"}}, ""};
      if (head_.target == "/protocol") return {400, {}, "{\"error\": \"of another form\"}"};
      if (head_.target == "/events") {
        http::Response response{200, {{"Content-Type", "text/event-stream"}}};
        const std::string first = std::string(head_.header("last-event-id")).empty() ? "id: 1\nevent: begin\ndata: {\"n\": 1}\n\n" : "";
        response.events = [texts = std::vector<std::string>{first + ":\n\nid: 2\r\ndata: {\"n\"", ":\ndata: 2}\r\n\r\n", "data: no json\n\n", "data: \"unfinished"},
                           at = std::size_t{0}]() mutable -> std::optional<std::string> {
          if (at == texts.size()) return std::nullopt;
          return texts[at++];
        };
        return response;
      }
      if (head_.target == "/endless-event") {
        http::Response response{200, {{"Content-Type", "text/event-stream"}}};
        response.events = []() -> std::optional<std::string> { return std::string(1 << 20, 'x'); };
        return response;
      }
      if (head_.target == "/large") return {200, {}, std::string(100000, 'x')};
      return http::json_response({{"method", head_.method}, {"target", head_.target}, {"key", head_.header("authorization")},
                                  {"type", head_.header("content-type")}, {"bytes", body_.size()}, {"body", body_.substr(0, 100)}});
    }

   private:
    http::RequestHead head_;
    std::string body_;
  };
  http::Opened open(http::RequestHead head) override { return {std::make_unique<Exchange>(std::move(head)), {}}; }
};

crypto::SecretBytes key(std::string_view text) { return crypto::SecretBytes::copy_of(base::as_bytes(text)); }

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() : server_(http::Server::start({}, echo_).value()), client_(Client::open("http://127.0.0.1:" + std::to_string(server_->port()) + "/", key("k-1")).value()) {
    std::string name = (fs::temp_directory_path() / "client-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ClientTest() override {
    server_->stop();
    fs::remove_all(folder_);
  }

  Echo echo_;
  std::unique_ptr<http::Server> server_;
  Client client_;
  fs::path folder_;
};

TEST_F(ClientTest, SendsJsonAndFilesWithItsKey) {
  Json seen = client_.post("/ml/models?x=1", {{"name", "a"}}).value();
  EXPECT_EQ(seen["method"], "POST");
  EXPECT_EQ(seen["target"], "/ml/models?x=1");
  EXPECT_EQ(seen["key"], "Bearer k-1");
  EXPECT_EQ(seen["type"], "application/json");
  EXPECT_EQ(seen["body"], "{\"name\":\"a\"}");
  EXPECT_EQ(client_.put("/x", Json::object())->at("method"), "PUT");
  EXPECT_EQ(client_.post("/x")->at("bytes"), 0);
  EXPECT_EQ(client_.get_text("/text").value(), "text");
  EXPECT_EQ(client_.remove("/x")->at("method"), "DELETE");
  EXPECT_EQ(client_.get("/x")->at("bytes"), 0);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3} << 20}) {
    ASSERT_TRUE(base::write_file_atomic(folder_ / "f", base::Bytes(size, 7)).ok());
    seen = client_.post_file("/x", folder_ / "f").value();
    EXPECT_EQ(seen["method"], "POST");
    EXPECT_EQ(seen["type"], "application/octet-stream");
    EXPECT_EQ(seen["bytes"], size);
    EXPECT_EQ(client_.put_file("/x", folder_ / "f")->at("method"), "PUT");
  }
  EXPECT_TRUE(client_.get("/nothing")->is_null());
  EXPECT_EQ(client_.post_file("/x", folder_ / "missing").error().code, ErrorCode::kIo);
}

TEST_F(ClientTest, TurnsProblemsIntoErrors) {
  EXPECT_EQ(client_.get("/busy").error().code, ErrorCode::kLimit);
  EXPECT_EQ(client_.get("/busy").error().detail, "too much");
  EXPECT_EQ(client_.get("/conflict").error().code, ErrorCode::kMismatch);
  EXPECT_EQ(client_.get("/invalid").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client_.get("/unsupported").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(client_.get("/down").error().code, ErrorCode::kIo);
  EXPECT_EQ(client_.get("/text").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(client_.get("/html").error().detail, "HTTP status 404");
  EXPECT_EQ(client_.get("/elsewhere").error().detail, "HTTP status 302") << "redirects are not followed";
  EXPECT_EQ(client_.get("/protocol").error().detail, "of another form");
  EXPECT_EQ(client_.get("@other.example/").error().code, ErrorCode::kMalformed);
}

TEST_F(ClientTest, DownloadsWholeFilesOrNone) {
  EXPECT_TRUE(client_.download("/large", folder_ / "f", 100000).ok());
  EXPECT_EQ(fs::file_size(folder_ / "f"), 100000u);
  EXPECT_EQ(client_.download("/large", folder_ / "g", 99999).error().code, ErrorCode::kLimit);
  EXPECT_EQ(client_.download("/html", folder_ / "g", 99999).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(folder_ / "g"));
  EXPECT_EQ(client_.download("/large", folder_ / "no/such", 100000).error().code, ErrorCode::kIo);
}

TEST_F(ClientTest, ReadsEventsUntilTheirEndOrEnough) {
  std::vector<Event> seen;
  const auto keep = [&](const Event& event) {
    seen.push_back(event);
    return true;
  };
  ASSERT_TRUE(client_.events("/events", "", keep).ok());
  ASSERT_EQ(seen.size(), 3u) << "what isn't finished is none";
  EXPECT_EQ(seen[0].id, "1");
  EXPECT_EQ(seen[0].name, "begin");
  EXPECT_EQ(seen[0].data["n"], 1);
  EXPECT_EQ(seen[1].id, "2");
  EXPECT_EQ(seen[1].name, "");
  EXPECT_EQ(seen[1].data["n"], 2) << "over two lines";
  EXPECT_TRUE(seen[2].data.is_null());
  seen.clear();
  ASSERT_TRUE(client_.events("/events", "1", keep).ok());
  EXPECT_EQ(seen.at(0).id, "2") << "from there on";
  std::size_t count = 0;
  ASSERT_TRUE(client_.events("/events", "", [&](const Event&) { return ++count < 2; }).ok());
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(client_.events("/endless-event", "", keep).error().code, ErrorCode::kLimit);
  EXPECT_EQ(client_.events("/conflict", "", keep).error().code, ErrorCode::kMismatch);
  EXPECT_EQ(client_.events("/events", "1\r\nX: y", keep).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(client_.get("/x").ok()) << "usable as before";
}

TEST_F(ClientTest, ReportsUploads) {
  std::uint64_t most = 0, total = 0;
  client_.set_progress(base::Progress([&](std::string_view phase, std::uint64_t done, std::uint64_t of) {
    EXPECT_EQ(phase, "sending");
    most = std::max(most, done);
    total = of;
  }));
  ASSERT_TRUE(base::write_file_atomic(folder_ / "f", base::Bytes(3000000, 7)).ok());
  ASSERT_TRUE(client_.post_file("/x", folder_ / "f").ok());
  EXPECT_EQ(most, 3000000u);
  EXPECT_EQ(total, 3000000u);
}

TEST_F(ClientTest, SendsNoKeyWithoutOne) {
  Client client = Client::open("http://127.0.0.1:" + std::to_string(server_->port())).value();
  EXPECT_EQ(client.get("/x")->at("key"), "");
}

TEST(ClientOpen, RefusesOtherUrlsAndKeys) {
  for (const char* url : {"", "127.0.0.1", "ftp://x", "http://x/path", "http://x?y", "http://user@x", "file:///etc/passwd"}) {
    EXPECT_EQ(Client::open(url, key("k")).error().code, ErrorCode::kInvalidArgument) << url;
  }
  for (const char* text : {"", "a b", "a\r\nHost: x"}) EXPECT_EQ(Client::open("http://x", key(text)).error().code, ErrorCode::kInvalidArgument) << text;
}

TEST(ClientOpen, AServerThatIsNotThereIsAnError) {
  Client client = Client::open("http://127.0.0.1:1", key("k-secret")).value();
  const base::Error error = client.get("/x").error();
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_EQ(error.message().find("k-secret"), std::string::npos);
}

TEST(PercentEncode, LeavesUnreservedCharactersAlone) {
  EXPECT_EQ(percent_encode("aZ0-_.~"), "aZ0-_.~");
  EXPECT_EQ(percent_encode("a b/&?=%\xC3\xA9"), "a%20b%2F%26%3F%3D%25%C3%A9");
}

}  // namespace
}  // namespace blindproof::service::client
