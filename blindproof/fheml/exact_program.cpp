#include "blindproof/fheml/exact_program.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
using base::Int128;
using base::Uint128;

constexpr std::string_view kProgramMagic = "BPF1", kClientMagic = "BPC1";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMaxRotations = 1 << 13, kMaxTerms = 64;
constexpr std::size_t kMaxBatchElements = 1 << 22, kMaxSlottedElements = 1 << 24;  // of all values together
constexpr std::uint64_t kMaxPrime = std::uint64_t{1} << 40;
constexpr std::int64_t kMaxInput = std::int64_t{1} << 32;
enum StepTag : std::uint8_t { kAffine, kProduct };

void write_parameters(base::ByteWriter& writer, const ExactParameters& p) {
  for (const int value : {p.log_degree, p.limbs, p.limb_bits, p.digits, p.special_limbs, static_cast<int>(p.security)}) {
    writer.u8(static_cast<std::uint8_t>(value));
  }
  writer.u8(static_cast<std::uint8_t>(p.primes.size()));
  for (const std::uint64_t prime : p.primes) writer.u64(prime);
}

ExactParameters read_parameters(base::ByteReader& reader, ExactScheme scheme) {
  ExactParameters p;
  p.scheme = scheme;
  for (int* value : {&p.log_degree, &p.limbs, &p.limb_bits, &p.digits, &p.special_limbs}) *value = reader.u8();
  const std::uint8_t security = reader.u8();
  const std::size_t count = reader.u8();
  if (security > 2 || p.log_degree < 6 || p.log_degree > 17 || p.limbs < 1 || p.limbs > 64 || p.limb_bits > 50 || p.special_limbs > 16 ||
      count < 1 || count > (scheme == ExactScheme::kBgv ? 1 : kMaxPlaintextPrimes)) {
    reader.fail("the parameters are out of range");
    return p;
  }
  p.security = static_cast<fhe::rlwe::SecurityLevel>(security);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t prime = reader.u64();
    if (!reader.ok()) break;
    if (prime >= kMaxPrime || prime % (std::uint64_t{2} << p.log_degree) != 1 || !field::is_prime(prime) ||
        std::ranges::find(p.primes, prime) != p.primes.end()) {
      reader.fail("a plaintext modulus isn't a prime for this ring, or is there twice");
      break;
    }
    p.primes.push_back(prime);
  }
  return p;
}

// Whether the product of the primes is more than 2^(bits + 1).   Requires: bits <= kMaxOutputBits.
bool holds(std::span<const std::uint64_t> primes, int bits) {
  Uint128 product = 1;
  for (const std::uint64_t prime : primes) {
    if (product > ~Uint128{0} / prime) return true;
    product *= prime;
  }
  return product > Uint128{1} << (bits + 1);
}

enum PackingTag : std::uint8_t { kSinglePacking, kBatchPacking, kCoefficientPacking };

bool has_layouts(const ExactClientSpec& client) { return client.packing == Packing::kSingle && !client.coefficients; }

std::size_t max_elements(const ExactClientSpec& client) {
  return has_layouts(client) ? client.parameters.slots() : kMaxElements;
}

// Of a program without layouts nothing is read: they follow.
Layout read_layout_of(base::ByteReader& reader, const ExactClientSpec& client, std::size_t elements) {
  if (has_layouts(client)) return read_layout(reader, elements, client.parameters.slots());
  if (reader.ok() && elements > kMaxElements) reader.fail("a tensor has too many elements");
  return layout_in_order(reader.ok() ? elements : 1);
}

double read_scale(base::ByteReader& reader) {
  const double scale = reader.f64();
  if (!(scale > 0)) reader.fail("a scale isn't positive");
  return scale;
}

