#include "blindproof/envelope/key_envelope.h"

#include <algorithm>
#include <optional>

#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/base/base64url.h"

namespace blindproof::envelope {
namespace {

using base::ErrorCode;

constexpr std::string_view kAlgorithm = "ECDH-ES+A256KW";
constexpr std::size_t kMaxContextBytes = 1024;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "key envelope", std::move(detail)); }

/// The key that wraps the content encryption key for one recipient.
/// Ref: RFC 7518 section 4.6.2; 32 bytes take one round of the Concat KDF.
Key256 wrapping_key(const Key256& shared, base::ByteSpan party_u, base::ByteSpan party_v) {
  crypto::Sha256 hash;
  const auto number = [&](std::size_t value) {
    const auto part = [&](int shift) { return static_cast<std::uint8_t>(value >> shift); };
    const std::uint8_t big_endian[] = {part(24), part(16), part(8), part(0)};
    hash.absorb(big_endian);
  };
  const auto sized = [&](base::ByteSpan bytes) {
    number(bytes.size());
    hash.absorb(bytes);
  };
  number(1);
  hash.absorb(shared.expose());
  sized(base::as_bytes(kAlgorithm));
  sized(party_u);
  sized(party_v);
  number(256);
  return Key256(hash.finish());
}

base::Status check_recipients(std::span<const RecipientKey> recipients) {
  if (recipients.empty()) return failed(ErrorCode::kInvalidArgument, "needs a recipient");
  if (recipients.size() > kMaxRecipients) return failed(ErrorCode::kInvalidArgument, "has more than " + std::to_string(kMaxRecipients) + " recipients");
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    if (std::ranges::count(recipients, recipients[i]) > 1) return failed(ErrorCode::kInvalidArgument, "has a recipient twice");
  }
  return {};
}

/// What additional data the content is bound to: RFC 7516 section 5.1, step 14.
std::string associated_data(std::string_view encoded_header, std::string_view encoded_aad) {
  std::string data(encoded_header);
  if (!encoded_aad.empty()) data.append(1, '.').append(encoded_aad);
  return data;
}

/// The named member's text, "" if it is absent.
base::Result<std::string> text_member(const Json& object, const char* name, bool required) {
  const auto found = object.find(name);
  if (found == object.end()) {
    if (required) return failed(ErrorCode::kMalformed, std::string("has no \"") + name + '"');
    return std::string();
  }
  if (!found->is_string()) return failed(ErrorCode::kMalformed, std::string("\"") + name + "\" is no text");
  return found->get<std::string>();
}

base::Result<base::Bytes> bytes_member(const Json& object, const char* name, bool required) {
  BLINDPROOF_ASSIGN(const std::string text, text_member(object, name, required));
  base::Result<base::Bytes> bytes = base::from_base64url(text);
  if (!bytes.ok()) return failed(ErrorCode::kMalformed, std::string("\"") + name + "\" is no base64url");
  return bytes;
}

struct Recipient {
  Json header;  // with the members that all share
  base::Bytes encrypted_key;
};

struct Parsed {
  std::string encoded_header, encoded_aad;
  base::Bytes aad, nonce, ciphertext, tag;
  std::vector<Recipient> recipients;
};

base::Result<Json> object_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return Json::object();
  if (!found->is_object()) return failed(ErrorCode::kMalformed, std::string("\"") + name + "\" is no object");
  return Json(*found);
}

/// RFC 7516 section 4: the names in the three headers must be distinct.
base::Status merge(Json& into, const Json& header) {
  for (const auto& [name, value] : header.items()) {
    if (into.contains(name)) return failed(ErrorCode::kMalformed, "has a header parameter twice");
    into[name] = value;
  }
  return {};
}

