//! SMS gateways: what a gateway looks like on the wire is data, one file each.

use super::node::Node;
use super::problem::Problems;
use super::section::Section;
use crate::domain::attempt::{FaultClass, Outcome};

/// How a gateway is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The name of its file.
    pub name: String,
    /// GET or POST.
    pub method: Method,
    /// Path behind the base URL; may hold placeholders.
    pub path: String,
    /// Fields, each with a template of placeholders; a field that comes out empty is left out.
    pub fields: Vec<(String, String)>,
    /// Further fields when the text needs UCS-2.
    pub unicode_fields: Vec<(String, String)>,
    /// How user and password travel.
    pub auth: GatewayAuth,
    /// How an answer is read, the first that fits.
    pub answers: Vec<AnswerRule>,
    /// JSON pointer of the gateway's message id.
    pub id_pointer: Option<String>,
    /// Path for `check --connect`: a GET that costs nothing.
    pub probe: Option<String>,
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fields in the query.
    Get,
    /// Fields as a form.
    Post,
}

/// How user and password travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayAuth {
    /// As fields named in `fields`.
    Fields,
    /// HTTP basic.
    Basic,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// Lowest and highest HTTP status that this rule is about.
    pub status: (u16, u16),
    /// A text that the body must hold, if any.
    pub body: Option<String>,
    /// A JSON pointer whose value must be one of the texts (an empty list: must be there and not null).
    pub json: Option<(String, Vec<String>)>,
    /// The outcome.
    pub outcome: Outcome,
    /// What a failure is about.
    pub class: Option<FaultClass>,
}

/// Names that fields may use.
pub const PLACEHOLDERS: [&str; 6] = ["to", "to_digits", "from", "text", "user", "password"];

/// Reads one gateway file; `None` when it cannot be used (the problems say why).
pub fn gateway(name: &str, root: &Node, problems: &Problems) -> Option<Gateway> {
    let top = Section::new("", root, problems);
    let request = top.section("request");
    if request.is_none() {
        top.missing("request", "a [request] table");
    }
    let request = request.and_then(request_of);
    let answers = top.tables("answer");
    if answers.is_empty() {
        top.missing("answer", "at least one [[answer]]");
    }
    let answers: Vec<AnswerRule> = answers.into_iter().filter_map(answer).collect();
    let id_pointer = top.text("id", "a JSON pointer such as \"/sid\"");
    let probe = top.text("probe", "a path");
    probe.iter().for_each(|probe| check_placeholders(&top, "probe", probe));
    top.finish();
    let (method, path, auth, fields, unicode_fields) = request?;
    Some(Gateway { name: name.to_owned(), method, path, fields, unicode_fields, auth, answers, id_pointer, probe })
}

type Request = (Method, String, GatewayAuth, Vec<(String, String)>, Vec<(String, String)>);

fn request_of(s: Section) -> Option<Request> {
    let method = s.parse("method", "\"GET\" or \"POST\"", |t| match t {
        "GET" => Some(Method::Get),
        "POST" => Some(Method::Post),
        _ => None,
    });
    if !s.has("method") {
        s.missing("method", "\"GET\" or \"POST\"");
    }
    let path = s.required("path", "the path behind the base URL");
    path.iter().for_each(|path| check_placeholders(&s, "path", path));
    let auth = s.parse("auth", "\"fields\" or \"basic\"", |t| match t {
        "fields" => Some(GatewayAuth::Fields),
        "basic" => Some(GatewayAuth::Basic),
        _ => None,
    });
    let fields = fields(&s, "fields");
    let unicode = self::fields(&s, "unicode_fields");
    s.finish();
    Some((method?, path?, auth.unwrap_or(GatewayAuth::Fields), fields, unicode))
}

fn fields(s: &Section, key: &str) -> Vec<(String, String)> {
    let Some(table) = s.section(key) else { return Vec::new() };
    let mut fields = Vec::new();
    for (name, _, _) in table.free() {
        let Some(template) = table.text(name, "text with placeholders") else { continue };
        check_placeholders(&table, name, &template);
        fields.push((name.clone(), template));
    }
    table.finish();
    fields
}

fn check_placeholders(s: &Section, key: &str, template: &str) {
    for part in template.split('{').skip(1) {
        let placeholder = part.split('}').next().unwrap_or_default();
        if !PLACEHOLDERS.contains(&placeholder) {
            s.problem(key, format!("unknown placeholder {{{placeholder}}}; wanted one of: {}", PLACEHOLDERS.join(", ")));
        }
    }
}

fn answer(s: Section) -> Option<AnswerRule> {
    let wanted = "a status such as \"202\" or a range such as \"400-499\"";
    let status = s.parse("status", wanted, |t| {
        let (from, to) = t.split_once('-').unwrap_or((t, t));
        let code = |c: &str| c.trim().parse::<u16>().ok().filter(|c| (100..600).contains(c));
        Some((code(from)?, code(to)?))
    });
    if !s.has("status") {
        s.missing("status", wanted);
    }
    let body = s.text("body", "a text that the body holds");
    let pointer = s.text("json", "a JSON pointer such as \"/status\"");
    let values: Vec<String> = s.texts("is", "texts").into_iter().map(|(_, t)| t).collect();
    let outcome = s.parse("outcome", "accepted, deferred, refused or unknown", Outcome::parse);
    if !s.has("outcome") {
        s.missing("outcome", "accepted, deferred, refused or unknown");
    }
    let classes = FaultClass::ALL.map(FaultClass::as_str).join(", ");
    let class = s.parse("class", &format!("one of: {classes}"), FaultClass::parse);
    s.finish();
    Some(AnswerRule { status: status?, body, json: pointer.map(|p| (p, values)), outcome: outcome?, class })
}
