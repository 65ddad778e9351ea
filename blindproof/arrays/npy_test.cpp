#include "blindproof/arrays/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "blindproof/base/file.h"

namespace blindproof::arrays {
namespace {

using base::Bytes;
using base::ErrorCode;

// A .npy file with any header.
Bytes npy(const std::string& header, const Bytes& data, std::uint8_t version = 1) {
  base::ByteWriter out;
  for (char c : {'\x93', 'N', 'U', 'M', 'P', 'Y'}) out.u8(static_cast<std::uint8_t>(c));
  out.u8(version);
  out.u8(0);
  if (version == 1) {
    out.u16(static_cast<std::uint16_t>(header.size()));
  } else {
    out.u32(static_cast<std::uint32_t>(header.size()));
  }
  out.raw(base::as_bytes(header));
  out.raw(data);
  return std::move(out).take();
}

std::string described(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

ErrorCode code_of(const Bytes& file) {
  const auto parsed = parse_npy(file, "test");
  EXPECT_FALSE(parsed.ok());
  return parsed.ok() ? ErrorCode::kIo : parsed.error().code;
}

TEST(Npy, ReadsTheBytesThatNumPyWrites) {
  // numpy.save of numpy.array([[1, 2, 3], [-4, 5, 6]], '<i2'), NumPy 1.26.
  Bytes file = npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }" + std::string(58, ' ') + "\n",
                   {1, 0, 2, 0, 3, 0, 0xfc, 0xff, 5, 0, 6, 0});
  ASSERT_EQ((file.size() - 12) % 64, 0u);
  const auto parsed = parse_npy(file, "test");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(to_int64(*parsed).value(), (std::vector<std::int64_t>{1, 2, 3, -4, 5, 6}));
  EXPECT_EQ(to_floats(*parsed).value(), (std::vector<float>{1, 2, 3, -4, 5, 6}));
  EXPECT_EQ(to_doubles(*parsed).value(), (std::vector<double>{1, 2, 3, -4, 5, 6}));
  EXPECT_EQ(write_npy(*parsed), file);
}

TEST(Npy, EveryTypeAndShapeRoundTrips) {
  const std::vector<std::size_t> shapes[] = {{}, {0}, {1}, {5}, {2, 3}, {2, 0, 3}, {1, 2, 3, 4}};
  for (const auto& shape : shapes) {
    for (int dtype = 0; dtype <= static_cast<int>(DType::kText); ++dtype) {
      Array array{static_cast<DType>(dtype), shape, {}, dtype == static_cast<int>(DType::kText) ? 3u : 0u};
      array.bytes.resize(array.size() * array.item_size());
      for (std::size_t i = 0; i < array.bytes.size(); ++i) array.bytes[i] = static_cast<std::uint8_t>(i % 2);
      const Bytes file = write_npy(array);
      const auto parsed = parse_npy(file, "test");
      ASSERT_TRUE(parsed.ok()) << dtype_name(array.dtype) << ": " << parsed.error().message();
      EXPECT_EQ(parsed->dtype, array.dtype);
      EXPECT_EQ(parsed->shape, array.shape);
      EXPECT_EQ(parsed->bytes, array.bytes);
      EXPECT_EQ(write_npy(*parsed), file);
    }
  }
}

TEST(Npy, AllThreeVersionsAreRead) {
  for (std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    const auto parsed = parse_npy(npy(described("|u1", "(2,)"), {7, 9}, version), "test");
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(to_int64(*parsed).value(), (std::vector<std::int64_t>{7, 9}));
  }
  EXPECT_EQ(code_of(npy(described("|u1", "(2,)"), {7, 9}, 4)), ErrorCode::kUnsupported);
}

TEST(Npy, FortranOrderComesOutInCOrder) {
  // Item (i, j, k) of shape (2, 3, 2) lies at i + 2j + 6k.
  Bytes data(12);
  for (std::size_t i = 0; i < 12; ++i) data[i] = static_cast<std::uint8_t>(i);
  const auto parsed = parse_npy(npy(described("|u1", "(2, 3, 2)", "True"), data), "test");
  ASSERT_TRUE(parsed.ok());
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(parsed->bytes[(i * 3 + j) * 2 + k], i + 2 * j + 6 * k);
    }
  }
}

