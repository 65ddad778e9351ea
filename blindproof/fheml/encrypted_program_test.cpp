#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <unistd.h>

#include "blindproof/base/file.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fheml/encrypted_executor.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fheml {
namespace {

namespace ckks = fhe::ckks;
namespace formats = fhe::formats;

std::vector<std::uint32_t> some_positions(std::size_t count, std::size_t period, std::mt19937_64& random) {
  std::vector<std::uint32_t> all(period);
  for (std::uint32_t i = 0; i < period; ++i) all[i] = i;
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

SparseMatrix random_matrix(std::size_t rows, std::size_t columns, double density, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<float> values(rows * columns);
  for (float& value : values) value = uniform(random) < density ? static_cast<float>(uniform(random) - 0.5) : 0;
  values[0] = 0.25f;
  return SparseMatrix::dense(rows, columns, values);
}

// 3x3 cells over an image of one channel, its border being zero.
SparseMatrix convolution(std::size_t side, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(-0.5, 0.5);
  float kernel[3][3];
  for (auto& row : kernel) {
    for (float& weight : row) weight = static_cast<float>(uniform(random));
  }
  std::vector<float> values(side * side * side * side);
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          if (y + i < 1 || y + i > side || x + j < 1 || x + j > side) continue;
          values[(y * side + x) * side * side + (y + i - 1) * side + x + j - 1] = kernel[i][j];
        }
      }
    }
  }
  return SparseMatrix::dense(side * side, side * side, values);
}

std::vector<double> random_values(std::size_t count, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> result(count);
  for (double& x : result) x = uniform(random);
  return result;
}

AffineStep affine(std::vector<AffineStep::Term> terms, const Layout& layout, std::mt19937_64& random) {
  return {std::move(terms), random_values(layout.positions.size(), random), layout};
}

Program finished(Program program, std::size_t slots) {
  ClientSpec& client = program.client;
  client.input_shape = {client.input.positions.size()};
  client.output = layouts_of(client.input, program.steps).back();
  client.output_shape = {client.output.positions.size()};
  client.input_magnitude = 1;
  client.output_magnitude = program.steps.back().magnitude;
  client.output_level = levels_of(program.steps, client.parameters.levels).back();
  client.rotations = rotations_of(client.input, program.steps, slots, client.parameters.levels);
  client.relinearization = true;
  return program;
}

constexpr ckks::Parameters kShort{.log_degree = 8, .scale_bits = 40, .levels = 5, .first_bits = 50, .digits = 2};
constexpr ckks::Parameters kLong{.log_degree = 8, .scale_bits = 80, .levels = 5, .first_bits = 100, .digits = 3};

// Every kind of step: two branches of one input, a polynomial, a product, a sum of two values.
Program branches(const ckks::Parameters& parameters, std::uint64_t seed, bool turned) {
  std::mt19937_64 random(seed);
  Program program;
  program.client.parameters = parameters;
  constexpr std::size_t kSlots = 128;
  program.client.input = periodic_layout(16, some_positions(11, 16, random));
  if (turned) {
    program.client.input.block = 32;
    program.client.input.shift = 16 * 32 / kSlots;
  }
  const Layout middle = periodic_layout(32, some_positions(20, 32, random)), last = periodic_layout(4, {0, 2, 3});
  program.steps.push_back({affine({{0, random_matrix(20, 11, 0.5, random)}}, middle, random), 8});  // 1
  program.steps.push_back({affine({{0, random_matrix(20, 11, 0.5, random)}}, middle, random), 8});  // 2
  program.steps.push_back({PolynomialStep{1, {.coefficients = {0.1, 0.5, -0.25}}}, 8});            // 3
  program.steps.push_back({ProductStep{2, 3}, 64});                                                // 4
  program.steps.push_back({affine({{4, random_matrix(3, 20, 0.7, random)}, {1, random_matrix(3, 20, 0.7, random)}}, last, random), 200});
  return finished(std::move(program), kSlots);
}

// Dense layers with squares between them; the first has as many rows as slots, and so giant steps and no fold.
Program dense(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Program program;
  program.client.parameters = kShort;
  constexpr std::size_t kSlots = 128;
  program.client.input = periodic_layout(128, some_positions(100, 128, random));
  const Layout middle = periodic_layout(128, some_positions(128, 128, random)), last = periodic_layout(16, some_positions(10, 16, random));
  program.steps.push_back({affine({{0, random_matrix(128, 100, 1, random)}}, middle, random), 16});
  program.steps.push_back({ProductStep{1, 1}, 256});
  program.steps.push_back({affine({{2, random_matrix(10, 128, 0.8, random)}}, last, random), 4096});
  return finished(std::move(program), kSlots);
}

