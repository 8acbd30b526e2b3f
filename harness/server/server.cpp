#include "harness/server/server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "harness/server/process_tree.hpp"
#include "harness/server/quarantine.hpp"
#include "harness/server/shared_memory.hpp"
#include "harness/server/socket_directory.hpp"

namespace harness::server {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::with_keyword;

namespace {

constexpr auto teardown_patience = std::chrono::seconds(8);  // postmaster itself gives its children 5 s
constexpr auto kill_patience = std::chrono::seconds(30);
constexpr int log_tail_lines = 20;

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings own_settings(const std::filesystem::path& data_directory, const std::filesystem::path& socket_directory) {
  return {{"listen_addresses", ""},
          {"port", "5432"},
          {"unix_socket_directories", socket_directory.string()},
          {"unix_socket_group", ""},
          // A restored file may name production's own directory and pid file. An empty external_pid_file would be
          // tried, with a complaint in the log.
          {"data_directory", data_directory.string()},
          {"external_pid_file", (socket_directory / "server.pid").string()}};
}

process::Command command_of(const ServerOptions& options, const std::filesystem::path& socket_directory) {
  // What keeps the server disposable stands last: of two settings of one name PostgreSQL takes the later.
  Settings settings(options.settings.begin(), options.settings.end());
  const auto own = own_settings(options.data_directory, socket_directory);
  settings.insert(settings.end(), own.begin(), own.end());
  process::Command command;
  command.program = options.installation.program("postgres");
  command.arguments = {"-D", options.data_directory.string()};
  for (const auto& [name, value] : settings) {
    command.arguments.insert(command.arguments.end(), {"-c", fmt::format("{}={}", name, value)});
  }
  command.environment = {{"LC_ALL", "C"}, {"LANG", "C"}, {"TZ", "UTC"}};
  command.output_file = options.log_file;
  command.run_as = options.run_as;
  command.parent_death_signal = SIGQUIT;
  command.volume = options.volume;
  if (options.isolation) {
    command.isolated =
        view_for_server(*options.isolation, options.installation, options.data_directory, socket_directory);
  }
  return command;
}

int signal_of(StopMode mode) {
  switch (mode) {
    case StopMode::smart:
      return SIGTERM;
    case StopMode::fast:
      return SIGINT;
    case StopMode::immediate:
      return SIGQUIT;
  }
  return SIGQUIT;
}

}  // namespace

struct Server::Impl {
  ServerOptions options;
  OwnedDirectory socket_directory;
  process::Command command;
  process::Subprocess postmaster;

  explicit Impl(ServerOptions wanted)
      : options(std::move(wanted)),
        socket_directory(make_socket_directory(socket_parent(options.socket_parent, options.run_as), options.run_as)),
        command(command_of(options, socket_directory.path())),
        postmaster(process::Subprocess::start(command)) {}

  ~Impl() {
    try {
      tear_down();
    } catch (const std::exception&) {
      // Whatever still runs dies with Lifeboat by its parent-death signal.
    }
  }

  void tear_down() {
    if (const auto status = postmaster.poll()) {
      // Killed by somebody else: its children end by themselves, what it shared does not.
      if (status->signal != 0) release(shared_memory({postmaster.pid()}));
      return;
    }
    const auto tree = ProcessTree::of(postmaster.pid());
    const auto memory = shared_memory(tree.pids());
    postmaster.send(SIGQUIT);
    try {
      postmaster.wait(Deadline::after(teardown_patience));
    } catch (const Error&) {
      kill();
      return;
    }
    // An archive_command, say, may have outlived the server that ran it.
    tree.send(SIGKILL);
    tree.wait_until_gone(Deadline::after(kill_patience));
    release(memory);
  }

  void kill() {
    if (postmaster.poll()) return;
    const auto tree = ProcessTree::frozen(postmaster.pid());
    const auto memory = shared_memory(tree.pids());
    tree.send(SIGKILL);
    const auto deadline = Deadline::after(kill_patience);
    postmaster.wait(deadline);
    tree.wait_until_gone(deadline);
    release(memory);
  }

