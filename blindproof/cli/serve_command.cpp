// blindproof serve, blindproof worker: the service's processes.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "blindproof/base/file.h"
#include "blindproof/cli/interrupts.h"
#include "blindproof/cli/session.h"
#include "blindproof/service/http/api.h"
#include "blindproof/service/http/server.h"
#include "blindproof/service/jobs/worker.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
namespace jobs = service::jobs;
namespace http = service::http;
using std::chrono::milliseconds;

constexpr const char* kThisProgram = "/proc/self/exe";
constexpr const char* kDatabaseVariable = "BLINDPROOF_DATABASE";
constexpr milliseconds kLook{50}, kRestart{1000}, kWorkersEnd{10000};

std::atomic<bool> stop = false;  // set by the first SIGINT or SIGTERM

/// One JSON object a line, on standard error.
void log_line(const std::string& line) { std::fputs((line + "\n").c_str(), stderr); }

struct Address {
  std::string host;
  std::uint16_t port;
};

/// "127.0.0.1:8080", "[::1]:8080".
std::optional<Address> parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Address address{text.substr(0, colon), 0};
  if (address.host.starts_with('[') && address.host.ends_with(']')) address.host = address.host.substr(1, address.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return address;
}

/// Workers of this machine, as processes of their own: started again when one ends.
class Workers {
 public:
  Workers(std::size_t count, const fs::path& data) {
    for (std::size_t i = 0; i < count; ++i) {
      workers_.push_back({{"blindproof", "worker", "--quiet", "--data", data.string(), "--name", "serve-" + std::to_string(i)}, -1, {}});
    }
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { end(); }

  /// Called now and then, by one thread: a worker is told to end when the thread that started it does.
  void look() {
    const auto now = std::chrono::steady_clock::now();
    for (One& worker : workers_) {
      if (worker.process > 0 && ::waitpid(worker.process, nullptr, WNOHANG) == worker.process) {
        worker.process = -1;
        worker.not_before = now + kRestart;
      }
      if (worker.process < 0 && now >= worker.not_before) start(worker);
    }
  }

 private:
  struct One {
    std::vector<std::string> arguments;
    pid_t process;
    std::chrono::steady_clock::time_point not_before;
  };

  static void start(One& worker) {
    std::vector<char*> arguments;
    for (std::string& argument : worker.arguments) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const long descriptors = ::sysconf(_SC_OPEN_MAX);
    worker.process = ::fork();
    if (worker.process == 0) {  // only what is safe after a fork of a program with threads
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      // Clients' connections above all: what a worker holds open doesn't end when the server ends it.
      if (::close_range(STDERR_FILENO + 1, ~0u, 0) != 0) {
        for (int descriptor = STDERR_FILENO + 1; descriptor < descriptors; ++descriptor) ::close(descriptor);
      }
      if (::getppid() == parent) ::execv(kThisProgram, arguments.data());
      ::_exit(1);
    }
  }

  void end() {
    for (const One& worker : workers_) {
      if (worker.process > 0) ::kill(worker.process, SIGTERM);
    }
    const auto deadline = std::chrono::steady_clock::now() + kWorkersEnd;
    for (One& worker : workers_) {
      while (worker.process > 0 && ::waitpid(worker.process, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > deadline) ::kill(worker.process, SIGKILL);
        std::this_thread::sleep_for(kLook);
      }
      worker.process = -1;
    }
  }

  std::vector<One> workers_;
};

struct ServeArguments {
  fs::path data;
  std::string database;
  std::string listen = "127.0.0.1:8080";
  std::size_t workers = 1, threads = 4;
  std::uint64_t max_model_mib = 8192;
  double requests_per_second = 200;
  std::optional<fs::path> certificate, key, web;
};

/// Where an installation or a build has the web page; nothing if there is none.
std::optional<fs::path> web_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink(kThisProgram, ignored).parent_path();
  for (const char* folder : {"../share/blindproof/web", "../web"}) {
    if (fs::exists(program / folder / "index.html", ignored)) return (program / folder).lexically_normal();
  }
  return std::nullopt;
}

int serve(const Session& session, const ServeArguments& arguments) {
  const auto address = parse_address(arguments.listen);
  if (!address) return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--listen", "must be HOST:PORT, for instance 127.0.0.1:8080"));
  auto data = jobs::open_data_folder(arguments.data, arguments.database);
  if (!data.ok()) return session.fail(data.error());
  if (!arguments.database.empty()) ::setenv(kDatabaseVariable, arguments.database.c_str(), 1);  // for workers: arguments are seen by every process
  http::ApiOptions api_options;
  api_options.version = BLINDPROOF_VERSION;
  api_options.max_model_bytes = arguments.max_model_mib << 20;
  api_options.requests_per_s = arguments.requests_per_second;
  api_options.request_burst = std::max(1.0, 2 * arguments.requests_per_second);
  api_options.log = log_line;
  if (const auto folder = arguments.web ? arguments.web : web_folder()) {
    auto page = http::StaticFiles::open(*folder);
    if (!page.ok()) return session.fail(page.error());
    api_options.page = *std::move(page);
  }
  auto keys = http::open_server_keys(arguments.data);
  if (!keys.ok()) return session.fail(keys.error());
  http::Api api(*std::move(data), *std::move(keys), api_options);
  const fs::path key_file = arguments.data / "admin.key";
  const auto bootstrapped = api.bootstrap(key_file);
  if (!bootstrapped.ok()) return session.fail(bootstrapped.error());
  http::ServerOptions options;
  options.host = address->host;
  options.port = address->port;
  options.threads = arguments.threads;
  if (arguments.certificate) options.tls = {*arguments.certificate, *arguments.key};
  auto server = http::Server::start(options, api);
  if (!server.ok()) return session.fail(server.error());
  on_interrupt([] { stop = true; });
  const std::string url = (options.tls ? "https://" : "http://") + (address->host.find(':') == std::string::npos ? address->host : "[" + address->host + "]") + ":" + std::to_string((*server)->port());
  Json json = {{"url", url}, {"data", arguments.data.string()}};
  std::string text = "listening on " + url;
  if (*bootstrapped) {
    json["admin_key_file"] = key_file.string();
    text += "\nthe administrator's API key is in " + key_file.string() + ": keep it elsewhere and delete the file";
  }
  session.report(json, text);
  std::fflush(stdout);
  {
    Workers workers(arguments.workers, arguments.data);
    while (!stop) {
      workers.look();
      std::this_thread::sleep_for(kLook);
    }
    (*server)->stop();  // requests under way first: they may wait for nothing that workers do
  }
  return kGood;
}