void write_client(base::ByteWriter& writer, const ExactClientSpec& client) {
  write_parameters(writer, client.parameters);
  writer.u8(client.coefficients ? kCoefficientPacking : client.packing == Packing::kBatch ? kBatchPacking : kSinglePacking);
  write_shape(writer, client.input_shape);
  write_shape(writer, client.output_shape);
  if (has_layouts(client)) {
    write_layout(writer, client.input);
    write_layout(writer, client.output);
  }
  writer.i64(client.input_min);
  writer.i64(client.input_max);
  writer.f64(client.input_scale);
  writer.f64(client.output_scale);
  writer.u8(static_cast<std::uint8_t>(client.output_bits));
  writer.u8(static_cast<std::uint8_t>(client.finish));
  writer.u8(static_cast<std::uint8_t>(client.hiding_bits));
  writer.u64(client.rotations.size());
  for (const std::int64_t steps : client.rotations) writer.i64(steps);
  writer.u8(client.relinearization ? 1 : 0);
}

base::Result<ExactClientSpec> read_client(base::ByteReader& reader, ExactScheme scheme) {
  ExactClientSpec client;
  client.parameters = read_parameters(reader, scheme);
  BLINDPROOF_TRY(reader.status());
  const std::uint8_t packing = reader.u8();
  if (packing > kCoefficientPacking) reader.fail("this packing isn't known");
  if (packing == kBatchPacking) client.packing = Packing::kBatch;
  client.coefficients = packing == kCoefficientPacking;
  if (packing != kSinglePacking && scheme != ExactScheme::kBfv) reader.fail("this packing is for BFV alone");
  client.input_shape = read_shape(reader);
  client.output_shape = read_shape(reader);
  BLINDPROOF_TRY(reader.status());
  client.input = read_layout_of(reader, client, model::element_count(client.input_shape));
  client.output = read_layout_of(reader, client, model::element_count(client.output_shape));
  client.input_min = reader.i64();
  client.input_max = reader.i64();
  if (client.input_min < -kMaxInput || client.input_max > kMaxInput || client.input_min > client.input_max ||
      client.input_max - client.input_min >= 1 << 16) {
    reader.fail("the range of the input is out of range");
  }
  client.input_scale = read_scale(reader);
  client.output_scale = read_scale(reader);
  client.output_bits = reader.u8();
  if (reader.ok() && (client.output_bits > kMaxOutputBits || !holds(client.parameters.primes, client.output_bits))) {
    reader.fail("outputs don't fit the product of the plaintext moduli");
  }
  const std::uint8_t finish = reader.u8();
  if (finish > static_cast<std::uint8_t>(model::Finish::kArgMax)) reader.fail("this finish isn't known");
  client.finish = static_cast<model::Finish>(finish);
  if (client.finish != model::Finish::kNone && client.output_shape.empty()) reader.fail("a scalar has no finish");
  client.hiding_bits = reader.u8();
  if (client.hiding_bits > kMaxHidingBits) reader.fail("so many bits of hiding aren't supported", ErrorCode::kLimit);
  const std::size_t rotations = reader.count(kMaxRotations, 8);
  if (!has_layouts(client) && rotations > 0) reader.fail("a program without layouts has no rotations");
  for (std::size_t i = 0; i < rotations; ++i) {
    client.rotations.push_back(reader.i64());
    if (client.rotations[i] < 1 || client.rotations[i] >= static_cast<std::int64_t>(client.parameters.slots()) ||
        (i > 0 && client.rotations[i] <= client.rotations[i - 1])) {
      reader.fail("rotations must ascend and lie within the slots");
    }
  }
  const std::uint8_t relinearization = reader.u8();
  if (relinearization > 1) reader.fail("a flag that is neither 0 nor 1");
  client.relinearization = relinearization == 1;
  BLINDPROOF_TRY(reader.status());
  // Layouts take a key switch even where no slot moves.
  if ((client.parameters.digits == 0) != (client.parameters.special_limbs == 0) ||
      (client.parameters.digits == 0 && (has_layouts(client) || client.relinearization || scheme != ExactScheme::kBfv))) {
    reader.fail("digits and special moduli don't fit what the program needs");
    return reader.status().error();
  }
  return client;
}

