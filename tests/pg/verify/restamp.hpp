// Gives a commit or abort record in an archived WAL segment another time, as a clock that was set would have. Equal and
// backward stamps come by themselves, but when they please.
#pragma once

#include <filesystem>
#include <string>

#include "reports/record/evidence.hpp"

namespace harness::verify {

// Whether the record lies on one page, so that it can be restamped.
[[nodiscard]] bool lies_on_one_page(const reports::record::CommitRecord& record);

// `time` as CommitRecord has it. The record's CRC is made anew; the record must lie on one page and be neither of a
// replication origin nor of a subtransaction that was logged with its parent. Throws std::runtime_error.
void restamp(const std::filesystem::path& archive, const reports::record::CommitRecord& record,
             const std::string& time);

}  // namespace harness::verify
