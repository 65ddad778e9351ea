#include "blindproof/service/store/sql_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "blindproof/service/store/sqlite.h"
#include "blindproof/service/store/sql_migrations.h"
#include "blindproof/service/store/store_contract_test.h"

namespace blindproof::service::store {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "sqlite-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

TestDatabase fresh_sqlite() {
  const auto folder = std::make_shared<Folder>();
  return {[path = folder->path / "test.sqlite"] { return open_sqlite_store(path).value(); }, folder};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(fresh_sqlite));

TEST(SqliteStore, RefusesTheDatabaseOfANewerProgramAndForeignFiles) {
  const Folder folder;
  const fs::path path = folder.path / "test.sqlite";
  ASSERT_TRUE(open_sqlite_store(path).ok());
  {
    Sqlite database = Sqlite::open(path).value();
    ASSERT_TRUE(database.run("UPDATE schema_version SET version=?", std::int64_t{1000}).ok());
  }
  EXPECT_EQ(open_sqlite_store(path).error().code, base::ErrorCode::kUnsupported);
  std::ofstream(folder.path / "text") << std::string(5000, 'x');
  EXPECT_EQ(open_sqlite_store(folder.path / "text").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(open_sqlite_store(folder.path / "no/such/folder").error().code, base::ErrorCode::kIo);
}

TEST(SqliteStore, ADatabaseOfTheFirstSchemaIsMigratedWithWhatItHolds) {
  const Folder folder;
  const fs::path path = folder.path / "test.sqlite";
  {
    Sqlite database = Sqlite::open(path).value();
    ASSERT_TRUE(database.script("CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES (1);").ok());
    ASSERT_TRUE(database.script(kSqliteMigrations[0]).ok());
    ASSERT_TRUE(database.script("INSERT INTO tenants VALUES ('t', 'a', 1, 16, 100);"
                                "INSERT INTO models VALUES ('m', 't', 'digits', 'neural_network', 1);"
                                "INSERT INTO versions VALUES ('m', 1, 1, 'b', 'e', 1, 'k', '', '', 'id', '{}', '', 1);"
                                "INSERT INTO listings VALUES ('l', 't', 'm', 'title', '', '{}', 1, 1);"
                                "INSERT INTO evaluation_keys VALUES ('k', 't', 'm', 1, 'e', 'p', 2, 1, 100);")
                    .ok());
  }
  const auto store = open_sqlite_store(path).value();
  EXPECT_EQ(store->latest_version("m").value()->model_id, "id");
  EXPECT_TRUE(store->latest_version("m").value()->hybrid_program_blob.empty());
  EXPECT_EQ(store->listing("l").value()->max_samples_per_day, 10000);
  EXPECT_EQ(store->evaluation_keys("t", "k", 1).value()->level, "fhe");
}

TEST(SqliteStore, TheAuditLogCannotBeChangedAndTamperingShows) {
  const Folder folder;
  const fs::path path = folder.path / "test.sqlite";
  const auto store = open_sqlite_store(path).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->append_audit({0, i, "a", "key", "open", "model", "", {}}).ok());
  Sqlite database = Sqlite::open(path).value();
  EXPECT_FALSE(database.run("DELETE FROM audit").ok());
  EXPECT_FALSE(database.run("UPDATE audit SET object='other'").ok());
  EXPECT_EQ(store->check_audit().value(), 0);
  // Whoever can write to the file can drop the triggers; the chain tells.
  ASSERT_TRUE(database.script("DROP TRIGGER audit_keeps_values; UPDATE audit SET object='other' WHERE sequence=2;").ok());
  EXPECT_EQ(store->check_audit().value(), 2);
}

TEST(SqliteStore, AnUnfinishedTransactionIsRolledBack) {
  const Folder folder;
  Sqlite database = Sqlite::open(folder.path / "x").value();
  ASSERT_TRUE(database.script("CREATE TABLE t (x INTEGER);").ok());
  {
    const auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (1)").ok());
  }
  {
    const auto query = database.query("SELECT COUNT(*) FROM t").value();
    ASSERT_TRUE(query->step().value());
    EXPECT_EQ(query->integer(0), 0);
  }
  EXPECT_FALSE(database.run("INSERT INTO nowhere VALUES (1)").ok());
}

// A process that is killed while it writes loses what it had not committed, and nothing else.
TEST(SqliteStore, SurvivesWritersThatAreKilled) {
  const Folder folder;
  const fs::path path = folder.path / "test.sqlite";
  ASSERT_TRUE(open_sqlite_store(path).ok());
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipe_ends[0]);
      const auto store = open_sqlite_store(path).value();
      for (std::uint32_t i = 1;; ++i) {
        const std::string name = std::to_string(round) + "/" + std::to_string(i);
        if (!store->create_tenant({make_id(i), name, 1, 1, 1}).ok()) _exit(1);
        if (write(pipe_ends[1], &i, sizeof i) != sizeof i) _exit(1);  // acknowledged
      }
    }
    close(pipe_ends[1]);
    std::uint32_t acknowledged = 0;
    for (int i = 0; i < 5 + round; ++i) ASSERT_EQ(read(pipe_ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (std::uint32_t more = 0; read(pipe_ends[0], &more, sizeof more) == static_cast<ssize_t>(sizeof more);) acknowledged = more;
    close(pipe_ends[0]);
    const auto store = open_sqlite_store(path).value();
    std::uint32_t found = 0;
    for (Page page{"", 1000};;) {
      const auto tenants = store->tenants(page).value();
      if (tenants.empty()) break;
      page.after = tenants.back().id;
      for (const Tenant& tenant : tenants) found += tenant.name.starts_with(std::to_string(round) + "/") ? 1 : 0;
    }
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
  }
}

}  // namespace
}  // namespace blindproof::service::store
