"""Running a whole process and saying what it cost: seconds, CPU seconds, and the most anonymous memory at one time."""
import dataclasses, os, pathlib, subprocess, sys, threading, time


@dataclasses.dataclass
class Cost:
    seconds: float
    cpu_seconds: float  # of the process and its children that ended; not of the PostgreSQL server it talked to
    anonymous_bytes: int  # the largest sum over the process tree, sampled every 10 ms
    stored_bytes: int | None = None  # of a backup: what it added to the repository


def anonymous_bytes(pid):
    """RssAnon of `pid` and everything below it."""
    total = 0
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total = int(line.split()[1]) * 1024
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += anonymous_bytes(child)
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended meanwhile
    return total


class MemorySampler(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.ended = pid, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.01):
            self.most = max(self.most, anonymous_bytes(self.pid))


def run(command, directory, sync=None, environment=None, accepted=(0,)):
    """Runs `command` to its end and, inside the clock, syncs the file system of `sync`. Ends the benchmark when the
    command fails, with what it said."""
    with open(pathlib.Path(directory) / "output", "w+") as output:
        started = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], cwd=directory, stdout=output, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(environment or {})})
        sampler = MemorySampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if sync is not None:
            subprocess.run(["sync", "-f", str(sync)], check=True)
        seconds = time.monotonic() - started
        sampler.ended.set()
        sampler.join()
        output.seek(0)
        said = output.read()
    if process.returncode not in accepted:
        sys.exit(f"{' '.join(map(str, command))}: {process.returncode}\n{said[-3000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, sampler.most)


def files_below(directory):
    """Every regular file as path and size; there can be very many, and the server removes some meanwhile."""
    try:
        entries = list(os.scandir(directory))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(entry.path)
        elif entry.is_file(follow_symlinks=False):
            try:
                yield entry.path, entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                pass


def evict(*directories):
    """Writes back and drops every file below from the page cache, so that each run reads the disk."""
    os.sync()
    for directory in directories:
        for path, _ in files_below(directory):
            try:
                handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def bytes_below(directory):
    return sum(size for _, size in files_below(directory))


def set_aside(path, heap):
    """Instead of removing `path`, and as cheap in space: ext4 passes over inodes that were deleted a moment ago, one by
    one, for each file that is created next, so that every tool would pay for the one before it (docs/benchmarks.md)."""
    if not path.exists():
        return
    heap.mkdir(exist_ok=True)
    path = path.rename(heap / str(time.monotonic_ns()))
    for file, size in files_below(path):
        if size > 1_000_000:
            os.truncate(file, 0)
