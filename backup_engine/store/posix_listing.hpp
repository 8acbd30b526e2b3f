// The objects, or the debris, below a folder of a repository in a directory, while others put and remove there. The
// directory offers no look at one moment: what is listed must all the same never look like WAL that is missing.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

enum class Listed { objects, debris };

// In order of name, as from `root`; nothing when there is no such folder. Keeps what Storage::list promises. Throws
// Error, naming the folder that cannot be read.
[[nodiscard]] std::vector<ListedObject> list_folder(const std::filesystem::path& root,
                                                    const std::filesystem::path& folder, Listed wanted);

// The name under which a put is written before its object is whole: ".put-" and 32 hexadecimal digits and ".tmp".
[[nodiscard]] bool is_put_debris(std::string_view file_name);
inline constexpr std::string_view debris_head = ".put-", debris_tail = ".tmp";
inline constexpr std::size_t debris_digits = 32;

}  // namespace backup_engine::store
