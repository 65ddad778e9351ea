#include "blindproof/fheml/exact_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "blindproof/fhe/formats/header.h"
#include "blindproof/fheml/exact_executor.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
using base::Int128;

constexpr int kLogDegree = 8;
constexpr std::size_t kSlots = 128;

std::vector<std::uint32_t> some_positions(std::size_t count, std::size_t period, std::mt19937_64& random) {
  std::vector<std::uint32_t> all(period);
  for (std::uint32_t i = 0; i < period; ++i) all[i] = i;
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

IntegerMatrix random_matrix(std::size_t rows, std::size_t columns, std::mt19937_64& random, std::int64_t largest = 9) {
  IntegerMatrix result;
  result.columns = columns;
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<std::pair<std::uint32_t, std::int64_t>> row;
    for (std::uint32_t c = 0; c < columns; ++c) {
      const std::int64_t value = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * largest + 1)) - largest;
      if (value != 0 && (random() % 3 > 0 || c == 0)) row.emplace_back(c, value);
    }
    result.append_row(row);
  }
  return result;
}

// Two branches of one input, their product and a square, a sum with what came before: every kind of step.
ExactProgram sample_program(std::uint64_t seed, bool turned, std::size_t primes, ExactScheme scheme = ExactScheme::kBfv) {
  std::mt19937_64 random(seed);
  ExactProgram program;
  ExactClientSpec& client = program.client;
  client.parameters.scheme = scheme;
  client.parameters.log_degree = kLogDegree;
  client.parameters.limbs = scheme == ExactScheme::kBfv ? 6 : 7;
  client.parameters.limb_bits = 50;
  client.parameters.digits = 2;
  client.parameters.primes = field::ntt_primes_below(20, kLogDegree + 1, primes).value();
  client.parameters.special_limbs = scheme == ExactScheme::kBfv ? 3 : 4;
  client.input_shape = {11};
  client.output_shape = {3};
  client.input = periodic_layout(16, some_positions(11, 16, random));
  const Layout middle = periodic_layout(32, some_positions(20, 32, random));
  if (turned) {
    client.input.block = 32;
    client.input.shift = 16 * 32 / kSlots;
  }
  client.input_min = -8;
  client.input_max = 7;
  client.output_bits = primes == 1 ? 17 : 19 * static_cast<int>(primes) - 2;
  const auto affine = [&](std::vector<std::pair<ValueId, std::size_t>> terms, const Layout& layout) {
    ExactAffineStep step;
    for (const auto& [value, columns] : terms) step.terms.push_back({value, random_matrix(layout.positions.size(), columns, random)});
    for (std::size_t i = 0; i < layout.positions.size(); ++i) step.bias.push_back(static_cast<Int128>(random() % 1000) - 500);
    step.layout = layout;
    return step;
  };
  program.steps.push_back(affine({{0, 11}}, middle));  // 1
  program.steps.push_back(affine({{0, 11}}, middle));  // 2
  program.steps.push_back(ProductStep{1, 1});          // 3
  program.steps.push_back(ProductStep{2, 3});          // 4
  const Layout last = periodic_layout(4, {0, 2, 3});
  program.steps.push_back(affine({{4, 20}, {1, 20}}, last));  // 5
  client.output = last;
  client.rotations = rotations_of(client.input, program.steps, kSlots);
  client.relinearization = true;
  return program;
}

