#include "blindproof/engine/fhe_encryption.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/formats/ciphertext_file.h"

namespace blindproof::engine {
namespace {

namespace formats = fhe::formats;
namespace rlwe = fhe::rlwe;
using base::ErrorCode;

base::Result<formats::Contexts> expected_contexts(const std::string& parameters) {
  if (parameters.empty()) return formats::Contexts();
  BLINDPROOF_ASSIGN(formats::AnyContext context, formats::create_context(parameters));
  return formats::Contexts(std::move(context));
}

// `encrypt_slots` takes the values of one ciphertext.
template <class Ciphertext, class Value, class EncryptSlots>
base::Result<formats::AnyCiphertexts> encrypt_all(std::span<const Value> values, std::size_t slots, std::size_t count,
                                                  EncryptSlots&& encrypt_slots, const base::Progress& progress) {
  std::vector<Ciphertext> result;
  for (std::size_t i = 0; i < count; ++i) {
    progress.report("encrypting", i, count);
    const std::size_t begin = i * slots;
    BLINDPROOF_ASSIGN(Ciphertext one, encrypt_slots(values.subspan(begin, std::min(slots, values.size() - begin))));
    result.push_back(std::move(one));
  }
  return formats::AnyCiphertexts(std::move(result));
}

template <class Key>
base::Result<formats::AnyCiphertexts> encrypt_values(const formats::AnyContext& context, const Key& key,
                                                     const arrays::Array& array, std::size_t count, crypto::Csprng& random,
                                                     const base::Progress& progress) {
  const std::size_t slots = formats::slots_of(context);
  if (const auto* ckks = std::get_if<fhe::ckks::ContextPtr>(&context)) {
    BLINDPROOF_ASSIGN(const std::vector<double> values, arrays::to_doubles(array));
    const fhe::ckks::Encoder encoder(*ckks);
    return encrypt_all<fhe::ckks::Ciphertext, double>(values, slots, count, [&](std::span<const double> part) -> base::Result<fhe::ckks::Ciphertext> {
      BLINDPROOF_ASSIGN(const fhe::ckks::Plaintext plaintext, encoder.encode(part, (*ckks)->top_level()));
      return fhe::ckks::encrypt(key, plaintext, random);
    }, progress);
  }
  BLINDPROOF_ASSIGN(const std::vector<std::int64_t> values, arrays::to_int64(array));
  if (const auto* bfv = std::get_if<fhe::bfv::ContextPtr>(&context)) {
    return encrypt_all<fhe::bfv::Ciphertext, std::int64_t>(values, slots, count, [&](std::span<const std::int64_t> part) -> base::Result<fhe::bfv::Ciphertext> {
      BLINDPROOF_ASSIGN(const fhe::bfv::Plaintext plaintext, fhe::bfv::encode(*bfv, part));
      return fhe::bfv::encrypt(key, plaintext, random);
    }, progress);
  }
  const auto& bgv = std::get<fhe::bgv::ContextPtr>(context);
  return encrypt_all<fhe::bgv::Ciphertext, std::int64_t>(values, slots, count, [&](std::span<const std::int64_t> part) -> base::Result<fhe::bgv::Ciphertext> {
    BLINDPROOF_ASSIGN(const fhe::bgv::Plaintext plaintext, fhe::bgv::encode(bgv, part));
    return fhe::bgv::encrypt(key, plaintext, random);
  }, progress);
}

// `decrypt_slots` gives all slots of one ciphertext.
template <class Value, class Ciphertext, class DecryptSlots>
base::Result<std::vector<Value>> decrypt_all(const std::vector<Ciphertext>& ciphertexts, std::size_t values,
                                             DecryptSlots&& decrypt_slots, const base::Progress& progress) {
  std::vector<Value> result;
  for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
    progress.report("decrypting", i, ciphertexts.size());
    BLINDPROOF_ASSIGN(const std::vector<Value> slots, decrypt_slots(ciphertexts[i]));
    const std::size_t wanted = std::min(slots.size(), values - result.size());
    result.insert(result.end(), slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  return result;
}

fhe::ckks::Prediction told(const ShareRequest& share, double scale) {
  return {share.max_value, share.max_error * scale / fhe::ckks::kTail};
}

}  // namespace

base::Result<EncryptOutcome> encrypt_array(const EncryptRequest& request, const base::Progress& progress) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(const arrays::Array array, arrays::read_npy(request.input));
  BLINDPROOF_ASSIGN(formats::Contexts contexts, expected_contexts(request.parameters));
  std::optional<formats::SecretKeyFile> secret;
  std::optional<formats::PublicKeyFile> open;
  std::error_code ignored;
  if (request.use_public_key || !std::filesystem::exists(request.keys / kSecretKeyName, ignored)) {
    BLINDPROOF_ASSIGN(open, read_public_key(request.keys / kPublicKeyName, contexts));
  } else {
    BLINDPROOF_ASSIGN(secret, read_secret_key(request.keys, contexts, request.ask_passphrase));
  }
  const formats::Header& header = secret ? secret->header : open->header;
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const std::size_t count, in_file(request.input, formats::ciphertexts_of(header.context, array.shape)));
  crypto::Csprng random;
  BLINDPROOF_ASSIGN(formats::AnyCiphertexts ciphertexts,
                    in_file(request.input, secret ? encrypt_values(header.context, secret->key, array, count, random, progress)
                                                  : encrypt_values(header.context, open->key, array, count, random, progress)));
  const bool reals = std::holds_alternative<fhe::ckks::ContextPtr>(header.context);
  BLINDPROOF_ASSIGN(const base::Bytes bytes,
                    formats::write_ciphertexts({header, {reals ? formats::Content::kReals : formats::Content::kIntegers, array.shape},
                                                std::move(ciphertexts)}));
  EncryptOutcome outcome{.parameters = describe(header.context), .shape = array.shape, .values = array.size(), .ciphertexts = count,
                         .used_public_key = open.has_value()};
  outcome.seconds = watch.seconds();
  BLINDPROOF_ASSIGN(outcome.file_bytes, write_bytes(request.out, bytes, base::FileMode::kPublic));
  return outcome;
}

