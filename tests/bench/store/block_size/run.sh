#!/usr/bin/env bash
# run.sh [--rounds N] [--megabytes N] [--rows realistic|incompressible]: bytes and CPU seconds of each block size and codec,
# for a full backup, an idle, an updated and an appended incremental, over one cluster's rows. docs/adr/0006-small-blocks-in-bundles.md holds
# what it printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../../.."
rounds=2
if [ "${1:-}" = --rounds ]; then rounds=$2; shift 2; fi
if [ ! -f build/bench/build.ninja ]; then cmake --preset bench >&2; fi
cmake --build --preset bench --target block_size >&2
work=$(mktemp -d /var/tmp/lifeboat-block-size.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mapfile -t states < <(tests/bench/store/block_size/states "$work/states" "$@")
[ "${#states[@]}" -gt 0 ]
build/bench/tests/bench/store/block_size/block_size "$work" "$rounds" "${states[@]}"
