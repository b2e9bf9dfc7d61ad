//! Cadence files.

use super::{GOOD, Tree};

const STEP: &str = "\n[[step]]\nid = \"reminder\"\nwhen = \"1 day after due\"\nchannel = \"email\"\n";
const CHANNELS: &str =
    "\"email\", \"sms\", a list of them (all are used), { first_of = [\"email\", \"sms\"] }, \"call\" or \"task\"";
const NAMES: &str = "lower-case letters, digits, hyphens and underscores, beginning with a letter, and not \"due\" or \"issued\"";

fn own(text: &str) -> Tree {
    Tree::new(GOOD).file("cadences/own.toml", text)
}

#[test]
fn a_task_has_no_attachments() {
    let task = "name = \"own\"\n\n[[step]]\nid = \"decide\"\nwhen = \"40 days after due\"\nchannel = \"task\"\ntext = \"Decide.\"\nattach = true\n";
    own(task).tells(&["cadences/own.toml:8:1: a task has no attachments"]);
}

#[test]
fn words_in_several_languages() {
    let call = "name = \"own\"\n\n[[step]]\nid = \"ring\"\nwhen = \"2 days after due\"\nchannel = \"call\"\n";
    let good = own(&format!(
        "{call}text = {{ fr = \"Demander\", en = \"Ask\" }}\ntitle = {{ fr = \"appel\", nl-BE = \"telefoontje\" }}\n"
    ));
    let setup = good.setup();
    let step = &setup.cadence("own").unwrap().steps[0];
    assert_eq!((step.letter.as_str(), step.called("fr-BE"), step.called("nl-be")), ("Demander", "appel", "telefoontje"));
    assert_eq!((step.said("Ask", "fr"), step.said("Something else", "fr")), ("Demander".to_owned(), "Something else".to_owned()));
    assert_eq!(setup.step_called("own", "ring"), "appel");
    assert_eq!(setup.step_called("own", "gone"), "gone");
    own(&format!("{call}text = {{ fr = \"Demander\", xx = \"?\" }}\n"))
        .tells(&["cadences/own.toml:7:27: \"text\" names the language \"xx\"; wanted one with letters: de, en, fr, nl"]);
    own(&format!("{call}text = \"Ask\"\ntitle = {{ nl = \"telefoontje\" }}\n")).tells(&[
        "cadences/own.toml:8:1: \"title\" has no words in your language, \"fr\", and none in \"en\" to stand in; wanted one of them",
    ]);
    own(&format!("{call}text = {{ fr = \" \" }}\n"))
        .tells(&["cadences/own.toml:7:15: \"text\" is empty; wanted what is to be done, in a sentence"]);
    own(call).tells(&["cadences/own.toml:3:1: \"text\" is missing in [[step]]; wanted what is to be done, in a sentence"]);
    let long = "a".repeat(61);
    own(&format!("{call}text = \"Ask\"\ntitle = \"{long}\"\n")).tells(&[&format!(
        "cadences/own.toml:8:9: \"title\" is \"{long}\"; wanted a few words on one line, at most 60 characters, such as \"first reminder\""
    )]);
}

/// Steps by mail: id and when. The first id stands on line 4.
fn steps(list: &[(&str, &str)]) -> Tree {
    let step = |(id, when): &(&str, &str)| format!("\n[[step]]\nid = \"{id}\"\nwhen = \"{when}\"\nchannel = \"email\"\n");
    own(&format!("name = \"own\"\n{}", list.iter().map(step).collect::<String>()))
}

#[test]
fn unknown_keys() {
    own(&format!("name = \"own\"\nspeed = 3\n\n[window]\nhour = \"1\"\n{STEP}colour = \"red\"\n")).tells(&[
        "cadences/own.toml:2:1: unknown key \"speed\" here; wanted one of: applies_to, calendar, gone, group, minimum, name, pay_run_guard, quiet, spacing, step, window",
        "cadences/own.toml:5:1: unknown key \"hour\" in [window]; wanted one of: days, hours, sms",
        "cadences/own.toml:11:1: unknown key \"colour\" in [[step]]; wanted one of: approval, attach, cc, channel, id, letter, needs, notify_owner, only_if, rank, title, to, tone, was, when",
    ]);
}