TEST(IntegerMatrices, ProductsAndSumsAgreeWithVectors) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 5; ++trial) {
    const IntegerMatrix a = random_matrix(7, 5, random), b = random_matrix(5, 9, random), c = random_matrix(7, 5, random);
    std::vector<Int128> x(9), y(5);
    const std::vector<Int128> none5(5), none7(7);
    for (Int128& value : x) value = static_cast<Int128>(random() % 100) - 50;
    for (Int128& value : y) value = static_cast<Int128>(random() % 100) - 50;
    EXPECT_EQ(multiply_add(product(a, b).value(), x, none7).value(), multiply_add(a, multiply_add(b, x, none5).value(), none7).value());
    const auto left = multiply_add(a, y, none7).value(), right = multiply_add(c, y, none7).value();
    std::vector<Int128> expected(7);
    for (std::size_t i = 0; i < 7; ++i) expected[i] = 3 * left[i] - 2 * right[i];
    EXPECT_EQ(multiply_add(sum(a, 3, c, -2).value(), y, none7).value(), expected);
    EXPECT_EQ(sum(a, 1, a, -1)->entries(), 0u);
  }
}

TEST(IntegerMatrices, RefuseEntriesBeyond63Bits) {
  IntegerMatrix large;
  large.columns = 1;
  large.append_row(std::vector<std::pair<std::uint32_t, std::int64_t>>{{0, INT64_MAX}});
  EXPECT_EQ(product(large, large).error().code, ErrorCode::kLimit);
  EXPECT_EQ(sum(large, 1, large, 1).error().code, ErrorCode::kLimit);
  EXPECT_EQ(sum(large, INT64_MAX, large, INT64_MAX).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(product(large, IntegerMatrix::identity(1)).ok());
  const Int128 most = ~(Int128{1} << 127);
  EXPECT_EQ(multiply_add(large, std::vector<Int128>{most}, std::vector<Int128>{0}).error().code, ErrorCode::kLimit);
}

// The same entries at the same places as SlotMatrix, whose action is tested.
TEST(IntegerMatrices, ActOnSlotsAsSlotMatricesDo) {
  std::mt19937_64 random(3);
  const field::Modulus t = field::Modulus::create(65537).value();
  for (std::size_t in_period = 4; in_period <= kSlots; in_period *= 2) {
    for (std::size_t out_period = 2; out_period <= kSlots; out_period *= 2) {
      for (const bool turned : {false, true}) {
        Layout in = periodic_layout(in_period, some_positions(in_period - 1, in_period, random));
        const Layout out = periodic_layout(out_period, some_positions(out_period - 1, out_period, random));
        if (turned) {
          in.block = std::max(in_period, out_period);
          in.shift = std::min(in_period, out_period) * in.block / kSlots;
          if (in.block == kSlots || in.shift == 0) continue;
        }
        const IntegerMatrix matrix = random_matrix(out_period - 1, in_period - 1, random);
        SparseMatrix reals = pattern_of(matrix);
        for (std::size_t i = 0; i < reals.value.size(); ++i) reals.value[i] = static_cast<float>(matrix.value[i]);
        const IntegerSlotMatrix integers(matrix, in, out, kSlots);
        const SlotMatrix expected(reals, in, out, kSlots);
        EXPECT_EQ(integers.numbers(), expected.numbers());
        EXPECT_EQ(integers.folds(), expected.folds());
        for (const std::size_t d : integers.numbers()) {
          const std::vector<std::int64_t> slots = integers.diagonal(d, t);
          const std::vector<double> real = expected.diagonal(d);
          for (std::size_t i = 0; i < 2 * kSlots; ++i) {
            EXPECT_EQ(slots[i], std::llround(real[i % kSlots]));
            EXPECT_EQ(slots[i], slots[i % integers.period()]);
          }
        }
      }
    }
  }
}

TEST(Residues, CombineToTheIntegerOrToNone) {
  std::mt19937_64 random(4);
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{7}}) {
    const std::vector<std::uint64_t> primes = field::ntt_primes_below(20, 9, count).value();
    const int bits = std::min(kMaxOutputBits, 19 * static_cast<int>(count) - 2);
    const auto residues = [&](Int128 value) {
      std::vector<std::int64_t> result;
      for (const std::uint64_t prime : primes) {
        const auto t = static_cast<Int128>(prime);
        Int128 rest = (value % t + t) % t;
        if (2 * rest > t) rest -= t;
        result.push_back(static_cast<std::int64_t>(rest));
      }
      return result;
    };
    const ResidueCombiner combiner(primes, bits);
    const Int128 most = Int128{1} << bits;
    for (const Int128 value : {Int128{0}, Int128{1}, Int128{-1}, most, -most, most - 1, 1 - most}) {
      EXPECT_EQ(combiner.combine(residues(value)), value);
    }
    for (int trial = 0; trial < 100; ++trial) {
      const auto wide = static_cast<Int128>((static_cast<base::Uint128>(random()) << 64 | random()) >> (127 - bits));
      const Int128 value = random() % 2 == 0 ? wide % most : -(wide % most);
      EXPECT_EQ(combiner.combine(residues(value)), value);
    }
    EXPECT_EQ(combiner.combine(residues(most + 1)), std::nullopt);
    EXPECT_EQ(combiner.combine(residues(-most - 1)), std::nullopt);
  }
  // A product of 200 bits: numbers that no Int128 holds are none either.
  const std::vector<std::uint64_t> many = field::ntt_primes_below(40, 9, 5).value();
  EXPECT_EQ(ResidueCombiner(many, kMaxOutputBits).combine(std::vector<std::int64_t>{0, 1, 2, 3, 4}), std::nullopt);
}

