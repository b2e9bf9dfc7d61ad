//! probe
use super::*;
fn show(name: &str, t: Tree) {
    println!("== {name}");
    for p in t.problems() {
        println!("{p}");
    }
}
#[test]
fn probe() {
    show("good", Tree::new(GOOD));
    show("unknown key", Tree::good("\n[guard]\nmax_mesages = 3\n"));
    show("unknown section", Tree::good("\n[gaurd]\ndry_run = true\n"));
    show("not toml", Tree::good("\n[guard\ndry_run = true\nx = = 3\n"));
    show("empty", Tree::new(""));
    show("missing", Tree::default());
    show(
        "types",
        Tree::new(
            "creditor = 3\nsource = []\n[store]\nurl = 5\n[email]\nfrom = true\nsmtp = [\"a\"]\nconnections = \"many\"\nmax_per_minute = 1.5\n[guard]\ndry_run = \"maybe\"\nmax_data_age = 36\nold_debts = \"later\"\n",
        ),
    );
    show(
        "tls none",
        Tree::new(
            &GOOD.replace("smtp = \"smtps://mail.canal.example\"", "smtp = \"smtp://mail.canal.example:25\"\ntls = \"none\""),
        ),
    );
    show(
        "tls none loopback",
        Tree::new(&GOOD.replace("smtp = \"smtps://mail.canal.example\"", "smtp = \"smtp://[::1]:25\"\ntls = \"none\"")),
    );
    show("secret", Tree::good("user = \"compta\"\npassword = \"hunter2\"\n"));
    show("secret both", Tree::good("user = \"compta\"\npassword = { file = \"a\", credential = \"b\" }\n"));
    show("secret unknown", Tree::good("user = \"compta\"\npassword = { env = \"PW\" }\n"));
    show("user alone", Tree::good("user = \"compta\"\n"));
    show("pw alone", Tree::good("password = { credential = \"x\" }\n"));
    show("iban", Tree::new(&GOOD.replace("6769", "6768")));
    show("iban empty", Tree::new(&GOOD.replace("BE71 0961 2345 6769", "")));
    show(
        "country",
        Tree::new(
            &GOOD
                .replace("\"BE\"", "\"Belgium\"")
                .replace("Europe/Brussels", "Brussels")
                .replace("compta@canal.example\"\n\n[source]", "compta\"\n\n[source]"),
        ),
    );
    show("cron", Tree::new(&GOOD.replace("path = \"invoices.db\"", "path = \"invoices.db\"\npoll = \"every hour\"")));
    show("cron2", Tree::new(&GOOD.replace("path = \"invoices.db\"", "path = \"invoices.db\"\npoll = \"61 * * * *\"")));
    show(
        "source",
        Tree::new(&GOOD.replace(
            "kind = \"sqlite\"\npath = \"invoices.db\"",
            "kind = \"oracle\"\nreread = \"SELECT 1\"\ngrace = \"soon\"\nbooking_lag = \"9999 days\"",
        )),
    );
    show("store", Tree::new(&GOOD.replace("sqlite://relance.db", "postgres://x")));
    show("email", Tree::new(&GOOD.replace("Comptabilité <compta@canal.example>", "Compta").replace("smtps://", "http://")));
    show("redirect", Tree::good("\n[guard]\nredirect_to = \"me at canal\"\n"));
    show("redirect type", Tree::good("\n[guard]\nredirect_to = 3\n"));
    show("sms", Tree::good("\n[sms]\ngateway = \"carrier-pigeon\"\nurl = \"loft\"\n"));
    show("sms2", Tree::good("\n[sms]\ngateway = \"file\"\nurl = \"http://x\"\n"));
    show("sms none", Tree::good("\n[sms]\n"));
    show("confd", Tree::new(GOOD).file("conf.d/10-mail.toml", "[email]\nsmtp = \"gopher://x\"\n\n[guard]\nmax = 1\n"));
    show("env", Tree::new(GOOD).variable("RELANCE__EMAIL__SMTP", "gopher://x").variable("RELANCE__GUARD__MAX", "1"));
    show("env num", Tree::new(GOOD).variable("RELANCE__GUARD__MAX_VANISHED", "400").variable("RELANCE__GUARD__DRY_RUN", "yes"));
    show("env section", Tree::new(GOOD).variable("RELANCE__GUARD", "yes"));
    let cad = |t: &str| Tree::new(GOOD).file("cadences/own.toml", t);
    let head = "name = \"own\"\n";
    let step = |t: &str| format!("{head}\n[[step]]\n{t}");
    show(
        "cad key",
        cad(&format!(
            "{head}speed = 3\n\n[window]\nhour = \"1\"\n\n[[step]]\nid = \"reminder\"\nwhen = \"1 day after due\"\nchannel = \"email\"\ncolour = \"red\"\n"
        )),
    );
    show("cad when", cad(&step("id = \"reminder\"\nwhen = \"soon after due\"\nchannel = \"email\"\n")));
    show("cad when2", cad(&step("id = \"reminder\"\nwhen = \"3 days after tomorrow morning\"\nchannel = \"email\"\n")));
    show("cad when3", cad(&step("id = \"reminder\"\nwhen = \"2000 days after due\"\nchannel = \"email\"\n")));
    show("cad when4", cad(&step("id = \"reminder\"\nwhen = 3\nchannel = \"email\"\n")));
    show(
        "circle",
        cad(&format!(
            "{head}\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after firm\"\nchannel = \"email\"\n\n[[step]]\nid = \"firm\"\nwhen = \"3 days after final\"\nchannel = \"email\"\n\n[[step]]\nid = \"final\"\nwhen = \"3 days after reminder\"\nchannel = \"email\"\n"
        )),
    );
    show("self", cad(&step("id = \"reminder\"\nwhen = \"3 days after reminder\"\nchannel = \"email\"\n")));
    show("unknown base", cad(&step("id = \"reminder\"\nwhen = \"3 days after curtesy\"\nchannel = \"email\"\n")));
    show("firm first", cad(&step("id = \"firm\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n")));
    show(
        "order",
        cad(&format!(
            "{head}\n[[step]]\nid = \"reminder\"\nwhen = \"9 days after due\"\nchannel = \"email\"\n\n[[step]]\nid = \"firm\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n\n[[step]]\nid = \"courtesy\"\nwhen = \"3 days before due\"\nchannel = \"email\"\n"
        )),
    );
    show(
        "twice",
        cad(&format!(
            "{head}\n[[step]]\nid = \"reminder\"\nwhen = \"1 day after due\"\nchannel = \"email\"\n\n[[step]]\nid = \"again\"\nwas = [\"reminder\"]\nwhen = \"3 days after due\"\nchannel = \"email\"\nletter = \"reminder\"\n"
        )),
    );
    show("no steps", cad(head));
    show("reminder before due", cad(&step("id = \"reminder\"\nwhen = \"3 days before due\"\nchannel = \"email\"\n")));
    show(
        "bad step",
        cad(&step(
            "id = \"Reminder 1\"\nwas = [\"due\"]\nwhen = \"3 days after due\"\nchannel = [\"fax\"]\nrank = \"rude\"\nletter = \"../x\"\n",
        )),
    );
    show("channels", cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = { first = [\"email\"] }\n")));
    show("channels2", cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = []\n")));
    show("channels3", cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"sms\"\n")));
    show("missing all", cad("[[step]]\n"));
    show("step table", cad(&format!("{head}\n[step]\nid = \"reminder\"\n")));
    show(
        "windows",
        cad(&format!(
            "{head}spacing = \"3 moons\"\nminimum = \"ten\"\ngroup = \"firm\"\ncalendar = \"XX\"\n\n[window]\ndays = \"mon-fry\"\nhours = \"17:00-09:00\"\n\n[window.sms]\nhours = \"9-19\"\n\n[[step]]\nid = \"reminder\"\nwhen = \"1 day after due\"\nchannel = \"email\"\n"
        )),
    );
    show("empty folder", Tree::new(GOOD).file("cadences/readme.txt", "x"));
    show(
        "tie",
        cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n")).file(
            "cadences/two.toml",
            "name = \"two\"\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n",
        ),
    );
    show("tie2", cad(&format!("{head}applies_to = {{ country = [\"BE\"] }}\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n")).file("cadences/two.toml", "name = \"two\"\napplies_to = { customer_kind = \"business\" }\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n"));
    show("same name", cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n")).file("cadences/two.toml", "name = \"own\"\napplies_to = { customer_kind = \"business\" }\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n"));
    show(
        "applies",
        cad(&format!(
            "{head}applies_to = {{ customer_kind = \"firm\", amount_min = 3, vip = true }}\n[[step]]\nid = \"reminder\"\nwhen = \"3 days after due\"\nchannel = \"email\"\n"
        )),
    );
    show(
        "letter unknown",
        cad(&step("id = \"reminder\"\nwhen = \"3 days after due\"\nchannel = [\"email\", \"sms\"]\nletter = \"nudge\"\n")),
    );
    let letter = |t: &str| Tree::new(GOOD).file("letters/fr/reminder.md", t);
    show("variable", letter("subject: Rappel\n\nBonjour {{ debtr.name }},\n\n{{ invoice.nummer }} {{ dettes }}\n"));
    show("variable subject", letter("subject: Rappel {{ debtr.name }}\n\nBonjour\n"));
    show("jinja", letter("subject: Rappel\n\nBonjour\n{% if single %}\noui\n"));
    show("jinja subject", letter("subject: Rappel {{ sum \n\nBonjour\n"));
    show("jinja2", letter("subject: Rappel\n\nBonjour {{ 1 / 0 }}\n"));
    show("loop", letter("subject: Rappel\n\n{% for i in range(1000000) %}x{% endfor %}\n"));
    show("no subject", letter("Rappel\n\nBonjour\n"));
    show("empty letter", letter(""));
    show("new language", Tree::new(GOOD).file("letters/it/reminder.md", "subject: Sollecito\n\nBuongiorno\n"));
    show("labels", Tree::new(GOOD).file("letters/fr/labels.toml", "pay_title = \"Pour payer\"\nextra = 1\n"));
    show("gateway", Tree::new(GOOD).file("gateways/own.toml", "[request]\nmethod = \"PUT\"\npath = \"/send\"\n\n[request.fields]\nnumber = \"{to}\"\nbody = \"{message}\"\n\n[[answer]]\nstatus = \"2xx\"\noutcome = \"sent\"\nclass = \"weather\"\n"));
    show("gateway2", Tree::new(GOOD).file("gateways/own.toml", "path = \"/send\"\n"));
    show("calendar", Tree::new(GOOD).file("calendars/BE.toml", "name = \"Belgium\"\n\n[[holiday]]\nname = \"Two\"\nfixed = \"12-25\"\neaster = 1\n\n[[holiday]]\nname = \"None\"\n\n[[holiday]]\nname = \"Bad\"\nfixed = \"13-45\"\n\n[[holiday]]\nname = \"Odd\"\nnth = 6\nweekday = \"monday\"\nmonth = 1\nexcept = 2020\n"));
    show("zones", Tree::new(GOOD).file("zones.toml", "[zones]\nBE = \"Europe/Brussel\"\n"));
    show(
        "several",
        Tree::good("\n[guard]\nmax_mesages = 3\n")
            .file("cadences/own.toml", &step("id = \"reminder\"\nwhen = \"soon\"\nchannel = \"fax\"\n"))
            .file("gateways/kannel.toml", "x = 1\n")
            .file("calendars/BE.toml", "name = 3\n")
            .file("letters/fr/reminder.md", "subject: {{ x }}\n\n"),
    );
}
