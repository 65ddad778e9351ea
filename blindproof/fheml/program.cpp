#include "blindproof/fheml/program.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/linear_transform.h"
#include "blindproof/fheml/step_format.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;

constexpr std::string_view kProgramMagic = "BPF1", kClientMagic = "BPC1";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint8_t kCkksTag = 0;  // exact_program.h has the others
constexpr std::size_t kMaxRotations = 1 << 13, kMaxDegree = 1 << 10, kMaxBatchElements = 1 << 22;

std::size_t slots_of(const fhe::ckks::Parameters& parameters) { return std::size_t{1} << (parameters.log_degree - 1); }

void write_client(base::ByteWriter& writer, const ClientSpec& client) {
  const fhe::ckks::Parameters& p = client.parameters;
  for (const int value : {p.log_degree, p.scale_bits, p.levels, p.first_bits, p.digits, p.special_limbs, static_cast<int>(p.security)}) {
    writer.u8(static_cast<std::uint8_t>(value));
  }
  writer.u8(static_cast<std::uint8_t>(client.packing));
  write_shape(writer, client.input_shape);
  write_shape(writer, client.output_shape);
  if (client.packing == Packing::kSingle) {
    write_layout(writer, client.input);
    write_layout(writer, client.output);
  }
  writer.f64(client.input_magnitude);
  writer.f64(client.output_magnitude);
  writer.f64(client.output_scale);
  writer.u8(static_cast<std::uint8_t>(client.output_level));
  writer.u8(static_cast<std::uint8_t>(client.finish));
  writer.u8(static_cast<std::uint8_t>(client.hiding_bits));
  writer.u64(client.rotations.size());
  for (const Rotation& rotation : client.rotations) {
    writer.i64(rotation.steps);
    writer.u8(static_cast<std::uint8_t>(rotation.level));
  }
  writer.u8(client.relinearization ? 1 : 0);
}

std::size_t max_elements(const ClientSpec& client) {
  return client.packing == Packing::kBatch ? kMaxElements : slots_of(client.parameters);
}

// Of a program for batches nothing is read: its layouts follow.
Layout read_layout_of(base::ByteReader& reader, const ClientSpec& client, std::size_t elements) {
  if (client.packing == Packing::kSingle) return read_layout(reader, elements, slots_of(client.parameters));
  if (reader.ok() && elements > kMaxElements) reader.fail("a tensor has too many elements");
  return layout_in_order(reader.ok() ? elements : 1);
}

base::Result<ClientSpec> read_client(base::ByteReader& reader) {
  ClientSpec client;
  fhe::ckks::Parameters& p = client.parameters;
  for (int* value : {&p.log_degree, &p.scale_bits, &p.levels, &p.first_bits, &p.digits, &p.special_limbs}) *value = reader.u8();
  const std::uint8_t security = reader.u8();
  if (security > 2 || p.log_degree < 6 || p.log_degree > 17 || p.special_limbs > 16) reader.fail("the parameters are out of range");
  BLINDPROOF_TRY(reader.status());
  p.security = static_cast<fhe::rlwe::SecurityLevel>(security);
  const std::uint8_t packing = reader.u8();
  if (packing > static_cast<std::uint8_t>(Packing::kBatch)) reader.fail("this packing isn't known");
  client.packing = static_cast<Packing>(packing);
  client.input_shape = read_shape(reader);
  client.output_shape = read_shape(reader);
  BLINDPROOF_TRY(reader.status());
  client.input = read_layout_of(reader, client, model::element_count(client.input_shape));
  client.output = read_layout_of(reader, client, model::element_count(client.output_shape));
  client.input_magnitude = read_magnitude(reader);
  client.output_magnitude = read_magnitude(reader);
  client.output_scale = read_magnitude(reader);
  client.output_level = reader.u8();
  if (client.output_level > p.levels) reader.fail("the output has a level that doesn't exist");
  const std::uint8_t finish = reader.u8();
  if (finish > static_cast<std::uint8_t>(Finish::kSigmoid)) reader.fail("this finish isn't known");
  client.finish = static_cast<Finish>(finish);
  client.hiding_bits = reader.u8();
  if (client.hiding_bits > kMaxHidingBits) reader.fail("so many bits of hiding aren't supported", ErrorCode::kLimit);
  const std::size_t rotations = reader.count(kMaxRotations, 9);
  if (client.packing == Packing::kBatch && rotations > 0) reader.fail("a program for batches has no rotations");
  for (std::size_t i = 0; i < rotations; ++i) {
    const std::int64_t steps = reader.i64();
    const int level = reader.u8();
    client.rotations.push_back({steps, level});
    if (level > p.levels) reader.fail("a rotation is needed at a level that doesn't exist");
    if (steps < 1 || steps >= static_cast<std::int64_t>(slots_of(p)) || (i > 0 && steps <= client.rotations[i - 1].steps)) {
      reader.fail("rotations must ascend and lie within the slots");
    }
  }
  const std::uint8_t relinearization = reader.u8();
  if (relinearization > 1) reader.fail("a flag that is neither 0 nor 1");
  client.relinearization = relinearization == 1;
  BLINDPROOF_TRY(reader.status());
  return client;
}

