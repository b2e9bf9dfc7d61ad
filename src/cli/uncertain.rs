//! `uncertain`: messages that may or may not have left, and a person's word on them.

use super::out;
use super::{CliError, open};
use crate::clock::Clock;
use crate::domain::time::local_date;
use crate::flow::word;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The message's number
    #[arg(requires = "word")]
    #[arg(value_parser = super::number)]
    id: Option<i64>,
    /// sent: it has arrived; resend: send it (again); drop: it shall not leave (again)
    #[arg(value_enum)]
    word: Option<Word>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Word {
    Sent,
    Resend,
    Drop,
}

impl From<Word> for word::Word {
    fn from(word: Word) -> word::Word {
        match word {
            Word::Sent => word::Word::Sent,
            Word::Resend => word::Word::Resend,
            Word::Drop => word::Word::Drop,
        }
    }
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let zone = &setup.settings.creditor.timezone;
    let now = Clock::System.now();
    let (Some(id), Some(word)) = (args.id, args.word) else {
        let rows = store.uncertain().await?;
        if args.json {
            for r in &rows {
                out::json(&serde_json::json!({ "id": r.id, "debtor": r.debtor, "channel": r.channel, "address": r.address,
                    "step": r.step, "message_id": r.message_id, "at": out::rfc3339(r.at, zone) }));
            }
        } else if rows.is_empty() {
            say!("nothing is uncertain");
        } else {
            let row = |r: &crate::store::recovery::UncertainRow| {
                vec![
                    r.id.to_string(),
                    out::short(r.at, zone),
                    format!("{} {}", r.debtor, r.name),
                    r.channel.clone(),
                    r.address.clone(),
                    r.step.clone(),
                ]
            };
            out::table(&["id", "since", "debtor", "channel", "address", "step"], rows.iter().map(row).collect());
            say!("\nAsk the recipient or the mail server's log, then say: relance uncertain ID sent|resend|drop");
        }
        return Ok(());
    };
    let word = word::Word::from(word);
    match word::say(&store, id, word, local_date(now, zone), now).await? {
        true => say!("message {id}: {}", word.text()),
        false => {
            let text = format!("message {id} is not uncertain; `relance uncertain` lists those that are");
            return Err(CliError::Failed(text));
        }
    }
    Ok(())
}
