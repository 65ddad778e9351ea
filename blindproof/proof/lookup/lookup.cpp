#include "blindproof/proof/lookup/lookup.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/fraction_tree.h"
#include "blindproof/proof/sumcheck/sumcheck.h"

namespace blindproof::proof::lookup {
namespace {

using field::FrVector;

// A run of used cells that are neighbours in the logical and in the padded order.
struct Run {
  std::size_t logical, padded, length;
};

void collect_runs(const TensorLayout& layout, std::size_t axis, std::size_t logical, std::size_t padded, std::size_t begin,
                  std::size_t end, std::vector<Run>& out) {
  const std::size_t shift = layout.axis_shift(axis);
  const std::size_t used = layout.axes()[axis];
  if (axis + 1 == layout.axes().size()) {  // shift is 0
    const std::size_t from = std::max(begin, padded), to = std::min(end, padded + used);
    if (from < to) out.push_back({logical * used + (from - padded), from, to - from});
    return;
  }
  const std::size_t block = std::size_t{1} << shift;
  std::size_t i = begin > padded ? (begin - padded) / block : 0;
  for (; i < used && padded + i * block < end; ++i)
    collect_runs(layout, axis + 1, logical * used + i, padded + i * block, begin, end, out);
}

// Used cells with padded index in [begin, end).
std::vector<Run> runs(const TensorLayout& layout, std::size_t begin, std::size_t end) {
  std::vector<Run> out;
  collect_runs(layout, 0, 0, 0, begin, end, out);
  return out;
}

bool any_used(const TensorLayout& layout, std::size_t begin) {
  // The blocks asked for are aligned powers of two: the smallest index combination with this prefix decides.
  for (std::size_t a = 0; a < layout.axes().size(); ++a) {
    const std::size_t low = begin >> layout.axis_shift(a) & ((std::size_t{1} << layout.axis_bits(a)) - 1);
    if (low >= layout.axes()[a]) return false;
  }
  return true;
}

// One aligned segment of a tree.
struct Segment {
  bool is_table;
  std::size_t index;     // of the table or the look-up
  std::size_t chunk;     // of a look-up larger than a tree
  unsigned bits;
  std::size_t offset;    // in its tree
};

struct Tree {
  std::vector<Segment> segments;
  unsigned bits = 1;
};

std::vector<Tree> plan_trees(std::span<const Table> tables, std::span<const Lookup> lookups, unsigned max_bits) {
  std::vector<Segment> segments;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const auto bits = static_cast<unsigned>(std::bit_width(tables[t].size - 1));
    BLINDPROOF_CHECK(bits <= max_bits, "a table larger than a tree");
    segments.push_back({true, t, 0, bits, 0});
  }
  for (std::size_t l = 0; l < lookups.size(); ++l) {
    const unsigned bits = lookups[l].layout.bits(), part = std::min(bits, max_bits);
    for (std::size_t chunk = 0; chunk < std::size_t{1} << (bits - part); ++chunk)
      if (any_used(lookups[l].layout, chunk << part)) segments.push_back({false, l, chunk, part, 0});
  }
  // Largest first: every segment then starts at a multiple of its size.
  std::stable_sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) { return a.bits > b.bits; });
  std::vector<Tree> trees;
  std::size_t fill = 0;
  for (Segment& s : segments) {
    const std::size_t size = std::size_t{1} << s.bits;
    if (trees.empty() || fill + size > std::size_t{1} << max_bits) {
      trees.emplace_back();
      fill = 0;
    }
    s.offset = fill;
    fill += size;
    trees.back().segments.push_back(s);
    trees.back().bits = std::max(1u, static_cast<unsigned>(std::bit_width(fill - 1)));
  }
  return trees;
}

// eq of the bits of `value` with the point: which segment a leaf index lies in.
Fr select(std::span<const Fr> z, std::size_t value) {
  Fr product = Fr::one();
  for (std::size_t i = 0; i < z.size(); ++i) product *= value >> i & 1 ? z[i] : Fr::one() - z[i];
  return product;
}

