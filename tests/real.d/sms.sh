# shellcheck shell=bash
# What comes back by SMS, by a gateway that nobody here wrote: Kannel with its fake SMS centre sends receipts and what
# customers write to relance's listener. Goes on where mail.sh ended. Read in by tests/real.

fake=/usr/lib/kannel/test/fakesmsc

# telephone SENDER TEXT: the fake SMS centre, at which somebody writes; it takes what is sent to telephones meanwhile.
telephone() {
  inside systemctl stop telephone 2>/dev/null || true
  inside systemd-run --quiet --collect --unit telephone "$fake" -H 127.0.0.1 -r 10000 -i 0.1 -m 1 "$1 1234 text $2"
}

# sms_settings: those of mail, with a gateway and the listener.
sms_settings() {
  mail_settings 1h | sed -e '/^# \[listen\]/,/^# public/s/^# //' -e 's|^public = .*|public = "http://127.0.0.1:8480"|'
  printf '[sms]\ngateway = "kannel"\nurl = "http://127.0.0.1:13013"\nuser = "relance"\npassword = { credential = "sms" }\nfrom = "Canal"\n'
}

answers_at() { inside bash -c "exec 3<>/dev/tcp/127.0.0.1/$1"; }

sms_tests() {
  local url debtor
  if [ ! -e "$work/tree$fake" ]; then
    echo "tests/real: left out: what comes back by SMS, because kannel-extras cannot be had from $mirror"
    return
  fi
  say "what comes back by SMS: Kannel and its fake SMS centre"
  sms_settings >"$work/shared/sms.toml"
  cp tests/real.d/sms-inside.sh "$work/shared/sms-inside.sh"
  inside_script <<'SCRIPT'
install -m 644 /shared/sms.toml /etc/relance/relance.toml
install -m 600 /dev/null /etc/credstore/relance.sms
echo s3cret >/etc/credstore/relance.sms
sed -e 's/^name = .*/name = "texts"\napplies_to = { debtor = ["9", "10", "11"] }/' -e 's/"email"/"sms"/' \
  -e '/^id = "firm"/,$d' /etc/relance/cadences/standard.toml | sed '$d' >/etc/relance/cadences/texts.toml
sqlite3 /srv/billing/invoices.db "INSERT INTO customers VALUES (9, 'Phone Ltd', NULL, '+32470123409', 'en', 'BE', 'BE0123456749'),
  (10, 'Absent Ltd', NULL, '+32499123410', 'en', 'BE', 'BE0123456749'), (11, 'Writer Ltd', NULL, '+32470123411', 'en', 'BE', 'BE0123456749')"
SCRIPT
  relance check >"$work/sms-check.log" || { cat "$work/sms-check.log" >&2; fail "check"; }
  url=$(relance hook | head -n 1)
  inside bash -euo pipefail /shared/sms-inside.sh "$url"
  inside systemctl restart relance
  wait_for 30 "the listener" answers_at 8480
  wait_for 30 "Kannel" answers_at 13013
  # Somebody whom nobody knows writes first.
  telephone +32470999999 'Who are you?'

  owes 9 10 11
  for debtor in 9 10 11; do wait_for 60 "the SMS to $debtor" accepts "$debtor" 1; done
  wait_for 60 "a receipt of what arrived" came 9 '"via":"sms"' '"kind":"delivered"'
  wait_for 60 "another" came 11 '"kind":"delivered"'
  wait_for 60 "a receipt of what was refused" came 10 '"via":"sms"' '"kind":"failed"'
  lines log --debtor 10 --json -- '"outcome":"refused"' '"why":"returned"' >/dev/null || fail "the log of what was refused"
  decides 10 '"reason":"cannot_reach"' >/dev/null || fail "explain of what was refused"
  stranger_wrote() { lines inbox --unmatched --json -- '"via":"sms"' '"text":""'; }
  wait_for 30 "a stranger's SMS among what belongs to nobody" stranger_wrote

  telephone +32470123411 'We pay on Friday'
  wait_for 60 "an answer by SMS" has_written 11 'We pay on Friday'
  decides 11 '"reason":"reply_unread"' >/dev/null || fail "explain of an answer by SMS"
  telephone +32470123409 'STOP'
  wait_for 60 "the STOP" came 9 '"kind":"stop"'
  # Another invoice for all: none of them gets another SMS but the one that was only refused once.
  owes 9 11 10
  wait_for 60 "another SMS to a number that is not dead" accepts 10 2
  accepts 9 1 || fail "an SMS left after STOP"
  decides 9 '"reason":"no_address"' 'wants no more SMS' >/dev/null || fail "explain of a STOP"
  accepts 11 1 || fail "an SMS left although an answer is unread"
  echo "delivered, refused, answered, stopped: $(relance inbox --all --json | grep -c '"via":"sms"') things came by SMS"
  inside systemctl stop telephone smsbox bearerbox refuser.socket
}