void write_step(base::ByteWriter& writer, const Step& step, Packing packing) {
  writer.f64(step.magnitude);
  writer.u8(static_cast<std::uint8_t>(step.operation.index()));
  if (const auto* affine = std::get_if<AffineStep>(&step.operation)) {
    writer.u64(affine->bias.size());
    writer.u8(static_cast<std::uint8_t>(affine->terms.size()));
    for (const AffineStep::Term& term : affine->terms) {
      writer.u32(term.value);
      write_matrix(writer, term.matrix);
    }
    for (const double value : affine->bias) writer.f64(value == 0 ? 0 : value);
    if (packing == Packing::kSingle) write_layout(writer, affine->layout);
  } else {
    write_elementwise(writer, step);
  }
}

// Reads a step and checks it against the values before it.
base::Status read_step(base::ByteReader& reader, const ClientSpec& client, std::vector<Layout>& layouts, std::vector<Step>& steps) {
  const std::size_t slots = slots_of(client.parameters);
  Step step{ProductStep{0, 0}, read_magnitude(reader)};
  const std::uint8_t tag = reader.u8();
  const auto known = [&](ValueId id) {
    if (id >= layouts.size()) reader.fail("a step uses a value that isn't computed before it");
    return id < layouts.size();
  };
  if (tag == kAffineTag) {
    AffineStep affine;
    const std::size_t rows = reader.count(max_elements(client), 8);
    const std::size_t terms = reader.u8();
    if (rows == 0 || terms == 0 || terms > kMaxTerms) reader.fail("an affine step is empty, or too large");
    for (std::size_t i = 0; reader.ok() && i < terms; ++i) {
      const ValueId value = reader.u32();
      if (!known(value)) break;
      affine.terms.push_back({value, read_matrix(reader, rows, layouts[value].positions.size())});
      if (reader.ok() && affine.terms.back().matrix.entries() == 0) reader.fail("a matrix is zero");
    }
    for (std::size_t i = 0; reader.ok() && i < rows; ++i) affine.bias.push_back(reader.f64());
    affine.layout = read_layout_of(reader, client, rows);
    BLINDPROOF_TRY(reader.status());
    for (const AffineStep::Term& term : affine.terms) {
      if (client.packing == Packing::kSingle && !SlotMatrix::fits(layouts[term.value], affine.layout, slots)) {
        reader.fail("a matrix goes between layouts that don't fit");
      }
    }
    layouts.push_back(affine.layout);
    step.operation = std::move(affine);
  } else {
    read_elementwise(reader, tag, layouts, step);
  }
  BLINDPROOF_TRY(reader.status());
  steps.push_back(std::move(step));
  return {};
}

void read_header(base::ByteReader& reader, std::string_view magic) {
  const base::ByteSpan found = reader.raw(magic.size());
  if (reader.ok() && !std::ranges::equal(found, base::as_bytes(magic))) reader.fail("is another kind of file");
  if (reader.u16() != kVersion) reader.fail("its version isn't known; this program reads version 1", ErrorCode::kUnsupported);
  if (reader.u8() != kCkksTag) reader.fail("is of another scheme than CKKS", ErrorCode::kUnsupported);
}

}  // namespace

double read_magnitude(base::ByteReader& reader) {
  const double magnitude = reader.f64();
  if (!(magnitude > 0) || magnitude > 1e30) reader.fail("a magnitude is out of range");
  return magnitude;
}

void write_elementwise(base::ByteWriter& writer, const Step& step) {
  if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
    writer.u32(polynomial->value);
    writer.u8(polynomial->polynomial.basis == fhe::ckks::PolynomialBasis::kChebyshev ? 1 : 0);
    writer.u64(polynomial->polynomial.coefficients.size());
    for (const double c : polynomial->polynomial.coefficients) writer.f64(c == 0 ? 0 : c);
  } else {
    const auto& product = std::get<ProductStep>(step.operation);
    writer.u32(product.a);
    writer.u32(product.b);
  }
}