struct Challenges {
  Fr alpha, beta;
};

// alpha - id - beta c_0 - beta^2 c_1 - ... for every entry.
std::vector<Fr> table_leaves(const Table& table, const Challenges& ch) {
  std::vector<Fr> leaves(table.size);
  Fr base = ch.alpha - Fr::from_u64(table.id) - ch.beta * Fr::from_i64(table.first);
  std::vector<std::int64_t> last(table.columns(), 0);
  std::vector<Fr> term(table.columns());
  for (std::size_t i = 0; i < table.size; ++i) {
    Fr leaf = base;
    Fr power = ch.beta;
    for (std::size_t c = 1; c < table.columns(); ++c) {
      power *= ch.beta;
      const std::int64_t v = table.entry(i, c);
      if (i == 0 || v != last[c]) {
        term[c] = power * Fr::from_i64(v);
        last[c] = v;
      }
      leaf -= term[c];
    }
    leaves[i] = leaf;
    base -= ch.beta;
  }
  return leaves;
}

// The entry that a tuple names, if it is in the table.
std::optional<std::size_t> find(const Table& table, const std::vector<IntegerSpan>& columns, std::size_t i) {
  const auto v = commit::at(columns[0], i) - table.first;
  if (v < 0 || v >= static_cast<base::Int128>(table.size)) return std::nullopt;
  const auto index = static_cast<std::size_t>(v);
  for (std::size_t c = 1; c < columns.size(); ++c)
    if (commit::at(columns[c], i) != table.entry(index, c)) return std::nullopt;
  return index;
}

poly::FractionLeaves fill_leaves(const Tree& tree, std::span<const Table> tables, std::span<const Lookup> lookups,
                                 const std::vector<std::vector<Fr>>& table_values,
                                 const std::vector<std::vector<std::int32_t>>& multiplicities, const Challenges& ch) {
  const std::size_t size = std::size_t{1} << tree.bits;
  std::vector<Fr> denominators(size, Fr::one()), numerators(size);
  bool all_one = true;
  std::size_t covered = 0;
  for (const Segment& s : tree.segments) {
    if (s.is_table) {
      const auto& leaves = table_values[s.index];
      const auto& m = multiplicities[s.index];
      std::copy(leaves.begin(), leaves.end(), denominators.begin() + static_cast<std::ptrdiff_t>(s.offset));
      for (std::size_t i = 0; i < m.size(); ++i)
        if (m[i] != 0) numerators[s.offset + i] = Fr::from_i64(-m[i]);
      all_one = false;
      continue;
    }
    const Lookup& lookup = lookups[s.index];
    const Table& table = tables[lookup.table];
    const std::size_t begin = s.chunk << s.bits, end = begin + (std::size_t{1} << s.bits);
    const std::vector<Run> list = runs(lookup.layout, begin, end);
    for (const Run& run : list) covered += run.length;
    base::parallel_ranges(list.size(), std::max<std::size_t>(1, 4096 / (list.empty() ? 1 : list[0].length)),
                          [&](std::size_t from, std::size_t to) {
      for (std::size_t r = from; r < to; ++r) {
        for (std::size_t i = 0; i < list[r].length; ++i) {
          const std::size_t cell = list[r].logical + i, leaf = s.offset + list[r].padded - begin + i;
          numerators[leaf] = Fr::one();
          if (const auto index = find(table, lookup.columns, cell)) {
            denominators[leaf] = table_values[lookup.table][*index];
          } else {  // a dishonest prover's tuple
            Fr value = ch.alpha - Fr::from_u64(table.id), power = ch.beta;
            for (const IntegerSpan& column : lookup.columns) {
              value -= power * commit::to_field(column, cell);
              power *= ch.beta;
            }
            denominators[leaf] = value;
          }
        }
      }
    });
  }
  poly::FractionLeaves leaves;
  leaves.denominators = FrVector(denominators);
  denominators = {};
  if (!all_one || covered != size) leaves.numerators = FrVector(numerators);
  return leaves;
}

