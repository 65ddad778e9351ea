// SQLite as a Database: one file in WAL mode, which several processes of one machine may share.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <unordered_map>

#include "blindproof/service/store/database.h"

namespace blindproof::service::store {

class Sqlite final : public Database {
 public:
  /// Errors: kIo.
  static base::Result<Sqlite> open(const std::filesystem::path& path);

  base::Status script(const char* sql) override;
  std::span<const char* const> migrations() const override;

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Sqlite(sqlite3* database) : database_(database) {}
  base::Result<std::unique_ptr<Query>> prepare(const char* sql) override;
  base::Status begin() override;
  base::Status commit() override;
  void roll_back() override;

  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<std::string, Statement> statements_;  // destroyed before the connection
};

}  // namespace blindproof::service::store
