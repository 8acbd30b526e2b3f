#!/usr/bin/env bash
# setup.sh [--dev]: installs the Debian packages that Lifeboat needs to be built and run, and nothing that is there
# already. --dev adds what tests and checks need. Says what it will install. Changes nothing else, except that it keeps
# Debian from creating and starting a main cluster when PostgreSQL is first installed.
# Exit: 0 everything is there, 3 something is missing and may not be installed from here.
set -euo pipefail

developer=no
for argument in "$@"; do
  case "$argument" in
    --dev) developer=yes ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) echo "setup.sh: unknown option $argument (known: --dev)" >&2; exit 3 ;;
  esac
done

release=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}")
case "$release" in
  "debian 12") boost=libboost1.81-dev postgresql=postgresql-15 ;;
  "debian 13") boost=libboost-dev postgresql=postgresql-17 ;;
  *)
    echo "setup.sh: knows the packages of Debian 12 and 13, not those of ${release}; going on with what is installed" >&2
    exit 0
    ;;
esac

packages=(
  g++ cmake ninja-build pkgconf
  "$boost" libcli11-dev libfmt-dev libkainjow-mustache-dev liblz4-dev libpq-dev libpqxx-dev libssl-dev libxxhash-dev
  libyaml-cpp-dev libzstd-dev nlohmann-json3-dev
)
# Any supported major will do; without one, the distribution's own.
compgen -G '/usr/lib/postgresql/1[5-8]/bin/pg_amcheck' >/dev/null || packages+=("$postgresql")
[ "$developer" = no ] || packages+=(libgtest-dev libgmock-dev libbenchmark-dev clang-format clang-tidy ccache patchelf xfsprogs)

installed="$(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' "${packages[@]}" 2>/dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ "$installed" == *"ii $package "* ]] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

# --no-remove: another version of a library that is in use is never thrown out for ours.
install=(apt-get install -y --no-install-recommends --no-remove "${missing[@]}")
tell_the_line() {
  {
    echo "setup.sh: $1. Have this run by root, then start again:"
    echo "  ${install[*]}"
    if [[ " ${missing[*]} " == *" $postgresql "* ]]; then
      echo "  (Debian then also creates and starts a cluster \"main\"; root running ./setup.sh instead prevents that.)"
    fi
  } >&2
  exit 3
}

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || tell_the_line "packages are missing, and this user is not root and has no sudo"
  as_root=(sudo)
  [ -t 0 ] || as_root=(sudo -n)
  "${as_root[@]}" true 2>/dev/null || tell_the_line "packages are missing, and sudo refuses this user"
fi

echo "setup.sh: installing ${missing[*]}"
run_as_root() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@"; }

# An administrator's own answer stands: the file is written only where there is none and Debian has not put its own.
settings=/etc/postgresql-common/createcluster.conf
if [[ " ${missing[*]} " == *" postgresql-"* && ! -e "$settings" ]] &&
   ! dpkg-query -W -f '${db:Status-Abbrev}' postgresql-common 2>/dev/null | grep -q '^ii'; then
  echo "setup.sh: writing $settings, so that no main cluster is created"
  run_as_root mkdir -p "${settings%/*}"
  printf '%s\n' '# Written by setup.sh of Lifeboat: its servers are its own, no main cluster is wanted.' \
    'create_main_cluster = false' | run_as_root tee "$settings" >/dev/null
fi

# The lists of a fresh machine are empty, and old ones name packages that are gone.
apt-cache show "${missing[@]}" >/dev/null 2>&1 || run_as_root apt-get -q update
if ! run_as_root "${install[@]}" -q; then
  run_as_root apt-get -q update
  run_as_root "${install[@]}" -q || tell_the_line "apt-get could not install the packages (its reason stands above)"
fi
