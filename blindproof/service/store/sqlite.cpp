#include "blindproof/service/store/sqlite.h"

#include <utility>

namespace blindproof::service::store {
namespace {

constexpr int kBusyMs = 10000;  // other processes' transactions take milliseconds

base::Error failed(sqlite3* database) {
  // Messages name tables and columns, never values.
  return base::error(base::ErrorCode::kIo, "database", database ? sqlite3_errmsg(database) : "there is not enough memory");
}

}  // namespace

base::Result<bool> Query::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return failed(database_);
  }
}

base::Result<Sqlite> Sqlite::open(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Sqlite sqlite(database);
  if (code != SQLITE_OK) return failed(database);
  sqlite3_busy_timeout(database, kBusyMs);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // FULL: an answer that was given survives a loss of power.
  BLINDPROOF_TRY(sqlite.script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"));
  return sqlite;
}

base::Status Sqlite::script(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failed(database_.get());
  return {};
}

base::Result<std::unique_ptr<Query>> Sqlite::prepare(const char* sql) {
  Statement& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr) != SQLITE_OK) return failed(database_.get());
    statement.reset(prepared);
  }
  return std::make_unique<Query>(database_.get(), statement.get());
}

base::Result<Transaction> Transaction::begin(Sqlite& database) {
  BLINDPROOF_TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_) static_cast<void>(database_->run("ROLLBACK"));
}

base::Status Transaction::commit() {
  BLINDPROOF_TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace blindproof::service::store
