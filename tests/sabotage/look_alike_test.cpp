// The twin of `content` for values: in a table of every type that has a trap, one value becomes another that compares
// equal, hashes alike or prints nearly the same, and the check must name the table and the range of keys. And what is
// the same must pass, however it is stored and whatever the server, the database and the role were set to.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "backup_engine/base/file.hpp"
#include "harness/verify/comparison.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/mark_probe.hpp"
#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::verify {
namespace {

using backup_engine::postgres::Connection;
using reports::record::Check;
using reports::record::ContentDigests;

struct LookAlike {
  const char* type;
  const char* value;  // SQL, without a type
  const char* changed;
};

const std::vector<LookAlike> look_alikes = {
    // equal by the type's own =
    {"numeric", "'1.0'", "'1.00'"},
    {"amount", "'1.0'", "'1.00'"},
    {"float8", "'0'", "'-0'"},
    {"float4", "'0'", "'-0'"},
    {"interval", "'1 day'", "'24:00'"},
    {"interval", "'1 mon'", "'30 days'"},
    {"bpchar", "'a'", "'a '"},
    {"citext", "'A'", "'a'"},
    {"tag", "'A'", "'a'"},
    {"text COLLATE caseless", "'A'", "'a'"},
    {"jsonb", "'{\"a\":1.0}'", "'{\"a\":1.00}'"},
    {"numeric[]", "'{1.0}'", "'{1.00}'"},
    {"float8[]", "'{0}'", "'{-0}'"},
    {"bpchar[]", "'{a}'", "'{\"a \"}'"},
    {"amount[]", "'{1.0}'", "'{1.00}'"},
    {"numrange", "'[1.0,2)'", "'[1.00,2)'"},
    {"nummultirange", "'{[1.0,2)}'", "'{[1.00,2)}'"},
    {"pair", "'(1.0,b)'", "'(1.00,b)'"},
    {"point", "'(0,0)'", "'(-0,0)'"},
    {"box", "'(0,0),(1,1)'", "'(1,0),(0,1.0000001)'"},
    // hashed alike by PostgreSQL
    {"numeric", "'5'", "'-5'"},
    {"bigint", "'1'", "'4294967296'"},
    {"timestamptz", "'2000-01-01 00:00:00.000001+00'", "'2000-01-01 01:11:34.967296+00'"},
    {"timestamp", "'2000-01-01 00:00:00.000001'", "'2000-01-01 01:11:34.967296'"},
    {"time", "'00:00:00.000001'", "'01:11:34.967296'"},
    {"money", "'0.01'", "'42949672.96'"},
    {"integer[]", "'{1,2}'", "'[2:3]={1,2}'"},
    {"pair", "'(,b)'", "'(0,b)'"},
    // the same instant, address or document to a reader
    {"timetz", "'12:00+00'", "'13:00+01'"},
    {"inet", "'10.0.0.1/32'", "'10.0.0.1/24'"},
    {"json", "'{\"a\":1}'", "'{\"a\": 1}'"},
    {"json", "'{\"a\":1,\"b\":2}'", "'{\"b\":2,\"a\":1}'"},
    {"xml", "'<a/>'", "'<a></a>'"},
    {"mood", "'fine'", "'Fine'"},
    {"\"char\"", "'a'", "'A'"},
    {"text", "'a'", "'a '"},
    {"varchar(9)", "'a'", "E'a\\n'"},
    {"bytea", "'\\x00'", "'\\x0000'"},
    {"bit varying", "B'0'", "B'00'"},
    {"tsvector", "'a:1'", "'a:1A'"},
    {"float8", "'0.1'", "'0.10000000000000002'"},
    {"uuid", "'00000000-0000-0000-0000-00000000000a'", "'00000000-0000-0000-0000-0000000000a0'"},
    {"regclass", "'pg_class'", "'1259000'"},
    // empty, zero, "NULL" and NULL
    {"text", "''", "NULL"},
    {"text", "'NULL'", "NULL"},
    {"bytea", "''", "NULL"},
    {"integer", "0", "NULL"},
    {"smallint", "-1", "NULL"},
    {"bigint", "0", "NULL"},
    {"boolean", "false", "NULL"},
    {"oid", "0", "NULL"},
    {"date", "'2000-01-01'", "NULL"},
    {"date", "'infinity'", "'-infinity'"},
    {"uuid", "'00000000-0000-0000-0000-000000000000'", "NULL"},
    {"float8", "'NaN'", "NULL"},
    {"jsonb", "'null'", "NULL"},
    {"integer[]", "'{}'", "NULL"},
    {"integer[]", "'{}'", "'{NULL}'"},
    {"text[]", "'{NULL}'", "'{\"NULL\"}'"},
    {"mood", "'fine'", "NULL"},
    {"pair", "'(,)'", "NULL"},
};

constexpr const char* types = R"(
  CREATE EXTENSION citext SCHEMA public;
  CREATE COLLATION public.caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE DOMAIN public.amount AS numeric; CREATE DOMAIN public.tag AS public.citext;
  CREATE TYPE public.mood AS ENUM ('fine', 'Fine'); CREATE TYPE public.pair AS (a numeric, b text);
  CREATE SCHEMA looks;)";

