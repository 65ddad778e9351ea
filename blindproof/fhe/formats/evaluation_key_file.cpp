#include "blindproof/fhe/formats/evaluation_key_file.h"

#include <algorithm>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/formats/mapped.h"
#include "blindproof/fhe/formats/packing.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr std::string_view kPlace = "evaluation keys";
constexpr std::size_t kEntryBytes = 8 + 1 + 32 + 32;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, std::string(kPlace), std::move(detail)); }

bool may_be(const EvaluationKeyEntry& entry, const rlwe::Ring& ring) {
  const bool element = entry.element == kRelinearization ||
                       (entry.element % 2 == 1 && entry.element > 1 && entry.element < 2 * ring.degree());
  return element && ring.p_count() > 0 && entry.q_limbs >= 1 && entry.q_limbs <= ring.q_count();
}

bool ascends(const EvaluationKeyEntry& a, const EvaluationKeyEntry& b) { return a.element < b.element; }

base::Bytes table(const Header& header, std::span<const EvaluationKeyEntry> entries,
                  std::span<const std::array<std::uint8_t, 32>> seeds,
                  std::span<const std::array<std::uint8_t, 32>> digests) {
  base::ByteWriter writer;
  write_header(writer, Kind::kEvaluationKeys, header);
  writer.u32(static_cast<std::uint32_t>(entries.size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    writer.u64(entries[i].element);
    writer.u8(static_cast<std::uint8_t>(entries[i].q_limbs));
    writer.raw(seeds[i]);
    writer.raw(digests[i]);
  }
  base::Bytes bytes = with_checksum(std::move(writer));
  bytes.resize(mapped_position(bytes.size()));
  return bytes;
}

}  // namespace

std::size_t evaluation_key_bytes(const rlwe::Ring& ring, std::size_t q_limbs) noexcept {
  return ring.digit_count(q_limbs) * mapped_bytes(ring, {q_limbs, true});
}

namespace {

base::Status sort_and_check(const Header& header, std::vector<EvaluationKeyEntry>& entries) {
  std::ranges::sort(entries, ascends);
  if (entries.size() > kMaxEvaluationKeys) {
    return failed(ErrorCode::kInvalidArgument, "a file has at most " + std::to_string(kMaxEvaluationKeys) + " of them");
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!may_be(entries[i], *ring_of(header.context)) || (i > 0 && entries[i - 1].element == entries[i].element)) {
      return failed(ErrorCode::kInvalidArgument,
                    "element " + std::to_string(entries[i].element) + " doesn't exist, or is asked for twice");
    }
  }
  return {};
}

// Those of a selection, into a writer that was made for it.
base::Status add_keys(EvaluationKeyWriter& writer, const Header& header, const rlwe::SecretKey& secret, crypto::Csprng& random,
                      const base::Progress& progress) {
  const std::uint64_t multiplier = error_multiplier_of(header.context);
  std::size_t done = 0;
  for (const EvaluationKeyEntry& entry : writer.entries()) {
    progress.report("evaluation keys", done++, writer.entries().size());
    const rlwe::KeySwitchKey key =
        entry.element == kRelinearization
            ? rlwe::make_relinearization_key(secret, entry.q_limbs, multiplier, random)
            : rlwe::make_galois_key(secret, entry.element, entry.q_limbs, multiplier, random).key;
    BLINDPROOF_TRY(writer.add(key));
  }
  return {};
}

}  // namespace

base::Result<EvaluationKeyWriter> EvaluationKeyWriter::create(const std::filesystem::path& path, Header header,
                                                              std::vector<EvaluationKeyEntry> entries) {
  BLINDPROOF_TRY(sort_and_check(header, entries));
  BLINDPROOF_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  return EvaluationKeyWriter(std::move(file), std::move(header), std::move(entries));
}

base::Result<EvaluationKeyWriter> EvaluationKeyWriter::create_in_memory(Header header, std::vector<EvaluationKeyEntry> entries) {
  BLINDPROOF_TRY(sort_and_check(header, entries));
  std::uint64_t size = 0;
  for (const EvaluationKeyEntry& entry : entries) size += evaluation_key_bytes(*ring_of(header.context), entry.q_limbs);
  if (size > static_cast<std::uint64_t>(PTRDIFF_MAX) / 2) return failed(ErrorCode::kLimit, "would have " + std::to_string(size) + " bytes: too many for this machine's memory");
  EvaluationKeyWriter writer(std::nullopt, std::move(header), std::move(entries));
  writer.memory_.resize(static_cast<std::size_t>(writer.position_ + size));
  return writer;
}

EvaluationKeyWriter::EvaluationKeyWriter(std::optional<base::AtomicFile> file, Header header, std::vector<EvaluationKeyEntry> entries)
    : file_(std::move(file)), header_(std::move(header)), entries_(std::move(entries)) {
  const std::vector<std::array<std::uint8_t, 32>> zeros(entries_.size());
  position_ = table(header_, entries_, zeros, zeros).size();
}

