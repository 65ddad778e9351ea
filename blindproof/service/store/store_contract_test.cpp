#include "blindproof/service/store/store_contract_test.h"

#include <atomic>
#include <set>
#include <thread>

namespace blindproof::service::store {

constexpr TimeMs kNow = 1'700'000'000'000;
constexpr TimeMs kLease = 1000;

std::string StoreContract::add_tenant(const std::string& name) {
  Tenant tenant{make_id(kNow), name, kNow, 16, 100};
  EXPECT_EQ(store_->create_tenant(tenant).value(), Insert::kDone);
  return tenant.id;
}

std::string StoreContract::add_model(const std::string& tenant, const std::string& name) {
  const Model model{make_id(kNow), tenant, name, "zkml", kNow};
  EXPECT_EQ(store_->create_model(model).value(), Insert::kDone);
  return model.id;
}

Job StoreContract::job_of(const std::string& tenant, const std::string& model) {
  Job job;
  job.id = make_id(kNow);
  job.tenant = tenant;
  job.kind = "zkml";
  job.model = model;
  job.version = 1;
  job.request = "{}";
  job.created_ms = kNow;
  return job;
}

void StoreContract::make_ready(const std::string& tenant, const std::string& model) {
  ModelVersion version;
  version.model = model;
  version.content_blob = "blob";
  version.key_envelope = "envelope";
  version.created_ms = kNow;
  Job job = job_of(tenant, model);
  job.kind = "register";
  version.number = store_->add_version(version, job).value();
  const Job held = store_->acquire_job("w", kNow, kLease).value().value();
  EXPECT_EQ(held.id, job.id);
  version.status = VersionStatus::kReady;
  version.model_id = "id";
  version.facts = "{}";
  version.hybrid_program_blob = "hybrid program";
  version.hybrid_spec_blob = "hybrid spec";
  EXPECT_TRUE(store_->finish_job(held.id, held.attempts, kNow, {"{}", {}, {}, version}).value());
}

TEST(MakeId, IsUniqueSortsByTimeAndHasTheFormThatIsAccepted) {
  std::set<std::string> ids;
  std::string before;
  for (TimeMs time : {TimeMs{0}, TimeMs{1}, TimeMs{31}, TimeMs{32}, kNow, kNow + 1, (TimeMs{1} << 48) - 1}) {
    const std::string id = make_id(time);
    EXPECT_TRUE(is_id(id)) << id;
    EXPECT_LT(before, id);
    before = id;
    EXPECT_TRUE(ids.insert(make_id(time)).second);
  }
  for (const char* text : {"", "0", "../../../../../etc/passwd0", "0000000000000000000000000u", "00000000000000000000000000 "}) EXPECT_FALSE(is_id(text));
}

TEST_P(StoreContract, TenantsHaveNamesOfTheirOwn) {
  const std::string a = add_tenant("a"), b = add_tenant("b");
  EXPECT_EQ(store_->create_tenant({make_id(kNow), "a", kNow, 1, 1}).value(), Insert::kExists);
  EXPECT_EQ(store_->tenant(a).value()->name, "a");
  EXPECT_EQ(store_->tenant(a).value()->max_samples_per_day, 100);
  EXPECT_FALSE(store_->tenant("nobody").value().has_value());
  EXPECT_EQ(store_->tenants({}).value().size(), 2u);
  EXPECT_TRUE(store_->ping().ok());
}

TEST_P(StoreContract, ApiKeysAreRevokedOnceAndByTheirTenantOnly) {
  const std::string a = add_tenant("a"), b = add_tenant("b");
  ApiKey key{make_id(kNow), a, "laptop", {1, 2, 3}, kScopeRead | kScopeInfer, kNow, kNow + 5, 0};
  ASSERT_TRUE(store_->create_api_key(key).ok());
  const ApiKey found = store_->api_key(key.id).value().value();
  EXPECT_EQ(found.secret_hash, key.secret_hash);
  EXPECT_EQ(found.scopes, key.scopes);
  EXPECT_EQ(found.expires_ms, kNow + 5);
  EXPECT_EQ(store_->api_keys(a, {}).value().size(), 1u);
  EXPECT_TRUE(store_->api_keys(b, {}).value().empty());
  EXPECT_FALSE(store_->revoke_api_key(b, key.id, kNow).value());
  EXPECT_TRUE(store_->revoke_api_key(a, key.id, kNow + 1).value());
  EXPECT_FALSE(store_->revoke_api_key(a, key.id, kNow + 2).value());
  EXPECT_EQ(store_->api_key(key.id).value()->revoked_ms, kNow + 1);
}

TEST_P(StoreContract, AKeyOfNobodyIsRefused) {
  EXPECT_FALSE(store_->create_api_key({make_id(kNow), "nobody", "", {}, 0, kNow, 0, 0}).ok());
}

TEST_P(StoreContract, ModelsAreNamedOncePerTenantAndListedInPages) {
  const std::string a = add_tenant("a"), b = add_tenant("b");
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(add_model(a, "m" + std::to_string(i)));
  add_model(b, "m0");
  EXPECT_EQ(store_->create_model({make_id(kNow), a, "m0", "zkml", kNow}).value(), Insert::kExists);
  std::set<std::string> listed;
  Page page{"", 2};
  while (true) {
    const auto models = store_->models(a, page).value();
    EXPECT_LE(models.size(), 2u);
    if (models.empty()) break;
    for (const Model& model : models) EXPECT_TRUE(listed.insert(model.id).second);
    page.after = models.back().id;
  }
  EXPECT_EQ(listed, made);
  EXPECT_FALSE(store_->model("none").value().has_value());
}

TEST_P(StoreContract, VersionsCountUpAndAppearWithTheirJob) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  EXPECT_FALSE(store_->latest_version(model).value().has_value());
  make_ready(tenant, model);
  make_ready(tenant, model);
  Job job = job_of(tenant, model);
  job.kind = "register";
  ModelVersion pending;
  pending.model = model;
  EXPECT_EQ(store_->add_version(pending, job).value(), 3);
  EXPECT_EQ(store_->job(tenant, job.id).value()->version, 3);
  EXPECT_EQ(store_->versions(model).value().size(), 3u);
  EXPECT_EQ(store_->latest_version(model).value()->number, 2) << "the third isn't ready";
  EXPECT_EQ(store_->latest_version(model).value()->hybrid_program_blob, "hybrid program");
  EXPECT_EQ(store_->latest_version(model).value()->hybrid_spec_blob, "hybrid spec");
  EXPECT_EQ(store_->version(model, 3).value()->status, VersionStatus::kPending);
  EXPECT_FALSE(store_->version(model, 4).value().has_value());
  pending.model = "none";
  job.id = make_id(kNow);
  EXPECT_FALSE(store_->add_version(pending, job).ok());
  EXPECT_FALSE(store_->job(tenant, job.id).value().has_value());
}

