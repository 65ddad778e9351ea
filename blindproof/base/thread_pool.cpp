#include "blindproof/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "blindproof/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace blindproof::base {
namespace {

thread_local bool inside_pool = false;

// To wake a thread takes tens of microseconds, as long as a small job. So those who wait look again and again for a
// while before they sleep.
constexpr std::chrono::microseconds kPatience{100};

template <class Condition>
void spin_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return;
#if defined(__x86_64__)
      _mm_pause();
#endif
    }
  } while (std::chrono::steady_clock::now() < end);
}

// Workers sleep between jobs that don't follow closely. A job is a shared counter of indices; the caller works on it
// too, and only leaves when every index that was handed out has been finished.
class Pool {
 public:
  explicit Pool(std::size_t threads) : threads_(threads), spins_(threads <= std::thread::hardware_concurrency()) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      ++generation_;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  std::size_t threads() const { return threads_; }

  void run(std::size_t count, const std::function<void(std::size_t)>& body) {
    std::lock_guard one_job(job_mutex_);
    Job job{count, &body};
    {
      std::lock_guard lock(mutex_);
      job_ = &job;
      ++generation_;
    }
    wake_.notify_all();
    inside_pool = true;
    job.drain();
    inside_pool = false;
    if (spins_) spin_until([&] { return active_ == 0; });
    std::unique_lock lock(mutex_);
    job_ = nullptr;  // late workers find nothing
    done_.wait(lock, [&] { return active_ == 0; });
    if (job.failure) std::rethrow_exception(job.failure);
  }

 private:
  struct Job {
    std::size_t count;
    const std::function<void(std::size_t)>* body;
    std::atomic<std::size_t> next{0};
    std::mutex failure_mutex{};
    std::exception_ptr failure{};

    void drain() {
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
        try {
          (*body)(i);
        } catch (...) {
          std::lock_guard lock(failure_mutex);
          if (!failure) failure = std::current_exception();
          next.store(count, std::memory_order_relaxed);
        }
      }
    }
  };

  void work() {
    inside_pool = true;
    std::size_t seen = 0;
    for (;;) {
      if (spins_) spin_until([&] { return generation_ != seen; });
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      Job* job = job_;
      if (job == nullptr) continue;
      ++active_;
      lock.unlock();
      job->drain();
      lock.lock();
      if (--active_ == 0) done_.notify_all();
    }
  }

  const std::size_t threads_;
  const bool spins_;
  std::vector<std::thread> workers_;
  std::mutex job_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Job* job_ = nullptr;
  std::atomic<std::size_t> generation_ = 0;  // both change under the mutex
  std::atomic<std::size_t> active_ = 0;
  bool stopping_ = false;
};

std::unique_ptr<Pool>& pool_slot() {
  static std::unique_ptr<Pool> slot =
      std::make_unique<Pool>(std::max<std::size_t>(1, std::thread::hardware_concurrency()));
  return slot;
}

}  // namespace

std::size_t thread_count() noexcept { return pool_slot()->threads(); }

void set_thread_count(std::size_t count) {
  BLINDPROOF_CHECK(count >= 1 && count <= 1024, "thread count out of range");
  if (count != thread_count()) pool_slot() = std::make_unique<Pool>(count);
}

void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  if (count == 1 || inside_pool || thread_count() == 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  pool_slot()->run(count, body);
}

void parallel_ranges(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (count == 0) return;
  const std::size_t pieces = std::clamp<std::size_t>(count / std::max<std::size_t>(1, grain), 1, 4 * thread_count());
  parallel_for(pieces, [&](std::size_t i) { body(count * i / pieces, count * (i + 1) / pieces); });
}

}  // namespace blindproof::base
