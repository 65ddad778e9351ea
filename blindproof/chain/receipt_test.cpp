#include "blindproof/chain/receipt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "blindproof/base/base64url.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;

constexpr std::string_view kFull = R"({
  "version": "1.0", "receipt_id": "r-1", "job_id": "j-1", "provider": "node-7", "client": "alice", "units": 1200, "unit_type": "tokens",
  "started_at": "2026-01-31T23:59:58.5Z", "completed_at": "2026-02-01T00:00:00Z", "price": "0.25", "model": "digits", "duration_ms": 1500,
  "prompt_hash": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "artifact_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "coordinator_id": "c-1", "nonce": 7, "chain_id": 31337, "metadata": {"z": [1, null, 0.5], "note": "\u00e9\n", "none": null}
})";

Ed25519SecretKey test_key(std::uint8_t first = 1) {
  crypto::SecretSeed seed;
  seed.expose_mutable()[0] = first;
  return Ed25519SecretKey::from_seed(seed).value();
}

JsonValue json_of(std::string_view text) { return parse_json(base::as_bytes(text), "test").value(); }
base::Result<Receipt> parse(std::string_view text) { return Receipt::parse(base::as_bytes(text), "test"); }
base::Result<Receipt> with(std::string_view field, std::string_view value) {
  JsonValue json = json_of(kFull);
  json.set(field, json_of(value));
  return Receipt::from_json(std::move(json), "test");
}

TEST(Receipt, CanonicalFormIsSortedCompactAndWithoutNulls) {
  EXPECT_EQ(
      parse(kFull).value().canonical(),
      "{\"artifact_hash\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"chain_id\":31337,\"client\":\"alice\","
      "\"completed_at\":\"2026-02-01T00:00:00Z\",\"coordinator_id\":\"c-1\",\"duration_ms\":1500,\"job_id\":\"j-1\",\"metadata\":{\"note\":"
      "\"\xc3\xa9\\n\","
      "\"z\":[1,null,0.5]},\"model\":\"digits\",\"nonce\":7,\"price\":\"0.25\",\"prompt_hash\":\"sha256:"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
      "\"provider\":\"node-7\",\"receipt_id\":\"r-1\",\"started_at\":\"2026-01-31T23:59:58.5Z\",\"unit_type\":\"tokens\",\"units\":1200,"
      "\"version\":\"1.0\"}");
}

TEST(Receipt, CanonicalFormIgnoresOrderSpaceNullsAndHowTextsAreEscaped) {
  const Receipt receipt = parse(kFull).value();
  JsonValue other = receipt.json();
  std::ranges::reverse(other.members);
  EXPECT_EQ(Receipt::from_json(other, "test").value().hash(), receipt.hash());
  EXPECT_EQ(parse(receipt.write()).value().hash(), receipt.hash());
  EXPECT_EQ(parse(receipt.canonical()).value().canonical(), receipt.canonical());
  EXPECT_EQ(with("client", "\"\\u0061lice\"").value().hash(), receipt.hash());
  JsonValue without = receipt.json(), null = receipt.json();
  without.remove("model");
  null.set("model", JsonValue());
  EXPECT_EQ(Receipt::from_json(without, "test").value().hash(), Receipt::from_json(null, "test").value().hash());
}

TEST(Receipt, VerifiesWhatItsKeySigned) {
  Receipt receipt = parse(kFull).value();
  EXPECT_EQ(receipt.verify(test_key().public_key()).error().place, "receipt.signed");
  receipt.sign(test_key());
  EXPECT_TRUE(receipt.verify(test_key().public_key()).ok());
  const auto read = parse(receipt.write());
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read.value().verify(test_key().public_key()).ok());
  EXPECT_EQ(receipt.json().find("receipt_hash")->text, base::to_hex(crypto::sha256(base::as_bytes(receipt.canonical()))));
}

