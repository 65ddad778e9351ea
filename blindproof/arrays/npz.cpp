#include "blindproof/arrays/npz.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "blindproof/base/file.h"

namespace blindproof::arrays {
namespace {

using base::ByteReader;
using base::Bytes;
using base::ByteSpan;
using base::ErrorCode;
using base::Result;

// Ref: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
constexpr std::uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr std::size_t kEndSize = 22, kMaxComment = 0xffff;
constexpr std::uint16_t kStored = 0, kDeflated = 8, kEncryptedFlag = 1;
constexpr std::uint32_t kZip64 = 0xffffffff;
constexpr std::size_t kMaxDeflateRatio = 1032;  // 258 bytes from 2 bits
constexpr std::string_view kSuffix = ".npy";

struct Entry {
  std::string name;
  std::uint16_t method;
  std::uint32_t crc, compressed_size, size, offset;
};

struct Directory {
  std::uint16_t count;
  std::uint32_t size, offset;
};

Result<Directory> find_directory(ByteSpan bytes, const std::string& place) {
  const std::size_t lowest = bytes.size() > kEndSize + kMaxComment ? bytes.size() - kEndSize - kMaxComment : 0;
  for (std::size_t at = bytes.size() < kEndSize ? 0 : bytes.size() - kEndSize + 1; at-- > lowest;) {
    ByteReader in(bytes.subspan(at), place);
    if (in.u32() != kEndSignature) continue;
    const std::uint16_t disk = in.u16(), first_disk = in.u16(), here = in.u16();
    const Directory directory{in.u16(), in.u32(), in.u32()};
    const std::uint16_t comment = in.u16();
    if (!in.ok() || in.remaining() != comment) continue;
    if (directory.count == 0xffff || directory.offset == kZip64 || directory.size == kZip64) {
      return base::error(ErrorCode::kUnsupported, place, "is a zip64 archive; arrays together may have up to 4 GiB");
    }
    if (disk != 0 || first_disk != 0 || here != directory.count) {
      return base::error(ErrorCode::kUnsupported, place, "is an archive of several volumes");
    }
    return directory;
  }
  return base::error(ErrorCode::kMalformed, place, "is not a .npz file: the end of a zip archive is missing");
}

Result<std::vector<Entry>> read_directory(ByteSpan bytes, const std::string& place) {
  BLINDPROOF_ASSIGN(const Directory directory, find_directory(bytes, place));
  if (directory.offset > bytes.size() || directory.size > bytes.size() - directory.offset) {
    return base::error(ErrorCode::kMalformed, place, "the archive's directory lies outside the file");
  }
  ByteReader in(bytes.subspan(directory.offset, directory.size), place + ": directory");
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < directory.count; ++i) {
    if (in.u32() != kCentralSignature) in.fail("an entry without its signature");
    in.u16();  // version made by
    in.u16();  // version needed
    const std::uint16_t flags = in.u16();
    Entry entry;
    entry.method = in.u16();
    in.u32();  // time and date
    entry.crc = in.u32();
    entry.compressed_size = in.u32();
    entry.size = in.u32();
    const std::uint16_t name_size = in.u16(), extra_size = in.u16(), comment_size = in.u16();
    const std::uint16_t disk = in.u16();
    in.u16();  // internal attributes
    in.u32();  // external attributes
    entry.offset = in.u32();
    const ByteSpan name = in.raw(name_size);
    in.raw(extra_size);
    in.raw(comment_size);
    BLINDPROOF_TRY(in.status());
    entry.name.assign(name.begin(), name.end());
    const auto unsupported = [&](const std::string& what) { return base::error(ErrorCode::kUnsupported, place, what); };
    if (flags & kEncryptedFlag) return unsupported("an entry is encrypted");
    if (disk != 0) return unsupported("is an archive of several volumes");
    if (entry.method != kStored && entry.method != kDeflated) {
      return unsupported("an entry uses compression method " + std::to_string(entry.method) +
                         "; save with numpy.savez(_compressed)");
    }
    if (entry.size == kZip64 || entry.compressed_size == kZip64 || entry.offset == kZip64) {
      return unsupported("is a zip64 archive; arrays together may have up to 4 GiB");
    }
    if (!entry.name.ends_with(kSuffix)) return unsupported("holds an entry that is not a .npy file");
    entries.push_back(std::move(entry));
  }
  BLINDPROOF_TRY(in.finish());
  return entries;
}

// The entry's bytes as they lie in the archive.
Result<ByteSpan> stored_bytes(ByteSpan bytes, const Entry& entry, const std::string& place) {
  if (entry.offset > bytes.size()) return base::error(ErrorCode::kMalformed, place, "the entry lies outside the file");
  ByteReader in(bytes.subspan(entry.offset), place);
  if (in.u32() != kLocalSignature) in.fail("the entry's header is not where the directory says");
  in.raw(22);  // the directory's values hold; NumPy leaves the sizes here to a zip64 field
  const std::uint16_t name_size = in.u16(), extra_size = in.u16();
  const ByteSpan name = in.raw(name_size);
  in.raw(extra_size);
  const ByteSpan data = in.raw(entry.compressed_size);
  BLINDPROOF_TRY(in.status());
  if (!std::equal(name.begin(), name.end(), entry.name.begin(), entry.name.end())) {
    return base::error(ErrorCode::kMalformed, place, "the entry's name differs from the directory's");
  }
  return data;
}

class Inflater {
 public:
  Inflater() { good_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (good_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // True if `from` is one deflate stream that fills `to` exactly. Both are below 4 GiB.
  bool run(ByteSpan from, std::span<std::uint8_t> to) {
    if (!good_) return false;
    std::uint8_t nothing = 0;
    stream_.next_in = const_cast<Bytef*>(from.data());
    stream_.avail_in = static_cast<uInt>(from.size());
    stream_.next_out = to.empty() ? &nothing : to.data();
    stream_.avail_out = static_cast<uInt>(to.size());
    return inflate(&stream_, Z_FINISH) == Z_STREAM_END && stream_.avail_in == 0 && stream_.avail_out == 0;
  }

 private:
  z_stream stream_{};
  bool good_ = false;
};

Result<Bytes> extract(ByteSpan bytes, const Entry& entry, const std::string& place) {
  BLINDPROOF_ASSIGN(const ByteSpan stored, stored_bytes(bytes, entry, place));
  Bytes out;
  if (entry.method == kStored) {
    if (entry.size != entry.compressed_size)
      return base::error(ErrorCode::kMalformed, place, "a stored entry with two sizes");
    out.assign(stored.begin(), stored.end());
  } else {
    if (entry.size / kMaxDeflateRatio > stored.size()) {
      return base::error(ErrorCode::kMalformed, place, "claims to be larger than its compressed bytes can become");
    }
    out.resize(entry.size);
    if (!Inflater().run(stored, out))
      return base::error(ErrorCode::kMalformed, place, "the compressed bytes are damaged");
  }
  if (crc32_z(0, out.data(), out.size()) != entry.crc) {
    return base::error(ErrorCode::kMalformed, place, "the checksum is wrong");
  }
  return out;
}

}  // namespace

Result<ArrayMap> parse_npz(ByteSpan bytes, std::string_view place_view) {
  const std::string place(place_view);
  BLINDPROOF_ASSIGN(const std::vector<Entry> entries, read_directory(bytes, place));
  std::uint64_t total = 0;
  for (const Entry& entry : entries) total += entry.size;
  if (total > kMaxNpzBytes) return base::error(ErrorCode::kLimit, place, "the arrays together are larger than 4 GiB");
  ArrayMap arrays;
  for (const Entry& entry : entries) {
    const std::string name = entry.name.substr(0, entry.name.size() - kSuffix.size());
    const std::string entry_place = place + ": " + name;
    BLINDPROOF_ASSIGN(const Bytes file, extract(bytes, entry, entry_place));
    BLINDPROOF_ASSIGN(Array array, parse_npy(file, entry_place));
    if (!arrays.emplace(name, std::move(array)).second) {
      return base::error(ErrorCode::kMalformed, place, "two arrays of the name " + name);
    }
  }
  return arrays;
}

Result<ArrayMap> read_npz(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const Bytes bytes, base::read_file(path, kMaxNpzBytes));
  return parse_npz(bytes, path.string());
}

Result<Array> take_array(ArrayMap& arrays, const std::string& name, std::string_view place) {
  if (auto node = arrays.extract(name)) return std::move(node.mapped());
  std::string names;
  for (const auto& [other, array] : arrays) names += (names.empty() ? "" : ", ") + other;
  return base::error(ErrorCode::kInvalidArgument, std::string(place), "has no array '" + name + "'; it has: " + names);
}

}  // namespace blindproof::arrays
