#include "backup_engine/store/wrapped_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/store/cipher.hpp"
#include "backup_engine/store/json_document.hpp"
#include "backup_engine/store/key_file.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr auto keys_format = "lifeboat-keys";
constexpr std::string_view wrapping_label = "lifeboat wrapped keys 1";
constexpr std::size_t record_bytes = 16 + 8 + key_bytes;  // id, microseconds since 1970, key
constexpr std::size_t salt_bytes = 32;

// The members that anyone can read; all of them are authenticated.
struct Heading {
  std::string object, repository_id, created_at, key_file_id;
  std::array<std::byte, salt_bytes> salt{};

  [[nodiscard]] std::string associated() const {
    return fmt::format("{}\n{}\n{}\n{}\n", object, repository_id, created_at, key_file_id);
  }
};

// Used once, because the salt is: so the nonce may be zero.
SecretBytes wrapping_key(const SecretBytes& key, const Heading& heading) {
  SecretBytes derived(key_bytes);
  hkdf_sha256(key.bytes(), heading.salt, std::as_bytes(std::span(wrapping_label)), derived.bytes());
  return derived;
}

SecretBytes encode(const Keyring& keys) {
  SecretBytes clear(keys.all().size() * record_bytes);
  auto* record = clear.bytes().data();
  for (const auto& key : keys.all()) {
    std::copy(key->id().begin(), key->id().end(), record);
    put_little_endian(record + 16, static_cast<std::uint64_t>(key->created_at().time_since_epoch().count()));
    std::copy(key->key().begin(), key->key().end(), record + 24);
    record += record_bytes;
  }
  return clear;
}

std::shared_ptr<const Keyring> decode(const SecretBytes& clear) {
  std::vector<std::shared_ptr<const DataKey>> keys;
  for (std::size_t at = 0; at < clear.bytes().size(); at += record_bytes) {
    const auto record = clear.bytes().subspan(at, record_bytes);
    KeyId id;
    std::copy_n(record.begin(), id.size(), id.begin());
    const std::chrono::microseconds created(
        static_cast<std::int64_t>(get_little_endian<std::uint64_t>(record.data() + 16)));
    SecretBytes key(key_bytes);
    std::copy_n(record.begin() + 24, key_bytes, key.bytes().begin());
    keys.push_back(std::make_shared<const DataKey>(id, base::UtcTime(created), std::move(key)));
  }
  return std::make_shared<const Keyring>(std::move(keys));
}

struct Wrapped {
  Heading heading;
  std::vector<std::byte> sealed;  // the tag at its end
};

Wrapped read_wrapped(Storage& storage, const std::string& object, const std::string& repository_id) {
  return read_document(storage.read_text(object), object, keys_format, [&](const Json& document) {
    Wrapped wrapped;
    wrapped.heading = {object,
                       repository_id,
                       document.at("created_at").get<std::string>(),
                       document.at("key_file_id").get<std::string>(),
                       {}};
    const auto sealed = document.at("sealed").get<std::string>();
    wrapped.sealed.resize(sealed.size() / 2);
    const bool shaped = wrapped.sealed.size() >= record_bytes + tag_bytes &&
                        (wrapped.sealed.size() - tag_bytes) % record_bytes == 0 &&
                        base::from_hex(sealed, wrapped.sealed) &&
                        base::from_hex(document.at("salt").get<std::string>(), wrapped.heading.salt);
    if (!shaped) throw Error(ErrorKind::corrupt, fmt::format("{}: its keys are cut off", object));
    return wrapped;
  });
}

// Newest last. Empty where another process has just removed what was listed: look again.
std::optional<OpenedKeys> open_newest(Storage& storage, const std::string& repository_id, const SecretBytes& key,
                                      const std::filesystem::path& key_file) {
  const auto objects = list_wrapped_keys(storage);
  if (objects.empty()) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: missing: the repository is encrypted and holds no keys", wrapped_keys_name(1)))
        .with_remedy("nothing in it can be read without them; put back the objects below keys/ from a copy");
  }
  const auto& object = objects.back();
  Wrapped wrapped;
  try {
    wrapped = read_wrapped(storage, object, repository_id);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return std::nullopt;
    throw;
  }
  if (const auto id = key_file_id(key); id != wrapped.heading.key_file_id) {
    throw base::Refusal(
        refusal::key_wrong,
        Error(ErrorKind::mismatch, fmt::format("{} holds another key than the one that opens {}: {}, not {}",
                                               key_file.string(), storage.location(), id, wrapped.heading.key_file_id))
            .with_remedy("name the key file that the repository was made with, or last given by repo rekey"));
  }
  SecretBytes clear(wrapped.sealed.size() - tag_bytes);
  Tag tag;
  std::copy_n(wrapped.sealed.end() - tag_bytes, tag_bytes, tag.begin());
  const auto associated = wrapped.heading.associated();
  if (!gcm_open(wrapping_key(key, wrapped.heading).bytes(), Nonce{}, {std::as_bytes(std::span(associated))},
                std::span<const std::byte>(wrapped.sealed).first(clear.bytes().size()), tag, clear.bytes())) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: its tag is wrong: damaged, or not what was written here for this repository", object));
  }
  return OpenedKeys{*parse_wrapped_keys_name(object), object, decode(clear)};
}

}  // namespace

std::vector<std::string> list_wrapped_keys(Storage& storage) {
  std::vector<std::string> names;
  for (auto& object : storage.list(keys_prefix())) {
    if (parse_wrapped_keys_name(object.name)) names.push_back(std::move(object.name));
  }
  return names;  // in order of name, and so of number
}

std::string put_wrapped_keys(Storage& storage, const std::string& repository_id, std::uint32_t newest,
                             const Keyring& keys, const SecretBytes& key) {
  Heading heading{
      wrapped_keys_name(newest + 1), repository_id, base::to_rfc3339(base::utc_now()), key_file_id(key), {}};
  fill_random(heading.salt);
  const auto clear = encode(keys);
  std::vector<std::byte> sealed(clear.bytes().size() + tag_bytes);
  const auto associated = heading.associated();
  const auto tag = gcm_seal(wrapping_key(key, heading).bytes(), Nonce{}, {std::as_bytes(std::span(associated))},
                            clear.bytes(), std::span(sealed).first(clear.bytes().size()));
  std::copy(tag.begin(), tag.end(), sealed.end() - tag_bytes);
  auto document = new_document(keys_format);
  document["created_at"] = heading.created_at;
  document["key_file_id"] = heading.key_file_id;
  document["salt"] = base::to_hex(heading.salt);
  document["sealed"] = base::to_hex(sealed);
  storage.put(heading.object, to_sealed_text(document), Durability::now);
  return heading.object;
}

OpenedKeys open_wrapped_keys(Storage& storage, const std::string& repository_id,
                             const std::filesystem::path& key_file) {
  const auto key = read_key_file(key_file);
  constexpr int most_looks = 5;
  for (int look = 0; look < most_looks; ++look) {
    if (auto opened = open_newest(storage, repository_id, key, key_file)) return std::move(*opened);
  }
  throw Error(ErrorKind::io, fmt::format("the keys of {} change while they are read", storage.location()));
}

}  // namespace backup_engine::store
