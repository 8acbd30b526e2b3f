// What a verification has found so far; shared by all of its threads.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/verify.hpp"

namespace backup_engine::verify {

class Findings {
 public:
  Findings(base::Progress& progress, std::stop_token stop) : progress_(progress), stop_(std::move(stop)) {}

  void add_damage(const std::string& object, const std::string& text);
  void count_object(std::uint64_t bytes);
  void count_blocks(std::uint64_t blocks);
  void count_wal_segment();
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

  // Runs `check` on `object` and returns whether it found it sound. An Error that says the object is damaged, missing
  // or unreadable becomes a finding; any other (no permission, interrupted) is thrown on.
  bool examine(const std::string& object, const std::function<void()>& check);

  // The first thing found wrong with `object`; empty when nothing is.
  [[nodiscard]] std::string damage_of(const std::string& object) const;
  // Whether anything was found about an object whose name begins with `prefix`.
  [[nodiscard]] bool has_damage_below(const std::string& prefix) const;
  // What was found of an object that nobody needs any more.
  void forget(const std::string& object);
  // Once, at the end: everything found, in order of object. Backups and debris are the caller's.
  [[nodiscard]] VerifyResult take();

 private:
  base::Progress& progress_;
  std::stop_token stop_;
  mutable std::mutex mutex_;
  VerifyResult result_;
};

// The text of an Error about `object`, without the object's name in front.
[[nodiscard]] std::string text_about(const std::string& object, const base::Error& error);

}  // namespace backup_engine::verify