base::Result<DecryptOutcome> decrypt_array(const DecryptRequest& request, const base::Progress& progress) {
  BLINDPROOF_TRY(check_writable(request.out));
  BLINDPROOF_ASSIGN(formats::Contexts contexts, expected_contexts(request.parameters));
  BLINDPROOF_ASSIGN(const formats::SecretKeyFile key, read_secret_key(request.keys, contexts, request.ask_passphrase));
  formats::Contexts same(key.header.context);
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(request.input, kMaxCiphertextFileBytes));
  BLINDPROOF_ASSIGN(const formats::CiphertextFile file, in_file(request.input, formats::parse_ciphertexts(bytes, same)));
  if (file.header.key_id != key.header.key_id) {
    return base::error(ErrorCode::kMismatch, request.input.string(), "was encrypted under another key than this folder's");
  }
  if (file.layout.content != formats::Content::kIntegers && file.layout.content != formats::Content::kReals) {
    return base::error(ErrorCode::kUnsupported, request.input.string(),
                       "holds no array of integers or reals: what its slots mean isn't in the file");
  }
  const bool is_ckks = std::holds_alternative<fhe::ckks::ContextPtr>(key.header.context);
  if (request.share && !is_ckks) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "decryptions of BFV and BGV are exact and need no flooding to be shared");
  }
  const Stopwatch watch;
  DecryptOutcome outcome{.parameters = describe(key.header.context), .shape = file.layout.shape, .integers = !is_ckks};
  std::size_t values = 1;
  for (const std::size_t dimension : file.layout.shape) values *= dimension;
  arrays::Array array;
  if (is_ckks) {
    const auto& ciphertexts = std::get<std::vector<fhe::ckks::Ciphertext>>(file.ciphertexts);
    const fhe::ckks::Encoder encoder(ciphertexts.front().context());
    crypto::Csprng random;
    const auto decrypt_slots = [&](const fhe::ckks::Ciphertext& one) -> base::Result<std::vector<double>> {
      if (!request.share) {
        BLINDPROOF_ASSIGN(const fhe::ckks::Plaintext plaintext, fhe::ckks::decrypt(key.key, one));
        return encoder.decode_real(plaintext);
      }
      BLINDPROOF_ASSIGN(const fhe::ckks::Plaintext plaintext,
                        fhe::ckks::decrypt_to_share(key.key, formats::assume(one, told(*request.share, one.scale())),
                                                    {.bits = request.share->bits, .queries = request.share->queries}, random));
      outcome.shared_error = std::max(outcome.shared_error.value_or(0), plaintext.error_bound());
      return encoder.decode_real(plaintext);
    };
    BLINDPROOF_ASSIGN(const std::vector<double> all, decrypt_all<double>(ciphertexts, values, decrypt_slots, progress));
    array = arrays::from_doubles(file.layout.shape, all);
  } else {
    const auto decrypt_slots = [&](const auto& one) -> base::Result<std::vector<std::int64_t>> {
      BLINDPROOF_ASSIGN(const auto plaintext, decrypt(key.key, one));
      return decode(plaintext);
    };
    const auto* bfv = std::get_if<std::vector<fhe::bfv::Ciphertext>>(&file.ciphertexts);
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> all,
                      bfv != nullptr ? decrypt_all<std::int64_t>(*bfv, values, decrypt_slots, progress)
                                     : decrypt_all<std::int64_t>(std::get<std::vector<fhe::bgv::Ciphertext>>(file.ciphertexts),
                                                                 values, decrypt_slots, progress));
    array = arrays::from_int64(file.layout.shape, all);
  }
  outcome.seconds = watch.seconds();
  BLINDPROOF_TRY(write_bytes(request.out, arrays::write_npy(array), base::FileMode::kSecret));
  return outcome;
}

}  // namespace blindproof::engine
