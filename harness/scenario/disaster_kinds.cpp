#include "harness/scenario/disaster_kinds.hpp"

#include <algorithm>
#include <array>

namespace harness::scenario {

namespace {

struct Kind {
  std::string_view name;
  Effect effect;
};

constexpr std::array kinds{Kind{"lose_server", Effect::ends_server},
                           Kind{"kill_server", Effect::ends_server},
                           Kind{"lose_file", Effect::ends_server},
                           Kind{"truncate_file", Effect::ends_server},
                           Kind{"corrupt_page", Effect::ends_server},
                           Kind{"encrypt_files", Effect::ends_server},
                           Kind{"fill_disk", Effect::ends_server},
                           Kind{"drop_table", Effect::changes_data},
                           Kind{"delete_rows", Effect::changes_data},
                           Kind{"truncate_table", Effect::changes_data},
                           Kind{"update_rows", Effect::changes_data},
                           Kind{"drop_schema", Effect::changes_data},
                           Kind{"drop_database", Effect::changes_data},
                           Kind{"lose_segment", Effect::harms_repository},
                           Kind{"damage_segment", Effect::harms_repository},
                           Kind{"lose_key", Effect::harms_repository},
                           Kind{"break_archiving", Effect::stops_archiving},
                           Kind{"mend_archiving", Effect::resumes_archiving},
                           Kind{"interrupt_backup", Effect::harms_repository},
                           Kind{"fail_over", Effect::moves_source}};

}  // namespace

std::optional<Effect> effect_of(std::string_view kind) {
  const auto found = std::find_if(kinds.begin(), kinds.end(), [kind](const Kind& each) { return each.name == kind; });
  return found == kinds.end() ? std::nullopt : std::optional(found->effect);
}

bool strikes_living_source(std::string_view kind) {
  return kind != "lose_key";
}

}  // namespace harness::scenario
