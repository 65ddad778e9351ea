#include "blindproof/cli/interrupts.h"

#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "blindproof/base/file.h"

namespace blindproof::cli {
namespace {

std::mutex mutex;
std::function<void()> on_first;

std::function<void()> take_action() {
  const std::lock_guard lock(mutex);
  return std::exchange(on_first, nullptr);
}

}  // namespace

void on_interrupt(std::function<void()> action) {
  const std::lock_guard lock(mutex);
  on_first = std::move(action);
}

void handle_interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    // What the parent ignores (nohup) stays ignored.
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int number = 0;
    if (sigwait(&signals, &number) != 0) return;
    if (const auto action = take_action()) {
      action();
      if (sigwait(&signals, &number) != 0) return;
    }
    base::abandon_files();
    // As if the signal had not been handled, so that shells see how the process ended.
    std::signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    raise(number);
  }).detach();
}

}  // namespace blindproof::cli
