#include "blindproof/service/jobs/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <thread>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/files.h"
#include "blindproof/engine/verify.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/jobs/run_job.h"
#include "blindproof/service/jobs/sealed_blob.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::service::jobs {
namespace {

namespace fs = std::filesystem;
using envelope::Json;
using store::Job;
using store::JobStatus;

class Workers : public ::testing::Test {
 protected:
  Workers() {
    std::string name = (fs::temp_directory_path() / "worker-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    data_.emplace(open_data_folder(root_ / "data").value());
    tenant_ = store::make_id(now_ms());
    EXPECT_EQ(data_->store->create_tenant({tenant_, "a", now_ms(), 100, 100}).value(), store::Insert::kDone);
  }
  ~Workers() override { fs::remove_all(root_); }

  static WorkerOptions options() {
    WorkerOptions options;
    options.name = "w";
    options.lease_ms = 400;
    options.heartbeat_ms = 50;
    options.poll_ms = 5;
    options.retry_ms = 1;
    return options;
  }

  base::Bytes model_bytes() const {
    blindproof::testing::GraphBuilder builder(model::Arithmetic::kRescaled, 1);
    const auto input = builder.input({5}, 0, 255);
    return model::write_model_file({builder.finish(builder.requantize(builder.dense(input, 3), 8, 0, 255)), {1}, {}});
  }

  /// As the server does with an upload.
  Job upload(base::ByteSpan content) {
    const store::Model model{store::make_id(now_ms()), tenant_, "m" + std::to_string(++models_), "zkml", now_ms()};
    EXPECT_EQ(data_->store->create_model(model).value(), store::Insert::kDone);
    const SealedBlob sealed = seal_bytes(data_->blobs, content, model_context(model.id), std::array{data_->worker}).value();
    store::ModelVersion version;
    version.model = model.id;
    version.content_blob = sealed.blob.digest;
    version.key_envelope = sealed.key_envelope;
    Job job = new_job(kRegister, model.id);
    job.version = data_->store->add_version(version, job).value();
    return job;
  }

  Job new_job(const char* kind, const std::string& model) {
    Job job;
    job.id = store::make_id(now_ms());
    job.tenant = tenant_;
    job.kind = kind;
    job.model = model;
    job.version = 1;
    job.request = "{}";
    job.created_ms = now_ms();
    return job;
  }

  Job infer(const std::string& model, const Json& request = Json::object()) {
    Job job = new_job(kProve, model);
    job.request = request.dump();
    const std::vector<float> x = {3, 100, 0, 255, 7};
    const base::Bytes npy = arrays::write_npy(arrays::from_floats({5}, x));
    const SealedBlob sealed = seal_bytes(data_->blobs, npy, input_context(job.id), std::array{data_->worker}).value();
    job.input_blob = sealed.blob.digest;
    job.input_envelope = sealed.key_envelope;
    return data_->store->create_job(job).value();
  }

  /// As the server does: a file with the proof.
  fs::path open_proof(const store::Proof& proof) {
    const auto key = envelope::open_data_key(proof.key_envelope, proof_context(proof.job), read_server_key(data_->root).value()).value();
    fs::path file = root_ / "opened.bpp";
    EXPECT_TRUE(open_to_file(data_->blobs, proof.blob, key, file).ok());
    return file;
  }

  Job now(const Job& job) {
    const auto found = data_->store->job(tenant_, job.id);
    if (!found.ok()) {
      ADD_FAILURE() << found.error().message();
      return {};
    }
    return found->value();
  }

  void work() {
    Worker worker = Worker::create(*data_, options()).value();
    const std::atomic<bool> stop = false;
    while (worker.run_one(stop).value()) {
    }
  }

  fs::path root_;
  std::optional<DataFolder> data_;
  std::string tenant_;
  int models_ = 0;
};

// First: it forks, which processes with threads can't do well.
TEST_F(Workers, KilledAtAnyMomentTheyLoseAndDoubleNothing) {
  const Job registration = upload(model_bytes());
  std::map<std::string, Job> jobs;
  const auto spawn = [&](int number) {
    data_.reset();  // SQLite doesn't survive a fork
    const pid_t child = fork();
    if (child == 0) {
      const auto opened = open_data_folder(root_ / "data");
      if (!opened.ok()) {
        std::fprintf(stderr, "%s\n", opened.error().message().c_str());
        _exit(1);
      }
      const DataFolder& own = *opened;
      WorkerOptions mine = options();
      mine.name = "w" + std::to_string(number);
      auto worker = Worker::create(own, mine);
      if (!worker.ok()) {
        std::fprintf(stderr, "%s\n", worker.error().message().c_str());
        _exit(2);
      }
      const std::atomic<bool> stop = false;
      worker->run(stop);
      _exit(0);
    }
    auto reopened = open_data_folder(root_ / "data");
    EXPECT_TRUE(reopened.ok()) << reopened.error().message();
    data_.emplace(*std::move(reopened));
    return child;
  };
  std::array<pid_t, 2> children = {spawn(0), spawn(1)};
  std::mt19937 random(7);
  for (int i = 0; i < 600 && !store::is_final(now(registration).status); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_EQ(now(registration).status, JobStatus::kSucceeded) << now(registration).problem;
  constexpr int kKills = 12;
  for (int kill_count = 0; kill_count < kKills; ++kill_count) {
    Job job = infer(registration.model);
    jobs.emplace(job.id, job);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
    const std::size_t victim = random() % 2;
    int status = 0;
    kill(children[victim], SIGKILL);
    waitpid(children[victim], &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "ended on its own: " << status;
    children[victim] = spawn(static_cast<int>(victim));
  }
  const auto open_jobs = [&] {
    std::size_t count = 0;
    for (const auto& [id, job] : jobs) count += store::is_final(now(job).status) ? 0 : 1;
    return count;
  };
  for (int i = 0; i < 600 && open_jobs() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  std::map<std::string, int> proofs;
  for (const store::Proof& proof : data_->store->proofs(tenant_, {"", 1000}).value()) ++proofs[proof.job];
  for (const auto& [id, job] : jobs) {
    const Job done = now(job);
    // A job that was killed in each of its attempts has failed, and says so; no other outcome exists.
    if (done.status == JobStatus::kFailed) {
      EXPECT_EQ(done.attempts, done.max_attempts);
      EXPECT_NE(done.problem.find("silent"), std::string::npos) << done.problem;
      EXPECT_EQ(proofs[id], 0);
    } else {
      EXPECT_EQ(done.status, JobStatus::kSucceeded) << done.problem;
      EXPECT_EQ(proofs[id], 1);
    }
  }
  EXPECT_EQ(data_->store->check_audit().value(), 0);
}

TEST_F(Workers, RegisterAModelAndProveItsAnswers) {
  const Job registration = upload(model_bytes());
  work();
  ASSERT_EQ(now(registration).status, JobStatus::kSucceeded) << now(registration).problem;
  const auto version = data_->store->latest_version(registration.model).value().value();
  EXPECT_EQ(Json::parse(version.facts)["input_shape"], Json({5}));

  const Job job = infer(registration.model, {{"hide_input", false}, {"context", "for bob"}});
  work();
  const Job done = now(job);
  ASSERT_EQ(done.status, JobStatus::kSucceeded) << done.problem;
  const Json result = Json::parse(done.result), stored = result["sealed"];
  const auto result_key = envelope::open_data_key(stored["key_envelope"].get<std::string>(), result_context(done.id), read_server_key(data_->root).value());
  const Json answer = Json::parse(open_bytes(data_->blobs, stored["blob"], result_key.value(), 1 << 20).value());
  const auto proof = data_->store->proof(result["proof_id"]).value().value();
  // Anybody verifies it with the two files alone.
  engine::VerifyRequest verify;
  verify.proof = open_proof(proof);
  verify.model_key = data_->blobs.path_of(version.model_key_blob);
  verify.context = base::Bytes{'f', 'o', 'r', ' ', 'b', 'o', 'b'};
  const auto verdict = engine::verify(verify).value();
  ASSERT_FALSE(verdict.refusal) << verdict.refusal->message();
  EXPECT_EQ(base::to_hex(verdict.model), version.model_id);
  EXPECT_EQ(std::string(verdict.context.begin(), verdict.context.end()), "for bob");
  EXPECT_FALSE(verdict.input.hidden);
  ASSERT_EQ(answer["output"]["integers"].size(), verdict.output.values.size());
  for (std::size_t i = 0; i < verdict.output.values.size(); ++i) {
    EXPECT_EQ(answer["output"]["integers"][i].get<std::int64_t>(), static_cast<std::int64_t>(verdict.output.values[i]));
  }
  EXPECT_TRUE(fs::is_empty(root_ / "data/scratch/w")) << "decrypted files stay nowhere";
  const auto audit = data_->store->audit(tenant_, 0, 100).value();
  ASSERT_EQ(audit.size(), 2u);
  EXPECT_EQ(audit[1].action, "model.open");
  EXPECT_EQ(audit[1].detail, "job " + job.id);
}

TEST_F(Workers, HideInputsByDefaultAndSealTheOpeningForTheClient) {
  const Job registration = upload(model_bytes());
  const auto client = envelope::RecipientSecretKey::generate();
  work();
  const Job plain = infer(registration.model), sealed = infer(registration.model, {{"recipient", client.recipient().jwk()}});
  work();
  ASSERT_EQ(now(plain).status, JobStatus::kSucceeded) << now(plain).problem;
  ASSERT_EQ(now(sealed).status, JobStatus::kSucceeded) << now(sealed).problem;
  EXPECT_TRUE(data_->store->artifacts(plain.id).value().empty());
  const auto artifacts = data_->store->artifacts(sealed.id).value();
  ASSERT_EQ(artifacts.size(), 2u);
  const base::Bytes key_envelope = data_->blobs.read_all(artifacts[1].blob, 1 << 20).value();
  const auto data_key = envelope::open_data_key({reinterpret_cast<const char*>(key_envelope.data()), key_envelope.size()}, opening_context(sealed.id), client);
  ASSERT_TRUE(data_key.ok()) << data_key.error().message();
  ASSERT_TRUE(open_to_file(data_->blobs, artifacts[0].blob, *data_key, root_ / "opening").ok());
  engine::VerifyRequest verify;
  verify.proof = open_proof(data_->store->proof(Json::parse(now(sealed).result)["proof_id"]).value().value());
  verify.model_key = data_->blobs.path_of(data_->store->latest_version(registration.model).value()->model_key_blob);
  verify.opening = root_ / "opening";
  const auto verdict = engine::verify(verify).value();
  ASSERT_FALSE(verdict.refusal) << verdict.refusal->message();
  EXPECT_TRUE(verdict.input.hidden);
  EXPECT_TRUE(verdict.input.opened);
}

TEST_F(Workers, AModelThatIsNoneFailsAtOnceAndSaysWhyWithoutPaths) {
  const Job registration = upload(base::as_bytes("no model"));
  work();
  const Job done = now(registration);
  EXPECT_EQ(done.status, JobStatus::kFailed);
  EXPECT_EQ(done.attempts, 1);
  EXPECT_NE(done.problem.find("model.bpm"), std::string::npos) << done.problem;
  EXPECT_EQ(done.problem.find(root_.string()), std::string::npos) << done.problem;
  EXPECT_EQ(data_->store->version(registration.model, 1).value()->status, store::VersionStatus::kFailed);
}

TEST_F(Workers, AModelForAnotherWorkersKeyOrAnotherModelIsNotOpened) {
  const Job registration = upload(model_bytes());
  const auto version = data_->store->version(registration.model, 1).value().value();
  const auto other = envelope::RecipientSecretKey::generate();
  const std::string foreign = envelope::seal_data_key(envelope::make_data_key(), model_context(registration.model), std::array{other.recipient()}).value();
  ASSERT_TRUE(data_->store->replace_key_envelope(registration.model, 1, version.key_envelope, foreign).value());
  work();
  EXPECT_EQ(now(registration).status, JobStatus::kFailed);
  const Job second = upload(model_bytes());
  const auto moved = data_->store->version(second.model, 1).value().value();
  ASSERT_TRUE(data_->store->replace_key_envelope(second.model, 1, moved.key_envelope, version.key_envelope).value());
  work();
  EXPECT_EQ(now(second).status, JobStatus::kFailed);
  EXPECT_NE(now(second).problem.find("context"), std::string::npos) << now(second).problem;
}

TEST_F(Workers, AMissingBlobIsTriedAgainUntilTheAttemptsAreOver) {
  const Job registration = upload(model_bytes());
  const std::string blob = data_->store->version(registration.model, 1).value()->content_blob;
  const base::Bytes bytes = data_->blobs.read_all(blob, 1 << 20).value();
  ASSERT_TRUE(data_->blobs.remove(blob).ok());
  Worker worker = Worker::create(*data_, options()).value();
  const std::atomic<bool> stop = false;
  ASSERT_TRUE(worker.run_one(stop).value());
  EXPECT_EQ(now(registration).status, JobStatus::kQueued);
  ASSERT_TRUE(data_->blobs.put(bytes).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(worker.run_one(stop).value());
  EXPECT_EQ(now(registration).status, JobStatus::kSucceeded);
  EXPECT_EQ(now(registration).attempts, 2);
}

TEST_F(Workers, RemoveWhatKilledOnesLeftButNothingOfThoseThatRun) {
  const fs::path scratch = root_ / "data/scratch";
  fs::create_directories(scratch / "dead/job");
  ASSERT_TRUE(base::write_file_atomic(scratch / "dead/job/model.bpm", model_bytes()).ok());
  ASSERT_TRUE(base::write_file_atomic(scratch / "dead.lock", {}).ok());
  const Worker running = Worker::create(*data_, options()).value();
  EXPECT_FALSE(fs::exists(scratch / "dead"));
  fs::create_directories(scratch / "w/job");
  EXPECT_EQ(Worker::create(*data_, options()).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_TRUE(fs::exists(scratch / "w/job"));
  WorkerOptions other = options();
  other.name = "other";
  EXPECT_TRUE(Worker::create(*data_, other).ok());
  EXPECT_TRUE(fs::exists(scratch / "w/job"));
}

TEST_F(Workers, StopWhenTheyAreToldAndGiveTheJobBack) {
  const Job registration = upload(model_bytes());
  {
    Worker worker = Worker::create(*data_, options()).value();
    const std::atomic<bool> stop = true;
    ASSERT_TRUE(worker.run_one(stop).value());
  }
  // The work may have been quicker than the first look at `stop`.
  EXPECT_TRUE(now(registration).status == JobStatus::kQueued || now(registration).status == JobStatus::kSucceeded);
  work();
  EXPECT_EQ(now(registration).status, JobStatus::kSucceeded);
}

TEST_F(Workers, LeaveACancelledJobEvenInTheMiddleOfAComputation) {
  const Job registration = upload(model_bytes());
  WorkerOptions hurried = options();
  hurried.grace_ms = 0;
  std::atomic<bool> abandoned = false;
  hurried.abandon = [&] { abandoned = true; };  // a program would end here
  hurried.heartbeat_ms = 1;
  std::atomic<bool> cancelled = false;
  hurried.log = [&](const std::string& event, const Job& job, const std::string&) {
    if (event == "job.begin") {
      EXPECT_TRUE(data_->store->cancel_job(tenant_, job.id, now_ms()).ok());
      cancelled = true;
    }
  };
  Worker worker = Worker::create(*data_, hurried).value();
  const std::atomic<bool> stop = false;
  ASSERT_TRUE(worker.run_one(stop).value());
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(now(registration).status, JobStatus::kCancelled);
  EXPECT_EQ(data_->store->version(registration.model, 1).value()->status, store::VersionStatus::kFailed);
}

}  // namespace
}  // namespace blindproof::service::jobs