TEST(Npy, TextsHoldBigIntegers) {
  const std::vector<std::string> texts = {
      "21888242871839275222246405745257275088548364400416034343698204186575808495617", "-1", "", "0"};
  const Array array = from_texts({2, 2}, texts);
  const auto parsed = parse_npy(write_npy(array), "test");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(to_texts(*parsed).value(), texts);
  EXPECT_EQ(to_floats(*parsed).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(to_int64(*parsed).error().code, ErrorCode::kUnsupported);
  const std::vector<std::string> none;
  EXPECT_TRUE(to_texts(from_texts({0}, none)).value().empty());
  const auto accented = parse_npy(npy(described("<U1", "()"), {0xe9, 0, 0, 0}), "test");
  EXPECT_EQ(to_texts(*accented).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(to_texts(from_int64({1}, std::vector<std::int64_t>{1})).error().code, ErrorCode::kUnsupported);
}

TEST(Npy, ConversionsRefuseWhatDoesNotFit) {
  const double big = 1e300, infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(to_floats(from_doubles({1}, std::vector<double>{big})).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(std::isinf(to_floats(from_doubles({1}, std::vector<double>{infinity})).value()[0]));
  for (double bad : {0.5, big, infinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(to_int64(from_doubles({1}, std::vector<double>{bad})).error().code, ErrorCode::kLimit) << bad;
  }
  EXPECT_EQ(to_int64(from_doubles({2}, std::vector<double>{-3, 0x1p53})).value(),
            (std::vector<std::int64_t>{-3, std::int64_t{1} << 53}));
  Array unsigned_array{DType::kUInt64, {1}, Bytes(8, 0xff), 0};
  EXPECT_EQ(to_int64(unsigned_array).error().code, ErrorCode::kLimit);
  const std::vector<std::int64_t> extremes = {std::numeric_limits<std::int64_t>::min(),
                                              std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(to_int64(from_int64({2}, extremes)).value(), extremes);
}

TEST(Npy, UnsupportedTypesAreNamed) {
  for (const char* descr :
       {">f4", "<c8", "|O", "<M8[ns]", "|S5", "<f2", "<f16", "|V8", "<U", "<Ux", "<U0", "x", "<U999999999"}) {
    const auto parsed = parse_npy(npy(described(descr, "(1,)"), Bytes(8)), "samples.npy");
    ASSERT_FALSE(parsed.ok()) << descr;
    EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported) << descr;
    EXPECT_NE(parsed.error().message().find(descr), std::string::npos) << parsed.error().message();
  }
}

TEST(Npy, MalformedHeadersAreRejected) {
  const std::string good = described("|u1", "(2,)");
  ASSERT_TRUE(parse_npy(npy(good, {1, 2}), "test").ok());
  const std::string bad[] = {
      "",
      "{",
      "{}",
      "[]",
      good + "x",
      good.substr(0, good.size() - 1),
      "{'descr': '|u1', 'fortran_order': False, }",
      "{'descr': '|u1', 'shape': (2,), }",
      "{'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'more': 'x', }",
      "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|u1' 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (2,), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': 2, }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2 2), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (,), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
      "{'descr': '|u1, 'fortran_order': False, 'shape': (2,), }",
  };
  for (const std::string& header : bad) EXPECT_EQ(code_of(npy(header, {1, 2})), ErrorCode::kMalformed) << header;
  EXPECT_EQ(code_of({}), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(npy(described("|b1", "(2,)"), {1, 2})), ErrorCode::kMalformed);
}

TEST(Npy, SizesAreCheckedBeforeAllocation) {
  EXPECT_EQ(code_of(npy(described("<f8", "(4294967296, 4294967296)"), {})), ErrorCode::kLimit);
  EXPECT_EQ(code_of(npy(described("<f8", "(0, 99999999999, 99999999999)"), {})), ErrorCode::kLimit);
  EXPECT_EQ(code_of(npy(described("<f8", "(500000000,)"), {})), ErrorCode::kMalformed);
  std::string many = "(";
  for (int i = 0; i < 33; ++i) many += "1, ";
  EXPECT_EQ(code_of(npy(described("|u1", many + ")"), {1})), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(npy(std::string((1 << 16) + 1, ' '), {}, 2)), ErrorCode::kLimit);
}

TEST(Npy, EveryTruncationTrailingBytesAndFlippedBitsAreSafe) {
  const Bytes good = write_npy(from_floats({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}));
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(parse_npy(base::ByteSpan(good).first(size), "cut").ok()) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(code_of(longer), ErrorCode::kMalformed);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto parsed = parse_npy(bytes, "flipped");
    if (!parsed.ok()) continue;
    EXPECT_EQ(parsed->bytes.size(), parsed->size() * parsed->item_size());
  }
}

TEST(Npy, FilesAreReadFromDisk) {
  const auto path = std::filesystem::path(testing::TempDir()) / "blindproof_npy_test.npy";
  const Array array = from_floats({2}, std::vector<float>{1, -1});
  ASSERT_TRUE(base::write_file_atomic(path, write_npy(array)).ok());
  EXPECT_EQ(read_npy(path)->bytes, array.bytes);
  std::filesystem::remove(path);
  EXPECT_EQ(read_npy(path).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace blindproof::arrays
