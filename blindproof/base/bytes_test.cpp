#include "blindproof/base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace blindproof::base {
namespace {

TEST(Bytes, WriterAndReaderRoundTrip) {
  ByteWriter writer;
  writer.u8(7);
  writer.u16(0x1234);
  writer.u32(0xdeadbeef);
  writer.u64(std::numeric_limits<std::uint64_t>::max());
  writer.i64(-5);
  writer.f64(-2.5);
  writer.text("scale");
  ByteReader reader(writer.bytes(), "test");
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_EQ(reader.u32(), 0xdeadbeef);
  EXPECT_EQ(reader.u64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(reader.i64(), -5);
  EXPECT_EQ(reader.f64(), -2.5);
  EXPECT_EQ(reader.text(100), "scale");
  EXPECT_TRUE(reader.finish().ok());
}

TEST(Bytes, EveryTruncationIsRejected) {
  ByteWriter writer;
  writer.u32(1);
  writer.text("abcdef");
  for (std::size_t size = 0; size < writer.bytes().size(); ++size) {
    ByteReader reader(ByteSpan(writer.bytes()).first(size), "cut");
    reader.u32();
    reader.text(100);
    ASSERT_FALSE(reader.finish().ok()) << size;
    EXPECT_EQ(reader.finish().error().code, ErrorCode::kMalformed);
  }
}

TEST(Bytes, TrailingBytesAreRejected) {
  ByteWriter writer;
  writer.u32(1);
  writer.u8(0);
  ByteReader reader(writer.bytes(), "tail");
  reader.u32();
  EXPECT_FALSE(reader.finish().ok());
}

TEST(Bytes, LengthsAreBoundedBeforeAllocation) {
  ByteWriter writer;
  writer.u64(std::uint64_t{1} << 60);
  ByteReader sized(writer.bytes(), "huge");
  sized.sized(1 << 20);
  EXPECT_EQ(sized.status().error().code, ErrorCode::kLimit);
  ByteReader counted(writer.bytes(), "huge");
  EXPECT_EQ(counted.count(std::numeric_limits<std::size_t>::max(), 8), 0u);
  EXPECT_EQ(counted.status().error().code, ErrorCode::kMalformed);
}

TEST(Bytes, FloatsAreCanonical) {
  for (double bad : {-0.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    ByteWriter writer;
    writer.f64(bad);
    ByteReader reader(writer.bytes(), "float");
    reader.f64();
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bytes, HexRoundTrip) {
  const Bytes bytes = {0x00, 0x7f, 0xff, 0x10};
  EXPECT_EQ(to_hex(bytes), "007fff10");
  EXPECT_EQ(from_hex("007fFF10").value(), bytes);
  EXPECT_FALSE(from_hex("0").ok());
  EXPECT_FALSE(from_hex("0g").ok());
}

}  // namespace
}  // namespace blindproof::base
