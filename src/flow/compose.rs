//! Making a message: the letter in the debtor's language, and the exact bytes that will leave.

use super::answers::{language as answer_language, link};
use super::copies::Copies;
use super::desk::{Conditions, Desk};
use crate::channel::email::{Copy, Envelope, MailParts, build};
use crate::channel::token::RECEIPT;
use crate::config::law::ConsumerLaw;
use crate::config::settings::AnswerSettings;
use crate::domain::attempt::about;
use crate::domain::cadence::Cadence;
use crate::domain::calendar::{is_working_day, plus_working_days};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::debtor::CustomerKind;
use crate::domain::decision::{Booked, Line, Plan, Section, To, announced};
use crate::domain::invoice::Invoice;
use crate::domain::mail::Mail;
use crate::domain::step::{Channel, Rank};
use crate::domain::time::{days_between, plus_days};
use crate::letter::{LetterFacts, View, view};
use crate::store::documents::Placed;
use jiff::Timestamp;
use jiff::civil::{Date, date};

/// A message that could not be made; it hurts nothing but itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ComposeError(String);

/// What leaves, ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A mail.
    Email {
        /// Where it goes.
        envelope: Envelope,
    },
    /// A text.
    Sms {
        /// The number.
        to: String,
        /// The keyed mark that comes back with receipts.
        mark: String,
    },
}

/// A message made.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Where it goes.
    pub wire: Wire,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The address that counts: the real one, or the one everything is redirected to.
    pub address: String,
    /// Language of the letter.
    pub language: String,
    /// The first mail of the matter, when this is not the first.
    pub thread: Option<String>,
    /// The copies of invoices in the bytes, and where they stand.
    pub copies: Vec<Placed>,
}

/// What a message is made from.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The debtor's file.
    pub file: &'a DebtorFile,
    /// The cadence.
    pub cadence: &'a Cadence,
    /// What is to be said.
    pub plan: &'a Plan,
    /// Whom it goes to, and how.
    pub to: &'a To,
    /// Message-ID.
    pub message_id: &'a str,
    /// The message's number, for tokens.
    pub message: i64,
    /// Today in the debtor's zone.
    pub today: Date,
    /// Now.
    pub now: Timestamp,
    /// Receipts are booked up to here.
    pub booked: Booked,
    /// Copies of the invoices asked for.
    pub copies: &'a Copies,
}

/// The rows of a plan with their invoices.
pub fn rows<'a>(file: &'a DebtorFile, plan: &'a Plan) -> Vec<(&'a Line, &'a Invoice)> {
    let invoice = |pk: i64| file.rows.iter().find(|r| r.invoice.pk == pk).map(|r| &r.invoice);
    plan.lines.iter().filter_map(|l| Some((l, invoice(l.pk)?))).collect()
}

/// The language and the view of a letter.
fn letter_view(desk: &Desk, order: &Order, form: &'static str) -> Result<(String, View), ComposeError> {
    let step = &order.cadence.steps[order.plan.step];
    let failed = |e: crate::letter::LetterError| ComposeError(e.to_string());
    let wanted = order.to.language.as_deref().or(order.file.debtor.language.as_deref());
    let language = desk.letters.language(wanted, &step.letter, form).map_err(failed)?;
    let labels = desk.letters.labels(&language).ok_or_else(|| ComposeError(format!("no labels for {language}")))?;
    let creditor = &desk.setup.settings.creditor;
    let rows = rows(order.file, order.plan);
    let law = law(desk, order, &rows, &language);
    let free = free_reminder(desk, order);
    let firm = step.rank >= Some(Rank::Firm);
    // A copy has the words of the message that it is a copy of, with a note above them.
    let main = main_of(order);
    let addressee = match &main.name {
        Some(name) => format!("{name} ({})", main.address),
        None => main.address.clone(),
    };
    let facts = LetterFacts {
        creditor: &creditor.name,
        contact: &creditor.contact,
        iban: creditor.iban.as_deref(),
        enterprise_no: creditor.enterprise_no.as_deref(),
        debtor: &order.file.debtor,
        person: main.name.as_deref(),
        copy_of: order.to.copy.then_some(addressee.as_str()),
        rows: &rows,
        asked: order.plan.asked,
        rank: step.rank,
        booked_through: Some(booked_for(desk, order)),
        today: order.today,
        deadline: firm.then(|| deadline(desk, order)).flatten(),
        formal_on: next_of_rank(desk, order, |rank| rank == Rank::Formal),
        law: &law,
        copies: order.copies.covered(),
        tone: step.tone,
        free_reminder: free.is_some(),
        free_days: free.map_or(0, |f| f.days),
        free_until: free.filter(|f| f.days > 0).map(|f| free_until(desk, order, f.days)),
    };
    let mut view = view(&facts, labels);
    let day = days_between(date(1970, 1, 1), order.today);
    // Who has a copy reads along; the answer is for whom the message is for.
    let with_link = |a: &&AnswerSettings| !order.to.copy && (a.sms || order.to.channel != Channel::Sms);
    if desk.setup.settings.answers.as_ref().filter(with_link).is_some()
        && let Some(url) = link(desk, order.message, day)
    {
        let spoken = answer_language(desk, &[&language], None);
        view.answered_at(url, spoken);
    }
    Ok((language, view))
}

