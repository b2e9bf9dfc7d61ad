# shellcheck shell=bash
# The Debian tree, and the machine that is booted from a copy of it. Read in by tests/real.

# What the tests in the machine need beside Debian's own: a ledger, a mail server, certificates; and for what comes
# back a mailbox and an SMS gateway, without which the rest still runs.
with=systemd,systemd-sysv,dbus,sqlite3,ca-certificates,openssl,stunnel4,postfix,man-db,procps
back=dovecot-imapd,kannel,kannel-extras

bare_tree() {
  make_tree "$with,$back" || make_tree "$with"
}

# Makes a tree of some packages once; later runs take the one that is there.
make_tree() {
  local kept unit
  kept=$tools/debian-$suite-$(echo "$1" | cksum | cut -d' ' -f1).tar
  rm -rf "$work/tree"
  mkdir -p "$work/tree"
  if [ ! -e "$kept" ]; then
    DEBOOTSTRAP_DIR=$tools/usr/share/debootstrap timeout 900 "$tools/usr/sbin/debootstrap" --variant=minbase \
      --include="$1" "$suite" "$work/tree" "$mirror" >"$work/debootstrap.log" 2>&1 || return 1
    rm -f "$work/tree/var/cache/apt/archives/"*.deb "$work/tree/etc/machine-id"
    tar -C "$work/tree" -cf "$kept.part" . && mv "$kept.part" "$kept"
  else
    tar -C "$work/tree" -xf "$kept"
  fi
  # None of these starts by itself: each test has its own. And there is no network to be waited for.
  for unit in postfix stunnel4 dovecot kannel systemd-networkd-wait-online; do
    ln -sf /dev/null "$work/tree/etc/systemd/system/$unit.service"
  done
  echo "$(find "$work/tree" -xdev -type f | wc -l) files"
}

# later_version DEB OUT: the same package under a later version, as an upgrade is.
later_version() {
  local tree=$work/later
  dpkg-deb -R "$1" "$tree"
  sed -i 's/^Version: .*/Version: 99.0/' "$tree/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$tree" "$2" >/dev/null
}

# in_tree COMMAND…: in the tree that nothing runs in.
in_tree() {
  chroot "$work/tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

unmount_all() {
  if mountpoint -q "$work/tree/proc" 2>/dev/null; then umount "$work/tree/proc"; fi
}

spawned=

# Boots the tree with systemd as PID 1, and waits until it has come up.
boot_machine() {
  mkdir -p "$work/shared"
  # In a session of its own, so that no key pressed here ends it half way. With no network but its own loopback: nothing
  # reaches anybody, and no port of this machine is in its way.
  setsid "$tools/bin/systemd-nspawn" --quiet --register=no --keep-unit --console=pipe --machine=relance-real \
    --private-network --bind="$work/shared:/shared" --directory="$work/tree" --boot </dev/null >>"$work/console.log" 2>&1 &
  spawned=$!
  wait_up
}

# The machine's PID 1, as this machine numbers it: the child of nspawn that is a systemd. Another one after each reboot.
leader() {
  local pid
  for pid in $(pgrep -P "$spawned" 2>/dev/null); do
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd ]; then
      echo "$pid"
      return
    fi
  done
  return 1
}

wait_up() {
  local state
  for _ in $(seq 120); do
    [ -d "/proc/$spawned" ] || return 1
    state=$(inside systemctl is-system-running 2>/dev/null || true)
    case $state in running | degraded) return 0 ;; esac
    sleep 1
  done
  return 1
}

# inside COMMAND…: in the booted machine.
inside() {
  local pid
  pid=$(leader) || return 1
  nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
    /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# A script in the machine, from standard input.
inside_script() {
  inside bash -euo pipefail -s -- "$@"
}

# Run beside a service manager, nspawn ends with 133 when its machine wants to be booted again.
reboot_machine() {
  local code=0
  inside systemctl reboot || true
  wait "$spawned" || code=$?
  [ "$code" = 133 ] || return 1
  boot_machine
}

halt_machine() {
  local pid
  if [ -z "$spawned" ] || [ ! -d "/proc/$spawned" ]; then return 0; fi
  if pid=$(leader); then
    # SIGRTMIN+4: systemd as PID 1 powers off. By that number, and no name.
    kill -s RTMIN+4 "$pid" || true
  fi
  for _ in $(seq 30); do
    [ -d "/proc/$spawned" ] || return 0
    sleep 1
  done
  kill -KILL "$spawned" || true
}

# wait_for SECONDS WHAT COMMAND…: until the command succeeds.
wait_for() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then
      inside journalctl -u relance --no-pager -n 1000 | grep -v 'ledger read' | tail -n 40 >&2 || true
      fail "waited $seconds s in vain for $what"
    fi
    sleep 0.5
  done
}