template <class Scheme>
struct Client {
  explicit Client(const ExactProgram& program) {
    const ExactParameters& p = program.client.parameters;
    if constexpr (Scheme::kScheme == ExactScheme::kBfv) {
      contexts = Scheme::contexts(testing::InsecureParameters::bfv({.log_degree = p.log_degree, .t = p.primes[0], .limbs = p.limbs,
                                                                    .limb_bits = p.limb_bits, .digits = p.digits}).value(), p).value();
    } else {
      contexts = {testing::InsecureParameters::bgv({.log_degree = p.log_degree, .t = p.primes[0], .levels = p.limbs - 1,
                                                    .limb_bits = p.limb_bits, .digits = p.digits}).value()};
    }
    const fhe::rlwe::RingPtr& ring = contexts[0]->ring();
    const std::uint64_t multiplier = Scheme::kScheme == ExactScheme::kBgv ? p.primes[0] : 1;
    secret.emplace(fhe::rlwe::SecretKey::generate(ring, random));
    relinearization.emplace(fhe::rlwe::make_relinearization_key(*secret, ring->q_count(), multiplier, random));
    rotations = fhe::rlwe::make_rotation_keys(*secret, program.client.rotations, false, ring->q_count(), multiplier, random);
  }
  std::vector<typename Scheme::Ciphertext> encrypt_input(const ExactProgram& program, const std::vector<std::int64_t>& x) {
    std::vector<typename Scheme::Ciphertext> result;
    for (const auto& context : contexts) {
      result.push_back(encrypt(*secret, Scheme::encode(context, spread(program.client.input, x, kSlots, context->t())).value(), random));
    }
    return result;
  }

  std::vector<typename Scheme::ContextPtr> contexts;
  crypto::Csprng random{std::array<std::uint8_t, 32>{5}};
  std::optional<fhe::rlwe::SecretKey> secret;
  std::optional<fhe::rlwe::KeySwitchKey> relinearization;
  fhe::rlwe::GaloisKeys rotations;
};