void write_integer(base::ByteWriter& writer, Int128 value) {
  const auto bits = static_cast<Uint128>(value);
  writer.u64(static_cast<std::uint64_t>(bits));
  writer.u64(static_cast<std::uint64_t>(bits >> 64));
}

Int128 read_integer(base::ByteReader& reader) {
  const std::uint64_t low = reader.u64(), high = reader.u64();
  return static_cast<Int128>(Uint128{high} << 64 | low);
}

void write_step(base::ByteWriter& writer, const ExactStep& step, const ExactClientSpec& client) {
  if (const auto* affine = std::get_if<ExactAffineStep>(&step)) {
    writer.u8(kAffine);
    writer.u64(affine->bias.size());
    writer.u8(static_cast<std::uint8_t>(affine->terms.size()));
    for (const ExactAffineStep::Term& term : affine->terms) {
      writer.u32(term.value);
      write_matrix(writer, term.matrix);
    }
    for (const Int128 value : affine->bias) write_integer(writer, value);
    if (has_layouts(client)) write_layout(writer, affine->layout);
  } else {
    const auto& product = std::get<ProductStep>(step);
    writer.u8(kProduct);
    writer.u32(product.a);
    writer.u32(product.b);
  }
}

// Reads a step and checks it against the values before it.
base::Status read_step(base::ByteReader& reader, const ExactClientSpec& client, std::vector<Layout>& layouts, std::vector<ExactStep>& steps) {
  const std::size_t slots = client.parameters.slots();
  const std::uint8_t tag = reader.u8();
  const auto known = [&](ValueId id) {
    if (id >= layouts.size()) reader.fail("a step uses a value that isn't computed before it");
    return id < layouts.size();
  };
  if (tag == kAffine) {
    ExactAffineStep affine;
    const std::size_t rows = reader.count(max_elements(client), 24);
    const std::size_t terms = reader.u8();
    if (rows == 0 || terms == 0 || terms > kMaxTerms) reader.fail("an affine step is empty, or too large");
    for (std::size_t i = 0; reader.ok() && i < terms; ++i) {
      const ValueId value = reader.u32();
      if (!known(value)) break;
      affine.terms.push_back({value, read_integer_matrix(reader, rows, layouts[value].positions.size())});
      if (reader.ok() && affine.terms.back().matrix.entries() == 0) reader.fail("a matrix is zero");
    }
    for (std::size_t i = 0; reader.ok() && i < rows; ++i) affine.bias.push_back(read_integer(reader));
    affine.layout = read_layout_of(reader, client, rows);
    if (affine.layout.shift != 0) reader.fail("only the input's copies may be turned");
    BLINDPROOF_TRY(reader.status());
    for (const ExactAffineStep::Term& term : affine.terms) {
      if (has_layouts(client) && !SlotMatrix::fits(layouts[term.value], affine.layout, slots)) {
        reader.fail("a matrix can't go between its layouts");
      }
    }
    layouts.push_back(affine.layout);
    steps.push_back(std::move(affine));
  } else if (tag == kProduct) {
    const ProductStep product{reader.u32(), reader.u32()};
    if (!known(product.a) || !known(product.b)) return reader.status();
    if (layouts[product.a] != layouts[product.b]) reader.fail("the factors of a product have different layouts");
    layouts.push_back(layouts[product.a]);
    steps.push_back(product);
  } else {
    reader.fail("this kind of step isn't known");
  }
  return reader.status();
}

// With room for it in a polynomial.
bool is_one_matrix(const ExactProgram& program) {
  const auto* affine = program.steps.size() == 1 ? std::get_if<ExactAffineStep>(&program.steps[0]) : nullptr;
  if (affine == nullptr || affine->terms.size() != 1) return false;
  const IntegerMatrix& matrix = affine->terms[0].matrix;
  return matrix.columns <= 2 * program.client.parameters.slots() / (matrix.rows + 1);
}

