//! What is compiled in: calendars, zones, cadences, gateways and letters. A file of the same name beside
//! relance.toml takes the place of one here.

/// A compiled-in file: its path below the folder of relance.toml, and its text.
pub type Bundled = (&'static str, &'static str);

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

/// The cadence for those who have none of their own.
pub const CADENCES: &[Bundled] = &[("cadences/standard.toml", include_str!("../../config/cadences/standard.toml"))];

/// SMS gateways.
pub const GATEWAYS: &[Bundled] = &[
    ("gateways/kannel.toml", include_str!("../../config/gateways/kannel.toml")),
    ("gateways/twilio.toml", include_str!("../../config/gateways/twilio.toml")),
];

/// Letters and the words around them, by language.
pub const LETTERS: &[Bundled] = &[
    ("letters/de/courtesy.md", include_str!("../../templates/letters/de/courtesy.md")),
    ("letters/de/courtesy.sms", include_str!("../../templates/letters/de/courtesy.sms")),
    ("letters/de/final.md", include_str!("../../templates/letters/de/final.md")),
    ("letters/de/final.sms", include_str!("../../templates/letters/de/final.sms")),
    ("letters/de/firm.md", include_str!("../../templates/letters/de/firm.md")),
    ("letters/de/firm.sms", include_str!("../../templates/letters/de/firm.sms")),
    ("letters/de/labels.toml", include_str!("../../templates/letters/de/labels.toml")),
    ("letters/de/reminder.md", include_str!("../../templates/letters/de/reminder.md")),
    ("letters/de/reminder.sms", include_str!("../../templates/letters/de/reminder.sms")),
    ("letters/en/courtesy.md", include_str!("../../templates/letters/en/courtesy.md")),
    ("letters/en/courtesy.sms", include_str!("../../templates/letters/en/courtesy.sms")),
    ("letters/en/final.md", include_str!("../../templates/letters/en/final.md")),
    ("letters/en/final.sms", include_str!("../../templates/letters/en/final.sms")),
    ("letters/en/firm.md", include_str!("../../templates/letters/en/firm.md")),
    ("letters/en/firm.sms", include_str!("../../templates/letters/en/firm.sms")),
    ("letters/en/labels.toml", include_str!("../../templates/letters/en/labels.toml")),
    ("letters/en/reminder.md", include_str!("../../templates/letters/en/reminder.md")),
    ("letters/en/reminder.sms", include_str!("../../templates/letters/en/reminder.sms")),
    ("letters/fr/courtesy.md", include_str!("../../templates/letters/fr/courtesy.md")),
    ("letters/fr/courtesy.sms", include_str!("../../templates/letters/fr/courtesy.sms")),
    ("letters/fr/final.md", include_str!("../../templates/letters/fr/final.md")),
    ("letters/fr/final.sms", include_str!("../../templates/letters/fr/final.sms")),
    ("letters/fr/firm.md", include_str!("../../templates/letters/fr/firm.md")),
    ("letters/fr/firm.sms", include_str!("../../templates/letters/fr/firm.sms")),
    ("letters/fr/labels.toml", include_str!("../../templates/letters/fr/labels.toml")),
    ("letters/fr/reminder.md", include_str!("../../templates/letters/fr/reminder.md")),
    ("letters/fr/reminder.sms", include_str!("../../templates/letters/fr/reminder.sms")),
    ("letters/nl/courtesy.md", include_str!("../../templates/letters/nl/courtesy.md")),
    ("letters/nl/courtesy.sms", include_str!("../../templates/letters/nl/courtesy.sms")),
    ("letters/nl/final.md", include_str!("../../templates/letters/nl/final.md")),
    ("letters/nl/final.sms", include_str!("../../templates/letters/nl/final.sms")),
    ("letters/nl/firm.md", include_str!("../../templates/letters/nl/firm.md")),
    ("letters/nl/firm.sms", include_str!("../../templates/letters/nl/firm.sms")),
    ("letters/nl/labels.toml", include_str!("../../templates/letters/nl/labels.toml")),
    ("letters/nl/reminder.md", include_str!("../../templates/letters/nl/reminder.md")),
    ("letters/nl/reminder.sms", include_str!("../../templates/letters/nl/reminder.sms")),
];

/// The time zone of each country that has one.
pub const ZONES: Bundled = ("zones.toml", include_str!("../../config/zones.toml"));
