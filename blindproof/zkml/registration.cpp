#include "blindproof/zkml/registration.h"

#include <string>

#include "blindproof/proof/lookup/lookup.h"

namespace blindproof::zkml {

using field::Fr;
using proof::lookup::Lookup;
using proof::zk::Point;
using proof::zk::Scalar;

void run_registration(proof::zk::Context& context, const ModelKey& key, const std::vector<TensorSecret>* secrets) {
  context.absorb("model id", key.id);
  std::vector<Lookup> lookups;
  for (std::size_t p = 0; p < key.plan.parameters.size(); ++p) {
    for (std::size_t limb = 0; limb < key.plan.parameters[p].limbs; ++limb) {
      const std::size_t t = key.first_tensor[p] + limb;
      context.add_tensor("parameter tensor " + std::to_string(t), key.tensors[t], secrets != nullptr ? &(*secrets)[t] : nullptr);
      Lookup lookup{key.plan.registration_table[p], key.tensors[t].layout, {}};
      if (secrets != nullptr) lookup.columns.push_back((*secrets)[t].values);
      lookups.push_back(std::move(lookup));
    }
  }
  std::size_t calls = 0;
  proof::lookup::prove_lookups(
      context, "ranges", key.plan.registration_tables, lookups, [&](std::size_t lookup, const Point& z) {
        const auto tensor = static_cast<proof::zk::TensorId>(lookup);  // added first, in the same order
        const Fr value = secrets != nullptr
                             ? commit::evaluate(key.tensors[lookup].layout, (*secrets)[lookup].values, z)
                             : Fr::zero();
        Scalar claim = context.commit_one("range claim " + std::to_string(calls++), value);
        context.open(tensor, z, claim);
        return std::vector<Scalar>{claim};
      });
}

}  // namespace blindproof::zkml
