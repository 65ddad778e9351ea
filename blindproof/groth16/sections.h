// Files of numbered sections, as circom and snarkjs write them: magic, version, number of sections, then for each its type, length and bytes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/file.h"

namespace blindproof::groth16 {

/// Reads parts of sections, from a file or from memory.
class Sections {
 public:
  /// Errors: kIo; kMalformed for another magic, a section that the file doesn't have or has twice; kUnsupported for another version.
  static base::Result<Sections> open(const std::filesystem::path& path, std::string_view magic, std::uint32_t version);
  /// `bytes` must outlive it.
  static base::Result<Sections> of(base::ByteSpan bytes, std::string name, std::string_view magic, std::uint32_t version);

  const std::string& name() const noexcept { return name_; }
  bool has(std::uint32_t type) const { return places_.contains(type); }
  /// 0 if it isn't there.
  std::uint64_t size(std::uint32_t type) const;
  /// Errors: kIo; kMalformed if the section doesn't reach that far.
  base::Status read(std::uint32_t type, std::uint64_t offset, std::span<std::uint8_t> out) const;
  /// A whole section.   Errors: also kLimit beyond max_size.
  base::Result<base::Bytes> read_all(std::uint32_t type, std::uint64_t max_size) const;

  base::Error malformed(std::string detail) const { return base::error(base::ErrorCode::kMalformed, name_, std::move(detail)); }

 private:
  struct Place {
    std::uint64_t offset, size;
  };

  base::Status read_table(std::string_view magic, std::uint32_t version);
  base::Status read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;

  std::string name_;
  std::uint64_t size_ = 0;
  std::shared_ptr<std::FILE> file_;
  base::ByteSpan bytes_;
  std::map<std::uint32_t, Place> places_;
};

/// Writes such a file: sections one after the other, each as long as announced.
class SectionWriter {
 public:
  static constexpr std::uint64_t kSectionHeadBytes = 12;

  static base::Result<SectionWriter> create(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, std::uint32_t sections);
  base::Status begin(std::uint32_t type, std::uint64_t size);
  base::Status write(base::ByteSpan bytes);
  /// Type, length and bytes.
  base::Status section(std::uint32_t type, base::ByteSpan bytes);
  /// The same from another file, as it is there.
  base::Status copy(const Sections& from, std::uint32_t type);

  // For sections that aren't written in order: where the next byte goes, leaving room, filling it, reading it back.
  std::uint64_t position() const noexcept { return position_; }
  void skip(std::uint64_t size) noexcept { position_ += size; }
  base::Status write_at(std::uint64_t position, base::ByteSpan bytes) { return file_.write_at(position, bytes); }
  base::Status read_at(std::uint64_t position, std::span<std::uint8_t> out) const { return file_.read_at(position, out); }

  base::Status commit() { return file_.commit(); }

 private:
  explicit SectionWriter(base::AtomicFile file) : file_(std::move(file)) {}
  base::AtomicFile file_;
  std::uint64_t position_ = 0;
};

}  // namespace blindproof::groth16
