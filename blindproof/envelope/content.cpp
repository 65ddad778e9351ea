#include "blindproof/envelope/content.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "blindproof/base/check.h"
#include "blindproof/base/file.h"
#include "blindproof/crypto/random.h"

namespace blindproof::envelope {
namespace {

using base::ErrorCode;

constexpr std::array<std::uint8_t, 3> kMagic = {'B', 'P', 'X'};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::string_view kInfo = "blindproof envelope content v1";

using Salt = std::array<std::uint8_t, kSaltBytes>;
using Commitment = std::array<std::uint8_t, 32>;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, "encrypted content", std::move(detail)); }

struct Derived {
  Key256 chunk_key;
  Commitment commitment;
};

Derived derive(const Key256& data_key, const Salt& salt, std::uint8_t log_chunk) {
  base::ByteWriter info;
  info.raw(base::as_bytes(kInfo));
  info.u8(log_chunk);
  crypto::Secret<std::array<std::uint8_t, 64>> out;
  hkdf_sha256(data_key.expose(), salt, info.bytes(), out.expose_mutable());
  Derived derived;
  std::copy_n(out.expose().begin(), 32, derived.chunk_key.expose_mutable().begin());
  std::copy_n(out.expose().begin() + 32, 32, derived.commitment.begin());
  return derived;
}

