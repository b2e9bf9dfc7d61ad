//! What is compiled in: calendars, zones, cadences, gateways and letters. A file of the same name beside
//! relance.toml takes the place of one here.

/// A compiled-in file: its path below the folder of relance.toml, and its text.
pub type Bundled = (&'static str, &'static str);

/// A JSON Schema for the editors of those who write the files that relance reads.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its path below the folder of what is shipped.
    pub path: &'static str,
    /// The schema.
    pub text: &'static str,
}

impl Schema {
    /// What it is for, in one word: `relance`, `cadence`.
    pub fn name(&self) -> &'static str {
        self.path.trim_start_matches("schema/").trim_end_matches(".schema.json")
    }
}

/// The JSON Schemas. Nothing here is checked against them: they repeat what the reader says, and a test holds them to it.
pub const SCHEMAS: &[Schema] = &[
    Schema { path: "schema/relance.schema.json", text: include_str!("../../config/schema/relance.schema.json") },
    Schema { path: "schema/cadence.schema.json", text: include_str!("../../config/schema/cadence.schema.json") },
    Schema { path: "schema/gateway.schema.json", text: include_str!("../../config/schema/gateway.schema.json") },
    Schema { path: "schema/source.schema.json", text: include_str!("../../config/schema/source.schema.json") },
    Schema { path: "schema/calendar.schema.json", text: include_str!("../../config/schema/calendar.schema.json") },
    Schema { path: "schema/law.schema.json", text: include_str!("../../config/schema/law.schema.json") },
    Schema { path: "schema/reach.schema.json", text: include_str!("../../config/schema/reach.schema.json") },
];

/// Public holidays by country.
pub const CALENDARS: &[Bundled] = &[
    ("calendars/AT.toml", include_str!("../../config/calendars/AT.toml")),
    ("calendars/BE.toml", include_str!("../../config/calendars/BE.toml")),
    ("calendars/CH.toml", include_str!("../../config/calendars/CH.toml")),
    ("calendars/DE.toml", include_str!("../../config/calendars/DE.toml")),
    ("calendars/ES.toml", include_str!("../../config/calendars/ES.toml")),
    ("calendars/FR.toml", include_str!("../../config/calendars/FR.toml")),
    ("calendars/GB.toml", include_str!("../../config/calendars/GB.toml")),
    ("calendars/IE.toml", include_str!("../../config/calendars/IE.toml")),
    ("calendars/IT.toml", include_str!("../../config/calendars/IT.toml")),
    ("calendars/LU.toml", include_str!("../../config/calendars/LU.toml")),
    ("calendars/NL.toml", include_str!("../../config/calendars/NL.toml")),
];

/// The cadences that a firm can start with.
pub const CADENCES: &[Bundled] = &[
    ("cadences/business.toml", include_str!("../../config/cadences/business.toml")),
    ("cadences/consumer.toml", include_str!("../../config/cadences/consumer.toml")),
    ("cadences/consumer-be.toml", include_str!("../../config/cadences/consumer-be.toml")),
    ("cadences/consumer-fr.toml", include_str!("../../config/cadences/consumer-fr.toml")),
    ("cadences/key-account.toml", include_str!("../../config/cadences/key-account.toml")),
    ("cadences/public-body.toml", include_str!("../../config/cadences/public-body.toml")),
    ("cadences/unknown.toml", include_str!("../../config/cadences/unknown.toml")),
];

/// The tests beside the cadences.
pub const CADENCE_TESTS: &[Bundled] = &[
    ("cadences/tests/business.toml", include_str!("../../config/cadences/tests/business.toml")),
    ("cadences/tests/consumer.toml", include_str!("../../config/cadences/tests/consumer.toml")),
    ("cadences/tests/consumer-be.toml", include_str!("../../config/cadences/tests/consumer-be.toml")),
    ("cadences/tests/consumer-fr.toml", include_str!("../../config/cadences/tests/consumer-fr.toml")),
    ("cadences/tests/key-account.toml", include_str!("../../config/cadences/tests/key-account.toml")),
    ("cadences/tests/public-body.toml", include_str!("../../config/cadences/tests/public-body.toml")),
    ("cadences/tests/rules.toml", include_str!("../../config/cadences/tests/rules.toml")),
    ("cadences/tests/unknown.toml", include_str!("../../config/cadences/tests/unknown.toml")),
];

/// SMS gateways.
pub const GATEWAYS: &[Bundled] = &[
    ("gateways/brevo.toml", include_str!("../../config/gateways/brevo.toml")),
    ("gateways/kannel.toml", include_str!("../../config/gateways/kannel.toml")),
    ("gateways/messagebird.toml", include_str!("../../config/gateways/messagebird.toml")),
    ("gateways/ovh.toml", include_str!("../../config/gateways/ovh.toml")),
    ("gateways/twilio.toml", include_str!("../../config/gateways/twilio.toml")),
    ("gateways/vonage.toml", include_str!("../../config/gateways/vonage.toml")),
];

