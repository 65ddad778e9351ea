#include "blindproof/fheml/encrypted_program.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/mapped.h"
#include "blindproof/fhe/formats/packing.h"
#include "blindproof/fhe/rlwe/linear_transform.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/fheml/step_format.h"

namespace blindproof::fheml {
namespace {

using base::ErrorCode;
namespace ckks = fhe::ckks;
namespace formats = fhe::formats;
namespace rlwe = fhe::rlwe;

constexpr std::string_view kPlace = "encrypted program";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMaxSpecBytes = 1 << 24;

base::Error failed(ErrorCode code, std::string detail) { return base::error(code, std::string(kPlace), std::move(detail)); }

std::size_t slots_of(const ClientSpec& client) { return std::size_t{1} << (client.parameters.log_degree - 1); }

// Of the ciphertexts of all steps, in order.
std::vector<std::size_t> limbs_of(const EncryptedProgram& program) {
  const ckks::Parameters& parameters = program.client.parameters;
  const std::vector<int> levels = levels_of(program.steps, parameters.levels);
  std::vector<std::size_t> limbs;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    if (program.terms[i].empty()) continue;
    const auto level = static_cast<std::size_t>(levels[i + 1]);
    for (const EncryptedTerm& term : program.terms[i]) {
      limbs.insert(limbs.end(), term.numbers.size(), ckks::Context::limbs_per_level(parameters) * (level + 2));
    }
    limbs.push_back(ckks::Context::limbs_per_level(parameters) * (level + 1));
  }
  return limbs;
}

// Two polynomials of so many limbs.
std::size_t ciphertext_bytes(const ckks::Parameters& parameters, std::size_t q_limbs) {
  return 2 * q_limbs * (std::size_t{1} << parameters.log_degree) * sizeof(std::uint64_t);
}

std::vector<Rotation> rotations_of(const EncryptedProgram& program) {
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  const std::vector<int> levels = levels_of(program.steps, program.client.parameters.levels);
  RotationSet rotations;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    for (std::size_t j = 0; j < program.terms[i].size(); ++j) {
      const auto& affine = std::get<AffineStep>(program.steps[i].operation);
      for (const std::int64_t fold : SlotMatrix::folds_of(layouts[affine.terms[j].value], affine.layout, slots_of(program.client))) rotations.add(fold, levels[i + 1]);
      const EncryptedTerm& term = program.terms[i][j];
      for (const std::size_t number : term.numbers) {
        rotations.add(static_cast<std::int64_t>(number % term.baby_steps), levels[i + 1] + 1);
        rotations.add(static_cast<std::int64_t>(number - number % term.baby_steps), levels[i + 1] + 1);
      }
    }
  }
  return rotations.list();
}

// So that bounds tell little of the weights.
double rounded_up(double x) { return std::exp2(std::ceil(std::log2(x))); }

EncryptedProgram skeleton_of(const Program& program, const formats::KeyId& key_id) {
  const std::size_t slots = slots_of(program.client);
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  EncryptedProgram result{key_id, program.client, {}, {}};
  for (const Step& step : program.steps) {
    result.terms.emplace_back();
    const auto* affine = std::get_if<AffineStep>(&step.operation);
    if (affine == nullptr) {
      result.steps.push_back(step);
      continue;
    }
    AffineStep hollow{{}, {}, affine->layout};
    for (const AffineStep::Term& term : affine->terms) {
      const Layout& in = layouts[term.value];
      std::vector<std::size_t> numbers = SlotMatrix::numbers_of(term.matrix, in, affine->layout, slots);
      const auto diagonals = rlwe::DiagonalMatrix::create(numbers, slots, 0);
      BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
      const Influence influence(term.matrix, in, affine->layout, slots, term.value == 0);
      Influence::Bounds bounds = influence.bounds();
      for (double* bound : {&bounds.row1, &bounds.row2, &bounds.matrix, &bounds.own_row2, &bounds.own_matrix}) *bound = rounded_up(*bound);
      hollow.terms.push_back({term.value, {}});
      result.terms.back().push_back({diagonals->baby_steps(), std::move(numbers), bounds});
    }
    result.steps.push_back({std::move(hollow), step.magnitude});
  }
  return result;
}

