#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/store/key_file.hpp"
#include "backup_engine/store/rekey.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wrapped_keys.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace store {

RekeyResult rekey_repository(const RekeyRequest& request, base::FileSystem& file_system) {
  if (request.new_key_file.empty() && !request.new_data_key) {
    throw Error(ErrorKind::usage, "nothing to change")
        .with_remedy("name another key file with --new-key-file, or ask for --new-data-key");
  }
  const auto storage = open_storage(request.repository, file_system);
  const auto identity = check_repository(*storage);
  if (identity.cipher == Cipher::none) {
    throw Error(ErrorKind::usage, fmt::format("{} is not encrypted", storage->location()))
        .with_remedy("a repository is encrypted from its first day or not at all: make another with --key-file");
  }
  const auto old = open_repository_keys(*storage, identity, request.repository);
  auto keys = old.keys->all();
  if (request.new_data_key) keys.push_back(new_data_key(base::utc_now()));
  const auto& key_file = request.new_key_file.empty() ? request.repository.key_file : request.new_key_file;
  std::string object;
  try {
    object = put_wrapped_keys(*storage, identity.id, old.number, Keyring(keys), read_key_file(key_file));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::already_exists) throw;
    throw Error(ErrorKind::already_exists, fmt::format("another rekey of {} came between", storage->location()))
        .with_remedy("run it again, with the key file that now opens the repository");
  }
  // What is wrapped must open before what was wrapped before goes.
  static_cast<void>(open_wrapped_keys(*storage, identity.id, key_file));
  for (const auto& name : list_wrapped_keys(*storage)) {
    if (name < object) storage->remove(name);
  }
  storage->sync();
  return {object, keys.size()};
}

}  // namespace store

RekeyResult rekey_repository(const RekeyRequest& request) {
  return store::rekey_repository(request, base::posix_file_system());
}

}  // namespace backup_engine
