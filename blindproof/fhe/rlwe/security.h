// How long a modulus may be for a degree: the limits that parameter sets are held to.
//
// Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", ePrint 2024/463, Table 5.2: classical
// attackers, uniform ternary secrets, errors of deviation 3.19 (those of sampling.h are a little wider).
// docs/spec/fhe-security.md sets our own estimates beside it.
#pragma once

#include <cstdint>
#include <span>

#include "blindproof/base/result.h"

namespace blindproof::fhe::rlwe {

enum class SecurityLevel { k128, k192, k256 };

/// 128, 192 or 256.
int security_bits(SecurityLevel level) noexcept;

/// The most bits that the product of all moduli, special ones included, may have in a ring of degree 2^log_degree.
/// Errors: kInvalidArgument where the guidelines have no entry: they have 2^10 (128 bits only) to 2^17.
base::Result<int> max_log_modulus(int log_degree, SecurityLevel level);

/// Fails unless the product of `moduli`, computed exactly, is at most 2^max_log_modulus.
/// Errors: kInvalidArgument, saying how many bits are too many and what to change; also for no moduli, or one below 2.
base::Status check_security(int log_degree, std::span<const std::uint64_t> moduli_of_q_and_p, SecurityLevel level);

}  // namespace blindproof::fhe::rlwe