TEST_P(StoreContract, ARegistrationThatFailsOrIsCancelledLeavesAFailedVersion) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  ModelVersion version;
  version.model = model;
  Job job = job_of(tenant, model);
  job.kind = "register";
  ASSERT_EQ(store_->add_version(version, job).value(), 1);
  const Job held = store_->acquire_job("w", kNow, kLease).value().value();
  EXPECT_TRUE(store_->fail_job(held.id, held.attempts, kNow, "no such model", false, 0).value());
  EXPECT_EQ(store_->version(model, 1).value()->status, VersionStatus::kFailed);
  EXPECT_EQ(store_->version(model, 1).value()->problem, "no such model");
  job.id = make_id(kNow);
  ASSERT_EQ(store_->add_version(version, job).value(), 2);
  EXPECT_EQ(store_->cancel_job(tenant, job.id, kNow).value()->status, JobStatus::kCancelled);
  EXPECT_EQ(store_->version(model, 2).value()->status, VersionStatus::kFailed);
}

TEST_P(StoreContract, KeyEnvelopesAreReplacedOnlyWhileTheyAreWhatWasRewrapped) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  EXPECT_TRUE(store_->replace_key_envelope(model, 1, "envelope", "second").value());
  EXPECT_FALSE(store_->replace_key_envelope(model, 1, "envelope", "third").value());
  EXPECT_EQ(store_->version(model, 1).value()->key_envelope, "second");
}

TEST_P(StoreContract, AliasesMoveBetweenVersionsThatExist) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  EXPECT_FALSE(store_->set_alias(model, "live", 1).value());
  make_ready(tenant, model);
  make_ready(tenant, model);
  EXPECT_TRUE(store_->set_alias(model, "live", 1).value());
  EXPECT_TRUE(store_->set_alias(model, "live", 2).value());
  EXPECT_TRUE(store_->set_alias(model, "test", 1).value());
  EXPECT_EQ(store_->alias(model, "live").value(), 2);
  EXPECT_FALSE(store_->alias(model, "none").value().has_value());
  EXPECT_EQ(store_->aliases(model).value(), (std::vector<std::pair<std::string, std::int64_t>>{{"live", 2}, {"test", 1}}));
}