#[test]
fn an_impossible_when() {
    let told = |when: &str, text: &str| {
        steps(&[("reminder", when)]).tells(&[&format!("cadences/own.toml:5:1: \"when\" is \"{when}\": {text}")]);
    };
    let delay = "wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"";
    let anchor = "wanted \"before due\", \"after due\", \"after issued\" or \"after STEP\" behind the number of days";
    told("soon after due", delay);
    told("-3 days after due", delay);
    told("", delay);
    told("3 days after tomorrow morning", anchor);
    told("3 days before reminder", anchor);
    told("3 days", anchor);
    told("2000 days after due", "wanted at most 1000 days");
    own("name = \"own\"\n[[step]]\nid = \"reminder\"\nwhen = 3\nchannel = \"email\"\n")
        .tells(&["cadences/own.toml:4:8: \"when\" is a whole number; wanted text, in quotation marks"]);
}

#[test]
fn circles_and_unknown_steps() {
    steps(&[("reminder", "3 days after firm"), ("firm", "3 days after final"), ("final", "3 days after reminder")]).tells(&[
        "cadences/own.toml:4:1: the steps count from each other in a circle: reminder → firm → final → reminder",
        "cadences/own.toml:9:1: the steps count from each other in a circle: firm → final → reminder → firm",
    ]);
    steps(&[("reminder", "3 days after reminder")])
        .tells(&["cadences/own.toml:4:1: the steps count from each other in a circle: reminder → reminder"]);
    steps(&[("reminder", "3 days after curtesy")])
        .tells(&["cadences/own.toml:4:1: \"reminder\" counts from \"curtesy\", but no step has that name"]);
    steps(&[("reminder", "1 day after due"), ("firm", "soon"), ("final", "3 days after nothing"), ("note", "2 days after firm")])
        .tells(&[
            "cadences/own.toml:10:1: \"when\" is \"soon\": wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"",
            "cadences/own.toml:14:1: \"final\" counts from \"nothing\", but no step has that name",
        ]);
    // What cannot be read does not hide a circle among the others.
    steps(&[("reminder", "soon"), ("firm", "8 days after final"), ("final", "7 days after firm")]).tells(&[
        "cadences/own.toml:5:1: \"when\" is \"soon\": wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"",
        "cadences/own.toml:9:1: the steps count from each other in a circle: firm → final → firm",
    ]);
    steps(&[("courtesy", "5 days after reminder"), ("reminder", "3 days after due")]).tells(&[
        "cadences/own.toml:4:1: \"courtesy\" counts from \"reminder\", which stands below it; wanted the steps in the order of time",
    ]);
}

#[test]
fn ranks_and_order() {
    steps(&[("firm", "3 days after due")]).tells(&[
        "cadences/own.toml:4:1: \"firm\" has rank firm, but no reminder after the due date stands before it (first contact never goes above a reminder)",
    ]);
    steps(&[("reminder", "3 days before due")])
        .tells(&["cadences/own.toml:4:1: \"reminder\" has rank reminder but lies before the due date; only a courtesy note may"]);
    steps(&[("reminder", "9 days after due"), ("firm", "3 days after due"), ("courtesy", "3 days before due")]).tells(&[
        "cadences/own.toml:9:1: \"firm\" falls before \"reminder\"; wanted the steps in the order of time",
        "cadences/own.toml:14:1: \"courtesy\" falls before \"firm\"; wanted the steps in the order of time",
        "cadences/own.toml:14:1: \"courtesy\" has rank courtesy after a step of higher rank; wanted ranks that never fall",
        "cadences/own.toml:14:1: \"courtesy\" lies before the due date but stands below a step after it",
    ]);
    steps(&[("reminder", "1 day after due"), ("reminder", "3 days after due")])
        .tells(&["cadences/own.toml:9:1: the step name \"reminder\" stands twice; a step's name is its identity"]);
    own(&format!("name = \"own\"\n{STEP}{}", STEP.replace("\"reminder\"", "\"firm\"\nwas = [\"reminder\"]")))
        .tells(&["cadences/own.toml:9:1: the step name \"reminder\" stands twice; a step's name is its identity"]);
    own("name = \"own\"\n").tells(&["cadences/own.toml:1:1: wanted at least one [[step]]"]);
}

