// Encodings and signatures of Ethereum against published examples.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "blindproof/chain/abi.h"
#include "blindproof/chain/address.h"
#include "blindproof/chain/ethereum_key.h"
#include "blindproof/chain/quantity.h"
#include "blindproof/chain/rlp.h"
#include "blindproof/chain/settlement.h"
#include "blindproof/chain/transaction.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;

Digest256 digest_of(std::string_view hex) {
  Digest256 digest{};
  const base::Bytes bytes = base::from_hex(hex).value();
  EXPECT_EQ(bytes.size(), digest.size());
  std::copy_n(bytes.begin(), digest.size(), digest.begin());
  return digest;
}

Address address_from(std::string_view text) { return parse_address(text, "test").value(); }

EthereumKey key_of(const Digest256& bytes) { return EthereumKey::from_bytes(crypto::Secret<std::array<std::uint8_t, 32>>(bytes)).value(); }

std::string hex(base::ByteSpan bytes) { return base::to_hex(bytes); }

TEST(Quantity, DecimalsAndQuantitiesComeBackOrAreRefused) {
  const Uint128 max = ~Uint128{0};
  for (const Uint128 value : {Uint128{0}, Uint128{1}, Uint128{9}, Uint128{10}, Uint128{255}, Uint128{1} << 64, max - 1, max}) {
    EXPECT_EQ(parse_decimal(to_decimal(value), "test").value(), value);
    EXPECT_EQ(parse_quantity(to_quantity(value), "test").value(), value);
  }
  EXPECT_EQ(to_decimal(max), "340282366920938463463374607431768211455");
  EXPECT_EQ(to_quantity(1024), "0x400");
  EXPECT_EQ(to_quantity(0), "0x0");
  for (const std::string_view text :
       {"", "01", "-1", "+1", "1.0", "0x1", " 1", "340282366920938463463374607431768211456", "9999999999999999999999999999999999999999"}) {
    EXPECT_FALSE(parse_decimal(text, "test").ok()) << text;
  }
  for (const std::string_view text : {"", "0x", "0x01", "1", "0xg", "x1"})
    EXPECT_EQ(parse_quantity(text, "test").error().code, ErrorCode::kMalformed) << text;
  EXPECT_EQ(parse_quantity("0x1" + std::string(32, '0'), "test").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_decimal64("18446744073709551615", "test").value(), ~std::uint64_t{0});
  EXPECT_FALSE(parse_decimal64("18446744073709551616", "test").ok());
}

TEST(Address, AgreesWithTheExamplesOfEip55) {
  for (const std::string_view text : {"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                                      "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
                                      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                      "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"}) {
    EXPECT_EQ(to_text(address_from(text)), text);
  }
}