ExactScheme read_header(base::ByteReader& reader, std::string_view magic) {
  const base::ByteSpan found = reader.raw(magic.size());
  if (reader.ok() && !std::ranges::equal(found, base::as_bytes(magic))) reader.fail("is another kind of file");
  if (reader.u16() != kVersion) reader.fail("its version isn't known; this program reads version 1", ErrorCode::kUnsupported);
  const std::uint8_t scheme = reader.u8();
  if (scheme != static_cast<std::uint8_t>(ExactScheme::kBfv) && scheme != static_cast<std::uint8_t>(ExactScheme::kBgv)) {
    reader.fail("is of another scheme than BFV and BGV", ErrorCode::kUnsupported);
  }
  return static_cast<ExactScheme>(scheme);
}

void write_header(base::ByteWriter& writer, std::string_view magic, ExactScheme scheme) {
  writer.raw(base::as_bytes(magic));
  writer.u16(kVersion);
  writer.u8(static_cast<std::uint8_t>(scheme));
}

}  // namespace

std::vector<ValueId> inputs_of(const ExactStep& step) {
  if (const auto* affine = std::get_if<ExactAffineStep>(&step)) {
    std::vector<ValueId> result;
    for (const ExactAffineStep::Term& term : affine->terms) result.push_back(term.value);
    return result;
  }
  const auto& product = std::get<ProductStep>(step);
  return {product.a, product.b};
}

std::vector<int> levels_of(const std::vector<ExactStep>& steps, int top) {
  std::vector<int> levels{top};
  for (const ExactStep& step : steps) {
    int level = top;
    for (const ValueId id : inputs_of(step)) level = std::min(level, levels[id]);
    levels.push_back(level - 1);
  }
  return levels;
}

int depth_of(const std::vector<ExactStep>& steps) {
  const std::vector<int> levels = levels_of(steps, 0);
  return -*std::ranges::min_element(levels);
}

std::vector<Layout> layouts_of(const Layout& input, const std::vector<ExactStep>& steps) {
  std::vector<Layout> layouts{input};
  for (const ExactStep& step : steps) {
    const auto* affine = std::get_if<ExactAffineStep>(&step);
    layouts.push_back(affine != nullptr ? affine->layout : layouts[inputs_of(step)[0]]);
  }
  return layouts;
}

std::vector<std::int64_t> rotations_of(const std::vector<Layout>& layouts, const ExactAffineStep& step, std::size_t slots) {
  std::set<std::int64_t> rotations;
  for (const ExactAffineStep::Term& term : step.terms) {
    const IntegerSlotMatrix matrix(term.matrix, layouts[term.value], step.layout, slots);
    rotations.insert(matrix.folds().begin(), matrix.folds().end());
    const auto diagonals = fhe::rlwe::DiagonalMatrix::create(matrix.numbers(), slots, 0);
    BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
    for (const std::size_t d : matrix.numbers()) {
      const std::size_t giant = diagonals->giant_of(d);
      rotations.insert(static_cast<std::int64_t>(giant));
      rotations.insert(static_cast<std::int64_t>(d - giant));
    }
  }
  rotations.erase(0);
  return {rotations.begin(), rotations.end()};
}

std::vector<std::int64_t> rotations_of(const Layout& input, const std::vector<ExactStep>& steps, std::size_t slots) {
  const std::vector<Layout> layouts = layouts_of(input, steps);
  std::set<std::int64_t> rotations;
  for (const ExactStep& step : steps) {
    const auto* affine = std::get_if<ExactAffineStep>(&step);
    if (affine == nullptr) continue;
    const std::vector<std::int64_t> of_step = rotations_of(layouts, *affine, slots);
    rotations.insert(of_step.begin(), of_step.end());
  }
  return {rotations.begin(), rotations.end()};
}

