#include <array>

#include "blindproof/service/http/api.h"
#include "blindproof/service/http/receipts.h"
#include "blindproof/service/jobs/sealed_blob.h"

namespace blindproof::service::http {
namespace {

Response text_response(const char* type, std::string text) { return {200, {{"Content-Type", type}}, std::move(text)}; }

}  // namespace

Api::Reply Api::get_receipt(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(call.caller.tenant, call.path[0]));
  if (!job) return not_found();
  if (!has_terms(*job)) return problem(404, "no-receipt", "receipts are for jobs with models of listings");
  if (job->status != store::JobStatus::kSucceeded) return problem(409, "not-finished", "a receipt is for a job that succeeded");
  BLINDPROOF_ASSIGN(auto stored, data_.store->receipt_of_job(call.caller.tenant, job->id));
  if (!stored) {
    BLINDPROOF_ASSIGN(const auto model, data_.store->model(job->model));
    BLINDPROOF_ASSIGN(const auto version, data_.store->version(job->model, job->version));
    if (!model || !version) return not_found();
    BLINDPROOF_ASSIGN(const auto proof, data_.store->proof_of_job(job->id));
    BLINDPROOF_ASSIGN(const auto artifacts, data_.store->artifacts(job->id));
    BLINDPROOF_ASSIGN(const chain::Receipt receipt, make_receipt({*job, *model, *version, proof, artifacts}, keys_.receipts));
    const std::array recipients = {data_.server};
    BLINDPROOF_ASSIGN(const jobs::SealedBlob sealed,
                      jobs::seal_bytes(data_.blobs, base::as_bytes(receipt.write()), jobs::receipt_context(job->id), recipients));
    const store::TimeMs now = jobs::now_ms();
    BLINDPROOF_TRY(data_.store->create_receipt({store::make_id(now), job->tenant, job->id, sealed.blob.digest, sealed.key_envelope, now}));
    BLINDPROOF_ASSIGN(stored, data_.store->receipt_of_job(call.caller.tenant, job->id));  // who asked at the same time may have been first
    if (!stored) return not_found();
  }
  BLINDPROOF_ASSIGN(const base::Bytes text, open_bytes(stored->blob, stored->key_envelope, jobs::receipt_context(job->id)));
  return text_response("application/json", std::string(text.begin(), text.end()));
}

Api::Reply Api::get_receipt_key(Call&) { return text_response("text/plain", chain::write_public_key(keys_.receipts.public_key())); }

Api::Reply Api::verify_receipt(Call& call) {
  const std::string text = call.body["receipt"];
  BLINDPROOF_ASSIGN(const chain::Receipt receipt, chain::Receipt::parse(base::as_bytes(text), "receipt"));
  const base::Status status = receipt.verify(keys_.receipts.public_key());
  Json body = {{"is_valid", status.ok()}, {"receipt_hash", base::to_hex(receipt.hash())}};
  if (!status.ok()) body["refused_by"] = status.error().place;
  return json_response(body);
}

Api::Reply Api::submit_receipt(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(call.caller.tenant, call.path[0]));
  if (!job || !has_terms(*job)) return not_found();
  return problem(409, "no-chain", "this service is connected to no chain: download the receipt, then `blindproof receipt settle` and `blindproof chain submit`");
}

}  // namespace blindproof::service::http
