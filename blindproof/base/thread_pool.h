// One pool of threads for the whole process.
#pragma once

#include <cstddef>
#include <functional>

namespace blindproof::base {

/// Number of threads that parallel_for may use, the caller included. Default: all cores.
std::size_t thread_count() noexcept;

/// Requires: 1 <= count <= 1024, and no parallel_for running.
void set_thread_count(std::size_t count);

/// Calls body(i) for every i in [0, count), on several threads; returns when all are done. The first exception that a
/// call throws is rethrown here. A nested call runs inline on its own thread.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

/// Splits [0, count) into contiguous ranges of at least `grain` indices and calls body(begin, end) for each. The split
/// depends on `count` and `grain` and the number of threads, so bodies must write only to their own indices.
void parallel_ranges(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace blindproof::base
