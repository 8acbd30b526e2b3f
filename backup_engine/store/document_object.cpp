#include "backup_engine/store/document_object.hpp"

#include "backup_engine/store/framed_object.hpp"

namespace backup_engine::store {

void put_document(Storage& storage, const std::string& name, std::string_view text, Durability durability) {
  const auto put = storage.begin_put(name);
  write_document(*put, storage, name, text);
  put->commit(durability);
}

void write_document(PutStream& put, const Storage& storage, const std::string& name, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  if (!storage.keys()) {
    put.write(bytes);
    return;
  }
  FramedWriter writer(put, name, ObjectKind::document, {Codec::zstd, 1}, storage.keys()->newest(), bytes.size());
  writer.write(bytes);
  writer.finish();
}

std::string read_document_text(Storage& storage, const std::string& name) {
  if (!storage.keys()) return storage.read_text(name);
  std::string text;
  FramedReader reader(storage, name, ObjectKind::document);
  while (const auto frame = reader.next()) {
    text.append(reinterpret_cast<const char*>(frame->data()), frame->size());
  }
  return text;
}

}  // namespace backup_engine::store
