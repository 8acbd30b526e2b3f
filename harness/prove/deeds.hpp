// The deeds of the catalogue, by what they harm. Each looks for a victim that fits and says what a check must name.
#pragma once

#include "harness/prove/deed.hpp"

namespace harness::prove {

// Files and pages.
[[nodiscard]] Deed change_a_file();
[[nodiscard]] Deed flip_a_bit(Surroundings& surroundings);
[[nodiscard]] Deed flip_a_bit_behind_its_checksum(Surroundings& surroundings);
[[nodiscard]] Deed erase_a_row(Surroundings& surroundings);
// Rows.
[[nodiscard]] Deed orphan_a_row(Surroundings& surroundings);
[[nodiscard]] Deed duplicate_a_row(Surroundings& surroundings);
// GIN indexes.
[[nodiscard]] Deed disorder_a_gin_index(Surroundings& surroundings);
[[nodiscard]] Deed lose_a_gin_entry(Surroundings& surroundings);
// Definitions and settings.
[[nodiscard]] Deed drop_a_table(Surroundings& surroundings);
[[nodiscard]] Deed drop_a_constraint(Surroundings& surroundings);
[[nodiscard]] Deed add_an_unproven_constraint(Surroundings& surroundings);
[[nodiscard]] Deed revoke_a_grant(Surroundings& surroundings);
[[nodiscard]] Deed break_a_reference(Surroundings& surroundings);
[[nodiscard]] Deed set_a_sequence_back(Surroundings& surroundings);
[[nodiscard]] Deed change_a_setting(Surroundings& surroundings);
// The ledger, and the commits that it stands for.
[[nodiscard]] Deed lose_a_business_row(Surroundings& surroundings);
[[nodiscard]] Deed lose_the_last_commit(Surroundings& surroundings);
[[nodiscard]] Deed add_a_commit(Surroundings& surroundings);
[[nodiscard]] Deed repeat_a_commit(Surroundings& surroundings);
[[nodiscard]] Deed revive_a_rolled_back_transaction(Surroundings& surroundings);

}  // namespace harness::prove
