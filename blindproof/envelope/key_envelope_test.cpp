#include "blindproof/envelope/key_envelope.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "blindproof/base/base64url.h"
#include "blindproof/envelope/content.h"

namespace blindproof::envelope {
namespace {

using base::ErrorCode;

constexpr std::string_view kContext = "model 7 of tenant a";

std::string hex(const Key256& key) { return base::to_hex(key.expose()); }

struct Three {
  RecipientSecretKey owner = RecipientSecretKey::generate(), worker = RecipientSecretKey::generate(), other = RecipientSecretKey::generate();
};

TEST(KeyEnvelope, OpensForEveryRecipientAndNobodyElse) {
  const Three keys;
  const Key256 data_key = make_data_key();
  const RecipientKey recipients[] = {keys.owner.recipient(), keys.worker.recipient()};
  const std::string sealed = seal_data_key(data_key, kContext, recipients).value();
  EXPECT_EQ(hex(open_data_key(sealed, kContext, keys.owner).value()), hex(data_key));
  EXPECT_EQ(hex(open_data_key(sealed, kContext, keys.worker).value()), hex(data_key));
  EXPECT_EQ(open_data_key(sealed, kContext, keys.other).error().code, ErrorCode::kMismatch);
  EXPECT_EQ(recipients_of(sealed).value(), (std::vector<std::string>{keys.owner.recipient().id(), keys.worker.recipient().id()}));
  EXPECT_EQ(sealed.find(hex(data_key)), std::string::npos);
}

TEST(KeyEnvelope, IsBoundToItsContext) {
  const Three keys;
  const RecipientKey recipients[] = {keys.owner.recipient()};
  const std::string sealed = seal_data_key(make_data_key(), kContext, recipients).value();
  EXPECT_EQ(open_data_key(sealed, "model 8 of tenant a", keys.owner).error().code, ErrorCode::kMismatch);
  Json json = Json::parse(sealed);
  json["aad"] = base::to_base64url(base::as_bytes("model 8 of tenant a"));
  EXPECT_EQ(open_data_key(json.dump(), "model 8 of tenant a", keys.owner).error().code, ErrorCode::kRejected);
  const std::string plain = seal_data_key(make_data_key(), "", recipients).value();
  EXPECT_TRUE(open_data_key(plain, "", keys.owner).ok());
}

TEST(KeyEnvelope, RewrappingKeepsTheDataKeyAndChangesWhoMayOpen) {
  const Three keys;
  const Key256 data_key = make_data_key();
  const RecipientKey before[] = {keys.owner.recipient(), keys.worker.recipient()}, after[] = {keys.owner.recipient(), keys.other.recipient()};
  const std::string sealed = seal_data_key(data_key, kContext, before).value();
  const std::string rewrapped = rewrap(sealed, kContext, keys.owner, after).value();
  EXPECT_EQ(hex(open_data_key(rewrapped, kContext, keys.other).value()), hex(data_key));
  EXPECT_EQ(hex(open_data_key(rewrapped, kContext, keys.owner).value()), hex(data_key));
  EXPECT_FALSE(open_data_key(rewrapped, kContext, keys.worker).ok());
  EXPECT_FALSE(rewrap(sealed, kContext, keys.other, after).ok());
  // Everything is fresh: an old entry grafted onto the new envelope doesn't open it.
  Json graft = Json::parse(rewrapped);
  graft["recipients"][0] = Json::parse(sealed)["recipients"][1];
  EXPECT_EQ(open_data_key(graft.dump(), kContext, keys.worker).error().code, ErrorCode::kRejected);
}

TEST(KeyEnvelope, RefusesAnAlteredBitInEveryBinaryPart) {
  const Three keys;
  const RecipientKey recipients[] = {keys.owner.recipient()};
  const Json good = Json::parse(seal_data_key(make_data_key(), kContext, recipients).value());
  const auto refuses = [&](const char* pointer) {
    const Json::json_pointer where(pointer);
    const base::Bytes bytes = base::from_base64url(good.at(where).get<std::string>()).value();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      base::Bytes altered = bytes;
      altered[i] ^= 1;
      Json json = good;
      json[where] = base::to_base64url(altered);
      EXPECT_FALSE(open_data_key(json.dump(), kContext, keys.owner).ok()) << pointer << " byte " << i;
      altered.resize(i);
      json[where] = base::to_base64url(altered);
      EXPECT_FALSE(open_data_key(json.dump(), kContext, keys.owner).ok()) << pointer << " cut to " << i;
    }
  };
  for (const char* pointer : {"/protected", "/iv", "/ciphertext", "/tag", "/aad", "/recipients/0/encrypted_key", "/recipients/0/header/epk/x"}) {
    refuses(pointer);
  }
}

TEST(KeyEnvelope, RefusesHeadersThatItDoesNotUnderstand) {
  const Three keys;
  const RecipientKey recipients[] = {keys.owner.recipient()};
  const Json good = Json::parse(seal_data_key(make_data_key(), kContext, recipients).value());
  const auto opened = [&](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    const auto result = open_data_key(json.dump(), kContext, keys.owner);
    return result.ok() ? std::optional<ErrorCode>() : result.error().code;
  };
  EXPECT_EQ(opened("/unprotected", Json::object()), std::nullopt);
  EXPECT_EQ(opened("/unprotected", {{"crit", {"exp"}}}), ErrorCode::kUnsupported);
  EXPECT_EQ(opened("/unprotected", {{"zip", "DEF"}}), ErrorCode::kUnsupported);
  EXPECT_EQ(opened("/unprotected", {{"enc", "A256GCM"}}), ErrorCode::kMalformed) << "in two headers";
  EXPECT_EQ(opened("/protected", base::to_base64url(base::as_bytes(R"({"enc":"A128GCM"})"))), ErrorCode::kUnsupported);
  EXPECT_EQ(opened("/protected", base::to_base64url(base::as_bytes(R"({"enc":"A256GCM","enc":"A256GCM"})"))), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients/0/header/alg", "ECDH-ES"), ErrorCode::kUnsupported);
  EXPECT_EQ(opened("/recipients/0/header/alg", Json::array()), ErrorCode::kUnsupported);
  EXPECT_EQ(opened("/recipients/0/header/epk", Json::array()), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients/0/header/epk/x", base::to_base64url(base::Bytes(32))), ErrorCode::kMalformed) << "small order";
  EXPECT_EQ(opened("/recipients/0/header/apu", 7), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients/0/header", "x"), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients/0", "x"), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients", Json::array()), ErrorCode::kMalformed);
  EXPECT_EQ(opened("/recipients", Json(std::vector<Json>(kMaxRecipients + 1, good["recipients"][0]))), ErrorCode::kLimit);
  for (const char* text : {"", "{}", "[]", "null", "{\"protected\":1}", "{\"iv\":", "\"\\ud800\""}) {
    EXPECT_FALSE(open_data_key(text, kContext, keys.owner).ok()) << text;
  }
  EXPECT_EQ(open_data_key(std::string(kMaxKeyEnvelopeBytes + 1, ' '), kContext, keys.owner).error().code, ErrorCode::kLimit);
  EXPECT_EQ(open_data_key(std::string(100000, '['), kContext, keys.owner).error().code, ErrorCode::kLimit);
}

TEST(KeyEnvelope, NeedsDistinctRecipientsOfWhichThereIsOneAtLeast) {
  const Three keys;
  const RecipientKey twice[] = {keys.owner.recipient(), keys.owner.recipient()};
  EXPECT_EQ(seal_data_key(make_data_key(), "", {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(seal_data_key(make_data_key(), "", twice).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(seal_data_key(make_data_key(), "", std::vector<RecipientKey>{RecipientKey{}}).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(seal_data_key(make_data_key(), std::string(2000, 'x'), std::span(twice).first(1)).error().code, ErrorCode::kInvalidArgument);
}

TEST(RecipientKey, ReadsTheKeyOfRfc8037) {  // appendix A.6
  const auto key = parse_recipient_key(Json::parse(R"({"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"})"));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(base::to_hex(key->x), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(key->id().size(), 43u);
  EXPECT_EQ(parse_recipient_key(key->jwk()).value(), *key);
}

TEST(RecipientKey, FilesAreSecretNeverOverwrittenAndChecked) {
  const auto path = std::filesystem::temp_directory_path() / ("recipient_key_test_" + std::to_string(getpid()));
  std::filesystem::remove(path);
  const RecipientSecretKey key = RecipientSecretKey::generate();
  ASSERT_TRUE(key.write(path).ok());
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(RecipientSecretKey::read(path).value().recipient(), key.recipient());
  EXPECT_EQ(RecipientSecretKey::generate().write(path).error().code, ErrorCode::kInvalidArgument);
  const base::Bytes bytes = base::read_file(path, 1000).value();
  EXPECT_EQ(parse_recipient_key(Json::parse(bytes)).error().code, ErrorCode::kInvalidArgument) << "a private key where a public one belongs";
  Json other = Json::parse(bytes);
  other["x"] = base::to_base64url(RecipientSecretKey::generate().recipient().x);
  ASSERT_TRUE(base::write_file_atomic(path, base::as_bytes(other.dump())).ok());
  EXPECT_EQ(RecipientSecretKey::read(path).error().code, ErrorCode::kMismatch);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace blindproof::envelope
