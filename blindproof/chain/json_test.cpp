#include "blindproof/chain/json.h"

#include <gtest/gtest.h>

#include <string>

namespace blindproof::chain {
namespace {

using base::ErrorCode;

base::Result<JsonValue> parse(std::string_view text) { return parse_json(base::as_bytes(text), "test"); }
std::string canonical(std::string_view text) { return write_canonical_json(parse(text).value()); }

TEST(Json, CanonicalFormSortsKeysByCodePointDropsNullsAndKeepsUtf8) {
  EXPECT_EQ(canonical(" {\"b\" : 1 , \"a\":[null, {\"z\":null,\"y\":0.5}], \"n\":null}\n"), R"({"a":[null,{"y":0.5}],"b":1})");
  // UTF-16 order would put U+10000 before U+FFFD.
  EXPECT_EQ(canonical("{\"\\ud800\\udc00\":1,\"\\ufffd\":2,\"Z\":3,\"a\":4}"),
            "{\"Z\":3,\"a\":4,\"\xef\xbf\xbd\":2,\"\xf0\x90\x80\x80\":1}");
  EXPECT_EQ(canonical(R"(["\u00e9\/\u007f"])"), "[\"\xc3\xa9/\x7f\"]");
}

TEST(Json, CanonicalFormEscapesOnlyWhatMustBe) {
  EXPECT_EQ(canonical(R"(["\"\\\b\f\n\r\t\u0000\u001F"])"), R"(["\"\\\b\f\n\r\t\u0000\u001f"])");
}

TEST(Json, WritingAndParsingAreInverse) {
  for (const std::string_view text :
       {"null", "true", "false", "0", "-0", "-12.50e+7", "\"\"", "[]", "{}", "[[],{}]", R"({"a":{"b":[1,2,"x"]}})"}) {
    EXPECT_EQ(write_json(parse(text).value()), text);
    EXPECT_EQ(write_json(parse(write_json_indented(parse(text).value())).value()), text);
  }
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const std::string_view text : {"",
                                      " ",
                                      "nul",
                                      "True",
                                      "01",
                                      "-",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "NaN",
                                      "Infinity",
                                      "\"",
                                      "\"\\",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"a\nb\"",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:2}",
                                      "1 2",
                                      "{}{}",
                                      "[1]]",
                                      "/**/1",
                                      "\xef\xbb\xbf{}"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kMalformed) << text;
  }
}

TEST(Json, RefusesDuplicateKeysAlsoWhereTheyAreEscaped) {
  EXPECT_FALSE(parse(R"({"a":1,"b":2,"a":3})").ok());
  EXPECT_FALSE(parse(R"({"a":1,"\u0061":3})").ok());
  EXPECT_FALSE(parse(R"([{"x":{"k":null,"k":null}}])").ok());
  EXPECT_TRUE(parse(R"({"a":{"a":1},"b":{"a":1}})").ok());
}

TEST(Json, RefusesInvalidUtf8AndHalvesOfSurrogatePairs) {
  for (const std::string_view bytes : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                       "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98"}) {
    EXPECT_FALSE(is_utf8(bytes));
    EXPECT_FALSE(parse("\"" + std::string(bytes) + "\"").ok());
  }
  for (const std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\ud800\n")"})
    EXPECT_FALSE(parse(text).ok()) << text;
  for (const std::string_view bytes : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(bytes));
    EXPECT_EQ(parse("\"" + std::string(bytes) + "\"").value().text, bytes);
  }
}

TEST(Json, BoundsBytesDepthAndValues) {
  JsonLimits limits;
  limits.bytes = 64;
  limits.depth = 3;
  limits.values = 5;
  const auto code = [&](std::string_view text) {
    const auto parsed = parse_json(base::as_bytes(text), "test", limits);
    return parsed.ok() ? std::string("ok") : std::string(base::error_code_name(parsed.error().code));
  };
  EXPECT_EQ(code("[[[1]]]"), "ok");
  EXPECT_EQ(code("[[[[1]]]]"), "limit");
  EXPECT_EQ(code("[1,2,3,4]"), "ok");
  EXPECT_EQ(code("[1,2,3,4,5]"), "limit");
  EXPECT_EQ(code(std::string(64, ' ')), "malformed");
  EXPECT_EQ(code(std::string(65, ' ')), "limit");
  EXPECT_EQ(parse(std::string(1u << 20, '[')).error().code, ErrorCode::kLimit);
}

TEST(Json, MembersAreFoundReplacedAndRemoved) {
  JsonValue object = JsonValue::make_object();
  object.set("a", JsonValue::make_number(1));
  object.set("b", JsonValue::make_text("x"));
  object.set("a", JsonValue::make_boolean(true));
  EXPECT_EQ(write_json(object), R"({"a":true,"b":"x"})");
  object.remove("a");
  object.remove("c");
  EXPECT_EQ(write_json(object), R"({"b":"x"})");
  EXPECT_EQ(object.find("a"), nullptr);
  EXPECT_EQ(JsonValue().find("a"), nullptr);
}

}  // namespace
}  // namespace blindproof::chain