/// Whom the message itself goes to; for it, whoever it is made for.
fn main_of<'a>(order: &Order<'a>) -> &'a To {
    let mails = order.plan.way.to().iter().filter(|t| order.to.copy && t.channel == order.to.channel);
    mails.into_iter().find(|t| !t.copy).unwrap_or(order.to)
}

/// What the law says on late payment between firms: that of the creditor's country, which is the law of a sale or a
/// service where nothing else is agreed (regulation (EC) 593/2008, art. 4). Nothing for whoever is not known to be a firm.
fn law(desk: &Desk, order: &Order, rows: &[(&Line, &Invoice)], language: &str) -> String {
    if order.file.debtor.kind != Some(CustomerKind::Business) {
        return String::new();
    }
    let asked = rows.iter().filter(|(l, _)| l.section == Section::Asked);
    let since: Vec<Date> = asked.map(|(_, i)| plus_days(i.due_on, 1)).collect();
    desk.letters.law(&desk.setup.law, &desk.setup.settings.creditor.country, language, order.today, &since)
}

/// What the law of the consumer's country says of this reminder, where it must be free.
fn free_reminder<'a>(desk: &'a Desk, order: &Order) -> Option<&'a ConsumerLaw> {
    let debtor = &order.file.debtor;
    let first = debtor.kind == Some(CustomerKind::Consumer) && order.cadence.steps[order.plan.step].rank == Some(Rank::Reminder);
    let country = debtor.country.as_deref().unwrap_or(&desk.setup.settings.creditor.country);
    let law = desk.setup.law.country(country).filter(|_| first)?;
    law.consumer_on(order.today).filter(|c| c.free)
}

/// The working day, on both sides, by which so many calendar days from tomorrow on are over.
fn free_until(desk: &Desk, order: &Order, days: u32) -> Date {
    let creditor = desk.setup.settings.creditor.calendar.as_deref();
    let debtor = order.file.debtor.country.as_ref().and_then(|c| desk.setup.calendars.get(c)).map(AsRef::as_ref);
    let last = plus_days(order.today, i64::from(days));
    let works = |day: &Date| is_working_day(*day, creditor) && is_working_day(*day, debtor);
    (0..30).map(|n| plus_days(last, n)).find(works).unwrap_or(last)
}

/// The day on which the next step of a rank follows that is configured for what is asked, were this one to leave now.
fn next_of_rank(desk: &Desk, order: &Order, wanted: impl Fn(Rank) -> bool) -> Option<Date> {
    let case = CaseKey { cadence: order.cadence.name.clone(), currency: order.plan.asked.currency };
    let conditions = Conditions { brakes: vec![], booked: order.booked, read_on: None };
    let zone = desk.setup.zone(&order.file.debtor);
    let world = desk.world(&conditions, &order.file.debtor, &zone, order.cadence, order.now);
    announced(order.file, &case, &world, order.plan, wanted)
}

