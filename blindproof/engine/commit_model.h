// A model's public key: made by its owner, checked by anybody.
#pragma once

#include "blindproof/base/progress.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

struct CommitOutcome {
  zkml::ModelId model{};
  std::size_t parameters = 0;
  std::size_t rows = 0;
  std::size_t registration_bytes = 0;
  std::size_t file_bytes = 0;
  double seconds = 0;  // commitment and registration proof
};

/// Commits to the model and proves that every parameter is in its range. The same `.bpm` gives the same id.
base::Result<CommitOutcome> commit_model(const Path& model, const Path& out, const base::Progress& progress = {});

struct KeyCheck {
  zkml::ModelId model{};
  std::size_t parameters = 0;
  double seconds = 0;
  std::optional<base::Error> refusal;  // kRejected: some parameter may be out of its range
};

/// Errors: a file that is no model key. A key whose registration is wrong is a refusal.
base::Result<KeyCheck> check_model_key(const Path& key);

}  // namespace blindproof::engine