TEST(Receipt, RefusesEveryAlteredFieldByItsHash) {
  Receipt receipt = parse(kFull).value();
  receipt.sign(test_key());
  const std::pair<std::string_view, std::string_view> other[] = {
      {"receipt_id", "\"r-2\""},
      {"job_id", "\"j-2\""},
      {"provider", "\"node-8\""},
      {"client", "\"bob\""},
      {"units", "1201"},
      {"unit_type", "\"token\""},
      {"started_at", "\"2026-01-31T23:59:58.4Z\""},
      {"completed_at", "\"2026-02-01T00:00:01Z\""},
      {"price", "\"0.26\""},
      {"model", "\"digit\""},
      {"prompt_hash", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
      {"artifact_hash", "\"03b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
      {"duration_ms", "1501"},
      {"coordinator_id", "\"c-2\""},
      {"nonce", "8"},
      {"chain_id", "1"},
      {"metadata", "{\"z\": [1, 0.5], \"note\": \"\\u00e9\\n\"}"},
      {"nonce", "\"7\""},
      {"price", "0.25"},
      {"units", "1200.0"}};
  std::size_t fields = 0;
  for (const auto& [field, value] : other) {
    JsonValue json = receipt.json();
    ASSERT_NE(json.find(field), nullptr);
    json.set(field, json_of(value));
    const Receipt altered = Receipt::from_json(std::move(json), "test").value();
    EXPECT_EQ(altered.verify(test_key().public_key()).error().place, "receipt.hash") << field;
    ++fields;
  }
  EXPECT_EQ(fields, receipt.json().members.size());  // each but version, receipt_hash and signature; three of them twice
  for (const std::string_view field :
       {"price", "model", "prompt_hash", "duration_ms", "artifact_hash", "coordinator_id", "nonce", "chain_id", "metadata"}) {
    JsonValue json = receipt.json();
    json.remove(field);
    EXPECT_EQ(Receipt::from_json(std::move(json), "test").value().verify(test_key().public_key()).error().place, "receipt.hash") << field;
  }
}

TEST(Receipt, RefusesOtherKeysHashesAndSignatures) {
  Receipt receipt = parse(kFull).value();
  receipt.sign(test_key());
  EXPECT_EQ(receipt.verify(test_key(2).public_key()).error().place, "receipt.key_id");
  Ed25519PublicKey posing = test_key(2).public_key();
  posing.key_id = test_key().public_key().key_id;
  EXPECT_EQ(receipt.verify(posing).error().place, "receipt.signature");

  JsonValue json = receipt.json();
  json.set("receipt_hash", JsonValue::make_text(std::string(64, '0')));
  EXPECT_EQ(Receipt::from_json(json, "test").value().verify(test_key().public_key()).error().place, "receipt.hash");
  json.remove("receipt_hash");
  EXPECT_EQ(Receipt::from_json(json, "test").value().verify(test_key().public_key()).error().place, "receipt.signed");

  // Altered, and hashed again by whoever altered it.
  json = receipt.json();
  json.set("units", JsonValue::make_number(1));
  json.set("receipt_hash", JsonValue::make_text(base::to_hex(Receipt::from_json(json, "test").value().hash())));
  EXPECT_EQ(Receipt::from_json(json, "test").value().verify(test_key().public_key()).error().place, "receipt.signature");

  const Ed25519Signature signature = receipt.signature()->bytes;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Ed25519Signature altered = signature;
    altered[i] ^= 1;
    json = receipt.json();
    JsonValue object = *json.find("signature");
    object.set("sig", JsonValue::make_text(base::to_base64url(altered)));
    json.set("signature", object);
    EXPECT_EQ(Receipt::from_json(json, "test").value().verify(test_key().public_key()).error().place, "receipt.signature") << i;
  }
}

TEST(Receipt, AttestationsAreNotSigned) {
  Receipt receipt = parse(kFull).value();
  receipt.sign(test_key());
  const auto hash = receipt.hash();
  for (std::size_t i = 0; i < kMaxAttestations; ++i) ASSERT_TRUE(receipt.attach(json_of("{\"type\":\"other\"}")).ok());
  EXPECT_EQ(receipt.attach(json_of("{}")).error().code, ErrorCode::kLimit);
  EXPECT_EQ(receipt.hash(), hash);
  EXPECT_TRUE(parse(receipt.write()).value().verify(test_key().public_key()).ok());
}

TEST(Receipt, RequiresWhatIsRequired) {
  for (const std::string_view field :
       {"version", "receipt_id", "job_id", "provider", "client", "units", "unit_type", "started_at", "completed_at"}) {
    JsonValue json = json_of(kFull);
    json.remove(field);
    const auto without = Receipt::from_json(json, "test");
    ASSERT_FALSE(without.ok()) << field;
    EXPECT_EQ(without.error().place, "test: " + std::string(field));
    json.set(field, JsonValue());
    EXPECT_FALSE(Receipt::from_json(json, "test").ok()) << field;
  }
}

TEST(Receipt, RefusesValuesOfAnotherForm) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"version", "1.0"},
      {"version", "\"1.1\""},
      {"receipt_id", "\"\""},
      {"receipt_id", "1"},
      {"job_id", "\"a\\u0000\""},
      {"provider", "\"a\\u007f\""},
      {"client", "[]"},
      {"units", "-1"},
      {"units", "\"1\""},
      {"units", "true"},
      {"unit_type", "{}"},
      {"started_at", "\"2026-01-31\""},
      {"started_at", "1.5"},
      {"started_at", "5"},
      {"completed_at", "\"2026-01-31T23:59:58.4Z\""},
      {"completed_at", "\"yesterday\""},
      {"price", "-0.5"},
      {"price", "\"1e3\""},
      {"price", "\"\""},
      {"price", "\".5\""},
      {"price", "\"01\""},
      {"price", "\"1.\""},
      {"model", "5"},
      {"prompt_hash", "\"abc\""},
      {"prompt_hash", "\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\""},
      {"duration_ms", "1.5"},
      {"duration_ms", "-1"},
      {"artifact_hash", "7"},
      {"nonce", "-7"},
      {"nonce", "1.5"},
      {"nonce", "[]"},
      {"chain_id", "0"},
      {"chain_id", "\"1\""},
      {"metadata", "[]"},
      {"metadata", "\"x\""},
      {"receipt_hash", "\"00\""},
      {"signature", "\"x\""},
      {"signature", "{}"},
      {"attestations", "{}"},
      {"attestations", "[1]"},
      {"extra", "1"},
      {"public_key", "\"00\""}};
  for (const auto& [field, value] : wrong) {
    const auto receipt = with(field, value);
    ASSERT_FALSE(receipt.ok()) << field << " " << value;
    EXPECT_EQ(receipt.error().code, ErrorCode::kMalformed);
  }
  EXPECT_FALSE(with("receipt_id", "\"" + std::string(257, 'x') + "\"").ok());
  EXPECT_TRUE(with("receipt_id", "\"" + std::string(256, 'x') + "\"").ok());
  for (const std::string_view text : {"[]", "null", "1", "{}"}) EXPECT_FALSE(parse(text).ok());
}

