// SIGINT, SIGTERM and SIGHUP end the process, but never in the middle of writing a file.
#pragma once

#include <functional>

namespace blindproof::cli {

/// Caller must: call it before any other thread is started, since threads inherit the blocked signals.
void handle_interrupts();

/// From now on the first signal calls `action`, on a thread of its own, for an end in good order; the second ends the process.
void on_interrupt(std::function<void()> action);

}  // namespace blindproof::cli
