// The disasters that are not done by SQL, one function each, as strike() calls them. Internal to harness/disaster.
#pragma once

#include "harness/disaster/disaster.hpp"

namespace harness::disaster {

// They end the server (file_harm.cpp).
[[nodiscard]] Struck kill_server(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck lose_server(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck lose_file(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck truncate_file(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck corrupt_page(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck encrypt_files(const scenario::DisasterStep& step, const Victim& victim);

// It ends the server, and another one is the source from then on (failover.cpp).
[[nodiscard]] Struck fail_over(const scenario::DisasterStep& step, const Victim& victim);

// It makes the server end itself (disk_harm.cpp).
[[nodiscard]] Struck fill_disk(const scenario::DisasterStep& step, const Victim& victim);

// They leave it as it is (repository_harm.cpp).
[[nodiscard]] Struck lose_segment(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck damage_segment(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck interrupt_backup(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck lose_key(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck break_archiving(const scenario::DisasterStep& step, const Victim& victim);
[[nodiscard]] Struck mend_archiving(const scenario::DisasterStep& step, const Victim& victim);

}  // namespace harness::disaster
