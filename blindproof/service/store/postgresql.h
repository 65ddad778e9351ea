// PostgreSQL as a Database: one connection, made again when it was lost.
#pragma once

#include <libpq-fe.h>

#include <unordered_map>

#include "blindproof/service/store/database.h"

namespace blindproof::service::store {

class Postgresql final : public Database {
 public:
  /// `address`: libpq's, "postgresql://..." or "host=... dbname=...".   Errors: kIo.
  static base::Result<Postgresql> connect(const std::string& address);

  base::Status script(const char* sql) override;
  std::span<const char* const> migrations() const override;

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  explicit Postgresql(PGconn* connection) : connection_(connection) {}
  base::Result<std::unique_ptr<Query>> prepare(const char* sql) override;
  base::Status begin() override;
  base::Status commit() override;
  void roll_back() override;
  base::Status reconnect_if_lost();

  std::unique_ptr<PGconn, Finish> connection_;
  std::unordered_map<std::string, std::string> names_;  // of prepared statements, by their text
  bool in_transaction_ = false;
};

}  // namespace blindproof::service::store