TEST(Address, RefusesMistypedOnes) {
  for (const std::string_view text : {"", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
                                      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
                                      "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xzaAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}) {
    EXPECT_EQ(parse_address(text, "test").error().code, ErrorCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(parse_address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "test").ok());
  EXPECT_TRUE(parse_address("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", "test").ok());
}

TEST(Address, OfContractsFollowsFromSenderAndNonce) {
  const Address sender = address_from("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
  EXPECT_EQ(contract_address(sender, 0), address_from("0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"));
  EXPECT_EQ(contract_address(sender, 1), address_from("0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"));
  EXPECT_EQ(contract_address(sender, 2), address_from("0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91"));
}

TEST(Rlp, AgreesWithTheSpecificationsExamples) {
  const auto text = [](std::string_view t) { return rlp_bytes(base::as_bytes(t)); };
  EXPECT_EQ(hex(text("dog")), "83646f67");
  EXPECT_EQ(hex(rlp_list({text("cat"), text("dog")})), "c88363617483646f67");
  EXPECT_EQ(hex(text("")), "80");
  EXPECT_EQ(hex(rlp_list({})), "c0");
  EXPECT_EQ(hex(rlp_integer(0)), "80");
  EXPECT_EQ(hex(text(std::string_view("\0", 1))), "00");
  EXPECT_EQ(hex(rlp_integer(15)), "0f");
  EXPECT_EQ(hex(rlp_integer(127)), "7f");
  EXPECT_EQ(hex(rlp_integer(128)), "8180");
  EXPECT_EQ(hex(rlp_integer(1024)), "820400");
  EXPECT_EQ(hex(rlp_list({rlp_list({}), rlp_list({rlp_list({})}), rlp_list({rlp_list({}), rlp_list({rlp_list({})})})})),
            "c7c0c1c0c3c0c1c0");
  const std::string_view lorem = "Lorem ipsum dolor sit amet, consectetur adipisicing elit";
  EXPECT_EQ(hex(text(lorem)), "b838" + hex(base::as_bytes(lorem)));
  const std::pair<std::size_t, std::string_view> prefixes[] = {{55, "b7"},      {56, "b838"},      {255, "b8ff"},
                                                               {256, "b90100"}, {65535, "b9ffff"}, {65536, "ba010000"}};
  for (const auto& [size, prefix] : prefixes)
    EXPECT_EQ(hex(rlp_bytes(base::Bytes(size, 1))), std::string(prefix) + hex(base::Bytes(size, 1)));
}

TEST(Abi, AgreesWithTheSpecificationsExamples) {
  const std::string zeros(64, '0');
  const auto word = [&](std::string_view digits) { return zeros.substr(digits.size()) + std::string(digits); };
  const auto left = [&](std::string_view digits) { return std::string(digits) + zeros.substr(digits.size()); };
  EXPECT_EQ(hex(encode_call("baz(uint32,bool)", {Uint128{69}, Uint128{1}})), "cdcd77c0" + word("45") + word("1"));
  const auto bytes3 = [](std::string_view text) { return parse_abi_value("bytes3", "0x" + hex(base::as_bytes(text)), "test").value(); };
  EXPECT_EQ(hex(encode_call("bar(bytes3[2])", {AbiValue::tuple({bytes3("abc"), bytes3("def")})})),
            "fce353f6" + left("616263") + left("646566"));
  EXPECT_EQ(
      hex(encode_call("sam(bytes,bool,uint256[])",
                      {AbiValue::text("dave"), Uint128{1}, AbiValue::array({Uint128{1}, Uint128{2}, Uint128{3}})})),
      "a5643bf2" + word("60") + word("1") + word("a0") + word("4") + left("64617665") + word("3") + word("1") + word("2") + word("3"));
  EXPECT_EQ(hex(encode_call("f(uint256,uint32[],bytes10,bytes)",
                            {Uint128{0x123}, AbiValue::array({Uint128{0x456}, Uint128{0x789}}),
                             parse_abi_value("bytes10", "0x31323334353637383930", "test").value(), AbiValue::text("Hello, world!")})),
            "8be65246" + word("123") + word("80") + left("31323334353637383930") + word("e0") + word("2") + word("456") + word("789") +
                word("d") + left("48656c6c6f2c20776f726c6421"));
  EXPECT_EQ(hex(encode_call("g(uint256[][],string[])",
                            {AbiValue::array({AbiValue::array({Uint128{1}, Uint128{2}}), AbiValue::array({Uint128{3}})}),
                             AbiValue::array({AbiValue::text("one"), AbiValue::text("two"), AbiValue::text("three")})})),
            "2289b18c" + word("40") + word("140") + word("2") + word("40") + word("a0") + word("2") + word("1") + word("2") + word("1") +
                word("3") + word("3") + word("60") + word("a0") + word("e0") + word("3") + left("6f6e65") + word("3") + left("74776f") +
                word("5") + left("7468726565"));
}

TEST(Abi, RefusesArgumentsOfAnotherForm) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"address", "0x00"}, {"bool", "1"},        {"uint8", "256"},  {"uint64", "18446744073709551616"},
      {"uint256", "-1"},   {"bytes3", "0x6162"}, {"bytes32", "00"}, {"bytes", "0x0"},
      {"bytes", "abc"},    {"uint256", "1e18"}};
  for (const auto& [type, text] : wrong) EXPECT_EQ(parse_abi_value(type, text, "test").error().code, ErrorCode::kInvalidArgument) << type;
  for (const std::string_view type : {"int8", "uint7", "uint512", "bytes33", "bytes0", "uint256[]", "bytes32[2]", "tuple", "", "uintx"}) {
    EXPECT_EQ(parse_abi_value(type, "0x00", "test").error().code, ErrorCode::kUnsupported) << type;
  }
}

