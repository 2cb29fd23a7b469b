#!/bin/bash
# What the guest with a whole systemd does: one function for each fact, called in order by
# systemd_guest.py, which also wakes the machine. Prints "ok: …" or "FAILED: …" on the console.
# A comment in brackets: where in the failure modes of sleeping machines the fact belongs.

say() { echo "$*" >/dev/ttyS0; }
check() { # TEXT COMMAND…
  local text=$1
  shift
  if "$@" >/tmp/said 2>&1; then say "ok: $text"; else
    say "FAILED: $text: $*"
    sed 's/^/  | /' /tmp/said >/dev/ttyS0
  fi
}
fails() { ! "$@"; }
property() { systemctl show --property="$2" --value "$1"; }
is_property() { local is; is=$(property "$1" "$2"); [ "$is" = "$3" ] || { echo "$2 is $is"; false; }; }
successes() { cat /sys/power/suspend_stats/success; }
failures() { cat /sys/power/suspend_stats/fail; }
within() { # SECONDS COMMAND…: until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}
get() { # PATH [JSON]: the status of the guest's own rouse
  exec 5<>/dev/tcp/127.0.0.1/8080 || return 1
  if [ $# -gt 1 ]; then
    printf 'POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
      "$1" ${#2} "$2" >&5
  else
    printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&5
  fi
  timeout 60 cat <&5 >/tmp/answer
  exec 5>&-
  local head
  read -r head </tmp/answer
  [[ $head == *" 200 "* ]] || { cat /tmp/answer; false; }
}
# PATTERN COMMAND…: the command says it. Read to its end: a pipe into a reader that leaves early would
# end the command in its midst.
says() {
  local pattern=$1 text
  shift
  text=$("$@") || return
  grep -q -e "$pattern" <<<"$text"
}
# It ends well and does not say it.
says_not() {
  local pattern=$1 text
  shift
  text=$("$@") || return
  ! grep -q -e "$pattern" <<<"$text"
}
# Suspends by COMMAND…, and waits until it is over, one way or the other.
sleep_by() {
  "$@"
  local status=$?
  within 60 is_property systemd-suspend.service ActiveState inactive ||
    within 1 is_property systemd-suspend.service ActiveState failed
  within 30 logind_is_done
  return $status
}
# The unit itself is forgotten as soon as it has ended.
gate_runs() {
  journalctl --sync
  journalctl --unit=rouse-suspendd-gate.service --output=cat | grep -c "^Finished"
}
logind_is_done() {
  says false busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
    org.freedesktop.login1.Manager PreparingForSleep
}
ran() { grep -qs "$1" /run/nvidia; }
chat='{"model":"m","messages":[{"role":"user","content":"hi"}]}'

units() {
  # Both are Type=notify: active means that READY=1 has come.
  check "rouse is up" within 60 is_property rouse.service ActiveState active
  check "rouse-suspendd is up" within 60 is_property rouse-suspendd.service ActiveState active
  check "rouse runs as its own user" [ "$(ps -o user= -p "$(property rouse.service MainPID)")" = rouse ]
  check "the status line has come" grep -q "1 model" <<<"$(property rouse.service StatusText)"
  check "the watchdog of rouse is fed" within 40 fed rouse.service
  check "the watchdog of rouse-suspendd is fed" within 40 fed rouse-suspendd.service
  check "the shared folder is there" [ "$(stat -c '%a %U %G' /run/rouse)" = "3775 root rouse" ]
  check "the state of rouse is its own" [ "$(stat -c %U /var/lib/rouse)" = rouse ]
  check "the state of rouse-suspendd is its own" [ "$(stat -c %U /var/lib/rouse/suspendd)" = rouse-suspendd ]
  check "nothing was restarted" is_property rouse.service NRestarts 0
  check "the daemon was not restarted" is_property rouse-suspendd.service NRestarts 0
  check "the daemon has just its capabilities" \
    [ "$(grep CapEff "/proc/$(property rouse-suspendd.service MainPID)/status" | cut -f2)" = 0000000800001000 ]
  for unit in rouse rouse-suspendd rouse-suspendd-gate; do
    say "security: $(systemd-analyze security --no-pager $unit.service | tail -1)"
  done
  check "udev's own file is what the example repeats" \
    [ "$(sed -n '/^\[Link\]/,$p' /usr/lib/systemd/network/99-default.link | grep Policy)" = \
      "$(grep Policy /usr/share/doc/rouse-suspendd/examples/50-rouse-wol.link)" ]
}
fed() { # since the unit became active, that is, not only by READY=1
  [ "$(property "$1" WatchdogTimestampMonotonic)" -gt "$(property "$1" ActiveEnterTimestampMonotonic)" ]
}

engines() {
  check "a request starts an engine" get /v1/chat/completions "$chat"
  check "the engine has a cgroup of its own" ls -d /sys/fs/cgroup/system.slice/rouse.service/rouse-*
  check "a reload is taken" systemctl reload rouse
  check "rouse is up after it" is_property rouse.service ActiveState active
  cp /etc/rouse/config.yaml /tmp/good.yaml
  echo "models: 7" >/etc/rouse/config.yaml
  check "a reload of a broken file fails" fails systemctl reload rouse
  check "its reason is in the status" within 5 says "a reload was refused: /etc/rouse/config.yaml:1:9" \
    property rouse.service StatusText
  check "and in the journal as a warning" says "config.yaml:1:9" journalctl --unit=rouse -p warning
  cp /tmp/good.yaml /etc/rouse/config.yaml
  check "and changes nothing" get /v1/chat/completions "$chat"
  check "rouse ends cleanly" systemctl stop rouse
  check "as a success" is_property rouse.service Result success
  check "with all its engines" fails pgrep fake_engine
  check "and comes again" systemctl start rouse
}

# What goes wrong is to be seen where one looks for it.
troubles() {
  cp /etc/rouse/config.yaml /tmp/good.yaml
  printf 'models:\n  m:\n    cmd: /no/such/program --port ${PORT}\n' >/etc/rouse/config.yaml
  check "a model whose program is missing is taken" systemctl reload-or-restart rouse
  check "asking for it fails" fails get /v1/chat/completions "$chat"
  journalctl --sync
  check "that is a warning" says "m cannot be started: .*/no/such/program" journalctl --unit=rouse -p warning
  printf 'models:\n  m:\n    cmd: /usr/local/bin/fake_engine --crash-at-start 3 --port ${PORT}\n' \
    >/etc/rouse/config.yaml
  check "a model that crashes is taken" systemctl reload-or-restart rouse
  check "asking for it fails, too" fails get /v1/chat/completions "$chat"
  journalctl --sync
  check "a failed start of an engine is a warning" says "m failed: exited with status 3" \
    journalctl --unit=rouse -p warning
  echo "models: 7" >/etc/rouse/config.yaml
  check "a broken file does not start" fails systemctl restart rouse
  sleep 7 # longer than RestartSec
  check "it ended after one try" is_property rouse.service NRestarts 0
  check "it stays down" is_property rouse.service ActiveState failed
  check "its status says where and why" says "cannot start: /etc/rouse/config.yaml:1:9" \
    property rouse.service StatusText
  systemctl status --no-pager rouse | sed 's/^/  | /' >/dev/ttyS0
  cp /tmp/good.yaml /etc/rouse/config.yaml
  systemd-run --quiet --unit=squatter --property=Type=exec /bin/bash -c \
    'exec /usr/local/bin/fake_engine --port 8080'
  check "a taken port does not start" fails systemctl restart rouse
  # By whom it is, the service may not see: ProtectProc= hides the programs of others.
  check "its status says so" says "cannot listen on 127.0.0.1:8080: the port is in use" \
    property rouse.service StatusText
  systemctl stop squatter
  check "it comes up by itself when the port is free" within 30 is_property rouse.service ActiveState active
}

gate() {
  local before runs
  before=$(successes)
  runs=$(gate_runs)
  check "a manual suspend passes the gate" sleep_by systemctl suspend
  check "it slept" [ "$(successes)" = $((before + 1)) ]
  check "the gate has run" [ "$(gate_runs)" = $((runs + 1)) ]
  check "the driver was told" ran suspend
  check "and told again" ran resume
  check "the proxies live" get /livez
}

closed_gate() { # [M6b, 29]
  local before
  mkdir -p /run/systemd/system/rouse-suspendd-gate.service.d
  printf '[Service]\nExecStart=\nExecStart=/bin/false\n' \
    >/run/systemd/system/rouse-suspendd-gate.service.d/closed.conf
  systemctl daemon-reload
  before=$(successes)
  : >/run/nvidia
  sleep_by systemctl suspend
  check "a closed gate cancels the suspend" [ "$(successes)" = "$before" ]
  check "without a failure of the kernel's" [ "$(failures)" = 0 ]
  check "logind is ready for the next one" logind_is_done
  check "the driver was not frozen" fails ran suspend
  rm /usr/lib/systemd/system/nvidia-suspend.service.d/rouse-suspendd-gate.conf
  systemctl daemon-reload
  : >/run/nvidia
  sleep_by systemctl suspend
  check "without our drop-in it would have been" ran suspend
  # Back to how it is shipped.
  printf '[Unit]\nRequires=rouse-suspendd-gate.service\nAfter=rouse-suspendd-gate.service\n' \
    >/usr/lib/systemd/system/nvidia-suspend.service.d/rouse-suspendd-gate.conf
  rm -r /run/systemd/system/rouse-suspendd-gate.service.d
  systemctl daemon-reload
  systemctl reset-failed
}

as_daemon() { setpriv --reuid=rouse-suspendd --regid=rouse-suspendd --init-groups "$@"; }
suspend_as_# What `check` says to do is done as it stands, and helps.
advice() {
  local line
  sed -n 's/^ *-> \(ethtool -s .*\)$/\1/p' /tmp/said >/tmp/advice
  check "there is advice to paste" [ -s /tmp/advice ]
  while read -r line; do
    check "\`$line\` works" bash -c "$line"
  done </tmp/advice
  rouse-suspendd check >/tmp/said 2>&1
  check "and helps" says_not "not armed" cat /tmp/said
  # With NVIDIA's driver it would say this, too; its units are made up here.
  check "so do NVIDIA's units" systemctl enable nvidia-suspend nvidia-resume
}
daemon() {
  as_daemon busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
    SuspendWithFlags t 0
}

polkit() {
  local before
  check "the daemon's user may suspend" [ "$(as_daemon busctl call org.freedesktop.login1 \
    /org/freedesktop/login1 org.freedesktop.login1.Manager CanSuspend)" = 's "yes"' ]
  check "another user may not" [ "$(setpriv --reuid=nobody --clear-groups busctl call org.freedesktop.login1 \
    /org/freedesktop/login1 org.freedesktop.login1.Manager CanSuspend)" != 's "yes"' ]
  check "the daemon's user may hold a delay lock" as_daemon systemd-inhibit --what=sleep --mode=delay true
  # [M6] root's own lock does not stop root on 252, but it stops the daemon.
  systemd-inhibit --what=sleep --mode=block --who=test --why="a long job" sleep 3600 &
  local lock=$!
  check "the lock is there" within 10 says "a long job" systemd-inhibit --list --no-pager --no-legend
  before=$(successes)
  check "a block lock of root stops the daemon's user" fails suspend_as_daemon
  say "logind says: $(suspend_as_daemon 2>&1)"
  check "it did not sleep" [ "$(successes)" = "$before" ]
  kill $lock
  within 10 says_not "a long job" systemd-inhibit --list --no-pager --no-legend
  check "without the lock it may" sleep_by suspend_as_daemon
  check "and the machine slept" within 30 sh -c "[ \$(cat /sys/power/suspend_stats/success) = $((before + 1)) ]"
}

# What `check` says to do is done as it stands, and helps.
advice() {
  local line
  sed -n 's/^ *-> \(ethtool -s .*\)$/\1/p' /tmp/said >/tmp/advice
  check "there is advice to paste" [ -s /tmp/advice ]
  while read -r line; do
    check "\`$line\` works" bash -c "$line"
  done </tmp/advice
  rouse-suspendd check >/tmp/said 2>&1
  check "and helps" says_not "not armed" cat /tmp/said
  # With NVIDIA's driver it would say this, too; its units are made up here.
  check "so do NVIDIA's units" systemctl enable nvidia-suspend nvidia-resume
}
daemon() {
  local before
  check "the daemon answers" rouse-suspendd status
  check "its socket is for its group" [ "$(stat -c '%U %G' /run/rouse/suspendd.sock)" = "rouse-suspendd rouse" ]
  check "the proxy lets it in" fails journalctl --unit=rouse.service --grep "power: refused"
  rouse-suspendd check >/tmp/said 2>&1
  say "check: exit status $?"
  sed 's/^/  | /' /tmp/said >/dev/ttyS0
  advice
  systemd-inhibit --what=sleep --mode=block --who=test --why="a long job" sleep 3600 &
  local lock=$!
  check "it sees the lock of root" within 20 says "a long job" rouse-suspendd status
  before=$(successes)
  check "and does not suspend" fails rouse-suspendd suspend
  check "it did not sleep" [ "$(successes)" = "$before" ]
  kill $lock
  check "it sees that the lock has gone" within 20 says_not "a long job" rouse-suspendd status
  check "without it it suspends" rouse-suspendd suspend
  check "the machine slept" within 60 sh -c "[ \$(cat /sys/power/suspend_stats/success) = $((before + 1)) ]"
  check "the daemon knows" within 30 says slept rouse-suspendd history
  check "the proxy takes requests again" within 30 get /v1/chat/completions "$chat"
  journalctl --unit=rouse-suspendd.service --output=cat --no-pager | tail -25 | sed 's/^/  | /' >/dev/ttyS0
}

# [M7] A wake event between the gate and the freeze: the kernel aborts with EBUSY.
late_wake_event() {
  mkdir -p /run/systemd/system/rouse-suspendd-gate.service.d
  # The count is read before the alarm and written after it went off.
  cat >/run/systemd/system/rouse-suspendd-gate.service.d/late.conf <<'X'
[Service]
PrivateDevices=no
ProtectClock=no
ExecStartPost=+/bin/sh -c 'count=$$(cat /sys/power/wakeup_count); echo $$count >/sys/power/wakeup_count; echo 0 >/sys/class/rtc/rtc0/wakealarm; echo +2 >/sys/class/rtc/rtc0/wakealarm; sleep 4'
X
  systemctl daemon-reload
}

aborted() {
  local before failed
  before=$(successes)
  failed=$(failures)
  late_wake_event
  sleep_by systemctl suspend
  check "a late wake event aborts the suspend" [ "$(failures)" = $((failed + 1)) ]
  check "nothing slept" [ "$(successes)" = "$before" ]
  check "systemd knows" is_property systemd-suspend.service Result exit-code
  check "no s2idle was tried" says_not "suspend entry (s2idle)" dmesg
  say "last failure: $(cat /sys/power/suspend_stats/last_failed_errno) $(cat /sys/power/suspend_stats/last_failed_step)"
  rm -r /run/systemd/system/rouse-suspendd-gate.service.d
  systemctl daemon-reload
  systemctl reset-failed
  check "the next one sleeps" sleep_by systemctl suspend
  check "as it should" [ "$(successes)" = $((before + 1)) ]
}

removal() {
  local before runs
  before=$(successes)
  dpkg --remove rouse-suspendd >/tmp/removed 2>&1
  check "without the package nothing requires the gate" [ ! -e /etc/systemd/system/systemd-suspend.service.requires ]
  check "and a suspend still works" sleep_by systemctl suspend
  check "it slept" [ "$(successes)" = $((before + 1)) ]
  dpkg --install /root/rouse-suspendd_*.deb >/tmp/installed 2>&1
  check "installing it again needs no daemon-reload" fails grep -q daemon-reload /tmp/installed
  check "starts it" is_property rouse-suspendd.service ActiveState active
  before=$(successes)
  runs=$(gate_runs)
  check "and the gate stands again" sleep_by systemctl suspend
  check "it slept once more" [ "$(successes)" = $((before + 1)) ]
  check "through the gate" [ "$(gate_runs)" = $((runs + 1)) ]
}

# The last: from this state the machine does not come back by itself.
trap_without_our_file() {
  rm /usr/lib/systemd/sleep.conf.d/rouse.conf
  late_wake_event
  dmesg --console-level info
  systemctl suspend
}

while read -r fact <&3; do
  say "fact: $fact"
  $fact
  say "end of $fact"
done 3</root/facts
say "guest: all facts told"
