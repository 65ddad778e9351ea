#include "blindproof/envelope/content.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "blindproof/base/file.h"

namespace blindproof::envelope {
namespace {

using base::Bytes;
using base::ByteSpan;
using base::ErrorCode;

constexpr std::size_t kChunk = std::size_t{1} << kMinLogChunk;
constexpr std::size_t kSealedChunk = kChunk + kTagBytes;

Sink into(Bytes& out) {
  return [&out](ByteSpan bytes) -> base::Status {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  };
}

Bytes plain_of(std::size_t size) {
  Bytes plain(size);
  for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::uint8_t>(i * 131 + i / 251);
  return plain;
}

Bytes encrypt(const Key256& key, ByteSpan plain, std::size_t piece = 1 << 20) {
  Bytes out;
  ContentEncryptor encryptor(key, into(out), kMinLogChunk);
  for (std::size_t i = 0; i < plain.size(); i += piece) EXPECT_TRUE(encryptor.write(plain.subspan(i, std::min(piece, plain.size() - i))).ok());
  EXPECT_TRUE(encryptor.finish().ok());
  return out;
}

base::Result<Bytes> decrypt(const Key256& key, ByteSpan encrypted, std::size_t piece = 1 << 20) {
  Bytes out;
  ContentDecryptor decryptor(key, into(out));
  for (std::size_t i = 0; i < encrypted.size(); i += piece) {
    BLINDPROOF_TRY(decryptor.write(encrypted.subspan(i, std::min(piece, encrypted.size() - i))));
  }
  BLINDPROOF_TRY(decryptor.finish());
  return out;
}

TEST(Content, DecryptsWhatItEncryptedAtEverySizeAroundAChunk) {
  const Key256 key = make_data_key();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk - 1, 2 * kChunk, 5 * kChunk + 7}) {
    const Bytes plain = plain_of(size);
    const Bytes encrypted = encrypt(key, plain);
    EXPECT_EQ(encrypted.size(), encrypted_size(size, kMinLogChunk)) << size;
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, kChunk, kSealedChunk, kSealedChunk + 1, std::size_t{1} << 20}) {
      const auto decrypted = decrypt(key, encrypted, piece);
      ASSERT_TRUE(decrypted.ok()) << size << " " << decrypted.error().message();
      EXPECT_EQ(*decrypted, plain) << size << " in pieces of " << piece;
    }
    EXPECT_EQ(decrypt(key, encrypt(key, plain, 3)).value(), plain);
  }
}

TEST(Content, RefusesEveryTruncationAndAnyByteAppended) {
  const Key256 key = make_data_key();
  const Bytes encrypted = encrypt(key, plain_of(2 * kChunk + 3));
  for (std::size_t size = 0; size < encrypted.size(); ++size) ASSERT_FALSE(decrypt(key, ByteSpan(encrypted).first(size)).ok()) << size;
  Bytes longer = encrypted;
  longer.push_back(0);
  EXPECT_EQ(decrypt(key, longer).error().code, ErrorCode::kRejected);
}

