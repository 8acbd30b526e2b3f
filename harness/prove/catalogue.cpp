#include "harness/prove/catalogue.hpp"

#include "harness/prove/deeds.hpp"

namespace harness::prove {

using reports::record::Verdict;

const std::vector<CatalogueEntry>& catalogue() {
  constexpr auto blind = Verdict::pass;
  const std::string matches = "the page has a checksum that matches";
  static const std::vector<CatalogueEntry> entries = {
      {"changed_file", {{"verifybackup"}}, change_a_file},
      {"orphaned_row", {{"constraints"}, {"content"}}, orphan_a_row},
      {"duplicated_row", {{"constraints"}, {"amcheck"}, {"content"}}, duplicate_a_row},
      {"business_row_lost", {{"ledger"}}, lose_a_business_row},
      {"table_missing", {{"content"}, {"catalog"}}, drop_a_table},
      {"bit_flipped", {{"page_checksums"}}, flip_a_bit},
      {"bit_flipped_behind_its_checksum",
       {{"content"}, {"page_checksums", blind, matches}},
       flip_a_bit_behind_its_checksum},
      {"row_erased_behind_its_indexes",
       {{"content"}, {"page_checksums", blind, matches}, {"amcheck", blind, "nobody looks for the row of an entry"}},
       erase_a_row},
      {"constraint_dropped", {{"catalog"}}, drop_a_constraint},
      {"constraint_not_validated", {{"constraints"}}, add_an_unproven_constraint},
      {"grant_lost", {{"catalog"}}, revoke_a_grant},
      {"reference_broken", {{"catalog"}}, break_a_reference},
      {"sequence_behind", {{"sequences"}}, set_a_sequence_back},
      {"setting_changed", {{"settings"}}, change_a_setting},
      {"commit_missing_from_the_tail", {{"ledger"}, {"commit_order"}, {"exactness"}}, lose_the_last_commit},
      {"one_commit_too_many", {{"ledger"}, {"commit_order"}, {"exactness"}}, add_a_commit},
      {"commit_twice", {{"ledger"}, {"commit_order"}}, repeat_a_commit},
      {"gin_index_disordered", {{"amcheck"}}, disorder_a_gin_index},
      {"gin_entry_lost", {{"amcheck"}}, lose_a_gin_entry},
      {"rolled_back_yet_present", {{"ledger"}, {"commit_order"}, {"exactness"}}, revive_a_rolled_back_transaction},
  };
  return entries;
}

}  // namespace harness::prove