#[test]
fn a_step_with_everything_wrong() {
    own("name = \"own\"\n\n[[step]]\nid = \"Reminder 1\"\nwas = [\"due\"]\nwhen = \"3 days after due\"\nchannel = [\"fax\"]\nrank = \"rude\"\nletter = \"../x\"\n").tells(&[
        &format!("cadences/own.toml:4:6: \"id\" is \"Reminder 1\"; wanted {NAMES}"),
        &format!("cadences/own.toml:5:1: \"was\": wanted earlier step names: {NAMES}"),
        &format!("cadences/own.toml:7:1: \"channel\" names \"fax\"; wanted {CHANNELS}"),
        "cadences/own.toml:8:8: \"rank\" is \"rude\"; wanted one of: courtesy, reminder, firm, final, formal, handoff, note",
        &format!("cadences/own.toml:9:10: \"letter\" is \"../x\"; wanted {NAMES}"),
    ]);
    own("[[step]]\n").tells(&[
        &format!("cadences/own.toml:1:1: \"channel\" is missing in [[step]]; wanted {CHANNELS}"),
        &format!("cadences/own.toml:1:1: \"id\" is missing in [[step]]; wanted {NAMES}"),
        "cadences/own.toml:1:1: \"name\" is missing; wanted a name for the cadence",
        "cadences/own.toml:1:1: \"when\" is missing in [[step]]; wanted e.g. \"5 days before due\"",
    ]);
    own("name = \"own\"\n\n[step]\nid = \"reminder\"\n").tells(&[
        "cadences/own.toml:1:1: wanted at least one [[step]]",
        "cadences/own.toml:3:1: \"step\" is a table; wanted [[step]] tables",
    ]);
}

#[test]
fn an_owner_is_told_by_mail() {
    let step = STEP.replace("\"email\"", "\"sms\"") + "notify_owner = \"1 working day\"\n";
    let sms = "[sms]\ngateway = \"file\"\nurl = \"file://sms.jsonl\"\n";
    let without =
        GOOD.replace("[email]\nfrom = \"Comptabilité <compta@canal.example>\"\nsmtp = \"smtps://mail.canal.example\"\n", sms);
    Tree::new(&without).file("cadences/own.toml", &format!("name = \"own\"\n{step}")).tells(&[
        "cadences/own.toml:7:1: the owner is told of step \"reminder\" by e-mail, which is not configured, so it would never leave; wanted a section [email] in relance.toml, or approval = true",
    ]);
    let both = format!("{GOOD}{sms}");
    Tree::new(&both).file("cadences/own.toml", &format!("name = \"own\"\n{step}")).tells(&[]);
}

#[test]
fn channels() {
    let with = |channel: &str| own(&format!("name = \"own\"\n{}", STEP.replace("\"email\"", channel)));
    let empty = format!("cadences/own.toml:6:1: \"channel\" is empty; wanted {CHANNELS}");
    with("[]").tells(&[&empty]);
    with("{ first = [\"email\"] }")
        .tells(&[&empty, "cadences/own.toml:6:13: unknown key \"first\" in [[step]].channel; wanted one of: first_of"]);
    with("[\"email\", \"email\"]").tells(&[&format!("cadences/own.toml:6:1: \"channel\" names \"email\"; wanted {CHANNELS}")]);
    with("\"sms\"").tells(&[
        "cadences/own.toml:4:1: step \"reminder\" has no channel that is configured; wanted a section [sms] in relance.toml",
    ]);
    with("{ first_of = [\"sms\", \"email\"] }").tells(&[]);
    with("[\"email\", \"sms\"]").tells(&[
        "cadences/own.toml:4:1: step \"reminder\" uses sms as well, which is not configured; wanted a section [sms] in relance.toml, or { first_of = [...] }",
    ]);
}

#[test]
fn whom_it_applies_to() {
    let applies = |table: &str| own(&format!("name = \"own\"\napplies_to = {table}\n{STEP}"));
    let code = |column: usize, code: &str| {
        format!("cadences/own.toml:2:{column}: \"country\" names \"{code}\"; wanted ISO 3166 codes in capitals such as \"BE\"")
    };
    applies("{ country = \"be\" }").tells(&[&code(26, "be")]);
    applies("{ country = [\"BE\", \"ZZ\", \"UK\"] }").tells(&[&code(33, "ZZ"), &code(39, "UK")]);
    applies("{ country = [\"BE\", \"GB\"] }").tells(&[]);
    let amounts = |min: &str, max: &str| applies(&format!("{{ amount_min = \"{min}\", amount_max = \"{max}\" }}"));
    let none = "no amount is at least amount_min and below amount_max; wanted amount_max the larger";
    for (min, max) in [("1000.00", "500.00"), ("500", "500.00")] {
        let told = amounts(min, max).read().map(|_| ()).unwrap_err();
        assert!(told.len() == 1 && told[0].starts_with("cadences/own.toml:2:") && told[0].ends_with(none), "{told:?}");
    }
    amounts("500.00", "500.01").tells(&[]);
}

