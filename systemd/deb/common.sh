# Put at the head of the maintainer scripts when the packages are made.
set -e

# Containers that were given a GPU by device rules lose it at the next `systemctl daemon-reload`
# (NVIDIA/nvidia-container-toolkit#48), so none is done behind their back.
gpu_containers_run() {
  for process in /proc/[0-9]*; do
    grep -Eqs 'docker|libpod|containerd|crio|kubepods|lxc|nspawn' "$process/cgroup" || continue
    if [ -e "$process/root/dev/nvidiactl" ] || [ -e "$process/root/dev/kfd" ]; then
      return 0
    fi
  done
  return 1
}

is_changed() {
  [ "$(systemctl show --property=NeedDaemonReload --value "$1" 2>/dev/null)" = yes ]
}

# Links of a unit that is in memory already do not count as a change of it.
lacks_gate() {
  [ -e "/etc/systemd/system/$1.requires/rouse-suspendd-gate.service" ] || return 1
  case $(systemctl show --property=Requires --value "$1" 2>/dev/null) in
    *rouse-suspendd-gate*) return 1 ;;
  esac
}

# systemd reads units that it has not seen without being told: only changed ones need a reload.
reload_changed_units() {
  [ -d /run/systemd/system ] || return 0
  changed=no
  for unit in "$@"; do
    if is_changed "$unit" || lacks_gate "$unit"; then changed=yes; fi
  done
  [ "$changed" = yes ] || return 0
  if gpu_containers_run; then
    echo "$DPKG_MAINTSCRIPT_PACKAGE: containers use the GPU, and would lose it by a daemon-reload." >&2
    echo "$DPKG_MAINTSCRIPT_PACKAGE: the changed units apply after \`systemctl daemon-reload\`;" \
      "restart those containers then." >&2
    return 0
  fi
  systemctl daemon-reload || true
}
