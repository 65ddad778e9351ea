// One sigma protocol for all records  lin_c + sum a*b = 0.
//   - every product factor is copied into a wide message AB, tied to its source by one more linear record
//   - records are combined by powers of gamma:   sum_m w_m A_m B_m + L(slots) + constant = 0
//   - slot j of the narrow messages enters L through E_j = sum_k a_kj C_k: one masked opening serves all messages; one more
//     combination, by powers of delta, shows that every narrow message can be opened at all
//   - with responses z = d + e v:   sum w z_A z_B + e L(z) + e^2 constant = e t1 + t0,   t1 and t0 committed before e
// Two messages per group (D, z), whatever the number of commitments.
#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {
Context::GroupEquation Context::prove_records(const Derived& derived) {
  // Product factors and their copies.
  std::vector<std::pair<Scalar, Scalar>> products;
  std::vector<std::size_t> product_record;
  for (std::size_t c = 0; c < records_.size(); ++c) {
    for (Product& p : records_[c].products) {
      products.emplace_back(p.a, p.b);
      product_record.push_back(c);
    }
  }
  struct Copy {
    std::uint32_t message, position;
  };
  std::vector<Copy> copies;  // A_0, B_0, A_1, B_1, ...
  std::vector<std::uint32_t> ab_messages;
  for (std::size_t begin = 0; begin < 2 * products.size(); begin += commit::kGenerators) {
    const std::size_t count = std::min(2 * products.size() - begin, commit::kGenerators);
    std::vector<Fr> values;
    if (proving())
      for (std::size_t i = begin; i < begin + count; ++i)
        values.push_back(i % 2 == 0 ? products[i / 2].first.value() : products[i / 2].second.value());
    const std::uint32_t id = commit_message("AB " + std::to_string(ab_messages.size()), count, values, true);
    ab_messages.push_back(id);
    for (std::size_t i = begin; i < begin + count; ++i) {
      const auto position = static_cast<std::uint32_t>(i - begin);
      copies.push_back({id, position});
      const Scalar copy(id, position, proving() ? messages_[id].values[position] : Fr::zero());
      require_zero("factor copy", copy - (i % 2 == 0 ? products[i / 2].first : products[i / 2].second));
    }
  }

  const Fr gamma = challenge("gamma"), delta = challenge("delta");
  std::vector<std::vector<Fr>> linear(messages_.size());  // coefficient of each slot in L
  for (std::size_t k = 0; k < messages_.size(); ++k) linear[k].resize(messages_[k].slots);
  Fr constant = Fr::zero();
  std::vector<Fr> record_weight(records_.size());
  Fr power = gamma;
  for (std::size_t c = 0; c < records_.size(); ++c) {
    record_weight[c] = power;
    constant += power * records_[c].linear.constant();
    for (const Scalar::Term& t : records_[c].linear.terms()) linear[t.message][t.position] += power * t.coefficient;
    power *= gamma;
  }
  std::vector<Fr> product_weight(products.size());
  for (std::size_t m = 0; m < products.size(); ++m) product_weight[m] = record_weight[product_record[m]];

  // Groups: E_0..E_3, knowledge, then each wide message alone.
  struct Group {
    std::string label;
    std::size_t slots;
    std::vector<Fr> functional;                                // by slot; empty: zero
    std::vector<std::pair<std::uint32_t, Fr>> combination;     // messages and coefficients
    std::vector<Fr> v;                                         // prover: the combined value, its blind, and the mask
    Fr s;
    commit::BlindSource::Mask mask;
    std::vector<Fr> z;
    Fr z_blind;
  };
  std::vector<Group> groups;
  for (std::uint32_t j = 0; j < commit::kNarrowSlots; ++j) {
    Group g{"E" + std::to_string(j), commit::kNarrowSlots, std::vector<Fr>(commit::kNarrowSlots), {}, {}, {}, {}, {}, {}};
    g.functional[j] = Fr::one();
    for (std::uint32_t k = 0; k < messages_.size(); ++k)
      if (!messages_[k].wide && j < messages_[k].slots && !linear[k][j].is_zero()) g.combination.emplace_back(k, linear[k][j]);
    groups.push_back(std::move(g));
  }
  {
    Group g{"knowledge", commit::kNarrowSlots, {}, {}, {}, {}, {}, {}, {}};
    Fr weight = delta;
    for (std::uint32_t k = 0; k < messages_.size(); ++k) {
      if (messages_[k].wide) continue;
      g.combination.emplace_back(k, weight);
      weight *= delta;
    }
    groups.push_back(std::move(g));
  }
  std::vector<std::size_t> group_of(messages_.size(), 0);
  for (std::uint32_t k = 0; k < messages_.size(); ++k) {
    if (!messages_[k].wide) continue;
    group_of[k] = groups.size();
    groups.push_back({"wide " + std::to_string(k), messages_[k].slots, linear[k], {{k, Fr::one()}}, {}, {}, {}, {}, {}});
  }

  // First moves.
  std::vector<std::size_t> first_move(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Group& g = groups[i];
    const std::string label = "D " + g.label;
    if (proving()) {
      g.v.assign(g.slots, Fr::zero());
      for (const auto& [k, coefficient] : g.combination) {
        for (std::size_t j = 0; j < messages_[k].values.size(); ++j) g.v[j] += coefficient * messages_[k].values[j];
        g.s += coefficient * messages_[k].blind;
      }
      g.mask = mask_for(label, g.v, g.s);
      const G1Affine point = commit_values(g.mask.values, g.mask.blind);
      first_move[i] = send_point(label, &point);
    } else {
      first_move[i] = send_point(label, nullptr);
    }
  }
  auto mask_at = [&](const Copy& c) -> const Fr& { return groups[group_of[c.message]].mask.values[c.position]; };
  auto value_at = [&](const Copy& c) -> const Fr& { return groups[group_of[c.message]].v[c.position]; };
  Fr t[2], t_blind[2];  // t0, t1
  std::size_t t_point[2];
  if (proving()) {
    for (std::size_t m = 0; m < products.size(); ++m) {
      const Copy &a = copies[2 * m], &b = copies[2 * m + 1];
      t[0] += product_weight[m] * mask_at(a) * mask_at(b);
      t[1] += product_weight[m] * (value_at(a) * mask_at(b) + mask_at(a) * value_at(b));
    }
    for (const Group& g : groups)
      for (std::size_t j = 0; j < g.functional.size(); ++j) t[1] += g.functional[j] * g.mask.values[j];
  }
  for (int i : {1, 0}) {
    const std::string label = i == 1 ? "T1" : "T0";
    if (proving()) {
      t_blind[i] = blind_for(label, std::span<const Fr>(&t[i], 1));
      const G1Affine point = commit_values(std::span<const Fr>(&t[i], 1), t_blind[i]);
      t_point[i] = send_point(label, &point);
    } else {
      t_point[i] = send_point(label, nullptr);
    }
  }

  const Fr e = challenge("sigma e");
  for (Group& g : groups) {
    g.z.resize(g.slots);
    for (std::size_t j = 0; j < g.slots; ++j) {
      const Fr response = proving() ? g.mask.values[j] + e * g.v[j] : Fr::zero();
      g.z[j] = send_scalar("z " + g.label + " " + std::to_string(j), proving() ? &response : nullptr);
    }
    const Fr response = proving() ? g.mask.blind + e * g.s : Fr::zero();
    g.z_blind = send_scalar("z " + g.label + " blind", proving() ? &response : nullptr);
  }
  const Fr t_response = proving() ? e * t_blind[1] + t_blind[0] : Fr::zero();
  const Fr z_t = send_scalar("z T blind", proving() ? &t_response : nullptr);
  GroupEquation equation;
  if (proving()) return equation;

  // One equation: weights drawn after the last response, else one response could be shifted to cancel an error.
  const Fr fold = challenge("fold");
  equation.message_points.resize(points_);
  equation.generators.resize(commit::kGenerators);
  equation.statement_rows.resize(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].commitment != nullptr) equation.statement_rows[i].resize(tensors_[i].layout.rows());
  Fr weight = fold;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& g = groups[i];
    equation.message_points[first_move[i]] += weight;
    for (const auto& [k, coefficient] : g.combination) {
      const Fr scaled = weight * e * coefficient;
      if (derived.present && k == derived.message) {
        for (const auto& row : derived.rows) {
          const Tensor& tensor = tensors_[row.tensor];
          if (tensor.commitment != nullptr) {
            equation.statement_rows[row.tensor][row.row] += scaled * row.coefficient;
          } else {
            equation.message_points[tensor.first_point + row.row] += scaled * row.coefficient;
          }
        }
      } else {
        equation.message_points[messages_[k].point] += scaled;
      }
    }
    for (std::size_t j = 0; j < g.slots; ++j) equation.generators[j] -= weight * g.z[j];
    equation.h -= weight * g.z_blind;
    weight *= fold;
  }
  Fr check = e.squared() * constant;
  for (std::size_t m = 0; m < products.size(); ++m) {
    const Copy &a = copies[2 * m], &b = copies[2 * m + 1];
    check += product_weight[m] * groups[group_of[a.message]].z[a.position] * groups[group_of[b.message]].z[b.position];
  }
  for (const Group& g : groups)
    for (std::size_t j = 0; j < g.functional.size(); ++j) check += e * g.functional[j] * g.z[j];
  equation.message_points[t_point[1]] += e;
  equation.message_points[t_point[0]] += Fr::one();
  equation.generators[0] -= check;
  equation.h -= z_t;
  return equation;
}

}  // namespace blindproof::proof::zk
