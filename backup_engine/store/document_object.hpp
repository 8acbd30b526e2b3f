// The repository's small documents (cluster, manifest, intent, gap, log entry …) as objects. In the clear they are
// plain text; in an encrypted repository the same text lies inside an encrypted object under the same name, so whoever
// puts or reads a document does it here. Defined in docs/formats/repository.md, "Documents".
#pragma once

#include <string>
#include <string_view>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

// Throws Error(already_exists) when the name is taken.
void put_document(Storage& storage, const std::string& name, std::string_view text, Durability durability);
// The same before the commit, which is the caller's.
void write_document(PutStream& put, const Storage& storage, const std::string& name, std::string_view text);
// Throws Error: not_found, corrupt, unsupported; naming the object.
[[nodiscard]] std::string read_document_text(Storage& storage, const std::string& name);

}  // namespace backup_engine::store
