#include "backup_engine/store/document_object.hpp"

namespace backup_engine::store {

void put_document(Storage& storage, const std::string& name, std::string_view text, Durability durability) {
  const auto put = storage.begin_put(name);
  write_document(*put, storage, name, text);
  put->commit(durability);
}

void write_document(PutStream& put, const Storage& /*storage*/, const std::string& /*name*/, std::string_view text) {
  put.write(std::as_bytes(std::span(text)));
}

std::string read_document_text(Storage& storage, const std::string& name) {
  return storage.read_text(name);
}

}  // namespace backup_engine::store
