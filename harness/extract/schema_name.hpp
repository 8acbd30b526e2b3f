// A schema's name as a person writes it to SQL, read without a server: the counterpart of parse_name, which asks one.
#pragma once

#include <string>

namespace harness::extract {

// "Shop" → shop, "\"Shop\"" → Shop; a doubled quote within quotes is one. Letters outside ASCII stay as they are, as in
// a database with UTF8. Throws base::Error(usage) for what is no single name.
[[nodiscard]] std::string parse_schema_name(const std::string& text);

}  // namespace harness::extract