/// A firm letter after which nothing stronger comes leaves so many days.
const DAYS_TO_PAY: i64 = 7;

/// The last working day before the next, stronger step by which what is paid is seen: until then an answer or a payment is in
/// time (R20). A firm letter
/// names a day also where nothing stronger follows.
fn deadline(desk: &Desk, order: &Order) -> Option<Date> {
    let (step, today) = (&order.cadence.steps[order.plan.step], order.today);
    let calendar = desk.setup.calendar(&order.file.debtor, Some(order.cadence));
    let Some(next) = next_of_rank(desk, order, |rank| Some(rank) > step.rank) else {
        let mut days = (DAYS_TO_PAY..DAYS_TO_PAY + 31).map(|n| plus_days(today, n));
        return days.find(|day| is_working_day(*day, calendar)).filter(|_| step.is_firm());
    };
    // What is received on that day is in the ledger before the next step leaves, or the letter's word would not hold (R10).
    let bank = desk.setup.settings.creditor.calendar.as_deref();
    let seen = order.booked.through(next, today, bank);
    let day = plus_working_days(next.min(plus_days(seen, 1)), -1, calendar);
    (day > today).then_some(day)
}

/// The day up to which payments are taken into account: the earliest over the rows asked for.
fn booked_for(desk: &Desk, order: &Order) -> Date {
    let bank = desk.setup.settings.creditor.calendar.as_deref();
    let general = order.booked.through(order.today, order.today, bank);
    let own =
        order.file.rows.iter().filter(|r| order.plan.lines.iter().any(|l| l.pk == r.invoice.pk && l.section == Section::Asked));
    own.filter_map(|r| r.invoice.booked_through).min().unwrap_or(general)
}

/// Makes a message.
pub fn compose(desk: &Desk, order: &Order) -> Result<Composed, ComposeError> {
    match order.to.channel {
        Channel::Email => email(desk, order),
        Channel::Sms => sms(desk, order),
    }
}

fn email(desk: &Desk, order: &Order) -> Result<Composed, ComposeError> {
    let (language, view) = letter_view(desk, order, "md")?;
    let letter = &order.cadence.steps[order.plan.step].letter;
    let mail = desk.letters.mail(&language, letter, &view).map_err(|e| ComposeError(e.to_string()))?;
    finish_mail(desk, order, mail, order.message_id)
}

/// The words of a message, for a person who is to say yes to it.
pub fn draft(desk: &Desk, order: &Order) -> Result<Mail, ComposeError> {
    let form = if order.to.channel == Channel::Sms { "sms" } else { "md" };
    let (language, view) = letter_view(desk, order, form)?;
    let letter = &order.cadence.steps[order.plan.step].letter;
    let failed = |e: crate::letter::LetterError| ComposeError(e.to_string());
    if order.to.channel == Channel::Email {
        return desk.letters.mail(&language, letter, &view).map_err(failed);
    }
    let text = desk.letters.sms(&language, letter, &view).map_err(failed)?;
    Ok(Mail { subject: String::new(), html: String::new(), text, language })
}

