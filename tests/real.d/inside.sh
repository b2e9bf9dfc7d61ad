# Run in the booted machine by tests/real: what a firm has before relance comes. A ledger in WAL mode, which a group may
# read and write; a mail server behind TLS; and in place of sudo, which a bare Debian lacks, two programs that do as it does.
set -euo pipefail

cat >/usr/local/bin/sudo <<'SUDO'
#!/bin/sh
if [ "$1" = -u ]; then
  user=$2
  shift 2
  exec runuser -u "$user" -- "$@"
fi
exec "$@"
SUDO
# Who edits a file writes what was prepared: the settings with dry_run, those without, the password.
cat >/usr/local/bin/sudoedit <<'EDIT'
#!/bin/sh
set -e
case $1 in
  /etc/credstore/*) echo 's3cret' >"$1" ;;
  *) if grep -q '^ca = ' "$1"; then cat /shared/second.toml >"$1"; else cat /shared/first.toml >"$1"; fi
     mkdir -p /etc/relance/conf.d
     cp /srv/tls/ca.pem /etc/relance/ca.pem
     bash /shared/any-hour.sh
     # README.md, "A ledger in WAL mode".
     usermod -aG ledger relance
     mkdir -p /etc/systemd/system/relance.service.d
     printf '[Service]\nReadOnlyPaths=\nReadWritePaths=/srv/billing\n' >/etc/systemd/system/relance.service.d/override.conf
     systemctl daemon-reload ;;
esac
EDIT
chmod 755 /usr/local/bin/sudo /usr/local/bin/sudoedit

groupadd ledger
install -d -m 2770 -g ledger /srv/billing
umask 007
sqlite3 /srv/billing/invoices.db >/dev/null <<'SQL'
PRAGMA journal_mode = WAL;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, language TEXT, country TEXT, vat_number TEXT);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT, customer_id INTEGER, issued_on TEXT, due_on TEXT, total_cents INTEGER, open_cents INTEGER);
INSERT INTO customers VALUES (1, 'Brasserie du Parvis SRL', 'c1@client.example', NULL, 'fr', 'BE', 'BE0123456749');
INSERT INTO invoices VALUES (1, 'F-1', 1, date('now', '-40 days'), date('now', '-10 days'), 12500, 12500);
SQL
chgrp ledger /srv/billing/*
chmod 660 /srv/billing/*
umask 022

# An authority of the firm's own, a certificate that is good and one that was good last year.
mkdir -p /srv/tls/ca && cd /srv/tls
cat >ca.cnf <<'CNF'
[ca]
default_ca = firm
[firm]
dir = /srv/tls/ca
new_certs_dir = /srv/tls/ca
database = /srv/tls/ca/index
serial = /srv/tls/ca/serial
default_md = sha256
policy = any
unique_subject = no
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = DNS:localhost
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
CNF
touch ca/index && echo 01 >ca/serial
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=The firm' -keyout ca.key -out ca.pem 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
sign() {
  openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in server.csr -out "$1.crt" -startdate "$2" -enddate "$3" 2>/dev/null
  cat server.key "$1.crt" >"$1.pem"
}
year=$(date +%Y)
sign valid "$((year - 1))0101000000Z" "$((year + 5))0101000000Z"
sign expired "$((year - 2))0101000000Z" "$((year - 1))0101000000Z"
cp valid.pem server.pem

# The mail server: Postfix's program that takes every mail and keeps it in a file, a second for each, and TLS before it.
install -d -o nobody /srv/mail
cat >/etc/systemd/system/mail.service <<'UNIT'
[Service]
ExecStart=/usr/sbin/smtp-sink -u nobody -w 1 -d /srv/mail/%%Y%%m%%d%%H%%M. 127.0.0.1:2525 100
[Install]
WantedBy=multi-user.target
UNIT
cat >/srv/tls/stunnel.conf <<'CONF'
foreground = yes
[smtps]
accept = 127.0.0.1:4465
connect = 127.0.0.1:2525
cert = /srv/tls/server.pem
CONF
cat >/etc/systemd/system/mail-tls.service <<'UNIT'
[Service]
ExecStart=/usr/bin/stunnel4 /srv/tls/stunnel.conf
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --quiet --now mail mail-tls