// Modulo each prime, whether the integers fit their product or not.
template <class Scheme>
void expect_plain_results(const ExactProgram& program, std::uint64_t seed) {
  Client<Scheme> client(program);
  const auto executor = ExactExecutor<Scheme>::create(program, client.contexts).value();
  EXPECT_GT(executor.bytes(), 0u);
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> x(11);
  for (std::int64_t& value : x) value = static_cast<std::int64_t>(random() % 16) - 8;
  const auto outputs = executor.run(client.encrypt_input(program, x), &*client.relinearization, client.rotations);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  const std::vector<Int128> expected = run_plain(program, x).value();
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    const auto predicted = predict<Scheme>(program, skeletons_of(program), *client.contexts[i]).value();
    EXPECT_EQ(Scheme::size_of(prediction_of((*outputs)[i])), Scheme::size_of(predicted));  // no weights could raise it above
    const std::vector<std::int64_t> slots = decode(decrypt(*client.secret, (*outputs)[i]).value());
    const field::Modulus& t = client.contexts[i]->t();
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const auto rest = static_cast<std::int64_t>(expected[k] % static_cast<Int128>(t.value()));
      EXPECT_EQ(slots[program.client.output.positions[k]], t.centered(t.reduce_signed(rest)));
    }
  }
}

TEST(ExactExecutors, GiveWhatThePlainProgramGives) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    expect_plain_results<Bfv>(sample_program(seed, seed % 2 == 0, 1 + seed), seed);
    expect_plain_results<Bgv>(sample_program(seed, seed % 2 == 0, 1, ExactScheme::kBgv), seed);
  }
}

TEST(ExactExecutors, RefuseWhatDoesNotFit) {
  const ExactProgram program = sample_program(1, false, 2);
  Client<Bfv> client(program), other(program);
  const auto executor = ExactExecutor<Bfv>::create(program, client.contexts).value();
  const auto x = client.encrypt_input(program, std::vector<std::int64_t>(11, 3));
  const auto code = [&](const auto& input, const fhe::rlwe::KeySwitchKey* key, const fhe::rlwe::GaloisKeys& rotations) {
    return executor.run(input, key, rotations).error().code;
  };
  EXPECT_EQ(code(other.encrypt_input(program, std::vector<std::int64_t>(11)), &*client.relinearization, client.rotations), ErrorCode::kMismatch);
  EXPECT_EQ(code(std::vector{x[0]}, &*client.relinearization, client.rotations), ErrorCode::kMismatch);
  EXPECT_EQ(code(std::vector{x[1], x[0]}, &*client.relinearization, client.rotations), ErrorCode::kMismatch);
  EXPECT_EQ(code(std::vector{fhe::bfv::square(x[0]).value(), x[1]}, &*client.relinearization, client.rotations), ErrorCode::kMismatch);
  EXPECT_EQ(code(x, nullptr, client.rotations), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(x, &*client.relinearization, {}), ErrorCode::kInvalidArgument);

  ExactProgram deep = program;  // the same parameters, more products
  for (int i = 0; i < 8; ++i) deep.steps.insert(deep.steps.end() - 1, ProductStep{4, 4});
  for (std::size_t i = 4; i + 1 < deep.steps.size(); ++i) deep.steps[i] = ProductStep{static_cast<ValueId>(i), static_cast<ValueId>(i)};
  std::get<ExactAffineStep>(deep.steps.back()).terms[0].value = static_cast<ValueId>(deep.steps.size() - 1);
  EXPECT_EQ(ExactExecutor<Bfv>::create(deep, client.contexts).error().code, ErrorCode::kLimit);
}

base::Bytes resealed(base::Bytes bytes) {
  bytes.resize(bytes.size() - fhe::formats::kChecksumBytes);
  base::ByteWriter writer;
  writer.raw(bytes);
  return fhe::formats::with_checksum(std::move(writer));
}

