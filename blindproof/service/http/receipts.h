// Receipts of jobs whose model was used by a listing's terms. Fields: docs/spec/receipts.md; docs/service.md says what they hold here.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/chain/receipt.h"
#include "blindproof/service/store/records.h"

namespace blindproof::service::http {

struct ReceiptSubject {
  store::Job job;  // succeeded, with terms in its request
  store::Model model;
  store::ModelVersion version;
  std::optional<store::Proof> proof;
  std::vector<store::Artifact> artifacts;
};

/// Signed.   Errors: kLimit for a price beyond all bounds; kMalformed if the job has no terms.
base::Result<chain::Receipt> make_receipt(const ReceiptSubject& subject, const chain::Ed25519SecretKey& key);

}  // namespace blindproof::service::http
