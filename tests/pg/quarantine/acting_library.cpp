// A library that acts as soon as a server loads it, as a scheduler of jobs would: it leaves a file called as itself in
// the directory `marks` beside it, and where shared_preload_libraries names it, it has a background worker run
// `run_jobs()` in the database postgres for as long as the server lives. Written against no header of
// PostgreSQL, so that every major loads the same one; what it is laid out like is told apart by the major.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern "C" {
extern bool process_shared_preload_libraries_in_progress;
void RegisterBackgroundWorker(void* worker);
void BackgroundWorkerUnblockSignals();
void BackgroundWorkerInitializeConnection(const char* database, const char* user, unsigned flags);
void StartTransactionCommand();
void CommitTransactionCommand();
void* GetTransactionSnapshot();
void PushActiveSnapshot(void* snapshot);
void PopActiveSnapshot();
int SPI_connect();
int SPI_execute(const char* sql, bool read_only, long most_rows);
int SPI_finish();
}

namespace {

constexpr int first_with_long_library_names = 17, first_with_named_modules = 18;
constexpr int with_shared_memory = 1, with_a_database = 2, once_recovery_is_finished = 2;

struct Magic {
  int bytes, version, most_arguments, most_index_keys, name_bytes, float8_by_value;
  char abi[32];
  const char *name, *own_version;  // from 18 on
};

template <int library_bytes>
struct Worker {
  char name[96], type[96];
  int flags, start_time, restart_seconds;
  char library[library_bytes], function[96];
  unsigned long argument;
  char extra[128];
  pid_t notify;
};

// The working directory is the data directory.
int major_version() {
  char text[16] = "";
  const int fd = open("PG_VERSION", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, 2) != 2) return 0;
  close(fd);
  return (text[0] - '0') * 10 + (text[1] - '0');
}

// Without its ".so".
void own_path(char* path, unsigned long size) {
  static const char here = 0;
  Dl_info info;
  if (dladdr(&here, &info) == 0) return;
  snprintf(path, size, "%.*s", static_cast<int>(strlen(info.dli_fname) - 3), info.dli_fname);
}

__attribute__((constructor)) void leave_a_mark() {
  char path[400] = "", mark[512];
  own_path(path, sizeof(path));
  char* const name = strrchr(path, '/');
  if (name == nullptr) return;
  *name = '\0';
  snprintf(mark, sizeof(mark), "%s/marks/%s", path, name + 1);
  const int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

template <int library_bytes>
void register_worker() {
  static Worker<library_bytes> worker;
  strcpy(worker.name, "scheduler");
  strcpy(worker.type, "scheduler");
  strcpy(worker.function, "run_jobs_forever");
  own_path(worker.library, library_bytes);
  worker.flags = with_shared_memory | with_a_database;
  worker.start_time = once_recovery_is_finished;
  worker.restart_seconds = 1;
  RegisterBackgroundWorker(&worker);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

const void* Pg_magic_func() {
  static Magic magic = {0, 0, 100, 32, 64, 1, "PostgreSQL", nullptr, nullptr};
  const int major = major_version();
  magic.version = major * 100;
  const bool named = major >= first_with_named_modules;
  magic.bytes = static_cast<int>(named ? sizeof(Magic) : __builtin_offsetof(Magic, name));
  return &magic;
}

void _PG_init() {  // NOLINT(bugprone-reserved-identifier): PostgreSQL calls it so
  if (!process_shared_preload_libraries_in_progress) return;
  major_version() < first_with_long_library_names ? register_worker<96>() : register_worker<1024>();
}

void run_jobs_forever(unsigned long /*argument*/) {
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection("postgres", nullptr, 0);
  for (;;) {
    StartTransactionCommand();
    SPI_connect();
    PushActiveSnapshot(GetTransactionSnapshot());
    SPI_execute("SELECT run_jobs(), pg_sleep(0.1)", false, 0);
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
  }
}

}  // extern "C"
#pragma GCC visibility pop
