// Private to reports/record: the JSON fields of content digests, which marks and evidence share.
#pragma once

#include "reports/record/json_fields.hpp"
#include "reports/record/mark.hpp"

namespace reports::record {

template <class Io>
void fields(Io& io, typename Io::template Ref<TableDigest::Chunk> chunk) {
  io("first_key", chunk.first_key);
  io("last_key", chunk.last_key);
  io("rows", chunk.rows);
  io("digest", chunk.digest);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<TableDigest> table) {
  io("table", table.table);
  io("rows", table.rows);
  io("digest", table.digest);
  io("chunks", table.chunks);
  io.later("chunks_of", table.chunks_of);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SequencePosition> position) {
  io("sequence", position.sequence);
  io("last_value", position.last_value);
  io("is_called", position.is_called);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<ContentDigests> content) {
  io("tables", content.tables);
  io("sequences", content.sequences);
  io("large_objects", content.large_objects);
}

template <class Io>
void fields(Io& io, typename Io::template Ref<SelectedTables> selected) {
  io("content", selected.content);
  io("objects", selected.objects);
  io("ledger_ids", selected.ledger_ids);
}

}  // namespace reports::record
