// Memory of long vectors.
#pragma once

#include <cstddef>

namespace blindproof::field {

/// At least `bytes`, aligned to 64; blocks of 2 MiB and more to huge pages. `bytes` is raised to what was given:
/// release() takes it back. Proofs and ciphertexts use the same few sizes again and again, and the kernel clears fresh pages at the
/// price of some field operations for each element, so some blocks are kept for the next request.
/// Throws: std::bad_alloc.
void* acquire_packs(std::size_t& bytes);
void release_packs(void* memory, std::size_t bytes) noexcept;

}  // namespace blindproof::field
