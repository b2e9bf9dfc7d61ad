# shellcheck shell=bash
# Mail that comes back, by servers that nobody here wrote: Postfix sends and reports, Dovecot keeps the mailbox. What is
# asserted is what the program's own verbs say, and what is sent next. Read in by tests/real.

# The example's own [inbox] with a server on this machine, and limits that let a customer be written to several times in
# one minute. mail_settings POLL
mail_settings() {
  settings false | sed -e '/^# \[inbox\]/,/^# max_size/s/^# //' -e 's|^url = "imaps://.*|url = "imaps://localhost"|' \
    -e "s|^poll = \"5m\".*|poll = \"$1\"|" -e 's|^# bounce_address = |bounce_address = |' \
    -e 's|^# \(contacts_per_[a-z0-9_]*\) = .*|\1 = 50|'
}

# lines VERB… -- WORD…: the lines of what a verb prints that have all these words; fails if there are none.
lines() {
  local verb=() found word
  while [ "$1" != -- ]; do
    verb+=("$1")
    shift
  done
  shift
  found=$(relance "${verb[@]}")
  for word; do found=$(grep -F -- "$word" <<<"$found") || return 1; done
  printf '%s\n' "$found"
}

count() { lines "$@" | wc -l || true; }

# came DEBTOR WORD…: something came back for a customer.
came() {
  local debtor=$1
  shift
  lines inbox --all --json -- "\"debtor\":\"$debtor\"" "$@"
}

nothing_came() {
  local found
  found=$(relance inbox "$1" --all --json) && [ -z "$found" ]
}

# decides DEBTOR WORD…: what `explain` says of a customer.
decides() {
  local debtor=$1
  shift
  lines explain "debtor:$debtor" --json -- "$@"
}

# accepts DEBTOR COUNT: so many messages to a customer were accepted.
accepts() { [ "$(count log --debtor "$1" --json -- '"outcome":"accepted"')" = "$2" ]; }

# told EVENT SINCE: the journal has an event.
told() { inside journalctl -u relance --no-pager -q --since "$2" "RELANCE_EVENT=$1" | grep -q .; }

invoice=0
# owes DEBTOR…: one more invoice for each, that fell due ten days ago.
owes() {
  local debtor
  for debtor; do
    invoice=$((invoice + 1))
    ledger "INSERT INTO invoices VALUES ($invoice, 'M-$invoice', $debtor, date('now', '-40 days'), date('now', '-10 days'), 12500, 12500)"
  done
}

# The mail that reached a customer last. mail_of NAME
mail_of() { inside bash -c "grep -rlxF 'Delivered-To: $1@client.example' /srv/office/customers/box/new | xargs -r ls -t | head -n 1 | xargs -r cat"; }
field() { tr -d '\r' | sed -n "s/^$1: *//Ip" | head -n 1; }
has_mail() { [ -n "$(mail_of "$1")" ]; }

# Hands a mail from standard input to the firm's server. writes ENVELOPE-FROM TO
writes() { inside sendmail -i -f "$1" "$2"; }

# answers NAME ID TEXT…: a person answers the last mail that reached them.
answers() {
  local name=$1 id=$2 mail
  shift 2
  mail=$(mail_of "$name")
  printf '%s\n' "From: $name@client.example" "To: $(field Reply-To <<<"$mail")" "Subject: Re: $(field Subject <<<"$mail")" \
    "Message-ID: <$id@client.example>" "In-Reply-To: $(field Message-ID <<<"$mail")" "Date: $(date -R)" "$@" |
    writes "$name@client.example" "$(field Reply-To <<<"$mail" | sed 's/.*<//; s/>.*//')"
}

mail_tests() {
  if [ ! -e "$work/tree/usr/sbin/dovecot" ]; then
    echo "tests/real: left out: mail that comes back, because dovecot-imapd cannot be had from $mirror"
    return
  fi
  say "mail that comes back: a mail server, a mailbox, the package"
  cp "$deb" "$work/shared/"
  cp tests/real.d/mail-inside.sh tests/real.d/any-hour.sh "$work/shared/"
  mail_settings 10s >"$work/shared/mail.toml"
  inside bash -euo pipefail /shared/mail-inside.sh "${deb##*/}"
  relance check >"$work/mail-check.log" || { cat "$work/mail-check.log" >&2; fail "check"; }
  owes 1 2 3 4 5 6 7
  inside systemctl enable --quiet --now relance

  say "reports of Postfix"
  report_tests
  say "what is sent after them"
  next_tests
  say "answers, of people and machines"
  answer_tests
  say "a forged report"
  forged_test
  say "the mailbox is away, and the service is started again"
  away_test
  sms_tests
  relance log verify >/dev/null || fail "log verify"
  inside systemctl stop relance
}