TEST(ExactProgramFiles, ReadBackAsTheyWere) {
  for (const ExactScheme scheme : {ExactScheme::kBfv, ExactScheme::kBgv}) {
    const ExactProgram program = sample_program(4, true, scheme == ExactScheme::kBfv ? 3 : 1, scheme);
    const base::Bytes bytes = write_exact_program(program), spec = write_exact_client_spec(program.client);
    const auto read = parse_exact_program(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(write_exact_program(*read), bytes);
    EXPECT_EQ(read->client, program.client);
    EXPECT_EQ(parse_exact_client_spec(spec).value(), program.client);
    EXPECT_EQ(run_plain(*read, std::vector<std::int64_t>(11, -5)).value(), run_plain(program, std::vector<std::int64_t>(11, -5)).value());
    EXPECT_TRUE(is_exact(bytes));
    EXPECT_TRUE(is_exact(spec));
    EXPECT_EQ(parse_program(bytes).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(parse_client_spec(spec).error().code, ErrorCode::kUnsupported);
  }
  EXPECT_FALSE(is_exact(base::as_bytes("BPF1")));
  EXPECT_FALSE(is_exact(base::as_bytes("XXXX\1\0\1")));
}

// Whatever a sender makes of a file: it is refused, or it is the one encoding of what it says.
TEST(ExactProgramFiles, AlteredOnesAreRefusedOrCanonical) {
  const ExactProgram sample = sample_program(2, true, 2);
  const base::Bytes program = write_exact_program(sample), spec = write_exact_client_spec(sample.client);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}}) {
      base::Bytes altered = program;
      altered[i] ^= flip;
      EXPECT_FALSE(parse_exact_program(altered).ok());
      altered = resealed(std::move(altered));
      const auto read = parse_exact_program(altered);
      if (read.ok()) {
        EXPECT_EQ(write_exact_program(*read), altered) << i;
      }
      accepted += read.ok();
    }
    EXPECT_FALSE(parse_exact_program(base::ByteSpan(program).first(i)).ok());
  }
  EXPECT_GT(accepted, 100u);
  for (std::size_t i = 0; i < spec.size(); ++i) {
    base::Bytes altered = spec;
    altered[i] ^= 1;
    altered = resealed(std::move(altered));
    const auto read = parse_exact_client_spec(altered);
    if (read.ok()) {
      EXPECT_EQ(write_exact_client_spec(*read), altered) << i;
    }
    EXPECT_FALSE(parse_exact_client_spec(base::ByteSpan(spec).first(i)).ok());
  }
}

TEST(ExactProgramFiles, RefuseWhatNoCompilerWrites) {
  const ExactProgram good = sample_program(3, false, 2);
  const auto refusal = [](const ExactProgram& program) {
    const auto read = parse_exact_program(write_exact_program(program));
    return read.ok() ? std::string() : read.error().message();
  };
  EXPECT_EQ(refusal(good), "");
  ExactProgram bad = good;
  bad.client.output_bits = 60;
  EXPECT_NE(refusal(bad).find("don't fit the product"), std::string::npos);
  bad = good;
  bad.client.parameters.primes[1] = bad.client.parameters.primes[0];
  EXPECT_NE(refusal(bad).find("twice"), std::string::npos);
  bad = good;
  bad.client.parameters.primes[1] += 2;
  EXPECT_NE(refusal(bad).find("prime"), std::string::npos);
  bad = good;
  bad.client.parameters.scheme = ExactScheme::kBgv;
  EXPECT_NE(refusal(bad).find("out of range"), std::string::npos);
  bad = good;
  bad.client.rotations.pop_back();
  EXPECT_NE(refusal(bad).find("rotations"), std::string::npos);
  bad = good;
  bad.client.relinearization = false;
  EXPECT_NE(refusal(bad).find("relinearisation"), std::string::npos);
  bad = good;
  bad.steps[2] = ProductStep{1, 9};
  EXPECT_NE(refusal(bad).find("isn't computed before"), std::string::npos);
  bad = good;
  bad.client.input_max = 1 << 20;
  EXPECT_NE(refusal(bad).find("range"), std::string::npos);
  bad = sample_program(3, false, 1, ExactScheme::kBgv);
  bad.client.parameters.limbs = 3;
  EXPECT_NE(refusal(bad).find("more levels"), std::string::npos);
}

