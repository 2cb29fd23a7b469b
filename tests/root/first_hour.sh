#!/usr/bin/env bash
# A newcomer's first hour, on a Debian that has nothing but its smallest self:
#   tests/root/first_hour.sh [SUITE]      bookworm (the default) or trixie
# Makes an empty root, copies the files of git into it and runs scripts/run there; pastes every line that
# it prints, as it stands; takes its port, its terminal and its Ctrl-C from it; makes the packages, pastes
# the lines that say how to install them; and installs them in a second empty root
# (packages_in_root.sh). Prints what each step took. Needs root, debootstrap and a package mirror, and
# keeps nothing but the compiler's cache, which the root shares with this machine (CCACHE_DIR).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
suite=${1:-bookworm}
patience=3600  # seconds for the slowest step, a build from nothing beside other work

# In namespaces of its own, what is mounted and started here goes with the last process of it.
if [ "${FIRST_HOUR-}" != apart ]; then
  FIRST_HOUR=apart exec unshare --mount --pid --fork --kill-child --mount-proc -- "$0" "$suite"
fi

base=$(mktemp -d)
trap 'umount -Rl "$base"/*/proc "$base"/*/dev "$base"/*/root/.cache/ccache 2>/dev/null || true
  rm -rf --one-file-system "$base"' EXIT
root=$base/root
said=$base/said
: >"$said"

fail() {
  echo "FAILED: $*" >&2
  sed 's/^/  | /' "$said" >&2
  exit 1
}
ok() { echo "ok: $*"; }
timed() { # WHAT COMMAND …
  local what=$1 began=$SECONDS
  shift
  "$@"
  printf '%5d s  %s\n' $((SECONDS - began)) "$what"
}

# Where this machine has its packages from, for the same or another release.
make_root() { # FOLDER
  local mirror security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Component: main' | sort -u)
  security=$(grep -e security <<<"$mirror") || true
  mirror=$(grep -v -e security <<<"$mirror") || fail "apt-get knows no mirror here: run apt-get update"
  mirror=${mirror%%$'\n'*}
  debootstrap --variant=minbase --keyring="$keyring" "$suite" "$1" "$mirror" >"$said" 2>&1 ||
    fail "debootstrap $suite"
  {
    echo "deb $mirror $suite main"
    echo "deb $mirror $suite-updates main"
    [ -z "$security" ] || echo "deb ${security%%$'\n'*} $suite-security main"
  } >"$1/etc/apt/sources.list"
  # How this machine speaks to its mirror holds for the root, too.
  cp -n /etc/apt/apt.conf.d/[0-9]* "$1/etc/apt/apt.conf.d/" 2>/dev/null || true
  cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}
mount_in() { # ROOT
  mount --make-rprivate /
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  local cache=${CCACHE_DIR:-$HOME/.cache/ccache}
  mkdir -p "$cache" "$1/root/.cache/ccache"
  mount --bind "$cache" "$1/root/.cache/ccache"
}
# COMMAND … in the root, with what a login has in its environment. CI: the flags of the cache's objects.
inside() {
  env --default-signal -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    TERM=dumb LC_ALL=C.UTF-8 CI="${CI-}" chroot "$root" "$@"
}
in_tree() { inside timeout --foreground "$patience" bash -c "cd /root/rouse && $1"; }

wait_for_banner() { # FILE PID
  local deadline=$((SECONDS + patience))
  until grep -q 'free the memory' "$1"; do
    kill -0 "$2" 2>/dev/null || { cp "$1" "$said"; fail "scripts/run ended before it served"; }
    [ $SECONDS -lt $deadline ] || { cp "$1" "$said"; fail "scripts/run did not serve in $patience s"; }
    sleep 0.2
  done
}
programs() { # the pids of ours
  local exe
  for exe in /proc/[0-9]*/exe; do
    case "$(readlink "$exe" 2>/dev/null || true)" in
      */build/release/rouse | */build/release/fake_engine)
        exe=${exe#/proc/}
        echo "${exe%/exe}"
        ;;
    esac
  done
}
wait_for_nobody() { # WHAT
  local deadline=$((SECONDS + 60)) left=some
  while [ -n "$left" ]; do
    left=$(programs)
    [ $SECONDS -lt $deadline ] || fail "$1: still there: $left"
    sleep 0.2
  done
  ok "$1"
}

paste_line() { # LINE: as a newcomer does, in another terminal
  inside timeout 120 bash -c "$1" >"$said" 2>&1 </dev/null || fail "exit status $? of: $1"
  case "$1" in
    *'"stream":true'*) grep -q '^data: \[DONE\]' "$said" ;;
    *chat/completions*) grep -q '"choices"' "$said" ;;
    *v1/embeddings*) grep -q '"embedding"' "$said" ;;
    *v1/models) grep -q '"id": *"medium"' "$said" ;;
    *' status '*) grep -q 'medium' "$said" ;;
    *' explain '*) grep -q 'medium' "$said" ;;
    *models/unload) : ;;
    *) fail "nobody knows what this line should answer: $1" ;;
  esac || fail "this is not the answer to: $1"
  ok "$1"
}

