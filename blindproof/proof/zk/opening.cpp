// All claims tensor~(z_i) = v_i together. With rho random and u_i the combination of tensor i's rows by eq(z_i's row part):
//   sum_i rho^i v_i = sum_x sum_i rho^i f_i(x) u_i(x),      f_i(x) = eq(z_i's column part, x) on used columns, 0 elsewhere
// A sum-check over the column variables brings this to one point x, where
//   claim = sum_j eq(x, j) U[j],        U = sum_i rho^i f_i(x) u_i
// and U's commitment is the same combination of row commitments: no evaluation has to be committed in between.
#include <algorithm>
#include <map>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/multilinear.h"
#include "blindproof/poly/sumcheck_prover.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {
namespace {

// Claims with the same column function share one table.
struct Group {
  std::vector<Fr> u;  // 2^column_bits, sum of rho^i u_i
  std::vector<Fr> f;
  unsigned column_bits;
};

}  // namespace

Context::Derived Context::prove_openings() {
  Derived derived;
  if (openings_.empty()) return derived;
  derived.present = true;
  unsigned variables = 0;
  for (const Opening& o : openings_) variables = std::max(variables, tensors_[o.tensor].layout.column_bits());

  const Fr rho = challenge("open rho");
  std::vector<Fr> weights(openings_.size());
  Scalar claim;
  Fr power = Fr::one();
  for (std::size_t i = 0; i < openings_.size(); ++i) {
    weights[i] = power;
    claim += openings_[i].value * power;
    power *= rho;
  }
  std::vector<std::vector<Fr>> row_weights(openings_.size());
  for (std::size_t i = 0; i < openings_.size(); ++i)
    row_weights[i] = tensors_[openings_[i].tensor].layout.row_weights(openings_[i].z);

  // Prover: tables, grouped by column function.
  std::vector<Group> groups;
  std::vector<poly::ProductProver> provers;
  std::vector<Fr> sums;   // <f, u>, of tables with fewer variables than there are
  std::vector<Fr> scale;  // what rounds above a table's variables have left of it
  // u of each (opening, class), kept for U.
  struct Part {
    std::size_t opening;
    bool partial;
    std::vector<Fr> u;
  };
  std::vector<Part> parts;
  if (proving()) {
    std::map<std::pair<std::vector<std::size_t>, std::vector<std::array<std::uint8_t, 32>>>, std::size_t> index;
    for (std::size_t i = 0; i < openings_.size(); ++i) {
      const Tensor& tensor = tensors_[openings_[i].tensor];
      const TensorLayout& layout = tensor.layout;
      const unsigned bits = layout.column_bits();
      const std::span<const Fr> z = std::span<const Fr>(openings_[i].z).first(bits);
      for (bool partial : {false, true}) {
        if (partial ? !layout.has_partial() : !layout.has_full()) continue;
        std::vector<Fr> u = commit::combine_class(layout, tensor.secret->values, row_weights[i], partial);
        const std::vector<std::uint32_t> columns = layout.columns(partial);
        std::vector<std::size_t> shape = layout.axes();
        shape.push_back(partial);
        std::vector<std::array<std::uint8_t, 32>> key;
        for (const Fr& c : z) key.push_back(c.to_bytes());
        const auto [it, fresh] = index.emplace(std::make_pair(std::move(shape), std::move(key)), groups.size());
        if (fresh) {
          Group group{std::vector<Fr>(std::size_t{1} << bits), std::vector<Fr>(std::size_t{1} << bits), bits};
          const std::vector<Fr> eq = poly::eq_values(z);
          for (std::uint32_t column : columns) group.f[column] = eq[column];
          groups.push_back(std::move(group));
        }
        Group& group = groups[it->second];
        for (std::size_t k = 0; k < u.size(); ++k) group.u[columns[k]] += weights[i] * u[k];
        parts.push_back({i, partial, std::move(u)});
      }
    }
    for (const Group& group : groups) {
      provers.emplace_back(field::FrVector(group.f), field::FrVector(group.u));
      Fr sum = Fr::zero();
      if (group.column_bits < variables)
        for (std::size_t k = 0; k < group.u.size(); ++k) sum += group.f[k] * group.u[k];
      sums.push_back(sum);
    }
    scale.assign(groups.size(), Fr::one());
  }

  Point x(variables);
  for (unsigned round = 0; round < variables; ++round) {
    const unsigned variable = variables - 1 - round;
    std::vector<Fr> coefficients;
    if (proving()) {
      std::vector<poly::QuadraticRound> rounds(groups.size());
      base::parallel_for(groups.size(), [&](std::size_t g) {
        // A table with fewer variables is zero where this one is 1: its part is sum * (1-X)^2.
        rounds[g] = variable >= groups[g].column_bits ? poly::QuadraticRound{sums[g], sums[g]} : provers[g].round();
      });
      Fr c0 = Fr::zero(), c2 = Fr::zero();
      for (std::size_t g = 0; g < groups.size(); ++g) {
        c0 += scale[g] * rounds[g].at_zero;
        c2 += scale[g] * rounds[g].leading;
      }
      coefficients = {c0, c2};
    }
    const std::vector<Scalar> c = commit("open round " + std::to_string(round), 2, coefficients);
    const Fr r = challenge("open r" + std::to_string(round));
    // c1 = claim - 2 c0 - c2, so that s(0) + s(1) = claim by construction.
    claim = c[0] + (claim - c[0] * Fr::from_u64(2) - c[1]) * r + c[1] * r.squared();
    x[variable] = r;
    if (proving()) {
      base::parallel_for(groups.size(), [&](std::size_t g) {
        if (variable >= groups[g].column_bits) {
          scale[g] *= (Fr::one() - r).squared();
        } else {
          provers[g].bind(r);
        }
      });
    }
  }

  // U and its commitment.
  const std::size_t slots = std::size_t{1} << variables;
  Message u{static_cast<std::uint32_t>(slots), true, 0, {}, {}};
  if (proving()) u.values.assign(slots, Fr::zero());
  for (std::size_t i = 0; i < openings_.size(); ++i) {
    const TensorLayout& layout = tensors_[openings_[i].tensor].layout;
    Fr weight[2];
    for (bool partial : {false, true}) {
      if (partial ? layout.has_partial() : layout.has_full())
        weight[partial] = weights[i] * layout.column_weight_at(openings_[i].z, partial, x);
    }
    for (std::size_t row = 0; row < layout.rows(); ++row) {
      const Fr coefficient = weight[layout.is_partial(row)] * row_weights[i][row];
      if (coefficient.is_zero()) continue;
      derived.rows.push_back({openings_[i].tensor, row, coefficient});
      if (proving()) u.blind += coefficient * tensors_[openings_[i].tensor].secret->blinds[row];
    }
    for (const Part& part : parts) {
      if (part.opening != i) continue;
      const std::vector<std::uint32_t> columns = layout.columns(part.partial);
      for (std::size_t k = 0; k < part.u.size(); ++k) u.values[columns[k]] += weight[part.partial] * part.u[k];
    }
  }
  messages_.push_back(std::move(u));
  derived.message = static_cast<std::uint32_t>(messages_.size() - 1);

  Scalar end = -claim;
  const std::vector<Fr> eq = poly::eq_values(x);
  for (std::uint32_t j = 0; j < slots; ++j)
    end += Scalar(derived.message, j, proving() ? messages_.back().values[j] : Fr::zero()) * eq[j];
  require_zero("opening", std::move(end));
  return derived;
}

}  // namespace blindproof::proof::zk
