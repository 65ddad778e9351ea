#include "blindproof/chain/artifact.h"

#include <algorithm>
#include <charconv>

#include "blindproof/chain/json.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;
using Kind = JsonValue::Kind;

constexpr std::size_t kMaxCode = 1u << 20;

base::Error malformed(std::string_view place, std::string detail) {
  return base::error(ErrorCode::kMalformed, std::string(place), std::move(detail));
}

// The type as selectors have it: tuples spelled out.
base::Result<std::string> canonical_type(const JsonValue& input, std::string_view place) {
  const JsonValue* type = input.find("type");
  if (type == nullptr || !type->is_text() || type->text.empty() || type->text.size() > 64)
    return malformed(place, "an argument without type");
  if (!type->text.starts_with("tuple")) return type->text;
  const JsonValue* components = input.find("components");
  if (components == nullptr || !components->is(Kind::kArray)) return malformed(place, "a tuple without components");
  std::string text = "(";
  for (const JsonValue& component : components->elements) {
    BLINDPROOF_ASSIGN(const std::string inner, canonical_type(component, place));
    text += (text.size() > 1 ? "," : "") + inner;
  }
  return text + ")" + type->text.substr(5);
}

base::Result<std::vector<std::string>> input_types(const JsonValue& entry, std::string_view place) {
  std::vector<std::string> types;
  const JsonValue* inputs = entry.find("inputs");
  if (inputs == nullptr || !inputs->is(Kind::kArray)) return malformed(place, "an entry of the ABI without inputs");
  for (const JsonValue& input : inputs->elements) {
    BLINDPROOF_ASSIGN(std::string type, canonical_type(input, place));
    types.push_back(std::move(type));
  }
  return types;
}

base::Result<base::Bytes> code_of(const JsonValue* value, std::string_view place) {
  // Compilers nest it under evm, frameworks don't.
  if (value != nullptr && value->is_object()) value = value->find("object");
  if (value == nullptr || !value->is_text()) return malformed(place, "is missing");
  std::string_view digits = value->text;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  if (digits.find('_') != std::string_view::npos) {
    return base::error(ErrorCode::kUnsupported, std::string(place), "has to be linked with libraries first");
  }
  if (digits.size() > 2 * kMaxCode) return base::error(ErrorCode::kLimit, std::string(place), "is longer than a chain takes");
  auto bytes = base::from_hex(digits);
  if (!bytes.ok() || bytes->empty()) return malformed(place, "is no code: an abstract contract or an interface?");
  return bytes;
}

base::Result<std::size_t> size_field(const JsonValue& entry, std::string_view field, std::string_view place) {
  const JsonValue* value = entry.find(field);
  std::size_t number = 0;
  if (value == nullptr || !value->is(Kind::kNumber)) return malformed(place, "must have start and length");
  const char* end = value->text.data() + value->text.size();
  const auto [stop, failure] = std::from_chars(value->text.data(), end, number);
  if (failure != std::errc() || stop != end || number > kMaxCode) return malformed(place, "start or length is out of range");
  return number;
}

}  // namespace

bool Artifact::matches(base::ByteSpan code) const {
  if (code.size() != deployed_code.size()) return false;
  base::Bytes masked(code.begin(), code.end());
  for (const CodeGap& gap : immutables) std::fill_n(masked.begin() + static_cast<std::ptrdiff_t>(gap.start), gap.length, std::uint8_t{0});
  return masked == deployed_code;
}

