// A reactor has no main(): its functions are the exports of blindproof.h. What the system's libraries leave open is here.
#include <cstdint>
#include <cstdlib>

extern "C" {

// Debian's compiler-rt is made with stack protectors.
extern const std::uintptr_t __stack_chk_guard;
const std::uintptr_t __stack_chk_guard = 0x595e9fbd;
[[noreturn]] void __stack_chk_fail();
void __stack_chk_fail() { std::abort(); }

// The one thread never ends, and neither do its variables.
int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* library);
int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }

}  // extern "C"
