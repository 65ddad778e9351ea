// Homomorphic programs: what a network becomes, and what a client needs of it. Formats: docs/spec/fhe-programs.md.
//
// Value 0 is the encrypted input, value i+1 the result of step i; each is one ciphertext whose slots hold a tensor in a layout or, in
// programs for batches, a ciphertext for each element, whose slots are samples. An affine step and a product of two values cost one level, a polynomial as many as ckks::depth() says.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "blindproof/fhe/ckks/context.h"
#include "blindproof/fhe/ckks/polynomial.h"
#include "blindproof/fheml/affine.h"
#include "blindproof/model/shape.h"

namespace blindproof::fheml {

using ValueId = std::uint32_t;

inline constexpr std::size_t kMaxSteps = 1 << 12;
inline constexpr int kMaxHidingBits = 44;

/// sum_i matrix_i * value_i + bias
struct AffineStep {
  struct Term {
    ValueId value;
    SparseMatrix matrix;
  };
  std::vector<Term> terms;
  std::vector<double> bias;  // by row
  Layout layout;             // of the result
};

/// Of every element.
struct PolynomialStep {
  ValueId value;
  fhe::ckks::Polynomial polynomial;
};

/// Element by element; a square where both are the same. Both have one layout.
struct ProductStep {
  ValueId a, b;
};

struct Step {
  std::variant<AffineStep, PolynomialStep, ProductStep> operation;
  double magnitude;  // bound of the result's elements on inputs like those that the model was calibrated on
};

/// What the slots of a ciphertext are: elements of one sample (latency), or samples of one element (throughput).
enum class Packing : std::uint8_t { kSingle, kBatch };

/// Elements of a tensor in a program for batches.
inline constexpr std::size_t kMaxElements = 1 << 16;

/// What the result goes through at the client.
enum class Finish : std::uint8_t { kNone, kSoftmax, kArgMax, kSigmoid };

/// A rotation that a key is needed for, of ciphertexts at `level` and below.
struct Rotation {
  std::int64_t steps;
  int level;

  friend bool operator==(const Rotation&, const Rotation&) = default;
};

/// Each once, at the highest level that was asked for; by 0 is none.
class RotationSet {
 public:
  void add(std::int64_t steps, int level);
  void add(const std::vector<Rotation>& rotations);
  std::vector<Rotation> list() const;  // ascending

 private:
  std::map<std::int64_t, int> levels_;
};

/// All that a client needs: nothing of the weights.
struct ClientSpec {
  fhe::ckks::Parameters parameters;
  Packing packing = Packing::kSingle;
  model::Shape input_shape, output_shape;
  Layout input, output;            // in order, for batches
  double input_magnitude = 0;      // bound of the input's elements
  double output_magnitude = 0;     // of the decrypted values, before output_scale
  double output_scale = 1;         // what decrypted values are multiplied by
  int output_level = 0;
  Finish finish = Finish::kNone;
  int hiding_bits = 0;             // of the flood that hides the weights from the holder of the secret key; 0: none
  std::vector<Rotation> rotations;  // that evaluation keys are needed for, ascending; none for batches
  bool relinearization = false;

  friend bool operator==(const ClientSpec&, const ClientSpec&) = default;
};

struct Program {
  ClientSpec client;
  std::vector<Step> steps;  // the last one's result is the output
};

/// Values that a step reads, one for each place where it does.
std::vector<ValueId> inputs_of(const Step& step);
/// Levels of all values, from the top: the input's first.
std::vector<int> levels_of(const std::vector<Step>& steps, int top);
/// Levels that the steps take one after the other.
int depth_of(const std::vector<Step>& steps);
std::vector<Layout> layouts_of(const Layout& input, const std::vector<Step>& steps);

/// Rotations of one step, whose result is at `level`, and of all, from the top level.
std::vector<Rotation> rotations_of(const std::vector<Layout>& layouts, const AffineStep& step, std::size_t slots, int level);
std::vector<Rotation> rotations_of(const Layout& input, const std::vector<Step>& steps, std::size_t slots, int top);

/// In plain numbers, as the oracle and for accuracy: what decryption would give, before output_scale and finish.
std::vector<double> run_plain(const Program& program, std::span<const double> input);

/// What the client does with decrypted values: output_scale, and the finish.
std::vector<double> finish(const ClientSpec& client, std::span<const double> output);

base::Bytes write_program(const Program& program);
/// Errors: kMalformed, kUnsupported, kLimit; every index, layout and level is checked.
base::Result<Program> parse_program(base::ByteSpan bytes);

base::Bytes write_client_spec(const ClientSpec& client);
base::Result<ClientSpec> parse_client_spec(base::ByteSpan bytes);

}  // namespace blindproof::fheml
