// Homomorphic programs over the integers: exact networks on BFV and BGV. Formats: docs/spec/fhe-programs.md.
//
// Everything is computed modulo several primes t_i, the client encrypts the same integers under each of them, and puts the results together: only
// outputs must fit the product of the primes, values on the way may wrap. Value 0 is the encrypted input, value i+1 the result of step i; for each
// prime each is one ciphertext whose two rows of slots hold the tensor in a layout or, in programs for batches, a ciphertext for each element, whose
// N slots are samples.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "blindproof/base/int128.h"
#include "blindproof/fhe/rlwe/security.h"
#include "blindproof/fheml/integer_matrix.h"
#include "blindproof/fheml/program.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::fheml {

enum class ExactScheme : std::uint8_t { kBfv = 1, kBgv = 2 };

inline constexpr std::size_t kMaxPlaintextPrimes = 16;
/// Of outputs: so that they and their negatives fit an Int128.
inline constexpr int kMaxOutputBits = 126;

/// Those of one bfv::Context for each prime, or of a bgv::Context.
struct ExactParameters {
  ExactScheme scheme = ExactScheme::kBfv;
  int log_degree = 0;
  int limbs = 0;  // BGV: levels + 1
  int limb_bits = 0;
  int digits = 0;  // 0: nothing switches keys
  int special_limbs = 0;
  fhe::rlwe::SecurityLevel security = fhe::rlwe::SecurityLevel::k128;
  std::vector<std::uint64_t> primes;  // t_i, all different; BGV: one

  std::size_t slots() const noexcept { return std::size_t{1} << (log_degree - 1); }  // of a row
  friend bool operator==(const ExactParameters&, const ExactParameters&) = default;
};

/// sum_i matrix_i * value_i + bias
struct ExactAffineStep {
  struct Term {
    ValueId value;
    IntegerMatrix matrix;
  };
  std::vector<Term> terms;
  std::vector<base::Int128> bias;  // by row
  Layout layout;                   // of the result
};

using ExactStep = std::variant<ExactAffineStep, ProductStep>;

/// All that a client needs: nothing of the weights.
struct ExactClientSpec {
  ExactParameters parameters;
  Packing packing = Packing::kSingle;
  bool coefficients = false;  // of one sample: elements are coefficients of polynomials, not slots. One matrix alone, BFV
  model::Shape input_shape, output_shape;
  Layout input, output;  // in order, for batches and coefficients
  std::int64_t input_min = 0, input_max = 0;
  double input_scale = 1, output_scale = 1;  // real = scale * integer
  int output_bits = 0;                       // outputs lie below 2^output_bits, which the product of the primes is more than twice of
  model::Finish finish = model::Finish::kNone;
  int hiding_bits = 0;                       // of the flood that hides the weights from the holder of the secret key; 0: none
  std::vector<std::int64_t> rotations;       // that evaluation keys are needed for; none for batches
  bool relinearization = false;

  friend bool operator==(const ExactClientSpec&, const ExactClientSpec&) = default;
};

struct ExactProgram {
  ExactClientSpec client;
  std::vector<ExactStep> steps;  // the last one's result is the output
};

std::vector<ValueId> inputs_of(const ExactStep& step);
/// Levels of all values of a BGV program, from the top: the input's first. A step takes one.
std::vector<int> levels_of(const std::vector<ExactStep>& steps, int top);
/// Steps one after the other.
int depth_of(const std::vector<ExactStep>& steps);
std::vector<Layout> layouts_of(const Layout& input, const std::vector<ExactStep>& steps);
/// Rotations of one step, and of all, ascending.
std::vector<std::int64_t> rotations_of(const std::vector<Layout>& layouts, const ExactAffineStep& step, std::size_t slots);
std::vector<std::int64_t> rotations_of(const Layout& input, const std::vector<ExactStep>& steps, std::size_t slots);

/// Over the integers, as the oracle.   Errors: kLimit beyond 127 bits.
base::Result<std::vector<base::Int128>> run_plain(const ExactProgram& program, std::span<const std::int64_t> input);

/// The model as its client sees it: input and output alone, for model::quantize_input and model::dequantize_output.
model::Architecture interface_of(const ExactClientSpec& client);

// Of programs on coefficients: the input x is sum_i x_i X^i; row r of the matrix is at coefficient r n of its product with
// sum_r X^(r n) (w_r0 - sum_(i>0) w_ri X^(N - i)), n the number of columns. No two terms meet that shouldn't while (rows + 1) n <= N.
/// Where element `row` of the output is.
std::size_t output_coefficient(const ExactClientSpec& client, std::size_t row);
/// The matrix' polynomial, modulo t in (-t/2, t/2).   Requires: (rows + 1) columns <= degree.
std::vector<std::int64_t> coefficients_of(const IntegerMatrix& matrix, std::size_t degree, const field::Modulus& t);

/// Slots of both rows, or of a batch's samples, modulo t in (-t/2, t/2).
std::vector<std::int64_t> spread(const Layout& layout, std::span<const std::int64_t> values, std::size_t slots, const field::Modulus& t);

/// Integers from their residues modulo several primes.
class ResidueCombiner {
 public:
  /// Requires: primes that are all different and below 2^50, bits <= kMaxOutputBits.
  ResidueCombiner(std::span<const std::uint64_t> primes, int bits);

  /// The integer in [-2^bits, 2^bits] with these residues, in (-t_i/2, t_i/2) each; nothing where there is none.
  std::optional<base::Int128> combine(std::span<const std::int64_t> residues) const;

 private:
  std::vector<field::Modulus> moduli_;
  std::vector<std::vector<std::uint64_t>> inverses_;  // t_j^-1 modulo t_i, for j < i
  int bits_;
};

/// Whether this is how a .bpf or .bpc of BFV or BGV begins.
bool is_exact(base::ByteSpan program_or_spec) noexcept;

base::Bytes write_exact_program(const ExactProgram& program);
/// Errors: kMalformed, kUnsupported, kLimit; every index and layout is checked.
base::Result<ExactProgram> parse_exact_program(base::ByteSpan bytes);

base::Bytes write_exact_client_spec(const ExactClientSpec& client);
base::Result<ExactClientSpec> parse_exact_client_spec(base::ByteSpan bytes);

}  // namespace blindproof::fheml
