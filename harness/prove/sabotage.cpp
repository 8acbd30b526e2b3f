#include "harness/prove/sabotage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "harness/faults/bypass_rules.hpp"
#include "harness/prove/catalogue.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using reports::record::Sabotage;

namespace {

struct Planned {
  std::string name;
  std::vector<Concern> concerns;
  Deed deed;
  std::string broke{};
};

// A deed that PostgreSQL or the file system refuses proves nothing, but the others may; interruption ends all of it.
void attempt(Planned& planned, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::connection) throw;
    const std::string why = error.what();
    planned.broke = why.substr(0, why.find('\n'));
  }
}

class Session {
 public:
  explicit Session(const Laboratory& laboratory) : laboratory_(laboratory) {}

  std::vector<Sabotage> run() {
    sabotage_fresh_directory();
    std::optional<server::Server> server(laboratory_.start());
    laboratory_.examine_running(State::untouched, *server);
    plan_for(*server);
    const auto options = server->options();
    server->stop(server::StopMode::fast, Deadline::after(laboratory_.server_limit));
    server.reset();
    sabotage_stopped();
    sabotage_running(options);
    return told();
  }

 private:
  [[nodiscard]] bool asked(const std::string& check) const { return laboratory_.checks.contains(check); }

  // For the sake of a check that does not see it nothing is harmed, but where no mark tells what there was: there
  // whoever reads the report has no other word of it.
  enum class Worth { noticing, only_to_show_blindness, nothing };

  [[nodiscard]] Worth worth_of(const CatalogueEntry& entry) const {
    using reports::record::Verdict;
    const auto asked_and = [&](Verdict wanted) {
      return std::any_of(entry.concerns.begin(), entry.concerns.end(),
                         [&](const auto& concern) { return concern.wanted == wanted && asked(concern.check); });
    };
    if (asked_and(Verdict::fail)) return Worth::noticing;
    return !laboratory_.marked && asked_and(Verdict::pass) ? Worth::only_to_show_blindness : Worth::nothing;
  }

  void plan(const CatalogueEntry& entry, const std::function<Deed()>& find_victim, std::vector<Planned>& where) {
    Planned planned{entry.name, {}, {}, {}};
    std::copy_if(entry.concerns.begin(), entry.concerns.end(), std::back_inserter(planned.concerns),
                 [&](const auto& concern) { return asked(concern.check); });
    attempt(planned, [&] { planned.deed = find_victim(); });
    where.push_back(std::move(planned));
  }

  void sabotage_fresh_directory() {
    if (!asked("verifybackup")) return;
    laboratory_.examine_fresh_directory(State::untouched);
    for (const auto& entry : catalogue()) {
      if (const auto* const find = std::get_if<PlanForFreshDirectory>(&entry.plan)) plan(entry, *find, of_directory_);
    }
    change_files(of_directory_);
    laboratory_.examine_fresh_directory(State::sabotaged);
    put_back(of_directory_);
  }

  void plan_for(const server::Server& server) {
    auto connection = server.connect(laboratory_.database);
    connection.execute("SET search_path = pg_catalog");
    Surroundings surroundings{connection, laboratory_.ledger, laboratory_.rules, laboratory_.marked, {}, {}};
    claim_what_rules_harm(surroundings);
    // What has to be noticed chooses its victims first.
    for (const auto worth : {Worth::noticing, Worth::only_to_show_blindness}) {
      for (const auto& entry : catalogue()) {
        const auto* const find = std::get_if<PlanForCluster>(&entry.plan);
        if (find == nullptr || worth_of(entry) != worth) continue;
        plan(
            entry, [&] { return (*find)(surroundings); }, of_cluster_);
      }
    }
    plan_rules();
  }

  void plan_rules() {
    for (const auto& rule : laboratory_.rules) {
      Planned planned{"rule_broken: " + rule.name, {{rule.check}}, {}, {}};
      if (rule.sabotage.empty()) {
        planned.deed = impossible(fmt::format("no \"-- sabotage:\" says how \"{}\" is broken", rule.name));
      } else {
        planned.deed.traces[rule.check] = {rule.name};
        planned.deed.in_database = [sql = rule.sabotage](Connection& connection) {
          faults::bypass_rules(connection, sql);
        };
      }
      of_cluster_.push_back(std::move(planned));
    }
  }

  void sabotage_stopped() {
    if (asked("page_checksums")) laboratory_.examine_stopped(State::untouched);
    change_files(of_cluster_);
    if (asked("page_checksums")) laboratory_.examine_stopped(State::sabotaged);
    put_back(of_cluster_);
  }

  void sabotage_running(const server::ServerOptions& options) {
    auto server = server::Server::start(options);
    server.wait_until_ready(Deadline::after(laboratory_.server_limit), laboratory_.stop);
    for (auto& planned : of_cluster_) {
      if (!planned.deed.in_database) continue;
      attempt(planned, [&] {
        auto connection = server.connect(laboratory_.database);  // its own: what one changes in its session is its own
        planned.deed.in_database(connection);
      });
    }
    laboratory_.examine_running(State::sabotaged, server);
    server.stop(server::StopMode::fast, Deadline::after(laboratory_.server_limit));
  }

  void change_files(std::vector<Planned>& group) const {
    for (auto& planned : group) {
      if (planned.deed.on_disk) attempt(planned, [&] { planned.deed.on_disk(laboratory_.data_directory); });
    }
  }

  void put_back(std::vector<Planned>& group) const {
    for (auto& planned : group) {
      if (planned.deed.put_back && planned.broke.empty()) planned.deed.put_back(laboratory_.data_directory);
    }
  }

  [[nodiscard]] std::vector<Sabotage> told() const {
    std::vector<Sabotage> all;
    for (const auto* group : {&of_directory_, &of_cluster_}) {
      for (const auto& planned : *group) {
        for (const auto& concern : planned.concerns) {
          Sabotage done{planned.name, concern.check, concern.wanted, {}, {}, {}, planned.deed.why_not, planned.broke};
          done.why_blind = concern.why_blind;
          const auto blind = planned.deed.blind.find(concern.check);
          if (blind != planned.deed.blind.end()) {
            done.wanted = reports::record::Verdict::pass;
            done.why_blind = blind->second;
          }
          const auto trace = planned.deed.traces.find(concern.check);
          if (trace != planned.deed.traces.end()) {
            done.object = trace->second.object;
            done.words = trace->second.words;
            done.key = trace->second.key;
          }
          all.push_back(std::move(done));
        }
      }
    }
    return all;
  }

  const Laboratory& laboratory_;
  std::vector<Planned> of_directory_, of_cluster_;
};

}  // namespace

std::vector<Sabotage> sabotage(const Laboratory& laboratory) {
  return Session(laboratory).run();
}

}  // namespace harness::prove
