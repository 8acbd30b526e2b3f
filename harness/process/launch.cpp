#include "harness/process/launch.hpp"

// No compiled Boost library is linked: paths are the standard library's.
#define BOOST_PROCESS_USE_STD_FS 1

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

// Boost.Process 1.81 uses these without including them when paths are the standard library's.
#include <boost/optional.hpp>
#include <boost/type_traits/decay.hpp>
#include <boost/type_traits/is_convertible.hpp>
#include <boost/utility/string_view.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/enclosure.hpp"
#include "harness/process/volume.hpp"

namespace harness::process {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

namespace v2 = boost::process::v2;

// How far the child came; told to the parent through a shared page, because Boost's pipe carries only an errno.
enum class Step : int { descriptors, session, signals, namespaces, user, parent_death, directory, execute };

const char* to_words(Step step) {
  switch (step) {
    case Step::descriptors:
      return "give it its descriptors";
    case Step::session:
      return "give it a session of its own";
    case Step::signals:
      return "reset its signals";
    case Step::namespaces:
      return "give it namespaces of its own";
    case Step::user:
      return "change its user";
    case Step::parent_death:
      return "bind its life to Lifeboat's";
    case Step::directory:
      return "enter its working directory";
    case Step::execute:
      return "execute it";
  }
  return "start it";
}

class SharedStep {
 public:
  SharedStep() : page_(::mmap(nullptr, sizeof(Step), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED) throw system_error(errno, "map a page for", "a new process");
  }
  SharedStep(const SharedStep&) = delete;
  SharedStep& operator=(const SharedStep&) = delete;
  ~SharedStep() { ::munmap(page_, sizeof(Step)); }
  [[nodiscard]] volatile Step& value() const { return *static_cast<volatile Step*>(page_); }

 private:
  void* page_;
};

// Runs in the child between fork and exec: system calls only, since other threads may have held any lock.
// Boost 1.81's own descriptor and stdio initializers are not used: bind_fd crashes, its stdio leaves duplicates open,
// and its closing of descriptors skips those between two whitelisted ones.
struct ChildSetup {
  int input_fd;
  int output_fd;
  pid_t parent;
  int parent_death_signal;
  const char* working_directory;
  const OsUser* user;    // null: stay who we are
  Enclosure* enclosure;  // null: stay where we are
  const Volume* volume;  // null: see no other file systems than we do
  volatile Step* step;

  // Every call sets errno when it fails, which is what Boost's launcher reports to the parent.
  template <typename Launcher, typename Arguments>
  boost::system::error_code on_exec_setup(Launcher&, const std::filesystem::path&, Arguments&) const {
    const bool ready = bind_descriptors() && leave_session() && reset_signals() && enter_namespaces() &&
                       become_user() && bind_to_parent() && enter_directory();
    if (!ready) return {errno, boost::system::system_category()};
    *step = Step::execute;
    return {};
  }

  // The launcher would call exit(), which runs the parent's atexit handlers in the child. Both shapes are needed: Boost
  // 1.81 looks for the one and calls the other.
  template <typename Launcher, typename Arguments>
  void on_exec_error(Launcher&, const std::filesystem::path&, Arguments&, const boost::system::error_code&) const {
    ::_exit(127);
  }
  template <typename Launcher, typename Arguments>
  void on_exec_error(Launcher&, const boost::system::error_code&, const std::filesystem::path&, Arguments&,
                     const boost::system::error_code&) const {
    ::_exit(127);
  }

 private:
  [[nodiscard]] bool bind_descriptors() const {
    *step = Step::descriptors;
    // Close-on-exec rather than closed, so that the launcher's error pipe lives exactly until exec.
    return ::dup2(input_fd, STDIN_FILENO) >= 0 && ::dup2(output_fd, STDOUT_FILENO) >= 0 &&
           ::dup2(output_fd, STDERR_FILENO) >= 0 &&
           ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  }

  [[nodiscard]] bool leave_session() const {
    *step = Step::session;
    return ::setsid() >= 0;
  }

  [[nodiscard]] bool reset_signals() const {
    *step = Step::signals;
    // Ignored signals survive exec; handlers do not. SIGKILL, SIGSTOP and libc's own two refuse, rightly.
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    return ::pthread_sigmask(SIG_SETMASK, &none, nullptr) == 0;
  }