GcmNonce nonce_of(std::uint64_t chunk, bool last) {
  GcmNonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<std::uint8_t>(chunk >> (8 * i));
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/// Moves bytes from the front of `from` to `buffer` until it holds `size`.
void fill(base::Bytes& buffer, base::ByteSpan& from, std::size_t size) {
  const std::size_t count = std::min(size - buffer.size(), from.size());
  buffer.insert(buffer.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
  from = from.subspan(count);
}

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

Key256 make_data_key() {
  Key256 key;
  crypto::random_bytes(key.expose_mutable());
  return key;
}

std::uint64_t encrypted_size(std::uint64_t plaintext_size, int log_chunk) {
  const std::uint64_t chunk = std::uint64_t{1} << log_chunk;
  const std::uint64_t chunks = plaintext_size == 0 ? 1 : (plaintext_size - 1) / chunk + 1;
  return kContentHeaderBytes + plaintext_size + chunks * kTagBytes;
}

struct ContentEncryptor::State {
  Sink sink;
  std::size_t chunk_size;
  std::optional<AesGcm> cipher;
  base::Bytes header;             // until it was written
  base::Bytes buffer, sealed;     // the chunk being filled: at most chunk_size, since the last one must be known as such
  std::uint64_t chunks = 0;

  base::Status emit(bool last) {
    if (!header.empty()) {
      BLINDPROOF_TRY(sink(header));
      header.clear();
    }
    if (chunks == kMaxChunks) return failed(ErrorCode::kLimit, "has too many chunks");
    sealed.resize(buffer.size() + kTagBytes);
    cipher->seal(nonce_of(chunks++, last), {}, buffer, sealed);
    crypto::wipe(buffer);
    buffer.clear();
    return sink(sealed);
  }
};

ContentEncryptor::ContentEncryptor(const Key256& data_key, Sink sink, int log_chunk) : state_(std::make_unique<State>()) {
  BLINDPROOF_CHECK(log_chunk >= kMinLogChunk && log_chunk <= kMaxLogChunk, "chunks have 2^10 to 2^22 bytes");
  state_->sink = std::move(sink);
  state_->chunk_size = std::size_t{1} << log_chunk;
  Salt salt;
  crypto::random_bytes(salt);
  const Derived derived = derive(data_key, salt, static_cast<std::uint8_t>(log_chunk));
  state_->cipher.emplace(derived.chunk_key);
  base::ByteWriter header;
  header.raw(kMagic);
  header.u8(kVersion);
  header.u8(static_cast<std::uint8_t>(log_chunk));
  header.raw(salt);
  header.raw(derived.commitment);
  state_->header = std::move(header).take();
  state_->buffer.reserve(state_->chunk_size);
}

ContentEncryptor::ContentEncryptor(ContentEncryptor&&) noexcept = default;
ContentEncryptor::~ContentEncryptor() {
  if (state_) crypto::wipe(state_->buffer);
}

base::Status ContentEncryptor::write(base::ByteSpan plaintext) {
  while (!plaintext.empty()) {
    if (state_->buffer.size() == state_->chunk_size) BLINDPROOF_TRY(state_->emit(false));
    fill(state_->buffer, plaintext, state_->chunk_size);
  }
  return {};
}

base::Status ContentEncryptor::finish() { return state_->emit(true); }

struct ContentDecryptor::State {
  Key256 data_key;
  Sink sink;
  std::size_t sealed_size = 0;  // of a full chunk; 0 before the header was read
  std::optional<AesGcm> cipher;
  base::Bytes buffer;
  crypto::SecretBytes plaintext;
  std::uint64_t chunks = 0;
  base::Status status;

  base::Status read_header() {
    base::ByteReader reader(buffer, "encrypted content");
    const base::ByteSpan magic = reader.raw(kMagic.size());
    if (!std::ranges::equal(magic, kMagic)) return failed(ErrorCode::kMalformed, "doesn't begin as encrypted content does");
    if (const std::uint8_t version = reader.u8(); version != kVersion) {
      return failed(ErrorCode::kUnsupported, "has version " + std::to_string(version) + "; this program reads 1");
    }
    const std::uint8_t log_chunk = reader.u8();
    if (log_chunk < kMinLogChunk || log_chunk > kMaxLogChunk) return failed(ErrorCode::kMalformed, "has chunks of a size that is not allowed");
    Salt salt;
    std::ranges::copy(reader.raw(kSaltBytes), salt.begin());
    const Derived derived = derive(data_key, salt, log_chunk);
    if (!crypto::constant_time_equal(derived.commitment, reader.raw(32))) {
      return failed(ErrorCode::kMismatch, "is under another data key, or its header was altered");
    }
    cipher.emplace(derived.chunk_key);
    const std::size_t chunk_size = std::size_t{1} << log_chunk;
    sealed_size = chunk_size + kTagBytes;
    plaintext = crypto::SecretBytes(chunk_size);
    buffer.clear();
    buffer.reserve(sealed_size);
    return {};
  }

  base::Status open_chunk(bool last) {
    if (buffer.size() < kTagBytes) return failed(ErrorCode::kRejected, "is cut off");
    if (buffer.size() == kTagBytes && chunks > 0) return failed(ErrorCode::kRejected, "ends with an empty chunk");
    if (chunks == kMaxChunks) return failed(ErrorCode::kLimit, "has too many chunks");
    const std::span<std::uint8_t> out = plaintext.expose_mutable().first(buffer.size() - kTagBytes);
    if (!cipher->open(nonce_of(chunks, last), {}, buffer, out)) {
      return failed(ErrorCode::kRejected, "was altered, cut or reordered at chunk " + std::to_string(chunks));
    }
    ++chunks;
    buffer.clear();
    return out.empty() ? base::Status() : sink(out);
  }

  base::Status take(base::ByteSpan encrypted) {
    if (sealed_size == 0) {
      fill(buffer, encrypted, kContentHeaderBytes);
      if (buffer.size() < kContentHeaderBytes) return {};
      BLINDPROOF_TRY(read_header());
    }
    while (!encrypted.empty()) {
      if (buffer.size() == sealed_size) BLINDPROOF_TRY(open_chunk(false));
      fill(buffer, encrypted, sealed_size);
    }
    return {};
  }
};

ContentDecryptor::ContentDecryptor(const Key256& data_key, Sink sink) : state_(std::make_unique<State>()) {
  state_->data_key = data_key.clone();
  state_->sink = std::move(sink);
}

ContentDecryptor::ContentDecryptor(ContentDecryptor&&) noexcept = default;
ContentDecryptor::~ContentDecryptor() = default;

base::Status ContentDecryptor::write(base::ByteSpan encrypted) {
  if (state_->status.ok()) state_->status = state_->take(encrypted);
  return state_->status;
}

base::Status ContentDecryptor::finish() {
  BLINDPROOF_TRY(state_->status);
  if (state_->sealed_size == 0) {
    state_->status = failed(ErrorCode::kMalformed, "is shorter than its header");
  } else {
    state_->status = state_->open_chunk(true);
  }
  return state_->status;
}

base::Status read_pieces(const std::filesystem::path& path, std::uint64_t max_size, const Sink& sink) {
  const auto io = [&](const char* what, int code) {
    return base::error(ErrorCode::kIo, path.string(), std::string(what) + ": " + std::strerror(code));
  };
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    return base::error(ErrorCode::kIo, path.string(), "is not a regular file");
  }
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return io("can't be opened", errno);
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  crypto::SecretBytes piece(std::size_t{1} << 16);
  std::uint64_t total = 0;
  while (true) {
    const std::size_t count = std::fread(piece.expose_mutable().data(), 1, piece.size(), file.get());
    if (count == 0) {
      if (std::ferror(file.get()) != 0) return io("can't be read", errno);
      return {};
    }
    total += count;
    if (total > max_size) {
      return base::error(ErrorCode::kLimit, path.string(), "has more than the allowed " + std::to_string(max_size) + " bytes");
    }
    BLINDPROOF_TRY(sink(piece.expose().first(count)));
  }
}

namespace {

template <class Transform>
base::Status transform_file(const std::filesystem::path& in, const std::filesystem::path& out, const Key256& data_key, std::uint64_t max_size,
                            base::FileMode mode) {
  BLINDPROOF_ASSIGN(base::AtomicFile file, base::AtomicFile::create(out, mode));
  std::uint64_t written = 0;
  Transform transform(data_key, [&](base::ByteSpan bytes) -> base::Status {
    BLINDPROOF_TRY(file.write_at(written, bytes));
    written += bytes.size();
    return {};
  });
  BLINDPROOF_TRY(read_pieces(in, max_size, [&](base::ByteSpan bytes) { return transform.write(bytes); }));
  BLINDPROOF_TRY(transform.finish());
  return file.commit();
}

}  // namespace

base::Status encrypt_file(const std::filesystem::path& in, const std::filesystem::path& out, const Key256& data_key, std::uint64_t max_size) {
  return transform_file<ContentEncryptor>(in, out, data_key, max_size, base::FileMode::kPublic);
}

base::Status decrypt_file(const std::filesystem::path& in, const std::filesystem::path& out, const Key256& data_key, std::uint64_t max_size) {
  return transform_file<ContentDecryptor>(in, out, data_key, max_size, base::FileMode::kSecret);
}

}  // namespace blindproof::envelope
