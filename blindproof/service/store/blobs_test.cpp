#include "blindproof/service/store/blobs.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>

#include "blindproof/base/file.h"

namespace blindproof::service::store {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

class Blobs : public testing::Test {
 protected:
  Blobs() {
    std::string name = (fs::temp_directory_path() / "blobs-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~Blobs() override { fs::remove_all(root_); }

  BlobFolder open() { return BlobFolder::open(root_ / "blobs").value(); }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  fs::path root_;
};

TEST_F(Blobs, AreFoundByTheDigestOfTheirBytes) {
  const BlobFolder folder = open();
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 200001u}) {
    const base::Bytes bytes(size, static_cast<std::uint8_t>(size));
    const Blob blob = folder.put(bytes).value();
    EXPECT_EQ(blob.digest, base::to_hex(crypto::sha256(bytes)));
    EXPECT_EQ(blob.bytes, size);
    EXPECT_TRUE(folder.contains(blob.digest));
    EXPECT_EQ(folder.read_all(blob.digest, size).value(), bytes);
    EXPECT_EQ(base::read_file(folder.path_of(blob.digest), size).value(), bytes);
    if (size > 0) {
      EXPECT_EQ(folder.read_all(blob.digest, size - 1).error().code, ErrorCode::kLimit);
    }
  }
  EXPECT_EQ(files(), 5u);
}

TEST_F(Blobs, TheSameBytesAreOneBlob) {
  const BlobFolder folder = open();
  const Blob a = folder.put(base::as_bytes("content")).value();
  auto writer = folder.create();
  ASSERT_TRUE(writer->write(base::as_bytes("con")).ok());
  ASSERT_TRUE(writer->write(base::as_bytes("tent")).ok());
  EXPECT_EQ(writer->finish()->digest, a.digest);
  EXPECT_EQ(files(), 1u);
  ASSERT_TRUE(base::write_file_atomic(root_ / "file", base::as_bytes("content")).ok());
  EXPECT_EQ(folder.put_file(root_ / "file")->digest, a.digest);
}

TEST_F(Blobs, WhatIsNotFinishedIsRemoved) {
  const BlobFolder folder = open();
  {
    auto writer = folder.create();
    ASSERT_TRUE(writer->write(base::as_bytes("half")).ok());
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
  // A killed program's leavings go when they are a day old.
  std::ofstream(root_ / "blobs/incoming/young") << "x";
  std::ofstream(root_ / "blobs/incoming/old") << "x";
  fs::last_write_time(root_ / "blobs/incoming/old", fs::file_time_type::clock::now() - std::chrono::hours(25));
  open();
  EXPECT_TRUE(fs::exists(root_ / "blobs/incoming/young"));
  EXPECT_FALSE(fs::exists(root_ / "blobs/incoming/old"));
}

TEST_F(Blobs, AlteredBytesAreRefused) {
  const BlobFolder folder = open();
  const Blob blob = folder.put(base::as_bytes("content")).value();
  std::ofstream(folder.path_of(blob.digest)) << "CONTENT";
  EXPECT_EQ(folder.read_all(blob.digest, 100).error().code, ErrorCode::kRejected);
}

TEST_F(Blobs, NamesThatAreNoDigestsLeadNowhere) {
  const BlobFolder folder = open();
  std::ofstream(root_ / "secret") << "x";
  for (const std::string name : {"", "../../secret", "../secret", "..", "ab/../../../secret", "AB"}) {
    EXPECT_FALSE(folder.contains(name)) << name;
    EXPECT_EQ(folder.read_all(name, 100).error().code, ErrorCode::kIo) << name;
    EXPECT_TRUE(folder.remove(name).ok());
  }
  EXPECT_EQ(folder.read_all(std::string(64, 'a'), 100).error().code, ErrorCode::kIo);
  EXPECT_TRUE(fs::exists(root_ / "secret"));
}

TEST_F(Blobs, AreRemoved) {
  const BlobFolder folder = open();
  const Blob blob = folder.put(base::as_bytes("content")).value();
  EXPECT_TRUE(folder.remove(blob.digest).ok());
  EXPECT_FALSE(folder.contains(blob.digest));
  EXPECT_TRUE(folder.remove(blob.digest).ok());
}

TEST_F(Blobs, TheSinksErrorAndAFolderThatIsNoneAreErrors) {
  const BlobFolder folder = open();
  const Blob blob = folder.put(base::as_bytes("content")).value();
  EXPECT_EQ(folder.read(blob.digest, [](base::ByteSpan) -> base::Status { return base::error(ErrorCode::kLimit, "sink", "is full"); }).error().code,
            ErrorCode::kLimit);
  std::ofstream(root_ / "file") << "x";
  EXPECT_EQ(BlobFolder::open(root_ / "file").error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace blindproof::service::store
