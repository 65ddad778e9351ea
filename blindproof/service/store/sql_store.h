// The engines: SQL databases, one set of statements for all.
#pragma once

#include <filesystem>
#include <memory>

#include "blindproof/service/store/store.h"

namespace blindproof::service::store {

// Each makes the database's tables, or brings older ones up to date.
// Errors: kIo; kUnsupported for the database of a newer program.

/// One file in WAL mode, which several processes of one machine may share.
base::Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path);
/// `address`: "postgresql://user@host/database" or another form of libpq's; what it doesn't say comes from the environment (PGPASSWORD, PGHOST, ...).
/// The database must exist. A lost connection is made again by the next call.
base::Result<std::unique_ptr<Store>> open_postgresql_store(const std::string& address);

}  // namespace blindproof::service::store