TEST(Receipt, RefusesSignaturesOfAnotherForm) {
  Receipt receipt = parse(kFull).value();
  receipt.sign(test_key());
  const auto refused = [&](std::string_view member, std::string_view value) {
    JsonValue json = receipt.json(), signature = *json.find("signature");
    signature.set(member, json_of(value));
    json.set("signature", signature);
    return !Receipt::from_json(json, "test").ok();
  };
  const std::string sig = receipt.json().find("signature")->find("sig")->text;
  EXPECT_FALSE(refused("sig", "\"" + sig + "\""));
  EXPECT_TRUE(refused("alg", "\"none\""));
  EXPECT_TRUE(refused("alg", "null"));
  EXPECT_TRUE(refused("key_id", "\"\""));
  EXPECT_TRUE(refused("sig", "\"" + sig + "==\""));
  EXPECT_TRUE(refused("sig", "\"" + sig.substr(0, 85) + "\""));
  EXPECT_TRUE(refused("sig", "\"" + sig.substr(0, 85) + "_\"")) << "unused bits";
  EXPECT_TRUE(refused("public_key", "\"x\""));
}

TEST(Receipt, NumbersHaveOneText) {
  for (const std::string_view number : {"0", "1", "9007199254740991", "0.0", "0.1", "0.5", "3.0", "12.5", "0.0001", "0.30000000000000004",
                                        "4503599627370495.5", "123456.789"}) {
    EXPECT_TRUE(with("units", number).ok()) << number;
  }
  for (const std::string_view number :
       {"-0", "9007199254740992", "100000000000000000000", "0.10", "1.50", "1e3", "1E3", "1.0e0", "0.00001", "-0.0",
        "0.1000000000000000055", "9007199254740992.0", "1e400", "1.0000000000000000000000000000000001"}) {
    EXPECT_FALSE(with("units", number).ok()) << number;
    EXPECT_FALSE(with("metadata", "{\"a\":[{\"b\":" + std::string(number) + "}]}").ok()) << number;
  }
  EXPECT_TRUE(with("metadata", R"({"a":[-1,-0.5,-9007199254740991]})").ok());
}

