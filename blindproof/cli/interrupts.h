// SIGINT, SIGTERM and SIGHUP end the process, but never in the middle of writing a file.
#pragma once

namespace blindproof::cli {

/// Caller must: call it before any other thread is started, since threads inherit the blocked signals.
void handle_interrupts();

}  // namespace blindproof::cli
