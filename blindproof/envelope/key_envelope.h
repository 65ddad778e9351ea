// A data key for several recipients: JWE in general JSON serialisation (RFC 7516), enc A256GCM, each recipient by
// ECDH-ES+A256KW over X25519 (RFC 7518 section 4.6, RFC 8037). Other JOSE libraries read and write the same.
#pragma once

#include <span>
#include <string>

#include "blindproof/envelope/recipient_key.h"

namespace blindproof::envelope {

inline constexpr std::size_t kMaxRecipients = 64;
inline constexpr std::size_t kMaxKeyEnvelopeBytes = std::size_t{1} << 18;

/// The data key encrypted for every recipient. `context` says what the key is for (it travels in the open, as JWE "aad"); opening
/// with another fails.
/// Errors: kInvalidArgument for no or too many recipients, one twice, or a context above 1 KiB; kMalformed for a recipient of small order.
base::Result<std::string> seal_data_key(const Key256& data_key, std::string_view context, std::span<const RecipientKey> recipients);

/// Errors: kMalformed, kLimit, kUnsupported (another algorithm, compression, "crit"), kMismatch (not for this key, or for another
/// context), kRejected (altered).
base::Result<Key256> open_data_key(std::string_view key_envelope, std::string_view context, const RecipientSecretKey& key);

/// Ids ("kid") of the recipients, in order; "" where one has none. Nothing is verified: that takes a recipient's key.
base::Result<std::vector<std::string>> recipients_of(std::string_view key_envelope);

/// The same data key for other recipients, under fresh keys: the content stays as it is. Somebody who was a recipient and kept the
/// data key can still read the content that exists.
/// Errors: those of open_data_key and seal_data_key.
base::Result<std::string> rewrap(std::string_view key_envelope, std::string_view context, const RecipientSecretKey& key,
                                 std::span<const RecipientKey> recipients);

}  // namespace blindproof::envelope