// Whatever changes how values are written, which rows are seen, or how a query is planned or ended.
const std::vector<std::string> strange_settings = {
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = 'iso_8601'",
    "TimeZone = 'Asia/Kathmandu'",
    "extra_float_digits = -10",
    "bytea_output = 'escape'",
    "xmlbinary = 'hex'",
    "xmloption = 'document'",
    "search_path = 'looks, public, pg_catalog'",
    "quote_all_identifiers = on",
    "standard_conforming_strings = off",
    "client_encoding = 'LATIN1'",
    "row_security = off",
    "statement_timeout = '1ms'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '1ms'",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "default_transaction_read_only = on",
    "enable_seqscan = off",
    "enable_hashagg = off",
    "enable_sort = off",
    "enable_parallel_append = off",
    "max_parallel_workers_per_gather = 0",
    "parallel_leader_participation = off",
    "work_mem = '64kB'",
    "jit_above_cost = 0",
    "zero_damaged_pages = on",
    "transform_null_equals = on",
};

// One for all tests.
struct OneServer : server::DisposableCluster {
  void TestBody() override {}
  [[nodiscard]] server::ServerOptions talkative() const {
    auto made = options();
    made.settings["log_min_messages"] = "debug1";
    return made;
  }
  server::Server server = started(talkative());
};

class Values : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = std::make_unique<OneServer>(); }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    server().connect().execute("CREATE DATABASE shop ENCODING 'UTF8' TEMPLATE template0");
    shop_.emplace(server().connect("shop"));
    shop_->execute(types);
  }
  void TearDown() override {
    shop_.reset();
    server().connect().execute("DROP DATABASE shop");
  }

  static const server::Server& server() { return cluster_->server; }

  [[nodiscard]] static ContentDigests probe(const ContentDigests* alike = nullptr) {
    return probe_content(cluster_of(server(), "shop"), alike);
  }

  static Check compared(const ContentDigests& then, const ContentDigests& now) {
    Check check;
    compare_content(then, now, "the mark", check);
    return check;
  }

  static std::string told(const Check& check) {
    std::string text;
    for (const auto& finding : check.findings)
      text += fmt::format("{} | {} | {}\n", finding.object, finding.key, finding.text);
    return text;
  }

  // What `change` does makes for one finding, on that object and range.
  void expect_seen(const std::string& change, const std::string& object, const std::string& range) {
    SCOPED_TRACE(change);
    const auto then = seen_ ? std::move(*seen_) : probe();
    shop_->execute(change);
    seen_ = probe(&then);
    const auto check = compared(then, *seen_);
    ASSERT_EQ(check.findings.size(), 1U) << told(check);
    EXPECT_EQ(check.findings[0].object, object);
    EXPECT_EQ(check.findings[0].key, range);
  }

  static std::string digest_of(const ContentDigests& content, const std::string& table) {
    for (const auto& digest : content.tables) {
      if (digest.table == table) return digest.digest;
    }
    return "no table " + table;
  }

  // Two tables that hold the same.
  void expect_same(const std::string& one, const std::string& other) {
    const auto content = probe();
    EXPECT_EQ(digest_of(content, one), digest_of(content, other)) << one << " and " << other;
  }

  static std::unique_ptr<OneServer> cluster_;
  std::optional<Connection> shop_;
  std::optional<ContentDigests> seen_;  // by the last expect_seen
};

std::unique_ptr<OneServer> Values::cluster_;

std::string table_of(std::size_t number) {
  return fmt::format("looks.l{}", number);
}

