// The embedded engine: one SQLite file in WAL mode, which several processes of one machine may share.
#pragma once

#include <filesystem>
#include <memory>

#include "blindproof/service/store/store.h"

namespace blindproof::service::store {

/// Makes the database, or brings an older one up to date.
/// Errors: kIo; kUnsupported for the database of a newer program.
base::Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path);

}  // namespace blindproof::service::store