failed_times() { [ "$(count inbox --all --json -- "\"debtor\":\"$1\"" '"kind":"failed"')" = "$2" ]; }

# still_accepted TIMES: a delay turns nothing into a refusal, before the message has failed for so many times.
still_accepted() {
  local refused
  refused=$(count log --debtor 5 --json -- '"why":"returned"')
  [ "$refused" = "$(($1 - 1))" ] || failed_times 5 "$1" || fail "a delay counts as a refusal"
}

report_tests() {
  local debtor
  for debtor in 1 2 3 4 5 6 7; do wait_for 60 "the mail to $debtor" accepts "$debtor" 1; done
  wait_for 30 "a mail in a customer's box" has_mail good

  wait_for 60 "the report on an unknown user" came 2 '"kind":"failed"' '"class":"address"' '"matched_by":"token"'
  wait_for 60 "the report on a full box" came 3 '"kind":"failed"' '"class":"mailbox"' '"matched_by":"token"'
  wait_for 60 "the report on what is too large" came 4 '"kind":"failed"' '"class":"message"' '"matched_by":"token"'
  wait_for 60 "the report of a delay" came 5 '"kind":"delayed"'
  still_accepted 1
  wait_for 60 "the report of what expired" came 5 '"kind":"failed"' '"class":"mailbox"'
  for debtor in 2 3 4 5; do
    lines log --debtor "$debtor" --json -- '"outcome":"refused"' '"why":"returned"' >/dev/null || fail "the log of $debtor"
  done
  for debtor in 1 6 7; do nothing_came "$debtor" || fail "something came back for $debtor, whose mail arrived"; done
}

# reconfigure POLL: another interval for the mailbox, in the running service.
reconfigure() {
  mail_settings "$1" >"$work/shared/mail.toml"
  inside install -m 644 /shared/mail.toml /etc/relance/relance.toml
  inside systemctl reload relance || fail "the reload"
}

next_tests() {
  local debtor
  decides 1 '"reason":"not_yet"' '"step":"firm"' >/dev/null || fail "explain of a mail that arrived"
  decides 2 '"reason":"no_address"' 'dead (550 5.1.1' >/dev/null || fail "explain of an unknown user"
  for debtor in 3 4 5; do decides "$debtor" '"reason":"cannot_reach"' >/dev/null || fail "explain of $debtor"; done

  # From here on the mailbox is looked at once an hour, unless the server tells of news (IDLE).
  reconfigure 1h
  # Another invoice for each: who can still be written to is written to, and comes back again.
  owes 2 1 3 4 5
  for debtor in 1 3 4 5; do wait_for 60 "another mail to $debtor" accepts "$debtor" 2; done
  delayed_again() { [ "$(count inbox --all --json -- '"debtor":"5"' '"kind":"delayed"')" = 2 ]; }
  wait_for 60 "another report of a delay" delayed_again
  still_accepted 2
  for debtor in 3 4 5; do wait_for 60 "another report on $debtor" failed_times "$debtor" 2; done
  accepts 2 1 || fail "a dead address was written to"
  decides 2 '"reason":"no_address"' >/dev/null || fail "explain of a dead address"
  echo "dead: 5.1.1 alone; full, too large and expired were written to again"
}

has_written() { came "$1" '"kind":"reply"' '"state":"unread"' "$2"; }
id_of() { sed 's/.*"id":\([0-9]*\),.*/\1/'; }

answer_tests() {
  local back id
  answers reply r1 '' 'We have paid this on Tuesday. Please look again.' '' '> We do not appear to have received payment'
  wait_for 30 "the answer of a person" has_written 6 '"matched_by":"token"'
  has_written 6 '"text":"We have paid this on Tuesday. Please look again."' >/dev/null || fail "a person's own words"
  decides 6 '"decision":"hold"' '"reason":"reply_unread"' >/dev/null || fail "explain of a person's answer"
  told_of() { inside bash -c "grep -rlx 'Subject: relance: 6 has written' /home/bounces/Maildir | xargs grep -q 'We have paid this on Tuesday'"; }
  wait_for 30 "the letter to the creditor, with the text" told_of

  # A machine's answer, from a mailbox whose owner is away.
  back=$(date -u -d '+20 days' '+%d.%m.%Y')
  answers away a1 'Auto-Submitted: auto-replied (vacation)' 'Precedence: bulk' '' "Ich bin bis $back nicht im Haus."
  wait_for 30 "the answer of a machine" came 7 '"kind":"automatic"' '"back_on":"20'

  # Held is the one and not the other: another invoice for both.
  owes 6 7
  wait_for 60 "another mail to who is away" accepts 7 2
  accepts 6 1 || fail "a customer was written to whose answer is unread"
  decides 6 '"reason":"reply_unread"' >/dev/null || fail "explain of an unread answer"
  id=$(came 6 '"kind":"reply"' | id_of)
  relance inbox read "$id" --by Ann --remark 'paid only in part' >/dev/null || fail "inbox read $id"
  wait_for 60 "another mail once the answer was read" accepts 6 2
  came 6 '"state":"read"' '"by":"Ann"' >/dev/null || fail "the answer is not read"
  [ "$(count inbox --all --json -- '"kind":"reply"')" = 1 ] || fail "relance's own letters count as answers"
  echo "an unread answer held one customer; the machine's held nobody"
}

# report_on ADDRESS: what a mail server says of an unknown user.
report_on() {
  cat <<MAIL
From: Mail Delivery System <MAILER-DAEMON@mx.client.example>
Subject: Undelivered Mail Returned to Sender
To: sender
Message-ID: <forged@mx.client.example>
Date: $(date -R)
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<$1>: 550 5.1.1 User unknown

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example

Final-Recipient: rfc822; $1
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b--
MAIL
}

# In the true report's form, to the true address but for one sign of the token.
forged_test() {
  local to before
  to=$(mail_of good | field Return-Path | tr -d '<>')
  case $to in bounces+*-*-*0@*) to=${to%0@*}1@${to#*@} ;; *) to=${to%?@*}0@${to#*@} ;; esac
  before=$(relance log --debtor 1 --json)
  report_on good@client.example | writes '' "$to"
  unmatched() { [ "$(count inbox --unmatched --json -- '"kind":"failed"' '"matched_by":null' '"debtor":null')" = 1 ]; }
  wait_for 30 "the forged report among what belongs to nobody" unmatched
  printf '%s\n' 'From: somebody@elsewhere.example' 'To: compta@canal.example' 'Subject: Stop' '' 'Good Ltd is closed.' |
    writes somebody@elsewhere.example compta@canal.example
  stranger() { lines inbox --unmatched --json -- '"kind":"reply"' '"from":"somebody@elsewhere.example"' '"text":""'; }
  wait_for 30 "a stranger's mail among what belongs to nobody" stranger
  nothing_came 1 || fail "a forged report belongs to a customer"
  [ "$(relance log --debtor 1 --json)" = "$before" ] || fail "a forged report changed the log"
  decides 1 '"reason":"not_yet"' >/dev/null || fail "a forged report changed what comes next"
  owes 1
  wait_for 60 "another mail after a forged report" accepts 1 3
}

away_test() {
  local since before
  reconfigure 10s
  since=$(now)
  inside systemctl stop dovecot
  wait_for 60 "the journal to say so" told inbox_failed "$since"
  owes 8
  wait_for 60 "a mail while the mailbox is away" accepts 8 1
  wait_for 30 "that mail in the customer's box" has_mail later
  answers later r2 '' 'Which invoice is this?'
  since=$(now)
  inside systemctl start dovecot
  wait_for 60 "the mailbox again" told inbox_back "$since"
  wait_for 30 "the answer that came meanwhile" has_written 8 '"matched_by":"token"'

  before=$(relance inbox --all --json)
  since=$(now)
  inside systemctl restart relance
  owes 7
  wait_for 60 "a mail after the restart" accepts 7 3
  [ "$(relance inbox --all --json)" = "$before" ] || fail "read again after a restart"
  inside systemd-run --quiet --wait --pipe --uid=relance -p LoadCredential=inbox:/etc/credstore/relance.inbox \
    relance check --connect >"$work/connect.log" 2>&1 || { cat "$work/connect.log" >&2; fail "check --connect"; }
  grep -F 'localhost:993 answers, logged in' "$work/connect.log" || { cat "$work/connect.log" >&2; fail "check --connect"; }
}
