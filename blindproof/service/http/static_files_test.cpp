#include "blindproof/service/http/static_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace blindproof::service::http {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFilesTest() {
    std::string name = (fs::temp_directory_path() / "web-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    folder_ = root_ / "page";
    write("page/index.html", "<!doctype html>");
    write("page/lib/a.wasm", "wasm");
    write("page/lib/a.wasm.gz", "zipped");
    write("page/key.pem", "not for browsers");
    write("secret.txt", "beside the folder");
  }
  ~StaticFilesTest() override { fs::remove_all(root_); }

  void write(const char* name, const char* text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  fs::path root_, folder_;
};

TEST_F(StaticFilesTest, AreSentWithTheirTypesAndTheCompressedOnesToThoseWhoTakeThem) {
  const StaticFiles files = StaticFiles::open(folder_).value();
  EXPECT_EQ(files.find("/", {})->file, folder_ / "index.html");
  EXPECT_EQ(header(*files.find("/index.html", {}), "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(files.find("/lib/a.wasm", {})->file, folder_ / "lib/a.wasm");
  EXPECT_EQ(header(*files.find("/lib/a.wasm", {}), "Content-Type"), "application/wasm");
  RequestHead head;
  head.headers = {{"accept-encoding", "br, gzip"}};
  EXPECT_EQ(files.find("/lib/a.wasm", head)->file, folder_ / "lib/a.wasm.gz");
  EXPECT_EQ(header(*files.find("/lib/a.wasm", head), "Content-Encoding"), "gzip");
  EXPECT_EQ(files.find("/index.html", head)->file, folder_ / "index.html") << "no compressed one";
}

TEST_F(StaticFilesTest, AreNotSentAgainToThoseWhoHaveThem) {
  const StaticFiles files = StaticFiles::open(folder_).value();
  RequestHead head;
  head.headers = {{"if-none-match", header(*files.find("/", {}), "ETag")}};
  EXPECT_EQ(files.find("/", head)->status, 304);
  EXPECT_TRUE(files.find("/", head)->file.empty());
  EXPECT_EQ(files.find("/lib/a.wasm", head)->status, 200) << "another file";
}

TEST_F(StaticFilesTest, LetScriptsComeFromHereAndNothingGoElsewhere) {
  const std::string policy = header(*StaticFiles::open(folder_).value().find("/", {}), "Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("connect-src 'self'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe-inline"), std::string::npos);
  EXPECT_EQ(policy.find("*"), std::string::npos);
}

TEST_F(StaticFilesTest, NothingElseIsReachable) {
  const StaticFiles files = StaticFiles::open(folder_).value();
  for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/lib/../../secret.txt", "//etc/passwd", "/etc/passwd", "/key.pem", "/lib", "/lib/", "", "index.html",
                           "/lib/a.wasm.gz"}) {
    EXPECT_FALSE(files.find(path, {}).has_value()) << path;
  }
}

TEST_F(StaticFilesTest, FoldersThatAreNoPageAreErrors) {
  EXPECT_EQ(StaticFiles::open(root_ / "none").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(StaticFiles::open(folder_ / "lib").error().code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::service::http