TEST_P(StoreContract, EvaluationKeysExpireAndBelongToTheirTenant) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  const EvaluationKeys keys{make_id(kNow), b, model, 1, "", "", 0, kNow, kNow + 10};
  ASSERT_TRUE(store_->create_evaluation_keys(keys).ok());
  EXPECT_FALSE(store_->set_evaluation_key_file(a, keys.id, KeyFile::kPublic, "stolen", 1).value());
  EXPECT_TRUE(store_->set_evaluation_key_file(b, keys.id, KeyFile::kPublic, "public", 3).value());
  EXPECT_FALSE(store_->set_evaluation_key_file(b, keys.id, KeyFile::kPublic, "again", 3).value());
  EXPECT_TRUE(store_->set_evaluation_key_file(b, keys.id, KeyFile::kEvaluation, "evaluation", 4).value());
  const EvaluationKeys found = store_->evaluation_keys(b, keys.id, kNow).value().value();
  EXPECT_EQ(found.public_blob, "public");
  EXPECT_EQ(found.evaluation_blob, "evaluation");
  EXPECT_EQ(found.bytes, 7);
  EXPECT_FALSE(store_->evaluation_keys(a, keys.id, kNow).value().has_value());
  EXPECT_FALSE(store_->evaluation_keys(b, keys.id, kNow + 10).value().has_value());
  EXPECT_EQ(store_->evaluation_keys_of(b, {}).value().size(), 1u);
  EvaluationKeys hybrid{make_id(kNow), b, model, 1, "", "", 0, kNow, kNow + 10, "hybrid"};
  ASSERT_TRUE(store_->create_evaluation_keys(hybrid).ok());
  EXPECT_EQ(store_->evaluation_keys(b, hybrid.id, kNow).value()->level, "hybrid");
  EXPECT_FALSE(is_complete(hybrid));
  hybrid.public_blob = "public";
  EXPECT_TRUE(is_complete(hybrid));
  EXPECT_FALSE(store_->delete_evaluation_keys(a, keys.id).value());
  EXPECT_TRUE(store_->delete_evaluation_keys(b, keys.id).value());
  EXPECT_FALSE(store_->delete_evaluation_keys(b, keys.id).value());
}

TEST_P(StoreContract, AnIdempotencyKeyGivesTheEarlierJob) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  Job job = job_of(a, model);
  job.idempotency_key = "once";
  job.fingerprint = "f";
  const std::string first = store_->create_job(job).value().id;
  job.id = make_id(kNow);
  job.fingerprint = "g";
  const Job again = store_->create_job(job).value();
  EXPECT_EQ(again.id, first);
  EXPECT_EQ(again.fingerprint, "f");
  Job other = job_of(b, model);
  other.idempotency_key = "once";
  EXPECT_EQ(store_->create_job(other).value().id, other.id) << "another tenant's";
  EXPECT_EQ(store_->active_jobs(a).value(), 1);
}

