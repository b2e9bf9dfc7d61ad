//! Texts with places for values: `/invoices/{id}`. A brace that names no value stands for itself, for bodies are JSON.

/// What may be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `[source] key`.
    Key,
    /// `[source] secret`.
    Secret,
    /// `[source] user`.
    User,
    /// `[source] database`.
    Database,
    /// `[source] tenant`.
    Tenant,
    /// `[source] company`.
    Company,
    /// `[source] client_id`.
    ClientId,
    /// `[source] currency`.
    Currency,
    /// The number of the page.
    Page,
    /// How many items came before.
    Offset,
    /// The size of a page.
    Limit,
    /// Where the last page ended.
    Cursor,
    /// An id.
    Id,
    /// Several ids.
    Ids,
    /// The number of an invoice.
    Number,
    /// Since when.
    Since,
}

/// What a request of a kind may fill in, beside the settings.
pub(super) const OF_LIST: [Name; 4] = [Name::Page, Name::Offset, Name::Limit, Name::Cursor];
pub(super) const OF_CHANGES: [Name; 5] = [Name::Page, Name::Offset, Name::Limit, Name::Cursor, Name::Since];
pub(super) const OF_IDS: [Name; 2] = [Name::Id, Name::Ids];
pub(super) const OF_NUMBER: [Name; 1] = [Name::Number];

impl Name {
    /// The settings among them.
    pub const SETTINGS: [Name; 8] =
        [Name::Key, Name::Secret, Name::User, Name::Database, Name::Tenant, Name::Company, Name::ClientId, Name::Currency];

    const ALL: [Name; 16] = [
        Name::Key,
        Name::Secret,
        Name::User,
        Name::Database,
        Name::Tenant,
        Name::Company,
        Name::ClientId,
        Name::Currency,
        Name::Page,
        Name::Offset,
        Name::Limit,
        Name::Cursor,
        Name::Id,
        Name::Ids,
        Name::Number,
        Name::Since,
    ];

    /// The word between braces; of a setting its key.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Key => "key",
            Name::Secret => "secret",
            Name::User => "user",
            Name::Database => "database",
            Name::Tenant => "tenant",
            Name::Company => "company",
            Name::ClientId => "client_id",
            Name::Currency => "currency",
            Name::Page => "page",
            Name::Offset => "offset",
            Name::Limit => "limit",
            Name::Cursor => "cursor",
            Name::Id => "id",
            Name::Ids => "ids",
            Name::Number => "number",
            Name::Since => "since",
        }
    }

    /// Whether it comes from `[source]`.
    pub fn is_setting(self) -> bool {
        Name::SETTINGS.contains(&self)
    }

    /// Whether it is read from a file or a credential.
    pub fn is_secret(self) -> bool {
        matches!(self, Name::Key | Name::Secret)
    }
}

/// A text with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Name),
}

impl Template {
    /// Reads a template; the error is the word between braces that names no value here.
    pub fn parse(text: &str, known: &[Name]) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            let word = after.split_once('}').filter(|(word, _)| is_word(word));
            let Some((word, behind)) = word else {
                plain.push('{');
                rest = after;
                continue;
            };
            let name = Name::ALL.into_iter().find(|name| name.as_str() == word);
            let name = name.filter(|name| name.is_setting() || known.contains(name)).ok_or_else(|| word.to_owned())?;
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Value(name));
            rest = behind;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Template { text: text.to_owned(), pieces })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values that it has places for.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(*name),
            Piece::Text(_) => None,
        })
    }

    /// The text with values in their places; in one pass, so that a value that holds `{key}` stays what it is.
    pub fn fill(&self, value: impl Fn(Name) -> String) -> String {
        self.pieces.iter().fold(String::new(), |mut out, piece| {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(name) => out.push_str(&value(*name)),
            }
            out
        })
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_json_stand_for_themselves() {
        let text = r#"{"a": {}, "b": [{"c": "{key}"}], "limit": {limit}}"#;
        let template = Template::parse(text, &OF_LIST).unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), [Name::Key, Name::Limit]);
        let filled = template.fill(|name| if name == Name::Key { "{limit}".to_owned() } else { "7".to_owned() });
        assert_eq!(filled, r#"{"a": {}, "b": [{"c": "{limit}"}], "limit": 7}"#);
    }

    #[test]
    fn a_word_that_has_no_value_here_is_told() {
        assert_eq!(Template::parse("/x/{id}", &OF_LIST), Err("id".to_owned()));
        assert_eq!(Template::parse("/x/{pgae}", &OF_LIST), Err("pgae".to_owned()));
        assert!(Template::parse("/x/{id", &OF_LIST).is_ok());
    }
}
