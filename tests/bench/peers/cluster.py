"""The cluster that all sides back up: one PostgreSQL server, with rows like those of a shop, or rows that no codec can
shorten, or very many small relations."""
import os, pathlib, pwd, subprocess, sys

WORDS = ("'{oak,silver,river,amber,stone,cotton,morning,delta,copper,garden,winter,falcon,harbour,lemon,marble,north,"
         "orchid,paper,quartz,ribbon,saddle,timber,umber,velvet,willow,yellow,zephyr,anchor,basket,candle,drum,ember}'::text[]")

# About 260 bytes a row: keys, a time, money, a state, a random token, and an address and a note made of words.
REALISTIC = """
CREATE TABLE orders_{n} AS
SELECT i AS id, (random() * 200000)::int AS customer, timestamptz '2026-01-01' + i * interval '1.7 s' AS placed_at,
       (ARRAY['new','paid','shipped','returned'])[1 + (random() * 3)::int] AS state,
       round((random() * 900)::numeric, 2) AS total, md5(random()::text) AS token,
       w[1 + (random() * 31)::int] || ' ' || w[1 + (random() * 31)::int] || ' street ' || (random() * 300)::int AS address,
       w[1 + (random() * 31)::int] || ' ' || w[1 + (random() * 31)::int] || ' ' || w[1 + (random() * 31)::int] || ' ' ||
       w[1 + (random() * 31)::int] || ' ' || w[1 + (random() * 31)::int] || ' ' || w[1 + (random() * 31)::int] AS note
FROM generate_series(1, {rows}) i, (SELECT {words} AS w) words;
ALTER TABLE orders_{n} ADD PRIMARY KEY (id);
"""
RANDOM = """
CREATE TABLE blobs_{n} (id bigint PRIMARY KEY, version int NOT NULL DEFAULT 0, payload bytea);
ALTER TABLE blobs_{n} ALTER payload SET STORAGE EXTERNAL;
INSERT INTO blobs_{n} (id, payload) SELECT i, gen_random_bytes(1000) FROM generate_series(1, {rows}) i;
"""


class Cluster:
    def __init__(self, bindir, directory):
        self.bindir, self.directory = pathlib.Path(bindir), pathlib.Path(directory)
        self.data, self.sockets = self.directory / "data", self.directory / "s"
        self.sockets.mkdir()
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            owner = pwd.getpwnam(self.user)
            for path in (self.directory, self.sockets):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.conninfo = f"host={self.sockets} user=postgres dbname=postgres"
        self.tables = []

    def as_owner(self, command):
        prefix = ["setpriv", "--reuid", self.user, "--regid", "nogroup", "--clear-groups"] if self.user else []
        return prefix + [str(part) for part in command]

    def program(self, name):
        return self.bindir / name

    def call(self, command):
        ended = subprocess.run(self.as_owner(command), cwd=self.directory, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        if ended.returncode != 0:
            sys.exit(f"{command}: {ended.returncode}\n{ended.stdout}")
        return ended.stdout.strip()

    def sql(self, text):
        return self.call([self.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", self.conninfo, "-c", text])

    def make(self, kind, megabytes, kept):
        """A running cluster that is filled; from `kept`, where one was left before, when a directory is given."""
        if kept and (kept / "tables").exists():
            self.call(["cp", "-a", kept / "data", self.data])
            self.tables = [line.split("\t") for line in (kept / "tables").read_text().splitlines()]
            return self.start()
        self.call([self.program("initdb"), "-D", self.data, "-k", "-A", "trust", "-U", "postgres"])
        self.start()
        self.fill(kind, megabytes)
        if kept:
            self.call([self.program("pg_ctl"), "-D", self.data, "-m", "fast", "-w", "stop"])
            kept.mkdir(parents=True)
            subprocess.run(["cp", "-a", self.data, kept / "data"], check=True)
            (kept / "tables").write_text("".join(f"{table}\t{assignment}\n" for table, assignment in self.tables))
            self.start()

    def start(self):
        self.call([self.program("pg_ctl"), "-D", self.data, "-w", "-l", self.directory / "log", "-o",
                   f"-c listen_addresses= -c unix_socket_directories={self.sockets} -c autovacuum=off -c max_wal_size=8GB "
                   "-c shared_buffers=256MB -c archive_mode=on -c archive_command=true", "start"])

    def stop(self):
        subprocess.run(self.as_owner([self.program("pg_ctl"), "-D", self.data, "-m", "immediate", "stop"]),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fill(self, kind, megabytes):
        """Four tables (so that the work divides) of `megabytes` together, indexes included."""
        if kind == "files":
            return self.fill_with_files(int(megabytes))
        if kind == "incompressible":
            self.sql("CREATE EXTENSION pgcrypto")
        per_table = megabytes * 1_000_000 // 4
        for number in range(4):
            if kind == "realistic":
                self.sql(REALISTIC.format(n=number, rows=per_table // 240, words=WORDS))
                self.tables.append((f"orders_{number}", "total = total + 1"))
            else:
                self.sql(RANDOM.format(n=number, rows=per_table // 1190))
                self.tables.append((f"blobs_{number}", "version = version + 1"))
        self.sql("VACUUM")  # hint bits are set now, not by the first reader
        self.sql("CHECKPOINT")

    def fill_with_files(self, count):
        """About `count` relation files of 8 KiB each: tables of one row with a primary key."""
        for _ in range(0, count // 2, 500):
            self.sql("DO $$ DECLARE n int := (SELECT count(*) FROM pg_class WHERE relname LIKE 'small%'); BEGIN "
                     "FOR i IN n + 1 .. n + 500 LOOP EXECUTE format('CREATE TABLE small%s AS SELECT %s AS id', i, i); "
                     "EXECUTE format('CREATE INDEX ON small%s (id)', i); END LOOP; END $$")
        self.sql("CHECKPOINT")

    def update(self, fraction):
        """Updates that fraction of all rows, chosen at random, and checkpoints."""
        for table, assignment in self.tables:
            self.sql(f"UPDATE {table} SET {assignment} WHERE random() < {fraction}")
        self.sql("CHECKPOINT")

    def size_bytes(self):
        return int(self.sql("SELECT sum(pg_database_size(oid)) FROM pg_database"))
