#!/usr/bin/env bash
# content.sh [OPTIONS]: the content digests beside pg_dump | sha256sum and pg_amcheck --heapallindexed on one database,
# alternating, with the medians and the ratios printed as Markdown tables. See content.sh --help; docs/benchmarks.md
# holds what it printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ ! -f build/bench/build.ninja ]; then cmake --preset bench >&2; fi
cmake --build --preset bench --target content_digests >&2
exec python3 tests/bench/content/compare.py --program build/bench/tests/bench/content/content_digests "$@"
