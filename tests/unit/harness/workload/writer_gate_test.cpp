#include "harness/workload/writer_gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace harness::workload {
namespace {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

// Writers that do nothing but pass the gate and count.
class Crowd {
 public:
  Crowd(WriterGate& gate, unsigned writers) : gate_(gate) {
    for (unsigned i = 0; i < writers; ++i) {
      threads_.emplace_back([this] {
        while (gate_.pass()) {
          ++working;
          ++passed;
          --working;
        }
        gate_.leave();
      });
    }
  }
  ~Crowd() { gate_.close(); }

  std::atomic<int> working{0}, passed{0};

 private:
  WriterGate& gate_;
  std::vector<std::jthread> threads_;
};

Deadline soon() {
  return Deadline::after(std::chrono::seconds(30));
}

TEST(WriterGate, LetsNobodyThroughWhileHeld) {
  WriterGate gate(4, std::nullopt);
  Crowd crowd(gate, 4);
  gate.hold(soon(), {});
  EXPECT_EQ(crowd.passed, 0);
  for (int round = 0; round < 50; ++round) {
    const int before = crowd.passed;
    gate.resume();
    backup_engine::base::poll_until(soon(), "a pass", [&]() -> std::optional<std::string> {
      return crowd.passed > before ? std::nullopt : std::optional<std::string>("none");
    });
    gate.hold(soon(), {});
    const int held_at = crowd.passed;
    EXPECT_EQ(crowd.working, 0);
    std::this_thread::yield();
    EXPECT_EQ(crowd.passed, held_at);
  }
}

TEST(WriterGate, HoldGivesUpOnAWriterThatDoesNotComeBack) {
  WriterGate gate(1, std::nullopt);
  gate.resume();
  ASSERT_TRUE(gate.pass());  // this thread is the writer, in its transaction
  try {
    gate.hold(Deadline::after(std::chrono::milliseconds(5)), {});
    FAIL() << "held a writer that is in a transaction";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::timed_out);
  }
}

TEST(WriterGate, HoldCountsWritersThatEndedAsHeld) {
  WriterGate gate(2, std::nullopt);
  gate.leave();
  gate.leave();
  EXPECT_NO_THROW(gate.hold(soon(), {}));
}

TEST(WriterGate, HoldsWritersThatWaitForTheirTurn) {
  WriterGate gate(3, 0.001);  // one pass in a thousand seconds
  Crowd crowd(gate, 3);
  gate.resume();
  backup_engine::base::poll_until(soon(), "the first pass", [&]() -> std::optional<std::string> {
    return crowd.passed > 0 ? std::nullopt : std::optional<std::string>("none");
  });
  EXPECT_NO_THROW(gate.hold(soon(), {}));
  EXPECT_EQ(crowd.passed, 1);
}

TEST(WriterGate, TellsTheFirstFailureToWhoeverWaits) {
  WriterGate gate(2, std::nullopt);
  gate.resume();
  gate.fail(Error(ErrorKind::no_space, "first"));
  gate.fail(Error(ErrorKind::io, "second"));
  EXPECT_FALSE(gate.pass());
  try {
    gate.run_until(WriterGate::Clock::now() + std::chrono::hours(1), {});
    FAIL() << "the failure was silent";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::no_space);
  }
}

TEST(WriterGate, RunEndsWhenStopIsRequested) {
  WriterGate gate(1, std::nullopt);
  std::stop_source source;
  source.request_stop();
  try {
    gate.run_until(WriterGate::Clock::now() + std::chrono::hours(1), source.get_token());
    FAIL() << "the stop request was not heard";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
}

TEST(WriterGate, EndsAPauseWhenItIsHeldOrClosed) {
  WriterGate gate(1, std::nullopt);
  std::atomic<int> pauses{0};
  {
    std::jthread writer([&] {
      while (gate.pass()) {
        gate.pause(std::chrono::hours(1));
        ++pauses;
      }
      gate.leave();
    });
    gate.resume();
    while (pauses < 3) {  // each hold ends one pause, or comes before it
      gate.hold(Deadline::after(std::chrono::seconds(30)), {});
      gate.resume();
    }
    gate.close();
  }
  EXPECT_EQ(gate.inside(), 0U);
}

}  // namespace
}  // namespace harness::workload