TEST(Receipt, TimesAreRealOnes) {
  const auto admitted = [](std::string_view time) {
    JsonValue json = json_of(kFull);
    json.set("started_at", JsonValue::make_text(std::string(time)));
    json.set("completed_at", JsonValue::make_text("9999-12-31T23:59:59Z"));
    return Receipt::from_json(json, "test").ok();
  };
  for (const std::string_view time : {"2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "1970-01-01T00:00:00.000000001Z",
                                      "2026-01-31T23:59:59+14:00", "2026-01-31T23:59:59.1-00:30"}) {
    EXPECT_TRUE(admitted(time)) << time;
  }
  for (const std::string_view time :
       {"2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100", "26-01-01T00:00:00Z", ""}) {
    EXPECT_FALSE(admitted(time)) << time;
  }
}

TEST(Receipt, CompletionIsNotBeforeTheStartInAnyZone) {
  const auto admitted = [](std::string_view started, std::string_view completed) {
    JsonValue json = json_of(kFull);
    json.set("started_at", json_of(started));
    json.set("completed_at", json_of(completed));
    return Receipt::from_json(json, "test").ok();
  };
  EXPECT_TRUE(admitted("\"2026-03-01T00:00:00Z\"", "\"2026-03-01T00:00:00Z\""));
  EXPECT_TRUE(admitted("\"2026-03-01T02:00:00+02:00\"", "\"2026-02-28T19:00:00-05:00\""));
  EXPECT_FALSE(admitted("\"2026-03-01T02:00:00.000000001+02:00\"", "\"2026-02-28T19:00:00-05:00\""));
  EXPECT_TRUE(admitted("\"2025-12-31T23:59:59.9Z\"", "\"2026-01-01T00:00:00Z\""));
  EXPECT_FALSE(admitted("\"2026-01-01T00:00:00Z\"", "\"2025-12-31T23:59:59.9Z\""));
  EXPECT_TRUE(admitted("1767225600", "1767225600"));
  EXPECT_FALSE(admitted("1767225601", "1767225600"));
  EXPECT_FALSE(admitted("1767225600", "\"2026-01-01T00:00:00Z\""));
}

TEST(Receipt, BoundsWhatItReads) {
  EXPECT_EQ(parse(std::string(kMaxReceiptBytes + 1, ' ')).error().code, ErrorCode::kLimit);
  EXPECT_EQ(with("metadata", "{\"a\":\"" + std::string(kMaxCanonicalBytes, 'x') + "\"}").error().code, ErrorCode::kLimit);
  std::string deep = "1";
  for (int i = 0; i < 14; ++i) deep = "[" + deep + "]";
  const std::string full(kFull);
  const auto nested = [&](const std::string& value) {
    return parse(full.substr(0, full.rfind('}')).substr(0, full.rfind("\"metadata\"")) + "\"metadata\":{\"a\":" + value + "}}");
  };
  EXPECT_TRUE(nested(deep).ok());
  EXPECT_EQ(nested("[" + deep + "]").error().code, ErrorCode::kLimit);
  EXPECT_EQ(parse(full.substr(0, full.size() - 1)).error().code, ErrorCode::kMalformed);
}

TEST(Receipt, EveryTruncationIsRefused) {
  Receipt receipt = parse(kFull).value();
  receipt.sign(test_key());
  const std::string text = write_json(receipt.json());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse(std::string_view(text).substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace blindproof::chain
