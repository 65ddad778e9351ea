// The plan of an inference proof: a function of the public architecture alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "blindproof/commit/layout.h"
#include "blindproof/model/integer_graph.h"
#include "blindproof/proof/lookup/table.h"

namespace blindproof::compiler {

using commit::TensorLayout;
using model::Int128;

/// Where a tensor's cells lie. A logical axis is a run of layout axes, row-major (a flattened [16,5,5] stays three axes).
struct TensorPlan {
  std::vector<std::vector<std::size_t>> groups;  // by logical axis: lengths of its layout axes
  TensorLayout layout;
  std::int64_t min = 0, max = 0;                 // values of model inputs, Requantize and MaxPool outputs; otherwise 0, 0
  /// Whether each logical axis is one layout axis.
  bool plain() const;
};

/// How a parameter is committed: value = sum_j 2^(16 j) limb_j - offset. One limb and offset 0 up to 16 bits; wide biases have
/// unsigned limbs of 16 bits.
struct ParameterPlan {
  TensorLayout layout;
  std::size_t limbs = 1;
  Int128 offset = 0;
  std::int64_t min = 0, max = 0;  // range of each limb, proven at registration
};

/// One digit of an unsigned number, low first, looked up in the range table of its width.
struct Limb {
  unsigned bits;
  std::size_t table;
};

struct RequantizePlan {
  std::vector<Limb> remainder;  // rem = sum of limbs; their widths add up to the shift
  /// (hi, out) in one table.
  struct Direct {
    std::size_t table;
  };
  /// hi - low = high_part * 2^low_bits + low_part; inside = (high_part == 0);
  /// out - low = inside * low_part + above * (2^low_bits - 1), with (high_part, inside, above) from a small table.
  struct Split {
    unsigned low_bits;
    std::size_t low_table, class_table;
    std::int64_t low;
  };
  /// The clamp does nothing: out = hi, and out - low = sum of limbs shows that hi is small.
  struct Identity {
    std::vector<Limb> limbs;
    std::int64_t low;
  };
  std::variant<Direct, Split, Identity> activation;

  /// Committed columns besides the output: remainder limbs, then hi (Direct), low, high, inside, above (Split) or
  /// limbs (Identity).
  std::size_t columns() const;
  /// Tuples looked up per cell.
  std::size_t lookups() const;
};

struct MaxPoolPlan {
  std::size_t table;  // (d, max(d, 0)) for differences d
};

struct ProofPlan {
  std::vector<TensorPlan> tensors;        // by model::TensorId
  std::vector<ParameterPlan> parameters;  // by model::ParameterId
  std::vector<proof::lookup::Table> tables;
  std::vector<std::optional<RequantizePlan>> requantize;  // by node
  std::vector<std::optional<MaxPoolPlan>> max_pool;       // by node
  std::size_t input_table = 0;                            // range of a committed input

  /// Tables of the range registration, and which one each parameter's limbs use.
  std::vector<proof::lookup::Table> registration_tables;
  std::vector<std::size_t> registration_table;  // by model::ParameterId

  std::size_t lookups = 0;  // tuples in one inference
};

/// Requires: a validated architecture.
/// Errors: kUnsupported or kLimit, naming the node, for what can't be laid out.
base::Result<ProofPlan> lower_proof(const model::Architecture& architecture);

}  // namespace blindproof::compiler
