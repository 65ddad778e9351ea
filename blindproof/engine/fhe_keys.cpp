#include "blindproof/engine/fhe_keys.h"

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/public_key_file.h"

namespace blindproof::engine {
namespace {

namespace formats = fhe::formats;
namespace rlwe = fhe::rlwe;
using base::ErrorCode;

std::string purpose_of(const std::string& name) {
  std::string purpose;
  const auto look = [&](const auto& sets) {
    for (const auto& set : sets) {
      if (set.name == name) purpose = set.purpose;
    }
  };
  look(fhe::ckks::named_parameters());
  look(fhe::bfv::named_parameters());
  look(fhe::bgv::named_parameters());
  return purpose;
}

// Steps k, |k| <= N/4, with 5^k = element, if there are any.
std::optional<std::int64_t> steps_of(std::size_t element, int log_degree) {
  const std::size_t order = std::size_t{2} << log_degree;
  const std::int64_t count = static_cast<std::int64_t>(order / 4);
  std::size_t power = 1;
  for (std::int64_t k = 0; k < count; ++k, power = power * 5 % order) {
    if (power == element) return k <= count / 2 ? k : k - count;
  }
  return std::nullopt;
}

std::string content_name(formats::Content content) {
  switch (content) {
    case formats::Content::kProgram: return "program";
    case formats::Content::kIntegers: return "integers";
    case formats::Content::kReals: return "reals";
    case formats::Content::kComplex: return "complex";
    case formats::Content::kBatch: return "batch";
  }
  return "";
}

base::Status refuse_existing(const Path& folder) {
  std::error_code ignored;
  for (const char* name : {kSecretKeyName, kPublicKeyName, kEvaluationKeysName}) {
    if (std::filesystem::exists(folder / name, ignored)) {
      return base::error(ErrorCode::kInvalidArgument, (folder / name).string(),
                         "exists already: choose another folder, or move the keys away");
    }
  }
  return {};
}

// Removes what was written unless all of it was.
struct Unfinished {
  std::vector<Path> written;
  ~Unfinished() {
    std::error_code ignored;
    for (const Path& path : written) std::filesystem::remove(path, ignored);
  }
};

}  // namespace

FheParameters describe(const formats::AnyContext& context) {
  const rlwe::Ring& ring = *formats::ring_of(context);
  FheParameters result;
  result.name = formats::parameters_name(context);
  result.scheme = formats::scheme_name(context);
  result.purpose = purpose_of(result.name);
  result.security_bits = rlwe::security_bits(formats::security_of(context));
  result.n = ring.degree();
  result.slots = formats::slots_of(context);
  result.q_limbs = ring.q_count();
  result.p_limbs = ring.p_count();
  result.digits = ring.digit_count(ring.q_count());
  result.log_q = ring.log2_modulus({ring.q_count(), false});
  result.log_p = ring.log2_modulus({ring.q_count(), true}) - result.log_q;
  if (const auto* bfv = std::get_if<fhe::bfv::ContextPtr>(&context)) result.t = (*bfv)->parameters().t;
  if (const auto* bgv = std::get_if<fhe::bgv::ContextPtr>(&context)) result.t = (*bgv)->parameters().t;
  result.evaluation_key_bytes = formats::evaluation_key_bytes(ring, ring.q_count());
  return result;
}

base::Result<formats::SecretKeyFile> read_secret_key(const Path& folder, formats::Contexts& contexts,
                                                     const formats::AskPassphrase& ask) {
  const Path path = folder / kSecretKeyName;
  BLINDPROOF_ASSIGN(base::Bytes bytes, base::read_file(path, kMaxSecretKeyBytes));
  base::Result<formats::SecretKeyFile> key = formats::parse_secret_key(bytes, contexts, ask);
  crypto::wipe(bytes);
  return in_file(path, std::move(key));
}

base::Result<formats::PublicKeyFile> read_public_key(const Path& path, formats::Contexts& contexts) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxPublicKeyBytes));
  return in_file(path, formats::parse_public_key(bytes, contexts));
}

base::Result<std::vector<FheParameters>> list_fhe_parameters() {
  std::vector<FheParameters> result;
  const auto add_all = [&](const auto& sets) -> base::Status {
    for (const auto& set : sets) {
      BLINDPROOF_ASSIGN(const formats::AnyContext context, formats::create_context(set.name));
      result.push_back(describe(context));
    }
    return {};
  };
  BLINDPROOF_TRY(add_all(fhe::ckks::named_parameters()));
  BLINDPROOF_TRY(add_all(fhe::bfv::named_parameters()));
  BLINDPROOF_TRY(add_all(fhe::bgv::named_parameters()));
  return result;
}

base::Result<GenerateKeysOutcome> generate_fhe_keys(const GenerateKeysRequest& request, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const formats::AnyContext context, formats::create_context(request.parameters));
  return generate_fhe_keys(context, request, progress);
}

