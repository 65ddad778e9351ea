// Progress of long work, told by the engine, shown by whoever called it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace blindproof::base {

/// Called from the thread that does the work with a phase name and done/total units. Total may be 0 (unknown).
using ProgressFunction = std::function<void(std::string_view phase, std::uint64_t done, std::uint64_t total)>;

/// A copyable handle; the default one reports nowhere.
class Progress {
 public:
  Progress() = default;
  explicit Progress(ProgressFunction function) : function_(std::move(function)) {}
  void report(std::string_view phase, std::uint64_t done, std::uint64_t total) const;

 private:
  ProgressFunction function_;
};

}  // namespace blindproof::base
