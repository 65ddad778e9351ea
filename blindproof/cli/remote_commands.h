// The groups of `blindproof remote`.
#pragma once

#include "blindproof/cli/session.h"

namespace blindproof::cli {

void add_remote_model_commands(CLI::App& remote, Session& session);   // models, keys
void add_remote_job_commands(CLI::App& remote, Session& session);     // infer, jobs, proofs, protocol
void add_remote_market_commands(CLI::App& remote, Session& session);  // listings, receipts

}  // namespace blindproof::cli
