#!/usr/bin/env bash
# peers.sh [OPTIONS]: Lifeboat beside pgBackRest, Barman, pg_basebackup and cp -r on one cluster, alternating, with the
# medians and the ratios printed as Markdown tables. Installs the two peers from Debian when they are missing. See
# peers.sh --help; docs/benchmarks.md holds what it printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=()
for package in pgbackrest barman; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "peers.sh: installing ${missing[*]}" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi
if [ ! -f build/bench/build.ninja ]; then cmake --preset bench >&2; fi
cmake --build --preset bench --target lifeboat peer_floor >&2
exec python3 tests/bench/peers/compare.py --lifeboat build/bench/lifeboat \
  --floor build/bench/tests/bench/peers/peer_floor "$@"
