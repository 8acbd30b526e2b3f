#include "harness/process/forked_child.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "backup_engine/base/error.hpp"

namespace harness::process {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::UniqueFd;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

// What answer() throws; fails the test when it does not.
Error error_of(const ForkedChild& child, const Deadline& deadline) {
  try {
    ADD_FAILURE() << "answered " << child.answer(deadline);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::internal, "none"};
}

TEST(ForkedChild, AnswersAndGoesOnWhenItIsTold) {
  const ForkedChild child("the child", {}, [](const auto& parent) {
    if (parent.tell(1) && parent.waits_for_word()) (void)parent.tell(2);
  });
  EXPECT_EQ(child.answer(soon()), 1);
  child.go_on();
  EXPECT_EQ(child.answer(soon()), 2);
}

TEST(ForkedChild, ThatSaysNothingIsGivenUpAndEnded) {
  pid_t pid = -1;
  {
    const ForkedChild child("the child that dawdles", {}, [](const auto&) {
      while (true) ::pause();
    });
    pid = child.pid();
    const auto error = error_of(child, Deadline::after(std::chrono::milliseconds(50)));
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
    EXPECT_THAT(error.what(), HasSubstr("the child that dawdles; last seen: it said nothing"));
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH) << "it was reaped";
}

TEST(ForkedChild, ThatEndsWithoutAWordIsAnErrorAtOnce) {
  const ForkedChild child("the child", {}, [](const auto&) {});
  const auto error = error_of(child, Deadline::never());
  EXPECT_EQ(error.kind(), ErrorKind::process);
  EXPECT_THAT(error.what(), HasSubstr("the child ended without a word"));
  child.go_on();  // nobody listens, and nobody is killed by SIGPIPE
}

TEST(ForkedChild, HoldsNoDescriptorOfItsParentButTheNeeded) {
  int kept[2], other[2];
  ASSERT_EQ(::pipe2(kept, O_CLOEXEC | O_NONBLOCK), 0);
  ASSERT_EQ(::pipe2(other, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd from_kept(kept[0]), from_other(other[0]);
  UniqueFd to_kept(kept[1]), to_other(other[1]);
  const ForkedChild child("the child", {kept[1]}, [](const auto& parent) {
    if (parent.tell(0)) (void)parent.waits_for_word();
  });
  EXPECT_EQ(child.answer(soon()), 0);
  to_kept.reset();
  to_other.reset();
  char byte = 0;
  EXPECT_EQ(::read(from_other.get(), &byte, 1), 0) << "nobody else holds its other end";
  EXPECT_EQ(::read(from_kept.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN) << "the child holds its other end";
}

}  // namespace
}  // namespace harness::process
