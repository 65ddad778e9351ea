#include "blindproof/service/store/postgresql.h"

#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "blindproof/service/store/sql_migrations.h"

namespace blindproof::service::store {
namespace {

using base::ErrorCode;

constexpr int kBinary = 1, kInText = 0;
// One lock for all transactions, which take milliseconds: what SQLite does with its file.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7021960134)";

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Outcome = std::unique_ptr<PGresult, Clear>;

/// Messages name tables and columns; details, which have values, are left out.
base::Error failed(PGconn* connection, const PGresult* result) {
  const char* message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const std::string_view code = state ? state : "";
  if (code == "22021" || code == "22P05") return base::error(ErrorCode::kInvalidArgument, "text", "has characters that the database can't keep");
  std::string text = message ? message : PQerrorMessage(connection);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return base::error(ErrorCode::kIo, "database", text.empty() ? "can't be reached" : text);
}

bool is_good(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/// "a=? AND b=?" to "a=$1 AND b=$2". No statement of ours has a question mark in quotes.
std::string numbered(std::string_view sql) {
  std::string text;
  int count = 0;
  for (const char c : sql) {
    if (c == '?') {
      text += "$" + std::to_string(++count);
    } else {
      text += c;
    }
  }
  return text;
}

/// The whole result is here after the first step.
class PostgresqlQuery final : public Query {
 public:
  PostgresqlQuery(PGconn* connection, const std::string& name) : connection_(connection), name_(name) {}

  void bind(std::string_view text) override { values_.emplace_back(text); }
  void bind(std::int64_t value) override {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[7 - i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    values_.push_back(std::move(bytes));
  }
  void bind(base::ByteSpan bytes) override { values_.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }

  base::Result<bool> step() override {
    if (!result_) {
      std::vector<const char*> values;
      std::vector<int> lengths, formats(values_.size(), kBinary);
      for (const std::string& value : values_) {
        values.push_back(value.data());
        lengths.push_back(static_cast<int>(value.size()));
      }
      result_.reset(PQexecPrepared(connection_, name_.c_str(), static_cast<int>(values.size()), values.data(), lengths.data(), formats.data(), kInText));
      if (!is_good(result_.get())) return failed(connection_, result_.get());
    }
    return ++row_ < PQntuples(result_.get());
  }
  std::int64_t changed() const override { return number(PQcmdTuples(result_.get())); }

  std::string text(int column) const override { return std::string(value(column)); }
  std::int64_t integer(int column) const override { return number(value(column)); }
  double real(int column) const override {
    const std::string_view text = value(column);
    double result = 0;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
  }
  base::Bytes bytes(int column) const override {
    std::size_t size = 0;
    const std::unique_ptr<unsigned char, decltype(&PQfreemem)> decoded(
        PQunescapeBytea(reinterpret_cast<const unsigned char*>(PQgetvalue(result_.get(), row_, column)), &size), &PQfreemem);
    return decoded ? base::Bytes(decoded.get(), decoded.get() + size) : base::Bytes();
  }

 private:
  std::string_view value(int column) const {
    return {PQgetvalue(result_.get(), row_, column), static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
  }
  static std::int64_t number(std::string_view text) {
    std::int64_t result = 0;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
  }

  PGconn* connection_;
  const std::string& name_;
  std::vector<std::string> values_;
  Outcome result_;
  int row_ = -1;
};

}  // namespace

base::Result<Postgresql> Postgresql::connect(const std::string& address) {
  // What the address says comes last and wins. A server that is gone is noticed within half a minute.
  const std::array keys = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
                           "application_name", "client_encoding", "dbname", static_cast<const char*>(nullptr)};
  const std::array values = {"10", "10", "5", "3", "30000", "blindproof", "UTF8", address.c_str(), static_cast<const char*>(nullptr)};
  Postgresql database(PQconnectdbParams(keys.data(), values.data(), 1));
  if (PQstatus(database.connection_.get()) != CONNECTION_OK) return failed(database.connection_.get(), nullptr);
  PQsetNoticeProcessor(database.connection_.get(), [](void*, const char*) {}, nullptr);
  BLINDPROOF_TRY(database.script("SET lock_timeout = '10s'"));
  return database;
}

base::Status Postgresql::reconnect_if_lost() {
  if (PQstatus(connection_.get()) == CONNECTION_OK) return {};
  if (in_transaction_) return failed(connection_.get(), nullptr);  // what it had done is gone
  names_.clear();
  PQreset(connection_.get());
  if (PQstatus(connection_.get()) != CONNECTION_OK) return failed(connection_.get(), nullptr);
  const Outcome outcome(PQexec(connection_.get(), "SET lock_timeout = '10s'"));
  if (!is_good(outcome.get())) return failed(connection_.get(), outcome.get());
  return {};
}

base::Status Postgresql::script(const char* sql) {
  BLINDPROOF_TRY(reconnect_if_lost());
  const Outcome outcome(PQexec(connection_.get(), sql));
  if (!is_good(outcome.get())) return failed(connection_.get(), outcome.get());
  return {};
}

std::span<const char* const> Postgresql::migrations() const { return kPostgresqlMigrations; }

base::Result<std::unique_ptr<Query>> Postgresql::prepare(const char* sql) {
  BLINDPROOF_TRY(reconnect_if_lost());
  auto found = names_.find(sql);
  if (found == names_.end()) {
    const std::string name = "s" + std::to_string(names_.size());
    const Outcome outcome(PQprepare(connection_.get(), name.c_str(), numbered(sql).c_str(), 0, nullptr));
    if (!is_good(outcome.get())) return failed(connection_.get(), outcome.get());
    found = names_.emplace(sql, name).first;
  }
  return std::unique_ptr<Query>(std::make_unique<PostgresqlQuery>(connection_.get(), found->second));
}

base::Status Postgresql::begin() {
  BLINDPROOF_TRY(script("BEGIN"));
  in_transaction_ = true;
  if (const base::Status locked = script(kLock); !locked.ok()) {
    roll_back();
    return locked;
  }
  return {};
}
base::Status Postgresql::commit() {
  const Outcome outcome(PQexec(connection_.get(), "COMMIT"));
  if (!is_good(outcome.get())) return failed(connection_.get(), outcome.get());
  // The answer to a transaction that had failed before.
  if (std::string_view(PQcmdStatus(outcome.get())) != "COMMIT") return base::error(ErrorCode::kIo, "database", "rolled the transaction back");
  in_transaction_ = false;
  return {};
}
void Postgresql::roll_back() {
  if (PQstatus(connection_.get()) == CONNECTION_OK) static_cast<void>(script("ROLLBACK"));
  in_transaction_ = false;
}

}  // namespace blindproof::service::store
