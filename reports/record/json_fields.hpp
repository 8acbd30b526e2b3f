// Private to reports/record: turns the record's types into JSON and back from one description of their fields,
//   template <class Io> void fields(Io& io, typename Io::template Ref<Mark> mark) { io("name", mark.name); ... }
// so that what is written and what is read cannot drift apart. Writing keeps the order of the description and replaces
// bytes that are not UTF-8; reading throws Error(corrupt) with the path of the field, for example restores[0].rto.met.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "reports/record/verdict.hpp"

namespace reports::record {

using WrittenJson = nlohmann::ordered_json;
using ReadJson = nlohmann::json;  // sorted: its members are found in logarithmic time, also in large catalogs

// Where a value stands, as text only once something is wrong.
class JsonPath {
 public:
  explicit JsonPath(std::string document) : document_(std::move(document)) {}
  JsonPath(const JsonPath& parent, const char* name) : parent_(&parent), name_(name) {}
  JsonPath(const JsonPath& parent, std::size_t index) : parent_(&parent), index_(index) {}

  [[nodiscard]] std::string text() const {
    if (parent_ == nullptr) return document_ + ": ";
    if (name_ == nullptr) return parent_->text() + "[" + std::to_string(index_) + "]";
    return parent_->text() + (parent_->parent_ == nullptr ? "" : ".") + name_;
  }

  [[noreturn]] void fail(const char* what) const {
    throw backup_engine::base::Error(backup_engine::base::ErrorKind::corrupt, text() + " " + what);
  }

 private:
  std::string document_;
  const JsonPath* parent_ = nullptr;
  const char* name_ = nullptr;
  std::size_t index_ = 0;
};

// ---- writing

class JsonWriter {
 public:
  template <class T>
  using Ref = const T&;

  template <class T>
  void operator()(const char* name, const T& value);
  template <class T>
  void later(const char* name, const T& value) {
    (*this)(name, value);
  }

  [[nodiscard]] WrittenJson take() { return std::move(object_); }

 private:
  WrittenJson object_ = WrittenJson::object();
};

// A number that is not finite is not known: null.
inline WrittenJson to_value(double number) {
  return std::isfinite(number) ? WrittenJson(number) : WrittenJson(nullptr);
}
inline WrittenJson to_value(const std::string& text) {
  return text;
}
inline WrittenJson to_value(Verdict verdict) {
  return to_string(verdict);
}
template <std::integral T>
WrittenJson to_value(T number) {
  return number;
}

template <class T>
WrittenJson to_value(const std::optional<T>& value);
template <class T>
WrittenJson to_value(const std::vector<T>& list);
template <class T>
WrittenJson to_value(const std::map<std::string, T>& members);

template <class T>
requires std::is_class_v<T> WrittenJson to_value(const T& record) {
  JsonWriter writer;
  fields(writer, record);
  return writer.take();
}

template <class T>
WrittenJson to_value(const std::optional<T>& value) {
  return value ? to_value(*value) : WrittenJson(nullptr);
}

template <class T>
WrittenJson to_value(const std::vector<T>& list) {
  WrittenJson array = WrittenJson::array();
  array.get_ref<WrittenJson::array_t&>().reserve(list.size());
  for (const auto& item : list) array.push_back(to_value(item));
  return array;
}

template <class T>
WrittenJson to_value(const std::map<std::string, T>& members) {
  // A map's keys differ, so the search that ordered_json makes before each insertion would be for nothing.
  WrittenJson::object_t object;
  WrittenJson::object_t::Container& container = object;
  container.reserve(members.size());
  for (const auto& [name, value] : members) container.emplace_back(name, to_value(value));
  return object;
}

template <class T>
void JsonWriter::operator()(const char* name, const T& value) {
  object_[name] = to_value(value);
}

inline std::string to_text(const WrittenJson& json) {
  return json.dump(2, ' ', false, WrittenJson::error_handler_t::replace) + "\n";
}

// ---- reading

class JsonReader {
 public:
  template <class T>
  using Ref = T&;

  JsonReader(const ReadJson& object, const JsonPath& path) : object_(object), path_(path) {
    if (!object.is_object()) path.fail("must be an object");
  }

  template <class T>
  void operator()(const char* name, T& value);
  // A field that was added to its version later: what was written before it lacks it, and keeps the type's default.
  template <class T>
  void later(const char* name, T& value) {
    if (object_.contains(name)) (*this)(name, value);
  }

 private:
  const ReadJson& object_;
  const JsonPath& path_;
};

inline void from_value(const ReadJson& json, const JsonPath& path, double& number) {
  if (!json.is_number() && !json.is_null()) path.fail("must be a number");
  number = json.is_null() ? 0 : json.get<double>();
}

inline void from_value(const ReadJson& json, const JsonPath& path, std::string& text) {
  if (!json.is_string()) path.fail("must be a text");
  text = json.get_ref<const std::string&>();
}

inline void from_value(const ReadJson& json, const JsonPath& path, bool& flag) {
  if (!json.is_boolean()) path.fail("must be true or false");
  flag = json.get<bool>();
}

inline void from_value(const ReadJson& json, const JsonPath& path, Verdict& verdict) {
  const auto parsed = json.is_string() ? parse_verdict(json.get_ref<const std::string&>()) : std::nullopt;
  if (!parsed) path.fail("must be pass, fail or unknown");
  verdict = *parsed;
}

template <std::integral T>
void from_value(const ReadJson& json, const JsonPath& path, T& number) {
  if (!json.is_number_integer()) path.fail("must be a whole number");
  const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                              : std::in_range<T>(json.get<std::int64_t>());
  if (!fits) path.fail("is out of range");
  number = json.get<T>();
}

template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::optional<T>& value);
template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::vector<T>& list);
template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::map<std::string, T>& members);

template <class T>
requires std::is_class_v<T>
void from_value(const ReadJson& json, const JsonPath& path, T& record) {
  JsonReader reader(json, path);
  fields(reader, record);
}

template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::optional<T>& value) {
  if (json.is_null()) {
    value.reset();
    return;
  }
  T read{};
  from_value(json, path, read);
  value = std::move(read);
}

template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::vector<T>& list) {
  if (!json.is_array()) path.fail("must be a list");
  list.clear();
  list.reserve(json.size());
  for (const auto& item : json) {
    const JsonPath place(path, list.size());
    from_value(item, place, list.emplace_back());
  }
}

template <class T>
void from_value(const ReadJson& json, const JsonPath& path, std::map<std::string, T>& members) {
  if (!json.is_object()) path.fail("must be an object");
  members.clear();
  for (const auto& [name, value] : json.items()) from_value(value, JsonPath(path, name.c_str()), members[name]);
}

template <class T>
void JsonReader::operator()(const char* name, T& value) {
  const JsonPath path(path_, name);
  const auto found = object_.find(name);
  if (found == object_.end()) path.fail("is missing");
  from_value(*found, path, value);
}

// Error(corrupt) naming the document and the byte at which it stops being JSON.
inline ReadJson parse_json(const std::string& text, const std::string& document) {
  try {
    return ReadJson::parse(text);
  } catch (const ReadJson::parse_error& error) {
    throw backup_engine::base::Error(backup_engine::base::ErrorKind::corrupt,
                                     document + ": not JSON, byte " + std::to_string(error.byte));
  }
}

}  // namespace reports::record
