//! What a person says of the people at a customer's: somebody more, somebody less. The ledger's own list goes on counting
//! beside it, so that what changes there is not lost.

use super::debtor::{Debtor, MOST_PEOPLE, Person, Role, person};
use super::reach::{Kind, Point};
use super::step::Channel;
use serde_json::{Map, Value, json};

/// The most addresses that are corrected or taken out at one customer's.
const MOST_CORRECTED: usize = 50;

/// An address, and what stands in its place: nothing, where it was only taken out.
pub type Correction = (String, Option<String>);

/// A word on the people of a customer, as it is kept: all that was said and still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleWord {
    /// The people of the ledger's column `contacts` count as well.
    pub ledger: bool,
    /// Who is there besides.
    pub added: Vec<Person>,
    /// Who is not, of those in the ledger: name, address or number, as it stood there.
    pub retired: Vec<String>,
    /// Addresses that are no longer what they were, wherever they stand; each leads to the one of today.
    pub corrected: Vec<Correction>,
    /// The customer's own address and number, where the ledger has none.
    pub own: Own,
}

/// An address and a number of the customer itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// E-mail address.
    pub email: Option<String>,
    /// Number in international form.
    pub phone: Option<String>,
}

impl Default for PeopleWord {
    /// Nothing was said.
    fn default() -> PeopleWord {
        PeopleWord { ledger: true, added: vec![], retired: vec![], corrected: vec![], own: Own::default() }
    }
}

/// Whether two texts are one address.
fn is_same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// The contact point that an address is.
pub fn point_of(address: &str) -> Point {
    let channel = if address.contains('@') { Channel::Email } else { Channel::Sms };
    Point { channel, address: address.to_owned() }
}

/// Whether somebody is meant by a name, an address or a number.
fn is_meant(person: &Person, name: &str) -> bool {
    let known = [&person.name, &person.email, &person.phone];
    known.into_iter().flatten().any(|k| k.trim().to_lowercase() == name.trim().to_lowercase())
}

impl PeopleWord {
    /// Nobody is there besides the ledger's own columns.
    pub fn nobody() -> PeopleWord {
        PeopleWord { ledger: false, ..PeopleWord::default() }
    }

    /// Reads what is kept; no text is [`PeopleWord::nobody`]. The error says what is wrong.
    pub fn parse(text: Option<&str>) -> Result<PeopleWord, String> {
        let Some(text) = text else { return Ok(PeopleWord::nobody()) };
        let fields: Map<String, Value> = match serde_json::from_str(text).map_err(|e| e.to_string())? {
            Value::Object(fields) => fields,
            // Before there were words that add: a list, in which the ledger's people of that day stood as well.
            list => Map::from_iter([("add".to_owned(), list)]),
        };
        let list = |key: &str| fields.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let correction = |c: &Value| Some((c.get(0)?.as_str()?.to_owned(), c.get(1)?.as_str().map(str::to_owned)));
        let people = list("add");
        if people.len() > MOST_PEOPLE {
            return Err(format!("wanted at most {MOST_PEOPLE} people"));
        }
        let read = |p: &Value| p.as_object().ok_or_else(|| "wanted people".to_owned()).and_then(person);
        Ok(PeopleWord {
            ledger: fields.get("ledger").and_then(Value::as_bool).unwrap_or(true),
            added: people.iter().map(read).collect::<Result<_, _>>()?,
            retired: list("retire").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            corrected: list("correct").iter().filter_map(correction).take(MOST_CORRECTED).collect(),
            own: Own { email: text("email"), phone: text("phone") },
        })
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        let people: Vec<Value> = self.added.iter().map(Person::json).collect();
        let mut fields = json!({ "ledger": self.ledger, "add": people, "retire": self.retired });
        if !self.corrected.is_empty() {
            fields["correct"] = json!(self.corrected);
        }
        for (key, own) in [("email", &self.own.email), ("phone", &self.own.phone)] {
            if let Some(own) = own {
                fields[key] = json!(own);
            }
        }
        fields.to_string()
    }

    /// What stands today where an address stood.
    fn today(&self, address: Option<String>) -> Option<String> {
        let address = address?;
        match self.corrected.iter().find(|(old, _)| is_same(old, &address)) {
            Some((_, new)) => new.clone(),
            None => Some(address),
        }
    }

    /// What that makes of a customer, whose own address and number the ledger's columns have.
    pub fn settle(&self, debtor: &mut Debtor) {
        debtor.email = self.today(debtor.email.take()).or_else(|| self.own.email.clone());
        debtor.phone = self.today(debtor.phone.take()).or_else(|| self.own.phone.clone());
        debtor.people = self.apply(&debtor.people);
    }