// On coefficients: what the parser lets through fits a polynomial.
TEST(ExactProgramFiles, ProgramsOnCoefficientsAreOneMatrixThatFits) {
  ExactProgram program = sample_program(5, false, 2);
  ExactClientSpec& client = program.client;
  program.steps = {program.steps[0]};
  client.coefficients = true;
  client.parameters.digits = client.parameters.special_limbs = 0;
  client.rotations = {};
  client.relinearization = false;
  auto& affine = std::get<ExactAffineStep>(program.steps[0]);
  affine.layout = client.output = layout_in_order(20);
  client.input = layout_in_order(11);
  client.output_shape = {20};
  const auto read = parse_exact_program(write_exact_program(program));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->client, client);
  EXPECT_EQ(read->client.output, layout_in_order(20));
  const auto refusal = [](const ExactProgram& altered) {
    const auto parsed = parse_exact_program(write_exact_program(altered));
    return parsed.ok() ? std::string() : parsed.error().message();
  };
  ExactProgram bad = program;
  bad.client.parameters.log_degree = 7;  // (20 + 1) 11 > 128
  bad.client.parameters.primes = {257};
  bad.client.output_bits = 7;
  EXPECT_NE(refusal(bad).find("one matrix that fits"), std::string::npos);
  bad = program;
  bad.steps.push_back(ProductStep{1, 1});
  bad.client.relinearization = true;
  bad.client.parameters.digits = bad.client.parameters.special_limbs = 2;
  EXPECT_NE(refusal(bad).find("one matrix that fits"), std::string::npos);
  bad = program;
  bad.client.rotations = {1};
  EXPECT_NE(refusal(bad).find("no rotations"), std::string::npos);
  bad = program;
  bad.client.parameters.digits = 1;
  EXPECT_NE(refusal(bad).find("digits"), std::string::npos);
  bad = program;
  bad.client.coefficients = false;  // slots take keys
  EXPECT_NE(refusal(bad), "");
}

TEST(Coefficients, OfTheProductAreTheMatrixTimesTheVector) {
  std::mt19937_64 random(6);
  const field::Modulus t = field::Modulus::create(65537).value();
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 32}, {3, 16}, {7, 8}, {63, 1}, {2, 21}}) {
    constexpr std::size_t kDegree = 64;
    const IntegerMatrix matrix = random_matrix(rows, columns, random);
    const std::vector<std::int64_t> polynomial = coefficients_of(matrix, kDegree, t);
    std::vector<Int128> x(columns), product(kDegree);
    for (Int128& value : x) value = static_cast<Int128>(random() % 100) - 50;
    for (std::size_t i = 0; i < kDegree; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        (i + j < kDegree ? product[i + j] : product[i + j - kDegree]) += (i + j < kDegree ? 1 : -1) * x[j] * polynomial[i];
      }
    }
    const std::vector<Int128> expected = multiply_add(matrix, x, std::vector<Int128>(rows)).value();
    for (std::size_t row = 0; row < rows; ++row) EXPECT_EQ(product[row * columns], expected[row]);
  }
}

TEST(ExactProgramFiles, RefuseValuesOutOfProportionToTheFile) {
  constexpr std::size_t kElements = 1u << 16;
  ExactProgram program;
  ExactClientSpec& client = program.client;
  client.parameters.log_degree = 17;
  client.parameters.limbs = client.parameters.digits = client.parameters.special_limbs = 1;
  client.parameters.primes = field::ntt_primes_below(20, 18, 1).value();
  client.input_shape = client.output_shape = {kElements};
  client.input = client.output = layout_in_order(kElements);
  client.relinearization = true;
  for (const auto& [steps, ok] : {std::pair<std::size_t, bool>{256, true}, {257, false}}) {
    program.steps.assign(steps, ProductStep{0, 0});
    const auto parsed = parse_exact_program(write_exact_program(program));
    EXPECT_EQ(parsed.ok(), ok);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.error().code, ErrorCode::kLimit) << parsed.error().message();
    }
  }
}

}  // namespace
}  // namespace blindproof::fheml
