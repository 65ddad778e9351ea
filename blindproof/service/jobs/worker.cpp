#include "blindproof/service/jobs/worker.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include "blindproof/service/jobs/run_job.h"

namespace blindproof::service::jobs {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

/// Thrown from reports of progress to leave work that nobody wants any more.
struct Interrupted {};

/// Renews a job's lease from a thread of its own, and hears whether the job is still wanted.
class Lease {
 public:
  Lease(const DataFolder& data, const WorkerOptions& options, const store::Job& job, const fs::path& scratch, const std::atomic<bool>& stop)
      : data_(data), options_(options), job_(job), scratch_(scratch), stop_(stop), thread_([this] { beat(); }) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  /// No beat after this.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  base::Progress progress() {
    return base::Progress([this](std::string_view phase, std::uint64_t done, std::uint64_t total) {
      if (unwanted_) throw Interrupted();
      const std::lock_guard lock(mutex_);
      phase_ = phase;
      done_ = done;
      total_ = total;
    });
  }

  bool lost() const { return lost_; }

 private:
  void beat() {
    auto next = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::time_point> unwanted_since;
    std::unique_lock lock(mutex_);
    while (!ended_) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= next) {
        const std::string phase = phase_;
        const auto done = static_cast<std::int64_t>(done_), total = static_cast<std::int64_t>(total_);
        lock.unlock();
        // Without a database the work goes on: the lease may outlast the trouble.
        const auto state = data_.store->heartbeat(job_.id, job_.attempts, now_ms(), options_.lease_ms, phase, done, total);
        lock.lock();
        if (state.ok() && *state == store::LeaseState::kLost) lost_ = true;
        if (state.ok() && *state != store::LeaseState::kHeld) unwanted_ = true;
        next = now + milliseconds(options_.heartbeat_ms);
      }
      if (stop_) unwanted_ = true;
      if (unwanted_ && !unwanted_since) unwanted_since = now;
      if (options_.abandon && !ended_ && unwanted_since && now >= *unwanted_since + milliseconds(options_.grace_ms)) {
        std::error_code ignored;
        fs::remove_all(scratch_, ignored);
        static_cast<void>(data_.store->release_job(job_.id, job_.attempts, now_ms()));
        options_.abandon();
        return;
      }
      changed_.wait_for(lock, milliseconds(std::min<store::TimeMs>(options_.heartbeat_ms, 50)), [&] { return ended_; });
    }
  }

  const DataFolder& data_;
  const WorkerOptions& options_;
  const store::Job& job_;
  const fs::path& scratch_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string phase_;
  std::uint64_t done_ = 0, total_ = 0;
  bool ended_ = false;
  std::atomic<bool> unwanted_ = false, lost_ = false;
  std::thread thread_;  // last: it uses the others
};

/// Tries what must reach the database for as long as another attempt of the job can't have begun anyway.
template <class Action>
auto insist(const WorkerOptions& options, Action action) {
  auto result = action();
  for (store::TimeMs waited = 0; !result.ok() && result.error().code == ErrorCode::kIo && waited < options.lease_ms; waited += options.poll_ms) {
    std::this_thread::sleep_for(milliseconds(options.poll_ms));
    result = action();
  }
  return result;
}

constexpr const char* kLockSuffix = ".lock";

/// Held until the last copy goes, or the process does. Nothing if another process holds it.
std::shared_ptr<void> lock_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return nullptr;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return nullptr;
  }
  return std::shared_ptr<void>(new int(descriptor), [](void* held) {
    ::close(*static_cast<int*>(held));
    delete static_cast<int*>(held);
  });
}

/// Whether the same work could succeed another time.
bool may_pass(ErrorCode code) { return code == ErrorCode::kIo || code == ErrorCode::kLimit; }

}  // namespace

