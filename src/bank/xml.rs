//! As much of XML as a statement needs: elements by their local names, whatever namespace and prefix they have. There are no
//! entities but the five that XML has itself, no document types, and an end to depth, length and number of everything.

use super::Unread;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// How deep elements may stand.
const DEPTH: usize = 40;

/// How many elements one entry may have.
const NODES: usize = 400_000;

/// The longest text of one element.
const TEXT: usize = 4000;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    /// The attribute `Ccy`, the only one that statements have.
    pub(super) currency: Option<String>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The first element along a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Element> {
        let [first, rest @ ..] = path else { return Some(self) };
        self.children.iter().filter(|c| c.name == *first).find_map(|c| c.at(rest))
    }

    /// All elements along a path of names.
    pub(super) fn all<'e>(&'e self, path: &[&str]) -> Vec<&'e Element> {
        let [first, rest @ ..] = path else { return vec![self] };
        self.children.iter().filter(|c| c.name == *first).flat_map(|c| c.all(rest)).collect()
    }

    /// The text along a path, where there is any.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|e| e.text.trim()).filter(|t| !t.is_empty())
    }
}

/// What comes next in a document.
#[derive(Debug)]
pub(super) enum Piece {
    /// An element begins; the path of names ends with its own.
    Begins,
    /// An element has ended, with its text.
    Ended(String, String),
    /// An element that was wanted whole.
    Whole(Element),
    /// The document has ended as it should.
    Over,
}

/// Goes through a document.
pub(super) struct Walker<'x> {
    reader: Reader<&'x [u8]>,
    text: &'x str,
    /// The names of the open elements.
    pub(super) path: Vec<String>,
    texts: Vec<String>,
    whole: &'static [&'static str],
    begun: bool,
}

impl<'x> Walker<'x> {
    /// Elements of these names are given whole.
    pub(super) fn new(text: &'x str, whole: &'static [&'static str]) -> Walker<'x> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Walker { reader, text, path: Vec::new(), texts: Vec::new(), whole, begun: false }
    }

    /// The line that has been read to.
    pub(super) fn line(&self) -> String {
        let at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
        format!("line {}", self.text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1)
    }

    fn wrong(&self, what: impl Into<String>) -> Unread {
        Unread::new(self.line(), what)
    }

    fn event(&mut self) -> Result<Event<'x>, Unread> {
        match self.reader.read_event() {
            Ok(event) => Ok(event),
            Err(e) => Err(self.wrong(format!("it is no XML that can be read, or was cut off: {e}"))),
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece, Unread> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    self.begun = true;
                    let name = local(&start);
                    if self.path.len() >= DEPTH {
                        return Err(self.wrong("its elements stand deeper in each other than those of any statement"));
                    }
                    if self.whole.contains(&name.as_str()) {
                        return Ok(Piece::Whole(self.element(&start)?));
                    }
                    self.path.push(name);
                    self.texts.push(String::new());
                    return Ok(Piece::Begins);
                }
                Event::End(_) => {
                    let name = self.path.pop().unwrap_or_default();
                    return Ok(Piece::Ended(name, self.texts.pop().unwrap_or_default()));
                }
                Event::DocType(_) => return Err(self.wrong("it has a document type, which no statement has; it is not read")),
                Event::Eof if self.begun && self.path.is_empty() => return Ok(Piece::Over),
                Event::Eof => return Err(self.wrong("it ends before its end: it was cut off, or is still being written")),
                event => {
                    let more = self.words(&event)?;
                    if let Some(text) = self.texts.last_mut() {
                        push(text, &more);
                    }
                }
            }
        }
    }

    /// An element whose beginning has been read, to its end.
    fn element(&mut self, start: &BytesStart) -> Result<Element, Unread> {
        let mut open = vec![element(start)];
        let mut nodes = 0usize;
        loop {
            match self.event()? {
                Event::Start(start) => {
                    nodes += 1;
                    if open.len() + self.path.len() >= DEPTH || nodes > NODES {
                        return Err(self.wrong("an entry has more elements than any statement has"));
                    }
                    open.push(element(&start));
                }
                Event::End(_) => {
                    let Some(done) = open.pop() else { return Ok(Element::default()) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::DocType(_) => return Err(self.wrong("it has a document type, which no statement has; it is not read")),
                Event::Eof => return Err(self.wrong("it ends before its end: it was cut off, or is still being written")),
                event => {
                    let more = self.words(&event)?;
                    if let Some(last) = open.last_mut() {
                        push(&mut last.text, &more);
                    }
                }
            }
        }
    }

    /// The characters of an event.
    fn words(&self, event: &Event) -> Result<String, Unread> {
        Ok(match event {
            Event::Text(text) => text.decode().map(|t| t.into_owned()).unwrap_or_default(),
            Event::CData(text) => text.decode().map(|t| t.into_owned()).unwrap_or_default(),
            Event::GeneralRef(reference) => self.reference(reference)?,
            _ => String::new(),
        })
    }

    fn reference(&self, reference: &BytesRef) -> Result<String, Unread> {
        if let Ok(Some(c)) = reference.resolve_char_ref() {
            return Ok(c.to_string());
        }
        let name = reference.decode().map(|t| t.into_owned()).unwrap_or_default();
        match resolve_xml_entity(&name) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(format!("it names \"&{name};\", which XML does not have by itself; it is not read"))),
        }
    }
}

fn push(text: &mut String, more: &str) {
    let room = TEXT.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room.min(more.len()))]);
}

fn local(start: &BytesStart) -> String {
    String::from_utf8_lossy(start.local_name().as_ref()).into_owned()
}

fn element(start: &BytesStart) -> Element {
    let currency = start.attributes().flatten().find(|a| a.key.local_name().as_ref() == b"Ccy");
    let currency = currency.map(|a| String::from_utf8_lossy(&a.value).into_owned());
    Element { name: local(start), currency, ..Element::default() }
}
