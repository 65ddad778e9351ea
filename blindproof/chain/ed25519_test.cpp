#include "blindproof/chain/ed25519.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include <unistd.h>

#include "blindproof/base/file.h"

namespace blindproof::chain {
namespace {

namespace fs = std::filesystem;

template <std::size_t N>
std::array<std::uint8_t, N> bytes_of(std::string_view hex) {
  const base::Bytes bytes = base::from_hex(hex).value();
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(bytes.size(), N);
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

// RFC 8032, section 7.1.
struct Vector {
  std::string_view seed, point, message, signature;
};
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

Ed25519SecretKey key_of(const Vector& vector) { return Ed25519SecretKey::from_seed(crypto::SecretSeed(bytes_of<32>(vector.seed))).value(); }

class Ed25519Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("blindproof_ed25519_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name() + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void put(const fs::path& path, std::string_view text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) {
    std::ofstream(path) << text;
    fs::permissions(path, mode);
  }
  fs::path folder_;
};

TEST(Ed25519, AgreesWithTheVectorsOfRfc8032) {
  for (const Vector& vector : kVectors) {
    const base::Bytes message = base::from_hex(vector.message).value();
    const Ed25519SecretKey key = key_of(vector);
    EXPECT_EQ(base::to_hex(key.public_key().point), vector.point);
    EXPECT_EQ(base::to_hex(key.sign(message)), vector.signature);
    EXPECT_TRUE(key.public_key().verify(message, bytes_of<64>(vector.signature)));
  }
}

TEST(Ed25519, RefusesAnyAlteredBitOfMessageAndSignature) {
  const Ed25519SecretKey key = key_of(kVectors[2]);
  const base::Bytes message = base::from_hex(kVectors[2].message).value();
  const Ed25519Signature signature = key.sign(message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Ed25519Signature altered = signature;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(key.public_key().verify(message, altered)) << bit;
  }
  for (std::size_t bit = 0; bit < 16; ++bit) {
    base::Bytes altered = message;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(key.public_key().verify(altered, signature)) << bit;
  }
  EXPECT_FALSE(key_of(kVectors[1]).public_key().verify(message, signature));
}

TEST(Ed25519, RefusesMalleatedSignatures) {
  // S + L, little-endian.
  const std::array<std::uint8_t, 32> order = bytes_of<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Ed25519SecretKey key = key_of(kVectors[1]);
  Ed25519Signature signature = key.sign({});
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + unsigned{order[i]};
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(key.public_key().verify({}, signature));
}

TEST(Ed25519, RefusesKeysOfSmallOrder) {
  // With the point (0, 1) as key, R = S*B would be accepted for any message: R = identity, S = 0.
  Ed25519PublicKey key;
  key.point[0] = 1;
  Ed25519Signature signature{};
  signature[0] = 1;
  EXPECT_FALSE(key.verify(base::as_bytes("anything"), signature));
}

TEST(Ed25519, KeysDifferAndHaveTheirIds) {
  const auto a = Ed25519SecretKey::generate(), b = Ed25519SecretKey::generate("node-7:2026");
  EXPECT_NE(a.value().public_key().point, b.value().public_key().point);
  EXPECT_EQ(a.value().public_key().key_id.size(), 32u);
  EXPECT_EQ(b.value().public_key().key_id, "node-7:2026");
  for (const std::string_view id : {"a b", "\n", "\xc3\xa9", "a/b"}) EXPECT_FALSE(Ed25519SecretKey::generate(id).ok());
  EXPECT_FALSE(Ed25519SecretKey::generate(std::string(65, 'a')).ok());
}

TEST_F(Ed25519Files, SecretKeysComeBackAndAreReadableByTheirOwnerAlone) {
  for (const Vector& vector : kVectors) {
    const fs::path path = folder_ / std::string(vector.seed.substr(0, 8));
    ASSERT_TRUE(key_of(vector).write(path).ok());
    EXPECT_EQ(fs::status(path).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
    const auto read = Ed25519SecretKey::read(path);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(base::to_hex(read.value().public_key().point), vector.point);
    EXPECT_EQ(read.value().public_key().key_id, key_of(vector).public_key().key_id);
    EXPECT_EQ(base::to_hex(read.value().sign({})), base::to_hex(key_of(vector).sign({})));
    EXPECT_EQ(key_of(vector).write(path).error().code, base::ErrorCode::kInvalidArgument) << "keys are never replaced";
    fs::permissions(path, fs::perms::group_read, fs::perm_options::add);
    EXPECT_EQ(Ed25519SecretKey::read(path).error().code, base::ErrorCode::kInvalidArgument);
  }
}

TEST_F(Ed25519Files, RefusesWhatIsNoSecretKeyAndShowsNothingOfIt) {
  const std::string seed(kVectors[0].seed);
  for (const std::string& text :
       {std::string(), seed, "blindproof-ed25519-secret " + seed, "blindproof-ed25519-public id " + seed,
        "blindproof-ed25519-secret id " + seed + "00", "blindproof-ed25519-secret id " + seed.substr(1),
        "blindproof-ed25519-secret a b " + seed, "blindproof-ed25519-secret id G" + seed.substr(1),
        "blindproof-ed25519-secret id " + seed + "\n\n", "blindproof-ed25519-secret  " + seed, std::string(300, 'x')}) {
    put(folder_ / "key", text);
    const auto read = Ed25519SecretKey::read(folder_ / "key");
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().message().find(seed.substr(2, 8)), std::string::npos) << read.error().message();
  }
}

TEST(Ed25519, PublicKeysComeBack) {
  const Ed25519PublicKey key = key_of(kVectors[0]).public_key();
  const auto read = parse_public_key(base::as_bytes(write_public_key(key)), "test");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().key_id, key.key_id);
  EXPECT_EQ(read.value().point, key.point);
  EXPECT_FALSE(parse_public_key(base::as_bytes("blindproof-ed25519-public id 00"), "test").ok());
}

}  // namespace
}  // namespace blindproof::chain
