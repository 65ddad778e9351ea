// Against a server of its own, on a socket in a temporary folder. Skipped where PostgreSQL's programs aren't installed.
#include <gtest/gtest.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "blindproof/service/store/postgresql.h"
#include "blindproof/service/store/sql_store.h"
#include "blindproof/service/store/store_contract_test.h"

namespace blindproof::service::store {
namespace {

namespace fs = std::filesystem;

/// The folder of initdb and pg_ctl: Debian keeps them out of PATH, by version.
fs::path programs() {
  std::error_code ignored;
  fs::path newest;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(version.path() / "bin" / "postgres") && version.path() / "bin" > newest) newest = version.path() / "bin";
  }
  return newest;
}

class Cluster {
 public:
  Cluster() {
    std::string name = "/tmp/postgresql-XXXXXX";  // sockets have short names
    folder_ = ::mkdtemp(name.data());
    if (::geteuid() == 0) {  // which the server refuses to run as
      if (const passwd* nobody = ::getpwnam("nobody"); nobody != nullptr) user_ = nobody->pw_uid;
      EXPECT_EQ(::chown(folder_.c_str(), user_, static_cast<gid_t>(-1)), 0);
    }
    EXPECT_EQ(run({"initdb", "-D", data(), "-U", "blindproof", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"}), 0);
    start();
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster() {
    stop();
    fs::remove_all(folder_);
  }

  void start() const {
    EXPECT_EQ(run({"pg_ctl", "-D", data(), "-w", "-l", folder_ / "log", "-o", "-F -c listen_addresses='' -k " + folder_.string(), "start"}), 0);
  }
  void stop() const { EXPECT_EQ(run({"pg_ctl", "-D", data(), "-w", "-m", "fast", "stop"}), 0); }

  std::string address(const std::string& database) const { return "postgresql://blindproof@/" + database + "?host=" + folder_.string(); }
  std::string new_database() {
    const std::string name = "d" + std::to_string(++databases_);
    EXPECT_TRUE(Postgresql::connect(address("postgres")).value().script(("CREATE DATABASE " + name).c_str()).ok());
    return address(name);
  }

 private:
  std::string data() const { return folder_ / "data"; }
  int run(std::vector<std::string> arguments) const {
    const fs::path program = programs() / arguments[0];
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      if ((user_ != 0 && ::setuid(user_) != 0) || ::chdir(folder_.c_str()) != 0) ::_exit(126);
      if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
      ::execv(program.c_str(), pointers.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  fs::path folder_;
  uid_t user_ = 0;
  int databases_ = 0;
};

/// One for all tests; nothing without the programs.
Cluster* cluster() {
  static const std::unique_ptr<Cluster> only = programs().empty() ? nullptr : std::make_unique<Cluster>();
  return only.get();
}

TestDatabase fresh_postgresql() {
  return {[address = cluster()->new_database()] { return open_postgresql_store(address).value(); }, nullptr};
}

INSTANTIATE_TEST_SUITE_P(Postgresql, StoreContract, testing::ValuesIn([] {
                           return programs().empty() ? std::vector<std::function<TestDatabase()>>{} : std::vector<std::function<TestDatabase()>>{fresh_postgresql};
                         }()));

class PostgresqlStore : public testing::Test {
 protected:
  void SetUp() override {
    if (cluster() == nullptr) GTEST_SKIP() << "needs the package postgresql";
  }
};

TEST_F(PostgresqlStore, ServersThatAreNotThereAndNewerDatabasesAreErrors) {
  EXPECT_EQ(open_postgresql_store("postgresql://blindproof@/none?host=/nowhere").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(open_postgresql_store(cluster()->address("no_such_database")).error().code, base::ErrorCode::kIo);
  const std::string address = cluster()->new_database();
  ASSERT_TRUE(open_postgresql_store(address).ok());
  ASSERT_TRUE(Postgresql::connect(address).value().run("UPDATE schema_version SET version=?", std::int64_t{1000}).ok());
  EXPECT_EQ(open_postgresql_store(address).error().code, base::ErrorCode::kUnsupported);
}

TEST_F(PostgresqlStore, ErrorsNameNoValuesAndTextThatCannotBeKeptIsRefused) {
  const std::string address = cluster()->new_database();
  const auto store = open_postgresql_store(address).value();
  const std::string canary = "canary-7f3a";
  ASSERT_TRUE(store->create_tenant({"id", canary, 1, 1, 1}).ok());
  const auto twice = store->create_tenant({"id", "other", 1, 1, 1});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().message().find("id)"), std::string::npos);
  EXPECT_EQ(twice.error().message().find(canary), std::string::npos);
  const auto nul = store->create_tenant({make_id(1), std::string("a\0b", 3), 1, 1, 1});
  EXPECT_EQ(nul.error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store->create_tenant({make_id(1), "ä ' \" ; -- $1 ?", 1, 1, 1}).ok());
}

TEST_F(PostgresqlStore, TheAuditLogCannotBeChangedAndTamperingShows) {
  const std::string address = cluster()->new_database();
  const auto store = open_postgresql_store(address).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->append_audit({0, i, "a", "key", "open", "model", "", {}}).ok());
  Postgresql database = Postgresql::connect(address).value();
  for (const char* change : {"DELETE FROM audit", "UPDATE audit SET object='other'", "TRUNCATE audit"}) EXPECT_FALSE(database.run(change).ok()) << change;
  EXPECT_EQ(store->check_audit().value(), 0);
  ASSERT_TRUE(database.script("DROP TRIGGER audit_keeps_entries ON audit; UPDATE audit SET object='other' WHERE sequence=2;").ok());
  EXPECT_EQ(store->check_audit().value(), 2);
}

TEST_F(PostgresqlStore, UnfinishedTransactionsAreRolledBack) {
  Postgresql database = Postgresql::connect(cluster()->new_database()).value();
  ASSERT_TRUE(database.script("CREATE TABLE t (x BIGINT)").ok());
  {
    const auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (?)", std::int64_t{-1}).ok());
    EXPECT_FALSE(database.run("INSERT INTO nowhere VALUES (1)").ok());
  }
  {
    auto transaction = Transaction::begin(database).value();
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (?)", INT64_MIN).ok());
    ASSERT_TRUE(transaction.commit().ok());
  }
  const auto query = database.query("SELECT x FROM t").value();
  ASSERT_TRUE(query->step().value());
  EXPECT_EQ(query->integer(0), INT64_MIN);
  EXPECT_FALSE(query->step().value());
}

TEST_F(PostgresqlStore, GoesOnAfterTheServerWasAway) {
  const std::string address = cluster()->new_database();
  const auto store = open_postgresql_store(address).value();
  ASSERT_TRUE(store->create_tenant({make_id(1), "a", 1, 1, 1}).ok());
  cluster()->stop();
  EXPECT_EQ(store->tenants({}).error().code, base::ErrorCode::kIo);
  EXPECT_EQ(store->append_audit({0, 1, "a", "key", "open", "model", "", {}}).error().code, base::ErrorCode::kIo);
  cluster()->start();
  EXPECT_EQ(store->tenants({}).value().size(), 1u);
  EXPECT_TRUE(store->append_audit({0, 1, "a", "key", "open", "model", "", {}}).ok());
  EXPECT_EQ(store->check_audit().value(), 0);
}

// The first of several processes makes the tables, the others find them.
TEST_F(PostgresqlStore, SeveralMayOpenANewDatabaseAtOnce) {
  const std::string address = cluster()->new_database();
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&] { opened += open_postgresql_store(address).ok() ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 6);
}

}  // namespace
}  // namespace blindproof::service::store
