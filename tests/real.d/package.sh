# shellcheck shell=bash
# The package in a tree in which nothing runs: what is there after each step, and what is not. Read in by tests/real.

# is PATH MODE OWNER:GROUP
is() {
  local found
  found=$(in_tree stat -c '%a %U:%G' "$1") || fail "$1 is not there"
  [ "$found" = "$2 $3" ] || fail "$1 is $found, wanted $2 $3"
}

gone() {
  local path
  for path in "$@"; do
    [ ! -e "$work/tree$path" ] || fail "$path is still there"
  done
}

package_tests() {
  mount -t proc proc "$work/tree/proc"
  cp "$deb" "$work/tree/root/relance.deb"
  cp "$later" "$work/tree/root/later.deb"

  in_tree dpkg -i /root/relance.deb >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; fail "dpkg -i"; }
  is /usr/bin/relance 755 root:root
  is /usr/lib/systemd/system/relance.service 644 root:root
  is /etc/relance 755 root:root
  is /etc/credstore 700 root:root
  is /var/lib/relance 700 relance:relance
  in_tree getent passwd relance | grep -q ':/var/lib/relance:/usr/sbin/nologin$' || fail "the user relance"
  [ -z "$(in_tree dpkg-query -W -f '${Conffiles}' relance)" ] || fail "the package has conffiles: upgrades would ask"
  gone /etc/relance/relance.toml /etc/systemd/system/multi-user.target.wants/relance.service
  in_tree relance --version
  in_tree systemd-analyze verify /usr/lib/systemd/system/relance.service 2>&1 | tee "$work/verify.log"
  [ ! -s "$work/verify.log" ] || fail "systemd-analyze verify"
  in_tree dpkg --verify relance || fail "dpkg --verify"
  in_tree bash -c 'for page in relance relance-run relance-log-show relance.toml; do man -w "$page" >/dev/null; done' || fail "the manual"
  in_tree bash -c 'complete -p relance 2>/dev/null; . /usr/share/bash-completion/completions/relance && complete -p relance' >/dev/null ||
    fail "the completion of bash"

  # What the examples and `relance init` name as their schema is there, and the copies are what the program has built in.
  is /usr/share/relance/schema/relance.schema.json 644 root:root
  for kind in cadences gateways sources calendars law letters; do
    [ -n "$(ls "$work/tree/usr/share/doc/relance/examples/$kind")" ] || fail "no examples of $kind"
  done
  [ -f "$work/tree/usr/share/doc/relance/examples/schema/cadence.schema.json" ] || fail "the examples' schema"
  in_tree relance schema relance | cmp -s - "$work/tree/usr/share/relance/schema/relance.schema.json" || fail "the schema"

  # Upgraded, with what an administrator has written and a record that was kept: both stay as they are.
  in_tree install -m 644 /usr/share/doc/relance/examples/relance.toml /etc/relance/relance.toml
  in_tree install -m 600 -o relance -g relance /dev/null /var/lib/relance/relance.db
  echo '# mine' >>"$work/tree/etc/relance/relance.toml"
  in_tree dpkg -i /root/later.deb >>"$work/install.log" 2>&1 </dev/null || { cat "$work/install.log" >&2; fail "the upgrade"; }
  grep -q '^# mine$' "$work/tree/etc/relance/relance.toml" || fail "the configuration after an upgrade"
  is /etc/relance/relance.toml 644 root:root
  is /var/lib/relance/relance.db 600 relance:relance

  in_tree dpkg -r relance >>"$work/install.log" 2>&1
  gone /usr/bin/relance /usr/lib/systemd/system/relance.service /usr/share/man/man1/relance.1.gz
  is /etc/relance/relance.toml 644 root:root
  is /var/lib/relance/relance.db 600 relance:relance

  in_tree dpkg -i /root/relance.deb >>"$work/install.log" 2>&1
  in_tree install -m 600 /dev/null /etc/credstore/relance.smtp
  in_tree dpkg -P relance >"$work/purge.log" 2>&1
  gone /etc/relance /etc/credstore/relance.smtp /usr/bin/relance /usr/share/doc/relance
  is /var/lib/relance/relance.db 600 relance:relance
  grep -q 'holds the record of what was sent' "$work/purge.log" || fail "purge says nothing of the record that it keeps"
  in_tree rm /var/lib/relance/relance.db
  in_tree dpkg -i /root/relance.deb >>"$work/install.log" 2>&1
  in_tree dpkg -P relance >"$work/purge.log" 2>&1
  gone /etc/relance /var/lib/relance

  # For the machine that is booted next: as if the package had never been there.
  in_tree userdel relance
  rm -rf "$work/tree/root/relance.deb" "$work/tree/root/later.deb" "$work/tree/etc/credstore"
  unmount_all
  echo "installed, upgraded, removed, purged: users, files and modes are as they should be; no conffiles"
}