/// Invoicing systems with an HTTP API.
pub const SOURCES: &[Bundled] = &[
    ("sources/dolibarr.toml", include_str!("../../config/sources/dolibarr.toml")),
    ("sources/erpnext.toml", include_str!("../../config/sources/erpnext.toml")),
    ("sources/invoice-ninja.toml", include_str!("../../config/sources/invoice-ninja.toml")),
    ("sources/lago.toml", include_str!("../../config/sources/lago.toml")),
    ("sources/list.toml", include_str!("../../config/sources/list.toml")),
    ("sources/odoo.toml", include_str!("../../config/sources/odoo.toml")),
    ("sources/odoo-rpc.toml", include_str!("../../config/sources/odoo-rpc.toml")),
    ("sources/quickbooks.toml", include_str!("../../config/sources/quickbooks.toml")),
    ("sources/stripe.toml", include_str!("../../config/sources/stripe.toml")),
    ("sources/tryton.toml", include_str!("../../config/sources/tryton.toml")),
    ("sources/xero.toml", include_str!("../../config/sources/xero.toml")),
];

/// The words by which somebody wants no more SMS, by language.
pub const STOP: Bundled = ("stop.toml", include_str!("../../config/stop.toml"));

/// The law on late payment by country, and the phrases for it.
pub const LAW: &[Bundled] = &[
    ("law/AT.toml", include_str!("../../config/law/AT.toml")),
    ("law/BE.toml", include_str!("../../config/law/BE.toml")),
    ("law/CH.toml", include_str!("../../config/law/CH.toml")),
    ("law/DE.toml", include_str!("../../config/law/DE.toml")),
    ("law/ES.toml", include_str!("../../config/law/ES.toml")),
    ("law/FR.toml", include_str!("../../config/law/FR.toml")),
    ("law/GB.toml", include_str!("../../config/law/GB.toml")),
    ("law/IE.toml", include_str!("../../config/law/IE.toml")),
    ("law/IT.toml", include_str!("../../config/law/IT.toml")),
    ("law/LU.toml", include_str!("../../config/law/LU.toml")),
    ("law/NL.toml", include_str!("../../config/law/NL.toml")),
    ("law/words.toml", include_str!("../../config/law/words.toml")),
];