/// Puts a mail's words on the wire's form.
fn finish_mail(desk: &Desk, order: &Order, mail: Mail, id: &str) -> Result<Composed, ComposeError> {
    let settings = desk.setup.settings.email.as_ref().ok_or_else(|| ComposeError("[email] is not configured".to_owned()))?;
    let redirect = desk.setup.settings.guard.redirect_to.as_ref();
    let parse =
        |text: &str| text.parse::<lettre::Address>().map_err(|e| ComposeError(format!("\"{text}\" is not an address: {e}")));
    let to = match redirect {
        Some(address) => address.clone(),
        None => parse(&order.to.address)?,
    };
    // Everybody sees who else has the mail; each copy travels by itself, so that what comes back is told apart.
    let mails = || order.plan.way.to().iter().filter(|t| t.channel == Channel::Email && redirect.is_none());
    let main = mails().find(|t| !t.copy).unwrap_or(order.to);
    let others: Vec<lettre::Address> = mails().filter(|t| t.copy).map(|t| parse(&t.address)).collect::<Result<_, _>>()?;
    let head = if redirect.is_some() { to.clone() } else { parse(&main.address)? };
    let day = days_between(date(1970, 1, 1), order.today);
    let token = |purpose, base: &lettre::Address| {
        let token = desk.keys.token(purpose, order.message, day);
        crate::channel::email::build::with_token(base, &token).ok_or_else(|| ComposeError(format!("{base} cannot carry a token")))
    };
    let contact = parse(&desk.setup.settings.creditor.contact)?;
    let reply_to = token("reply", &contact)?;
    let from = token("bounce", settings.bounce_address.as_ref().unwrap_or(&settings.from.email))?;
    let thread = thread_of(order);
    let copies: Vec<Copy> = order.copies.attached.iter().map(|c| Copy { name: &c.name, document: &c.document }).collect();
    let parts = MailParts {
        mail: &mail,
        from: &settings.from,
        reply_to: &reply_to,
        name: main.name.as_deref().unwrap_or(&order.file.debtor.name),
        to: &head,
        cc: &others,
        redirected_from: redirect.map(|_| order.to.address.as_str()),
        message_id: id,
        thread: thread.as_deref(),
        date: order.now,
        copies: &copies,
    };
    let built = build(&parts).map_err(|e| ComposeError(e.to_string()))?;
    let documents = order.copies.attached.iter().map(|c| c.document.clone());
    let copies = built.copies.into_iter().zip(documents).collect();
    let bytes = built.bytes;
    let envid = id.split('@').next().unwrap_or(id).to_owned();
    let envelope = Envelope { from, to: to.clone(), envid };
    Ok(Composed { wire: Wire::Email { envelope }, bytes, address: to.to_string(), language: mail.language, thread, copies })
}

/// The first mail about the oldest invoice that has one.
fn thread_of(order: &Order) -> Option<String> {
    let mut rows = rows(order.file, order.plan);
    rows.retain(|(l, _)| l.section != Section::Credit);
    rows.sort_by_key(|(_, i)| (i.due_on, i.pk));
    rows.into_iter().find_map(|(_, i)| i.thread.clone())
}

fn sms(desk: &Desk, order: &Order) -> Result<Composed, ComposeError> {
    let (language, view) = letter_view(desk, order, "sms")?;
    let letter = &order.cadence.steps[order.plan.step].letter;
    let text = desk.letters.sms(&language, letter, &view).map_err(|e| ComposeError(e.to_string()))?;
    if desk.is_redirected() {
        // With a redirection nothing may reach a debtor: the text goes by mail to the same address.
        let mail = Mail { subject: format!("SMS: {text}"), html: format!("<p>{}</p>", html_text(&text)), text, language };
        return finish_mail(desk, order, mail, &format!("{}@sms.invalid", order.message_id));
    }
    let to = order.to.address.clone();
    let mark = desk.keys.token(RECEIPT, order.message, days_between(date(1970, 1, 1), order.today));
    Ok(Composed {
        wire: Wire::Sms { to: to.clone(), mark },
        bytes: text.into_bytes(),
        address: to,
        language,
        thread: None,
        copies: Vec::new(),
    })
}

fn html_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The text of an SMS as it would leave, for preview.
pub fn sms_text(desk: &Desk, order: &Order) -> Result<String, ComposeError> {
    let (language, view) = letter_view(desk, order, "sms")?;
    let letter = &order.cadence.steps[order.plan.step].letter;
    desk.letters.sms(&language, letter, &view).map_err(|e| ComposeError(e.to_string()))
}

/// The invoices of a message as the log keeps them, each asked for with what became of its copy.
pub fn invoices_json(file: &DebtorFile, plan: &Plan, copies: &Copies) -> String {
    let one = |(l, i): &(&Line, &Invoice)| {
        let mut about = about(&i.id, &i.number, i.balance, l.stage.as_ref().map(|s| s.as_str()), l.days_late);
        if let (Some(word), Some(fields)) = (copies.word(i.pk), about.as_object_mut()) {
            fields.insert("copy".to_owned(), word.into());
        }
        about
    };
    let list: Vec<serde_json::Value> = rows(file, plan).iter().map(one).collect();
    serde_json::Value::from(list).to_string()
}
