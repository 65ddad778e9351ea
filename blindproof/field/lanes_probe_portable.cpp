#include "blindproof/field/lanes_portable.h"
#include "blindproof/field/lanes_probe_impl.h"

namespace blindproof::field {
namespace {

struct PortableProbe {};

}  // namespace

constinit const LaneProbe kFrProbePortable = LaneProbeTemplates<PortableLanes<Fr, PortableProbe>>::probe();
constinit const LaneProbe kFqProbePortable = LaneProbeTemplates<PortableLanes<Fq, PortableProbe>>::probe();

}  // namespace blindproof::field
