"""Each side of the comparison, set up as its documentation advises and with as many workers as there are cores.

A tool answers to full(), incremental(), restore(), verify() with a measured.Cost, or None where it has no such thing;
repository() is where its bytes lie. All run as the cluster's owner and sync their output inside the clock. What they do
with WAL is in wal.py."""
import os, pathlib, shutil, signal, subprocess, time

import measured


class Tool:
    name = ""

    def __init__(self, cluster, jobs, codec):
        self.cluster, self.jobs, self.codec = cluster, jobs, codec  # codec: "zstd:1" or "lz4"
        self.home = cluster.directory / self.name.split()[0].lower().replace("-", "_")
        self.out, self.heap = cluster.directory / "restored", cluster.directory / "set-aside"
        self.own(self.home)
        for path in (self.home, self.repository()):
            cluster.call(["mkdir", "-p", path])

    def own(self, path):
        path.mkdir(exist_ok=True)
        if self.cluster.user:
            shutil.chown(path, self.cluster.user, "nogroup")

    def repository(self):
        return self.home / "repository"

    def run(self, command, sync=True, **options):
        return measured.run(self.cluster.as_owner(command), self.home, self.repository() if sync else None,
                            {"HOME": str(self.home)}, **options)

    def restored(self, command):
        self.own(self.out)
        os.chmod(self.out, 0o700)
        cost = measured.run(self.cluster.as_owner(command), self.home, self.out, {"HOME": str(self.home)})
        measured.set_aside(self.out, self.heap)
        return cost

    def clear(self):  # before each full backup
        measured.set_aside(self.repository(), self.heap)
        self.cluster.call(["mkdir", "-p", self.repository()])

    def has(self, operation):
        return getattr(type(self), operation) is not getattr(Tool, operation)

    def stored_bytes(self):
        return measured.bytes_below(self.repository())

    def start(self): pass
    def stop(self): pass
    def full(self): return None
    def incremental(self): return None
    def restore(self): return None
    def verify(self): return None  # every stored byte against a hash
    def unpack(self): return None  # and every block unpacked


class Lifeboat(Tool):
    name = "Lifeboat"
    executable = None

    def verb(self, *arguments):
        return [self.executable, *arguments, "--repo", self.repository()]

    def start(self):
        self.call_init()

    def call_init(self):
        self.cluster.call(self.verb("repo", "init"))
        self.receiver = subprocess.Popen(self.cluster.as_owner(
            self.verb("wal", "receive", "--cluster", "bench", "--dbname", self.cluster.conninfo, "--slot", "lifeboat",
                      "--create-slot")), stderr=subprocess.DEVNULL)
        while self.cluster.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' "
                               "AND application_name = 'lifeboat'") != "1":
            time.sleep(0.1)

    def stop(self):
        self.receiver.send_signal(signal.SIGTERM)
        self.receiver.wait()
        self.cluster.call(self.verb("wal", "receive", "--cluster", "bench", "--dbname", self.cluster.conninfo, "--slot",
                                    "lifeboat", "--drop-slot"))

    def clear(self):
        self.stop()
        super().clear()
        self.call_init()

    def stored_bytes(self):
        return measured.bytes_below(self.repository() / "clusters/bench/backups")

    def backup(self, kind):
        return self.run(self.verb("backup", "--cluster", "bench", "--dbname", self.cluster.conninfo, "--pgdata",
                                  self.cluster.data, "--type", kind, "--jobs", self.jobs, "--compress", self.codec,
                                  "--progress", "none"))

    def full(self): return self.backup("full")
    def incremental(self): return self.backup("incremental")
    def verify(self): return self.run(self.verb("verify", "--stored"), sync=False)
    def unpack(self): return self.run(self.verb("verify"), sync=False)

    def restore(self):
        return self.restored(self.verb("restore", "--cluster", "bench", "--to", self.out, "--target-immediate", "--jobs",
                                       self.jobs, "--progress", "none"))


