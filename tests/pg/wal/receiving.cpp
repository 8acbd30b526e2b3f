#include "tests/pg/wal/receiving.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/pg/server/test_installation.hpp"

namespace tests {

namespace fs = std::filesystem;
using backup_engine::base::poll_until;
using backup_engine::postgres::Lsn;
using backup_engine::postgres::TimelineId;
using harness::server::soon;

RunningReceiver::RunningReceiver(backup_engine::WalReceiveRequest request) {
  request.on_durable = [this](Lsn lsn) { durable_ = lsn.position_bytes(); };
  request.on_event = [this](const std::string& line) {
    const std::lock_guard lock(mutex_);
    events_.push_back(line);
  };
  thread_ = std::jthread([this, request = std::move(request)](const std::stop_token& stop) {
    try {
      backup_engine::receive_wal(request, stop);
    } catch (...) {
      failure_ = std::current_exception();
    }
    ended_ = true;
  });
}

RunningReceiver::~RunningReceiver() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void RunningReceiver::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(failure_);
}

void RunningReceiver::wait_until_durable(Lsn lsn) {
  poll_until(soon(), "the receiver to reach " + to_string(lsn), [&]() -> std::optional<std::string> {
    if (Lsn(durable_) >= lsn) return std::nullopt;
    if (ended()) stop();
    return to_string(Lsn(durable_)) + "; it told:\n" + told();
  });
}

bool RunningReceiver::said(const std::string& text) const {
  return told().find(text) != std::string::npos;
}

void RunningReceiver::wait_until_said(const std::string& text) {
  poll_until(soon(), "the receiver to say " + text, [&]() -> std::optional<std::string> {
    if (said(text)) return std::nullopt;
    if (ended()) stop();
    return told();
  });
}

std::string RunningReceiver::told() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const auto& line : events_) all += line + "\n";
  return all;
}

Receiving::Receiving() : repository_(directory_.path() / "repository"), socket_link_(directory_.path() / "socket") {
  backup_engine::init_repository({repository_.string()});
}

void Receiving::start(const std::map<std::string, std::string>& settings) {
  auto wanted = options();
  wanted.settings = settings;
  wanted.settings.try_emplace("wal_keep_size", "1GB");
  server_.emplace(started(wanted));
  fs::remove(socket_link_);
  fs::create_directory_symlink(server_->socket_directory(), socket_link_);
}

void Receiving::make_cluster_with_segments(int megabytes) {
  const auto installation = harness::server::test_installation();
  harness::process::Command command;
  command.program = installation.program("initdb");
  command.arguments = {"-D",        (directory_.path() / "data").string(),     "-U", "postgres", "--auth=trust",
                       "--no-sync", fmt::format("--wal-segsize={}", megabytes)};
  command.run_as = user_;
  const auto made = harness::process::run(command, soon());
  ASSERT_TRUE(made.status.success()) << made.output;
}

std::string Receiving::conninfo() const {
  return fmt::format("host={} user=postgres dbname=postgres", socket_link_.string());
}

backup_engine::WalReceiveRequest Receiving::request(backup_engine::SlotAction action) const {
  backup_engine::WalReceiveRequest made;
  made.repository = {repository_.string()};
  made.cluster = "main";
  made.conninfo = conninfo();
  made.slot = "lifeboat";
  made.slot_action = action;
  return made;
}

std::string Receiving::ask(const std::string& sql) const {
  return server_->connect().query(sql).single();
}
void Receiving::execute(const std::string& sql) const {
  server_->connect().execute(sql);
}
Lsn Receiving::flushed() const {
  execute("SELECT pg_switch_wal() WHERE false");
  return backup_engine::postgres::parse_lsn(ask("SELECT pg_current_wal_flush_lsn()")).value();
}

void Receiving::write_wal(int megabytes) const {
  auto connection = server_->connect();
  connection.execute("CREATE TABLE IF NOT EXISTS filler (id bigserial, text text)");
  for (int i = 0; i < megabytes * 4; ++i) {
    connection.execute(
        "INSERT INTO filler (text) SELECT repeat(md5(n::text || clock_timestamp()::text), 32) FROM generate_series(1, "
        "220) n");
  }
}

harness::process::Subprocess Receiving::start_pgbench() const {
  const auto pgbench = server_->options().installation.program("pgbench");
  const auto socket = server_->socket_directory().string();
  harness::process::Command command;
  command.program = pgbench;
  command.arguments = {"-h", socket, "-U", "postgres", "-i", "-q", "-s", "2", "postgres"};
  command.run_as = user_;
  const auto made = harness::process::run(command, soon());
  if (!made.status.success()) throw std::runtime_error(made.output);
  command.arguments = {"-h", socket, "-U", "postgres", "-n", "-c", "4", "-T", "120", "postgres"};
  return harness::process::Subprocess::start(command);
}

backup_engine::store::Storage& Receiving::storage() {
  if (!storage_) storage_ = backup_engine::store::open_repository({repository_.string()});
  return *storage_;
}

std::vector<backup_engine::wal::WalRange> Receiving::ranges() {
  const auto identity = backup_engine::store::read_cluster(storage(), "main");
  return backup_engine::wal::durable_ranges(storage(), "main", identity.wal_segment_size);
}

Lsn Receiving::durable_end(TimelineId timeline) {
  return backup_engine::wal::durable_end(ranges(), timeline).value_or(Lsn());
}

int Receiving::compare_with_server(const backup_engine::wal::WalRange& range) {
  const auto size = backup_engine::store::read_cluster(storage(), "main").wal_segment_size;
  int compared = 0;
  for (auto at = range.start; at < range.end; at = at + size.bytes()) {
    const auto name = file_name(segment_holding(range.timeline, at, size), size);
    EXPECT_EQ(fetch(name), backup_engine::WalFetchOutcome::fetched) << name;
    const auto held = std::min<std::size_t>(range.end - at, size.bytes());
    const auto ours = backup_engine::base::read_file(directory_.path() / "fetched");
    const auto theirs = backup_engine::base::read_file(directory_.path() / "data" / "pg_wal" / name);
    EXPECT_EQ(ours.size(), size.bytes());
    EXPECT_TRUE(ours.compare(0, held, theirs, 0, held) == 0) << name << " differs from the server's";
    EXPECT_EQ(ours.find_first_not_of('\0', held), std::string::npos) << "only zeros after the end";
    ++compared;
  }
  return compared;
}

backup_engine::WalFetchOutcome Receiving::fetch(const std::string& name) const {
  return backup_engine::fetch_wal({{repository_.string()}, "main", name, directory_.path() / "fetched"});
}

}  // namespace tests
