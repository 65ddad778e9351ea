// For tests of soundness: a prover that alters what it commits and otherwise goes on honestly, and the search for all the
// checks that stand in its way.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {

/// Adds to one cell of values that the test owns.
inline void add_to_cell(const IntegerSpan& values, std::size_t index, base::Int128 delta) {
  std::visit(
      [&](auto cells) {
        using Int = std::remove_const_t<typename decltype(cells)::element_type>;
        const_cast<Int&>(cells[index]) = static_cast<Int>(cells[index] + static_cast<Int>(delta));
      },
      values);
}

/// What is added to committed messages: by label and slot.
using Additions = std::map<std::string, std::map<std::size_t, Fr>>;

class DishonestProver : public ProverContext {
 public:
  explicit DishonestProver(std::string_view protocol, Additions additions = {},
                           std::function<void(std::string_view, const IntegerSpan&)> alter_tensor = {},
                           const Generators& generators = Generators::standard())
      : ProverContext(generators, protocol, std::array<std::uint8_t, 32>{7}, base::as_bytes("witness")),
        additions_(std::move(additions)), alter_tensor_(std::move(alter_tensor)) {}

  const std::vector<std::string>& message_labels() const { return message_labels_; }
  const std::vector<std::string>& tensor_names() const { return tensor_names_; }
  std::size_t point_count() const { return points_; }
  /// Whether a slot is a claim on a tensor: changing it only moves the violation to the opening.
  bool is_opened(std::uint32_t message, std::uint32_t position) const {
    for (const Opening& opening : openings_)
      for (const Scalar::Term& t : opening.value.terms())
        if (t.message == message && t.position == position) return true;
    return false;
  }
  /// Adds G_0 to the n-th point that is sent, so that it commits to something else than what the prover goes on with.
  void shift_point(std::size_t n) { shifted_ = n; }

 protected:
  void before_commit(std::string_view label, std::vector<Fr>& values) override {
    message_labels_.emplace_back(label);
    if (const auto found = additions_.find(std::string(label)); found != additions_.end())
      for (const auto& [slot, delta] : found->second) values.at(slot) += delta;
  }
  void before_commit_tensor(std::string_view name, const IntegerSpan& values) override {
    tensor_names_.emplace_back(name);
    if (alter_tensor_) alter_tensor_(name, values);
  }
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
    std::array<std::uint8_t, 32> bytes{};
    std::copy(sent.begin(), sent.end(), bytes.begin());
    if (kind == Kind::kPoint && shifted_ == points_)
      bytes = curve::encode((G1(*curve::decode(bytes)) + generators_.g()[0]).to_affine());
    ProverContext::exchange(kind, bytes, out);
  }

 private:
  Additions additions_;
  std::function<void(std::string_view, const IntegerSpan&)> alter_tensor_;
  std::vector<std::string> message_labels_, tensor_names_;
  std::optional<std::size_t> shifted_;
};

/// Where a Status or Result failed; "accepted" if it didn't.
template <class T>
std::string place_of(const T& result) {
  return result.ok() ? "accepted" : result.error().place;
}

/// A protocol for both sides: commits, records, opens, but does not finish.
using Protocol = std::function<void(Context&)>;

struct Attempt {
  std::vector<std::string> violated;  // records that don't hold, as the prover knows
  base::Status verdict;
  base::Bytes proof;
};

inline base::Status verify(const Protocol& protocol, base::ByteSpan proof, const Generators& generators = Generators::standard()) {
  VerifierContext verifier(generators, "test", proof);
  protocol(verifier);
  return verifier.finish();
}

inline Attempt finish_and_verify(const Protocol& protocol, DishonestProver& prover) {
  protocol(prover);
  Attempt result;
  result.proof = prover.finish();
  result.violated = prover.violated();
  result.verdict = verify(protocol, result.proof);
  return result;
}

inline Attempt attempt(const Protocol& protocol, const Additions& additions = {},
                       std::function<void(std::string_view, const IntegerSpan&)> alter_tensor = {}) {
  DishonestProver prover("test", additions, std::move(alter_tensor));
  return finish_and_verify(protocol, prover);
}

/// "node 12 dense" and "node 3 dense" are checks of one kind: "node # dense".
inline std::string kind_of(const std::string& label) {
  std::string kind;
  for (char c : label) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !kind.empty() && kind.back() == '#') continue;
    kind += digit ? '#' : c;
  }
  return kind;
}

/// Slots whose change repairs a record without touching an earlier one, with the change.
struct Repair {
  std::string label;
  std::size_t slot;
  Fr delta;
  bool opened;
};

