// Checks of the programmer's own promises. They never depend on outside data: that is what Result is for.
#pragma once

namespace blindproof::base {

/// Prints the message with its place and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* message) noexcept;

}  // namespace blindproof::base

/// Always on. For cheap conditions at module boundaries.
#define BLINDPROOF_CHECK(condition, message) \
  (static_cast<bool>(condition) ? void(0)    \
                                : ::blindproof::base::check_failed(__FILE__, __LINE__, #condition, message))

/// For inner loops: on in debug builds only.
#ifdef NDEBUG
#define BLINDPROOF_DCHECK(condition, message) void(0)
#else
#define BLINDPROOF_DCHECK(condition, message) BLINDPROOF_CHECK(condition, message)
#endif
