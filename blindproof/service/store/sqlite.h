// SQLite's C interface with results, bound parameters and transactions that roll back.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "blindproof/base/result.h"
#include "blindproof/base/bytes.h"

namespace blindproof::service::store {

/// A running statement. Bind in order, then step; the statement goes back to its database when this is destroyed.
class Query {
 public:
  Query(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  void bind(std::string_view text) { sqlite3_bind_text64(statement_, ++bound_, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8); }
  void bind(const std::string& text) { bind(std::string_view(text)); }
  void bind(const char* text) { bind(std::string_view(text)); }
  void bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }
  void bind(bool value) { bind(std::int64_t{value}); }
  void bind(base::ByteSpan bytes) { sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT); }

  /// True for a row.   Errors: kIo.
  base::Result<bool> step();

  std::string text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    return bytes ? std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  base::ByteSpan bytes(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// One connection.   Caller must: use it from one thread at a time.
class Sqlite {
 public:
  /// Errors: kIo.
  static base::Result<Sqlite> open(const std::filesystem::path& path);

  /// Prepares a statement, or takes the one that was prepared for the same text, and binds values to its parameters.
  /// Errors: kIo.
  template <class... Values>
  base::Result<std::unique_ptr<Query>> query(const char* sql, const Values&... values) {
    BLINDPROOF_ASSIGN(auto result, prepare(sql));
    (result->bind(values), ...);
    return result;
  }
  /// Runs a statement that gives no rows; the number of rows that it changed.
  template <class... Values>
  base::Result<std::int64_t> run(const char* sql, const Values&... values) {
    BLINDPROOF_ASSIGN(const auto result, query(sql, values...));
    BLINDPROOF_TRY(result->step());
    return std::int64_t{sqlite3_changes(database_.get())};
  }
  /// Several statements, without parameters.
  base::Status script(const char* sql);
  std::int64_t last_row() const { return sqlite3_last_insert_rowid(database_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Sqlite(sqlite3* database) : database_(database) {}
  base::Result<std::unique_ptr<Query>> prepare(const char* sql);

  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<std::string, Statement> statements_;  // destroyed before the connection
};

/// Takes the write lock at once, so that what is read doesn't change before it is written. Rolled back unless committed.
class Transaction {
 public:
  static base::Result<Transaction> begin(Sqlite& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  base::Status commit();

 private:
  explicit Transaction(Sqlite& database) : database_(&database) {}
  Sqlite* database_;
};

}  // namespace blindproof::service::store
