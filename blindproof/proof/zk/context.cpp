#include "blindproof/proof/zk/context.h"

#include "blindproof/base/check.h"

namespace blindproof::proof::zk {

void Context::unique(std::string_view label) {
  BLINDPROOF_CHECK(labels_.emplace(label).second, "a message label is used twice");
}

void Context::absorb(std::string_view label, base::ByteSpan data) {
  unique(label);
  transcript_.absorb(label, data);
}

Fr Context::challenge(std::string_view label) {
  unique(label);
  return transcript_.challenge(label);
}

Point Context::challenge_point(std::string_view label, std::size_t variables) {
  Point point;
  for (std::size_t i = 0; i < variables; ++i) point.push_back(challenge(std::string(label) + " " + std::to_string(i)));
  return point;
}

std::size_t Context::send_point(std::string_view label, const G1Affine* point) {
  unique(label);
  std::array<std::uint8_t, 32> bytes{};
  if (point != nullptr) bytes = curve::encode(*point);
  std::array<std::uint8_t, 32> seen{};
  exchange(Kind::kPoint, bytes, seen);
  transcript_.absorb(label, seen);
  return points_++;
}

G1Affine Context::commit_values(std::span<const Fr> values, const Fr& blind) {
  return generators_.commit(values, blind).to_affine();
}

std::vector<G1Affine> Context::commit_rows(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> blinds) {
  return commit::commit_rows(generators_, layout, values, blinds);
}

void Context::before_commit(std::string_view, std::vector<Fr>&) {}
void Context::before_commit_tensor(std::string_view, const IntegerSpan&) {}

std::uint32_t Context::commit_message(std::string_view label, std::size_t count, std::span<const Fr> values, bool wide) {
  BLINDPROOF_CHECK(count >= 1 && count <= (wide ? commit::kGenerators : commit::kNarrowSlots), "message size");
  Message message{static_cast<std::uint32_t>(count), wide, 0, {}, {}};
  if (proving()) {
    BLINDPROOF_CHECK(values.size() == count, "one value per slot");
    message.values.assign(values.begin(), values.end());
    before_commit(label, message.values);
    message.blind = blind_for(label, message.values);
    const G1Affine point = commit_values(message.values, message.blind);
    message.point = send_point(label, &point);
  } else {
    message.point = send_point(label, nullptr);
  }
  messages_.push_back(std::move(message));
  return static_cast<std::uint32_t>(messages_.size() - 1);
}

std::vector<Scalar> Context::commit(std::string_view label, std::size_t count, std::span<const Fr> values) {
  const std::uint32_t id = commit_message(label, count, values, false);
  std::vector<Scalar> scalars;
  for (std::uint32_t i = 0; i < count; ++i)
    scalars.emplace_back(id, i, proving() ? messages_[id].values[i] : Fr::zero());
  return scalars;
}

Scalar Context::commit_one(std::string_view label, const Fr& value) {
  return commit(label, 1, std::span<const Fr>(&value, 1))[0];
}

void Context::require_zero(std::string_view label, Scalar linear, std::vector<Product> products) {
  records_.push_back({std::string(label), std::move(linear), std::move(products)});
}

TensorId Context::add_tensor(std::string_view name, const TensorCommitment& commitment, const TensorSecret* secret) {
  BLINDPROOF_CHECK(commitment.rows.size() == commitment.layout.rows(), "one commitment per row");
  BLINDPROOF_CHECK(proving() == (secret != nullptr), "a prover has the tensor's values");
  tensors_.push_back({std::string(name), commitment.layout, &commitment, 0, secret, nullptr});
  return static_cast<TensorId>(tensors_.size() - 1);
}

TensorId Context::commit_tensor(std::string_view name, const TensorLayout& layout, const IntegerSpan* values) {
  BLINDPROOF_CHECK(proving() == (values != nullptr), "a prover has the tensor's values");
  Tensor tensor{std::string(name), layout, nullptr, points_, nullptr, nullptr};
  std::vector<G1Affine> rows;
  auto label = [&](std::size_t row) { return std::string(name) + " row " + std::to_string(row); };
  if (proving()) {
    before_commit_tensor(name, *values);
    tensor.own = std::make_unique<TensorSecret>(TensorSecret{*values, {}});
    tensor.secret = tensor.own.get();
    for (std::size_t r = 0; r < layout.rows(); ++r) {
      // The row as field elements is only of interest to tests that solve for blinds.
      std::vector<Fr> row;
      const std::size_t begin = layout.row_begin(r), cells = layout.row_cells(layout.is_partial(r));
      if (wants_row_values()) {
        row.resize(commit::kGenerators);
        const std::vector<std::uint32_t> columns = layout.columns(layout.is_partial(r));
        for (std::size_t k = 0; k < cells; ++k) row[columns[k]] = commit::to_field(*values, begin + k);
      }
      tensor.own->blinds.push_back(blind_for(label(r), row));
    }
    rows = commit_rows(layout, *values, tensor.own->blinds);
  }
  for (std::size_t r = 0; r < layout.rows(); ++r) send_point(label(r), proving() ? &rows[r] : nullptr);
  tensors_.push_back(std::move(tensor));
  return static_cast<TensorId>(tensors_.size() - 1);
}

void Context::open(TensorId tensor, Point z, Scalar value) {
  BLINDPROOF_CHECK(z.size() == tensors_[tensor].layout.bits(), "point of the wrong length");
  openings_.push_back({tensor, std::move(z), std::move(value)});
}

const IntegerSpan& Context::values(TensorId tensor) const {
  BLINDPROOF_CHECK(tensors_[tensor].secret != nullptr, "only a prover knows values");
  return tensors_[tensor].secret->values;
}

Fr Context::send_scalar(std::string_view label, const Fr* value) {
  unique(label);
  std::array<std::uint8_t, 32> bytes{};
  if (value != nullptr) bytes = value->to_bytes();
  std::array<std::uint8_t, 32> seen{};
  exchange(Kind::kScalar, bytes, seen);
  transcript_.absorb(label, seen);
  const auto parsed = Fr::from_bytes(seen);
  if (!parsed) bad_scalar();
  return parsed.value_or(Fr::zero());
}

}  // namespace blindproof::proof::zk