TEST_F(Values, BecomeLookAlikesAndEachIsNamedWithItsKeys) {
  std::string make, change;
  for (std::size_t i = 0; i < look_alikes.size(); ++i) {
    const auto& [type, value, changed] = look_alikes[i];
    make += fmt::format(
        "CREATE TABLE {0} (id integer PRIMARY KEY, value {1}); INSERT INTO {0} SELECT n, {2} FROM generate_series(1, "
        "100) AS n; ",
        table_of(i), type, value);
    change += fmt::format("UPDATE {} SET value = {} WHERE id = 70; ", table_of(i), changed);
  }
  shop_->execute(make);
  const auto then = probe();
  EXPECT_TRUE(compared(then, probe(&then)).findings.empty());
  shop_->execute(change);
  const auto check = compared(then, probe(&then));
  std::map<std::string, std::string> keys;
  for (const auto& finding : check.findings) keys[finding.object] += finding.key;
  EXPECT_EQ(check.findings.size(), look_alikes.size()) << told(check);
  for (std::size_t i = 0; i < look_alikes.size(); ++i) {
    const auto& [type, value, changed] = look_alikes[i];
    EXPECT_EQ(keys[table_of(i)], "keys 70..71") << type << " " << value << " became " << changed;
  }
}

TEST_F(Values, ChangePlacesAndAreSeen) {
  shop_->execute(
      "CREATE TABLE looks.swap (id integer PRIMARY KEY, a text, b text, c integer, d integer); "
      "INSERT INTO looks.swap VALUES (1, 'a', 'x', 1, 10), (2, 'b', 'y', 2, 20), (3, 'a', 'bc', 3, 3); "
      "CREATE TABLE looks.keyless (a text, b integer); INSERT INTO looks.keyless VALUES ('a', 1), ('a', 1), ('b', 2)");
  const auto swap = [](std::string_view column) {
    return fmt::format("UPDATE looks.swap AS s SET {0} = o.{0} FROM looks.swap AS o WHERE s.id + o.id = 3", column);
  };
  expect_seen(swap("b"), "looks.swap", "keys 1..2");
  expect_seen(swap("d"), "looks.swap", "keys 1..2");
  expect_seen("UPDATE looks.swap SET a = b, b = a WHERE id = 1", "looks.swap", "keys 1..1");
  expect_seen("UPDATE looks.swap SET c = d, d = c WHERE id = 2", "looks.swap", "keys 2..2");
  expect_seen("UPDATE looks.swap SET a = 'ab', b = 'c' WHERE id = 3", "looks.swap", "keys 3..3");
  expect_seen("UPDATE looks.swap SET a = NULL, b = 'abc' WHERE id = 3", "looks.swap", "keys 3..3");
  // as many rows, and of each value at least one
  expect_seen("UPDATE looks.keyless SET a = 'b', b = 2 WHERE ctid = '(0,1)'", "looks.keyless", "blocks 0..0");
}

TEST_F(Values, OfTablesOfEveryKindAreSeen) {
  std::string wide = "CREATE TABLE looks.wide (c1 bigint";
  for (int i = 2; i <= 1600; ++i) wide += fmt::format(", c{} {}", i, i % 2 == 0 ? "smallint" : "bool");
  shop_->execute(wide + "); INSERT INTO looks.wide (c1, c1600) VALUES (1, 1), (2, 2)");
  shop_->execute(
      "CREATE TABLE looks.empty (); INSERT INTO looks.empty DEFAULT VALUES; "
      "CREATE TABLE looks.parent (a integer); CREATE TABLE looks.child () INHERITS (looks.parent); "
      "INSERT INTO looks.child VALUES (1); "
      "CREATE TABLE looks.parts (k text, v integer) PARTITION BY LIST (k); "
      "CREATE TABLE looks.part PARTITION OF looks.parts DEFAULT; INSERT INTO looks.parts VALUES ('a', 1); "
      "CREATE TABLE looks.made (a integer, b integer GENERATED ALWAYS AS (a * 0) STORED); "
      "INSERT INTO looks.made VALUES (1); "
      "CREATE TABLE looks.secret (a integer); INSERT INTO looks.secret VALUES (1); "
      "ALTER TABLE looks.secret ENABLE ROW LEVEL SECURITY; ALTER TABLE looks.secret FORCE ROW LEVEL SECURITY; "
      "CREATE TABLE looks.long (id bigint PRIMARY KEY, v text, w bytea); "
      "ALTER TABLE looks.long ALTER v SET STORAGE EXTERNAL; "
      "INSERT INTO looks.long SELECT n, repeat('x', 100000), decode(repeat('78', 9000), 'hex') "
      "FROM generate_series(1, 9) n; "
      "CREATE TABLE looks.\"T\"\"able\" (\"t\" integer PRIMARY KEY, \"Two Words\" text); "
      "INSERT INTO looks.\"T\"\"able\" VALUES (5, 'a'); SELECT lo_from_bytea(70000, 'abc')");
  expect_seen("UPDATE looks.wide SET c1600 = 3 WHERE c1 = 2", "looks.wide", "blocks 0..0");
  expect_seen("INSERT INTO looks.empty DEFAULT VALUES", "looks.empty", "blocks 0..0");
  expect_seen("UPDATE looks.parent SET a = 2", "looks.child", "blocks 0..0");
  expect_seen("UPDATE looks.parts SET v = 2", "looks.part", "blocks 0..0");
  expect_seen("UPDATE looks.made SET a = 2", "looks.made", "blocks 0..0");
  expect_seen("UPDATE looks.secret SET a = 2", "looks.secret", "blocks 0..0");
  expect_seen("UPDATE looks.long SET v = overlay(v placing 'y' from 99999) WHERE id = 4", "looks.long", "keys 4..4");
  expect_seen("UPDATE looks.long SET w = set_byte(w, 8999, 0) WHERE id = 5", "looks.long", "keys 5..5");
  expect_seen("UPDATE looks.\"T\"\"able\" SET \"Two Words\" = 'A'", "looks.T\"able", "keys 5..5");
  expect_seen("SELECT lo_put(70000, 1, 'B')", "pg_largeobject", "keys 69952..70015");
  expect_seen("CREATE ROLE somebody; ALTER LARGE OBJECT 70000 OWNER TO somebody", "pg_largeobject",
              "keys 69952..70015");
}