struct WorkerArguments {
  fs::path data;
  std::string database, name;
};

std::string default_name() {
  char host[256] = "worker";
  ::gethostname(host, sizeof host - 1);
  std::string name = std::string(host) + "-" + std::to_string(::getpid());
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

/// The same program with the same arguments in the place of this one: how a computation ends that doesn't look up.
[[noreturn]] void restart() {
  auto bytes = base::Bytes();
  std::FILE* file = std::fopen("/proc/self/cmdline", "rb");
  if (file != nullptr) {
    for (int byte; (byte = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<std::uint8_t>(byte));
    std::fclose(file);
  }
  std::vector<char*> arguments;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 0 || bytes[i - 1] == 0) arguments.push_back(reinterpret_cast<char*>(bytes.data() + i));
  }
  arguments.push_back(nullptr);
  if (!stop && arguments.size() > 1) ::execv(kThisProgram, arguments.data());
  ::_exit(kGood);
}

int work(const Session& session, const WorkerArguments& arguments) {
  jobs::WorkerOptions options;
  options.name = arguments.name.empty() ? default_name() : arguments.name;
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (options.name.find_first_not_of(kAllowed) != std::string::npos) {
    return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--name", "must be of letters, digits, - and _"));
  }
  options.abandon = restart;
  options.log = [name = options.name](const std::string& event, const service::store::Job& job, const std::string& detail) {
    log_line(Json{{"at_ms", jobs::now_ms()}, {"event", event}, {"worker", name}, {"job", job.id}, {"kind", job.kind}, {"attempt", job.attempts},
                  {"detail", detail}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  auto data = jobs::open_data_folder(arguments.data, arguments.database);
  if (!data.ok()) return session.fail(data.error());
  auto worker = jobs::Worker::create(*data, options);
  if (!worker.ok()) return session.fail(worker.error());
  on_interrupt([] { stop = true; });
  worker->run(stop);
  return kGood;
}

void add_database_option(CLI::App& command, std::string& database) {
  command.add_option("--database", database, "postgresql://USER@HOST/DATABASE, for workers on several machines; SQLite in the folder if absent")
      ->envname(kDatabaseVariable);
}

}  // namespace

void add_serve_command(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<ServeArguments>();
  CLI::App& command = *app.add_subcommand("serve", "Serve models over HTTP: upload, private inference, proofs");
  command.add_option("--data", arguments->data, "Folder of the database, of models and keys; made if it doesn't exist")->required();
  add_database_option(command, arguments->database);
  command.add_option("--listen", arguments->listen, "Address and port; port 0 takes a free one")->capture_default_str();
  command.add_option("--workers", arguments->workers, "Worker processes on this machine; 0 if they run elsewhere")->check(CLI::Range(0, 64))->capture_default_str();
  command.add_option("--http-threads", arguments->threads, "Threads that answer requests")->check(CLI::Range(1, 256))->capture_default_str();
  command.add_option("--max-model-mib", arguments->max_model_mib, "Largest model that is taken")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  command.add_option("--requests-per-second", arguments->requests_per_second, "Of each API key on average, twice as many at once; 0: no limit")
      ->check(CLI::Range(0.0, 1e6))->capture_default_str();
  CLI::Option* certificate = command.add_option("--tls-certificate", arguments->certificate, "PEM file with the certificate and its chain; without it requests aren't encrypted");
  CLI::Option* key = command.add_option("--tls-key", arguments->key, "PEM file with the certificate's key")->needs(certificate);
  certificate->needs(key);
  command.add_option("--web", arguments->web, "Folder of the web page (default: the installed one)");
  command.footer("Examples:\n  blindproof serve --data /var/lib/blindproof --listen 127.0.0.1:8080\n"
                 "  blindproof serve --data /var/lib/blindproof --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem\n"
                 "The first start makes an administrator's API key. Requests are logged on standard error, without payloads.");
  session.add_command(command, [&session, arguments] { return serve(session, *arguments); });

  const auto worker = std::make_shared<WorkerArguments>();
  CLI::App& work_command = *app.add_subcommand("worker", "Do the jobs of a service: register models, prove, evaluate");
  work_command.add_option("--data", worker->data, "The service's folder")->required();
  add_database_option(work_command, worker->database);
  work_command.add_option("--name", worker->name, "Unique among the workers that run; the machine's name and the process's number if absent");
  work_command.footer("Example:\n  blindproof worker --data /var/lib/blindproof");
  session.add_command(work_command, [&session, worker] { return work(session, *worker); });
}

}  // namespace blindproof::cli