run_demo() { # FILE [ENVIRONMENT]: from the command to the banner, in the background; sets demo
  : >"$1"
  setsid env --default-signal bash -c "$(declare -f inside in_tree); root='$root' patience=$patience
    in_tree '${2-} exec scripts/run'" >"$1" 2>&1 </dev/null &
  demo=$!
  wait_for_banner "$1" "$demo"
}

# The README's two commands: the first is run here, the second is what CI runs before this.
first_command() {
  python3 "$top/tests/documents/texts.py" README.md "Start" | sed 's/ *#.*//' >"$said"
  [ "$(cat "$said")" = $'scripts/run\nscripts/test' ] || fail "the README begins with other commands"
  run_demo "$base/demo"
}
printed_lines() {
  sed -n '/Things to try/,$ s/^  \([^# ].*\)$/\1/p' "$base/demo"
}
try_what_it_prints() {
  local line lines=0
  while read -r line; do
    paste_line "$line"
    lines=$((lines + 1))
  done < <(printed_lines)
  [ $lines -ge 6 ] || { cp "$base/demo" "$said"; fail "scripts/run printed $lines lines to try"; }
}
try_a_taken_port() {
  local status=0 remedy
  in_tree scripts/run >"$said" 2>&1 </dev/null || status=$?
  [ $status -eq 1 ] || fail "a taken port: exit status $status"
  grep -q 'port 8080 is taken by rouse (pid [0-9]*)' "$said" || fail "it does not say who has the port"
  ! grep -q 'rouse answers' "$said" || fail "the banner stands beside the failure"
  remedy=$(sed -n 's/^  \(PORT=.*\)$/\1/p' "$said")
  [ "$remedy" = 'PORT=9000 scripts/run' ] || fail "it does not say what to do"
  ok "a taken port is told before anything is built"
  # The remedy, on a terminal that is then closed. What is built is not built again.
  : >"$base/second"
  SHELL=/bin/bash setsid script -qefc "$(declare -f inside in_tree); root='$root' patience=$patience
    in_tree 'PORT=9000 exec scripts/run'" "$base/second" >/dev/null 2>&1 </dev/null &
  local terminal=$!
  wait_for_banner "$base/second" "$terminal"
  cp "$base/second" "$said"
  ! grep -q 'Building CXX' "$said" || fail "the second run compiles again"
  ok "$remedy"
  local before
  before=$(programs)
  kill -KILL "$terminal"
  wait "$terminal" 2>/dev/null || true
  local deadline=$((SECONDS + 60))
  until [ "$(programs | wc -l)" -lt "$(wc -l <<<"$before")" ]; do
    [ $SECONDS -lt $deadline ] || fail "it does not end with its terminal: $before"
    sleep 0.2
  done
  ok "it ends with its terminal"
}
end_it() {
  kill -INT -- "-$demo"
  local status=0
  wait "$demo" || status=$?
  cp "$base/demo" "$said"
  [ $status -eq 0 ] || fail "Ctrl-C: exit status $status"
  wait_for_nobody "Ctrl-C ends rouse and its engines"
}
make_packages() {
  in_tree scripts/package >"$said" 2>&1 </dev/null || fail "scripts/package: exit status $?"
}
paste_install_lines() {
  local line lines=0
  sed -n 's/^  \(apt .*\)$/\1/p' "$said" >"$base/install"
  while read -r line; do
    in_tree "echo 'APT::Get::Assume-Yes \"true\";' >/tmp/yes
      export APT_CONFIG=/tmp/yes DEBIAN_FRONTEND=noninteractive
      $line" >"$said" 2>&1 </dev/null || fail "exit status $? of: $line"
    ok "$line"
    lines=$((lines + 1))
  done <"$base/install"
  [ $lines -eq 2 ] || fail "scripts/package printed $lines lines to install by, not 2"
}

timed "an empty Debian ($suite)" make_root "$root"
cp -a "$root" "$base/second_root"
mkdir -p "$root/root/rouse"
(cd "$top" && git ls-files -z | tar --null --files-from=- -c) | tar -x -C "$root/root/rouse"
mount_in "$root"
# What a newcomer types before it, to have the files at all, is not there either: no git, no curl.
timed "scripts/run, from nothing to serving" first_command
sed 's/^/  | /' "$base/demo"
timed "every line that it printed" try_what_it_prints
timed "a taken port, a second terminal" try_a_taken_port
end_it
timed "scripts/package" make_packages
timed "the lines that it printed" paste_install_lines
mkdir -p "$base/debs"
cp "$root"/root/rouse/build/release/*.deb "$base/debs"
timed "both packages in an empty root" "$top/tests/root/packages_in_root.sh" "$base/second_root" "$base/debs"
echo "first hour: $suite passed"
