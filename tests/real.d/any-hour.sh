# Run in the booted machine by tests/real: the one thing that is not as in README.md, a window that is open at every hour of
# every day, because a test runs at any.
set -euo pipefail

install -d /etc/relance/cadences /etc/relance/calendars
printf 'name = "Belgium"\n[[holiday]]\nname = "none any more"\non = "1999-01-01"\n' >/etc/relance/calendars/BE.toml
cat >/etc/relance/cadences/standard.toml <<'CADENCE'
name = "standard"
[window]
days = "mon-sun"
hours = "00:00-24:00"
[window.sms]
days = "mon-sun"
hours = "00:00-24:00"
[[step]]
id = "reminder"
when = "1 day after due"
channel = "email"
CADENCE
