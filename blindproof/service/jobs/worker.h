// A worker: takes jobs, keeps its lease while it works, writes the result once.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::service::jobs {

struct WorkerOptions {
  std::string name;
  store::TimeMs lease_ms = 15000;    // how long others wait before they take up the job of a worker that went silent
  store::TimeMs heartbeat_ms = 1000;
  store::TimeMs poll_ms = 100;       // between looks for work
  store::TimeMs retry_ms = 2000;     // before the second attempt; doubles each time
  store::TimeMs grace_ms = 500;      // for work that nobody wants any more to come to a place where it can stop
  /// Called after that from another thread, with the scratch folder removed and the job given back: ends the process, since nothing else
  /// stops a computation that doesn't look up. Without it the work runs to its next report of progress.
  std::function<void()> abandon;
  /// One line for each job that begins or ends; no payloads.
  std::function<void(const std::string& event, const store::Job& job, const std::string& detail)> log;
};

class Worker {
 public:
  /// Removes what workers that were killed left in their scratch folders: decrypted files.
  /// Errors: those of read_worker_key; kIo; kInvalidArgument if a worker of this name runs.
  static base::Result<Worker> create(const DataFolder& data, WorkerOptions options);

  /// Runs one job if there is one: true.   Errors: kIo if the database can't be reached.
  base::Result<bool> run_one(const std::atomic<bool>& stop);
  /// Until `stop`, which also makes the current job go back to the queue. A database that is gone is asked again.
  void run(const std::atomic<bool>& stop);

 private:
  Worker(const DataFolder& data, envelope::RecipientSecretKey key, WorkerOptions options, std::filesystem::path scratch, std::shared_ptr<void> lock)
      : data_(&data), key_(std::move(key)), options_(std::move(options)), scratch_(std::move(scratch)), lock_(std::move(lock)) {}

  const DataFolder* data_;
  envelope::RecipientSecretKey key_;
  WorkerOptions options_;
  std::filesystem::path scratch_;
  std::shared_ptr<void> lock_;  // of the scratch folder, for as long as this process lives
};

}  // namespace blindproof::service::jobs