base::Result<GenerateKeysOutcome> generate_fhe_keys(const formats::AnyContext& context, const GenerateKeysRequest& request,
                                                    const base::Progress& progress) {
  const Stopwatch watch;
  std::error_code failure;
  std::filesystem::create_directories(request.folder, failure);
  if (failure) return base::error(ErrorCode::kIo, request.folder.string(), "can't be made: " + failure.message());
  BLINDPROOF_TRY(refuse_existing(request.folder));

  crypto::Csprng random;
  const formats::Header header{context, formats::generate_key_id(random)};
  progress.report("secret key", 0, 0);
  const rlwe::SecretKey secret = rlwe::SecretKey::generate(formats::ring_of(context), random);
  BLINDPROOF_ASSIGN(base::Bytes secret_bytes,
                    formats::write_secret_key(header, secret, request.passphrase ? &*request.passphrase : nullptr));
  GenerateKeysOutcome outcome{.parameters = describe(context), .key_id = header.key_id};
  outcome.secret_bytes = secret_bytes.size();

  Unfinished unfinished;
  const Path secret_path = request.folder / kSecretKeyName, public_path = request.folder / kPublicKeyName,
             evaluation_path = request.folder / kEvaluationKeysName;
  const base::Status kept =
      base::write_file_atomic(secret_path, secret_bytes, base::FileMode::kSecret, base::Overwrite::kRefuse);
  crypto::wipe(secret_bytes);
  BLINDPROOF_TRY(kept);
  unfinished.written.push_back(secret_path);

  const base::Bytes public_bytes =
      formats::write_public_key(header, rlwe::PublicKey::generate(secret, formats::error_multiplier_of(context), random));
  outcome.public_bytes = public_bytes.size();
  BLINDPROOF_TRY(base::write_file_atomic(public_path, public_bytes, base::FileMode::kPublic, base::Overwrite::kRefuse));
  unfinished.written.push_back(public_path);

  outcome.evaluation_keys = formats::entries_of(context, request.evaluation).size();
  BLINDPROOF_ASSIGN(outcome.evaluation_bytes,
                    formats::generate_evaluation_keys(evaluation_path, header, secret, request.evaluation, random,
                                                      base::Overwrite::kRefuse, progress));
  unfinished.written.clear();
  outcome.seconds = watch.seconds();
  return outcome;
}

base::Result<FheFileSummary> inspect_fhe_file(const Path& path, bool check_all, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const base::MappedFile mapped, base::map_file(path, SIZE_MAX));
  const base::ByteSpan bytes = mapped.bytes;
  BLINDPROOF_ASSIGN(const formats::Kind kind, in_file(path, formats::kind_of(bytes)));
  formats::Contexts contexts;
  FheFileSummary summary{.kind = kind, .file_bytes = bytes.size()};
  const auto describe_header = [&](const formats::Header& header) {
    summary.parameters = describe(header.context);
    summary.key_id = header.key_id;
  };
  switch (kind) {
    case formats::Kind::kSecretKey: {
      BLINDPROOF_ASSIGN(const formats::SecretKeySummary key, in_file(path, formats::inspect_secret_key(bytes, contexts)));
      describe_header(key.header);
      summary.passphrase = key.passphrase;
      break;
    }
    case formats::Kind::kPublicKey: {
      BLINDPROOF_ASSIGN(const formats::PublicKeyFile key, in_file(path, formats::parse_public_key(bytes, contexts)));
      describe_header(key.header);
      break;
    }
    case formats::Kind::kEvaluationKeys: {
      BLINDPROOF_ASSIGN(const formats::EvaluationKeyFile keys, in_file(path, formats::EvaluationKeyFile::open(path, contexts)));
      describe_header(keys.header());
      summary.evaluation_keys = keys.entries();
      const int log_degree = formats::ring_of(keys.header().context)->log_degree();
      for (const formats::EvaluationKeyEntry& entry : keys.entries()) {
        if (entry.element == formats::kRelinearization) continue;
        if (const auto steps = steps_of(entry.element, log_degree)) summary.rotations.push_back(*steps);
      }
      std::ranges::sort(summary.rotations);
      for (std::size_t i = 0; check_all && i < keys.entries().size(); ++i) {
        progress.report("checking keys", i, keys.entries().size());
        const std::size_t element = keys.entries()[i].element;
        if (element == formats::kRelinearization) {
          BLINDPROOF_TRY(in_file(path, keys.load_relinearization_key()));
        } else {
          BLINDPROOF_TRY(in_file(path, keys.load_galois_key(element)));
        }
      }
      break;
    }
    case formats::Kind::kCiphertexts: {
      BLINDPROOF_ASSIGN(const formats::CiphertextFile file, in_file(path, formats::parse_ciphertexts(bytes, contexts)));
      describe_header(file.header);
      summary.content = content_name(file.layout.content);
      summary.shape = file.layout.shape;
      summary.ciphertexts = std::visit([](const auto& ciphertexts) { return ciphertexts.size(); }, file.ciphertexts);
      break;
    }
  }
  return summary;
}

}  // namespace blindproof::engine
