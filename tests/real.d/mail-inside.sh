# Run in the booted machine by tests/real: a firm's mail server with the mailbox to which mail comes back, and behind it the
# mail server of the firm's customers, which takes some mails and refuses others, after ours has taken them all.
set -euo pipefail

# What an earlier part left here.
systemctl disable --quiet --now mail mail-tls 2>/dev/null || true
rm -rf /var/lib/relance /srv/billing /srv/office

# The ledger: its customers are called by what becomes of their mail.
install -d /srv/billing
sqlite3 /srv/billing/invoices.db <<'SQL'
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, language TEXT, country TEXT, vat_number TEXT);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT, customer_id INTEGER, issued_on TEXT, due_on TEXT, total_cents INTEGER, open_cents INTEGER);
INSERT INTO customers SELECT value ->> 0, value ->> 1, value ->> 2, NULL, 'en', 'BE', 'BE0123456749' FROM json_each('[
  [1, "Good Ltd", "good@client.example"], [2, "Gone Ltd", "gone@client.example"], [3, "Full Ltd", "full@client.example"],
  [4, "Large Ltd", "large@large.example"], [5, "Slow Ltd", "slow@client.example"], [6, "Reply Ltd", "reply@client.example"],
  [7, "Away Ltd", "away@client.example"], [8, "Later Ltd", "later@client.example"]]');
SQL

# An authority of the firm's own, and a certificate by it for both servers.
install -d /srv/office && cd /srv/office
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=The firm' -keyout ca.key -out ca.pem 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt 2>/dev/null

# bounces@ has the mailbox; compta@ is another name of it. customer holds what the customers' server took.
useradd --create-home --shell /usr/sbin/nologin bounces 2>/dev/null || rm -rf /home/bounces/Maildir
useradd --no-create-home --shell /usr/sbin/nologin customer 2>/dev/null || true
install -d -o customer /srv/office/customers
printf 'compta: bounces\npostmaster: root\nroot: /dev/null\n' >/etc/aliases

cat >/etc/postfix/main.cf <<'CF'
compatibility_level = 3.6
myhostname = mail.canal.example
myorigin = canal.example
mydestination = canal.example, $myhostname, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_tls_cert_file = /srv/office/server.crt
smtpd_tls_key_file = /srv/office/server.key
alias_maps = hash:/etc/aliases
home_mailbox = Maildir/
# README.md, "Addresses with tokens".
recipient_delimiter = +

relay_domains = client.example, large.example
transport_maps = inline:{ client.example=smtp:[127.0.0.1]:2626, large.example=smtp:[127.0.0.1]:2627 }
# Days as seconds.
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 2s
delay_warning_time = 4s
maximal_queue_lifetime = 16s
bounce_queue_lifetime = 16s

# The customers' server: what it says to whom.
customers = inline:{
    { gone@client.example = 550 5.1.1 User unknown },
    { full@client.example = 552 5.2.2 Mailbox full },
    { slow@client.example = 450 4.2.1 Mailbox busy, try again later } }
customer_recipients = check_recipient_access $customers, permit_mynetworks, reject
virtual_mailbox_base = /srv/office/customers
virtual_mailbox_maps = static:box/
virtual_mailbox_domains =
CF
printf 'virtual_uid_maps = static:%s\nvirtual_gid_maps = static:%s\n' "$(id -u customer)" "$(id -g customer)" >>/etc/postfix/main.cf
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cat >>/etc/postfix/master.cf <<'CF'
127.0.0.1:4465 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:2626 inet n - n - - smtpd
  -o myhostname=mx.client.example
  -o smtpd_recipient_restrictions=$customer_recipients
  -o content_filter=customer:
127.0.0.1:2627 inet n - n - - smtpd
  -o myhostname=mx.large.example
  -o message_size_limit=1000
customer unix - n n - - virtual
CF

cat >/etc/dovecot/dovecot.conf <<'CONF'
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = </srv/office/server.crt
ssl_key = </srv/office/server.key
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = passwd
}
CONF
echo 'bounces:{PLAIN}s3cret' >/etc/dovecot/users
chown root:dovecot /etc/dovecot/users && chmod 640 /etc/dovecot/users

newaliases
systemctl unmask --quiet postfix dovecot
systemctl daemon-reload
systemctl restart postfix dovecot

# relance, from its package.
apt-get install --yes "/shared/$1" >/var/log/relance-install.log 2>&1 || { cat /var/log/relance-install.log >&2; exit 1; }
install -m 644 /shared/mail.toml /etc/relance/relance.toml
install -m 644 /srv/office/ca.pem /etc/relance/ca.pem
install -m 600 /dev/null /etc/credstore/relance.inbox
echo 's3cret' >/etc/credstore/relance.inbox
bash /shared/any-hour.sh
cat >>/etc/relance/cadences/standard.toml <<'CADENCE'
[[step]]
id = "firm"
when = "30 days after reminder"
channel = "email"
CADENCE
