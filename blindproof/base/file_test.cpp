#include "blindproof/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace blindproof::base {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() : folder_(std::filesystem::path(testing::TempDir()) / "blindproof_file_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WriteThenRead) {
  const Bytes bytes = {1, 2, 3};
  ASSERT_TRUE(write_file_atomic(folder_ / "a", bytes).ok());
  EXPECT_EQ(read_file(folder_ / "a", 3).value(), bytes);
  EXPECT_EQ(read_file(folder_ / "a", 2).error().code, ErrorCode::kLimit);
  EXPECT_EQ(read_file(folder_ / "b", 3).error().code, ErrorCode::kIo);
  EXPECT_EQ(read_file(folder_, 3).error().code, ErrorCode::kIo);
}

TEST_F(FileTest, SecretFilesAreForTheOwnerOnly) {
  ASSERT_TRUE(write_file_atomic(folder_ / "key", Bytes{1}, FileMode::kSecret).ok());
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileTest, RefusesToOverwriteKeysAndLeavesNothingBehind) {
  ASSERT_TRUE(write_file_atomic(folder_ / "key", Bytes{1}, FileMode::kSecret, Overwrite::kRefuse).ok());
  const Status second = write_file_atomic(folder_ / "key", Bytes{2}, FileMode::kSecret, Overwrite::kRefuse);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(folder_ / "key", 10).value(), Bytes{1});
  EXPECT_FALSE(write_file_atomic(folder_ / "no" / "such", Bytes{1}).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, AFileWrittenInPiecesAppearsWhenItIsWhole) {
  {
    auto file = AtomicFile::create(folder_ / "a").value();
    ASSERT_TRUE(file.write_at(2, Bytes{3, 4}).ok());
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
    ASSERT_TRUE(file.write_at(0, Bytes{1, 2}).ok());
    ASSERT_TRUE(file.commit().ok());
    auto abandoned = AtomicFile::create(folder_ / "b").value();
    ASSERT_TRUE(abandoned.write_at(0, Bytes{1}).ok());
  }
  EXPECT_EQ(read_file(folder_ / "a", 10).value(), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, AMappingHasTheFilesBytesAndKeepsWritesToItself) {
  const Bytes bytes(10000, 7);
  ASSERT_TRUE(write_file_atomic(folder_ / "a", bytes).ok());
  const MappedFile mapped = map_file(folder_ / "a", 10000).value();
  EXPECT_TRUE(std::ranges::equal(mapped.bytes, bytes));
  mapped.bytes[0] = 8;
  EXPECT_EQ(read_file(folder_ / "a", 10000).value(), bytes);
  EXPECT_EQ(map_file(folder_ / "a", 9999).error().code, ErrorCode::kLimit);
  ASSERT_TRUE(write_file_atomic(folder_ / "empty", {}).ok());
  EXPECT_EQ(map_file(folder_ / "empty", 10).error().code, ErrorCode::kIo);
}

TEST_F(FileTest, NothingHalfWrittenStaysBehindAbandonFiles) {
  const Bytes bytes(std::size_t{4} << 20, 7);
  for (int i = 0; i < 10; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::thread([&] {
        while (write_file_atomic(folder_ / "f", bytes).ok()) {
        }
      }).detach();
      std::this_thread::sleep_for(std::chrono::milliseconds(7 * i));
      abandon_files();
      std::_Exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      EXPECT_EQ(entry.path().filename(), "f");
      EXPECT_EQ(entry.file_size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace blindproof::base