    /// Whom that leaves of the ledger's people, and who comes to them.
    pub fn apply(&self, ledger: &[Person]) -> Vec<Person> {
        let stays = |p: &&Person| self.ledger && !self.retired.iter().any(|name| is_meant(p, name)) && !self.added.contains(p);
        let there = ledger.iter().filter(stays).chain(&self.added).cloned();
        let today = |p: Person| {
            let had = p.email.is_some() || p.phone.is_some();
            let p = Person { email: self.today(p.email.clone()), phone: self.today(p.phone.clone()), ..p };
            // Who is left without any address is nobody whom anything could go to.
            (!had || p.email.is_some() || p.phone.is_some()).then_some(p)
        };
        there.filter_map(today).collect()
    }

    /// An address is no longer what it was; another takes its place, or none. The error says why not.
    pub fn correct(&mut self, old: &str, new: Option<&str>) -> Result<(), String> {
        let (old, new) = (old.trim().to_owned(), new.map(|n| n.trim().to_owned()));
        if let Some(new) = &new {
            // What was taken out once may be right again.
            self.corrected.retain(|(gone, _)| !is_same(gone, new));
        }
        for (_, to) in &mut self.corrected {
            if to.as_ref().is_some_and(|to| is_same(to, &old)) {
                to.clone_from(&new);
            }
        }
        for own in [&mut self.own.email, &mut self.own.phone] {
            if own.as_ref().is_some_and(|own| is_same(own, &old)) {
                own.clone_from(&new);
            }
        }
        self.corrected.retain(|(gone, to)| !is_same(gone, &old) && to.as_ref().is_none_or(|to| !is_same(to, gone)));
        self.corrected.push((old, new));
        match self.corrected.len() > MOST_CORRECTED {
            true => Err(format!(
                "{MOST_CORRECTED} addresses of this customer's are corrected already; correct your ledger, then `relance debtor ID --contact ledger`"
            )),
            false => Ok(()),
        }
    }

    /// An address or a number of the customer itself, where the ledger has none.
    pub fn add_own(&mut self, address: &str) {
        self.corrected.retain(|(gone, _)| !is_same(gone, address));
        let own = if point_of(address).channel == Channel::Email { &mut self.own.email } else { &mut self.own.phone };
        *own = Some(address.trim().to_owned());
    }

    /// The addresses that a word brings in, with whose they are.
    fn brings(&self) -> Vec<(String, Option<Role>, Kind)> {
        let of = |p: &Person| {
            [p.email.clone(), p.phone.clone()].into_iter().flatten().map(|a| (a, Some(p.role), Kind::Added)).collect::<Vec<_>>()
        };
        let own = [&self.own.email, &self.own.phone].into_iter().flatten().map(|a| (a.clone(), None, Kind::Added));
        let new = self.corrected.iter().filter_map(|(_, new)| Some((new.clone()?, None, Kind::Corrected)));
        self.added.iter().flat_map(of).chain(own).chain(new).collect()
    }

    /// The addresses that it takes out.
    fn takes(&self) -> Vec<String> {
        let named = self.retired.iter().filter(|n| n.contains('@') || n.starts_with('+'));
        self.corrected.iter().map(|(old, _)| old).chain(named).cloned().collect()
    }

    /// What another word changes: which addresses it brings in and takes out.
    pub fn changes(&self, after: &PeopleWord) -> Vec<(Kind, Point, Option<Role>)> {
        let (brought, brings, taken, takes) = (self.brings(), after.brings(), self.takes(), after.takes());
        let has = |list: &[(String, Option<Role>, Kind)], a: &str| list.iter().any(|(b, ..)| is_same(a, b));
        let is_out = |list: &[String], a: &str| list.iter().any(|b| is_same(a, b));
        let new = brings.iter().filter(|(a, ..)| !has(&brought, a)).map(|(a, role, kind)| (*kind, point_of(a), *role));
        let out = takes.iter().filter(|a| !is_out(&taken, a)).map(|a| (Kind::Retired, point_of(a), None));
        let lost = brought
            .iter()
            .filter(|(a, ..)| !has(&brings, a) && !is_out(&takes, a))
            .map(|(a, role, _)| (Kind::Retired, point_of(a), *role));
        let back = taken.iter().filter(|a| !is_out(&takes, a) && !has(&brings, a)).map(|a| (Kind::Added, point_of(a), None));
        new.chain(out).chain(lost).chain(back).collect()
    }

    /// Somebody more. The error says why not.
    pub fn add(&mut self, person: Person, present: &[Person]) -> Result<(), String> {
        if present.len() >= MOST_PEOPLE {
            return Err(format!(
                "there are {} people at this customer's already, and no more than {MOST_PEOPLE} are kept; --retire NAME takes one out",
                present.len()
            ));
        }
        self.retired.retain(|name| !is_meant(&person, name));
        self.corrected.retain(|(gone, _)| !is_meant(&person, gone));
        self.added.push(person);
        PeopleWord::parse(Some(&self.text())).map(drop)
    }