TEST_F(Values, OfATableRestoredRowByRowAreNarrowedByAHashOfTheirKey) {
  shop_->execute(
      "CREATE TABLE looks.coded (code text, part date, v integer, PRIMARY KEY (code, part)); "
      "INSERT INTO looks.coded SELECT n::text, '2026-01-01', n FROM generate_series(1, 200) n; "
      "CREATE TABLE looks.bare (v integer); INSERT INTO looks.bare SELECT generate_series(1, 200); "
      "CREATE TABLE looks.numbered (id integer PRIMARY KEY)");
  Scope scope;
  scope.kind = Scope::Kind::only;
  scope.schema = "looks";
  const auto cluster = scoped(cluster_of(server(), "shop"), scope);
  const auto then = probe_content(cluster);
  // Rows lie elsewhere now: that alone is no difference.
  shop_->execute(
      "CREATE TABLE looks.moved AS TABLE looks.coded; TRUNCATE looks.coded; "
      "INSERT INTO looks.coded SELECT * FROM looks.moved ORDER BY v DESC; DROP TABLE looks.moved");
  EXPECT_TRUE(compared(then, probe_content(cluster, &then)).findings.empty());
  // What was read a moment ago is not read again: a digest that was tampered with comes back.
  auto wide = probe();
  for (auto& table : wide.tables) table.digest = "known";
  const auto known = probe_content(cluster, &then, &wide);
  EXPECT_EQ(digest_of(known, "looks.numbered"), "known");
  EXPECT_EQ(digest_of(known, "looks.coded"), digest_of(then, "looks.coded")) << "its ranges are others there";
  shop_->execute("UPDATE looks.coded SET v = -v WHERE code = '70'; UPDATE looks.bare SET v = 0 WHERE v = 70");
  const auto hash = shop_
                        ->query(
                            "SELECT (hashtextextended(ROW(code, part)::text COLLATE \"C\", 0) >> 58) & 63 "
                            "FROM looks.coded WHERE code = '70'")
                        .single();
  const auto check = compared(then, probe_content(cluster, &then));
  ASSERT_EQ(check.findings.size(), 2U) << told(check);
  EXPECT_EQ(check.findings[0].object, "looks.bare");
  EXPECT_EQ(check.findings[0].key, "");
  EXPECT_EQ(check.findings[1].object, "looks.coded");
  EXPECT_EQ(check.findings[1].key, fmt::format("key hashes {0}..{0}", hash));
}

