// What the engines of SQL databases have in common: statements with bound parameters, transactions that roll back.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"

namespace blindproof::service::store {

/// A running statement. Bind in order, then step.
class Query {
 public:
  Query() = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  virtual ~Query() = default;

  virtual void bind(std::string_view text) = 0;
  virtual void bind(std::int64_t value) = 0;
  virtual void bind(base::ByteSpan bytes) = 0;
  void bind(const std::string& text) { bind(std::string_view(text)); }
  void bind(const char* text) { bind(std::string_view(text)); }
  void bind(bool value) { bind(std::int64_t{value}); }

  /// True for a row.   Errors: kIo; kInvalidArgument for text that the engine can't keep.
  virtual base::Result<bool> step() = 0;
  /// Rows that the statement changed.
  virtual std::int64_t changed() const = 0;

  // Of the row, "" and 0 for null. Columns count from 0.
  virtual std::string text(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual base::Bytes bytes(int column) const = 0;
};

/// One connection.   Caller must: use it from one thread at a time.
class Database {
 public:
  Database() = default;
  Database(Database&&) = default;
  Database& operator=(Database&&) = default;
  virtual ~Database() = default;

  /// Prepares a statement, or takes the one that was prepared for the same text, and binds values to its parameters, written '?'.
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
    return result->changed();
  }
  /// Several statements, without parameters.
  virtual base::Status script(const char* sql) = 0;
  /// From each version of the schema to the next, in this engine's dialect.
  virtual std::span<const char* const> migrations() const = 0;

 protected:
  friend class Transaction;
  virtual base::Result<std::unique_ptr<Query>> prepare(const char* sql) = 0;
  /// What is read in the transaction doesn't change before it is written, in any process.
  virtual base::Status begin() = 0;
  virtual base::Status commit() = 0;
  virtual void roll_back() = 0;
};

/// Rolled back unless committed.
class Transaction {
 public:
  static base::Result<Transaction> begin(Database& database) {
    BLINDPROOF_TRY(database.begin());
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (database_) database_->roll_back();
  }
  base::Status commit() {
    BLINDPROOF_TRY(database_->commit());
    database_ = nullptr;
    return {};
  }

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace blindproof::service::store
