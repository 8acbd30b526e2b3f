// Who runs this process, and where: for what others read later (intents, the operations log).
#pragma once

#include <cstdint>
#include <string>

namespace backup_engine::base {

struct Caller {
  std::string user;  // the effective one; its number where it has no name
  std::string host;
  std::uint32_t pid = 0;
};

[[nodiscard]] Caller this_caller();

}  // namespace backup_engine::base
