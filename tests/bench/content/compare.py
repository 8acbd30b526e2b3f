#!/usr/bin/env python3
"""Content digests beside pg_dump | sha256sum and pg_amcheck --heapallindexed.

usage: tests/bench/content.sh [--rows hashed,text,ecommerce] [--megabytes N] [--rounds N] [--cold] [--directory DIR]
                              [--bindir DIR]

One server, one database of N megabytes for each kind of rows, the tools in turn in every round, the order turning with
the rounds. CPU seconds are those of the tool and of the server's processes, those that ended meanwhile included.
  hashed     tests/bench/peers' rows: integers, times, short texts, a numeric; most of it hashed as it is stored
  text       jsonb, arrays, a composite, an enum, an interval, numerics: all but the key compared as text
  ecommerce  the drills' dataset, scaled: what a drill's mark costs
"""
import argparse, os, pathlib, shutil, signal, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "bench" / "peers"))
from cluster import REALISTIC, WORDS, Cluster  # noqa: E402

TEXT = """
CREATE TABLE documents_{n} AS
SELECT i AS id, jsonb_build_object('customer', (random() * 200000)::int, 'state', w[1 + (random() * 31)::int],
         'weights', jsonb_build_array(random()::numeric(6, 3), random()::numeric(6, 3)), 'paid', random() < 0.5) AS body,
       w[1 + (random() * 27)::int : 4 + (random() * 27)::int] AS tags, ROW(w[1 + (random() * 31)::int], i)::place AS place,
       (ARRAY['new', 'paid', 'shipped'])[1 + (random() * 2)::int]::state AS state,
       round((random() * 900)::numeric, 2) AS total, numrange(i, i + 1.50) AS span
FROM generate_series(1, {rows}) i, (SELECT {words} AS w) words;
ALTER TABLE documents_{n} ADD PRIMARY KEY (id);
"""
MEGABYTES_PER_SCALE = 9.2  # of ecommerce


def fill(cluster, kind, megabytes, program):
    """The database that was filled."""
    if kind == "ecommerce":
        scale = max(1, round(megabytes / MEGABYTES_PER_SCALE))
        subprocess.run([program, "load", cluster.conninfo, "ecommerce", str(scale)], cwd=ROOT, check=True)
        database = "shop"
    else:
        database = "postgres"
        if kind == "text":
            cluster.sql("CREATE TYPE place AS (name text, number int); CREATE TYPE state AS ENUM ('new', 'paid', 'shipped')")
        template, row_bytes = (REALISTIC, 240) if kind == "hashed" else (TEXT, 290)
        for number in range(4):
            cluster.sql(template.format(n=number, rows=int(megabytes * 1_000_000 / 4 / row_bytes), words=WORDS))
    in_database = cluster.conninfo.replace("dbname=postgres", f"dbname={database}")
    for statement in ("CREATE EXTENSION IF NOT EXISTS amcheck", "VACUUM ANALYZE", "CHECKPOINT"):
        cluster.call([cluster.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", in_database, "-c", statement])
    return database, in_database


def evict(directory):
    os.sync()
    for path in directory.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def server_cpu(cluster):
    """CPU seconds of the server's processes, those that have ended included."""
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        if pid == postmaster:
            ticks += sum(map(int, fields[11:15]))  # with its children that were waited for
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(cluster, command):
    """Wall and CPU seconds of a shell pipeline, which must succeed."""
    before, server_before = os.times(), server_cpu(cluster)
    begun = time.monotonic()
    ended = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
    wall = time.monotonic() - begun
    if ended.returncode != 0:
        sys.exit(f"{command}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    time.sleep(0.2)  # until the postmaster has waited for the sessions' processes
    after = os.times()
    own = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, own + server_cpu(cluster) - server_before, ended.stdout.strip()


def compare(arguments, kind, directory):
    cluster = Cluster(arguments.bindir, directory)
    make_empty(cluster)
    try:
        database, conninfo = fill(cluster, kind, arguments.megabytes, arguments.program)
        size = int(cluster.sql(f"SELECT pg_database_size('{database}')")) / 1e6
        tools = {
            "Lifeboat's digests": f"{arguments.program} probe '{conninfo}' {database}",
            "pg_dump \\| sha256sum": f"{cluster.program('pg_dump')} '{conninfo}' | sha256sum",
            "pg_amcheck --heapallindexed": f"{cluster.program('pg_amcheck')} --heapallindexed -j 2 '{conninfo}'",
        }
        results = {name: [] for name in tools}
        names = list(tools)
        said = set()
        for number in range(arguments.rounds + (0 if arguments.cold else 1)):
            for name in names[number % 3:] + names[:number % 3]:
                if arguments.cold:
                    evict(cluster.data)
                wall, cpu, words = timed(cluster, tools[name].replace("\\|", "|"))
                if name == names[0]:
                    said.add(words.split(maxsplit=1)[1])
                if arguments.cold or number > 0:  # the first round only warms
                    results[name].append((wall, cpu))
        if len(said) != 1:
            sys.exit(f"the probe did not see the same each time: {said}")
        show(kind, size, said.pop(), results, names)
    finally:
        cluster.stop()


def make_empty(cluster):
    cluster.call([cluster.program("initdb"), "-D", cluster.data, "-k", "-A", "trust", "-U", "postgres"])
    cluster.start()


def show(kind, size, said, results, names):
    tables, rows = said.split()
    print(f"\n**{kind}**: {size:,.0f} MB in {tables} tables, {int(rows):,} rows\n")
    print("| | seconds, median (least to most) | Lifeboat ÷ it | CPU s |\n| --- | --- | --- | --- |")
    own = statistics.median(wall for wall, _ in results[names[0]])
    for name in names:
        walls = [wall for wall, _ in results[name]]
        ratio = "" if name == names[0] else f"{own / statistics.median(walls):.2f}"
        print(f"| {name} | {statistics.median(walls):.2f} ({min(walls):.2f} to {max(walls):.2f}) | {ratio} | "
              f"{statistics.median(cpu for _, cpu in results[name]):.1f} |")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rows", default="hashed,text,ecommerce")
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="page cache evicted before each run; else one round warms")
    parser.add_argument("--bindir", default="/usr/lib/postgresql/15/bin")
    parser.add_argument("--directory", default="/var/tmp")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server and its directory go then, too
    arguments.program = str(pathlib.Path(arguments.program).resolve())
    for kind in arguments.rows.split(","):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="content-bench.", dir=arguments.directory))
        directory.chmod(0o755)
        try:
            compare(arguments, kind, directory)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
