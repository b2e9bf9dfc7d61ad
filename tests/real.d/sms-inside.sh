# Run in the booted machine by tests/real, beside relance: Kannel with its fake SMS centre, and a second centre that refuses.
# $1: the URL to which Kannel hands what customers write.
set -euo pipefail

# The second centre, for numbers that begin with +32499: an HTTP gateway that says no to everything.
cat >/etc/systemd/system/refuser.socket <<'UNIT'
[Socket]
ListenStream=127.0.0.1:14099
Accept=yes
UNIT
cat >'/etc/systemd/system/refuser@.service' <<'UNIT'
[Service]
ExecStart=/srv/office/refuser
StandardInput=socket
StandardOutput=socket
UNIT
cat >/srv/office/refuser <<'CGI'
#!/bin/bash
while IFS= read -r line && [ "${line%$'\r'}" != "" ]; do :; done
printf 'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 18\r\nConnection: close\r\n\r\nabsent subscriber.'
CGI
chmod 755 /srv/office/refuser

cat >/etc/kannel/kannel.conf <<CONF
group = core
admin-port = 14000
admin-password = s3cret
smsbox-port = 14001
box-allow-ip = "127.0.0.1"
dlr-storage = internal
log-file = "/var/log/kannel/bearerbox.log"

group = smsc
smsc = fake
smsc-id = FAKE
port = 10000
connect-allow-ip = "127.0.0.1"
denied-prefix = "+32499"

group = smsc
smsc = http
smsc-id = REFUSES
system-type = kannel
smsc-username = any
smsc-password = any
port = 14002
connect-allow-ip = "127.0.0.1"
send-url = "http://127.0.0.1:14099/"
allowed-prefix = "+32499"

group = smsbox
bearerbox-host = "127.0.0.1"
sendsms-port = 13013
log-file = "/var/log/kannel/smsbox.log"

group = sendsms-user
username = relance
password = s3cret

group = sms-service
keyword = default
get-url = "$1?from=%p&to=%P&text=%a&id=%I&at=%t"
max-messages = 0
CONF
for box in bearerbox smsbox; do
  printf '[Service]\nExecStart=/usr/sbin/%s -v 1 /etc/kannel/kannel.conf\nUser=kannel\nRestart=on-failure\nRestartSec=1\n' "$box" >"/etc/systemd/system/$box.service"
done
install -d -o kannel /var/log/kannel
systemctl daemon-reload
systemctl start refuser.socket bearerbox
systemctl start smsbox