// All before the ciphertexts.
base::Bytes table_of(const EncryptedProgram& program, std::span<const crypto::Digest256> digests) {
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kEncryptedProgramMagic));
  writer.u16(kVersion);
  writer.raw(program.key_id);
  writer.sized(write_client_spec(program.client));
  writer.u64(program.steps.size());
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    writer.f64(step.magnitude);
    writer.u8(static_cast<std::uint8_t>(step.operation.index()));
    const auto* affine = std::get_if<AffineStep>(&step.operation);
    if (affine == nullptr) {
      write_elementwise(writer, step);
      continue;
    }
    writer.u64(affine->layout.positions.size());
    write_layout(writer, affine->layout);
    writer.u8(static_cast<std::uint8_t>(affine->terms.size()));
    for (std::size_t j = 0; j < affine->terms.size(); ++j) {
      const EncryptedTerm& term = program.terms[i][j];
      writer.u32(affine->terms[j].value);
      writer.u32(static_cast<std::uint32_t>(term.baby_steps));
      writer.u64(term.numbers.size());
      for (const std::size_t number : term.numbers) writer.u32(static_cast<std::uint32_t>(number));
      const Influence::Bounds& bounds = term.bounds;
      for (const double bound : {bounds.row1, bounds.row2, bounds.matrix, bounds.own_row2, bounds.own_matrix}) writer.f64(bound);
    }
  }
  for (const crypto::Digest256& digest : digests) writer.raw(digest);
  base::Bytes bytes = formats::with_checksum(std::move(writer));
  bytes.resize(formats::mapped_position(bytes.size()));
  return bytes;
}

// Reads an affine step and checks it against the values before it.
void read_affine(base::ByteReader& reader, std::size_t slots, std::vector<Layout>& layouts, Step& step, std::vector<EncryptedTerm>& terms) {
  AffineStep affine;
  const std::size_t rows = reader.count(slots, 4);
  if (rows == 0) reader.fail("an affine step is empty");
  affine.layout = read_layout(reader, rows, slots);
  const std::size_t count = reader.u8();
  if (count == 0 || count > kMaxTerms) reader.fail("an affine step is empty, or too large");
  for (std::size_t i = 0; reader.ok() && i < count; ++i) {
    const ValueId value = reader.u32();
    if (value >= layouts.size()) {
      reader.fail("a step uses a value that isn't computed before it");
      return;
    }
    if (!SlotMatrix::fits(layouts[value], affine.layout, slots)) reader.fail("a matrix goes between layouts that don't fit");
    EncryptedTerm term{reader.u32(), {}, {}};
    if (term.baby_steps < 1 || term.baby_steps > slots) reader.fail("there are at least one and at most as many baby steps as slots");
    const std::size_t most = std::min(layouts[value].period, affine.layout.period);
    const std::size_t numbers = reader.count(most, 4);
    if (numbers == 0) reader.fail("a matrix is zero");
    for (std::size_t j = 0; reader.ok() && j < numbers; ++j) {
      term.numbers.push_back(reader.u32());
      if (term.numbers[j] >= most || (j > 0 && term.numbers[j] <= term.numbers[j - 1])) reader.fail("diagonals must ascend and lie within the layouts");
    }
    Influence::Bounds& bounds = term.bounds;
    for (double* bound : {&bounds.row1, &bounds.row2, &bounds.matrix, &bounds.own_row2, &bounds.own_matrix}) *bound = read_magnitude(reader);
    affine.terms.push_back({value, {}});
    terms.push_back(std::move(term));
  }
  layouts.push_back(affine.layout);
  step.operation = std::move(affine);
}

base::Result<EncryptedProgram> read_skeleton(base::ByteReader& reader) {
  const base::ByteSpan magic = reader.raw(kEncryptedProgramMagic.size());
  if (reader.ok() && !std::ranges::equal(magic, base::as_bytes(kEncryptedProgramMagic))) reader.fail("is another kind of file");
  if (reader.u16() != kVersion) reader.fail("its version isn't known; this program reads version 1", ErrorCode::kUnsupported);
  EncryptedProgram program{};
  const base::ByteSpan key_id = reader.raw(program.key_id.size());
  const base::ByteSpan spec = reader.sized(kMaxSpecBytes);
  BLINDPROOF_TRY(reader.status());
  std::ranges::copy(key_id, program.key_id.begin());
  BLINDPROOF_ASSIGN(program.client, parse_client_spec(spec));
  const ClientSpec& client = program.client;
  if (client.packing != Packing::kSingle) reader.fail("is for batches", ErrorCode::kUnsupported);
  if (!client.relinearization) reader.fail("its client's spec asks for no relinearisation key");
  const std::size_t count = reader.count(kMaxSteps, 9);
  if (count == 0) reader.fail("it has no steps");
  BLINDPROOF_TRY(reader.status());
  std::vector<Layout> layouts{client.input};
  std::size_t elements = 0;  // most layouts take no bytes of the file
  for (std::size_t i = 0; i < count; ++i) {
    Step step{ProductStep{0, 0}, read_magnitude(reader)};
    program.terms.emplace_back();
    const std::uint8_t tag = reader.u8();
    if (tag == kAffineTag) {
      read_affine(reader, slots_of(client), layouts, step, program.terms.back());
    } else {
      read_elementwise(reader, tag, layouts, step);
    }
    BLINDPROOF_TRY(reader.status());
    program.steps.push_back(std::move(step));
    elements += layouts.back().positions.size();
    if (elements > kMaxSlottedElements) return failed(ErrorCode::kLimit, "its values have more elements than are supported");
  }
  if (layouts.back() != client.output) reader.fail("the output's layout isn't the last step's");
  if (depth_of(program.steps) > client.parameters.levels ||
      levels_of(program.steps, client.parameters.levels).back() != client.output_level) {
    reader.fail("the steps take other levels than the parameters have");
  }
  BLINDPROOF_TRY(reader.status());
  if (rotations_of(program) != client.rotations) reader.fail("the list of rotations isn't that of the steps");
  BLINDPROOF_TRY(reader.status());
  return program;
}

