#include "blindproof/commit/poseidon.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace blindproof::commit {
namespace {

std::string hex(const Fr& value) {
  const std::array<std::uint8_t, 32> bytes = value.to_bytes();
  std::string text;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    text += "0123456789abcdef"[*byte >> 4];
    text += "0123456789abcdef"[*byte & 15];
  }
  return text;
}

std::vector<Fr> one_to(std::size_t count) {
  std::vector<Fr> list(count);
  for (std::size_t i = 0; i < count; ++i) list[i] = Fr::from_u64(i + 1);
  return list;
}

// circomlib 2.0.5: Poseidon(n) of 1, 2, .., n. circuits/test/hashes.slow.mjs compares with circomlib itself.
constexpr std::array<const char*, kPoseidonMaxInputs> kCircomlib = {
    "29176100eaa962bdc1fe6c654d6a3c130e96a4d1168b33848b897dc502820133",
    "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a",
    "0e7732d89e6939c0ff03d5e58dab6302f3230e269dc5b968f725df34ab36d732",
    "299c867db6c1fdd79dcefa40e4510b9837e60ebb1ce0663dbaa525df65250465",
    "0dab9449e4a1398a15224c0b15a49d598b2174d305a316c918125f8feeb123c0",
    "2d1a03850084442813c8ebf094dea47538490a68b05f2239134a4cca2f6302e1",
    "1c2f3482dbb140c4ebb9ada49abdbc374a9a85fcfc6533ec2e9df45b4921c318",
    "2921ab9bd0140cbc98e40395c0fefb40337a4d54fbbecd9a4d43b3d8d0c4d8d1",
    "1e0b893aa2ad802275e749d260330b7675b22bb3aaa4461d204af32e60cd9078",
    "0816126a09c29ecfcc0628461dacfb9459816fc60d6738b78db9ad07206fdc21",
    "07e5b070aa2dba008f30a6b785b6c5ae2429e211f71cacdbdae0e07fc05b47a8",
    "058814945232937db248a01e7cc55b3d681cc08702c8168494e856c1ef7693b5",
    "0f918939632fadca6456a2fe6e65a124828d4c3920d379cc744e90a666887806",
    "1278779aaafc5ca58bf573151005830cdb4683fb26591c85a7464d4f0e527776",
    "094ae33b67a845998abb55e917642d4022d078d96f7c36ea11da4273ecf20f50",
    "16159a551cbb66108281a48099fff949ae08afd7f1f2ec06de2ffb96b919b765"};

TEST(Poseidon, AgreesWithCircomlibForEveryWidth) {
  for (std::size_t n = 1; n <= kPoseidonMaxInputs; ++n) EXPECT_EQ(hex(poseidon(one_to(n))), kCircomlib[n - 1]) << n;
}

TEST(Poseidon, EveryInputCounts) {
  const std::vector<Fr> list = one_to(kPoseidonMaxInputs);
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::vector<Fr> changed = list;
    changed[i] = -changed[i];
    EXPECT_NE(hex(poseidon(changed)), hex(poseidon(list))) << i;
  }
}

// The definition, block by block.
Fr chained(const Fr& start, const std::vector<Fr>& list) {
  Fr h = start;
  for (std::size_t i = 0; i < list.size(); i += 15) {
    std::vector<Fr> block = {h};
    for (std::size_t j = i; j < i + 15; ++j) block.push_back(j < list.size() ? list[j] : Fr());
    h = poseidon(block);
  }
  return h;
}

TEST(HashList, ChainsBlocksOfFifteenFromDomainAndLength) {
  Fr domain;
  for (const char c : std::string("blindproof/model"))
    domain = domain * Fr::from_u64(256) + Fr::from_u64(static_cast<unsigned char>(c));
  for (const std::size_t n : {1u, 14u, 15u, 16u, 30u, 31u}) {
    const Fr start = domain * Fr::power_of_two(64) + Fr::from_u64(n);
    EXPECT_EQ(hex(hash_list("blindproof/model", one_to(n))), hex(chained(start, one_to(n)))) << n;
  }
}

TEST(HashList, BindsLengthAndDomain) {
  std::vector<Fr> longer = one_to(3);
  longer.push_back(Fr());
  EXPECT_NE(hex(hash_list("blindproof/model", one_to(3))), hex(hash_list("blindproof/model", longer)));
  EXPECT_NE(hex(hash_list("blindproof/model", one_to(3))), hex(hash_list("blindproof/input", one_to(3))));
}

}  // namespace
}  // namespace blindproof::commit
