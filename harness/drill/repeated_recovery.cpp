#include "harness/drill/repeated_recovery.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "harness/drill/restore_account.hpp"
#include "harness/verify/commit_order_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

void remove_restored(const std::filesystem::path& directory) {
  if (const auto failure = base::remove_tree(directory)) {
    throw base::Error(base::ErrorKind::io, fmt::format("cannot remove {}, to restore there again: {}",
                                                       directory.string(), failure.message()))
        .with_remedy("see what keeps its files, and run the drill again");
  }
}

// Its log stays, under a name of its own: the next server begins a new one, and milestones are read from it.
void make_room(const Context& context, server::Server server, unsigned repeat) {
  const auto directory = server.options().data_directory;
  server.stop(server::StopMode::immediate, base::Deadline::after(context.plan.server_start_limit));
  std::filesystem::rename(context.directory.log("restored"), context.directory.log(fmt::format("restored-{}", repeat)));
  remove_restored(directory);
  remove_restored(directory.string() + "-tablespaces");
}

}  // namespace

void recover_all_but_last(const Context& context, const Origin& origin, const ResolvedTarget& target,
                          const SourceSide::Spent& spent, record::Report& report) {
  const auto repeats = context.plan.scenario.repeat;
  for (unsigned repeat = 1; repeat < repeats; ++repeat) {
    context.step("repeat.begin", fmt::format("restore {} of {}, for the clock", repeat, repeats));
    std::optional<Recovery> recovery;
    const bool recovered = restore_or_tell(context, target, report,
                                           [&] { recovery.emplace(recover(context, origin, target.target, spent)); });
    if (!recovered)
      throw base::Error(base::ErrorKind::internal, "a restore that is repeated was expected to be refused");
    recovery->course.repeat = repeat;
    note_restore(report, restore_asked_for(context.plan, target), recovery->course,
                 restored_bytes(context, recovery->server));
    report.restores.back().reached.lsn =
        verify::read_reached_point(view_of(context, recovery->server, origin.database)).lsn;
    make_room(context, std::move(recovery->server), repeat);
    context.journal.append("repeat.done", {{"repeat", std::to_string(repeat)}});
  }
  if (repeats > 1) context.step("repeat.begin", fmt::format("restore {0} of {0}, which is examined", repeats));
}

}  // namespace harness::drill
