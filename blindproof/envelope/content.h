// Content of any size, encrypted in chunks. Bytes: docs/spec/envelope.md.
//
// Each chunk is AES-256-GCM under a key derived from the data key and a fresh salt; its nonce is its number and whether it is
// the last, so chunks can't be left out, repeated, exchanged or taken from another file. The header commits to the key.
// Ref: Hoang, Reyhanitabar, Rogaway, Vizár, "Online authenticated-encryption and its nonce-reuse misuse-resistance", 2015 (STREAM).
#pragma once

#include <filesystem>
#include <functional>

#include "blindproof/envelope/primitives.h"

namespace blindproof::envelope {

/// One for each content.
Key256 make_data_key();

inline constexpr int kDefaultLogChunk = 16;  // 64 KiB
inline constexpr int kMinLogChunk = 10, kMaxLogChunk = 22;
inline constexpr std::size_t kContentHeaderBytes = 69;
inline constexpr std::uint64_t kMaxChunks = std::uint64_t{1} << 40;

/// Takes bytes in order. What it returns is passed on.
using Sink = std::function<base::Status(base::ByteSpan)>;

/// Size of the encrypted content for this many bytes.
std::uint64_t encrypted_size(std::uint64_t plaintext_size, int log_chunk = kDefaultLogChunk);

/// Feed with `write`, then `finish`.
class ContentEncryptor {
 public:
  /// Requires: kMinLogChunk <= log_chunk <= kMaxLogChunk.
  ContentEncryptor(const Key256& data_key, Sink sink, int log_chunk = kDefaultLogChunk);
  ContentEncryptor(ContentEncryptor&&) noexcept;
  ~ContentEncryptor();

  /// Errors: the sink's.
  base::Status write(base::ByteSpan plaintext);
  /// Caller must: not use the object afterwards.   Errors: the sink's.
  base::Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Feed with `write`, then `finish`. Chunks reach the sink when they are known to be good.
/// Caller must: discard what the sink got unless `finish` succeeds: before that the end may be missing.
class ContentDecryptor {
 public:
  ContentDecryptor(const Key256& data_key, Sink sink);
  ContentDecryptor(ContentDecryptor&&) noexcept;
  ~ContentDecryptor();

  /// Errors: kMalformed, kUnsupported (version), kMismatch (another data key), kRejected (altered, cut, reordered), the sink's.
  /// After an error every call gives it again.
  base::Status write(base::ByteSpan encrypted);
  base::Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The result appears whole or not at all. Memory: a few chunks.
/// Errors: those above; kIo; kLimit for an input of more than max_size bytes.
base::Status encrypt_file(const std::filesystem::path& in, const std::filesystem::path& out, const Key256& data_key, std::uint64_t max_size);
/// The result has mode 0600.
base::Status decrypt_file(const std::filesystem::path& in, const std::filesystem::path& out, const Key256& data_key, std::uint64_t max_size);

/// Feeds a file's bytes to a sink, a piece at a time.
/// Errors: kIo, kLimit, the sink's.
base::Status read_pieces(const std::filesystem::path& path, std::uint64_t max_size, const Sink& sink);

}  // namespace blindproof::envelope
