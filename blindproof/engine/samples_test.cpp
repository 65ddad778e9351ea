#include "blindproof/engine/samples.h"

#include <gtest/gtest.h>

#include <limits>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/temporary_folder_test.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using model::Int128;
using model::Shape;

class SamplesFile : public TemporaryFolderTest {
 protected:
  Path write_floats(const Shape& shape) {
    std::vector<float> values(std::max<std::size_t>(model::element_count(shape), 1));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const Path path = folder() / "x.npy";
    EXPECT_TRUE(write_bytes(path, arrays::write_npy(arrays::from_floats(shape, values)), base::FileMode::kPublic).ok());
    return path;
  }

  // Number of samples of that file for a model of that shape, 0 if it is refused.
  std::size_t count(const Shape& file, const Shape& model) {
    const auto samples = read_samples(write_floats(file), model);
    if (!samples.ok()) {
      EXPECT_EQ(samples.error().code, ErrorCode::kInvalidArgument);
      return 0;
    }
    return samples->x.size();
  }
};

TEST_F(SamplesFile, OneSampleOrSeveralWithOrWithoutDimensionsOfOne) {
  EXPECT_EQ(count({1, 4, 3}, {1, 4, 3}), 1u);
  EXPECT_EQ(count({4, 3}, {1, 4, 3}), 1u);
  EXPECT_EQ(count({1, 1, 4, 3}, {1, 4, 3}), 1u);
  EXPECT_EQ(count({12}, {1, 4, 3}), 1u);
  EXPECT_EQ(count({5, 1, 4, 3}, {1, 4, 3}), 5u);
  EXPECT_EQ(count({5, 4, 3}, {1, 4, 3}), 5u);
  EXPECT_EQ(count({5, 12}, {1, 4, 3}), 5u);
  EXPECT_EQ(count({12, 12}, {12}), 12u);
  EXPECT_EQ(count({7, 1}, {1}), 7u);
}

TEST_F(SamplesFile, OtherShapesAreRefused) {
  EXPECT_EQ(count({3, 4}, {1, 4, 3}), 0u);
  EXPECT_EQ(count({5, 3, 4}, {1, 4, 3}), 0u);
  EXPECT_EQ(count({60}, {1, 4, 3}), 0u);
  EXPECT_EQ(count({2, 2, 12}, {12}), 0u);
  EXPECT_EQ(count({}, {12}), 0u);
}

TEST_F(SamplesFile, SamplesComeInOrder) {
  const auto samples = read_samples(write_floats({3, 2}), {2});
  ASSERT_TRUE(samples.ok());
  EXPECT_TRUE(samples->batched);
  EXPECT_EQ(samples->x, (std::vector<std::vector<float>>{{0, 1}, {2, 3}, {4, 5}}));
}

TEST_F(SamplesFile, OneOfSeveralMustBeChosen) {
  const Path path = write_floats({3, 2});
  EXPECT_EQ(read_sample(path, {2}, std::nullopt).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_sample(path, {2}, 3).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(*read_sample(path, {2}, 2), (std::vector<float>{4, 5}));
  EXPECT_EQ(*read_sample(write_floats({1, 2}), {2}, std::nullopt), (std::vector<float>{0, 1}));
}

TEST_F(SamplesFile, ErrorsNameTheFile) {
  const Path path = write_floats({3});
  EXPECT_EQ(read_samples(path, {2}).error().place.find(path.string()), 0u);
  EXPECT_EQ(read_samples(folder() / "none.npy", {2}).error().code, ErrorCode::kIo);
}

TEST_F(SamplesFile, IntegersOfAnySizeRoundTrip) {
  const Path path = folder() / "y.npy";
  const Int128 wide = Int128{1} << 100;
  for (const std::vector<Int128>& values :
       {std::vector<Int128>{0, -1, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()},
        std::vector<Int128>{wide, -wide, 3}}) {
    ASSERT_TRUE(write_integers(path, {values.size()}, values, base::FileMode::kPublic).ok());
    const auto read = read_integers(path);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(*read, values);
  }
}

TEST_F(SamplesFile, FloatsAreNoIntegers) {
  const auto refused = read_integers(write_floats({2}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(SamplesFile, ImagesAreTheLastTwoDimensions) {
  const Path path = write_floats({2, 3, 4, 5});
  const auto image = read_image(path, 5);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->height, 4u);
  EXPECT_EQ(image->width, 5u);
  EXPECT_EQ(image->pixels[0], 100.0F);
  EXPECT_EQ(read_image(path, 6).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_image(write_floats({6}), 0).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace blindproof::engine