  [[nodiscard]] bool enter_namespaces() const {
    *step = Step::namespaces;  // before the change of user, who may not
    return (volume == nullptr || volume->enter()) && (enclosure == nullptr || enclosure->enter());
  }

  [[nodiscard]] bool become_user() const {
    *step = Step::user;
    return user == nullptr || (::setgroups(1, &user->gid) == 0 && ::setresgid(user->gid, user->gid, user->gid) == 0 &&
                               ::setresuid(user->uid, user->uid, user->uid) == 0);
  }

  [[nodiscard]] bool bind_to_parent() const {
    *step = Step::parent_death;  // after the change of user, which clears it
    if (::prctl(PR_SET_PDEATHSIG, parent_death_signal) != 0) return false;
    // Had the parent died before the call above, no signal would ever come.
    if (::getppid() != parent) ::_exit(127);
    return true;
  }

  [[nodiscard]] bool enter_directory() const {
    *step = Step::directory;
    return ::chdir(working_directory) == 0;
  }
};

UniqueFd open_output(const std::filesystem::path& file) {
  const auto* path = file.empty() ? "/dev/null" : file.c_str();
  UniqueFd fd(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) throw system_error(errno, "open for a program's output", path);
  return fd;
}

// A descriptor that dup2 onto 0..2 cannot clobber.
UniqueFd above_standard(UniqueFd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  UniqueFd higher(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!higher.valid()) throw system_error(errno, "duplicate a descriptor for", "a new process");
  return higher;
}

std::vector<std::string> environment_of(const Command& command) {
  auto variables = command.environment;
  variables.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  variables.try_emplace("HOME", "/nonexistent");
  variables.try_emplace("LC_ALL", "C");
  std::vector<std::string> lines;
  lines.reserve(variables.size());
  for (const auto& [name, value] : variables) lines.push_back(fmt::format("{}={}", name, value));
  return lines;
}

Error cannot_start(const Command& command, const std::string& reason) {
  return Error(ErrorKind::process, fmt::format("cannot start {}: {}", command.program.string(), reason))
      .of_command(to_text(command));
}

}  // namespace

pid_t launch(const Command& command) {
  if (!command.program.is_absolute()) throw cannot_start(command, "its path is not absolute");
  const bool change_user = command.run_as && ::geteuid() == 0;
  if (command.run_as && !change_user && command.run_as->uid != ::geteuid()) {
    throw cannot_start(command, fmt::format("only root may run it as {}", command.run_as->name));
  }
  const auto input = above_standard(backup_engine::base::open_for_reading("/dev/null"));
  const auto output = above_standard(open_output(command.output_file));
  const auto environment_lines = environment_of(command);
  std::vector<const char*> environment;
  environment.reserve(environment_lines.size() + 1);
  for (const auto& line : environment_lines) environment.push_back(line.c_str());
  environment.push_back(nullptr);

  std::optional<Enclosure> enclosure;
  if (command.isolated) enclosure.emplace(*command.isolated);
  const SharedStep step;
  const ChildSetup setup{input.get(),
                         output.get(),
                         ::getpid(),
                         command.parent_death_signal,
                         command.working_directory.c_str(),
                         change_user ? &*command.run_as : nullptr,
                         enclosure ? &*enclosure : nullptr,
                         command.volume.get(),
                         &step.value()};

  boost::asio::io_context context;  // never run: waiting is waitpid's
  v2::posix::default_launcher launcher;
  launcher.env = environment.data();
  boost::system::error_code failure;
  auto child = launcher(context.get_executor(), failure, command.program, command.arguments, setup);
  const pid_t pid = launcher.pid;
  if (!failure) {
    (void)child.detach();  // or its destructor would terminate the process
    return pid;
  }
  // Boost 1.81 leaves the failed child as a zombie; later versions reap it, and then this finds nothing.
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  const Step reached = step.value();
  throw cannot_start(command,
                     pid > 0 ? fmt::format("cannot {}: {}", to_words(reached), failure.message()) : failure.message());
}

}  // namespace harness::process