base::Result<Worker> Worker::create(const DataFolder& data, WorkerOptions options) {
  BLINDPROOF_ASSIGN(envelope::RecipientSecretKey key, read_worker_key(data.root));
  const fs::path folder = data.root / "scratch";
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return base::error(ErrorCode::kIo, folder.string(), code.message());
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() != kLockSuffix || !lock_file(entry.path())) continue;
    std::error_code ignored;
    fs::remove_all(fs::path(entry.path()).replace_extension(), ignored);
  }
  fs::path scratch = folder / options.name;
  std::shared_ptr<void> lock = lock_file(fs::path(scratch) += kLockSuffix);
  if (!lock) return base::error(ErrorCode::kInvalidArgument, scratch.string(), "belongs to a worker of this name that runs; choose another name");
  if (!code) fs::remove_all(scratch, code);
  if (!code) fs::create_directories(scratch, code);
  if (!code) fs::permissions(scratch, fs::perms::owner_all, code);
  if (code) return base::error(ErrorCode::kIo, scratch.string(), code.message());
  return Worker(data, std::move(key), std::move(options), std::move(scratch), std::move(lock));
}

base::Result<bool> Worker::run_one(const std::atomic<bool>& stop) {
  store::Store& store = *data_->store;
  BLINDPROOF_ASSIGN(const std::optional<store::Job> job, store.acquire_job(options_.name, now_ms(), options_.lease_ms));
  if (!job) return false;
  const auto log = [&](const char* event, const std::string& detail) {
    if (options_.log) options_.log(event, *job, detail);
  };
  log("job.begin", "attempt " + std::to_string(job->attempts));
  const fs::path scratch = scratch_ / job->id;
  std::error_code code;
  fs::create_directories(scratch, code);
  Lease lease(*data_, options_, *job, scratch, stop);
  std::optional<base::Result<store::JobOutcome>> outcome;  // none: interrupted
  try {
    if (code) {
      outcome = base::error(ErrorCode::kIo, "scratch folder", code.message());
    } else {
      outcome = run_job(*data_, key_, options_.name, *job, scratch, lease.progress());
    }
  } catch (const Interrupted&) {
  } catch (const std::bad_alloc&) {
    outcome = base::error(ErrorCode::kLimit, "memory", "there is not enough for this");
  } catch (const std::exception&) {  // its text may hold anything
    outcome = base::error(ErrorCode::kIo, "worker", "failed unexpectedly");
  }
  lease.end();
  fs::remove_all(scratch, code);
  // Refused (false) where the lease was lost meanwhile: then another worker does, or did, the job.
  base::Result<bool> written = false;
  std::string event = "job.lost";
  if (lease.lost()) {
    log(event.c_str(), "");
    return true;
  }
  if (!outcome) {
    event = "job.released";
    written = insist(options_, [&] { return store.release_job(job->id, job->attempts, now_ms()); });
  } else if (outcome->ok()) {
    event = "job.succeeded";
    written = insist(options_, [&] { return store.finish_job(job->id, job->attempts, now_ms(), **outcome); });
  } else {
    event = "job.failed";
    const base::Error error = outcome->error();
    const store::TimeMs wait = options_.retry_ms << std::clamp<std::int64_t>(job->attempts - 1, 0, 10);
    written = insist(options_, [&] { return store.fail_job(job->id, job->attempts, now_ms(), error.message(), may_pass(error.code), wait); });
  }
  if (!written.ok()) return std::move(written).error();
  log(*written ? event.c_str() : "job.lost", outcome && !outcome->ok() ? std::string(base::error_code_name(outcome->error().code)) : std::string());
  return true;
}

void Worker::run(const std::atomic<bool>& stop) {
  while (!stop) {
    const base::Result<bool> worked = run_one(stop);
    if (worked.ok() && *worked) continue;
    std::this_thread::sleep_for(milliseconds(worked.ok() ? options_.poll_ms : 10 * options_.poll_ms));
  }
}

}  // namespace blindproof::service::jobs