base::Status EvaluationKeyWriter::add(const rlwe::KeySwitchKey& key) {
  BLINDPROOF_CHECK(seeds_.size() < entries_.size(), "more keys than were announced");
  if (key.q_limbs() != entries_[seeds_.size()].q_limbs) return failed(ErrorCode::kMismatch, "a key has other limbs than announced");
  crypto::Sha256 digest;
  for (const rlwe::NttPoly& b : key.b) {
    digest.absorb(mapped_words(b));
    if (file_) {
      BLINDPROOF_TRY(file_->write_at(position_, mapped_words(b)));
    } else {
      std::ranges::copy(mapped_words(b), memory_.begin() + static_cast<std::ptrdiff_t>(position_));
    }
    position_ += mapped_words(b).size();
  }
  seeds_.push_back(key.seed);
  digests_.push_back(digest.finish());
  return {};
}

base::Result<std::size_t> EvaluationKeyWriter::finish(base::Overwrite overwrite) {
  BLINDPROOF_CHECK(seeds_.size() == entries_.size() && file_, "fewer keys than were announced, or no file");
  BLINDPROOF_TRY(file_->write_at(0, table(header_, entries_, seeds_, digests_)));
  BLINDPROOF_TRY(file_->commit(overwrite));
  return static_cast<std::size_t>(position_);
}

base::Bytes EvaluationKeyWriter::take() && {
  BLINDPROOF_CHECK(seeds_.size() == entries_.size() && !file_, "fewer keys than were announced, or a file");
  std::ranges::copy(table(header_, entries_, seeds_, digests_), memory_.begin());
  return std::move(memory_);
}

std::vector<EvaluationKeyEntry> entries_of(const AnyContext& context, const EvaluationKeySelection& selection) {
  const rlwe::Ring& ring = *ring_of(context);
  const std::size_t q_limbs = selection.q_limbs > 0 ? selection.q_limbs : ring.q_count();
  std::vector<EvaluationKeyEntry> entries;
  const auto want = [&](const EvaluationKeyEntry& entry) {
    if (entry.element == 1) return;
    const auto known = std::ranges::find(entries, entry.element, &EvaluationKeyEntry::element);
    if (known == entries.end()) {
      entries.push_back(entry);
    } else {
      known->q_limbs = std::max(known->q_limbs, entry.q_limbs);
    }
  };
  if (selection.relinearization) want({kRelinearization, q_limbs});
  for (const std::int64_t steps : selection.rotations) want({rlwe::rotation_element(ring.log_degree(), steps), q_limbs});
  if (selection.conjugation) want({rlwe::conjugation_element(ring.log_degree()), q_limbs});
  for (const EvaluationKeyEntry& entry : selection.entries) want(entry);
  std::ranges::sort(entries, ascends);
  return entries;
}

base::Result<std::size_t> generate_evaluation_keys(const std::filesystem::path& path, const Header& header,
                                                   const rlwe::SecretKey& secret, const EvaluationKeySelection& selection,
                                                   crypto::Csprng& random, base::Overwrite overwrite,
                                                   const base::Progress& progress) {
  BLINDPROOF_ASSIGN(EvaluationKeyWriter writer,
                    EvaluationKeyWriter::create(path, header, entries_of(header.context, selection)));
  BLINDPROOF_TRY(add_keys(writer, header, secret, random, progress));
  return writer.finish(overwrite);
}

base::Result<base::Bytes> generate_evaluation_keys(const Header& header, const rlwe::SecretKey& secret,
                                                   const EvaluationKeySelection& selection, crypto::Csprng& random) {
  BLINDPROOF_ASSIGN(EvaluationKeyWriter writer, EvaluationKeyWriter::create_in_memory(header, entries_of(header.context, selection)));
  BLINDPROOF_TRY(add_keys(writer, header, secret, random, {}));
  return std::move(writer).take();
}

base::Result<EvaluationKeyFile> EvaluationKeyFile::open(const std::filesystem::path& path, Contexts& contexts,
                                                        std::size_t max_size) {
  BLINDPROOF_ASSIGN(base::MappedFile memory, base::map_file(path, max_size));
  return parse(std::move(memory), contexts);
}

base::Result<EvaluationKeyFile> EvaluationKeyFile::parse(base::ByteSpan bytes, Contexts& contexts) {
  return parse(mapped_copy(bytes), contexts);
}