TEST_P(StoreContract, AJobGoesToOneWorkerAndItsResultIsWrittenOnce) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  const Job held = store_->acquire_job("w1", kNow, kLease).value().value();
  EXPECT_EQ(held.id, job.id);
  EXPECT_EQ(held.status, JobStatus::kRunning);
  EXPECT_EQ(held.attempts, 1);
  EXPECT_FALSE(store_->acquire_job("w2", kNow + kLease - 1, kLease).value().has_value());
  EXPECT_EQ(store_->heartbeat(job.id, 1, kNow + 500, kLease, "proving", 1, 4).value(), LeaseState::kHeld);
  EXPECT_FALSE(store_->acquire_job("w2", kNow + 1499, kLease).value().has_value());
  const Proof proof{make_id(kNow), tenant, job.id, model, 1, "proof blob", "key blob", 10, 20, kNow, 0, 0, "hybrid", "public", "input", "output", "digest",
                    "envelope"};
  const JobOutcome outcome{"{\"x\":1}", proof, {{job.id, "proof.bpp", "proof blob", 10}}, {}};
  EXPECT_TRUE(store_->finish_job(job.id, 1, kNow + 600, outcome).value());
  EXPECT_FALSE(store_->finish_job(job.id, 1, kNow + 601, outcome).value());
  EXPECT_FALSE(store_->fail_job(job.id, 1, kNow + 602, "late", true, 0).value());
  EXPECT_EQ(store_->heartbeat(job.id, 1, kNow, kLease, "", 0, 0).value(), LeaseState::kLost);
  const Job done = store_->job(tenant, job.id).value().value();
  EXPECT_EQ(done.status, JobStatus::kSucceeded);
  EXPECT_EQ(done.result, "{\"x\":1}");
  EXPECT_EQ(done.finished_ms, kNow + 600);
  const auto proofs = store_->proofs(tenant, {}).value();
  ASSERT_EQ(proofs.size(), 1u);
  EXPECT_EQ(proofs[0].level, "hybrid");
  EXPECT_EQ(proofs[0].public_key_blob + " " + proofs[0].input_blob + " " + proofs[0].output_blob, "public input output");
  EXPECT_EQ(proofs[0].sha256 + " " + proofs[0].key_envelope, "digest envelope");
  EXPECT_EQ(store_->artifacts(job.id).value().size(), 1u);
  EXPECT_EQ(store_->active_jobs(tenant).value(), 0);
}

TEST_P(StoreContract, ASilentWorkersJobIsTakenUpAndItsLateResultRefused) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  ASSERT_TRUE(store_->acquire_job("w1", kNow, kLease).value().has_value());
  const Job second = store_->acquire_job("w2", kNow + kLease, kLease).value().value();
  EXPECT_EQ(second.attempts, 2);
  EXPECT_EQ(second.started_ms, kNow);
  const Proof proof{make_id(kNow), tenant, job.id, model, 1, "late", "key", 1, 1, kNow};
  EXPECT_EQ(store_->heartbeat(job.id, 1, kNow + kLease, kLease, "", 0, 0).value(), LeaseState::kLost);
  EXPECT_FALSE(store_->finish_job(job.id, 1, kNow + kLease, {"{\"late\":1}", proof, {}, {}}).value());
  EXPECT_TRUE(store_->proofs(tenant, {}).value().empty()) << "nothing of it was written";
  EXPECT_TRUE(store_->finish_job(job.id, 2, kNow + kLease, {"{}", {}, {}, {}}).value());
  EXPECT_EQ(store_->job(tenant, job.id).value()->result, "{}");
}

TEST_P(StoreContract, AWorkerThatWasSlowButNotReplacedKeepsItsJob) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  ASSERT_TRUE(store_->acquire_job("w1", kNow, kLease).value().has_value());
  EXPECT_EQ(store_->heartbeat(job.id, 1, kNow + 5 * kLease, kLease, "", 0, 0).value(), LeaseState::kHeld);
  EXPECT_FALSE(store_->acquire_job("w2", kNow + 5 * kLease, kLease).value().has_value());
}

TEST_P(StoreContract, JobsThatKillTheirWorkersEndAfterTheLastAttempt) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  TimeMs now = kNow;
  for (int i = 1; i <= 3; ++i, now += kLease) EXPECT_EQ(store_->acquire_job("w", now, kLease).value()->attempts, i);
  EXPECT_FALSE(store_->acquire_job("w", now, kLease).value().has_value());
  const Job failed = store_->job(tenant, job.id).value().value();
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_FALSE(failed.problem.empty());
}

TEST_P(StoreContract, FailuresAreTriedAgainLaterUnlessThatIsInVain) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  ASSERT_TRUE(store_->acquire_job("w", kNow, kLease).value().has_value());
  EXPECT_TRUE(store_->fail_job(job.id, 1, kNow, "disk full", true, 200).value());
  EXPECT_EQ(store_->job(tenant, job.id).value()->status, JobStatus::kQueued);
  EXPECT_EQ(store_->job(tenant, job.id).value()->problem, "disk full");
  EXPECT_FALSE(store_->acquire_job("w", kNow + 199, kLease).value().has_value());
  EXPECT_EQ(store_->acquire_job("w", kNow + 200, kLease).value()->attempts, 2);
  EXPECT_FALSE(store_->fail_job(job.id, 1, kNow, "late", true, 200).value());
  EXPECT_TRUE(store_->fail_job(job.id, 2, kNow + 300, "malformed model", false, 200).value());
  EXPECT_EQ(store_->job(tenant, job.id).value()->status, JobStatus::kFailed);
  EXPECT_EQ(store_->job(tenant, job.id).value()->problem, "malformed model");
}