void read_elementwise(base::ByteReader& reader, std::uint8_t tag, std::vector<Layout>& layouts, Step& step) {
  const auto known = [&](ValueId id) {
    if (id >= layouts.size()) reader.fail("a step uses a value that isn't computed before it");
    return id < layouts.size();
  };
  if (tag == kPolynomialTag) {
    PolynomialStep polynomial;
    polynomial.value = reader.u32();
    const std::uint8_t basis = reader.u8();
    if (basis > 1) reader.fail("this basis isn't known");
    polynomial.polynomial.basis = basis == 1 ? fhe::ckks::PolynomialBasis::kChebyshev : fhe::ckks::PolynomialBasis::kPowers;
    const std::size_t coefficients = reader.count(kMaxDegree + 1, 8);
    if (coefficients < 2) reader.fail("a polynomial is constant");
    for (std::size_t i = 0; i < coefficients; ++i) polynomial.polynomial.coefficients.push_back(reader.f64());
    if (reader.ok() && polynomial.polynomial.coefficients.back() == 0) reader.fail("the leading coefficient is zero");
    if (!known(polynomial.value)) return;
    layouts.push_back(layouts[polynomial.value]);
    step.operation = std::move(polynomial);
  } else if (tag == kProductTag) {
    const ProductStep product{reader.u32(), reader.u32()};
    if (!known(product.a) || !known(product.b)) return;
    if (layouts[product.a] != layouts[product.b]) reader.fail("the factors of a product have different layouts");
    layouts.push_back(layouts[product.a]);
    step.operation = product;
  } else {
    reader.fail("this kind of step isn't known");
  }
}

std::vector<ValueId> inputs_of(const Step& step) {
  if (const auto* affine = std::get_if<AffineStep>(&step.operation)) {
    std::vector<ValueId> result;
    for (const AffineStep::Term& term : affine->terms) result.push_back(term.value);
    return result;
  }
  if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) return {polynomial->value};
  const auto& product = std::get<ProductStep>(step.operation);
  return {product.a, product.b};
}

std::vector<int> levels_of(const std::vector<Step>& steps, int top) {
  std::vector<int> levels{top};
  for (const Step& step : steps) {
    int level = top;
    for (const ValueId id : inputs_of(step)) level = std::min(level, levels[id]);
    const auto* polynomial = std::get_if<PolynomialStep>(&step.operation);
    levels.push_back(level - (polynomial != nullptr ? fhe::ckks::depth(polynomial->polynomial) : 1));
  }
  return levels;
}

int depth_of(const std::vector<Step>& steps) {
  const std::vector<int> levels = levels_of(steps, 0);
  return -*std::ranges::min_element(levels);
}

std::vector<Layout> layouts_of(const Layout& input, const std::vector<Step>& steps) {
  std::vector<Layout> layouts{input};
  for (const Step& step : steps) {
    const auto* affine = std::get_if<AffineStep>(&step.operation);
    layouts.push_back(affine != nullptr ? affine->layout : layouts[inputs_of(step)[0]]);
  }
  return layouts;
}

void RotationSet::add(std::int64_t steps, int level) {
  if (steps == 0) return;
  int& known = levels_[steps];
  known = std::max(known, level);
}

void RotationSet::add(const std::vector<Rotation>& rotations) {
  for (const Rotation& rotation : rotations) add(rotation.steps, rotation.level);
}

std::vector<Rotation> RotationSet::list() const {
  std::vector<Rotation> result;
  for (const auto& [steps, level] : levels_) result.push_back({steps, level});
  return result;
}

std::vector<Rotation> rotations_of(const std::vector<Layout>& layouts, const AffineStep& step, std::size_t slots, int level) {
  RotationSet rotations;
  for (const AffineStep::Term& term : step.terms) {
    for (const std::int64_t fold : SlotMatrix::folds_of(layouts[term.value], step.layout, slots)) rotations.add(fold, level);
    const std::vector<std::size_t> numbers = SlotMatrix::numbers_of(term.matrix, layouts[term.value], step.layout, slots);
    const auto diagonals = fhe::rlwe::DiagonalMatrix::create(numbers, slots, 0);
    BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
    for (const std::size_t d : numbers) {
      const std::size_t giant = diagonals->giant_of(d);
      rotations.add(static_cast<std::int64_t>(giant), level + 1);
      rotations.add(static_cast<std::int64_t>(d - giant), level + 1);
    }
  }
  return rotations.list();
}

std::vector<Rotation> rotations_of(const Layout& input, const std::vector<Step>& steps, std::size_t slots, int top) {
  const std::vector<Layout> layouts = layouts_of(input, steps);
  const std::vector<int> levels = levels_of(steps, top);
  RotationSet rotations;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (const auto* affine = std::get_if<AffineStep>(&steps[i].operation)) rotations.add(rotations_of(layouts, *affine, slots, levels[i + 1]));
  }
  return rotations.list();
}

