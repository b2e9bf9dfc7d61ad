//! `hook`: the URL to which the SMS gateway sends what comes back, to be entered there.

use super::{CliError, open, out};
use crate::clock::Clock;
use crate::config::hook::Verify;
use crate::flow::{Desk, hook};
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let desk = Desk::new(setup, store, Clock::System).await?;
    let Some(heard) = hook::heard(&desk) else {
        let text = "nothing is heard from a gateway; wanted [listen] in relance.toml, and an SMS gateway whose file has a [receipt] or an [inbound] table";
        return Err(CliError::Failed(text.to_owned()));
    };
    let url = hook::url(&desk, &heard);
    let named = !heard.gateway.receipt_fields.is_empty();
    let (receipts, inbound) = (heard.hook.receipt.is_some(), heard.hook.inbound.is_some());
    if args.json {
        let by = Verify::ALL.iter().find(|(_, v)| *v == heard.hook.verify).map(|(word, _)| *word);
        out::json(
            &json!({ "gateway": heard.gateway.name, "url": url, "verified_by": by, "listens_on": heard.listen.address.to_string(),
            "receipts": receipts, "enter_for_receipts": receipts && !named, "enter_for_messages": inbound }),
        );
        return Ok(());
    }
    say!("{url}");
    say!();
    match (receipts, named) {
        (true, true) => say!("receipts: nothing to enter, each message names this URL"),
        (true, false) => say!("receipts: enter this URL at {} for delivery reports", heard.gateway.name),
        (false, _) => say!("receipts: its file does not say how they are read"),
    }
    match inbound {
        true => say!("messages from customers: enter this URL at {} for incoming SMS", heard.gateway.name),
        false => say!("messages from customers: its file does not say how they are read"),
    }
    say!("known by: {}", known_by(heard.hook.verify, heard.listen.secret.is_some()));
    say!("Whoever knows the URL can try to speak as {}: tell it to nobody else.", heard.gateway.name);
    Ok(())
}

fn known_by(verify: Verify, secret: bool) -> &'static str {
    match verify {
        Verify::Url => "this URL alone, nothing is signed",
        Verify::Twilio => "the URL, and a signature with the auth token",
        Verify::Vonage => "the URL, and a signature with the signature secret",
        Verify::MessageBird => "the URL, and a token signed with the signing key",
        Verify::Login if secret => "the URL, and [listen] secret as a bearer token or as the password of a login in the URL",
        Verify::Login => "this URL alone; with [listen] secret also by a login",
    }
}
