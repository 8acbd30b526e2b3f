// A disposable PostgreSQL server: `postgres` as a direct child in its own process group, on a Unix socket in a short
// private directory, without TCP, gone when its owner goes.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/installation.hpp"
#include "harness/server/isolation.hpp"
#include "harness/server/own_sessions.hpp"

namespace harness::server {

// The user that servers run as: `name`, or when root and empty the user lifeboat, else nobody; the caller when not
// root (then nullopt). Never postgres, never root: throws base::Error(usage).
[[nodiscard]] std::optional<process::OsUser> resolve_server_user(const std::string& name);

// Throws base::Error(usage) when `run_as`, or without it the caller, is root or postgres.
void refuse_unfit_user(const std::optional<process::OsUser>& run_as);

struct ServerOptions {
  Installation installation;
  std::filesystem::path data_directory;
  std::filesystem::path log_file;               // the server's stderr, appended
  std::map<std::string, std::string> settings;  // given as -c name=value; files stay as they are
  std::optional<process::OsUser> run_as;
  std::string superuser = "postgres";  // who initdb made
  // Below which the socket directory is made; empty: $XDG_RUNTIME_DIR when the server runs as the caller, else /tmp.
  std::filesystem::path socket_parent;
  // Namespaces of its own: for servers that were restored. Only root may, and where why_not_isolated() is empty.
  std::optional<Isolation> isolation{};
  // A small file system that it sees where it is mounted, below its data directory (volume.hpp).
  std::shared_ptr<const process::Volume> volume{};
  OwnSessions sessions{};  // of connect() and connect_as_configured()
};

// The names of the settings that every Server is given, whatever its options and files say: they differ between two
// servers without meaning anything.
[[nodiscard]] std::vector<std::string> settings_of_every_server();

enum class StopMode { smart, fast, immediate };

// One owner, one thread; only conninfo(), conninfo_as() and the connect functions may be called from others.
class Server {
 public:
  // Starts postgres and returns at once; ready() or wait_until_ready() say when it answers. Throws base::Error(process
  // | usage: socket path too long | permission).
  [[nodiscard]] static Server start(ServerOptions options);
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();  // immediate shutdown, SIGKILL to the group when that takes too long, socket directory removed

  // Polls until a connection to `dbname` answers a query. When postgres ended instead: Error(process) with its log
  // tail.
  void wait_until_ready(const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});
  [[nodiscard]] bool running();
  // How it ended, by itself or not; nullopt while it runs.
  [[nodiscard]] std::optional<process::ExitStatus> ended();
  // Does nothing when it ended before. Throws Error(timed_out) with the log tail; the server goes on stopping.
  void stop(StopMode mode, const backup_engine::base::Deadline& deadline);
  // The power cut of one server: postmaster and every process below it are frozen, then SIGKILLed, then waited for (30
  // s at most); the shared memory that they can no longer remove themselves goes too. The data directory stays as it
  // is.
  void kill();

  [[nodiscard]] std::string conninfo(const std::string& dbname = "postgres") const;  // superuser, options_of_sessions()
  [[nodiscard]] std::string conninfo_as(const std::string& user, const std::string& dbname) const;
  // The superuser's, to which limits on time, read-only and isolation defaults and the role that the database or the
  // role was given do not apply (own_sessions.hpp).
  [[nodiscard]] backup_engine::postgres::Connection connect(const std::string& dbname = "postgres") const;
  // One on which every setting is what the configuration says.
  [[nodiscard]] backup_engine::postgres::Connection connect_as_configured(const std::string& dbname) const;
  [[nodiscard]] const ServerOptions& options() const;
  [[nodiscard]] const std::filesystem::path& socket_directory() const;
  [[nodiscard]] pid_t pid() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness::server