Program convolutions(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Program program;
  program.client.parameters = kShort;
  constexpr std::size_t kSlots = 128, kSide = 8;
  program.client.input = layout_in_order(kSide * kSide);
  program.steps.push_back({affine({{0, convolution(kSide, random)}}, program.client.input, random), 4});
  program.steps.push_back({ProductStep{1, 1}, 16});
  program.steps.push_back({affine({{2, convolution(kSide, random)}}, program.client.input, random), 64});
  return finished(std::move(program), kSlots);
}

// One matrix: the plain program would need no relinearisation key.
Program linear(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Program program;
  program.client.parameters = kShort;
  program.client.parameters.levels = 1;
  program.client.input = layout_in_order(9);
  program.steps.push_back({affine({{0, random_matrix(3, 9, 1, random)}}, layout_in_order(3), random), 8});
  return finished(std::move(program), 128);
}

struct Parties {
  explicit Parties(const Program& program) : context(testing::InsecureParameters::ckks(program.client.parameters).value()) {
    secret.emplace(ckks::generate_secret_key(*context, random));
    public_key.emplace(ckks::generate_public_key(*secret, random));
    relinearization.emplace(ckks::generate_relinearization_key(*context, *secret, context->top_level(), random));
    rotations = generate_rotation_keys(*context, *secret, program.client, random);
    path = std::filesystem::temp_directory_path() / ("blindproof-encrypted-" + std::to_string(::getpid()) + ".bpfe");
  }
  ~Parties() { std::filesystem::remove(path); }

  base::Bytes encrypted(const Program& program) {
    const auto outcome = encrypt_program(program, context, kKeyId, *public_key, path, random);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    base::Bytes bytes = base::read_file(path, SIZE_MAX).value();
    EXPECT_EQ(outcome->file_bytes, bytes.size());
    return bytes;
  }
  ckks::Ciphertext encrypt(const Program& program, const std::vector<double>& x) {
    const std::vector<double> slots = spread(program.client.input, x, context->slots());
    return ckks::encrypt(*secret, ckks::Encoder(context).encode(slots, context->top_level()).value(), random);
  }
  std::vector<double> decrypt(const Program& program, const ckks::Ciphertext& y) const {
    return gather(program.client.output, ckks::Encoder(context).decode_real(ckks::decrypt(*secret, y).value()));
  }

  static constexpr formats::KeyId kKeyId{1, 2, 3};
  ckks::ContextPtr context;
  crypto::Csprng random{std::array<std::uint8_t, 32>{5}};
  std::optional<fhe::rlwe::SecretKey> secret;
  std::optional<fhe::rlwe::PublicKey> public_key;
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  fhe::rlwe::GaloisKeys rotations;
  std::filesystem::path path;
};

std::vector<Program> all_programs() {
  std::vector<Program> programs;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    programs.push_back(branches(seed == 3 ? kLong : kShort, seed, seed == 2));
    programs.push_back(dense(seed));
    programs.push_back(convolutions(seed));
    programs.push_back(linear(seed));
  }
  return programs;
}

TEST(EncryptedExecutors, GiveWhatThePlainProgramGives) {
  std::mt19937_64 random(7);
  std::size_t index = 0;
  for (const Program& program : all_programs()) {
    SCOPED_TRACE(index++);
    Parties parties(program);
    const auto file = EncryptedProgramFile::parse(parties.encrypted(program));
    ASSERT_TRUE(file.ok()) << file.error().message();
    EXPECT_EQ(file->program().key_id, Parties::kKeyId);
    EXPECT_EQ(file->program().client, program.client);
    const auto executor = EncryptedExecutor::create(*file, parties.context);
    ASSERT_TRUE(executor.ok()) << executor.error().message();
    const Executor plain_weights = Executor::create(program, parties.context).value();

    const std::vector<double> x = random_values(program.client.input.positions.size(), random), expected = run_plain(program, x);
    const ckks::Ciphertext input = parties.encrypt(program, x);
    const auto y = executor->run(input, &*parties.relinearization, parties.rotations);
    const auto z = plain_weights.run(input, &*parties.relinearization, parties.rotations);
    ASSERT_TRUE(y.ok()) << y.error().message();
    ASSERT_TRUE(z.ok()) << z.error().message();
    EXPECT_EQ(y->level(), program.client.output_level);
    EXPECT_EQ(y->scale(), parties.context->scale(y->level()));
    EXPECT_GT(y->error_bound(), z->error_bound());  // encryptions of weights have errors of their own
    EXPECT_LT(y->error_bound(), 1e-2);
    const std::vector<double> with_both = parties.decrypt(program, *y), with_data = parties.decrypt(program, *z);
    constexpr double kDoubles = 1e-13;  // what decoding and the plain program lose
    double largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(with_both[i], expected[i], y->error_bound() + kDoubles) << i;
      EXPECT_NEAR(with_both[i], with_data[i], y->error_bound() + z->error_bound() + kDoubles) << i;
      largest = std::max(largest, std::abs(with_both[i] - expected[i]));
    }
    EXPECT_GT(largest * std::exp2(12) + kDoubles, y->error_bound());  // nor is the bound an idle one
  }
}