TEST(Content, RefusesAFlippedBitInAnyByte) {
  const Key256 key = make_data_key();
  const Bytes encrypted = encrypt(key, plain_of(kChunk + 30));
  for (std::size_t i = 0; i < encrypted.size(); ++i) {
    Bytes altered = encrypted;
    altered[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
    ASSERT_FALSE(decrypt(key, altered).ok()) << i;
  }
}

TEST(Content, RefusesChunksThatAreExchangedRepeatedOrLeftOut) {
  const Key256 key = make_data_key();
  const Bytes encrypted = encrypt(key, plain_of(4 * kChunk));
  const auto chunk = [&](const Bytes& of, std::size_t index) { return ByteSpan(of).subspan(kContentHeaderBytes + index * kSealedChunk, kSealedChunk); };
  const auto made_of = [&](const std::vector<std::size_t>& order) {
    Bytes out(encrypted.begin(), encrypted.begin() + kContentHeaderBytes);
    for (const std::size_t index : order) out.insert(out.end(), chunk(encrypted, index).begin(), chunk(encrypted, index).end());
    return out;
  };
  EXPECT_TRUE(decrypt(key, made_of({0, 1, 2, 3})).ok());
  for (const std::vector<std::size_t>& order : std::vector<std::vector<std::size_t>>{
           {1, 0, 2, 3}, {0, 2, 1, 3}, {0, 1, 3, 2}, {0, 1, 1, 3}, {0, 0, 1, 2, 3}, {0, 1, 3}, {1, 2, 3}, {3}, {0, 1, 2, 3, 3}, {0, 1, 2}}) {
    EXPECT_EQ(decrypt(key, made_of(order)).error().code, ErrorCode::kRejected);
  }
  Bytes mixed = encrypted;  // a chunk of other content under the same data key, at the same place
  const Bytes other = encrypt(key, plain_of(4 * kChunk));
  std::ranges::copy(chunk(other, 1), mixed.begin() + kContentHeaderBytes + kSealedChunk);
  EXPECT_EQ(decrypt(key, mixed).error().code, ErrorCode::kRejected);
}

TEST(Content, NamesAnotherKeyAnotherVersionAndForeignFiles) {
  const Bytes encrypted = encrypt(make_data_key(), plain_of(10));
  EXPECT_EQ(decrypt(make_data_key(), encrypted).error().code, ErrorCode::kMismatch);
  Bytes altered = encrypted;
  altered[3] = 2;
  EXPECT_EQ(decrypt(make_data_key(), altered).error().code, ErrorCode::kUnsupported);
  altered = encrypted;
  altered[4] = 63;
  EXPECT_EQ(decrypt(make_data_key(), altered).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(decrypt(make_data_key(), plain_of(200)).error().code, ErrorCode::kMalformed);
}

TEST(Content, NothingThatWasNotAuthenticatedReachesTheSink) {
  const Key256 key = make_data_key();
  const Bytes plain = plain_of(3 * kChunk);
  Bytes altered = encrypt(key, plain);
  altered[kContentHeaderBytes + kSealedChunk + 5] ^= 1;  // in the second chunk
  Bytes out;
  ContentDecryptor decryptor(key, into(out));
  EXPECT_FALSE(decryptor.write(altered).ok());
  EXPECT_TRUE(std::ranges::equal(out, ByteSpan(plain).first(kChunk)));
  EXPECT_FALSE(decryptor.write({}).ok()) << "an error stays";
  EXPECT_FALSE(decryptor.finish().ok());
}

TEST(Content, TheSinksErrorEndsTheWork) {
  const auto full = [](ByteSpan) -> base::Status { return base::error(ErrorCode::kIo, "disk", "is full"); };
  ContentEncryptor encryptor(make_data_key(), full, kMinLogChunk);
  EXPECT_EQ(encryptor.write(plain_of(2 * kChunk)).error().code, ErrorCode::kIo);
  const Key256 key = make_data_key();
  ContentDecryptor decryptor(key, full);
  EXPECT_EQ(decryptor.write(encrypt(key, plain_of(3 * kChunk))).error().code, ErrorCode::kIo);
}

class ContentFiles : public testing::Test {
 protected:
  ContentFiles() { std::filesystem::create_directories(folder_); }
  ~ContentFiles() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("content_test_" + std::to_string(getpid()));
};

TEST_F(ContentFiles, LargeFilesTakeLittleMemory) {
  constexpr std::size_t kSize = std::size_t{96} << 20;
  const std::filesystem::path plain = folder_ / "plain", encrypted = folder_ / "encrypted", back = folder_ / "back";
  {
    std::ofstream file(plain, std::ios::binary);
    const Bytes piece = plain_of(1 << 20);
    for (std::size_t i = 0; i < kSize; i += piece.size()) file.write(reinterpret_cast<const char*>(piece.data()), 1 << 20);
  }
  const Key256 key = make_data_key();
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  ASSERT_TRUE(encrypt_file(plain, encrypted, key, kSize).ok());
  ASSERT_TRUE(decrypt_file(encrypted, back, key, 2 * kSize).ok());
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 8 << 10) << "KiB more at the peak";
  EXPECT_EQ(std::filesystem::file_size(encrypted), encrypted_size(kSize));
  EXPECT_EQ(base::read_file(back, kSize).value(), base::read_file(plain, kSize).value());
  EXPECT_EQ(std::filesystem::status(back).permissions() & std::filesystem::perms::group_read, std::filesystem::perms::none);
}

TEST_F(ContentFiles, ARefusedFileLeavesNothingBehind) {
  const Key256 key = make_data_key();
  Bytes altered = encrypt(key, plain_of(3 * kChunk));
  altered.pop_back();
  ASSERT_TRUE(base::write_file_atomic(folder_ / "in", altered).ok());
  EXPECT_EQ(decrypt_file(folder_ / "in", folder_ / "out", key, 1 << 20).error().code, ErrorCode::kRejected);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  EXPECT_EQ(decrypt_file(folder_ / "in", folder_ / "out", key, 100).error().code, ErrorCode::kLimit);
  EXPECT_EQ(decrypt_file(folder_ / "none", folder_ / "out", key, 100).error().code, ErrorCode::kIo);
  EXPECT_EQ(decrypt_file(folder_, folder_ / "out", key, 100).error().code, ErrorCode::kIo);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace blindproof::envelope
