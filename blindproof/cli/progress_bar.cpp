#include "blindproof/cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace blindproof::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWidth = 30;
constexpr auto kInterval = std::chrono::milliseconds(50);

struct Drawn {
  bool any = false;
  std::string phase;
  Clock::time_point time;
};
Drawn drawn;

void draw(std::string_view phase, std::uint64_t done, std::uint64_t total) {
  const Clock::time_point now = Clock::now();
  if (drawn.any && drawn.phase == phase && now - drawn.time < kInterval) return;
  drawn = {true, std::string(phase), now};
  const auto filled = total == 0 ? 0 : static_cast<std::size_t>(std::min(done, total) * kWidth / total);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  std::fprintf(stderr, "\r\x1b[K[%s] %s", bar.c_str(), drawn.phase.c_str());
  std::fflush(stderr);
}

}  // namespace

base::Progress progress_bar() {
  if (::isatty(STDERR_FILENO) == 0) return {};
  return base::Progress(draw);
}

void clear_progress_bar() {
  if (!drawn.any) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn = {};
}

}  // namespace blindproof::cli
