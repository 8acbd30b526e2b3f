#include "harness/cli/damaged_repository.hpp"

namespace harness::cli {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

Error with_way_on(Error error, const backup_engine::RepositoryLocation& repository) {
  if (error.kind() == ErrorKind::corrupt && error.remedy().empty()) {
    error.with_remedy("`lifeboat verify --repo " + repository.text +
                      "` says what else is damaged and which backups can be restored; what is damaged comes back only "
                      "from a copy of the repository");
  }
  return error;
}

}  // namespace harness::cli