std::vector<double> run_plain(const Program& program, std::span<const double> input) {
  std::vector<std::vector<double>> values{{input.begin(), input.end()}};
  for (const Step& step : program.steps) {
    std::vector<double> result;
    if (const auto* affine = std::get_if<AffineStep>(&step.operation)) {
      result = affine->bias;
      for (const AffineStep::Term& term : affine->terms) {
        const std::vector<double> part = multiply(term.matrix, values[term.value]);
        for (std::size_t i = 0; i < result.size(); ++i) result[i] += part[i];
      }
    } else if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
      for (const double x : values[polynomial->value]) result.push_back(fhe::ckks::evaluate(polynomial->polynomial, x));
    } else {
      const auto& product = std::get<ProductStep>(step.operation);
      for (std::size_t i = 0; i < values[product.a].size(); ++i) result.push_back(values[product.a][i] * values[product.b][i]);
    }
    values.push_back(std::move(result));
  }
  return values.back();
}

std::vector<double> finish(const ClientSpec& client, std::span<const double> output) {
  std::vector<double> result(output.begin(), output.end());
  for (double& x : result) x *= client.output_scale;
  const std::size_t row = client.output_shape.empty() ? 1 : client.output_shape.back();
  switch (client.finish) {
    case Finish::kNone: break;
    case Finish::kSigmoid:
      for (double& x : result) x = 1 / (1 + std::exp(-x));
      break;
    case Finish::kSoftmax:
      for (std::size_t begin = 0; begin < result.size(); begin += row) {
        const std::span<double> scores(result.data() + begin, row);
        const double largest = *std::ranges::max_element(scores);
        double total = 0;
        for (double& x : scores) total += x = std::exp(x - largest);
        for (double& x : scores) x /= total;
      }
      break;
    case Finish::kArgMax:
      result.clear();
      for (std::size_t begin = 0; begin < output.size(); begin += row) {
        const std::span<const double> scores = output.subspan(begin, row);  // the scale is positive
        result.push_back(static_cast<double>(std::ranges::max_element(scores) - scores.begin()));
      }
      break;
  }
  return result;
}

base::Bytes write_program(const Program& program) {
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kProgramMagic));
  writer.u16(kVersion);
  writer.u8(kCkksTag);
  write_client(writer, program.client);
  writer.u64(program.steps.size());
  for (const Step& step : program.steps) write_step(writer, step, program.client.packing);
  return fhe::formats::with_checksum(std::move(writer));
}

base::Result<Program> parse_program(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, fhe::formats::checked(bytes, "homomorphic program"));
  base::ByteReader reader(body, "homomorphic program");
  read_header(reader, kProgramMagic);
  Program program;
  BLINDPROOF_ASSIGN(program.client, read_client(reader));
  const ClientSpec& client = program.client;
  const std::size_t count = reader.count(kMaxSteps, 1);
  std::vector<Layout> layouts{client.input};
  std::size_t elements = 0;  // most layouts take no bytes of the file
  const std::size_t most = client.packing == Packing::kBatch ? kMaxBatchElements : kMaxSlottedElements;
  for (std::size_t i = 0; i < count; ++i) {
    BLINDPROOF_TRY(read_step(reader, client, layouts, program.steps));
    elements += layouts.back().positions.size();
    if (elements > most) {
      reader.fail("its values have more elements than are supported", ErrorCode::kLimit);
      return reader.status().error();
    }
  }
  if (count == 0) reader.fail("it has no steps");
  const auto multiplies = [](const Step& step) { return !std::holds_alternative<AffineStep>(step.operation); };
  if (reader.ok() && std::ranges::any_of(program.steps, multiplies) && !client.relinearization) {
    reader.fail("it needs a relinearisation key, and doesn't say so");
  }
  if (reader.ok() && layouts.back() != client.output) reader.fail("the output's layout isn't the last step's");
  if (reader.ok() && (depth_of(program.steps) > client.parameters.levels ||
                      levels_of(program.steps, client.parameters.levels).back() != client.output_level)) {
    reader.fail("the steps take other levels than the parameters have");
  }
  if (reader.ok() && client.packing == Packing::kSingle &&
      rotations_of(client.input, program.steps, slots_of(client.parameters), client.parameters.levels) != client.rotations) {
    reader.fail("the list of rotations isn't that of the steps");
  }
  BLINDPROOF_TRY(reader.finish());
  return program;
}

base::Bytes write_client_spec(const ClientSpec& client) {
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kClientMagic));
  writer.u16(kVersion);
  writer.u8(kCkksTag);
  write_client(writer, client);
  return fhe::formats::with_checksum(std::move(writer));
}

base::Result<ClientSpec> parse_client_spec(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, fhe::formats::checked(bytes, "client's spec"));
  base::ByteReader reader(body, "client's spec");
  read_header(reader, kClientMagic);
  BLINDPROOF_ASSIGN(ClientSpec client, read_client(reader));
  BLINDPROOF_TRY(reader.finish());
  return client;
}

}  // namespace blindproof::fheml
