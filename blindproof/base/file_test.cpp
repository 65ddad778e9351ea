#include "blindproof/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

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

}  // namespace
}  // namespace blindproof::base
