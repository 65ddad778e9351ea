#include "blindproof/arrays/npz.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

namespace blindproof::arrays {
namespace {

using base::Bytes;
using base::ByteWriter;
using base::ErrorCode;

struct ZipEntry {
  std::string name;
  Bytes data;
  bool deflate = false;
  // Overrides, to build wrong archives.
  std::string local_name = "";
  std::uint16_t flags = 0;
  int method = -1;
  std::int64_t size = -1;
  int crc_error = 0;
};

Bytes deflated(const Bytes& data) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, data.size()));
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes zip(const std::vector<ZipEntry>& entries, const std::string& comment = "") {
  ByteWriter out, directory;
  for (const ZipEntry& entry : entries) {
    const Bytes stored = entry.deflate ? deflated(entry.data) : entry.data;
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, entry.data.data(), entry.data.size())) +
                     static_cast<std::uint32_t>(entry.crc_error);
    const auto method = static_cast<std::uint16_t>(entry.method >= 0 ? entry.method : entry.deflate ? 8 : 0);
    const auto size =
        static_cast<std::uint32_t>(entry.size >= 0 ? entry.size : static_cast<std::int64_t>(entry.data.size()));
    const auto offset = static_cast<std::uint32_t>(out.bytes().size());
    const std::string local_name = entry.local_name.empty() ? entry.name : entry.local_name;
    out.u32(0x04034b50);
    for (std::uint16_t field : {std::uint16_t{45}, entry.flags, method, std::uint16_t{0}, std::uint16_t{33}})
      out.u16(field);
    out.u32(crc);
    out.u32(0xffffffff);  // as NumPy does: the sizes are in a zip64 field
    out.u32(0xffffffff);
    out.u16(static_cast<std::uint16_t>(local_name.size()));
    out.u16(20);
    out.raw(base::as_bytes(local_name));
    out.u16(1);
    out.u16(16);
    out.u64(entry.data.size());
    out.u64(stored.size());
    out.raw(stored);

    directory.u32(0x02014b50);
    for (std::uint16_t field :
         {std::uint16_t{45}, std::uint16_t{45}, entry.flags, method, std::uint16_t{0}, std::uint16_t{33}}) {
      directory.u16(field);
    }
    directory.u32(crc);
    directory.u32(static_cast<std::uint32_t>(stored.size()));
    directory.u32(size);
    directory.u16(static_cast<std::uint16_t>(entry.name.size()));
    for (int i = 0; i < 4; ++i) directory.u16(0);
    directory.u32(0);
    directory.u32(offset);
    directory.raw(base::as_bytes(entry.name));
  }
  const auto offset = static_cast<std::uint32_t>(out.bytes().size());
  out.raw(directory.bytes());
  out.u32(0x06054b50);
  out.u16(0);
  out.u16(0);
  out.u16(static_cast<std::uint16_t>(entries.size()));
  out.u16(static_cast<std::uint16_t>(entries.size()));
  out.u32(static_cast<std::uint32_t>(directory.bytes().size()));
  out.u32(offset);
  out.u16(static_cast<std::uint16_t>(comment.size()));
  out.raw(base::as_bytes(comment));
  return std::move(out).take();
}

const Array kNumbers = from_floats({3}, std::vector<float>{1, 2, 3});
const Array kLabels = from_int64({2, 2}, std::vector<std::int64_t>{4, 3, 2, 1});

ErrorCode code_of(const Bytes& file) {
  const auto parsed = parse_npz(file, "test");
  EXPECT_FALSE(parsed.ok());
  return parsed.ok() ? ErrorCode::kIo : parsed.error().code;
}

