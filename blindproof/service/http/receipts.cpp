#include "blindproof/service/http/receipts.h"

#include <algorithm>

#include "blindproof/envelope/json.h"
#include "blindproof/service/http/decimal.h"

namespace blindproof::service::http {
namespace {

using base::ErrorCode;
using chain::JsonValue;

JsonValue number(std::int64_t value) { return JsonValue::make_number(static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0))); }

}  // namespace

base::Result<chain::Receipt> make_receipt(const ReceiptSubject& subject, const chain::Ed25519SecretKey& key) {
  const store::Job& job = subject.job;
  const envelope::Json request = envelope::Json::parse(job.request, nullptr, false);
  if (!request.is_object() || !request.contains("terms")) return base::error(ErrorCode::kMalformed, "job", "has no terms");
  const envelope::Json& terms = request["terms"];
  const auto price = parse_decimal(terms["price"].get<std::string>());
  const auto total = price ? times(*price, job.samples) : std::nullopt;
  if (!total) return base::error(ErrorCode::kLimit, "price", "is beyond all bounds");

  JsonValue metadata = JsonValue::make_object();
  metadata.set("privacy_level", JsonValue::make_text(job.kind));
  metadata.set("listing", JsonValue::make_text(terms["listing"]));
  metadata.set("currency", JsonValue::make_text(terms["currency"]));
  metadata.set("unit_price", JsonValue::make_text(terms["price"]));
  metadata.set("model", JsonValue::make_text(job.model));
  metadata.set("model_version", number(job.version));
  if (subject.proof) metadata.set("proof", JsonValue::make_text(subject.proof->id));

  JsonValue json = JsonValue::make_object();
  json.set("version", JsonValue::make_text("1.0"));
  json.set("receipt_id", JsonValue::make_text(store::make_id(job.finished_ms)));
  json.set("job_id", JsonValue::make_text(job.id));
  json.set("provider", JsonValue::make_text(subject.model.tenant));
  json.set("client", JsonValue::make_text(job.tenant));
  json.set("units", number(job.samples));
  json.set("unit_type", JsonValue::make_text("inferences"));
  json.set("started_at", number(job.started_ms / 1000));
  json.set("completed_at", number(job.finished_ms / 1000));
  json.set("duration_ms", number(job.finished_ms - job.started_ms));
  json.set("price", JsonValue::make_text(*total));
  json.set("model", JsonValue::make_text(subject.version.model_id));
  // Of a ciphertext the digest is its blob's name; an input in the open has none here that would not tell of it.
  if (job.input_envelope.empty()) json.set("prompt_hash", JsonValue::make_text(job.input_blob));
  if (subject.proof) {
    json.set("artifact_hash", JsonValue::make_text(subject.proof->sha256));
  } else if (!subject.artifacts.empty()) {
    json.set("artifact_hash", JsonValue::make_text(subject.artifacts.front().blob));
  }
  json.set("metadata", std::move(metadata));
  BLINDPROOF_ASSIGN(chain::Receipt receipt, chain::Receipt::from_json(std::move(json), "receipt"));
  receipt.sign(key);
  return receipt;
}

}  // namespace blindproof::service::http