#[test]
fn windows_and_limits() {
    let text = "name = \"own\"\nspacing = \"3 moons\"\nminimum = \"ten\"\ngroup = \"firm\"\ncalendar = \"XX\"\n\n[window]\ndays = \"mon-fry\"\nhours = \"17:00-09:00\"\n\n[window.sms]\nhours = \"9-19\"\n";
    own(&format!("{text}{STEP}")).tells(&[
        "cadences/own.toml:2:1: \"spacing\" is \"3 moons\": wanted a number and a unit, such as \"5 days\", \"3 working days\" or \"2 weeks\"",
        "cadences/own.toml:3:11: \"minimum\" is \"ten\"; wanted an amount such as \"10.00\"",
        "cadences/own.toml:4:9: \"group\" is \"firm\"; wanted \"debtor\" or \"invoice\"",
        "cadences/own.toml:5:12: \"calendar\" is \"XX\"; wanted one of: AT, BE, CH, DE, ES, FR, GB, IE, IT, LU, NL",
        "cadences/own.toml:8:8: \"days\" is \"mon-fry\"; wanted weekdays such as \"mon-fri\" or \"mon,wed,sat\"",
        "cadences/own.toml:9:9: \"hours\" is \"17:00-09:00\"; wanted hours such as \"09:00-17:30\" (\"00:00-24:00\" is all day)",
        "cadences/own.toml:12:9: \"hours\" is \"9-19\"; wanted hours such as \"09:00-17:30\" (\"00:00-24:00\" is all day)",
    ]);
}

#[test]
fn a_step_that_no_hour_would_let_leave() {
    let text = "name = \"own\"\n\n[window]\nhours = \"09:00-12:00\"\n\n[window.sms]\nhours = \"13:00-19:00\"\n";
    let sms = "\n[sms]\ngateway = \"kannel\"\nurl = \"http://127.0.0.1:13013\"\n";
    let with =
        |channel: &str| Tree::good(sms).file("cadences/own.toml", &format!("{text}{}", STEP.replace("\"email\"", channel)));
    with("[\"email\", \"sms\"]").tells(&[
        "cadences/own.toml:10:1: \"reminder\" goes by e-mail and SMS together, but their windows have no hour in common",
    ]);
    with("{ first_of = [\"email\", \"sms\"] }").tells(&[]);
}

#[test]
fn two_cadences_for_the_same_invoice() {
    let cadence = |name: &str, applies: &str| format!("name = \"{name}\"\n{applies}{STEP}");
    let two = |first: &str, second: &str| own(&cadence("own", first)).file("cadences/two.toml", &cadence("two", second));
    let tie = "\"two\" and \"own\" could take the same invoice and are equally specific; wanted one of them narrower";
    two("", "").tells(&[&format!("cadences/two.toml:1:1: {tie}")]);
    let (belgians, firms) = ("applies_to = { country = [\"BE\"] }\n", "applies_to = { customer_kind = \"business\" }\n");
    two(belgians, firms).tells(&[&format!("cadences/two.toml:2:1: {tie}")]);
    two("", firms).tells(&[]);
    two("applies_to = { country = [\"BE\"] }\n", "applies_to = { country = [\"FR\"] }\n").tells(&[]);
    two("applies_to = { amount_max = \"100\" }\n", "applies_to = { amount_min = \"100\" }\n").tells(&[]);
    own(&cadence("own", ""))
        .file("cadences/two.toml", &cadence("own", firms))
        .tells(&["cadences/two.toml:1:1: the cadence name \"own\" stands in two files (also cadences/own.toml)"]);
    own(&cadence("own", "applies_to = { customer_kind = \"firm\", amount_min = 3, vip = true }\n")).tells(&[
        "cadences/own.toml:2:32: \"customer_kind\" is \"firm\"; wanted \"business\", \"consumer\" or \"unknown\"",
        "cadences/own.toml:2:53: \"amount_min\" is a whole number; wanted an amount such as \"1000.00\", in quotation marks",
        "cadences/own.toml:2:56: unknown key \"vip\" in [applies_to]; wanted one of: amount_max, amount_min, country, customer_kind, debtor, state, tags",
    ]);
}

#[test]
fn own_cadences_are_the_only_ones() {
    let setup = own(&format!("name = \"own\"\n{STEP}")).setup();
    let names: Vec<&str> = setup.cadences.iter().map(|c| c.cadence.name.as_str()).collect();
    assert_eq!(names, ["own"]);
    Tree::new(GOOD)
        .file("cadences/notes.txt", "x")
        .tells(&["cadences:1:1: no cadence in this folder; wanted at least one .toml file"]);
}
