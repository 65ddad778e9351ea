#include "blindproof/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace blindproof::base {
namespace {

TEST(ThreadPool, EveryIndexOnce) {
  for (std::size_t threads : {1u, 2u, 5u}) {
    set_thread_count(threads);
    for (std::size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> hits(count);
      parallel_for(count, [&](std::size_t i) { hits[i].fetch_add(1); });
      for (auto& hit : hits) EXPECT_EQ(hit.load(), 1);
      std::vector<std::atomic<int>> covered(count);
      parallel_ranges(count, 7, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) covered[i].fetch_add(1);
      });
      for (auto& hit : covered) EXPECT_EQ(hit.load(), 1);
    }
  }
}

TEST(ThreadPool, NestedCallsRunInline) {
  set_thread_count(3);
  std::atomic<int> total{0};
  parallel_for(8, [&](std::size_t) { parallel_for(8, [&](std::size_t) { total.fetch_add(1); }); });
  EXPECT_EQ(total.load(), 64);
}

TEST(ThreadPool, ExceptionsReachTheCaller) {
  set_thread_count(2);
  EXPECT_THROW(parallel_for(100, [](std::size_t i) { if (i == 50) throw std::runtime_error("x"); }), std::runtime_error);
  std::atomic<int> after{0};
  parallel_for(10, [&](std::size_t) { after.fetch_add(1); });
  EXPECT_EQ(after.load(), 10);
}

TEST(ThreadPool, ManySmallJobs) {
  set_thread_count(4);
  std::atomic<int> total{0};
  for (int i = 0; i < 2000; ++i) parallel_for(3, [&](std::size_t) { total.fetch_add(1); });
  EXPECT_EQ(total.load(), 6000);
}

}  // namespace
}  // namespace blindproof::base