// Encrypts vectors of slots and writes them, one after the other.
class Writer {
 public:
  Writer(base::AtomicFile& file, std::size_t position, const ckks::ContextPtr& context, const rlwe::PublicKey& key, crypto::Csprng& random)
      : file_(file), position_(position), encoder_(context), key_(key), random_(random) {}

  // slots_of(i) for i < count, at one level. Holds a few ciphertexts for each thread.
  base::Status write(std::size_t count, int level, const std::function<std::vector<double>(std::size_t)>& slots) {
    const std::size_t together = 4 * base::thread_count();
    for (std::size_t first = 0; first < count; first += together) {
      const std::size_t size = std::min(together, count - first);
      std::vector<std::optional<base::Result<ckks::Ciphertext>>> made(size);
      std::vector<crypto::SecretSeed> seeds;
      for (std::size_t i = 0; i < size; ++i) {
        std::array<std::uint8_t, 32> seed;
        random_.fill(seed);
        seeds.emplace_back(seed);
        crypto::wipe(seed);
      }
      std::vector<crypto::Digest256> digests(size);
      base::parallel_for(size, [&](std::size_t i) {
        crypto::Csprng random(seeds[i]);
        made[i].emplace(encrypt(slots(first + i), level, random));
        if (!made[i]->ok()) return;
        crypto::Sha256 digest;
        for (const rlwe::NttPoly& part : (**made[i]).parts()) digest.absorb(formats::mapped_words(part));
        digests[i] = digest.finish();
      });
      for (std::size_t i = 0; i < size; ++i) {
        if (!made[i]->ok()) return made[i]->error();
        for (const rlwe::NttPoly& part : (**made[i]).parts()) {
          BLINDPROOF_TRY(file_.write_at(position_, formats::mapped_words(part)));
          position_ += formats::mapped_words(part).size();
        }
        digests_.push_back(digests[i]);
      }
    }
    return {};
  }

  const std::vector<crypto::Digest256>& digests() const noexcept { return digests_; }
  std::size_t position() const noexcept { return position_; }

 private:
  base::Result<ckks::Ciphertext> encrypt(const std::vector<double>& slots, int level, crypto::Csprng& random) const {
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, encoder_.encode(slots, level));
    return ckks::encrypt(key_, plaintext, random);
  }

  base::AtomicFile& file_;
  std::size_t position_;
  ckks::Encoder encoder_;
  const rlwe::PublicKey& key_;
  crypto::Csprng& random_;
  std::vector<crypto::Digest256> digests_;
};

}  // namespace