base::Result<Parsed> parse(std::string_view text) {
  BLINDPROOF_ASSIGN(const Json json, parse_json(text, kMaxKeyEnvelopeBytes));
  if (!json.is_object()) return failed(ErrorCode::kMalformed, "is no JSON object");
  Parsed parsed;
  BLINDPROOF_ASSIGN(parsed.encoded_header, text_member(json, "protected", false));
  BLINDPROOF_ASSIGN(parsed.encoded_aad, text_member(json, "aad", false));
  BLINDPROOF_ASSIGN(parsed.aad, bytes_member(json, "aad", false));
  BLINDPROOF_ASSIGN(parsed.nonce, bytes_member(json, "iv", true));
  BLINDPROOF_ASSIGN(parsed.ciphertext, bytes_member(json, "ciphertext", true));
  BLINDPROOF_ASSIGN(parsed.tag, bytes_member(json, "tag", true));
  BLINDPROOF_ASSIGN(Json shared, object_member(json, "unprotected"));
  if (!parsed.encoded_header.empty()) {
    BLINDPROOF_ASSIGN(const base::Bytes bytes, bytes_member(json, "protected", true));
    BLINDPROOF_ASSIGN(const Json header, parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kMaxKeyEnvelopeBytes));
    if (!header.is_object()) return failed(ErrorCode::kMalformed, "has a protected header that is no object");
    BLINDPROOF_TRY(merge(shared, header));
  }
  const auto recipients = json.find("recipients");
  if (recipients == json.end() || !recipients->is_array() || recipients->empty()) {
    return failed(ErrorCode::kMalformed, "has no list of recipients");
  }
  if (recipients->size() > kMaxRecipients) return failed(ErrorCode::kLimit, "has more than " + std::to_string(kMaxRecipients) + " recipients");
  for (const Json& entry : *recipients) {
    if (!entry.is_object()) return failed(ErrorCode::kMalformed, "has a recipient that is no object");
    Recipient recipient{shared, {}};
    BLINDPROOF_ASSIGN(const Json header, object_member(entry, "header"));
    BLINDPROOF_TRY(merge(recipient.header, header));
    BLINDPROOF_ASSIGN(recipient.encrypted_key, bytes_member(entry, "encrypted_key", true));
    parsed.recipients.push_back(std::move(recipient));
  }
  if (parsed.nonce.size() != GcmNonce{}.size() || parsed.tag.size() != kTagBytes) {
    return failed(ErrorCode::kMalformed, "has an iv or a tag of another size than A256GCM's");
  }
  return parsed;
}

/// The content encryption key, if this recipient's entry is for the key.
base::Result<Key256> unwrap(const Recipient& recipient, const RecipientSecretKey& key) {
  const Json& header = recipient.header;
  if (header.contains("crit") || header.contains("zip")) return failed(ErrorCode::kUnsupported, "uses \"crit\" or \"zip\"");
  if (header.value("enc", Json()) != "A256GCM") return failed(ErrorCode::kUnsupported, "has another \"enc\" than A256GCM");
  if (header.value("alg", Json()) != kAlgorithm) return failed(ErrorCode::kUnsupported, "has no recipient by ECDH-ES+A256KW");
  const auto ephemeral = header.find("epk");
  if (ephemeral == header.end()) return failed(ErrorCode::kMalformed, "has a recipient without \"epk\"");
  BLINDPROOF_ASSIGN(const RecipientKey peer, parse_recipient_key(*ephemeral));
  BLINDPROOF_ASSIGN(const base::Bytes party_u, bytes_member(header, "apu", false));
  BLINDPROOF_ASSIGN(const base::Bytes party_v, bytes_member(header, "apv", false));
  BLINDPROOF_ASSIGN(const Key256 shared, x25519(key.secret(), peer.x));
  return aes_key_unwrap(wrapping_key(shared, party_u, party_v), recipient.encrypted_key);
}

}  // namespace

