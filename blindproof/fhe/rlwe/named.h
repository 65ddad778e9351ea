// Named parameter sets.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "blindproof/base/result.h"

namespace blindproof::fhe::rlwe {

template <class Parameters>
struct NamedParameters {
  std::string_view name;
  std::string_view purpose;
  Parameters parameters;
};

/// Errors: kInvalidArgument for a name that isn't there, listing those that are.
template <class Parameters>
base::Result<Parameters> find_parameters(std::span<const NamedParameters<Parameters>> sets, std::string_view name) {
  std::string names;
  for (const NamedParameters<Parameters>& set : sets) {
    if (set.name == name) return set.parameters;
    names += (names.empty() ? "" : ", ") + std::string(set.name);
  }
  return base::error(base::ErrorCode::kInvalidArgument, "parameters", "'" + std::string(name) + "' is not one of " + names);
}

}  // namespace blindproof::fhe::rlwe