base::Result<EncryptedProgramOutcome> encrypt_program(const Program& program, const ckks::ContextPtr& context, const formats::KeyId& key_id,
                                                      const rlwe::PublicKey& key, const std::filesystem::path& path, crypto::Csprng& random,
                                                      const base::Progress& progress) {
  if (program.client.packing != Packing::kSingle) {
    return failed(ErrorCode::kUnsupported, "programs for batches can't be encrypted: lower the model with --packing single");
  }
  if (!program.client.relinearization) {
    return failed(ErrorCode::kInvalidArgument, "the client's spec asks for no relinearisation key, which products with encrypted weights take: lower the "
                                               "model again");
  }
  if (key.b.ring_ptr() != context->ring()) return failed(ErrorCode::kMismatch, "the public key is of another ring than the program");
  const EncryptedProgram skeleton = skeleton_of(program, key_id);
  const std::size_t count = limbs_of(skeleton).size();
  BLINDPROOF_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  const std::vector<crypto::Digest256> zeros(count);
  Writer writer(file, table_of(skeleton, zeros).size(), context, key, random);
  const std::vector<int> levels = levels_of(program.steps, context->top_level());
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    progress.report("encrypting weights", i, program.steps.size());
    const auto* affine = std::get_if<AffineStep>(&program.steps[i].operation);
    if (affine == nullptr) continue;
    for (std::size_t j = 0; j < affine->terms.size(); ++j) {
      const SlotMatrix matrix(affine->terms[j].matrix, layouts[affine->terms[j].value], affine->layout, context->slots());
      const EncryptedTerm& term = skeleton.terms[i][j];
      const auto diagonal = [&](std::size_t k) {
        const std::size_t number = term.numbers[k];
        return rlwe::rotated_right(matrix.diagonal(number), context->slots(), number - number % term.baby_steps);
      };
      BLINDPROOF_TRY(writer.write(term.numbers.size(), levels[i + 1] + 1, diagonal));
    }
    const auto bias = [&](std::size_t) { return spread(affine->layout, affine->bias, context->slots()); };
    BLINDPROOF_TRY(writer.write(1, levels[i + 1], bias));
  }
  BLINDPROOF_TRY(file.write_at(0, table_of(skeleton, writer.digests())));
  BLINDPROOF_TRY(file.commit());
  return EncryptedProgramOutcome{count, writer.position()};
}

base::Result<EncryptedProgramFile> EncryptedProgramFile::open(const std::filesystem::path& path, std::size_t max_size) {
  BLINDPROOF_ASSIGN(base::MappedFile memory, base::map_file(path, max_size));
  return parse(std::move(memory));
}

base::Result<EncryptedProgramFile> EncryptedProgramFile::parse(base::ByteSpan bytes) { return parse(formats::mapped_copy(bytes)); }

base::Result<EncryptedProgramFile> EncryptedProgramFile::parse(base::MappedFile memory) {
  const base::ByteSpan bytes = memory.bytes;
  base::ByteReader reader(bytes, kPlace);
  BLINDPROOF_ASSIGN(EncryptedProgram program, read_skeleton(reader));
  EncryptedProgramFile file(std::move(memory), std::move(program));
  const ckks::Parameters& parameters = file.program_.client.parameters;
  for (const std::size_t q_limbs : limbs_of(file.program_)) {
    Stored stored{{}, q_limbs, 0};
    const base::ByteSpan digest = reader.raw(stored.digest.size());
    BLINDPROOF_TRY(reader.status());
    std::ranges::copy(digest, stored.digest.begin());
    file.stored_.push_back(stored);
  }
  const std::size_t table_end = reader.position();
  reader.raw(formats::kChecksumBytes);
  const base::ByteSpan padding = reader.raw(formats::mapped_position(reader.position()) - reader.position());
  BLINDPROOF_TRY(reader.status());
  BLINDPROOF_TRY(formats::checked(bytes.first(table_end + formats::kChecksumBytes), kPlace));
  if (std::ranges::any_of(padding, [](std::uint8_t byte) { return byte != 0; })) reader.fail("the padding isn't zero");
  std::size_t offset = reader.position();
  for (Stored& stored : file.stored_) {
    stored.offset = offset;
    offset += ciphertext_bytes(parameters, stored.q_limbs);
  }
  if (offset != bytes.size()) {
    reader.fail("the file should have " + std::to_string(offset) + " bytes, it has " + std::to_string(bytes.size()));
  }
  BLINDPROOF_TRY(reader.status());
  return file;
}

std::size_t EncryptedProgramFile::bytes() const noexcept { return memory_.bytes.size() - stored_.front().offset; }

base::Result<rlwe::Parts> EncryptedProgramFile::load(std::size_t index, const ckks::Context& context) const {
  const Stored& stored = stored_[index];
  const std::size_t size = ciphertext_bytes(program_.client.parameters, stored.q_limbs);
  if (crypto::sha256(memory_.bytes.subspan(stored.offset, size)) != stored.digest) {
    return failed(ErrorCode::kMalformed, "ciphertext " + std::to_string(index) + " is damaged: its digest doesn't fit");
  }
  rlwe::Parts parts;
  for (std::size_t i = 0; i < 2; ++i) {
    parts.push_back(formats::mapped_poly(memory_, stored.offset + i * size / 2, context.ring(), {stored.q_limbs, false}));
    if (!formats::is_reduced(parts.back())) {
      return failed(ErrorCode::kMalformed, "a residue of ciphertext " + std::to_string(index) + " is not below its modulus");
    }
  }
  if (rlwe::is_transparent(parts)) {
    return failed(ErrorCode::kRejected, "ciphertext " + std::to_string(index) + " holds a plain value, which hides nothing");
  }
  return parts;
}

}  // namespace blindproof::fheml