base::Result<std::vector<Int128>> run_plain(const ExactProgram& program, std::span<const std::int64_t> input) {
  std::vector<std::vector<Int128>> values{{input.begin(), input.end()}};
  for (const ExactStep& step : program.steps) {
    std::vector<Int128> result;
    if (const auto* affine = std::get_if<ExactAffineStep>(&step)) {
      result = affine->bias;
      for (const ExactAffineStep::Term& term : affine->terms) {
        BLINDPROOF_ASSIGN(result, multiply_add(term.matrix, values[term.value], result));
      }
    } else {
      const auto& product = std::get<ProductStep>(step);
      for (std::size_t i = 0; i < values[product.a].size(); ++i) {
        Int128 value = 0;
        if (__builtin_mul_overflow(values[product.a][i], values[product.b][i], &value)) {
          return base::error(ErrorCode::kLimit, "exact program", "a product has more than 127 bits");
        }
        result.push_back(value);
      }
    }
    values.push_back(std::move(result));
  }
  return values.back();
}

model::Architecture interface_of(const ExactClientSpec& client) {
  model::Architecture result;
  result.arithmetic = model::Arithmetic::kExact;
  result.shapes = {client.input_shape, client.output_shape};
  result.input = 0;
  result.output = 1;
  result.input_min = client.input_min;
  result.input_max = client.input_max;
  result.input_scale = client.input_scale;
  result.output_scale = client.output_scale;
  result.finish = client.finish;
  return result;
}

std::size_t output_coefficient(const ExactClientSpec& client, std::size_t row) { return row * client.input.positions.size(); }

std::vector<std::int64_t> coefficients_of(const IntegerMatrix& matrix, std::size_t degree, const field::Modulus& t) {
  BLINDPROOF_CHECK((matrix.rows + 1) * matrix.columns <= degree, "a polynomial has room for the matrix");
  std::vector<std::int64_t> result(degree);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::uint64_t k = matrix.begins[row]; k < matrix.begins[row + 1]; ++k) {
      const std::int64_t value = t.centered(t.reduce_signed(matrix.value[k]));
      const std::size_t up = row * matrix.columns, down = matrix.column[k];
      result[down <= up ? up - down : degree + up - down] = down <= up ? value : -value;  // X^N = -1
    }
  }
  return result;
}

std::vector<std::int64_t> spread(const Layout& layout, std::span<const std::int64_t> values, std::size_t slots, const field::Modulus& t) {
  BLINDPROOF_CHECK(values.size() == layout.positions.size(), "a value for each position");
  std::vector<std::int64_t> content(layout.period), result(2 * slots);
  for (std::size_t i = 0; i < values.size(); ++i) content[layout.positions[i]] = t.centered(t.reduce_signed(values[i]));
  for (std::size_t slot = 0; slot < slots; ++slot) result[slot] = result[slots + slot] = content[layout.position_in(slot)];
  return result;
}

ResidueCombiner::ResidueCombiner(std::span<const std::uint64_t> primes, int bits) : bits_(bits) {
  BLINDPROOF_CHECK(!primes.empty() && bits >= 0 && bits <= kMaxOutputBits, "primes, and integers that fit");
  for (const std::uint64_t prime : primes) {
    const base::Result<field::Modulus> t = field::Modulus::create(prime);
    BLINDPROOF_CHECK(t.ok(), "primes");
    inverses_.emplace_back();
    for (const field::Modulus& before : moduli_) inverses_.back().push_back(t->inverse(t->reduce(before.value())));
    moduli_.push_back(*t);
  }
}

std::optional<Int128> ResidueCombiner::combine(std::span<const std::int64_t> residues) const {
  BLINDPROOF_CHECK(moduli_.size() == residues.size(), "a residue for each prime");
  // Balanced digits: x = d_0 + t_0 (d_1 + t_1 (d_2 + ..)).
  std::array<std::int64_t, kMaxPlaintextPrimes> digits{};
  for (std::size_t i = 0; i < moduli_.size(); ++i) {
    const field::Modulus& t = moduli_[i];
    std::uint64_t rest = t.reduce_signed(residues[i]);
    for (std::size_t j = 0; j < i; ++j) rest = t.multiply(t.subtract(rest, t.reduce_signed(digits[j])), inverses_[i][j]);
    digits[i] = t.centered(rest);
  }
  Int128 x = 0;
  for (std::size_t i = moduli_.size(); i-- > 0;) {
    if (__builtin_mul_overflow(x, static_cast<Int128>(moduli_[i].value()), &x) ||
        __builtin_add_overflow(x, static_cast<Int128>(digits[i]), &x)) {
      return std::nullopt;
    }
  }
  const Int128 most = Int128{1} << bits_;
  if (x > most || x < -most) return std::nullopt;
  return x;
}

