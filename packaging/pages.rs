//! Writes the pages of the manual and the completions of the shells from the command line's own description, for packages:
//! `cargo run --example pages -- FOLDER`. An example and no verb, so that the program carries none of it.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use relance::cli::Cli;
use std::fs::File;
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

/// The example with every key, which relance.toml(5) shows.
const SETTINGS: &str = include_str!("../config/relance.toml");

/// What stands behind the options on relance(1).
const MORE: [(&str, &[(&str, &str)]); 4] = [
    (
        "FILES",
        &[
            (
                "/etc/relance/relance.toml",
                "The configuration, see relance.toml(5); beside it conf.d/, cadences/, letters/, gateways/, sources/, calendars/, law/, report/, zones.toml, grave.toml, reach.toml, stop.toml.",
            ),
            ("/var/lib/relance/relance.db", "The store: what was sent to whom, and why."),
            (
                "/etc/credstore/relance.NAME",
                "Passwords, for systemd to hand to the service: smtp, sms, ledger, ledger-secret, store, inbox, hooks.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("RELANCE__SECTION__KEY", "A setting in place of the one in the file."),
            ("RELANCE_LOG", "The level of the journal: error, warn, info, debug."),
            ("RELANCE_LOG_FORMAT", "journal (fields for systemd, found out by itself), json (one object a line) or text."),
            ("RELANCE_LOG_SOCKET", "The socket of the journal, where it is not systemd's own."),
        ],
    ),
    (
        "SIGNALS",
        &[
            ("SIGTERM, SIGINT", "Ends run within ten seconds: what is in hand is finished or given back."),
            (
                "SIGHUP",
                "Reads the configuration again. One that does not pass the check changes nothing; the journal and status say so.",
            ),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "Done."),
            ("1", "Failed; the text on standard error says what and what to do."),
            ("2", "The command line or the configuration is wrong."),
        ],
    ),
];

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| Error::other("usage: pages FOLDER"))?;
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&man, &completions] {
        std::fs::create_dir_all(folder)?;
    }
    // As it runs on a machine: no folder of who builds, and no help on help.
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    page(&man, &command, true)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        verbs(&man, verb)?;
    }
    settings(&man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "relance", &completions)?;
    }
    Ok(())
}

/// A page for a verb and for each below it.
fn verbs(folder: &Path, verb: &clap::Command) -> Result<()> {
    page(folder, verb, false)?;
    for below in verb.get_subcommands().filter(|below| below.get_name() != "help") {
        verbs(folder, below)?;
    }
    Ok(())
}

fn page(folder: &Path, command: &clap::Command, more: bool) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut file = File::create(folder.join(format!("{name}.1")))?;
    let man = Man::new(command.clone()).title(&name).section("1").manual("relance");
    man.render(&mut file)?;
    if !more {
        return Ok(());
    }
    let mut roff = Roff::new();
    for (heading, entries) in MORE {
        roff.control("SH", [heading]);
        for (term, text) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*text)]);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("relance.toml"),
        roman("(5), "),
        bold("systemctl"),
        roman("(1), "),
        bold("journalctl"),
        roman("(1), /usr/share/doc/relance/README.md"),
    ]);
    roff.to_writer(&mut file)
}

/// relance.toml(5): what is said of files in a few words, and the example itself, which is tested.
fn settings(folder: &Path) -> Result<()> {
    let mut roff = Roff::new();
    roff.control("TH", ["relance.toml", "5", "", concat!("relance ", env!("CARGO_PKG_VERSION")), "relance"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("relance.toml - configuration of relance")]);
    roff.control("SH", ["DESCRIPTION"]);
    for text in [
        "relance reads /etc/relance/relance.toml, then conf.d/*.toml beside it in the order of their names, then variables such as RELANCE__GUARD__DRY_RUN=true: the last word counts. Paths are taken from the folder of relance.toml. An unknown key is an error.",
        "A running service reads it again on SIGHUP (systemctl reload relance), all but [store], [observe], [listen] and where [answers] listens; a configuration that relance check refuses changes nothing.",
        "A secret never stands in it: { credential = \"smtp\" } is the file /etc/credstore/relance.smtp, { file = \"/path\" } the first line of another.",
    ] {
        roff.control("PP", []);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["EXAMPLE"]);
    roff.text([roman("Every key, with what it means:")]);
    roff.control("PP", []);
    roff.control("nf", []);
    for line in SETTINGS.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("relance"), roman("(1), /usr/share/doc/relance/README.md")]);
    let mut file = File::create(folder.join("relance.toml.5"))?;
    roff.to_writer(&mut file)?;
    file.flush()
}
