// Lifeboat run by somebody who is not root, with a copy of all that it needs.
#pragma once

#include <map>
#include <string>

#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {

class OrdinaryUser : public LifeboatCommand {
 protected:
  OrdinaryUser();

  [[nodiscard]] Ended lifeboat_as_user(const Arguments& arguments,
                                       const std::map<std::string, std::string>& environment = {}) const;
  // The same where the kernel gives him no namespaces: he has used up all that he may have.
  [[nodiscard]] Ended lifeboat_without_namespaces(const Arguments& arguments) const;

 private:
  [[nodiscard]] static Ended run_as_user(process::Command command);
};

}  // namespace harness::drill
