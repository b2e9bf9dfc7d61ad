# shellcheck shell=bash
# The service in the booted machine: README.md's commands word for word, then what its table says of mishaps. Read in by
# tests/real.

# The shell commands of README.md, "Install as a service".
readme_commands() {
  awk '/^## Install as a service/ { here = 1 } here && /^```sh$/ { print_it = 1; next } /^```$/ { if (print_it) exit } print_it' README.md
}

# What an administrator writes into relance.toml: the example with another mail server, a poll every few seconds (a test
# cannot wait for ten minutes), payments booked at once, more messages a day, and no morning report, which would make one
# mail more on some days. settings DRY_RUN
settings() {
  sed -e 's|^smtp = .*|smtp = "smtps://localhost:4465"\nca = "/etc/relance/ca.pem"|' -e '/^user = /d' -e '/^password = /,+1d' \
    -e 's|^# poll = "\*/.*|poll = "*/3 * * * * *"|' -e 's|^# booking_lag = .*|booking_lag = "0 days"|' \
    -e 's|^# grace = .*|grace = "0 days"|' -e "s|^dry_run = .*|dry_run = $1|" \
    -e 's|^max_messages_per_cycle = .*|max_messages_per_cycle = 2000|' -e 's|^# morning = .*|morning = "off"|' config/relance.toml
}

# Prepares ledger, mail server and certificates, as a firm has them before relance comes.
prepare_machine() {
  cp "$deb" "$work/shared/"
  cp "$later" "$work/shared/later.deb"
  settings true >"$work/shared/first.toml"
  settings false >"$work/shared/second.toml"
  readme_commands >"$work/shared/commands"
  grep -q 'apt install' "$work/shared/commands" || fail "README.md has no commands for an administrator"
  cp tests/real.d/inside.sh tests/real.d/any-hour.sh "$work/shared/"
  inside bash -euo pipefail /shared/inside.sh
}

ledger() { inside sqlite3 -cmd '.timeout 20000' /srv/billing/invoices.db "$1"; }

# bill FROM TO: invoices that fell due ten days ago, one for each of as many customers.
bill() {
  ledger "WITH RECURSIVE n(i) AS (VALUES ($1) UNION ALL SELECT i + 1 FROM n WHERE i < $2)
    INSERT INTO customers SELECT i, 'Client ' || i, 'c' || i || '@client.example', NULL, 'fr', 'BE', 'BE0123456749' FROM n;
    WITH RECURSIVE n(i) AS (VALUES ($1) UNION ALL SELECT i + 1 FROM n WHERE i < $2)
    INSERT INTO invoices SELECT i, 'F-' || i, i, date('now', '-40 days'), date('now', '-10 days'), 12500, 12500 FROM n"
}

relance() { inside runuser -u relance -- relance "$@"; }