    /// Somebody less, by name, address or number. The error says who is there.
    pub fn retire(&mut self, name: &str, present: &[Person]) -> Result<(), String> {
        if !present.iter().any(|p| is_meant(p, name)) {
            let all: Vec<String> = present.iter().map(Person::words).collect();
            let there = if all.is_empty() { "nobody besides the ledger's own columns".to_owned() } else { all.join("; ") };
            return Err(format!("there is nobody \"{name}\" at this customer's; there is {there}"));
        }
        self.added.retain(|p| !is_meant(p, name));
        if self.ledger {
            self.retired.push(name.trim().to_owned());
        }
        Ok(())
    }

    /// As people read it.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if !self.ledger {
            parts.push("nobody of the ledger's".to_owned());
        }
        parts.extend(self.added.iter().map(|p| format!("with {}", p.words())));
        parts.extend(self.retired.iter().map(|name| format!("without {name}")));
        parts.extend([&self.own.email, &self.own.phone].into_iter().flatten().map(|own| format!("the customer itself: {own}")));
        parts.extend(self.corrected.iter().map(|(old, new)| match new {
            Some(new) => format!("{new} in place of {old}"),
            None => format!("without {old}"),
        }));
        if parts.is_empty() { "those of the ledger".to_owned() } else { parts.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::debtor::parse_people;

    fn ledger() -> Vec<Person> {
        parse_people(r#"[{"role":"manager","name":"A. Maes","email":"maes@firm.example"},{"role":"copy","name":"B. Claes","email":"claes@firm.example"}]"#).unwrap()
    }

    fn new(name: &str) -> Person {
        Person { name: Some(name.to_owned()), ..ledger()[0].clone() }
    }

    #[test]
    fn a_word_adds_and_retires_and_the_ledger_goes_on_counting() {
        let mut word = PeopleWord::default();
        word.add(new("C. Petit"), &ledger()).unwrap();
        word.retire("b. claes", &word.apply(&ledger())).unwrap();
        let kept = PeopleWord::parse(Some(&word.text())).unwrap();
        assert_eq!(kept, word);
        let names = |list: &[Person]| list.iter().filter_map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&kept.apply(&ledger())), ["A. Maes", "C. Petit"]);
        let mut later = ledger();
        later.push(new("D. Jans"));
        assert_eq!(names(&kept.apply(&later)), ["A. Maes", "D. Jans", "C. Petit"], "who is new in the ledger is there");
        assert_eq!(kept.words(), "with manager C. Petit, maes@firm.example; without b. claes");
        word.retire("C. Petit", &word.apply(&ledger())).unwrap();
        assert_eq!(names(&word.apply(&ledger())), ["A. Maes"]);
    }

    #[test]
    fn a_corrected_address_stands_in_its_place_and_leads_on() {
        let mut debtor = Debtor { email: Some("old@firm.example".to_owned()), people: ledger(), ..Debtor::default() };
        let mut word = PeopleWord::default();
        word.correct("OLD@firm.example", Some("new@firm.example")).unwrap();
        let first = word.clone();
        word.correct("new@firm.example", Some("third@firm.example")).unwrap();
        word.correct("claes@firm.example", None).unwrap();
        let kept = PeopleWord::parse(Some(&word.text())).unwrap();
        assert_eq!(kept, word);
        kept.settle(&mut debtor);
        assert_eq!(debtor.email.as_deref(), Some("third@firm.example"));
        assert_eq!(debtor.people.len(), 1, "nobody is left at the address that was taken out");
        let mail = |a: &str| Point { channel: Channel::Email, address: a.to_owned() };
        let changed = PeopleWord::default().changes(&first);
        let out = (Kind::Retired, mail("OLD@firm.example"), None);
        assert_eq!(changed, [(Kind::Corrected, mail("new@firm.example"), None), out]);
        assert_eq!(first.changes(&PeopleWord::default()).len(), 2, "what was taken back is so again");
        // Back to what the ledger has.
        word.correct("third@firm.example", Some("old@firm.example")).unwrap();
        let mut debtor = Debtor { email: Some("old@firm.example".to_owned()), ..Debtor::default() };
        word.settle(&mut debtor);
        assert_eq!(debtor.email.as_deref(), Some("old@firm.example"));
        // Another one in the ledger counts by itself, and one of the customer's own where there is none.
        word.add_own("+3221234567");
        let mut debtor = Debtor { email: Some("fresh@firm.example".to_owned()), ..Debtor::default() };
        word.settle(&mut debtor);
        assert_eq!((debtor.email.as_deref(), debtor.phone.as_deref()), (Some("fresh@firm.example"), Some("+3221234567")));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut word = PeopleWord::default();
        let many: Vec<Person> = (0..MOST_PEOPLE).map(|n| new(&format!("P. {n}"))).collect();
        assert!(word.add(new("One more"), &many).unwrap_err().contains("no more than 20"));
        assert!(word.retire("Nobody", &ledger()).unwrap_err().contains("A. Maes"));
        let long = Person { email: Some("a".repeat(600)), ..new("Long") };
        assert!(word.add(long, &[]).unwrap_err().contains("email"));
    }
}
