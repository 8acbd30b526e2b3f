// How long work says how far it is. Implementations are thread-safe; calls are cheap and never throw.
#pragma once

#include <cstdint>
#include <string_view>

namespace backup_engine::base {

class Progress {
 public:
  virtual ~Progress() = default;
  // A new phase begins; total_bytes is 0 when it is not known.
  virtual void begin(std::string_view phase, std::uint64_t total_bytes) = 0;
  virtual void advance(std::uint64_t bytes) = 0;
  virtual void end() = 0;
};

// For callers that show nothing.
class NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
};

}  // namespace backup_engine::base
