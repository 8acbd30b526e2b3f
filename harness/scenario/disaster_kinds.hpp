// What each kind of disaster strikes, and what is left when it has struck: the rules of a timeline follow from it
// (docs/disasters.md). Pure.
#pragma once

#include <optional>
#include <string_view>

namespace harness::scenario {

// ends_server: the source is gone, or no longer to be trusted. changes_data: it lives on, and its WAL holds the harm.
// moves_source: another server goes on in its place, with its data, on a timeline of its own.
// The others leave the source as it is: they harm what it could be recovered from.
enum class Effect { ends_server, changes_data, moves_source, harms_repository, stops_archiving, resumes_archiving };

// nullopt: there is no such kind.
[[nodiscard]] std::optional<Effect> effect_of(std::string_view kind);
// It needs the living source.
[[nodiscard]] bool strikes_living_source(std::string_view kind);

}  // namespace harness::scenario
