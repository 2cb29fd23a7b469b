#!/bin/sh
# Installs the packages in a Debian root that has neither, and holds them to what the README says:
#   tests/root/packages_in_root.sh ROOT DEBS
# ROOT is a folder with a Debian that can install packages (debootstrap --variant=minbase), DEBS the
# folder with rouse_*.deb and rouse-suspendd_*.deb, made for that release. Needs root, and python3 here.
# What it installs is purged at the end, but for the libraries that the packages need.
# rouse in a container, each package alone, then both by the README's own lines: each has to bring what it needs. Prints a line for each thing that is
# as it should be, and ends at the first that is not, with exit status 1.
#
# No pipes into programs that may leave early: what a command says goes to a file, and is read there.
set -eu

usage="usage: tests/root/packages_in_root.sh ROOT DEBS"
[ $# -eq 2 ] || { echo "$usage" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
root=$(cd "$1" && pwd)
debs=$(cd "$2" && pwd)

# In a mount namespace of its own, what is mounted in the root goes with the last process of it; in one
# of processes, so does everything that was started.
if [ "${PACKAGES_IN_ROOT-}" != apart ]; then
  PACKAGES_IN_ROOT=apart
  export PACKAGES_IN_ROOT
  exec unshare --mount --pid --fork --kill-child -- "$0" "$root" "$debs"
fi

work=$root/tmp/packages
said=$work/said

fail() {
  echo "FAILED: $*" >&2
  [ ! -s "$said" ] || sed 's/^/  | /' "$said" >&2
  exit 1
}
ok() { echo "ok: $*"; }

# COMMAND… in the root, with an end. Only what a user's shell has in its environment.
inside() {
  timeout --kill-after=10 300 env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LC_ALL=C.UTF-8 HOME=/root TERM=dumb chroot "$root" "$@" >"$said" 2>&1 </dev/null
}
# TEXT COMMAND…
must() {
  text=$1
  shift
  status=0
  inside "$@" || status=$?
  [ $status -eq 0 ] || fail "$text: exit status $status of: $*"
  ok "$text"
}
must_say() { # PATTERN: in what the last command said
  grep -q -e "$1" "$said" || fail "nothing said: $1"
}
must_not_say() {
  ! grep -q -e "$1" "$said" || fail "said: $1"
}
apt() { inside env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

# Everything with our name in it, that is not the kernel's nor a record of what was installed when.
traces() {
  find "$root" "$root/run" -xdev \( -path "$root/proc" -o -path "$root/sys" -o -path "$work" -o -path "$root/var/log" \
    -o -path "$root/var/cache/apt" -o -path "$root/var/lib/apt" \) -prune -o -name '*rouse*' -print
}

setup() {
  for name in rouse rouse-suspendd; do
    set -- "$debs/${name}"_*.deb
    { [ $# -eq 1 ] && [ -f "$1" ]; } || { echo "there is not one $name package in $debs: $*" >&2; exit 1; }
  done
  rm -rf "$work"
  mkdir -p "$work"
  : >"$said"
  cp "$debs"/rouse_*.deb "$work/rouse.deb"
  cp "$debs"/rouse-suspendd_*.deb "$work/rouse-suspendd.deb"
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  # /run as at a start, so that what was left there by an older run is not met.
  mount -t tmpfs tmpfs "$root/run"
  [ -c "$root/dev/null" ] || fail "there is no /dev/null in $root"
  left=$(traces)
  [ -z "$left" ] || fail "the root has met rouse before: $left"
  apt update -qq || fail "apt-get update: exit status $?"
}

install() { # PACKAGE
  # Recommended packages would hide a dependency that is missing.
  apt install -y -qq --no-install-recommends "/tmp/packages/$1.deb" ||
    fail "apt-get install $1: exit status $?"
  is_installed "$1"
}

# As the image is made: without systemd, by the lines of the Containerfile as they stand.
install_in_container() {
  cp "$debs"/rouse_*.deb "$root/tmp"
  sed -n '/^RUN/,/[^\\]$/p' "$top/deploy/kubernetes/Containerfile" | sed 's/^RUN //' >"$work/container"
  must "the Containerfile installs rouse" env DEBIAN_FRONTEND=noninteractive sh /tmp/packages/container
  [ ! -e "$root/usr/bin/systemctl" ] || fail "the container has systemd"
  must "every library of rouse is there" ldd /usr/bin/rouse
  must_not_say 'not found'
  must "rouse version in a container" setpriv --reuid=65532 --regid=65532 --clear-groups rouse version
  purge rouse
  # The whole systemd takes their place.
  apt purge -y -qq systemd-standalone-sysusers systemd-standalone-tmpfiles || fail "apt-get purge: exit status $?"
  apt update -qq || fail "apt-get update: exit status $?"
}

# As a person does who has made them in the tree, as root, and says yes.
install_as_documented() {
  mkdir -p "$work/tree/build/release"
  cp "$debs"/rouse_*.deb "$debs"/rouse-suspendd_*.deb "$work/tree/build/release"
  python3 "$top/tests/documents/texts.py" README.md "Install as a service" >"$work/block"
  grep 'apt install' "$work/block" >"$work/lines" || fail "the README installs no package"
  printf '#!/bin/sh\nexec "$@"\n' >"$work/sudo"
  chmod +x "$work/sudo"
  lines=0
  while read -r line; do
    lines=$((lines + 1))
    must "$line" sh -c "cd /tmp/packages/tree; PATH=/tmp/packages:\$PATH; export PATH
      DEBIAN_FRONTEND=noninteractive APT_CONFIG=/tmp/packages/yes; export DEBIAN_FRONTEND APT_CONFIG
      echo 'APT::Get::Assume-Yes \"true\";' >/tmp/packages/yes
      $line"
  done <"$work/lines"
  [ $lines -eq 2 ] || fail "the README installs $lines packages, not 2"
  is_installed rouse rouse-suspendd
}

is_installed() { # PACKAGE…
  must_not_say 'dpkg: warning.*rouse'
  for name in "$@"; do
    must "$name is installed" dpkg-query -W -f '${Status} ${Version}\n' "$name"
    must_say '^install ok installed '
    must "every library of $name is there" ldd "/usr/bin/$name"
    must_not_say 'not found'
    must "$name version" "$name" version
    must_say '[0-9]\.[0-9]'
    must "$name is enabled" systemctl is-enabled "$name.service"
  done
}

check_units() {
  must "systemd-analyze is here" systemd-analyze --version
  for unit in "$root"/usr/lib/systemd/system/rouse*.service; do
    unit=${unit##*/}
    # The manual pages are looked for with man, which the smallest Debian has not.
    must "systemd-analyze verify $unit" systemd-analyze verify --man=no "$unit"
    # Units of others may be reported as well, once one of ours names them.
    must_not_say rouse
  done
}

# They may hold keys and tokens.
is_private() { # GROUP FILE…
  group=$1
  shift
  for file in "$@"; do
    must "$file is for root and the service only" stat -c '%a %U %G' "$file"
    must_say "^640 root $group\$"
  done
}

check_rouse() {
  must "rouse check /etc/rouse/config.yaml" rouse check /etc/rouse/config.yaml
  must "the service's user may read it" setpriv --reuid=rouse --regid=rouse --init-groups \
    rouse check /etc/rouse/config.yaml
  is_private rouse /etc/rouse/config.yaml /etc/default/rouse
  must "the schema that is installed is the program's" \
    sh -c 'rouse schema >/tmp/packages/schema && cmp /tmp/packages/schema /usr/share/rouse/config.schema.json'
  serve
}

# As its unit starts it, but on a port that is free, and until it has answered.
serve() {
  cat >"$work/serve" <<'EOT'
rm -f /tmp/packages/log  # of the last time: it would be read before the shell below has emptied it
setpriv --reuid=rouse --regid=rouse --init-groups env HOME=/var/lib/rouse \
  rouse serve --config /etc/rouse/config.yaml --listen 127.0.0.1:0 2>/tmp/packages/log &
pid=$!
tries=0
until grep -qs "listening on http" /tmp/packages/log; do
  tries=$((tries + 1))
  if [ $tries -ge 200 ] || ! kill -0 $pid; then cat /tmp/packages/log; exit 101; fi
  sleep 0.1
done
url=$(sed -n 's|.*listening on \(http://[^ ]*\).*|\1|p' /tmp/packages/log)
rouse status --url "$url" || exit 102
kill -TERM $pid
status=0
wait $pid || status=$?
cat /tmp/packages/log
exit $status
EOT
  must "rouse serves as its user, answers rouse status, and ends at SIGTERM" sh /tmp/packages/serve
}

# Here is no bus and no kernel of its own, so it says that the machine would not sleep: in its words.
check_suspendd() {
  status=0
  inside rouse-suspendd check || status=$?
  [ $status -eq 2 ] || fail "rouse-suspendd check: exit status $status"
  must_say 'would keep it from sleeping'
  must_not_say 'suspendd.yaml:'
  must_say 'daemon.s user rouse-suspendd may suspend, by /usr/share/polkit-1/rules.d'
  ok "rouse-suspendd check says what would keep this machine awake"
  must "the daemon's user may read its file" setpriv --reuid=rouse-suspendd --regid=rouse-suspendd \
    --init-groups cat /etc/rouse/suspendd.yaml
  is_private rouse-suspendd /etc/rouse/suspendd.yaml /etc/default/rouse-suspendd
  must "the schema that is installed is the daemon's" sh -c \
    'rouse-suspendd schema >/tmp/packages/schema && cmp /tmp/packages/schema /usr/share/rouse/suspendd.schema.json'
}

# What an operator has changed stays over another installation, and over a removal.
keep() { # FILE PACKAGE
  echo "# mine" >>"$root$1"
  apt install -y -qq --reinstall --no-install-recommends "/tmp/packages/$2.deb" ||
    fail "apt-get install --reinstall $2: exit status $?"
  grep -q '^# mine$' "$root$1" || fail "installing $2 again has replaced $1"
  apt remove -y -qq "$2" || fail "apt-get remove $2: exit status $?"
  grep -q '^# mine$' "$root$1" || fail "removing $2 has removed $1"
  ok "$1 is the operator's"
}

purge() { # PACKAGE…
  apt purge -y -qq "$@" || fail "apt-get purge $*: exit status $?"
  must_not_say 'dpkg: warning'
  left=$(traces)
  [ -z "$left" ] || fail "purging $* leaves: $left"
  ok "purging $* leaves nothing"
}

setup
install_in_container
install rouse
check_units
check_rouse
keep /etc/rouse/config.yaml rouse
purge rouse
install rouse-suspendd
check_units
check_suspendd
keep /etc/rouse/suspendd.yaml rouse-suspendd
purge rouse-suspendd
install_as_documented
check_units
check_rouse
check_suspendd
purge rouse rouse-suspendd
rm -rf "$work"
echo "packages_in_root: all as it should be"
