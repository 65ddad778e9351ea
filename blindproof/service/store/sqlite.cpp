#include "blindproof/service/store/sqlite.h"

#include "blindproof/service/store/sql_migrations.h"

namespace blindproof::service::store {
namespace {

constexpr int kBusyMs = 10000;  // other processes' transactions take milliseconds

base::Error failed(sqlite3* database) {
  // Messages name tables and columns, never values.
  return base::error(base::ErrorCode::kIo, "database", database ? sqlite3_errmsg(database) : "there is not enough memory");
}

/// The statement goes back to its database when this is destroyed.
class SqliteQuery final : public Query {
 public:
  SqliteQuery(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~SqliteQuery() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  void bind(std::string_view text) override {
    sqlite3_bind_text64(statement_, ++bound_, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void bind(std::int64_t value) override { sqlite3_bind_int64(statement_, ++bound_, value); }
  void bind(base::ByteSpan bytes) override { sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT); }

  base::Result<bool> step() override {
    switch (sqlite3_step(statement_)) {
      case SQLITE_ROW: return true;
      case SQLITE_DONE: return false;
      default: return failed(database_);
    }
  }
  std::int64_t changed() const override { return sqlite3_changes64(database_); }

  std::string text(int column) const override {
    const auto* bytes = sqlite3_column_text(statement_, column);
    return bytes ? std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
  }
  std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  double real(int column) const override { return sqlite3_column_double(statement_, column); }
  base::Bytes bytes(int column) const override {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return {data, data + sqlite3_column_bytes(statement_, column)};
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

}  // namespace

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

std::span<const char* const> Sqlite::migrations() const { return kSqliteMigrations; }

base::Result<std::unique_ptr<Query>> Sqlite::prepare(const char* sql) {
  Statement& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr) != SQLITE_OK) return failed(database_.get());
    statement.reset(prepared);
  }
  return std::unique_ptr<Query>(std::make_unique<SqliteQuery>(database_.get(), statement.get()));
}

// Takes the write lock at once.
base::Status Sqlite::begin() {
  BLINDPROOF_TRY(run("BEGIN IMMEDIATE"));
  return {};
}
base::Status Sqlite::commit() {
  BLINDPROOF_TRY(run("COMMIT"));
  return {};
}
void Sqlite::roll_back() { static_cast<void>(run("ROLLBACK")); }

}  // namespace blindproof::service::store