TEST_F(Values, ThatAreTheSameMayBeStoredInAnyWay) {
  shop_->execute(
      // a column that was dropped, one that was added without rewriting, and the same in one piece
      "CREATE TABLE looks.grown (a integer, gone text, b text); INSERT INTO looks.grown VALUES (1, 'gone', 'b'); "
      "ALTER TABLE looks.grown DROP gone; ALTER TABLE looks.grown ADD c numeric DEFAULT 7.50; "
      "CREATE TABLE looks.made_so (a integer, b text, c numeric); INSERT INTO looks.made_so VALUES (1, 'b', 7.50); "
      // compressed, out of line, and neither
      "CREATE TABLE looks.packed (v text); INSERT INTO looks.packed VALUES (repeat('ab', 3000)); "
      "CREATE TABLE looks.apart (v text); ALTER TABLE looks.apart ALTER v SET STORAGE EXTERNAL; "
      "INSERT INTO looks.apart VALUES (repeat('ab', 3000)); "
      // NaN with its sign bit set, and an array that once held NULL, print as those without
      "CREATE TABLE looks.nan (f float8, a integer[]); INSERT INTO looks.nan VALUES ('inf', '{1,NULL}'); "
      "UPDATE looks.nan SET f = f - f, a[2] = 2; "
      "CREATE TABLE looks.plain_nan (f float8, a integer[]); INSERT INTO looks.plain_nan VALUES ('NaN', '{1,2}'); "
      // read by several processes and by one, in another order
      "CREATE TABLE looks.many (id integer, v text); "
      "INSERT INTO looks.many SELECT n, repeat(md5(n::text), 3) FROM generate_series(1, 60000) n; "
      "CREATE TABLE looks.alone (LIKE looks.many) WITH (parallel_workers = 0); "
      "INSERT INTO looks.alone SELECT * FROM looks.many ORDER BY v");
  expect_same("looks.grown", "looks.made_so");
  expect_same("looks.packed", "looks.apart");
  expect_same("looks.nan", "looks.plain_nan");
  expect_same("looks.many", "looks.alone");
  // The postmaster says so as it starts one (DEBUG1).
  EXPECT_NE(backup_engine::base::read_file(server().options().log_file).find("parallel worker for PID"),
            std::string::npos);
}

TEST_F(Values, DoNotDependOnSettingsOfTheDatabaseOrTheRole) {
  std::string make;
  for (std::size_t i = 0; i < look_alikes.size(); ++i) {
    make += fmt::format("CREATE TABLE {0} (value {1}); INSERT INTO {0} VALUES ({2}), ({3}); ", table_of(i),
                        look_alikes[i].type, look_alikes[i].value, look_alikes[i].changed);
  }
  shop_->execute(
      make +
      "CREATE TABLE looks.at (t timestamptz, n float8, i interval, b bytea, c regclass, o text); "
      "INSERT INTO looks.at VALUES (now(), 0.1::float8 + 0.2, '1 day 02:03:04', '\\xff00', 'looks.at', 'ä')");
  const auto then = probe();
  std::string settings;
  for (const auto& setting : strange_settings) settings += fmt::format("ALTER DATABASE shop SET {}; ", setting);
  if (server().options().installation.version.major() >= 17) {
    settings += "ALTER DATABASE shop SET transaction_timeout = '1ms'; ";
  }
  shop_->execute(settings +
                 "CREATE ROLE nobody_much; ALTER ROLE postgres IN DATABASE shop SET role = 'nobody_much'; "
                 "ALTER ROLE postgres SET extra_float_digits = -15; "
                 "ALTER ROLE postgres IN DATABASE shop SET DateStyle = 'Postgres, MDY'");
  const auto now = probe(&then);
  const auto check = compared(then, now);
  EXPECT_TRUE(check.findings.empty()) << told(check);
  EXPECT_EQ(now.tables.size(), look_alikes.size() + 1);
  server().connect().execute("ALTER ROLE postgres RESET ALL; DROP OWNED BY nobody_much; DROP ROLE nobody_much");
}

// The settings of the probes' own sessions must not hide what the configuration gives.
TEST_F(Values, OfSettingsThatProbesSetForThemselvesAreStillTold) {
  shop_->execute(
      "ALTER DATABASE shop SET statement_timeout = '61s'; ALTER DATABASE shop SET lock_timeout = '62s'; "
      "ALTER DATABASE shop SET default_transaction_isolation = 'serializable'");
  const auto mark = take_mark(cluster_of(server(), "shop"), "configured", server::soon());
  EXPECT_EQ(mark.settings.at("statement_timeout"), "61000");
  EXPECT_EQ(mark.settings.at("lock_timeout"), "62000");
  EXPECT_EQ(mark.settings.at("default_transaction_isolation"), "serializable");
  EXPECT_EQ(mark.settings.at("idle_session_timeout"), "0");
}

}  // namespace
}  // namespace harness::verify