TEST(EncryptedExecutors, RefuseWhatDoesNotFit) {
  const Program program = branches(kShort, 1, false);
  Parties parties(program), other(program);
  const EncryptedProgramFile file = EncryptedProgramFile::parse(parties.encrypted(program)).value();
  const EncryptedExecutor executor = EncryptedExecutor::create(file, parties.context).value();
  const std::vector<double> zeros(11);
  const ckks::Ciphertext x = parties.encrypt(program, zeros);
  const auto code = [](const auto& result) { return result.ok() ? std::optional<base::ErrorCode>() : result.error().code; };
  EXPECT_EQ(code(executor.run(other.encrypt(program, zeros), &*parties.relinearization, parties.rotations)), base::ErrorCode::kMismatch);
  EXPECT_EQ(code(executor.run(ckks::lower_to(x, 3).value(), &*parties.relinearization, parties.rotations)), base::ErrorCode::kMismatch);
  EXPECT_EQ(code(executor.run(x, nullptr, parties.rotations)), base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(executor.run(x, &*parties.relinearization, {})), base::ErrorCode::kInvalidArgument);
  fhe::rlwe::GaloisKeys fewer;
  for (const auto& [element, key] : parties.rotations.by_element()) {
    if (element != parties.rotations.by_element().rbegin()->first) fewer.insert(key);
  }
  EXPECT_EQ(code(executor.run(x, &*parties.relinearization, fewer)), base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(executor.run(x, &*other.relinearization, parties.rotations)), base::ErrorCode::kMismatch);
  ckks::Parameters longer = kShort;
  longer.levels = 6;
  EXPECT_EQ(code(EncryptedExecutor::create(file, testing::InsecureParameters::ckks(longer).value())), base::ErrorCode::kMismatch);
}

TEST(EncryptedPrograms, RefuseKeysAndProgramsThatDoNotFit) {
  Program program = branches(kShort, 1, false);
  Parties parties(program), other(program);
  const auto code = [&](const Program& p, const fhe::rlwe::PublicKey& key) {
    return encrypt_program(p, parties.context, Parties::kKeyId, key, parties.path, parties.random).error().code;
  };
  EXPECT_EQ(code(program, *other.public_key), base::ErrorCode::kMismatch);
  program.client.relinearization = false;
  EXPECT_EQ(code(program, *parties.public_key), base::ErrorCode::kInvalidArgument);
  program.client.packing = Packing::kBatch;
  EXPECT_EQ(code(program, *parties.public_key), base::ErrorCode::kUnsupported);
  EXPECT_FALSE(std::filesystem::exists(parties.path));
}

// Weights are drawn anew: nothing of them but what the table states is the same in two files.
TEST(EncryptedPrograms, StateOnlyTheSkeletonInTheOpen) {
  const Program program = branches(kShort, 2, true);
  Program altered = program;
  std::get<AffineStep>(altered.steps[0].operation).terms[0].matrix.value[1] *= 0.999f;
  std::get<AffineStep>(altered.steps[0].operation).bias[1] += 0.01;
  Parties parties(program);
  const EncryptedProgramFile a = EncryptedProgramFile::parse(parties.encrypted(program)).value();
  const EncryptedProgramFile b = EncryptedProgramFile::parse(parties.encrypted(altered)).value();
  EXPECT_EQ(a.program().terms, b.program().terms);
  for (const Step& step : a.program().steps) {
    const auto* affine = std::get_if<AffineStep>(&step.operation);
    if (affine == nullptr) continue;
    EXPECT_TRUE(affine->bias.empty());
    for (const AffineStep::Term& term : affine->terms) EXPECT_EQ(term.matrix.entries(), 0u);
  }
  for (const auto& terms : a.program().terms) {
    for (const EncryptedTerm& term : terms) {
      for (const double bound : {term.bounds.row1, term.bounds.row2, term.bounds.matrix, term.bounds.own_row2, term.bounds.own_matrix}) {
        EXPECT_EQ(std::exp2(std::round(std::log2(bound))), bound);
      }
    }
  }
}

// The last byte of what stands before the ciphertexts: a program that reads only so far must know of what follows.
std::size_t table_bytes(const base::Bytes& bytes) { return bytes.size() - EncryptedProgramFile::parse(bytes)->bytes(); }

bool loads(const base::Bytes& bytes, const ckks::ContextPtr& context, base::ErrorCode* code = nullptr) {
  const auto file = EncryptedProgramFile::parse(bytes);
  if (!file.ok()) return false;
  const auto executor = EncryptedExecutor::create(*file, context);
  if (!executor.ok() && code != nullptr) *code = executor.error().code;
  return executor.ok();
}

