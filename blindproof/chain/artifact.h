// Compiled contracts, as compilers write them: JSON with `abi`, `bytecode` and `deployedBytecode`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/abi.h"

namespace blindproof::chain {

inline constexpr std::size_t kMaxArtifactBytes = 8u << 20;

/// Where the compiler left room for values that the constructor sets.
struct CodeGap {
  std::size_t start = 0, length = 0;
};

struct Artifact {
  std::string name;                                           // empty if the file doesn't say
  std::vector<std::string> constructor_types;                 // in canonical form: uint256, not uint
  std::map<std::array<std::uint8_t, 4>, std::string> errors;  // selector to "Name(type,...)"
  base::Bytes creation_code;
  base::Bytes deployed_code;
  std::vector<CodeGap> immutables;  // of deployed_code

  /// True if `code` is what this contract's constructor leaves: the compiled code, with any values in the gaps.
  bool matches(base::ByteSpan code) const;
};

/// Errors: kMalformed, kLimit; kUnsupported for code that is to be linked with libraries.
base::Result<Artifact> parse_artifact(base::ByteSpan bytes, std::string_view place);

/// The creation code followed by the arguments.
/// Errors: kInvalidArgument for another number of arguments or another form; kUnsupported for other types.
base::Result<base::Bytes> creation_data(const Artifact& artifact, std::span<const std::string> arguments);

/// In words what a contract reverted with: its own error by name, require's text, a panic's number, or the bytes.
std::string describe_revert(base::ByteSpan revert, const std::map<std::array<std::uint8_t, 4>, std::string>& errors);

}  // namespace blindproof::chain
