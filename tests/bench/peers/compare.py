#!/usr/bin/env python3
"""Runs every side on one cluster in turning order and prints medians and ratios (Lifeboat's time ÷ the peer's, round by
round: below 1 Lifeboat is ahead). Started by tests/bench/peers.sh.

Page caches of the source and of every repository are evicted before each run; output is synced inside the clock.
CPU seconds are the tool's own processes', not the server's."""
import argparse, json, os, pathlib, shutil, statistics, sys, tempfile

import cluster as clusters
import measured
import tools
import wal


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lifeboat", required=True)
    parser.add_argument("--floor", required=True)
    parser.add_argument("--rows", choices=["realistic", "incompressible", "files"], default="realistic")
    parser.add_argument("--megabytes", type=int, default=3000, help="size of the data; with --rows files: number of files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--codec", default="zstd:1")
    parser.add_argument("--segments", type=int, default=16, help="WAL segments pushed and fetched in each round")
    parser.add_argument("--only-wal", action="store_true", help="no backups: WAL push and fetch alone")
    parser.add_argument("--only", nargs="*", help="names of tools; Lifeboat is always there")
    parser.add_argument("--pg-bindir", default="/usr/lib/postgresql/15/bin")
    parser.add_argument("--directory", default="/var/tmp")
    parser.add_argument("--filled", type=pathlib.Path, help="directory that keeps the filled cluster, to be filled once only")
    parser.add_argument("--json", help="where to write every single figure")
    return parser.parse_args()


class Comparison:
    def __init__(self, options, directory):
        self.options = options
        self.cluster = clusters.Cluster(options.pg_bindir, directory)
        for program in ("lifeboat", "floor"):  # where the cluster's owner can run them
            shutil.copy(getattr(options, program), self.cluster.directory / f"{program}-program")
        for program in ("lifeboat-wal-fetch", "lifeboat-wal-push"):
            shutil.copy(pathlib.Path(options.lifeboat).with_name(program), self.cluster.directory)
        tools.Lifeboat.executable = self.cluster.directory / "lifeboat-program"
        self.floor_program = self.cluster.directory / "floor-program"
        self.tools, self.figures = [], {}  # figures[operation][tool] = [{seconds, …}, …], one a round
        self.floors = {}  # floors[operation] = [seconds, …]

    def start(self):
        self.cluster.make(self.options.rows, self.options.megabytes, self.options.filled)
        for kind in tools.TOOLS:
            if self.options.only is None or kind is tools.Lifeboat or kind.name in self.options.only:
                tool = kind(self.cluster, self.options.jobs, self.options.codec)
                tool.start()
                self.tools.append(tool)
        # As everything else is compressed, and as WAL is when nobody says otherwise.
        self.wal = wal.Wal(self.cluster, self.tools, dict.fromkeys([self.options.codec, "lz4"]))

    def stop(self):
        for tool in self.tools:
            tool.stop()
        self.cluster.stop()

    def note(self, operation, tool, cost):
        if cost is None:
            return
        figure = {"seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds, "anonymous_bytes": cost.anonymous_bytes,
                  "stored_bytes": cost.stored_bytes}
        self.figures.setdefault(operation, {}).setdefault(tool.name, []).append(figure)

    def each(self, round_number, operation, method, stores=False):
        """Every tool that can, once, beginning with another one each round."""
        turn = round_number % len(self.tools)
        for tool in self.tools[turn:] + self.tools[:turn]:
            if not tool.has(method):
                continue
            before = tool.stored_bytes() if stores else 0
            measured.evict(self.cluster.data, tool.repository())
            cost = getattr(tool, method)()
            if stores:
                cost.stored_bytes = tool.stored_bytes() - before
            self.note(operation, tool, cost)

    def round(self, number):
        if not self.options.only_wal:
            self.backups(number)
        self.wal.round(number, self.options.segments)

    def backups(self, number):
        for tool in self.tools:
            tool.clear()

        self.each(number, "full backup", "full", stores=True)
        self.each(number, "restore", "restore")
        self.writing_floor()
        self.each(number, "verify, as stored", "verify")
        self.each(number, "verify, unpacked", "unpack")
        if self.options.rows != "files":
            self.cluster.update(0.01)
        self.each(number, "incremental", "incremental", stores=True)

    def compressing_floor(self):
        codec, _, level = self.options.codec.partition(":")
        seconds = float(self.cluster.call([self.floor_program, "compress", self.cluster.data / "base", codec, level or 0,
                                           65536]))
        self.floors["full backup"] = [seconds / os.cpu_count()]

    def writing_floor(self):
        """Among the restores, so that memory and disk are as they were for those."""
        to = self.cluster.directory / "floor"
        self.cluster.call(["mkdir", "-p", to])
        count = self.options.jobs
        if self.options.rows == "files":
            count = sum(1 for _ in measured.files_below(self.cluster.data / "base"))
        measured.evict(self.cluster.data)
        seconds = float(self.cluster.call([self.floor_program, "write", to, self.cluster.size_bytes(), self.options.jobs, count]))
        measured.set_aside(to, self.cluster.directory / "set-aside")
        self.floors.setdefault("restore", []).append(seconds)


def median(figures, what):
    return statistics.median(figure[what] for figure in figures)


def table(operation, figures, floor):
    print(f"\n**{operation}**" + (f", floor {floor:.2f} s" if floor else "") + "\n")
    print("| | seconds, median (least to most) | Lifeboat ÷ it | CPU s | anonymous MB | stored MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    ours = figures["Lifeboat"]
    for name, of_tool in figures.items():
        seconds = [figure["seconds"] for figure in of_tool]
        ratio = statistics.median(mine["seconds"] / its["seconds"] for mine, its in zip(ours, of_tool))
        stored = f"{median(of_tool, 'stored_bytes') / 1e6:.0f}" if of_tool[0]["stored_bytes"] is not None else ""
        print(f"| {name} | {statistics.median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f}) | {ratio:.2f} | "
              f"{median(of_tool, 'cpu_seconds'):.3f} | {median(of_tool, 'anonymous_bytes') / 1e6:.0f} | {stored} |")
    if floor:
        print(f"\nLifeboat ÷ floor: {median(ours, 'seconds') / floor:.2f}")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="lifeboat-peers-", dir=options.directory) as directory:
        comparison = Comparison(options, directory)
        try:
            comparison.start()
            size, version = comparison.cluster.size_bytes(), comparison.cluster.sql("SHOW server_version")
            load = os.getloadavg()[0]
            if not options.only_wal:
                comparison.compressing_floor()
            for number in range(options.rounds):
                comparison.round(number)
                print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
        finally:
            comparison.stop()
    print(f"PostgreSQL {version}, {size / 1e6:.0f} MB ({options.rows}), {options.rounds} rounds, {options.jobs} jobs, {options.codec}, "
          f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after")
    for operation, figures in comparison.figures.items():
        table(operation, figures, statistics.median(comparison.floors[operation]) if operation in comparison.floors else None)
    comparison.wal.print()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(
            {"floors": comparison.floors, "figures": comparison.figures, "wal": comparison.wal.as_json()}, indent=1))


main()
