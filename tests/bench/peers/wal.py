"""WAL, a segment at a time, as PostgreSQL's archive_command and restore_command run it: one process each, into an archive
that nothing else writes to, and out of it. CPU time is that of the process that PostgreSQL waits for and, beside it, of
what that leaves working behind it. Every figure holds the start of a program by this script, which the row `true` tells."""
import ctypes, dataclasses, os, pathlib, shutil, statistics, subprocess, sys, time

import measured

PR_SET_CHILD_SUBREAPER = 36


@dataclasses.dataclass
class Segment:
    seconds: float
    cpu_seconds: float
    behind_cpu_seconds: float  # of processes that outlived the one that was waited for
    anonymous_bytes: int


def become_subreaper():
    """From here on what outlives the process that started it becomes a child of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children():
    return {int(pid) for task in pathlib.Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def run(cluster, command, directory, settle):
    """`settle`: the orphans are waited for too, outside the clock."""
    before = children()
    with open(pathlib.Path(directory) / "output", "w+") as output:
        as_owner = {"user": cluster.user, "group": "nogroup", "extra_groups": []} if cluster.user else {}
        started = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], cwd=directory, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"], "HOME": str(directory)}, **as_owner)
        sampler = measured.MemorySampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.ended.set()
        sampler.join()
        output.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: {process.returncode}\n{output.read()[-3000:]}")
    return Segment(seconds, usage.ru_utime + usage.ru_stime, reap(before) if settle else 0.0, sampler.most)


def reap(before):
    """CPU seconds of the orphans, once all have ended."""
    behind = 0.0
    while orphans := children() - before:
        for pid in orphans:
            _, _, usage = os.wait4(pid, 0)
            behind += usage.ru_utime + usage.ru_stime
    return behind


class Lifeboat:
    name = "Lifeboat"

    def __init__(self, tool, codec):
        self.tool, self.codec, self.repository = tool, codec, tool.home / "wal-repository"

    def program(self, verb):
        return [self.tool.executable.with_name(f"lifeboat-wal-{verb}"), "--repo", self.repository, "--cluster", "bench"]

    def clear(self):
        shutil.rmtree(self.repository, ignore_errors=True)
        self.tool.cluster.call([self.tool.executable, "repo", "init", "--repo", self.repository])

    def push(self, segment): return self.program("push") + ["--compress", self.codec, segment]
    def fetch(self, segment, to): return self.program("fetch") + ["--prefetch", 0, segment.name, to]
    def fetch_ahead(self, segment, to): return self.program("fetch") + ["--prefetch", 8, segment.name, to]


class PgBackRest:
    name = "pgBackRest"

    def __init__(self, tool, codec):
        self.tool, self.repository = tool, tool.home / "wal-repository"
        kind, _, level = codec.partition(":")
        self.codec = [f"--compress-type={'zst' if kind == 'zstd' else kind}"] + ([f"--compress-level={level}"] if level else [])

    def verb(self, *arguments):
        return self.tool.verb(f"--repo1-path={self.repository}", *arguments)

    def clear(self):
        shutil.rmtree(self.repository, ignore_errors=True)
        shutil.rmtree(self.tool.home / "archive", ignore_errors=True)  # its spool
        self.tool.cluster.call(["mkdir", "-p", self.repository])
        self.tool.cluster.call(self.verb("--no-online", "stanza-create"))

    def push(self, segment): return self.verb(*self.codec, "archive-push", segment)
    def fetch(self, segment, to): return self.verb("archive-get", segment.name, to)
    def fetch_ahead(self, segment, to):
        return self.verb("--archive-async", f"--archive-get-queue-max={9 * 16}MiB", "archive-get", segment.name, to)


ARCHIVES = {archive.name: archive for archive in (Lifeboat, PgBackRest)}


def write_wal(cluster, count):
    """`count` whole segments of updates (or, where there is no table to update, of rows made for it)."""
    cluster.sql("ALTER SYSTEM SET wal_keep_size = '2GB'")
    cluster.sql("SELECT pg_reload_conf()")
    first = cluster.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    while True:
        if cluster.tables:
            cluster.update(0.002)
        else:
            cluster.sql("DROP TABLE IF EXISTS made; CREATE TABLE made AS SELECT i, md5(random()::text) AS t "
                        "FROM generate_series(1, 1000000) i")
        current = cluster.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
        names = sorted(path.name for path in (cluster.data / "pg_wal").iterdir() if len(path.name) == 24)
        whole = [name for name in names if first < name < current]
        if len(whole) >= count:
            return [cluster.data / "pg_wal" / name for name in whole[:count]]


class Wal:
    def __init__(self, cluster, tools, codecs):
        become_subreaper()
        self.cluster, self.codecs = cluster, codecs
        self.tools = [tool for tool in tools if tool.name in ARCHIVES]
        self.figures = {}  # figures[operation][name] = [Segment, …], one a segment and round
        self.stored = {}  # stored[operation][name] = bytes a segment

    def note(self, operation, name, figure):
        self.figures.setdefault(operation, {}).setdefault(name, []).append(figure)

    def round(self, number, count):
        segments = write_wal(self.cluster, count)
        for codec in self.codecs:
            turn = number % len(self.tools)
            for tool in self.tools[turn:] + self.tools[:turn]:
                self.one(ARCHIVES[tool.name](tool, codec), codec, segments)
        for segment in segments:
            self.note("start of a program, and cp", "true", run(self.cluster, ["true"], self.tools[0].home, False))
            self.note("start of a program, and cp", "cp of a segment",
                      run(self.cluster, ["cp", segment, self.tools[0].home / "RECOVERYXLOG"], self.tools[0].home, False))

    def one(self, archive, codec, segments):
        archive.clear()
        home = archive.tool.home
        measured.evict(self.cluster.data / "pg_wal")
        for segment in segments:
            self.note(f"WAL push, a segment, {codec}", archive.name, run(self.cluster, archive.push(segment), home, True))
        self.stored.setdefault(f"WAL push, a segment, {codec}", {})[archive.name] = (
            measured.bytes_below(archive.repository) / len(segments))
        for operation, command in (("there and then", archive.fetch), ("fetched ahead", archive.fetch_ahead)):
            measured.evict(archive.repository)
            for segment in segments:
                to = home / "RECOVERYXLOG"  # what PostgreSQL calls it
                self.note(f"WAL fetch, a segment, {codec}, {operation}", archive.name,
                          run(self.cluster, command(segment, to), home, True))
                if to.stat().st_size != segment.stat().st_size:
                    sys.exit(f"{archive.name} fetched {to.stat().st_size} bytes of {segment}")
                to.unlink()
        shutil.rmtree(home / ".lifeboat-fetch", ignore_errors=True)

    def print(self):
        for operation, figures in self.figures.items():
            self.print_table(operation, figures, self.stored.get(operation, {}))

    def print_table(self, operation, figures, stored):
        print(f"\n**{operation}**\n\n| | ms, median (least to most) | Lifeboat ÷ it | CPU ms | CPU ms behind it | anonymous MB | "
              "stored MB |\n| --- | --- | --- | --- | --- | --- | --- |")
        middle = statistics.median
        ours = figures.get("Lifeboat")
        for name, segments in figures.items():
            ms = [segment.seconds * 1e3 for segment in segments]
            ratio = f"{middle(mine.seconds / its.seconds for mine, its in zip(ours, segments)):.2f}" if ours else ""
            # What works behind does so every few segments, so its mean counts; the first one found nothing fetched ahead.
            behind = statistics.fmean(segment.behind_cpu_seconds for segment in segments) * 1e3
            size = f"{stored[name] / 1e6:.1f}" if name in stored else ""
            print(f"| {name} | {middle(ms):.1f} ({min(ms):.1f} to {max(ms):.1f}) | {ratio} | "
                  f"{middle(segment.cpu_seconds for segment in segments) * 1e3:.1f} | {behind:.1f} | "
                  f"{middle(segment.anonymous_bytes for segment in segments) / 1e6:.0f} | {size} |")

    def as_json(self):
        return {operation: {name: [dataclasses.asdict(segment) for segment in segments] for name, segments in figures.items()}
                for operation, figures in self.figures.items()}