// Fractions of one tree, from the root down.
struct TreeClaims {
  std::vector<Scalar> root;  // p0, q0, p1, q1 below the root
  Point z;                   // of the leaves
  Scalar p, q;
};

TreeClaims prove_tree(Context& context, const std::string& label, unsigned bits, poly::FractionTree* tree) {
  TreeClaims out;
  Point z;
  Scalar p, q;
  for (unsigned k = 0; k < bits; ++k) {
    const std::string layer = label + " layer " + std::to_string(k);
    // At the root there is no claim yet: both children are simply committed.
    const Fr lambda = k == 0 ? Fr::zero() : context.challenge(layer + " lambda");
    std::optional<poly::FractionTree::Layer> prover;
    if (tree != nullptr) prover.emplace(tree->layer(k, z, lambda));
    sumcheck::Reduced reduced = sumcheck::prove_fraction_layer(context, layer, p + q * lambda, z, prover ? &*prover : nullptr);
    std::vector<Fr> values;
    if (prover) {
      const poly::FractionEnds ends = prover->ends();
      values = {ends.p0, ends.q0, ends.p1, ends.q1};
    }
    const std::vector<Scalar> end = context.commit(layer + " ends", 4, values);
    if (k == 0) {
      out.root = end;
    } else {
      context.require_zero(layer, -reduced.claim, {{end[0], end[3]}, {end[1], end[2] + end[3] * lambda}});
    }
    const Fr mu = context.challenge(layer + " mu");
    p = end[0] + (end[2] - end[0]) * mu;
    q = end[1] + (end[3] - end[1]) * mu;
    z = std::move(reduced.point);
    z.push_back(mu);
  }
  out.z = std::move(z);
  out.p = std::move(p);
  out.q = std::move(q);
  return out;
}

// sum of all trees' root fractions = 0, with N/D of each tree and the running sum A/B committed.
void require_zero_sum(Context& context, const std::string& label, const std::vector<std::vector<Scalar>>& roots) {
  if (roots.size() == 1) {
    const auto& r = roots[0];
    context.require_zero(label + " root", Scalar(), {{r[0], r[3]}, {r[2], r[1]}});
    return;
  }
  Scalar a, b;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto& r = roots[i];
    const std::string name = label + " root " + std::to_string(i);
    std::vector<Fr> values;
    if (context.proving()) {
      const Fr n = r[0].value() * r[3].value() + r[2].value() * r[1].value(), d = r[1].value() * r[3].value();
      values = {n, d, n, d};
      if (i > 0) {
        values[2] = a.value() * d + n * b.value();
        values[3] = b.value() * d;
      }
    }
    const std::vector<Scalar> s = context.commit(name, 4, values);
    context.require_zero(name + " numerator", -s[0], {{r[0], r[3]}, {r[2], r[1]}});
    context.require_zero(name + " denominator", -s[1], {{r[1], r[3]}});
    if (i == 0) {
      context.require_zero(name + " first numerator", s[2] - s[0]);
      context.require_zero(name + " first denominator", s[3] - s[1]);
    } else {
      context.require_zero(name + " running numerator", -s[2], {{a, s[1]}, {s[0], b}});
      context.require_zero(name + " running denominator", -s[3], {{b, s[1]}});
    }
    a = s[2];
    b = s[3];
  }
  context.require_zero(label + " root", a);
}

}  // namespace