class PgBackRest(Tool):
    name = "pgBackRest"

    def __init__(self, cluster, jobs, codec):
        super().__init__(cluster, jobs, codec)
        kind, _, level = codec.partition(":")
        self.configuration = self.home / "pgbackrest.conf"
        self.configuration.write_text(
            f"[global]\nrepo1-path={self.repository()}\nlog-path={self.home}\nlock-path={self.home}\n"
            f"spool-path={self.home}\nlog-level-file=off\nlog-level-console=warn\nprocess-max={jobs}\nstart-fast=y\n"
            f"repo1-bundle=y\narchive-check=n\narchive-copy=n\nchecksum-page=y\ncompress-type={'zst' if kind == 'zstd' else kind}\n"
            f"{'compress-level=' + level if level else ''}\n"
            f"[bench]\npg1-path={cluster.data}\npg1-socket-path={cluster.sockets}\npg1-user=postgres\n")
        os.chmod(self.configuration, 0o644)

    def verb(self, *arguments):
        return ["pgbackrest", f"--config={self.configuration}", "--stanza=bench", *arguments]

    def start(self): self.cluster.call(self.verb("--no-online", "stanza-create"))

    def clear(self):
        super().clear()
        self.start()

    def stored_bytes(self): return measured.bytes_below(self.repository() / "backup")
    def full(self): return self.run(self.verb("--type=full", "backup"))
    def incremental(self): return self.run(self.verb("--type=incr", "backup"))
    def restore(self): return self.restored(self.verb(f"--pg1-path={self.out}", "--type=immediate", "restore"))
    def verify(self): return self.run(self.verb("verify"), sync=False)


class Barman(Tool):
    """Without compression: 3.4 has only gzip, and then restores through a staging directory; this is its fastest."""
    name = "Barman"

    def __init__(self, cluster, jobs, codec):
        super().__init__(cluster, jobs, codec)
        self.configuration = self.home / "barman.conf"
        self.configuration.write_text(
            f"[barman]\nbarman_user = {cluster.user or 'root'}\nbarman_home = {self.repository()}\nlog_file = {self.home}/log\n"
            f"log_level = WARNING\nconfiguration_files_directory = {self.home}\npath_prefix = {cluster.bindir}\n"
            f"[bench]\ndescription = bench\nconninfo = {cluster.conninfo}\nstreaming_conninfo = {cluster.conninfo}\n"
            "backup_method = postgres\nstreaming_archiver = on\nslot_name = barman\ncreate_slot = auto\n"
            "immediate_checkpoint = on\n")
        os.chmod(self.configuration, 0o644)

    def verb(self, *arguments):
        return ["barman", "-q", "-c", self.configuration, *arguments]

    def start(self):
        self.receiver = None
        self.cluster.call(self.verb("receive-wal", "--create-slot", "bench"))
        self.receive()

    def receive(self):
        self.receiver = subprocess.Popen(self.cluster.as_owner(self.verb("receive-wal", "bench")), cwd=self.home,
                                         start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.cluster.sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'barman' AND active") != "1":
            time.sleep(0.1)
        # It takes no backup before the first segment has reached its archive.
        self.cluster.call(self.verb("switch-wal", "--force", "--archive", "--archive-timeout", 30, "bench"))

    def stop(self):
        os.killpg(self.receiver.pid, signal.SIGTERM)
        self.receiver.wait()

    def clear(self):
        self.stop()
        super().clear()
        self.receive()

    def stored_bytes(self): return measured.bytes_below(self.repository() / "bench/base")
    def full(self): return self.run(self.verb("backup", "--wait", "bench"))
    def restore(self): return self.restored(self.verb("recover", "bench", "latest", self.out))


class PgBasebackup(Tool):
    name = "pg_basebackup"

    def repository(self): return self.home / "backup"

    def full(self):
        return self.run([self.cluster.program("pg_basebackup"), "-d", self.cluster.conninfo, "-D", self.repository(), "-X",
                         "none", "-c", "fast"])

    def restore(self): return self.restored(["cp", "-a", f"{self.repository()}/.", self.out])
    def verify(self):
        return self.run([self.cluster.program("pg_verifybackup"), "-n", self.repository()], sync=False)


class Copy(Tool):
    """cp -r of the running cluster's files: no backup at all, and the speed of one reader and one writer."""
    name = "cp -r"

    def full(self): return self.run(["cp", "-r", self.cluster.data, self.repository()], accepted=(0, 1))
    def restore(self): return self.restored(["cp", "-r", f"{self.repository()}/data/.", self.out])


TOOLS = [Lifeboat, PgBackRest, Barman, PgBasebackup, Copy]
