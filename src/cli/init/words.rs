//! The comments of a relance.toml that `init` writes: what a firm may want to change later, with the defaults.

/// The schema, where a package has put it.
const SCHEMA: &str = "/usr/share/relance/schema/relance.schema.json";

/// What stands at the top. The first line tells editors where the schema is; without a package there is none to name.
pub(super) fn head() -> String {
    let schema = match std::path::Path::new(SCHEMA).exists() {
        true => format!("#:schema file://{SCHEMA}\n"),
        false => String::new(),
    };
    format!("{schema}{HEAD}")
}

const HEAD: &str = "\
# relance.toml, written by `relance init`. What begins with \"# \" and a key is left out and shows the default, or an example.
# `relance check` tells what is wrong, with line and column; `relance schema` prints what an editor needs to complete keys.
#
# Beside this file may lie
#   conf.d/*.toml   more of the same, read in the order of their names; the last word counts
#   cadences/       your own steps; if this folder exists, its files are the only cadences
#   letters/        your own wording, letters/LANGUAGE/NAME.md and NAME.sms
# A variable such as RELANCE__GUARD__DRY_RUN=true overrides a key. Paths are taken from this file's folder.
";

/// Behind the ledger.
pub(super) const SOURCE: &str = "\
# poll = \"*/10 * * * *\"                      # cron: minute hour day month weekday
# booking_lag = \"1 working day\"              # receipts are in the ledger so much later
# grace = \"2 working days\"                   # nobody is reminded before a payment of the due date can be booked
";

/// Of a database: what says better than a number of days up to when receipts are booked.
pub(super) const BOOKED: &str = "\
# booked_through = \"SELECT max(booked_on) FROM bank_lines\"   # the day up to which they are; in place of booking_lag
";

/// How an export is written.
pub(super) const EXPORT: &str = "\
# delimiter = \",\"                            # or \";\", \"|\", \"tab\"
# encoding = \"utf-8\"                         # or \"windows-1252\", \"iso-8859-15\", \"utf-16\"
# decimal = \".\"                              # or \",\"
# date = \"%d/%m/%Y\"                          # left out: YYYY-MM-DD
# columns.due_on = \"Due date\"                # the header of each column that has not relance's own name
";

/// Behind the mail server.
pub(super) const EMAIL: &str = "\
# connections = 4                            # at the same time
# max_per_minute = 600                       # left out: no limit
";

/// Where there is no mail server.
pub(super) const NO_EMAIL: &str = "\
# [email]                                    # left out: no e-mail leaves
# from = \"Accounts <accounts@example.org>\"
# smtp = \"smtp://mail.example.org:587\"
# user = \"accounts\"
# password = { credential = \"smtp\" }
";

/// Where there is no gateway.
pub(super) const NO_SMS: &str = "\
# [sms]                                      # left out: no SMS
# gateway = \"kannel\"                         # kannel, twilio, a file in gateways/, or \"file\" with url = \"file:///path\"
# url = \"http://127.0.0.1:13013\"
";

/// Behind what keeps sending safe.
pub(super) const GUARD: &str = "\
# max_data_age = \"36h\"                       # older data stops sending
# contacts_per_7_days = 3                    # per customer, over all channels
";

/// What stands at the end.
pub(super) const TAIL: &str = "\
[report]                                     # what waits and what happened, as a mail to you on your working days
# morning = \"07:30\"                          # in your own zone; or \"off\"

# [documents]                                # left out: no copies of invoices go along
# folder = \"/srv/billing/pdf\"                # the column `document` is a path below it

[retention]                                  # personal data, once nothing is claimed
# messages = \"3 years\"
# notes = \"3 years\"
# customers = \"3 years\"
";