base::Result<Artifact> parse_artifact(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxArtifactBytes;
  limits.depth = 48;
  limits.values = 500'000;
  BLINDPROOF_ASSIGN(const JsonValue json, parse_json(bytes, place, limits));
  const std::string where(place);
  Artifact artifact;
  if (const JsonValue* name = json.find("contractName"); name != nullptr && name->is_text()) artifact.name = name->text;
  const JsonValue* abi = json.find("abi");
  if (abi == nullptr || !abi->is(Kind::kArray)) return malformed(where + ": abi", "is missing: give a compiled contract");
  for (const JsonValue& entry : abi->elements) {
    const JsonValue *type = entry.find("type"), *name = entry.find("name");
    if (type == nullptr || !type->is_text()) return malformed(where + ": abi", "has an entry without type");
    if (type->text == "constructor") {
      BLINDPROOF_ASSIGN(artifact.constructor_types, input_types(entry, where + ": abi"));
    } else if (type->text == "error") {
      if (name == nullptr || !name->is_text()) return malformed(where + ": abi", "has an error without name");
      BLINDPROOF_ASSIGN(const std::vector<std::string> types, input_types(entry, where + ": abi"));
      std::string signature = name->text + "(";
      for (std::size_t i = 0; i < types.size(); ++i) signature += (i > 0 ? "," : "") + types[i];
      signature += ")";
      artifact.errors.emplace(selector_of(signature), signature);
    }
  }
  const JsonValue* evm = json.find("evm");
  const JsonValue& codes = evm != nullptr && evm->is_object() ? *evm : json;
  BLINDPROOF_ASSIGN(artifact.creation_code, code_of(codes.find("bytecode"), where + ": bytecode"));
  BLINDPROOF_ASSIGN(artifact.deployed_code, code_of(codes.find("deployedBytecode"), where + ": deployedBytecode"));
  const JsonValue* gaps = json.find("immutableReferences");
  if (gaps == nullptr) {
    if (const JsonValue* deployed = codes.find("deployedBytecode"); deployed->is_object()) gaps = deployed->find("immutableReferences");
  }
  if (gaps != nullptr) {
    const std::string gap_place = where + ": immutableReferences";
    if (!gaps->is_object()) return malformed(gap_place, "must be an object");
    for (const JsonMember& variable : gaps->members) {
      for (const JsonValue& entry : variable.value.elements) {
        CodeGap gap;
        BLINDPROOF_ASSIGN(gap.start, size_field(entry, "start", gap_place));
        BLINDPROOF_ASSIGN(gap.length, size_field(entry, "length", gap_place));
        if (gap.start > artifact.deployed_code.size() || gap.length > artifact.deployed_code.size() - gap.start)
          return malformed(gap_place, "lies outside the code");
        const auto first = artifact.deployed_code.begin() + static_cast<std::ptrdiff_t>(gap.start);
        if (std::any_of(first, first + static_cast<std::ptrdiff_t>(gap.length), [](std::uint8_t b) { return b != 0; }))
          return malformed(gap_place, "is no gap in the code");
        artifact.immutables.push_back(gap);
      }
    }
  }
  return artifact;
}

base::Result<base::Bytes> creation_data(const Artifact& artifact, std::span<const std::string> arguments) {
  if (arguments.size() != artifact.constructor_types.size()) {
    std::string types;
    for (const std::string& type : artifact.constructor_types) types += (types.empty() ? "" : ", ") + type;
    return base::error(ErrorCode::kInvalidArgument, "--args",
                       "the constructor takes " + std::to_string(artifact.constructor_types.size()) +
                           (types.empty() ? "" : " (" + types + ")") + ", not " + std::to_string(arguments.size()));
  }
  std::vector<AbiValue> values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    BLINDPROOF_ASSIGN(AbiValue value,
                      parse_abi_value(artifact.constructor_types[i], arguments[i], "--args, number " + std::to_string(i + 1)));
    values.push_back(std::move(value));
  }
  base::Bytes data = artifact.creation_code;
  const base::Bytes encoded = encode_arguments(std::move(values));
  data.insert(data.end(), encoded.begin(), encoded.end());
  return data;
}

std::string describe_revert(base::ByteSpan revert, const std::map<std::array<std::uint8_t, 4>, std::string>& errors) {
  if (revert.empty()) return "reverted without saying why";
  constexpr std::size_t kShown = 256;
  if (revert.size() >= 4) {
    std::array<std::uint8_t, 4> selector;
    std::copy_n(revert.begin(), 4, selector.begin());
    AbiReader reader(revert.subspan(4), "revert");
    if (selector == selector_of("Error(string)")) {
      if (const auto text = reader.bytes(kShown); text.ok() && is_utf8({reinterpret_cast<const char*>(text->data()), text->size()})) {
        std::string words(text->begin(), text->end());
        std::ranges::replace_if(
            words, [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; }, ' ');
        return words;
      }
    }
    if (selector == selector_of("Panic(uint256)")) {
      if (const auto code = reader.integer(); code.ok()) return "panic " + to_quantity(*code);
    }
    if (const auto known = errors.find(selector); known != errors.end()) {
      const std::string arguments = base::to_hex(revert.subspan(4).first(std::min(kShown, revert.size() - 4)));
      return known->second + (arguments.empty() ? "" : " with 0x" + arguments);
    }
  }
  return "0x" + base::to_hex(revert.first(std::min(kShown, revert.size())));
}

}  // namespace blindproof::chain
