#include "blindproof/model/shape.h"

#include <gtest/gtest.h>

#include <limits>

namespace blindproof::model {
namespace {

TEST(Shape, CountsElements) {
  EXPECT_EQ(element_count({}), 1u);
  EXPECT_EQ(element_count({7}), 7u);
  EXPECT_EQ(element_count({6, 28, 28}), 4704u);
  EXPECT_EQ(element_count({3, 0, 2}), 0u);
}

TEST(Shape, ProductsThatAreTooLargeOrWrapCountAsZero) {
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(element_count({kMaxElements}), kMaxElements);
  EXPECT_EQ(element_count({kMaxElements + 1}), 0u);
  EXPECT_EQ(element_count({kMaxElements, 2}), 0u);
  EXPECT_EQ(element_count({std::size_t{1} << 32, std::size_t{1} << 32}), 0u);
  EXPECT_EQ(element_count({kHuge, kHuge, kHuge}), 0u);
}

TEST(Shape, Prints) {
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(Shape{6, 28, 28}), "[6,28,28]");
}

TEST(Window2d, OutputSizeIsTheNumberOfPositionsThatFit) {
  for (std::size_t kernel : {1u, 2u, 3u, 5u}) {
    for (std::size_t stride : {1u, 2u, 3u}) {
      for (std::size_t dilation : {1u, 2u}) {
        for (std::size_t begin : {0u, 1u, 2u}) {
          for (std::size_t end : {0u, 1u}) {
            for (std::size_t size : {0u, 1u, 2u, 3u, 7u, 8u}) {
              Window2d window;
              window.kernel[1] = kernel;
              window.stride[1] = stride;
              window.dilation[1] = dilation;
              window.pad_begin[1] = begin;
              window.pad_end[1] = end;
              std::size_t positions = 0;
              for (std::size_t at = 0; at + (kernel - 1) * dilation < begin + size + end; at += stride) ++positions;
              EXPECT_EQ(window.output_size(1, size), positions);
            }
          }
        }
      }
    }
  }
}

TEST(Window2d, AbsurdValuesDoNotFit) {
  Window2d window;
  window.kernel[0] = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(window.output_size(0, 10), 0u);
  window = {};
  window.stride[0] = 0;
  EXPECT_EQ(window.output_size(0, 10), 0u);
  window = {};
  window.pad_begin[0] = std::numeric_limits<std::size_t>::max() - 5;
  EXPECT_EQ(window.output_size(0, 10), 0u);
}

}  // namespace
}  // namespace blindproof::model
