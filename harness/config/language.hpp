// Every key of lifeboat.yaml. The parser, its messages and the test that holds scenarios/lifeboat.schema.json to the
// parser read these tables. docs/configuration.md explains them.
#pragma once

#include <array>

#include "harness/scenario/language.hpp"

namespace harness::config {

using scenario::Key;
using scenario::Standing;

inline constexpr std::array config_keys{
    Key{"clusters"}, Key{"defaults", Standing::optional}, Key{"history", Standing::not_delivered},
    Key{"notices", Standing::not_delivered}, Key{"targets", Standing::not_delivered}};
inline constexpr std::array cluster_keys{Key{"connection", Standing::optional}, Key{"pgdata", Standing::optional},
                                         Key{"repository", Standing::optional}, Key{"key_file", Standing::optional},
                                         Key{"slot", Standing::optional},       Key{"objectives", Standing::optional},
                                         Key{"contacts", Standing::optional}};
// What several clusters may share.
inline constexpr std::array default_keys{Key{"repository", Standing::optional}, Key{"key_file", Standing::optional},
                                         Key{"slot", Standing::optional}, Key{"objectives", Standing::optional},
                                         Key{"contacts", Standing::optional}};
inline constexpr std::array objective_keys{Key{"rto", Standing::optional},   Key{"rpo", Standing::optional},
                                           Key{"small", Standing::optional}, Key{"medium", Standing::optional},
                                           Key{"large", Standing::optional}, Key{"at_size", Standing::optional}};
inline constexpr std::array promise_keys{Key{"rto", Standing::optional}, Key{"rpo", Standing::optional}};
inline constexpr std::array contact_keys{Key{"name"}, Key{"role", Standing::optional}, Key{"email", Standing::optional},
                                         Key{"phone", Standing::optional}, Key{"hours", Standing::optional}};

}  // namespace harness::config
