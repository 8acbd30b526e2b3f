// The machine and the person, for the record.
#pragma once

#include <filesystem>
#include <string>

#include "reports/record/report.hpp"

namespace harness::drill {

// Operating system, kernel, processor, memory, and the file system that holds `directory`; the rest is left to the
// caller.
[[nodiscard]] reports::record::Environment describe_machine(const std::filesystem::path& directory);
// Who runs this, where and why; the cadence is left empty until schedules are known.
[[nodiscard]] reports::record::Initiator describe_initiator(const std::string& reason);

}  // namespace harness::drill
