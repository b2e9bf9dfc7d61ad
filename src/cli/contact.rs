//! `contact`: a person's word on an address of a customer's: one more, another in its place, or none any more.

use super::hold::debtor;
use super::{CliError, desk};
use crate::channel::email::address;
use crate::domain::debtor::{Debtor, Matter, Person, Role, Word};
use crate::domain::people::{PeopleWord, point_of};
use crate::domain::step::Channel;
use crate::domain::time::local_date;
use crate::flow::{Desk, reach};
use jiff::Timestamp;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// One more address: of a person in a role, or of the customer itself where the ledger has none
    Add(AddArgs),
    /// Another address in place of one, for the same person; the case is looked at again at once
    Correct(CorrectArgs),
    /// An address that is no longer to be used
    Retire(RetireArgs),
    /// SMS to a number again whose owner had said STOP, once they have told you that they want them
    Allow(RetireArgs),
}

#[derive(Debug, clap::Args)]
struct Said {
    /// Why, for those who come after you
    #[arg(long, value_parser = super::words)]
    reason: String,
    /// Who says so
    #[arg(long, value_parser = super::words)]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The debtor's id
    debtor: String,
    /// accounts, manager, person, copy; left out: the customer itself
    #[arg(long)]
    role: Option<String>,
    /// The person's name
    #[arg(long, requires = "role", value_parser = super::words)]
    name: Option<String>,
    /// E-mail address
    #[arg(long, required_unless_present = "phone")]
    email: Option<String>,
    /// Number in international form
    #[arg(long)]
    phone: Option<String>,
    /// The person's language
    #[arg(long, requires = "role")]
    language: Option<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
struct CorrectArgs {
    /// The debtor's id
    debtor: String,
    /// The address or number that is wrong; may be left out where the customer has one of its kind
    #[arg(long)]
    old: Option<String>,
    /// The one in its place
    #[arg(long)]
    new: String,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
struct RetireArgs {
    /// The debtor's id
    debtor: String,
    /// The address or number
    address: String,
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let (id, said) = match &args.what {
        What::Add(a) => (&a.debtor, &a.said),
        What::Correct(a) => (&a.debtor, &a.said),
        What::Retire(a) | What::Allow(a) => (&a.debtor, &a.said),
    };
    let pk = debtor(&desk.store, id.trim_start_matches("debtor:")).await?;
    let Some(file) = desk.files(&[pk], now).await?.pop() else {
        return Err(CliError::Failed(format!("there is no debtor \"{id}\"")));
    };
    if let What::Allow(a) = &args.what {
        return allow(&desk, pk, a, now).await;
    }
    let value = desk.store.said_now(pk, Matter::Contacts).await?;
    let mut people = value.map(|v| PeopleWord::parse(v.as_deref()).unwrap_or_default()).unwrap_or_default();
    let told = match &args.what {
        What::Add(a) => add(&mut people, &file.debtor, a)?,
        What::Correct(a) => correct(&mut people, &file.debtor, a)?,
        What::Retire(a) => {
            let old = known(&file.debtor, &a.address)?;
            people.correct(&old, None).map_err(CliError::Usage)?;
            format!("{old} is no longer used")
        }
        // Done above: it is no word on an address.
        What::Allow(_) => return Ok(()),
    };
    let on = local_date(now, &desk.setup.settings.creditor.timezone);
    let word = Word { matter: Matter::Contacts, value: Some(people.text()), on, reason: said.reason.clone() };
    desk.store.say(pk, Matter::Contacts, Some(&word), said.by.as_deref(), now).await?;
    reach::refresh(&desk, &[pk], now).await?;
    say!("{id}: {told}");
    warn(&desk, pk, id).await
}

/// Takes back a STOP. Anybody can send one in another's name, and whoever sent one may think better of it.
async fn allow(desk: &Desk, pk: i64, args: &RetireArgs, now: Timestamp) -> Result<(), CliError> {
    let country = desk.setup.settings.creditor.country.as_str();
    let number = crate::domain::phone::normalise(&args.address, Some(country)).unwrap_or_else(|| args.address.clone());
    match desk.store.allow_sms(pk, &number, &args.said.reason, args.said.by.as_deref(), now).await? {
        true => say!("{}: SMS go to {number} again", args.debtor),
        false => return Err(CliError::Failed(format!("no STOP from {number} is on record"))),
    }
    Ok(())
}

/// Tells what the word leaves open.
async fn warn(desk: &Desk, pk: i64, id: &str) -> Result<(), CliError> {
    let Some(file) = desk.files(&[pk], desk.clock.now()).await?.pop() else { return Ok(()) };
    let debtor = &file.debtor;
    if !file.points.iter().any(|p| p.state.may_be_used()) {
        say!("No usable address is left: nothing can be sent to {id} until there is one.");
    }
    if !debtor.people.is_empty() && !debtor.may_have_others() {
        say!("Nobody besides the customer itself is written to or called while it is not known that it is a firm.");
    }
    Ok(())
}

/// An address or a number in the form in which it can be used.
fn good(text: &str) -> Result<String, CliError> {
    let text = text.trim();
    let number = |p: &str| p.strip_prefix('+').is_some_and(|d| d.len() >= 8 && d.bytes().all(|b| b.is_ascii_digit()));
    match point_of(text).channel {
        Channel::Email if address::parse(text).is_some() => Ok(text.to_owned()),
        Channel::Sms if number(text) => Ok(text.to_owned()),
        _ => Err(CliError::Usage(format!(
            "\"{text}\" cannot be used; wanted an e-mail address, or a number in international form such as +3221234567"
        ))),
    }
}

/// All addresses of today, whoever's they are.
fn addresses(debtor: &Debtor) -> Vec<String> {
    let own = [&debtor.email, &debtor.phone];
    let people = debtor.people.iter().flat_map(|p| [&p.email, &p.phone]);
    own.into_iter().chain(people).flatten().cloned().collect()
}

/// The address as it stands at the customer's.
fn known(debtor: &Debtor, wanted: &str) -> Result<String, CliError> {
    let all = addresses(debtor);
    let found = all.iter().find(|a| a.trim().eq_ignore_ascii_case(wanted.trim())).cloned();
    found.ok_or_else(|| {
        let there = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        CliError::Usage(format!("\"{wanted}\" is no address of this customer's; there is {there}"))
    })
}

fn add(people: &mut PeopleWord, debtor: &Debtor, a: &AddArgs) -> Result<String, CliError> {
    let email = a.email.as_deref().map(good).transpose()?;
    let phone = a.phone.as_deref().map(good).transpose()?;
    if email.as_deref().is_some_and(|e| point_of(e).channel != Channel::Email) {
        return Err(CliError::Usage("--email is a number; wanted an e-mail address".to_owned()));
    }
    if phone.as_deref().is_some_and(|p| point_of(p).channel != Channel::Sms) {
        return Err(CliError::Usage("--phone is an e-mail address; wanted a number".to_owned()));
    }
    let new = [&email, &phone].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let Some(role) = &a.role else {
        for (what, has, new) in [("e-mail address", &debtor.email, &email), ("number", &debtor.phone, &phone)] {
            if let (Some(has), Some(_)) = (has, new) {
                return Err(CliError::Usage(format!(
                    "the customer has the {what} {has}; wanted `relance contact correct`, or --role for somebody besides"
                )));
            }
        }
        [&email, &phone].into_iter().flatten().for_each(|own| people.add_own(own));
        return Ok(format!("{new} is the customer's from now on"));
    };
    let roles = Role::ALL.map(Role::as_str).join(", ");
    let role = Role::parse(role).ok_or_else(|| CliError::Usage(format!("--role is \"{role}\"; wanted one of: {roles}")))?;
    let person = Person { role, name: a.name.clone(), email, phone, language: a.language.clone() };
    people.add(person, &debtor.people).map_err(CliError::Usage)?;
    Ok(format!("{new} is that of {} from now on", role.as_str()))
}

fn correct(people: &mut PeopleWord, debtor: &Debtor, a: &CorrectArgs) -> Result<String, CliError> {
    let new = good(&a.new)?;
    let old = match &a.old {
        Some(old) => known(debtor, old)?,
        None => {
            let mut alike = addresses(debtor);
            alike.retain(|old| point_of(old).channel == point_of(&new).channel);
            match alike.as_slice() {
                [one] => one.clone(),
                [] => return Err(CliError::Usage("there is none to correct; wanted `relance contact add`".to_owned())),
                more => return Err(CliError::Usage(format!("--old is missing; wanted which of {}", more.join(", ")))),
            }
        }
    };
    if point_of(&old).channel != point_of(&new).channel {
        return Err(CliError::Usage(format!("{old} and {new} are of different kinds; wanted two addresses or two numbers")));
    }
    if old == new {
        return Err(CliError::Usage(format!("{old} is what there is already")));
    }
    people.correct(&old, Some(&new)).map_err(CliError::Usage)?;
    Ok(format!("{new} from now on, in place of {old}"))
}
