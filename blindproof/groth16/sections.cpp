#include "blindproof/groth16/sections.h"

#include <algorithm>
#include <cstring>

namespace blindproof::groth16 {
namespace {

constexpr std::uint32_t kMostSections = 64;

}  // namespace

base::Result<Sections> Sections::open(const std::filesystem::path& path, std::string_view magic, std::uint32_t version) {
  Sections result;
  result.name_ = path.string();
  result.file_ = std::shared_ptr<std::FILE>(std::fopen(path.c_str(), "rb"), [](std::FILE* file) {
    if (file != nullptr) std::fclose(file);
  });
  std::error_code failure;
  result.size_ = std::filesystem::file_size(path, failure);
  if (!result.file_ || failure) return base::error(base::ErrorCode::kIo, result.name_, "can't be opened for reading");
  BLINDPROOF_TRY(result.read_table(magic, version));
  return result;
}

base::Result<Sections> Sections::of(base::ByteSpan bytes, std::string name, std::string_view magic, std::uint32_t version) {
  Sections result;
  result.name_ = std::move(name);
  result.bytes_ = bytes;
  result.size_ = bytes.size();
  BLINDPROOF_TRY(result.read_table(magic, version));
  return result;
}

base::Status Sections::read_table(std::string_view magic, std::uint32_t version) {
  std::uint8_t head[12];
  if (size_ < sizeof head) return malformed("is too short to be a " + std::string(magic) + " file");
  BLINDPROOF_TRY(read_at(0, head));
  base::ByteReader reader(head, name_);
  const base::ByteSpan found = reader.raw(4);
  if (!std::ranges::equal(found, base::as_bytes(magic))) return malformed("is no " + std::string(magic) + " file");
  if (reader.u32() != version) return base::error(base::ErrorCode::kUnsupported, name_, "has a version other than " + std::to_string(version));
  const std::uint32_t count = reader.u32();
  if (count > kMostSections) return malformed("announces " + std::to_string(count) + " sections");
  std::uint64_t at = sizeof head;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint8_t entry[12];
    if (size_ - at < sizeof entry) return malformed("ends within its sections");
    BLINDPROOF_TRY(read_at(at, entry));
    base::ByteReader fields(entry, name_);
    const std::uint32_t type = fields.u32();
    const std::uint64_t size = fields.u64();
    at += sizeof entry;
    if (size > size_ - at) return malformed("section " + std::to_string(type) + " is longer than the file");
    if (!places_.emplace(type, Place{at, size}).second) return malformed("section " + std::to_string(type) + " comes twice");
    at += size;
  }
  if (at != size_) return malformed("goes on after its last section");
  return {};
}

std::uint64_t Sections::size(std::uint32_t type) const {
  const auto found = places_.find(type);
  return found == places_.end() ? 0 : found->second.size;
}

base::Status Sections::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (out.empty()) return {};
  if (!file_) {
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0 || std::fread(out.data(), 1, out.size(), file_.get()) != out.size()) {
    return base::error(base::ErrorCode::kIo, name_, "can't be read");
  }
  return {};
}

base::Status Sections::read(std::uint32_t type, std::uint64_t offset, std::span<std::uint8_t> out) const {
  const auto found = places_.find(type);
  if (found == places_.end()) return malformed("has no section " + std::to_string(type));
  if (offset > found->second.size || out.size() > found->second.size - offset) return malformed("section " + std::to_string(type) + " is too short");
  return read_at(found->second.offset + offset, out);
}

base::Result<base::Bytes> Sections::read_all(std::uint32_t type, std::uint64_t max_size) const {
  if (!has(type)) return malformed("has no section " + std::to_string(type));
  if (size(type) > max_size) return base::error(base::ErrorCode::kLimit, name_, "section " + std::to_string(type) + " is too long");
  base::Bytes bytes(size(type));
  BLINDPROOF_TRY(read(type, 0, bytes));
  return bytes;
}

base::Result<SectionWriter> SectionWriter::create(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, std::uint32_t sections) {
  BLINDPROOF_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  SectionWriter writer(std::move(file));
  base::ByteWriter head;
  head.raw(base::as_bytes(magic));
  head.u32(version);
  head.u32(sections);
  BLINDPROOF_TRY(writer.write(head.bytes()));
  return writer;
}

base::Status SectionWriter::begin(std::uint32_t type, std::uint64_t size) {
  base::ByteWriter head;
  head.u32(type);
  head.u64(size);
  return write(head.bytes());
}

base::Status SectionWriter::section(std::uint32_t type, base::ByteSpan bytes) {
  BLINDPROOF_TRY(begin(type, bytes.size()));
  return write(bytes);
}

base::Status SectionWriter::copy(const Sections& from, std::uint32_t type) {
  constexpr std::uint64_t kBytesAtOnce = 1 << 22;
  BLINDPROOF_TRY(begin(type, from.size(type)));
  base::Bytes block;
  for (std::uint64_t at = 0; at < from.size(type); at += kBytesAtOnce) {
    block.resize(std::min(kBytesAtOnce, from.size(type) - at));
    BLINDPROOF_TRY(from.read(type, at, block));
    BLINDPROOF_TRY(write(block));
  }
  return {};
}

base::Status SectionWriter::write(base::ByteSpan bytes) {
  BLINDPROOF_TRY(file_.write_at(position_, bytes));
  position_ += bytes.size();
  return {};
}

}  // namespace blindproof::groth16
