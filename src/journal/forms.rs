//! The forms that an event can take: text, JSON, the journal's fields. Times are UTC in each, whatever zone the machine has.

use super::line::Line;
use serde_json::{Map, Value, json};
use tracing::Level;

/// The time as it stands in text and JSON.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// `2026-11-22T09:00:00.000Z  INFO ledger read rows=12`
pub(super) fn text(line: &Line) -> String {
    format!("{} {:>5} {}\n", line.at.strftime(TIME), line.level.as_str(), line.sentence())
}

/// One object: `timestamp`, `level`, `fields` with `message`, `event` and the rest.
pub(super) fn json(line: &Line) -> String {
    let mut fields = Map::new();
    fields.insert("message".to_owned(), Value::String(line.message.clone()));
    fields.extend(line.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let time = line.at.strftime(TIME).to_string();
    format!("{}\n", json!({ "timestamp": time, "level": line.level.as_str(), "fields": fields }))
}

/// A datagram of the journal's own protocol: a field a line. No value holds the end of one.
pub(super) fn fields(line: &Line) -> Vec<u8> {
    let priority = match line.level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    let mut out = format!("MESSAGE={}\nPRIORITY={priority}\nSYSLOG_IDENTIFIER=relance\n", line.sentence());
    for (name, value) in &line.fields {
        out.push_str("RELANCE_");
        out.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
        out.push('=');
        match value {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_string()),
        }
        out.push('\n');
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn line() -> Line {
        Line {
            at: Timestamp::from_millisecond(1_795_338_000_007).unwrap(),
            level: Level::WARN,
            message: "messages sent".to_owned(),
            fields: vec![
                ("event", "messages_sent".into()),
                ("channel", "email".into()),
                ("refused", 2.into()),
                ("error", "550 no \"such\" user".into()),
            ],
        }
    }

    #[test]
    fn each_form_says_the_same() {
        let sentence = "messages sent channel=email refused=2 error=550 no \"such\" user";
        assert_eq!(text(&line()), format!("2026-11-22T09:00:00.007Z  WARN {sentence}\n"));
        let told: Value = serde_json::from_str(&json(&line())).unwrap();
        let fields_of = json!({"message": "messages sent", "event": "messages_sent", "channel": "email", "refused": 2, "error": "550 no \"such\" user"});
        assert_eq!(told, json!({"timestamp": "2026-11-22T09:00:00.007Z", "level": "WARN", "fields": fields_of}));
        let datagram = String::from_utf8(fields(&line())).unwrap();
        let wanted = format!(
            "MESSAGE={sentence}\nPRIORITY=4\nSYSLOG_IDENTIFIER=relance\nRELANCE_EVENT=messages_sent\nRELANCE_CHANNEL=email\nRELANCE_REFUSED=2\nRELANCE_ERROR=550 no \"such\" user\n"
        );
        assert_eq!(datagram, wanted);
    }
}
