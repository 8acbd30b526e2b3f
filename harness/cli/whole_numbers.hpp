// Options that are numbers: CLI11 takes -1 for 2^64-1, a number that is too large for the largest there is, and 010
// for 8.
#pragma once

#include <CLI/App.hpp>

namespace harness::cli {

// Of every option that is added by now, the subcommands' too: what is no whole number in decimal digits, or too large
// for 64 bits, is an error of the command line. An option is a number when its type is called UINT, as CLI11 does, or
// N.
void require_whole_numbers(CLI::App& app);

}  // namespace harness::cli