/// Letters and the words around them, by language.
pub const LETTERS: &[Bundled] = &[
    ("letters/de/consumer-courtesy.md", include_str!("../../templates/letters/de/consumer-courtesy.md")),
    ("letters/de/consumer-first.md", include_str!("../../templates/letters/de/consumer-first.md")),
    ("letters/de/consumer-nudge.sms", include_str!("../../templates/letters/de/consumer-nudge.sms")),
    ("letters/de/consumer-second.md", include_str!("../../templates/letters/de/consumer-second.md")),
    ("letters/de/courtesy.md", include_str!("../../templates/letters/de/courtesy.md")),
    ("letters/de/courtesy.sms", include_str!("../../templates/letters/de/courtesy.sms")),
    ("letters/de/final.md", include_str!("../../templates/letters/de/final.md")),
    ("letters/de/final.sms", include_str!("../../templates/letters/de/final.sms")),
    ("letters/de/firm.md", include_str!("../../templates/letters/de/firm.md")),
    ("letters/de/firm.sms", include_str!("../../templates/letters/de/firm.sms")),
    ("letters/de/key-account.md", include_str!("../../templates/letters/de/key-account.md")),
    ("letters/de/labels.toml", include_str!("../../templates/letters/de/labels.toml")),
    ("letters/de/public-enquiry.md", include_str!("../../templates/letters/de/public-enquiry.md")),
    ("letters/de/reminder.md", include_str!("../../templates/letters/de/reminder.md")),
    ("letters/de/reminder.sms", include_str!("../../templates/letters/de/reminder.sms")),
    ("letters/en/consumer-courtesy.md", include_str!("../../templates/letters/en/consumer-courtesy.md")),
    ("letters/en/consumer-first.md", include_str!("../../templates/letters/en/consumer-first.md")),
    ("letters/en/consumer-nudge.sms", include_str!("../../templates/letters/en/consumer-nudge.sms")),
    ("letters/en/consumer-second.md", include_str!("../../templates/letters/en/consumer-second.md")),
    ("letters/en/courtesy.md", include_str!("../../templates/letters/en/courtesy.md")),
    ("letters/en/courtesy.sms", include_str!("../../templates/letters/en/courtesy.sms")),
    ("letters/en/final.md", include_str!("../../templates/letters/en/final.md")),
    ("letters/en/final.sms", include_str!("../../templates/letters/en/final.sms")),
    ("letters/en/firm.md", include_str!("../../templates/letters/en/firm.md")),
    ("letters/en/firm.sms", include_str!("../../templates/letters/en/firm.sms")),
    ("letters/en/key-account.md", include_str!("../../templates/letters/en/key-account.md")),
    ("letters/en/labels.toml", include_str!("../../templates/letters/en/labels.toml")),
    ("letters/en/public-enquiry.md", include_str!("../../templates/letters/en/public-enquiry.md")),
    ("letters/en/reminder.md", include_str!("../../templates/letters/en/reminder.md")),
    ("letters/en/reminder.sms", include_str!("../../templates/letters/en/reminder.sms")),
    ("letters/fr/consumer-courtesy.md", include_str!("../../templates/letters/fr/consumer-courtesy.md")),
    ("letters/fr/consumer-first.md", include_str!("../../templates/letters/fr/consumer-first.md")),
    ("letters/fr/consumer-nudge.sms", include_str!("../../templates/letters/fr/consumer-nudge.sms")),
    ("letters/fr/consumer-second.md", include_str!("../../templates/letters/fr/consumer-second.md")),
    ("letters/fr/courtesy.md", include_str!("../../templates/letters/fr/courtesy.md")),
    ("letters/fr/courtesy.sms", include_str!("../../templates/letters/fr/courtesy.sms")),
    ("letters/fr/final.md", include_str!("../../templates/letters/fr/final.md")),
    ("letters/fr/final.sms", include_str!("../../templates/letters/fr/final.sms")),
    ("letters/fr/firm.md", include_str!("../../templates/letters/fr/firm.md")),
    ("letters/fr/firm.sms", include_str!("../../templates/letters/fr/firm.sms")),
    ("letters/fr/key-account.md", include_str!("../../templates/letters/fr/key-account.md")),
    ("letters/fr/labels.toml", include_str!("../../templates/letters/fr/labels.toml")),
    ("letters/fr/public-enquiry.md", include_str!("../../templates/letters/fr/public-enquiry.md")),
    ("letters/fr/reminder.md", include_str!("../../templates/letters/fr/reminder.md")),
    ("letters/fr/reminder.sms", include_str!("../../templates/letters/fr/reminder.sms")),
    ("letters/lint.toml", include_str!("../../templates/letters/lint.toml")),
    ("letters/nl/consumer-courtesy.md", include_str!("../../templates/letters/nl/consumer-courtesy.md")),
    ("letters/nl/consumer-first.md", include_str!("../../templates/letters/nl/consumer-first.md")),
    ("letters/nl/consumer-nudge.sms", include_str!("../../templates/letters/nl/consumer-nudge.sms")),
    ("letters/nl/consumer-second.md", include_str!("../../templates/letters/nl/consumer-second.md")),
    ("letters/nl/courtesy.md", include_str!("../../templates/letters/nl/courtesy.md")),
    ("letters/nl/courtesy.sms", include_str!("../../templates/letters/nl/courtesy.sms")),
    ("letters/nl/final.md", include_str!("../../templates/letters/nl/final.md")),
    ("letters/nl/final.sms", include_str!("../../templates/letters/nl/final.sms")),
    ("letters/nl/firm.md", include_str!("../../templates/letters/nl/firm.md")),
    ("letters/nl/firm.sms", include_str!("../../templates/letters/nl/firm.sms")),
    ("letters/nl/key-account.md", include_str!("../../templates/letters/nl/key-account.md")),
    ("letters/nl/labels.toml", include_str!("../../templates/letters/nl/labels.toml")),
    ("letters/nl/public-enquiry.md", include_str!("../../templates/letters/nl/public-enquiry.md")),
    ("letters/nl/reminder.md", include_str!("../../templates/letters/nl/reminder.md")),
    ("letters/nl/reminder.sms", include_str!("../../templates/letters/nl/reminder.sms")),
];

/// Words of the morning report, by language.
pub const REPORT: &[Bundled] = &[
    ("report/de.toml", include_str!("../../templates/report/de.toml")),
    ("report/en.toml", include_str!("../../templates/report/en.toml")),
    ("report/fr.toml", include_str!("../../templates/report/fr.toml")),
    ("report/nl.toml", include_str!("../../templates/report/nl.toml")),
];

/// The time zone of each country that has one.
pub const ZONES: Bundled = ("zones.toml", include_str!("../../config/zones.toml"));

/// What speaks for and against reaching somebody.
pub const REACH: Bundled = ("reach.toml", include_str!("../../config/reach.toml"));

/// Words in answers after which a person has to read.
pub const GRAVE: Bundled = ("grave.toml", include_str!("../../config/grave.toml"));