base::Result<std::string> seal_data_key(const Key256& data_key, std::string_view context, std::span<const RecipientKey> recipients) {
  BLINDPROOF_TRY(check_recipients(recipients));
  if (context.size() > kMaxContextBytes) return failed(ErrorCode::kInvalidArgument, "has a context of more than 1 KiB");
  Key256 content_key;
  GcmNonce nonce;
  crypto::random_bytes(content_key.expose_mutable());
  crypto::random_bytes(nonce);
  const std::string header = base::to_base64url(base::as_bytes(R"({"enc":"A256GCM"})"));
  const std::string aad = base::to_base64url(base::as_bytes(context));
  Json entries = Json::array();
  for (const RecipientKey& recipient : recipients) {
    const RecipientSecretKey ephemeral = RecipientSecretKey::generate();
    BLINDPROOF_ASSIGN(const Key256 shared, x25519(ephemeral.secret(), recipient.x));
    const Json epk = {{"kty", "OKP"}, {"crv", "X25519"}, {"x", base::to_base64url(ephemeral.recipient().x)}};
    entries.push_back({{"header", {{"alg", kAlgorithm}, {"kid", recipient.id()}, {"epk", epk}}},
                       {"encrypted_key", base::to_base64url(aes_key_wrap(wrapping_key(shared, {}, {}), content_key))}});
  }
  std::array<std::uint8_t, 32 + kTagBytes> sealed;
  AesGcm(content_key).seal(nonce, base::as_bytes(associated_data(header, aad)), data_key.expose(), sealed);
  Json json = {{"protected", header},
               {"iv", base::to_base64url(nonce)},
               {"ciphertext", base::to_base64url(base::ByteSpan(sealed).first(32))},
               {"tag", base::to_base64url(base::ByteSpan(sealed).last(kTagBytes))},
               {"recipients", std::move(entries)}};
  if (!aad.empty()) json["aad"] = aad;
  return json.dump();
}

base::Result<Key256> open_data_key(std::string_view key_envelope, std::string_view context, const RecipientSecretKey& key) {
  BLINDPROOF_ASSIGN(const Parsed parsed, parse(key_envelope));
  if (!std::ranges::equal(parsed.aad, base::as_bytes(context))) return failed(ErrorCode::kMismatch, "is for another purpose than the given context");
  if (parsed.ciphertext.size() != 32) return failed(ErrorCode::kMalformed, "doesn't hold a key of 32 bytes");
  const std::string id = key.recipient().id();
  std::optional<base::Error> refusal;
  for (const Recipient& recipient : parsed.recipients) {
    const Json kid = recipient.header.value("kid", Json());
    if (kid.is_string() && kid != id) continue;  // entries without a name are tried
    base::Result<Key256> content_key = unwrap(recipient, key);
    if (!content_key.ok()) {
      refusal = std::move(content_key).error();
      continue;
    }
    base::Bytes sealed = parsed.ciphertext;
    sealed.insert(sealed.end(), parsed.tag.begin(), parsed.tag.end());
    GcmNonce nonce;
    std::ranges::copy(parsed.nonce, nonce.begin());
    Key256 data_key;
    const std::string associated = associated_data(parsed.encoded_header, parsed.encoded_aad);
    if (!AesGcm(*content_key).open(nonce, base::as_bytes(associated), sealed, data_key.expose_mutable())) {
      return failed(ErrorCode::kRejected, "was altered");
    }
    return data_key;
  }
  if (refusal) return *refusal;
  return failed(ErrorCode::kMismatch, "is not for the key " + id);
}

base::Result<std::vector<std::string>> recipients_of(std::string_view key_envelope) {
  BLINDPROOF_ASSIGN(const Parsed parsed, parse(key_envelope));
  std::vector<std::string> ids;
  for (const Recipient& recipient : parsed.recipients) {
    const Json kid = recipient.header.value("kid", Json());
    ids.push_back(kid.is_string() ? kid.get<std::string>() : std::string());
  }
  return ids;
}

base::Result<std::string> rewrap(std::string_view key_envelope, std::string_view context, const RecipientSecretKey& key,
                                 std::span<const RecipientKey> recipients) {
  BLINDPROOF_ASSIGN(const Key256 data_key, open_data_key(key_envelope, context, key));
  return seal_data_key(data_key, context, recipients);
}

}  // namespace blindproof::envelope