  [[nodiscard]] SharedMemory shared_memory(const std::vector<pid_t>& pids) const {
    auto memory = shared_memory_of(options.data_directory, pids);
    // An isolated server's /dev/shm went with it: what has such a name here is somebody else's.
    if (options.isolation) memory.posix_segments.clear();
    return memory;
  }

  [[nodiscard]] Error ended_early(process::ExitStatus status) const {
    return Error(ErrorKind::process, fmt::format("the server on {} ended with {} before it answered",
                                                 options.data_directory.string(), process::to_text(status)))
        .with_remedy("read its log: " + options.log_file.string())
        .of_command(process::to_text(command))
        .with_log_tail(process::tail_of(options.log_file, log_tail_lines));
  }
};

std::vector<std::string> settings_of_every_server() {
  std::vector<std::string> names;
  for (const auto& [name, value] : own_settings({}, {})) names.push_back(name);
  return names;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Server Server::start(ServerOptions options) {
  refuse_unfit_user(options.run_as);
  if (!std::filesystem::exists(options.data_directory / "PG_VERSION")) {
    throw Error(ErrorKind::not_found,
                fmt::format("no cluster in {}: it has no PG_VERSION", options.data_directory.string()));
  }
  (void)require_program(options.installation, "postgres");
  return Server(std::make_unique<Impl>(std::move(options)));
}

void Server::wait_until_ready(const Deadline& deadline, const std::stop_token& stop) {
  const auto look = [this]() -> std::optional<std::string> {
    try {
      auto connection = connect();
      connection.query("SELECT 1");
      return std::nullopt;
    } catch (const Error& error) {
      if (const auto status = impl_->postmaster.poll()) throw impl_->ended_early(*status);
      if (error.kind() != ErrorKind::connection && error.kind() != ErrorKind::server) throw;
      return error.what();
    }
  };
  try {
    backup_engine::base::poll_until(
        deadline, fmt::format("the server on {} to answer", options().data_directory.string()), look, stop);
  } catch (Error& error) {
    if (error.kind() != ErrorKind::timed_out) throw;
    error.with_log_tail(process::tail_of(options().log_file, log_tail_lines));
    throw;
  }
}

bool Server::running() {
  return !ended();
}

std::optional<process::ExitStatus> Server::ended() {
  return impl_->postmaster.poll();
}

void Server::stop(StopMode mode, const Deadline& deadline) {
  if (!running()) return;
  impl_->postmaster.send(signal_of(mode));
  try {
    impl_->postmaster.wait(deadline);
  } catch (Error& error) {
    error.with_log_tail(process::tail_of(options().log_file, log_tail_lines));
    throw;
  }
}

void Server::kill() {
  impl_->kill();
}

std::string Server::conninfo(const std::string& dbname) const {
  auto text = conninfo_as(options().superuser, dbname);
  const auto further = options_of_sessions(options().settings);
  return further.empty() ? text : with_keyword(text, "options", further);
}

std::string Server::conninfo_as(const std::string& user, const std::string& dbname) const {
  auto text = with_keyword("port=5432", "host", socket_directory().string());
  text = with_keyword(text, "user", user);
  return with_keyword(text, "dbname", dbname);
}

Connection Server::connect(const std::string& dbname) const {
  return connect_regardless(conninfo(dbname), options().installation.version, options().sessions);
}

Connection Server::connect_as_configured(const std::string& dbname) const {
  Connection connection(conninfo(dbname), "lifeboat");
  connection.cancel_when(options().sessions.stop);
  return connection;
}

const ServerOptions& Server::options() const {
  return impl_->options;
}
const std::filesystem::path& Server::socket_directory() const {
  return impl_->socket_directory.path();
}
pid_t Server::pid() const {
  return impl_->postmaster.pid();
}

}  // namespace harness::server