base::Result<EvaluationKeyFile> EvaluationKeyFile::parse(base::MappedFile memory, Contexts& contexts) {
  const base::ByteSpan bytes = memory.bytes;
  base::ByteReader reader(bytes, kPlace);
  BLINDPROOF_ASSIGN(Header header, read_header(reader, Kind::kEvaluationKeys, contexts));
  EvaluationKeyFile file(std::move(memory), std::move(header));
  const rlwe::Ring& ring = *ring_of(file.header_.context);
  const std::size_t count = reader.u32();
  if (count > kMaxEvaluationKeys) reader.fail("there are too many", ErrorCode::kLimit);
  if (count > reader.remaining() / kEntryBytes) reader.fail("there are fewer than announced");
  for (std::size_t i = 0; reader.ok() && i < count; ++i) {
    const std::uint64_t element = reader.u64();
    const EvaluationKeyEntry entry{element <= 2 * ring.degree() ? static_cast<std::size_t>(element) : SIZE_MAX, reader.u8()};
    if (!may_be(entry, ring) || (i > 0 && !ascends(file.entries_.back(), entry))) {
      reader.fail("element " + std::to_string(entry.element) + " doesn't exist or stands in the wrong place");
    }
    Stored stored{};
    std::ranges::copy(reader.raw(stored.seed.size()), stored.seed.begin());
    std::ranges::copy(reader.raw(stored.digest.size()), stored.digest.begin());
    file.entries_.push_back(entry);
    file.stored_.push_back(stored);
  }
  const std::size_t table_end = reader.position();
  reader.raw(kChecksumBytes);
  const base::ByteSpan padding = reader.raw(mapped_position(reader.position()) - reader.position());
  BLINDPROOF_TRY(reader.status());
  BLINDPROOF_TRY(checked(bytes.first(table_end + kChecksumBytes), kPlace));
  if (std::ranges::any_of(padding, [](std::uint8_t byte) { return byte != 0; })) reader.fail("the padding isn't zero");
  std::size_t offset = reader.position();
  for (std::size_t i = 0; i < count; ++i) {
    file.stored_[i].offset = offset;
    const std::size_t size = evaluation_key_bytes(ring, file.entries_[i].q_limbs);
    if (size > bytes.size() - offset) {
      reader.fail("the file is cut off");
      return reader.status().error();
    }
    offset += size;
  }
  if (offset != bytes.size()) {
    reader.fail("the file should have " + std::to_string(offset) + " bytes, it has " + std::to_string(bytes.size()));
  }
  BLINDPROOF_TRY(reader.status());
  return file;
}

base::Result<rlwe::KeySwitchKey> EvaluationKeyFile::load(std::size_t element) const {
  const auto found = std::ranges::find(entries_, element, &EvaluationKeyEntry::element);
  if (found == entries_.end()) {
    return failed(ErrorCode::kInvalidArgument,
                  element == kRelinearization ? "there is no relinearisation key in the file"
                                              : "there is no key for element " + std::to_string(element) + " in the file");
  }
  const Stored& stored = stored_[static_cast<std::size_t>(found - entries_.begin())];
  const rlwe::RingPtr& ring = ring_of(header_.context);
  if (crypto::sha256(memory_.bytes.subspan(stored.offset, evaluation_key_bytes(*ring, found->q_limbs))) != stored.digest) {
    return failed(ErrorCode::kMalformed, "the key for element " + std::to_string(element) + " is damaged: its digest doesn't fit");
  }
  const rlwe::Basis basis{found->q_limbs, true};
  rlwe::KeySwitchKey key;
  key.seed = stored.seed;
  for (std::size_t digit = 0; digit < ring->digit_count(found->q_limbs); ++digit) {
    key.b.push_back(mapped_poly(memory_, stored.offset + digit * mapped_bytes(*ring, basis), ring, basis));
    if (!is_reduced(key.b.back())) {
      return failed(ErrorCode::kMalformed, "a residue of the key for element " + std::to_string(element) + " is not below its modulus");
    }
    key.a.push_back(rlwe::expand_uniform(ring, basis, key.seed, digit));
  }
  return key;
}

base::Result<rlwe::KeySwitchKey> EvaluationKeyFile::load_relinearization_key() const { return load(kRelinearization); }

base::Result<rlwe::GaloisKey> EvaluationKeyFile::load_galois_key(std::size_t element) const {
  BLINDPROOF_ASSIGN(rlwe::KeySwitchKey key, load(element));
  return rlwe::GaloisKey{element, poly::automorphism_permutation(ring_of(header_.context)->log_degree(), element),
                         std::move(key)};
}

base::Result<rlwe::GaloisKeys> EvaluationKeyFile::load_galois_keys(std::span<const std::size_t> elements) const {
  std::vector<std::optional<base::Result<rlwe::GaloisKey>>> loaded(elements.size());
  base::parallel_for(elements.size(), [&](std::size_t i) { loaded[i].emplace(load_galois_key(elements[i])); });
  rlwe::GaloisKeys keys;
  for (auto& key : loaded) {
    if (!key->ok()) return std::move(*key).error();
    keys.insert(std::move(*key).value());
  }
  return keys;
}

base::Result<rlwe::GaloisKeys> EvaluationKeyFile::load_galois_keys() const {
  std::vector<std::size_t> elements;
  for (const EvaluationKeyEntry& entry : entries_) {
    if (entry.element != kRelinearization) elements.push_back(entry.element);
  }
  return load_galois_keys(elements);
}

}  // namespace blindproof::fhe::formats
