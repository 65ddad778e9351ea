#include "blindproof/engine/files.h"

#include <gtest/gtest.h>

#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using std::filesystem::perms;

class Files : public TemporaryFolderTest {
 protected:
  static perms permissions(const Path& path) { return std::filesystem::status(path).permissions(); }
};

TEST_F(Files, SecretOnesAreForTheOwnerAlone) {
  testing::GraphBuilder builder(model::Arithmetic::kRescaled, 1);
  const auto input = builder.input({2}, 0, 255);
  const auto graph = builder.finish(builder.requantize(builder.dense(input, 2), 8, 0, 255));
  ASSERT_TRUE(write_model(folder() / "m.bpm", {graph, {}, {}}).ok());
  EXPECT_EQ(permissions(folder() / "m.bpm"), perms::owner_read | perms::owner_write);
  ASSERT_TRUE(write_opening(folder() / "p.open", {}).ok());
  EXPECT_EQ(permissions(folder() / "p.open"), perms::owner_read | perms::owner_write);
  const auto read = read_model(folder() / "m.bpm");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->graph.values, graph.values);
}

TEST_F(Files, ErrorsBeginWithTheNameOfTheFile) {
  const Path path = folder() / "junk";
  ASSERT_TRUE(write_bytes(path, base::as_bytes("some text that is no artifact"), base::FileMode::kPublic).ok());
  for (const base::Error& error : {read_model(path).error(), read_model_key(path).error(), read_proof(path).error(),
                                   read_opening(path).error()}) {
    EXPECT_EQ(error.place.find(path.string()), 0u) << error.message();
    EXPECT_TRUE(error.code == ErrorCode::kMalformed || error.code == ErrorCode::kUnsupported) << error.message();
  }
  EXPECT_EQ(read_proof(folder() / "none").error().code, ErrorCode::kIo);
}

TEST_F(Files, PlacesThatCannotBeWrittenAreKnownBefore) {
  EXPECT_TRUE(check_writable(folder() / "new").ok());
  EXPECT_EQ(check_writable(folder()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(check_writable(folder() / "none" / "new").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(check_writable("").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::engine