TEST_P(StoreContract, AJobGivenBackLosesNoAttempt) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(store_->acquire_job("w", kNow, kLease).value()->attempts, i);
    ASSERT_TRUE(store_->release_job(job.id, i, kNow).value());
    EXPECT_FALSE(store_->release_job(job.id, i, kNow).value());
  }
  ASSERT_TRUE(store_->acquire_job("w", kNow, kLease).value().has_value());
  EXPECT_TRUE(store_->fail_job(job.id, 6, kNow, "disk full", true, 0).value());
  EXPECT_EQ(store_->job(tenant, job.id).value()->status, JobStatus::kQueued);
}

TEST_P(StoreContract, CancellingEndsAQueuedJobAndTellsARunningOnesWorker) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  const Job first = store_->create_job(job_of(a, model)).value(), second = store_->create_job(job_of(a, model)).value();
  const Job held = store_->acquire_job("w", kNow, kLease).value().value();
  const std::string queued = held.id == first.id ? second.id : first.id;
  EXPECT_FALSE(store_->cancel_job(b, queued, kNow).value().has_value());
  EXPECT_EQ(store_->cancel_job(a, queued, kNow).value()->status, JobStatus::kCancelled);
  EXPECT_EQ(store_->cancel_job(a, held.id, kNow).value()->status, JobStatus::kRunning);
  EXPECT_EQ(store_->heartbeat(held.id, 1, kNow, kLease, "", 0, 0).value(), LeaseState::kCancel);
  EXPECT_TRUE(store_->release_job(held.id, 1, kNow).value());
  EXPECT_EQ(store_->job(a, held.id).value()->status, JobStatus::kCancelled);
  EXPECT_EQ(store_->cancel_job(a, held.id, kNow).value()->status, JobStatus::kCancelled);
  EXPECT_FALSE(store_->acquire_job("w", kNow + 10 * kLease, kLease).value().has_value());
}

TEST_P(StoreContract, ACancelledJobWhoseWorkerDiedIsNotTriedAgain) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  ASSERT_TRUE(store_->acquire_job("w", kNow, kLease).value().has_value());
  ASSERT_TRUE(store_->cancel_job(tenant, job.id, kNow).ok());
  EXPECT_FALSE(store_->acquire_job("w", kNow + kLease, kLease).value().has_value());
  EXPECT_EQ(store_->job(tenant, job.id).value()->status, JobStatus::kCancelled);
}

TEST_P(StoreContract, EventsTellWhatHappenedInOrderAndFromAnyPoint) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  const Job job = store_->create_job(job_of(tenant, model)).value();
  ASSERT_TRUE(store_->acquire_job("w", kNow, kLease).value().has_value());
  ASSERT_TRUE(store_->heartbeat(job.id, 1, kNow, kLease, "proving", 1, 2).ok());
  ASSERT_TRUE(store_->heartbeat(job.id, 1, kNow, kLease, "proving", 1, 2).ok());  // nothing new
  ASSERT_TRUE(store_->finish_job(job.id, 1, kNow, {"{}", {}, {}, {}}).value());
  const auto events = store_->job_events(job.id, 0, 100).value();
  ASSERT_EQ(events.size(), 4u);
  const char* statuses[] = {"queued", "running", "running", "succeeded"};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(events[i].status, statuses[i]);
  EXPECT_EQ(events[2].phase, "proving");
  EXPECT_EQ(events[2].total, 2);
  EXPECT_EQ(store_->job_events(job.id, events[1].sequence, 100).value().size(), 2u);
  EXPECT_EQ(store_->job_events(job.id, 0, 1).value().size(), 1u);
}

TEST_P(StoreContract, ManyWorkersShareJobsWithoutDoublingAny) {
  const std::string tenant = add_tenant("a"), model = add_model(tenant, "m");
  make_ready(tenant, model);
  constexpr int kJobs = 40, kWorkers = 4;
  for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(store_->create_job(job_of(tenant, model)).ok());
  std::atomic<int> finished = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      const auto own = database_.connect();  // as another process would
      while (const auto held = own->acquire_job("w", kNow, kLease).value()) {
        EXPECT_EQ(held->attempts, 1);
        if (own->finish_job(held->id, held->attempts, kNow, {"{}", {}, {}, {}}).value()) ++finished;
      }
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(finished, kJobs);
}