bool is_exact(base::ByteSpan bytes) noexcept {
  constexpr std::size_t kMagicBytes = 4, kSchemeAt = 6;
  if (bytes.size() <= kSchemeAt || bytes[kSchemeAt] == 0) return false;
  const base::ByteSpan magic = bytes.first(kMagicBytes);
  return std::ranges::equal(magic, base::as_bytes(kProgramMagic)) || std::ranges::equal(magic, base::as_bytes(kClientMagic));
}

base::Bytes write_exact_program(const ExactProgram& program) {
  base::ByteWriter writer;
  write_header(writer, kProgramMagic, program.client.parameters.scheme);
  write_client(writer, program.client);
  writer.u64(program.steps.size());
  for (const ExactStep& step : program.steps) write_step(writer, step, program.client);
  return fhe::formats::with_checksum(std::move(writer));
}

base::Result<ExactProgram> parse_exact_program(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, fhe::formats::checked(bytes, "exact program"));
  base::ByteReader reader(body, "exact program");
  const ExactScheme scheme = read_header(reader, kProgramMagic);
  ExactProgram program;
  BLINDPROOF_ASSIGN(program.client, read_client(reader, scheme));
  const ExactClientSpec& client = program.client;
  const std::size_t count = reader.count(kMaxSteps, 1);
  std::vector<Layout> layouts{client.input};
  std::size_t elements = 0;  // most layouts take no bytes of the file
  const std::size_t most = has_layouts(client) ? kMaxSlottedElements : kMaxBatchElements;
  for (std::size_t i = 0; i < count; ++i) {
    BLINDPROOF_TRY(read_step(reader, client, layouts, program.steps));
    elements += layouts.back().positions.size();
    if (elements > most) {
      reader.fail("its values have more elements than are supported", ErrorCode::kLimit);
      return reader.status().error();
    }
  }
  if (count == 0) reader.fail("it has no steps");
  const auto multiplies = [](const ExactStep& step) { return std::holds_alternative<ProductStep>(step); };
  if (reader.ok() && std::ranges::any_of(program.steps, multiplies) != client.relinearization) {
    reader.fail("it says wrongly whether it needs a relinearisation key");
  }
  if (reader.ok() && layouts.back() != client.output) reader.fail("the output's layout isn't the last step's");
  if (reader.ok() && scheme == ExactScheme::kBgv && depth_of(program.steps) >= client.parameters.limbs) {
    reader.fail("the steps take more levels than the parameters have");
  }
  if (reader.ok() && client.coefficients && !is_one_matrix(program)) reader.fail("a program on coefficients is one matrix that fits");
  if (reader.ok() && has_layouts(client) &&
      rotations_of(client.input, program.steps, client.parameters.slots()) != client.rotations) {
    reader.fail("the list of rotations isn't that of the steps");
  }
  BLINDPROOF_TRY(reader.finish());
  return program;
}

base::Bytes write_exact_client_spec(const ExactClientSpec& client) {
  base::ByteWriter writer;
  write_header(writer, kClientMagic, client.parameters.scheme);
  write_client(writer, client);
  return fhe::formats::with_checksum(std::move(writer));
}

base::Result<ExactClientSpec> parse_exact_client_spec(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, fhe::formats::checked(bytes, "client's spec"));
  base::ByteReader reader(body, "client's spec");
  const ExactScheme scheme = read_header(reader, kClientMagic);
  BLINDPROOF_ASSIGN(ExactClientSpec client, read_client(reader, scheme));
  BLINDPROOF_TRY(reader.finish());
  return client;
}

}  // namespace blindproof::fheml
