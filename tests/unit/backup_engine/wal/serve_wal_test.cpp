// WAL through a socket: the same answers as from the repository, for one user, and every failure is one for PostgreSQL.
#include "backup_engine/serve_wal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/served_answer.hpp"
#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr TimelineId one{1};
constexpr auto third = "000000010000000000000003", fourth = "000000010000000000000004";
constexpr auto fifth = "000000010000000000000005";

sockaddr_un address_of(const fs::path& socket) {
  return socket_address(socket);
}

base::UniqueFd new_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// What the other side says until it hangs up.
std::string all_from(const base::UniqueFd& connection) {
  std::string text;
  char piece[4096];
  for (ssize_t got = 0; (got = ::recv(connection.get(), piece, sizeof piece, 0)) > 0;) {
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

class ServedArchive : public testing::Test {
 protected:
  void serve(uid_t asker = ::geteuid(), unsigned prefetch = 8) {
    server_ = std::make_unique<WalServer>(
        WalServeRequest{repository_.location(), TemporaryArchive::cluster, socket(), asker, prefetch});
  }
  void put_segment(std::uint64_t number, TimelineId timeline = one) {
    repository_.archive().put_segment({timeline, number}, bytes_of(number));
  }
  static std::vector<std::byte> bytes_of(std::uint64_t number) {
    return wal_bytes(Lsn(number * megabyte), Lsn((number + 1) * megabyte));
  }

  [[nodiscard]] WalFetchOutcome fetch(const std::string& name) const {
    WalFetchRequest request;
    request.file_name = name;
    request.to = repository_.target();
    request.socket = socket();
    return fetch_wal(request);
  }
  // And no file stays behind.
  std::string complaint(const std::string& name) const {
    std::string message = "no complaint";
    (void)tests::kind_of_failure([&] { (void)fetch(name); }, &message);
    const fs::directory_iterator entries(repository_.target().parent_path());
    EXPECT_EQ(std::count_if(
                  begin(entries), end(entries),
                  [](const auto& entry) { return entry.path().string().find("RECOVERYXLOG") != std::string::npos; }),
              0);
    return message;
  }
  [[nodiscard]] base::UniqueFd connected() const {
    auto connection = new_socket();
    const auto address = address_of(socket());
    EXPECT_EQ(::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return connection;
  }
  [[nodiscard]] std::string answer_to(const std::string& words) const {
    const auto connection = connected();
    EXPECT_EQ(::send(connection.get(), words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
    (void)::shutdown(connection.get(), SHUT_WR);
    return all_from(connection);
  }
  [[nodiscard]] fs::path socket() const { return repository_.target().parent_path() / "socket"; }
  [[nodiscard]] fs::path object_of(const std::string& name) {
    for (const auto& object : repository_.objects()) {
      if (object.find(name) == std::string::npos) continue;
      return fs::path(repository_.location().text) / store::wal_prefix(TemporaryArchive::cluster) / object;
    }
    return {};
  }

  TemporaryArchive repository_;
  std::unique_ptr<WalServer> server_;
};

TEST_F(ServedArchive, GivesWhatAFetchFromTheRepositoryGives) {
  for (std::uint64_t number = 3; number < 16; ++number) put_segment(number);
  repository_.archive().put_part(one, Lsn(16 * megabyte), wal_bytes(Lsn(16 * megabyte), Lsn(16 * megabyte + 5000)));
  repository_.archive().put_history(TimelineId(10), "1\t0/3000148\tno recovery target specified\n");
  serve();
  for (std::uint64_t number = 3; number < 16; ++number) {
    const auto name = file_name({one, number}, repository_.size);
    ASSERT_EQ(fetch(name), WalFetchOutcome::fetched) << name;
    EXPECT_EQ(repository_.fetched(), text_of(bytes_of(number))) << name;
  }
  ASSERT_EQ(fetch("000000010000000000000010"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(),
            text_of(wal_bytes(Lsn(16 * megabyte), Lsn(16 * megabyte + 5000))) + std::string(megabyte - 5000, '\0'));
  ASSERT_EQ(fetch("0000000A.history"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), "1\t0/3000148\tno recovery target specified\n");
}

TEST_F(ServedArchive, SaysWhatIsNotThere) {
  put_segment(3);
  serve();
  for (const auto* const name : {fourth, "00000002.history", "000000010000000000000003.partial"}) {
    EXPECT_EQ(fetch(name), WalFetchOutcome::not_there) << name;
  }
  EXPECT_FALSE(fs::exists(repository_.target()));
  put_segment(4);  // a receiver goes on beside it
  EXPECT_EQ(fetch(fourth), WalFetchOutcome::fetched);
}

TEST_F(ServedArchive, AGapIsAFailureAndNoEndOfWal) {
  put_segment(3);
  put_segment(5);
  serve();
  EXPECT_EQ(fetch(third), WalFetchOutcome::fetched);
  fs::remove(repository_.target());
  EXPECT_THAT(complaint(fourth), HasSubstr("missing from 0/400000 to 0/500000"));
}

TEST_F(ServedArchive, DamageIsAFailureWithTheObjectsNameWhereverItWasRead) {
  put_segment(3);
  put_segment(4);
  const auto damaged = object_of(fourth);
  fs::resize_file(damaged, fs::file_size(damaged) - 1);
  serve();
  EXPECT_THAT(complaint(fourth), HasSubstr("000000010000000000000004.lz4"));
  ASSERT_EQ(fetch(third), WalFetchOutcome::fetched);  // what is read ahead behind it is the damaged one
  fs::remove(repository_.target());
  EXPECT_THAT(complaint(fourth), HasSubstr("000000010000000000000004.lz4"));
}

TEST_F(ServedArchive, ARepositoryThatIsGoneIsAFailure) {
  put_segment(3);
  serve(::geteuid(), 0);
  fs::rename(repository_.location().text, repository_.location().text + "-away");
  EXPECT_THAT(complaint(third), HasSubstr(repository_.location().text));
}

TEST_F(ServedArchive, NobodyElseIsAnswered) {
  put_segment(3);
  serve(::geteuid() + 1);
  EXPECT_THAT(complaint(third), HasSubstr("is not served WAL here"));
}

TEST_F(ServedArchive, WhatIsNoRequestIsRefusedAndTheNextOneAnswered) {
  put_segment(3);
  serve();
  for (const auto& words : {std::string("GET / HTTP/1.1\n"), std::string("lifeboat-wal 1 \n"),
                            std::string("lifeboat-wal 2 000000010000000000000003\n"), std::string(5000, 'x')}) {
    EXPECT_THAT(answer_to(words), StartsWith("f")) << words;
  }
  EXPECT_THAT(answer_to("lifeboat-wal 1 ../../etc/passwd\n"), StartsWith("f"));
  EXPECT_EQ(answer_to("lifeboat-wal 1 00000001000"), "") << "it hung up before it had asked";
  EXPECT_EQ(fetch(third), WalFetchOutcome::fetched);
}

TEST_F(ServedArchive, WhoHangsUpInTheMiddleHarmsNobody) {
  put_segment(3);
  serve();
  for (int i = 0; i < 3; ++i) {
    const auto connection = connected();
    const auto words = request_for(third);
    ASSERT_EQ(::send(connection.get(), words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
    char first = 0;
    ASSERT_EQ(::recv(connection.get(), &first, 1, 0), 1);
  }
  EXPECT_EQ(fetch(third), WalFetchOutcome::fetched);
}

TEST_F(ServedArchive, AServerThatEndsTakesItsSocketAlongAndWaitsForNobody) {
  put_segment(3);
  serve();
  const auto silent = connected();
  server_.reset();
  EXPECT_EQ(all_from(silent), "");
  EXPECT_FALSE(fs::exists(socket()));
  EXPECT_THAT(complaint(third), HasSubstr("reach the Lifeboat that serves WAL"));
}

TEST_F(ServedArchive, RefusesARepositoryThatIsNoneAndASocketThatCannotBe) {
  const auto made = [&](const RepositoryLocation& location, const std::string& cluster, const fs::path& at) {
    return tests::kind_of_failure([&] { const WalServer server({location, cluster, at, ::geteuid()}); });
  };
  EXPECT_EQ(made({"/nowhere/at/all"}, "main", socket()), ErrorKind::not_found);
  EXPECT_EQ(made(repository_.location(), "other", socket()), ErrorKind::not_found);
  EXPECT_EQ(made(repository_.location(), "main", "/tmp/" + std::string(200, 'x')), ErrorKind::usage);
  EXPECT_FALSE(fs::exists(socket()));
}

// A server that says something else than it should.
class BrokenAnswer : public ServedArchive {
 protected:
  std::string complaint_about(const std::string& answer) {
    const auto listener = new_socket();
    const auto address = address_of(socket());
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    std::jthread server([&] {
      const base::UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
      char request[most_request_bytes];
      EXPECT_GT(::recv(connection.get(), request, sizeof request, 0), 0);
      EXPECT_EQ(::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
    });
    auto message = complaint(third);
    server.join();
    fs::remove(socket());
    return message;
  }
  static std::string frame(FrameKind kind, std::uint32_t length, const std::string& bytes) {
    const auto head = encode({kind, length});
    return std::string(reinterpret_cast<const char*>(head.data()), head.size()) + bytes;
  }
};

TEST_F(BrokenAnswer, IsAFailureWhereverItBreaksOff) {
  const auto whole = frame(FrameKind::bytes, 4, "wal!");
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    EXPECT_THAT(complaint_about(whole.substr(0, length)), HasSubstr("broke its answer off")) << length;
  }
}

TEST_F(BrokenAnswer, IsAFailureWhenItContradictsItselfOrIsNone) {
  EXPECT_THAT(complaint_about(frame(FrameKind::bytes, 4, "wal!") + frame(FrameKind::not_there, 0, "")),
              HasSubstr("has given a part"));
  EXPECT_THAT(complaint_about("HTTP/1.1 200 OK\r\n"), HasSubstr("an answer that is none"));
  EXPECT_THAT(complaint_about(frame(FrameKind::bytes, most_frame_bytes + 1, "")), HasSubstr("an answer that is none"));
  EXPECT_THAT(complaint_about(frame(FrameKind::not_there, 1, "x")), HasSubstr("an answer that is none"));
}

TEST_F(BrokenAnswer, IsAFailureWhenBytesCameBeforeTheReason) {
  EXPECT_EQ(complaint_about(frame(FrameKind::bytes, 4, "wal!") + frame(FrameKind::failed, 10, "disk\nlook.")), "disk");
}

}  // namespace
}  // namespace backup_engine::wal
