// A PostgreSQL version as server_version_num gives it (150018 is 15.18), and the majors that Lifeboat knows.
#pragma once

#include <compare>
#include <string>

namespace backup_engine::postgres {

class Version {
 public:
  constexpr Version() = default;
  constexpr explicit Version(int number) : number_(number) {}
  [[nodiscard]] constexpr int number() const { return number_; }
  [[nodiscard]] constexpr int major() const { return number_ / 10000; }
  [[nodiscard]] constexpr int minor() const { return number_ % 10000; }
  constexpr auto operator<=>(const Version&) const = default;

 private:
  int number_ = 0;
};

constexpr int oldest_supported_major = 15;
constexpr int newest_supported_major = 18;
[[nodiscard]] constexpr bool supported(int major) {
  return major >= oldest_supported_major && major <= newest_supported_major;
}
[[nodiscard]] inline std::string to_string(Version version) {
  return std::to_string(version.major()) + "." + std::to_string(version.minor());
}

}  // namespace backup_engine::postgres