# How many mails the mail server took for customers.
mails() { inside bash -c 'cat /srv/mail/* 2>/dev/null | grep -c "^X-Rcpt-Args: <c[0-9]*@client.example>"' || true; }
has_mails() { [ "$(mails)" -ge "$1" ]; }
status_has() { relance status | grep -q "$1"; }
status_text() { inside systemctl show relance -p StatusText --value; }
text_has() { status_text | grep -q "$1"; }
main_pid() { inside systemctl show relance -p MainPID --value; }
is_active() { [ "$(inside systemctl is-active relance)" = active ]; }
another_runs() { is_active && [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
journal_has() { inside journalctl -u relance --no-pager -q --since "$1" | grep -q "$2"; }
now() { inside date '+%Y-%m-%d %H:%M:%S'; }
accepted() { relance log --json | grep -c '"outcome":"accepted"' || true; }
has_accepted() { [ "$(accepted)" -ge "$1" ]; }

# Nothing doubled that the log does not call in doubt, nothing lost, and the log is whole. comes_out CUSTOMERS
comes_out() {
  local doubts sent
  has_accepted "$1" || fail "$(accepted) of $1 were accepted"
  doubts=$(relance log --json | grep -c '"outcome":"unknown"' || true)
  sent=$(mails)
  [ "$sent" -ge "$1" ] && [ "$sent" -le "$(($1 + doubts))" ] || fail "$sent mails for $1 customers, with $doubts doubts"
  relance log verify >/dev/null || fail "log verify"
  echo "$1 customers, $sent mails, $doubts in doubt; the log is whole"
}

service_tests() {
  say "from package to first mail, by README.md"
  prepare_machine
  local begin=$SECONDS
  inside bash -c 'cd /shared && exec bash -eux /shared/commands' >"$work/readme.log" 2>&1 ||
    { cat "$work/readme.log" >&2; fail "a command of README.md"; }
  wait_for 60 "the first mail" has_mails 1
  echo "first mail after $((SECONDS - begin)) s: $(status_text)"
  wait_for 30 "its record" has_accepted 1
  [ "$(inside stat -c %a /var/lib/relance/relance.db)" = 600 ] || fail "the mode of the store"
  inside test -s /run/credentials/relance.service/smtp || fail "the password was not handed over"
  inside systemd-analyze security relance --no-pager | tail -n 1

  say "a reload that passes and one that does not"
  reload_tests
  say "a reboot"
  bill 2 3
  wait_for 60 "the mails" has_accepted 3
  reboot_machine || fail "the machine did not come up again"
  wait_for 60 "the service after the boot" is_active
  bill 4 5
  wait_for 60 "the mails after the boot" has_accepted 5
  comes_out 5

  say "kill -9 while messages leave"
  bill 6 65
  wait_for 60 "some mails" has_mails 15
  local pid
  pid=$(main_pid)
  inside kill -KILL "$pid"
  echo "killed with $(mails) mails sent"
  wait_for 60 "another start" another_runs "$pid"
  wait_for 120 "all mails" has_accepted 65
  comes_out 65

  say "a program that stands still (WatchdogSec=10 here, 5 minutes in the unit)"
  hang_test
  say "a full disk"
  disk_test
  say "an expired certificate"
  certificate_test
  say "an upgrade, and the end"
  upgrade_test
}

reload_tests() {
  local since
  inside systemctl reload relance || fail "a good reload"
  wait_for 30 "the reload" text_has '^Sending'
  since=$(now)
  inside bash -c 'echo "[guard]" >/etc/relance/conf.d/wrong.toml; echo "dry_rum = true" >>/etc/relance/conf.d/wrong.toml'
  if inside systemctl reload relance; then fail "systemctl reload says nothing of a configuration that was refused"; fi
  wait_for 30 "the refusal" text_has 'WAS REFUSED'
  journal_has "$since" 'conf.d/wrong.toml:2:1' || fail "the journal does not name the place"
  is_active || fail "a wrong configuration ended the service"
  echo "refused: $(status_text)"
  inside rm /etc/relance/conf.d/wrong.toml
  inside systemctl reload relance || fail "the reload of what was mended"
  wait_for 30 "the mended configuration" text_has '^Sending; outbox'
}

hang_test() {
  local pid
  inside mkdir -p /run/systemd/system/relance.service.d
  inside bash -c 'printf "[Service]\nWatchdogSec=10\n" >/run/systemd/system/relance.service.d/fast.conf'
  inside systemctl daemon-reload
  inside systemctl restart relance
  wait_for 30 "the service" is_active
  pid=$(main_pid)
  inside kill -STOP "$pid"
  # Asked to end, which one that stands still cannot hear, and then ended.
  wait_for 90 "the watchdog" another_runs "$pid"
  echo "ended by the watchdog and started again: $(inside systemctl show relance -p NRestarts)"
  inside rm -r /run/systemd/system/relance.service.d/fast.conf
  inside systemctl daemon-reload
  inside systemctl restart relance
  bill 66 67
  wait_for 60 "the mails after that" has_accepted 67
  comes_out 67
}

disk_test() {
  local since
  inside systemctl stop relance
  inside_script <<'SCRIPT'
mkdir /mnt/kept && cp -a /var/lib/relance/. /mnt/kept/
mount -t tmpfs -o size=24M,mode=0700 none /var/lib/relance
chown relance:relance /var/lib/relance
cp -a /mnt/kept/. /var/lib/relance/
SCRIPT
  inside systemctl start relance
  wait_for 30 "the service on the small disk" text_has '^Sending'
  inside dd if=/dev/zero of=/var/lib/relance/filler bs=64k 2>/dev/null || true
  since=$(now)
  bill 68 117
  wait_for 60 "the journal to say so" journal_has "$since" 'full'
  wait_for 30 "the status to say so" text_has '^Failing'
  is_active || fail "a full disk ended the service"
  echo "on a full disk: $(accepted) of 117 on record, $(mails) mails; $(status_text)"
  inside rm /var/lib/relance/filler
  wait_for 120 "all mails once there was room" has_accepted 117
  comes_out 117
  inside systemctl stop relance
  inside_script <<'SCRIPT'
rm -rf /mnt/kept/* && cp -a /var/lib/relance/. /mnt/kept/
umount /var/lib/relance
cp -a /mnt/kept/. /var/lib/relance/ && rm -r /mnt/kept
SCRIPT
  inside systemctl start relance
  wait_for 30 "the service on its own disk" is_active
}

certificate_test() {
  inside cp /srv/tls/expired.pem /srv/tls/server.pem
  inside systemctl restart mail-tls
  # Connections from before know the old one.
  inside systemctl reload relance
  bill 118 119
  wait_for 60 "the brake" status_has 'STOPPED channel:email'
  relance status | grep 'STOPPED channel:email'
  relance status | grep -qi 'expired' || fail "status does not say that the certificate has expired"
  [ "$(relance status | grep -c '^unreachable')" = 0 ] || fail "a customer was blamed"
  is_active || fail "an expired certificate ended the service"
  [ "$(accepted)" -lt 118 ] || fail "something left all the same"
  inside cp /srv/tls/valid.pem /srv/tls/server.pem
  inside systemctl restart mail-tls
  wait_for 180 "the mails with a renewed certificate" has_accepted 119
  comes_out 119
}

upgrade_test() {
  local pid begin
  pid=$(main_pid)
  inside apt-get install --yes /shared/later.deb >"$work/upgrade.log" 2>&1 || { cat "$work/upgrade.log" >&2; fail "the upgrade"; }
  wait_for 60 "the new version" another_runs "$pid"
  begin=$SECONDS
  inside systemctl stop relance
  [ $((SECONDS - begin)) -le 10 ] || fail "the stop took $((SECONDS - begin)) s"
  [ "$(inside systemctl show relance -p Result --value)" = success ] || fail "the end was none in good order"
  inside systemctl start relance
  wait_for 30 "the service" is_active
  inside apt-get purge --yes relance >>"$work/upgrade.log" 2>&1 || { cat "$work/upgrade.log" >&2; fail "the purge"; }
  [ "$(inside systemctl is-active relance)" != active ] || fail "purged, and it runs"
  inside test ! -e /etc/relance || fail "purged, and /etc/relance is there"
  inside test -e /var/lib/relance/relance.db || fail "purged, and the record is gone"
  grep -q 'holds the record' "$work/upgrade.log" || fail "purge says nothing of the record that it keeps"
  echo "upgraded, stopped, purged; the record was kept"
}
