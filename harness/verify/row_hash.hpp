// SQL that hashes a table's rows inside the server: 128 bits a row, from PostgreSQL's own hash functions where these
// tell apart all that the type's text tells apart, and from the text where they do not. Pure; which form each type
// takes and why: docs/formats/evidence.md, "Content digests".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace harness::verify {

struct Column {
  std::string name;        // quoted for SQL
  std::uint32_t type = 0;  // OID; of a domain that of the type which it is made of
  bool built_in = true;    // the type is pg_catalog's
};

// What a column hands to the hash: never NULL, and equal exactly where the column's values have equal text.
struct HashInput {
  enum class Form { integer, text, bytes, uuid };  // bigint, text, bytea, uuid
  Form form;
  std::string expression;  // over a row called t
};

enum class Values {
  in_place,
  stored_apart,  // some lie in the TOAST table: they are fetched once, not once for each hash
};

// All columns of user-defined types share the last input. Empty for a table without columns.
[[nodiscard]] std::vector<HashInput> hash_inputs(const std::vector<Column>& columns, Values values);

// "e1 AS c1, e2 AS c2 …", preceded by a comma each: what to select from the table.
[[nodiscard]] std::string selected(const std::vector<HashInput>& inputs);

// Two bigint expressions over a row s of c1, c2 … : the row's hash, with two seeds. Each value is hashed with the hash
// of those before it as seed, so that values which change places between columns or rows change the sum.
[[nodiscard]] std::array<std::string, 2> row_hashes(const std::vector<HashInput>& inputs);

}  // namespace harness::verify
