#!/usr/bin/env bash
# drill.sh [options of "lifeboat run"]: from a fresh clone to proven recovery. Installs what is missing (setup.sh),
# builds the release preset where that is needed, and runs the smoke scenarios. The program prints the result table and
# the path of the index page; its exit code is this one's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./setup.sh
build=build/release
[ -f "$build/build.ninja" ] || { echo "drill.sh: configuring the release build"; cmake --preset release >/dev/null; }
if [[ "$(ninja -C "$build" -n)" != *"no work to do"* ]]; then
  echo "drill.sh: building Lifeboat"
  cmake --build --preset release >&2
fi

out=(--out ./drills)
for argument in "$@"; do
  case "$argument" in --out | --out=*) out=() ;; esac
done
exec "$build/lifeboat" run scenarios/smoke "${out[@]}" "$@"