TEST_P(StoreContract, SamplesAndJobsAreCountedForQuotas) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  Job job = job_of(b, model);
  job.samples = 5;
  ASSERT_TRUE(store_->create_job(job).ok());
  job.id = make_id(kNow);
  job.created_ms = kNow - 100;
  ASSERT_TRUE(store_->create_job(job).ok());
  EXPECT_EQ(store_->samples_since(b, model, kNow).value(), 5);
  EXPECT_EQ(store_->samples_since(b, model, kNow - 100).value(), 10);
  EXPECT_EQ(store_->samples_since(b, "other", 0).value(), 0);
  EXPECT_EQ(store_->active_jobs(b).value(), 2);
  EXPECT_EQ(store_->job_counts().value(), (std::vector<std::pair<std::string, std::int64_t>>{{"queued", 2}, {"succeeded", 1}}));
}

TEST_P(StoreContract, LimitsHoldForRequestsAtTheSameTime) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  constexpr int kThreads = 4, kTries = 5;
  const auto started = [&](const JobLimits& limits, std::int64_t samples) {
    std::atomic<int> made = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        const auto store = database_.connect();
        for (int i = 0; i < kTries; ++i) {
          Job job = job_of(b, model);
          job.samples = samples;
          const auto result = store->create_job(job, limits);
          if (result.ok()) {
            ++made;
          } else {
            EXPECT_EQ(result.error().code, base::ErrorCode::kLimit);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return made.load();
  };
  EXPECT_EQ(started({.samples = 10, .since = kNow}, 3), 3) << "9 of 10 samples";
  EXPECT_EQ(started({.samples = 10, .since = kNow + 1}, 11), 0) << "more than all at once";
  EXPECT_EQ(started({.active_jobs = 7}, 1), 4) << "three were under way";
  EXPECT_EQ(store_->create_job(job_of(b, model), {.active_jobs = 7}).error().place, "active_jobs");
  EXPECT_EQ(store_->create_job(job_of(b, model), {.samples = 13, .since = kNow}).error().place, "samples");
}

TEST_P(StoreContract, AnotherTenantsObjectsAreInvisible) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  const Job job = store_->create_job(job_of(a, model)).value();
  EXPECT_FALSE(store_->job(b, job.id).value().has_value());
  EXPECT_TRUE(store_->jobs(b, {}).value().empty());
  EXPECT_TRUE(store_->models(b, {}).value().empty());
  EXPECT_TRUE(store_->proofs(b, {}).value().empty());
  EXPECT_EQ(store_->jobs(a, {}).value().size(), 2u);
}

