#include "blindproof/engine/groth16_files.h"

#include <nlohmann/json.hpp>

#include "blindproof/base/file.h"
#include "blindproof/groth16/decimal.h"

namespace blindproof::engine {
namespace {

using curve::Fq2;
using curve::G1Affine;
using curve::G2Affine;
using field::Fq;
using field::Fr;
using groth16::to_decimal;
using Json = nlohmann::ordered_json;

constexpr const char* kInsecure = "blindproof_insecure";

// Explicitly arrays: lists of pairs would become objects.
Json to_json(const Fq2& a) { return Json::array({to_decimal(a.c0), to_decimal(a.c1)}); }
Json to_json(const G1Affine& point) {
  if (point.is_identity()) return Json::array({"0", "1", "0"});
  return Json::array({to_decimal(point.x), to_decimal(point.y), "1"});
}
Json to_json(const G2Affine& point) {
  if (point.is_identity()) return Json::array({to_json(Fq2::zero()), to_json(Fq2::one()), to_json(Fq2::zero())});
  return Json::array({to_json(point.x), to_json(point.y), to_json(Fq2::one())});
}

// Reads one file; the first thing that is wrong stays.
class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  bool ok() const { return !error_.has_value(); }
  base::Error error() const { return *error_; }
  void fail(std::string detail, base::ErrorCode code = base::ErrorCode::kMalformed) {
    if (!error_) error_ = base::error(code, name_, std::move(detail));
  }

  const Json& member(const Json& object, const char* key) {
    static const Json missing;
    if (object.is_object() && object.contains(key)) return object[key];
    fail(std::string("has no \"") + key + "\"");
    return missing;
  }
  void require(const Json& object, const char* key, const char* value) {
    const Json& found = member(object, key);
    if (ok() && !(found.is_string() && found.get_ref<const std::string&>() == value)) {
      fail(std::string("\"") + key + "\" must be \"" + value + "\"", base::ErrorCode::kUnsupported);
    }
  }
  template <class Field>
  Field number(const Json& json) {
    if (json.is_string()) {
      if (const std::optional<Field> value = groth16::from_decimal<Field>(json.get_ref<const std::string&>())) return *value;
    }
    fail("has a number that is no decimal string below the modulus");
    return {};
  }
  bool is_array(const Json& json, std::size_t size) {
    if (json.is_array() && json.size() == size) return true;
    fail("has a point that isn't " + std::to_string(size) + " coordinates");
    return false;
  }
  Fq2 fq2(const Json& json) {
    if (!is_array(json, 2)) return {};
    return {number<Fq>(json[0]), number<Fq>(json[1])};
  }
  // Affine: the third coordinate is 1, or 0 for the identity.
  G1Affine g1(const Json& json) {
    if (!is_array(json, 3)) return {};
    const Fq z = number<Fq>(json[2]);
    if (z.is_zero()) return {};
    if (!(z == Fq::one())) fail("has a point that isn't affine");
    return {number<Fq>(json[0]), number<Fq>(json[1])};
  }
  G2Affine g2(const Json& json) {
    if (!is_array(json, 3)) return {};
    const Fq2 z = fq2(json[2]);
    if (z.is_zero()) return {};
    if (!(z == Fq2::one())) fail("has a point that isn't affine");
    return {fq2(json[0]), fq2(json[1])};
  }

 private:
  std::string name_;
  std::optional<base::Error> error_;
};

base::Result<Json> parse_json(base::ByteSpan bytes, const std::string& name) {
  Json json = Json::parse(bytes, nullptr, false);
  if (json.is_discarded()) return base::error(base::ErrorCode::kMalformed, name, "is no JSON");
  return json;
}

}  // namespace

std::string proof_json(const groth16::Proof& proof) {
  return Json{{"pi_a", to_json(proof.a)}, {"pi_b", to_json(proof.b)}, {"pi_c", to_json(proof.c)}, {"protocol", "groth16"}, {"curve", "bn128"}}.dump(1) + "\n";
}

std::string public_json(std::span<const Fr> values) {
  Json json = Json::array();
  for (const Fr& value : values) json.push_back(to_decimal(value));
  return json.dump(1) + "\n";
}

std::string verification_key_json(const groth16::VerificationKey& key, bool insecure) {
  const curve::Gt alpha_beta = curve::pairing(key.alpha, key.beta);
  Json product = Json::array(), ic = Json::array();
  for (const std::size_t half : {0u, 3u}) {
    Json part = Json::array();
    for (std::size_t i = half; i < half + 3; ++i) part.push_back(to_json(alpha_beta.coefficients()[i]));
    product.push_back(std::move(part));
  }
  for (const G1Affine& point : key.ic) ic.push_back(to_json(point));
  Json json{{"protocol", "groth16"},          {"curve", "bn128"},
            {"nPublic", key.ic.size() - 1},   {"vk_alpha_1", to_json(key.alpha)},
            {"vk_beta_2", to_json(key.beta)}, {"vk_gamma_2", to_json(key.gamma)},
            {"vk_delta_2", to_json(key.delta)}, {"vk_alphabeta_12", std::move(product)},
            {"IC", std::move(ic)}};
  if (insecure) json[kInsecure] = "development setup: its secrets were known to one process";
  return json.dump(1) + "\n";
}

base::Result<groth16::Proof> parse_proof_json(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(const Json json, parse_json(bytes, name));
  Reader reader(std::move(name));
  reader.require(json, "protocol", "groth16");
  if (json.is_object() && json.contains("curve")) reader.require(json, "curve", "bn128");
  const groth16::Proof proof{reader.g1(reader.member(json, "pi_a")), reader.g2(reader.member(json, "pi_b")), reader.g1(reader.member(json, "pi_c"))};
  if (!reader.ok()) return reader.error();
  return proof;
}

base::Result<std::vector<Fr>> parse_public_json(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(const Json json, parse_json(bytes, name));
  Reader reader(std::move(name));
  if (!json.is_array()) reader.fail("is no list of numbers");
  std::vector<Fr> values;
  for (std::size_t i = 0; reader.ok() && i < json.size(); ++i) values.push_back(reader.number<Fr>(json[i]));
  if (!reader.ok()) return reader.error();
  return values;
}

base::Result<VerificationKeyFile> read_verification_key_json(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxGroth16JsonBytes));
  BLINDPROOF_ASSIGN(const Json json, parse_json(bytes, path.string()));
  Reader reader(path.string());
  reader.require(json, "protocol", "groth16");
  reader.require(json, "curve", "bn128");
  VerificationKeyFile file;
  file.key = {reader.g1(reader.member(json, "vk_alpha_1")), reader.g2(reader.member(json, "vk_beta_2")), reader.g2(reader.member(json, "vk_gamma_2")),
              reader.g2(reader.member(json, "vk_delta_2")), {}};
  const Json& ic = reader.member(json, "IC");
  const Json& count = reader.member(json, "nPublic");
  if (reader.ok() && (!ic.is_array() || !count.is_number_unsigned() || ic.size() != count.get<std::uint64_t>() + 1)) {
    reader.fail("must have one point in \"IC\" more than \"nPublic\" says");
  }
  for (std::size_t i = 0; reader.ok() && i < ic.size(); ++i) file.key.ic.push_back(reader.g1(ic[i]));
  if (!reader.ok()) return reader.error();
  file.insecure = json.contains(kInsecure);
  return file;
}

}  // namespace blindproof::engine
