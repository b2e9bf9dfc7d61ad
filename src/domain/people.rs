//! What a person says of the people at a customer's: somebody more, somebody less. The ledger's own list goes on counting
//! beside it, so that what changes there is not lost.

use super::debtor::{MOST_PEOPLE, Person, person};
use serde_json::{Map, Value, json};

/// A word on the people of a customer, as it is kept: all that was said and still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleWord {
    /// The people of the ledger's column `contacts` count as well.
    pub ledger: bool,
    /// Who is there besides.
    pub added: Vec<Person>,
    /// Who is not, of those in the ledger: name, address or number, as it stood there.
    pub retired: Vec<String>,
}

impl Default for PeopleWord {
    /// Nothing was said.
    fn default() -> PeopleWord {
        PeopleWord { ledger: true, added: vec![], retired: vec![] }
    }
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
        let people = list("add");
        if people.len() > MOST_PEOPLE {
            return Err(format!("wanted at most {MOST_PEOPLE} people"));
        }
        let read = |p: &Value| p.as_object().ok_or_else(|| "wanted people".to_owned()).and_then(person);
        Ok(PeopleWord {
            ledger: fields.get("ledger").and_then(Value::as_bool).unwrap_or(true),
            added: people.iter().map(read).collect::<Result<_, _>>()?,
            retired: list("retire").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        let people: Vec<Value> = self.added.iter().map(Person::json).collect();
        json!({ "ledger": self.ledger, "add": people, "retire": self.retired }).to_string()
    }

    /// Whom that leaves of the ledger's people, and who comes to them.
    pub fn apply(&self, ledger: &[Person]) -> Vec<Person> {
        let stays = |p: &&Person| self.ledger && !self.retired.iter().any(|name| is_meant(p, name)) && !self.added.contains(p);
        ledger.iter().filter(stays).chain(&self.added).cloned().collect()
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
    fn what_cannot_be_is_refused() {
        let mut word = PeopleWord::default();
        let many: Vec<Person> = (0..MOST_PEOPLE).map(|n| new(&format!("P. {n}"))).collect();
        assert!(word.add(new("One more"), &many).unwrap_err().contains("no more than 20"));
        assert!(word.retire("Nobody", &ledger()).unwrap_err().contains("A. Maes"));
        let long = Person { email: Some("a".repeat(600)), ..new("Long") };
        assert!(word.add(long, &[]).unwrap_err().contains("email"));
    }
}
