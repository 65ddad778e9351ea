// The range registration: every limb of every parameter is in its table.
#pragma once

#include "blindproof/proof/zk/context.h"
#include "blindproof/zkml/model_key.h"

namespace blindproof::zkml {

inline constexpr std::string_view kRegistrationProtocol = "blindproof v1 registration";

/// The protocol, for both sides. `secrets` for a prover, by position in key.tensors.
void run_registration(proof::zk::Context& context, const ModelKey& key, const std::vector<TensorSecret>* secrets);

}  // namespace blindproof::zkml