TEST(Npz, StoredAndDeflatedEntriesAreRead) {
  for (const std::string& comment : {std::string(), std::string("a comment"), std::string(65535, 'c')}) {
    auto arrays =
        parse_npz(zip({{"x.npy", write_npy(kNumbers), true}, {"y.npy", write_npy(kLabels), false}}, comment), "test");
    ASSERT_TRUE(arrays.ok()) << arrays.error().message();
    EXPECT_EQ(arrays->size(), 2u);
    EXPECT_EQ(take_array(*arrays, "x", "test")->bytes, kNumbers.bytes);
    EXPECT_EQ(take_array(*arrays, "y", "test")->shape, kLabels.shape);
    const auto missing = take_array(*arrays, "x", "test");
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(parse_npz(zip({}), "empty")->empty());
}

TEST(Npz, NumPysOwnFilesAreRead) {
  auto arrays = read_npz(std::filesystem::path(BLINDPROOF_SOURCE_DIR) / "models/mnist/mnist_test.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.error().message();
  EXPECT_GE(arrays->size(), 2u);
  for (const auto& [name, array] : *arrays) EXPECT_TRUE(to_floats(array).ok()) << name;
}

TEST(Npz, MissingNamesAreAnsweredWithThoseThereAre) {
  auto arrays = parse_npz(zip({{"x.npy", write_npy(kNumbers)}, {"y.npy", write_npy(kLabels)}}), "test");
  EXPECT_NE(take_array(*arrays, "z", "digits.npz").error().message().find("x, y"), std::string::npos);
}

TEST(Npz, WrongArchivesAreNamed) {
  const Bytes file = write_npy(kNumbers);
  const Bytes zeros = write_npy(from_floats({100000}, std::vector<float>(100000)));
  struct Case {
    const char* what;
    ErrorCode code;
    Bytes archive;
  };
  ZipEntry bomb{"x.npy", zeros, true};
  bomb.size = 0xfffffff0;
  ZipEntry longer{"x.npy", zeros, true};
  longer.size = static_cast<std::int64_t>(zeros.size()) + 1;
  ZipEntry shorter{"x.npy", zeros, true};
  shorter.size = static_cast<std::int64_t>(zeros.size()) - 1;
  ZipEntry zip64{"x.npy", file};
  zip64.size = 0xffffffff;
  ZipEntry half{"x.npy", file};
  half.size = 5;
  ZipEntry encrypted{"x.npy", file};
  encrypted.flags = 1;
  ZipEntry bzip{"x.npy", file};
  bzip.method = 12;
  ZipEntry garbage{"x.npy", Bytes(40, 0xff)};
  garbage.method = 8;
  ZipEntry crc{"x.npy", file};
  crc.crc_error = 1;
  ZipEntry renamed{"x.npy", file};
  renamed.local_name = "y.npy";
  ZipEntry huge{"a.npy", zeros, true};
  huge.size = std::int64_t{400} << 20;
  const Case cases[] = {
      {"declared size beyond deflate's reach", ErrorCode::kMalformed, zip({bomb})},
      {"declared size too large", ErrorCode::kMalformed, zip({longer})},
      {"declared size too small", ErrorCode::kMalformed, zip({shorter})},
      {"total", ErrorCode::kLimit, zip(std::vector<ZipEntry>(11, huge))},
      {"zip64", ErrorCode::kUnsupported, zip({zip64})},
      {"two sizes", ErrorCode::kMalformed, zip({half})},
      {"encryption", ErrorCode::kUnsupported, zip({encrypted})},
      {"bzip2", ErrorCode::kUnsupported, zip({bzip})},
      {"not deflate", ErrorCode::kMalformed, zip({garbage})},
      {"checksum", ErrorCode::kMalformed, zip({crc})},
      {"two names", ErrorCode::kMalformed, zip({renamed})},
      {"duplicate", ErrorCode::kMalformed, zip({{"x.npy", file}, {"x.npy", file}})},
      {"not npy", ErrorCode::kUnsupported, zip({{"x.txt", file}})},
      {"damaged npy", ErrorCode::kMalformed, zip({{"x.npy", Bytes{1, 2, 3}}})},
      {"not a zip", ErrorCode::kMalformed, file},
      {"nothing", ErrorCode::kMalformed, {}},
  };
  for (const Case& c : cases) EXPECT_EQ(code_of(c.archive), c.code) << c.what;
}

TEST(Npz, EveryTruncationAndFlippedBitIsSafe) {
  const Bytes good = zip({{"x.npy", write_npy(kNumbers), true}, {"y.npy", write_npy(kLabels), false}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(parse_npz(base::ByteSpan(good).first(size), "cut").ok()) << size;
  }
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto parsed = parse_npz(bytes, "flipped");
    if (!parsed.ok()) continue;
    for (const auto& [name, array] : *parsed) ASSERT_EQ(array.bytes.size(), array.size() * array.item_size());
  }
}

}  // namespace
}  // namespace blindproof::arrays