TEST(Abi, DecimalWordsReachTo256Bits) {
  EXPECT_EQ(hex(parse_decimal_word("115792089237316195423570985008687907853269984665640564039457584007913129639935", "test").value()),
            std::string(64, 'f'));
  EXPECT_EQ(hex(parse_decimal_word("21888242871839275222246405745257275088548364400416034343698204186575808495617", "test").value()),
            "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
  for (const Uint128 value : {Uint128{0}, Uint128{1}, Uint128{255}, Uint128{256}, ~Uint128{0}})
    EXPECT_EQ(parse_decimal_word(to_decimal(value), "test").value(), word_of(value));
  for (const std::string_view text :
       {"", "00", "-1", "0x1", "1 ", "115792089237316195423570985008687907853269984665640564039457584007913129639936"}) {
    EXPECT_FALSE(parse_decimal_word(text, "test").ok()) << text;
  }
  EXPECT_FALSE(parse_decimal_word(std::string(100'000, '9'), "test").ok());
}

TEST(Abi, ReaderNeverReadsPastTheEnd) {
  const base::Bytes good =
      encode_arguments({AbiValue::text("abc"), Uint128{1}, address_from("0x52908400098527886E0F7030069857D2E4169EE7")});
  AbiReader reader(good, "test");
  EXPECT_EQ(hex(reader.bytes(3).value()), "616263");
  EXPECT_TRUE(reader.boolean().value());
  EXPECT_EQ(to_text(reader.address().value()), "0x52908400098527886E0F7030069857D2E4169EE7");
  EXPECT_EQ(AbiReader(good, "test").bytes(2).error().code, ErrorCode::kLimit);
  for (std::size_t size = 0; size + 29 < good.size(); ++size) {
    EXPECT_FALSE(AbiReader(base::ByteSpan(good).first(size), "test").bytes(100).ok()) << size;
  }
  base::Bytes far(64, 0xff);
  EXPECT_FALSE(AbiReader(far, "test").bytes(100).ok());
  EXPECT_FALSE(AbiReader(far, "test").address().ok());
  EXPECT_FALSE(AbiReader(far, "test").boolean().ok());
}

// EIP-155's example.
TEST(EthereumKey, SignsAsTheExampleOfEip155) {
  const EthereumKey key = key_of(digest_of("4646464646464646464646464646464646464646464646464646464646464646"));
  EXPECT_EQ(to_text(key.address()), "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
  const EthereumSignature signature = key.sign(digest_of("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"));
  EXPECT_EQ(hex(signature.r), "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276");
  EXPECT_EQ(hex(signature.s), "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");
  EXPECT_EQ(signature.y_parity, 0);
}

// EIP-712's example: the mail from Cow to Bob.
TEST(Eip712, AgreesWithTheExampleOfTheStandard) {
  EXPECT_EQ(hex(eip712_domain("Ether Mail", "1", 1, address_from("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"))),
            "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
  const EthereumKey cow = key_of(crypto::keccak256(base::as_bytes("cow")));
  EXPECT_EQ(to_text(cow.address()), "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
  const Digest256 digest = digest_of("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
  const EthereumSignature signature = cow.sign(digest);
  EXPECT_EQ(
      hex(signature.packed()),
      "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c");
  EXPECT_EQ(recover_signer(digest, signature).value(), cow.address());
}

TEST(EthereumKey, RecoveryNamesTheSignerAndRefusesMalleatedSignatures) {
  const EthereumKey key = EthereumKey::generate();
  for (int i = 0; i < 32; ++i) {
    const Digest256 digest = crypto::keccak256(base::Bytes(static_cast<std::size_t>(i), 7));
    const EthereumSignature signature = key.sign(digest);
    EXPECT_EQ(recover_signer(digest, signature).value(), key.address());
    EXPECT_EQ(recover_signer(digest, EthereumSignature::parse(signature.packed(), "test").value()).value(), key.address());
    // n - s with the other parity is the same signature to careless verifiers.
    const Digest256 order = digest_of("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    EthereumSignature other = signature;
    int borrow = 0;
    for (std::size_t j = 32; j-- > 0;) {
      const int difference = order[j] - signature.s[j] - borrow;
      borrow = difference < 0 ? 1 : 0;
      other.s[j] = static_cast<std::uint8_t>(difference & 0xff);
    }
    other.y_parity ^= 1;
    EXPECT_EQ(recover_signer(digest, other).error().code, ErrorCode::kRejected);
    other = signature;
    other.r[0] ^= 1;
    const auto altered = recover_signer(digest, other);
    EXPECT_TRUE(!altered.ok() || altered.value() != key.address());
  }
  EXPECT_FALSE(recover_signer({}, EthereumSignature{}).ok());
}

TEST(EthereumKey, SignaturesOfAnotherFormAreRefused) {
  base::Bytes packed = EthereumKey::generate().sign({}).packed();
  for (const unsigned v : {0u, 1u, 26u, 29u, 255u}) {
    packed[64] = static_cast<std::uint8_t>(v);
    EXPECT_FALSE(EthereumSignature::parse(packed, "test").ok());
  }
  packed[64] = 27;
  EXPECT_TRUE(EthereumSignature::parse(packed, "test").ok());
  packed.push_back(0);
  EXPECT_FALSE(EthereumSignature::parse(packed, "test").ok());
  EXPECT_FALSE(EthereumSignature::parse({}, "test").ok());
}

TEST(EthereumKey, KeysOutOfRangeAreRefused) {
  using Bytes32 = crypto::Secret<std::array<std::uint8_t, 32>>;
  EXPECT_FALSE(EthereumKey::from_bytes(Bytes32()).ok());
  EXPECT_FALSE(EthereumKey::from_bytes(Bytes32(digest_of("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))).ok());
  EXPECT_TRUE(EthereumKey::from_bytes(Bytes32(digest_of("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"))).ok());
}

TEST(EthereumKey, ComesFromAFileOfItsOwnerOrTheEnvironment) {
  namespace fs = std::filesystem;
  const fs::path path = fs::temp_directory_path() / ("blindproof_ethereum_key_" + std::to_string(::getpid()));
  const EthereumKey key = EthereumKey::generate();
  ASSERT_TRUE(key.write(path).ok());
  EXPECT_EQ(key.write(path).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fs::status(path).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(EthereumKey::read(path).value().address(), key.address());
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  ASSERT_EQ(text.size(), 66u);
  for (const std::string& form : {text, text.substr(2), text + "\n"}) {
    ::setenv("BLINDPROOF_TEST_KEY", form.c_str(), 1);
    EXPECT_EQ(EthereumKey::from_environment("BLINDPROOF_TEST_KEY").value().address(), key.address());
  }
  for (const std::string& form : {std::string(), text.substr(0, 65), text + "0", "zz" + text.substr(4), std::string(1000, '1')}) {
    ::setenv("BLINDPROOF_TEST_KEY", form.c_str(), 1);
    EXPECT_EQ(EthereumKey::from_environment("BLINDPROOF_TEST_KEY").error().code, ErrorCode::kMalformed);
  }
  ::unsetenv("BLINDPROOF_TEST_KEY");
  EXPECT_EQ(EthereumKey::from_environment("BLINDPROOF_TEST_KEY").error().code, ErrorCode::kInvalidArgument);
  fs::permissions(path, fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(EthereumKey::read(path).error().code, ErrorCode::kInvalidArgument);
  fs::remove(path);
}

Settlement example() {
  Settlement settlement;
  settlement.chain_id = 31337;
  settlement.contract = address_from("0x5FbDB2315678afecb367f032d93F642f64180aa3");
  settlement.receipt_hash = crypto::sha256(base::as_bytes("receipt"));
  settlement.recipient = address_from("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  settlement.amount = (Uint128{1} << 100) + 5;
  settlement.nonce = 7;
  settlement.deadline = 1'900'000'000;
  return settlement;
}

TEST(Settlement, StatementIsTheHashOfThePackedFields) {
  const InferenceDigests digests{digest_of(std::string(63, '0') + "1"), digest_of(std::string(63, '0') + "2"),
                                 digest_of(std::string(63, '0') + "3")};
  const std::string packed = hex(base::as_bytes("blindproof/rcpt1")) + "0000000000007a69" + "5fbdb2315678afecb367f032d93f642f64180aa3" +
                             "70997970c51812dc3a010c7d01b50e0d17dc79c8" + "00000010000000000000000000000005" + "0000000000000007" +
                             "00000000713fb300" + hex(example().receipt_hash) + std::string(63, '0') + "1" + std::string(63, '0') + "2" +
                             std::string(63, '0') + "3";
  ASSERT_EQ(packed.size(), 448u);
  const Digest256 digest = crypto::sha256(base::from_hex(packed).value());
  EXPECT_EQ(statement_digest(example(), digests), digest);
  const PublicStatement halves = split(digest);
  Word joined = word_of(halves.low);
  const Word high = word_of(halves.high);
  std::copy(high.begin() + 16, high.end(), joined.begin());
  EXPECT_EQ(joined, digest);
}

TEST(Settlement, EveryFieldIsInStatementAndSignature) {
  std::vector<Settlement> others(7, example());
  others[0].chain_id ^= 1;
  others[1].contract.bytes[19] ^= 1;
  others[2].receipt_hash[0] ^= 1;
  others[3].recipient.bytes[0] ^= 1;
  others[4].amount ^= Uint128{1} << 127;
  others[5].nonce ^= 1;
  others[6].deadline ^= std::uint64_t{1} << 63;
  const InferenceDigests digests;
  for (const Settlement& other : others) {
    EXPECT_NE(statement_digest(other, digests), statement_digest(example(), digests));
    EXPECT_NE(eip712_digest(other), eip712_digest(example()));
  }
  for (const int i : {0, 1, 2}) {
    InferenceDigests altered;
    (i == 0 ? altered.model : i == 1 ? altered.input : altered.output)[31] = 1;
    EXPECT_NE(statement_digest(example(), altered), statement_digest(example(), digests));
  }
}

TEST(Settlement, FieldElementsEndBelowR) {
  EXPECT_TRUE(is_field_element({}));
  EXPECT_TRUE(is_field_element(digest_of("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000")));
  EXPECT_FALSE(is_field_element(digest_of("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001")));
  EXPECT_FALSE(is_field_element(digest_of(std::string(64, 'f'))));
}

TEST(Transaction, ItsSignatureIsItsSendersAndBindsEveryField) {
  const EthereumKey key = EthereumKey::generate();
  Transaction transaction;
  transaction.chain_id = 31337;
  transaction.nonce = 3;
  transaction.max_priority_fee_per_gas = 1'000'000'000;
  transaction.max_fee_per_gas = 2'000'000'000;
  transaction.gas_limit = 21'000;
  transaction.to = address_from("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  transaction.value = 1;
  transaction.data = {1, 2, 3};
  const Digest256 digest = signing_digest(transaction);
  EXPECT_EQ(recover_signer(digest, key.sign(digest)).value(), key.address());
  std::vector<Transaction> others(9, transaction);
  others[0].chain_id = 1;
  others[1].nonce = 4;
  others[2].max_priority_fee_per_gas = 0;
  others[3].max_fee_per_gas = 0;
  others[4].gas_limit = 21'001;
  others[5].to = address_from("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  others[5].to->bytes[0] ^= 1;
  others[6].to.reset();
  others[7].value = 0;
  others[8].data.push_back(0);
  for (const Transaction& other : others) EXPECT_NE(signing_digest(other), digest);
}

}  // namespace
}  // namespace blindproof::chain
