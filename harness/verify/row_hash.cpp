#include "harness/verify/row_hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace harness::verify {

namespace {

using Form = HashInput::Form;

// What stands for NULL: beyond what the smaller integers hold, and of the others a value as unlikely as a collision.
constexpr std::string_view null_small_integer = "4611686018427387904";
constexpr std::string_view null_integer = "5577006791947779410";
constexpr std::string_view null_text = "'NULL 8674665223082153551 6129484611666145821'";
constexpr std::string_view null_bytes = "decode('4d65822107fcfd5278629a0f5f3f164f', 'hex')";
constexpr std::string_view null_uuid = "'9566c74d-1003-4c4d-bbbb-0407d1e2c649'::uuid";

// A chain as long as a table may have columns would not fit the server's stack.
constexpr std::size_t longest_chain = 50;

// OIDs of pg_type.dat, which never change.
namespace type {
constexpr std::uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25, oid = 26, float4 = 700,
                        float8 = 701, money = 790, bpchar = 1042, varchar = 1043, date = 1082, time = 1083,
                        timestamp = 1114, timestamptz = 1184, interval = 1186, timetz = 1266, uuid = 2950;
}

// The function that gives the type's exact bytes; several times as fast as text. Types whose hash functions take values
// that differ for equal (1 day, 24:00) or fold 64 bits into 32.
std::string_view sender(std::uint32_t oid) {
  switch (oid) {
    case type::money:
      return "cash_send";
    case type::date:
      return "date_send";
    case type::time:
      return "time_send";
    case type::timestamp:
      return "timestamp_send";
    case type::timestamptz:
      return "timestamptz_send";
    case type::interval:
      return "interval_send";
    case type::timetz:
      return "timetz_send";
    default:
      return "";
  }
}

HashInput text_input(std::string_view expression) {
  return {Form::text, fmt::format("coalesce({} COLLATE \"C\", {})", expression, null_text)};
}

HashInput hex_input(std::string_view bytes) {
  return text_input(fmt::format("encode({}, 'hex')", bytes));
}

HashInput integer_input(std::string_view expression, std::string_view null) {
  return {Form::integer, fmt::format("coalesce({}::bigint, {})", expression, null)};
}

HashInput input_of(const Column& column, Values values) {
  const auto value = "t." + column.name;
  // Concatenation fetches a value that is stored apart; otherwise each hash would.
  const auto* fetch = values == Values::stored_apart ? " || ''" : "";
  switch (column.type) {
    case type::boolean:
      return integer_input(value + "::integer", null_small_integer);
    case type::int2:
    case type::int4:
    case type::oid:
      return integer_input(value, null_small_integer);
    case type::int8:
      return integer_input(value, null_integer);
    case type::text:
    case type::varchar:
      return text_input(fmt::format("({}::text{})", value, fetch));
    // The cast to text takes blanks off the end; the length has them.
    case type::bpchar:
      return text_input(fmt::format("(octet_length({0})::text || ':' || {0}::text)", value));
    case type::bytea:
      return {Form::bytes, fmt::format("coalesce(({}::bytea{}), {})", value, fetch, null_bytes)};
    case type::uuid:
      return {Form::uuid, fmt::format("coalesce({}::uuid, {})", value, null_uuid)};
    // The bits tell -0 from 0; of NaN there is but one, whatever its bits.
    case type::float4:
    case type::float8:
      return hex_input(fmt::format("{0}send(CASE WHEN {1}::{0} = 'NaN' THEN 'NaN' ELSE {1}::{0} END)",
                                   column.type == type::float4 ? "float4" : "float8", value));
    default:
      break;
  }
  if (const auto send = sender(column.type); !send.empty()) return hex_input(fmt::format("{}({})", send, value));
  return text_input(value + "::text");
}

std::string step(const HashInput& input, std::size_t number, const std::string& seed) {
  const auto value = fmt::format("s.c{}", number);
  switch (input.form) {
    // Not hashint8extended, which folds its argument into 32 bits: a seed is mixed in with all of its 64.
    case Form::integer:
      return fmt::format("hashint4extended(1, {} # {})", value, seed);
    case Form::text:
      return fmt::format("hashtextextended({} COLLATE \"C\", {})", value, seed);
    // PostgreSQL before 18 has no function that hashes bytea alone.
    case Form::bytes:
      return fmt::format("hash_record_extended(ROW({}), {})", value, seed);
    case Form::uuid:
      return fmt::format("uuid_hash_extended({}, {})", value, seed);
  }
  return {};
}

std::string row_hash(const std::vector<HashInput>& inputs, int lane) {
  std::string whole;
  for (std::size_t first = 0; first == 0 || first < inputs.size(); first += longest_chain) {
    auto chain = fmt::format("'{}'::bigint", lane * 100'000 + static_cast<int>(first));
    for (auto i = first; i < std::min(first + longest_chain, inputs.size()); ++i) chain = step(inputs[i], i + 1, chain);
    whole = whole.empty() ? chain : fmt::format("hashint4extended(2, {} # {})", chain, whole);
  }
  return whole;
}

}  // namespace

std::vector<HashInput> hash_inputs(const std::vector<Column>& columns, Values values) {
  std::vector<HashInput> inputs;
  std::string others;
  for (const auto& column : columns) {
    if (column.built_in) {
      inputs.push_back(input_of(column, values));
    } else {
      // Their casts to text may be anything; the text of a row is made by the types' output functions.
      others += (others.empty() ? "t." : ", t.") + column.name;
    }
  }
  if (!others.empty()) inputs.push_back({Form::text, fmt::format("ROW({})::text", others)});
  return inputs;
}

std::string selected(const std::vector<HashInput>& inputs) {
  std::string list;
  for (std::size_t i = 0; i < inputs.size(); ++i) list += fmt::format(", {} AS c{}", inputs[i].expression, i + 1);
  return list;
}

std::array<std::string, 2> row_hashes(const std::vector<HashInput>& inputs) {
  return {row_hash(inputs, 1), row_hash(inputs, 2)};
}

}  // namespace harness::verify
