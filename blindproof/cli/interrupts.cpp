#include "blindproof/cli/interrupts.h"

#include <csignal>
#include <thread>

#include "blindproof/base/file.h"

namespace blindproof::cli {

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
    base::abandon_files();
    // As if the signal had not been handled, so that shells see how the process ended.
    std::signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    raise(number);
  }).detach();
}

}  // namespace blindproof::cli
