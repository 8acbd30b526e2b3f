// Connection strings, as libpq reads them. No secret ever stands in one: it would show in process lists and logs.
#pragma once

#include <string>
#include <string_view>

namespace backup_engine::postgres {

// Throws Error(usage) when `conninfo` cannot be parsed or holds a password (keyword, or in a URI) or what stands for
// one: password, sslpassword, scram_client_key, scram_server_key, oauth_client_secret. The remedy names the passfile,
// the service file and the environment.
void refuse_password(const std::string& conninfo);

// conninfo with `keyword` set to `value` (replacing any earlier one), in keyword form.
[[nodiscard]] std::string with_keyword(const std::string& conninfo, std::string_view keyword, std::string_view value);
// conninfo whose `options`, the server's command line for this session, go on with `more`.
[[nodiscard]] std::string with_more_options(const std::string& conninfo, std::string_view more);

}  // namespace backup_engine::postgres