inline std::vector<Repair> repairs(const DishonestProver& prover, std::size_t record) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> taken;  // slots of earlier records
  const auto take = [&](const Scalar& s) {
    for (const Scalar::Term& t : s.terms()) taken.insert({t.message, t.position});
  };
  for (std::size_t i = 0; i < record; ++i) {
    take(prover.records()[i].linear);
    for (const Product& p : prover.records()[i].products) {
      take(p.a);
      take(p.b);
    }
  }
  const Context::Record& r = prover.records()[record];
  Fr residual = r.linear.value();
  std::map<std::pair<std::uint32_t, std::uint32_t>, Fr> slopes;
  std::set<std::pair<std::uint32_t, std::uint32_t>> squared;
  for (const Scalar::Term& t : r.linear.terms()) slopes[{t.message, t.position}] += t.coefficient;
  for (const Product& p : r.products) {
    residual += p.a.value() * p.b.value();
    for (const Scalar::Term& t : p.a.terms()) {
      slopes[{t.message, t.position}] += t.coefficient * p.b.value();
      for (const Scalar::Term& u : p.b.terms())
        if (u.message == t.message && u.position == t.position) squared.insert({t.message, t.position});
    }
    for (const Scalar::Term& t : p.b.terms()) slopes[{t.message, t.position}] += t.coefficient * p.a.value();
  }
  std::vector<Repair> out;
  for (const auto& [slot, slope] : slopes) {
    const auto& [message, position] = slot;
    // Labels know the messages up to the openings' own; what comes after depends on challenges that a change would move.
    if (message >= prover.message_labels().size() || slope.is_zero() || squared.contains(slot)) continue;
    const std::string& label = prover.message_labels()[message];
    // Roots of trees are checked after their layers, the last one first: those may be altered although others speak of them.
    const bool is_root = label.ends_with(" layer 0 ends") || label.find(" root ") != std::string::npos;
    if (taken.contains(slot) && !is_root) continue;
    if (label.find(" round ") != std::string::npos || label.starts_with("AB ")) continue;
    out.push_back({label, position, -residual * slope.inverse(), prover.is_opened(message, position)});
  }
  // Claims that aren't opened come first: they are what later checks are about.
  std::stable_partition(out.begin(), out.end(), [](const Repair& repair) { return !repair.opened; });
  return out;
}

/// Follows one forgery: alters the newest message of some violated record, but none of kind `keep`, so that it holds, and again,
/// until nothing can be repaired or only records of kind `keep` are left. Returns the kinds of records that were, at some step,
/// the only ones in the way. `on_accept` is told if the verifier accepts, with the trail.
inline std::set<std::string> chase(const Protocol& protocol, Additions additions, std::mt19937_64& random,
                                   const std::function<void(const std::string&)>& on_accept, const std::string& keep = "") {
  std::set<std::string> alone;
  std::string trail;
  for (int step = 0; step < 16; ++step) {
    DishonestProver prover("test", additions);
    const Attempt result = finish_and_verify(protocol, prover);
    if (result.violated.size() == 1) alone.insert(kind_of(result.violated[0]));
    if (result.verdict.ok()) on_accept(trail);
    if (result.verdict.ok() || alone.contains(keep)) break;
    std::vector<std::pair<std::size_t, std::vector<Repair>>> options;  // by record
    for (std::size_t r = 0; r < prover.records().size(); ++r) {
      const std::string& label = prover.records()[r].label;
      if (label == "opening") break;
      if (kind_of(label) == keep || std::find(result.violated.begin(), result.violated.end(), label) == result.violated.end()) continue;
      auto possible = repairs(prover, r);
      if (!possible.empty()) options.emplace_back(r, std::move(possible));
    }
    if (options.empty()) break;
    const auto& [record, possible] = options[random() % options.size()];
    const auto fresh = static_cast<std::size_t>(std::count_if(possible.begin(), possible.end(), [](const Repair& each) { return !each.opened; }));
    const Repair& choice = possible[random() % (fresh > 0 && random() % 8 != 0 ? fresh : possible.size())];
    additions[choice.label][choice.slot] += choice.delta;
    trail += " > " + prover.records()[record].label + " by " + choice.label;
  }
  return alone;
}

/// The kinds of checks for which no forgery is found, in some trails, that they alone stand in the way of. A trail starts at
/// one random message altered.
inline std::vector<std::string> never_alone(const Protocol& protocol, std::vector<std::string> checks, int trails, std::mt19937_64& random,
                                            const std::function<void(const std::string&)>& on_accept) {
  DishonestProver names("test");
  protocol(names);
  std::set<std::string> alone;
  for (const std::string& check : checks) {
    for (int trail = 0; trail < trails && !alone.contains(check); ++trail) {
      Additions additions;
      if (trail % 4 != 0) additions[names.message_labels()[random() % names.message_labels().size()]][0] = Fr::from_u64(random());
      alone.merge(chase(protocol, additions, random, on_accept, check));
    }
  }
  std::erase_if(checks, [&](const std::string& check) { return alone.contains(check); });
  return checks;
}

}  // namespace blindproof::proof::zk
