#include "tests/pg/quarantine/acting_source.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/provision/provision.hpp"
#include "harness/server/quarantine.hpp"
#include "tests/pg/server/test_installation.hpp"
#include "tests/support/places.hpp"

namespace harness {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::read_file;

namespace {

Deadline soon() {
  return Deadline::after(std::chrono::minutes(5));
}

}  // namespace

ActingSource::ActingSource()
    : installation_(server::test_installation()), user_(server::resolve_server_user("")), plain_port_(free_port()) {
  for (const auto* const name : {"marks", "marks/log", "marks/socket", "marks/stored by a library"}) {
    run_program("/bin/mkdir", {stored_.path(name)});
  }
  for (const auto* const name : {"scheduler", "session-agent", "database-agent"}) {
    const auto library = stored_.path(std::string(name) + ".so");
    fs::copy_file(ACTING_LIBRARY, library);
    fs::permissions(library, fs::perms(0755));
  }
  for (const auto* const who : {"primary", "job", "DDL trigger", "login trigger", "function", "foreign table"}) {
    listeners_.try_emplace(who);
  }
  fs::copy(tests::source_directory() / "fixtures", stored_.path("fixtures"), fs::copy_options::recursive);
  std::ofstream(further_configuration()) << "work_mem = '5MB'\n";
  start_publisher();
  fill();
  std::ofstream(stored_.path("data") / "postgresql.conf", std::ios::app) << settings();
  store();
  forget_deeds();
}

// All that a configuration can do to others. No copy has to outlive the machine.
std::string ActingSource::settings() const {
  const auto mark = [&](const char* name) { return (marks() / name).string(); };
  auto text = fmt::format(
      "archive_mode = on\narchive_command = 'touch \"{}\"'\nrestore_command = 'touch \"{}\"; "
      "false'\nrecovery_end_command = 'touch \"{}\"'\narchive_cleanup_command = 'touch \"{}\"'\n"
      "external_pid_file = '{}'\nlogging_collector = on\nlog_directory = '{}'\nunix_socket_directories = '{}'\n"
      "listen_addresses = '127.0.0.1'\nport = {}\n",
      mark("archived"), mark("fetched"), mark("recovery ended"), mark("archive cleaned"), mark("server.pid"),
      mark("log"), mark("socket"), plain_port_);
  text += fmt::format(
      "shared_preload_libraries = '{}, pg_stat_statements'\nsession_preload_libraries = '{}'\n"
      "primary_conninfo = 'host=127.0.0.1 port={} user=postgres dbname=postgres'\nprimary_slot_name = 'production'\n"
      "fsync = off\ninclude = '{}'\n",
      stored_.path("scheduler").string(), stored_.path("session-agent").string(), listeners_.at("primary").port(),
      further_configuration().string());
  if (major() == 15) text += fmt::format("promote_trigger_file = '{}'\n", file_that_promotes().string());
  return text;
}

std::set<std::string> ActingSource::deeds_of_a_primary() const {
  std::set<std::string> names = {"archived",      "fetched",        "recovery ended", "server.pid",
                                 "log",           "socket",         "listening",      "scheduler",
                                 "session-agent", "database-agent", "called by job",  "called by DDL trigger",
                                 "subscribed"};
  if (major() >= 17) names.insert("called by login trigger");
  return names;
}

server::ServerOptions ActingSource::options(const std::string& name) const {
  server::ServerOptions made;
  made.installation = installation_;
  made.data_directory = stored_.path(name);
  made.log_file = stored_.path(name + ".log");
  made.run_as = user_;
  return made;
}

void ActingSource::run_program(const fs::path& program, const std::vector<std::string>& arguments) const {
  process::Command command;
  command.program = program;
  command.arguments = arguments;
  command.run_as = user_;
  const auto done = process::run(command, soon());
  if (!done.status.success()) throw std::runtime_error(to_text(command) + ": " + done.output);
}

void ActingSource::start_publisher() {
  auto publisher = options("publisher");
  provision::make_cluster({installation_, publisher.data_directory, true, {{"wal_level", "logical"}}, user_});
  publisher.settings = {{"log_replication_commands", "on"}};
  publisher_ = server::Server::start(publisher);
  publisher_->wait_until_ready(soon());
  auto connection = publisher_->connect();
  connection.execute("CREATE TABLE news (id int PRIMARY KEY)");
  connection.execute("INSERT INTO news VALUES (1)");
  connection.execute("CREATE PUBLICATION everything FOR ALL TABLES");
}

std::string ActingSource::call(const std::string& who) const {
  return fmt::format("call_somebody({})", listeners_.at(who).port());
}

void ActingSource::fill() const {
  auto connection = stored_.connect();
  for (const auto* const extension : {"dblink", "postgres_fdw", "pg_stat_statements", "amcheck"}) {
    connection.execute(fmt::format("CREATE EXTENSION {}", extension));
  }
  connection.execute(
      "CREATE FUNCTION call_somebody(port int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE why text; BEGIN PERFORM "
      "dblink_connect('once', format('host=127.0.0.1 port=%s sslmode=disable gssencmode=disable', port)); RETURN "
      "'answered'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL; RETURN why; END $$");
  connection.execute(fmt::format("CREATE FUNCTION call_by_name() RETURNS text RETURN {}", call("function")));
  connection.execute(fmt::format("CREATE FUNCTION run_jobs() RETURNS text RETURN {}", call("job")));
  for (const auto& [name, who] : {std::pair{"on_ddl", "DDL trigger"}, {"on_login", "login trigger"}}) {
    connection.execute(fmt::format(
        "CREATE FUNCTION {}() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {}; END $$", name, call(who)));
  }
  connection.execute(fmt::format(
      "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{}', connect_timeout '2'); "
      "CREATE USER MAPPING FOR postgres SERVER far; CREATE FOREIGN TABLE far_away (id int) SERVER far; "
      "CREATE TABLE news (id int PRIMARY KEY)",
      listeners_.at("foreign table").port()));
  connection.execute(fmt::format("CREATE SUBSCRIPTION news CONNECTION {} PUBLICATION everything",
                                 backup_engine::postgres::quote_literal(publisher_->conninfo())));
  backup_engine::base::poll_until(soon(), "the subscription to bring a row", [&]() -> std::optional<std::string> {
    const auto rows = connection.query("SELECT count(*) FROM news").single();
    return rows == "1" ? std::nullopt : std::optional(rows + " rows");
  });
  connection.execute("CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl()");
  if (major() >= 17) {
    connection.execute("CREATE EVENT TRIGGER on_login ON login EXECUTE FUNCTION on_login()");
    connection.execute("ALTER EVENT TRIGGER on_login ENABLE ALWAYS");
  }
  connection.execute(fmt::format("ALTER DATABASE postgres SET session_preload_libraries = {}",
                                 backup_engine::postgres::quote_literal(stored_.path("database-agent").string())));
}

void ActingSource::store() {
  (void)stored_.back_up();
  run_program(installation_.program("pg_basebackup"), {"--dbname=" + stored_.conninfo(), "--checkpoint=fast",
                                                       "--wal-method=stream", "--pgdata", stored_.path("backup")});
  // A copy gets a checkpoint to restart from, after which it cleans the archive.
  stored_.run("CHECKPOINT");
  stored_.run("SELECT pg_switch_wal()");
  stored_.wait_until_acknowledged();
  for (const auto& segment : fs::directory_iterator(stored_.path("data") / "pg_wal")) {
    if (!segment.is_regular_file()) continue;
    run_program("/bin/cp", {segment.path().string(), (stored_.path("backup") / "pg_wal").string()});
  }
  stored_.end_receiver();
  stored_.run("ALTER SUBSCRIPTION news DISABLE");  // its slot is for the copies
}

fs::path ActingSource::copy(Recovery recovery, const std::string& more) {
  const auto target = stored_.path(fmt::format("copy{}", ++copies_));
  run_program("/bin/cp", {"--archive", stored_.path("backup"), target});
  std::ofstream(target / "postgresql.auto.conf", std::ios::app) << more;
  run_program("/usr/bin/touch", {target / (recovery == Recovery::archive ? "recovery.signal" : "standby.signal")});
  return target;
}

process::Command ActingSource::plainly(const fs::path& copy) const {
  process::Command command;
  command.program = installation_.program("postgres");
  command.arguments = {"-D", copy.string()};
  command.output_file = copy.string() + ".log";
  command.run_as = user_;
  command.parent_death_signal = SIGQUIT;
  return command;
}

std::string ActingSource::conninfo_of_plain_one(const std::string& database) const {
  return fmt::format("host=127.0.0.1 port={} user=postgres dbname={}", plain_port_, database);
}

std::string ActingSource::log_of_plain_ones() const {
  std::string text;
  for (const auto& entry : fs::directory_iterator(marks() / "log")) text += read_file(entry.path());
  return text;
}

server::ServerOptions ActingSource::quarantined(const fs::path& copy) const {
  auto made = options(copy.filename().string());
  made.settings = server::quarantine_settings(major());
  made.settings["restore_command"] = "/bin/false";
  return made;
}

bool ActingSource::is_subscribed_to() const {
  return publisher_->connect().query("SELECT count(*) FROM pg_replication_slots WHERE active").single() != "0";
}

drill::StoredCluster::Ended ActingSource::drill_as_operator(const std::string& scenario) const {
  return stored_.lifeboat({"run", stored_.scenarios() / (scenario + ".yaml"), "--out", stored_.path("operator's"),
                           "--pg-bindir", installation_.bin_directory, "--progress", "none"});
}

std::set<std::string> ActingSource::deeds() {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(marks())) {
    if (entry.is_directory()) continue;
    const auto name = entry.path().lexically_relative(marks()).string();
    names.insert(name.substr(0, name.find('/')));  // what lies in a folder is told by it
  }
  for (auto& [who, listener] : listeners_) {
    if (listener.count() > 0) names.insert("called by " + who);
  }
  if (somebody_listens(plain_port_)) names.insert("listening");
  if (read_file(publisher_->options().log_file).find("START_REPLICATION", publisher_told_) != std::string::npos) {
    names.insert("subscribed");
  }
  return names;
}

void ActingSource::forget_deeds() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(marks())) {
    if (!entry.is_directory()) files.push_back(entry.path());
  }
  for (const auto& file : files) fs::remove(file);
  for (auto& [who, listener] : listeners_) listener.forget();
  publisher_told_ = read_file(publisher_->options().log_file).size();
}

}  // namespace harness