TEST_P(StoreContract, ListingsCountWhatHappened) {
  const std::string seller = add_tenant("seller"), buyer = add_tenant("buyer"), model = add_model(seller, "m");
  make_ready(seller, model);
  Listing listing{make_id(kNow), seller, model, "Digits", "reads 100% of digits_", "{}", false, kNow};
  EXPECT_EQ(store_->create_listing(listing).value(), Insert::kDone);
  EXPECT_EQ(store_->create_listing({make_id(kNow), seller, model, "", "", "{}", true, kNow}).value(), Insert::kExists);
  EXPECT_TRUE(store_->search_listings("", {}).value().empty()) << "not published";
  listing.published = true;
  listing.max_samples_per_day = 7;
  EXPECT_TRUE(store_->update_listing(listing).value());
  Listing stolen = listing;
  stolen.tenant = buyer;
  EXPECT_FALSE(store_->update_listing(stolen).value());
  for (const char* found : {"", "digits", "DIG", "100%", "digits_"}) EXPECT_EQ(store_->search_listings(found, {}).value().size(), 1u) << found;
  for (const char* none : {"letters", "%x", "1_0", "\\", "' OR 1=1 --"}) EXPECT_TRUE(store_->search_listings(none, {}).value().empty()) << none;
  EXPECT_EQ(store_->listing_of_model(model).value()->id, listing.id);
  EXPECT_EQ(store_->listing(listing.id).value()->max_samples_per_day, 7);

  EXPECT_FALSE(store_->has_used(buyer, model).value());
  Job job = store_->create_job(job_of(buyer, model)).value();
  ASSERT_TRUE(store_->acquire_job("w", kNow + 10, kLease).value().has_value());
  const Proof proof{make_id(kNow), buyer, job.id, model, 1, "p", "k", 1, 70, kNow};
  ASSERT_TRUE(store_->finish_job(job.id, 1, kNow + 90, {"{}", proof, {}, {}}).value());
  EXPECT_TRUE(store_->has_used(buyer, model).value());
  EXPECT_FALSE(store_->has_used(seller, model).value()) << "a registration is no use";
  ASSERT_TRUE(store_->record_verification(proof.id, true).ok());
  ASSERT_TRUE(store_->record_verification(proof.id, true).ok());
  ASSERT_TRUE(store_->record_verification(proof.id, false).ok());
  ASSERT_TRUE(store_->put_review({listing.id, buyer, "fair", 2, kNow}).ok());
  ASSERT_TRUE(store_->put_review({listing.id, buyer, "good", 4, kNow}).ok());
  EXPECT_FALSE(store_->put_review({listing.id, seller, "", 6, kNow}).ok());
  const auto reviews = store_->reviews(listing.id, {}).value();
  ASSERT_EQ(reviews.size(), 1u);
  EXPECT_EQ(reviews[0].text, "good");
  EXPECT_EQ(reviews[0].rating, 4);
  const ListingFigures figures = store_->listing_figures(model).value();
  ASSERT_EQ(figures.levels.size(), 1u);
  EXPECT_EQ(figures.levels[0].level, "zkml");
  EXPECT_EQ(figures.levels[0].inferences, 1);
  EXPECT_EQ(figures.levels[0].mean_latency_ms, 90);
  EXPECT_EQ(figures.levels[0].mean_prove_ms, 70);
  EXPECT_EQ(figures.verified, 2);
  EXPECT_EQ(figures.refused, 1);
  EXPECT_EQ(figures.reviews, 1);
  EXPECT_EQ(figures.mean_rating, 4);
  EXPECT_EQ(store_->proof(proof.id).value()->verified, 2);
}

TEST_P(StoreContract, AJobHasOneReceiptOfItsTenant) {
  const std::string a = add_tenant("a"), b = add_tenant("b"), model = add_model(a, "m");
  make_ready(a, model);
  const Job job = store_->create_job(job_of(a, model)).value();
  ASSERT_TRUE(store_->acquire_job("w", kNow, kLease).value().has_value());
  const Proof proof{make_id(kNow), a, job.id, model, 1, "p", "k", 1, 1, kNow};
  ASSERT_TRUE(store_->finish_job(job.id, 1, kNow, {"{}", proof, {}, {}}).value());
  EXPECT_EQ(store_->proof_of_job(job.id).value()->id, proof.id);
  EXPECT_FALSE(store_->proof_of_job("none").value().has_value());
  const Receipt receipt{make_id(kNow), a, job.id, "blob", "envelope", kNow};
  EXPECT_EQ(store_->create_receipt(receipt).value(), Insert::kDone);
  EXPECT_EQ(store_->create_receipt({make_id(kNow), a, job.id, "other", "", kNow}).value(), Insert::kExists);
  EXPECT_EQ(store_->receipt_of_job(a, job.id).value()->blob, "blob");
  EXPECT_EQ(store_->receipt_of_job(a, job.id).value()->key_envelope, "envelope");
  EXPECT_FALSE(store_->receipt_of_job(b, job.id).value().has_value());
}

TEST_P(StoreContract, TheAuditLogIsChained) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store_->append_audit({0, kNow + i, i % 2 ? "a" : "b", "key", "open", "model " + std::to_string(i), "'; DROP TABLE audit; --", {}}).ok());
  }
  EXPECT_EQ(store_->check_audit().value(), 0);
  const auto all = store_->audit("", 0, 100).value();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[3].object, "model 3");
  EXPECT_EQ(all[3].detail, "'; DROP TABLE audit; --");
  EXPECT_EQ(store_->audit("a", 0, 100).value().size(), 2u);
  EXPECT_EQ(store_->audit("", all[2].sequence, 100).value().size(), 2u);
}

TEST_P(StoreContract, WhatIsWrittenOutlivesTheConnection) {
  const std::string tenant = add_tenant("zażółć \xF0\x9F\x94\x92");
  store_ = database_.connect();
  EXPECT_EQ(store_->tenant(tenant).value()->name, "zażółć \xF0\x9F\x94\x92");
}

}  // namespace blindproof::service::store