void prove_lookups(Context& context, std::string_view label_view, std::span<const Table> tables,
                   std::span<const Lookup> lookups, const ColumnClaims& claims, unsigned max_tree_bits) {
  const std::string label(label_view);
  // Multiplicities, before any challenge.
  const auto shared = std::make_shared<std::vector<std::vector<std::int32_t>>>(tables.size());
  context.keep_alive(shared);  // openings read them in finish()
  std::vector<std::vector<std::int32_t>>& multiplicities = *shared;
  if (context.proving()) {
    for (std::size_t t = 0; t < tables.size(); ++t) multiplicities[t].resize(tables[t].size);
    for (const Lookup& lookup : lookups) {
      const Table& table = tables[lookup.table];
      BLINDPROOF_CHECK(lookup.columns.size() == table.columns(), "one column of values per column of the table");
      auto& counts = multiplicities[lookup.table];
      for (std::size_t i = 0; i < lookup.layout.cells(); ++i)
        if (const auto index = find(table, lookup.columns, i)) ++counts[*index];
    }
  }
  std::vector<zk::TensorId> multiplicity_tensors;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const IntegerSpan values = std::span<const std::int32_t>(multiplicities[t]);
    multiplicity_tensors.push_back(context.commit_tensor(label + " multiplicities " + std::to_string(tables[t].id),
                                                         TensorLayout({tables[t].size}),
                                                         context.proving() ? &values : nullptr));
  }
  Challenges ch;
  ch.beta = context.challenge(label + " beta");
  ch.alpha = context.challenge(label + " alpha");
  std::vector<std::vector<Fr>> table_values(tables.size());
  if (context.proving())
    base::parallel_for(tables.size(), [&](std::size_t t) { table_values[t] = table_leaves(tables[t], ch); });

  const std::vector<Tree> trees = plan_trees(tables, lookups, max_tree_bits);
  std::vector<std::vector<Scalar>> roots;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    const Tree& plan = trees[i];
    const std::string name = trees.size() == 1 ? label + " tree" : label + " tree " + std::to_string(i);
    std::optional<poly::FractionTree> tree;
    if (context.proving()) tree.emplace(fill_leaves(plan, tables, lookups, table_values, multiplicities, ch));
    const TreeClaims result = prove_tree(context, name, plan.bits, tree ? &*tree : nullptr);
    tree.reset();
    roots.push_back(result.root);

    // What the leaves' polynomials are at z, from the columns.
    Scalar p = result.p, q = result.q;
    Fr covered = Fr::zero();  // used part of the leaves at z
    for (const Segment& s : plan.segments) {
      const std::span<const Fr> z_all = result.z;
      const Point low(z_all.begin(), z_all.begin() + s.bits);
      const Fr selector = select(z_all.subspan(s.bits), s.offset >> s.bits);
      const Table& table = tables[s.is_table ? s.index : lookups[s.index].table];
      const std::string where = name + " segment " + std::to_string(s.offset);
      if (s.is_table) {
        const zk::TensorId tensor = multiplicity_tensors[s.index];
        const IntegerSpan m = std::span<const std::int32_t>(multiplicities[s.index]);
        const Scalar at_z = context.commit_one(
            where + " multiplicity", context.proving() ? commit::evaluate(context.layout(tensor), m, low) : Fr::zero());
        context.open(tensor, low, at_z);
        p += at_z * selector;
        const Fr ones = poly::cut_sum_at(low, table.size);
        Fr value = (ch.alpha - Fr::from_u64(table.id)) * ones, power = ch.beta;
        for (std::size_t c = 0; c < table.columns(); ++c) {
          value -= power * table.column_at(low, c);
          power *= ch.beta;
        }
        q -= Scalar(selector * value);
        covered += selector * ones;
      } else {
        const TensorLayout& layout = lookups[s.index].layout;
        Point z = low;
        for (unsigned b = s.bits; b < layout.bits(); ++b)
          z.push_back(s.chunk >> (b - s.bits) & 1 ? Fr::one() : Fr::zero());
        const Fr ones = layout.ones_at(z);
        const std::vector<Scalar> columns = claims(s.index, z);
        BLINDPROOF_CHECK(columns.size() == table.columns(), "one claim per column of the table");
        Scalar value((ch.alpha - Fr::from_u64(table.id)) * ones);
        Fr power = ch.beta;
        for (const Scalar& column : columns) {
          value -= column * power;
          power *= ch.beta;
        }
        p -= Scalar(selector * ones);
        q -= value * selector;
        covered += selector * ones;
      }
    }
    context.require_zero(name + " numerators", p);
    context.require_zero(name + " denominators", q - Scalar(Fr::one() - covered));
  }
  require_zero_sum(context, label, roots);
}

}  // namespace blindproof::proof::lookup