TEST(EncryptedPrograms, DamagedFilesAreRefused) {
  const Program program = linear(1);
  Parties parties(program);
  const base::Bytes bytes = parties.encrypted(program);
  ASSERT_TRUE(loads(bytes, parties.context));
  const std::size_t table = table_bytes(bytes);
  for (std::size_t i = 0; i < table; ++i) {
    base::Bytes altered = bytes;
    altered[i] ^= 1;
    EXPECT_FALSE(EncryptedProgramFile::parse(altered).ok()) << i;
    EXPECT_FALSE(EncryptedProgramFile::parse(base::ByteSpan(bytes).first(i == 0 ? 1 : i)).ok()) << i;
  }
  for (std::size_t i = table; i < bytes.size(); i += 1021) {
    base::Bytes altered = bytes;
    altered[i] ^= 4;
    base::ErrorCode code = base::ErrorCode::kIo;
    EXPECT_FALSE(loads(altered, parties.context, &code)) << i;
    EXPECT_EQ(code, base::ErrorCode::kMalformed);
    EXPECT_FALSE(EncryptedProgramFile::parse(base::ByteSpan(bytes).first(i)).ok()) << i;
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(EncryptedProgramFile::parse(longer).ok());
}

// Makes checksums fit, as whoever makes a file can.
class Forger {
 public:
  explicit Forger(const base::Bytes& bytes) : table_(table_bytes(bytes)), end_(table_) {
    while (!formats::checked(base::ByteSpan(bytes).first(end_), "").ok()) --end_;  // padding follows
  }
  std::size_t content() const { return end_ - formats::kChecksumBytes; }
  base::Bytes sealed(base::Bytes bytes) const {
    std::ranges::copy(crypto::sha256(base::ByteSpan(bytes).first(content())), bytes.begin() + static_cast<std::ptrdiff_t>(content()));
    return bytes;
  }
  // Whose last ciphertext, of `size` bytes, was altered.
  base::Bytes sealed_with_digest(base::Bytes bytes, std::size_t size) const {
    std::ranges::copy(crypto::sha256(base::ByteSpan(bytes).last(size)), bytes.begin() + static_cast<std::ptrdiff_t>(content()) - 32);
    return sealed(std::move(bytes));
  }

 private:
  std::size_t table_, end_;
};

// Whatever a sender makes of a file, it gives an error or something that can be run.
TEST(EncryptedPrograms, ForgedTablesAreRefusedOrHarmless) {
  const Program program = branches(kShort, 2, true);
  Parties parties(program);
  const base::Bytes bytes = parties.encrypted(program);
  const Forger forger(bytes);
  const ckks::Ciphertext x = parties.encrypt(program, std::vector<double>(11, 0.5));
  std::size_t accepted = 0, refused = 0;
  for (std::size_t i = 0; i + 8 <= forger.content(); ++i) {
    for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}, std::uint8_t{0xff}}) {
      base::Bytes altered = bytes;
      for (std::size_t j = 0; j < (flip == 0xff ? 8u : 1u); ++j) altered[i + j] ^= flip;  // absurd counts
      const auto file = EncryptedProgramFile::parse(forger.sealed(std::move(altered)));
      ++(file.ok() ? accepted : refused);
      if (!file.ok() || i % 16 != 0) continue;
      const auto executor = EncryptedExecutor::create(*file, parties.context);
      if (executor.ok()) {
        (void)executor->run(x, &*parties.relinearization, parties.rotations);
      }
    }
  }
  EXPECT_GT(accepted, 20u);
  EXPECT_GT(refused, 1000u);
}

TEST(EncryptedPrograms, ForgedCiphertextsAreRefused) {
  const Program program = linear(1);
  Parties parties(program);
  const base::Bytes bytes = parties.encrypted(program);
  const Forger forger(bytes);
  const std::size_t size = 2 * parties.context->ring()->degree() * 8;  // of the bias, at level 0
  const auto code_of = [&](const base::Bytes& altered) {
    base::ErrorCode code = base::ErrorCode::kIo;
    EXPECT_FALSE(loads(forger.sealed_with_digest(altered, size), parties.context, &code));
    return code;
  };
  EXPECT_TRUE(loads(forger.sealed_with_digest(bytes, size), parties.context));
  base::Bytes altered = bytes;
  altered.back() = 0x80;
  EXPECT_EQ(code_of(altered), base::ErrorCode::kMalformed);  // not below its modulus
  altered = bytes;
  std::fill(altered.end() - static_cast<std::ptrdiff_t>(size / 2), altered.end(), std::uint8_t{0});
  EXPECT_EQ(code_of(altered), base::ErrorCode::kRejected);  // its message stands in the open
}

}  // namespace
}  // namespace blindproof::fheml
