//! Answers of systems that were not recorded, made from what they publish, and servers that speak as each of them does. A
//! server knows invoices with an id from 1 on; what is asked of it decides which of them it gives.

use super::sample;
use crate::support::http::{Answer, Http, Request};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What a system's books hold: the id of each invoice and what is open of it, in cents.
#[derive(Clone, Default)]
pub struct Books(Arc<Mutex<Vec<(u64, i64)>>>);

impl Books {
    pub fn new(invoices: &[(u64, i64)]) -> Books {
        Books(Arc::new(Mutex::new(invoices.to_vec())))
    }

    pub fn set(&self, id: u64, cents: i64) {
        let mut books = self.0.lock().unwrap();
        books.retain(|(i, _)| *i != id);
        books.push((id, cents));
        books.sort_unstable();
    }

    pub fn all(&self) -> Vec<(u64, i64)> {
        self.0.lock().unwrap().clone()
    }

    pub fn open(&self) -> Vec<(u64, i64)> {
        self.all().into_iter().filter(|(_, cents)| *cents != 0).collect()
    }

    fn among(&self, ids: &[u64]) -> Vec<(u64, i64)> {
        self.all().into_iter().filter(|(id, _)| ids.contains(id)).collect()
    }
}

fn text(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn number(cents: i64) -> Value {
    serde_json::from_str(&text(cents)).unwrap()
}

pub fn ok(value: &Value) -> Answer {
    Answer::new(200, &value.to_string())
}

fn missing() -> Answer {
    Answer::new(404, "{\"message\": \"not found\"}")
}

/// A page of a list: so many behind so many.
fn page(list: &[(u64, i64)], from: usize, size: usize) -> Vec<(u64, i64)> {
    list.iter().skip(from).take(size).copied().collect()
}

fn parameter(request: &Request, name: &str) -> usize {
    request.field(name).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name} in {}", request.query))
}

/// Numbers within a text such as `… in ('1','2')`.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

/// The invoices that a query in words asks for by id, if it does.
fn named(text: &str, before: &str) -> Option<Vec<u64>> {
    let (_, rest) = text.split_once(before)?;
    Some(numbers(rest.split([']', ')']).next().unwrap()))
}

/// Dolibarr, out of its own recorded invoice.
pub fn dolibarr(books: &Books, size: usize) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let template: Value = serde_json::from_str(&sample("dolibarr-16-invoice.json")).unwrap();
    let party: Value = serde_json::from_str(&sample("dolibarr-16-thirdparty.json")).unwrap();
    let invoice = move |(id, cents): (u64, i64)| {
        let mut one = template.clone();
        one["id"] = json!(id.to_string());
        one["ref"] = json!(format!("FA-{id}"));
        one["remaintopay"] = json!(text(cents));
        one["status"] = json!(if cents == 0 { "2" } else { "1" });
        one["socid"] = json!(id.to_string());
        // As Dolibarr has it: the midnight of the 26th of October.
        one["date_lim_reglement"] = json!(1_792_969_200);
        one
    };
    move |request| {
        let path = request.path.trim_start_matches("/api/index.php");
        if let Some(id) = path.strip_prefix("/thirdparties/") {
            let mut one = party.clone();
            one["id"] = json!(id);
            one["name"] = json!(format!("Maison {id}"));
            one["email"] = json!(format!("c{id}@client.example"));
            one["country_code"] = json!("be");
            one["tva_intra"] = json!("BE0123456749");
            return ok(&one);
        }
        if let Some(id) = path.strip_prefix("/invoices/") {
            let id = id.trim_start_matches("ref/FA-");
            return books.among(&numbers(id)).first().map_or_else(missing, |one| ok(&invoice(*one)));
        }
        let list = if request.field("sqlfilters").is_some() { books.all() } else { books.open() };
        assert_eq!(parameter(request, "limit"), 100);
        let found = page(&list, parameter(request, "page") * size, size);
        if found.is_empty() {
            let recorded = sample("dolibarr-16-past-the-end.http");
            return Answer::new(404, recorded.split_once("\r\n\r\n").or(recorded.split_once("\n\n")).unwrap().1);
        }
        ok(&found.into_iter().map(&invoice).collect())
    }
}

pub fn invoice_ninja(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    // Client 4 is in a group, client 5 in one that an older version does not show.
    let group = |id: u64| if id == 4 || id == 5 { "Opnel5aKBz" } else { "" };
    let invoice = move |(id, cents): (u64, i64)| {
        let mut one = json!({ "id": format!("VolejRej{id}"), "client_id": format!("c{id}"), "status_id": if cents == 0 { "4" } else { "2" },
            "number": format!("{id:04}"), "amount": number(12_000), "balance": number(cents), "partial": if id == 2 { number(1000) } else { json!(0) },
            "date": "2026-09-26", "due_date": "2026-10-26", "partial_due_date": if id == 2 { "2026-10-01" } else { "" },
            "is_deleted": false, "po_number": "", "invitations": [{ "link": "https://invoicing.example/view/x" }],
            "client": { "id": format!("c{id}"), "display_name": format!("Maison {id}"), "country_id": "56", "vat_number": "",
                "settings": { "currency_id": if id == 3 { "1" } else { "" }, "language_id": "6" }, "phone": "", "group_settings_id": group(id),
                "contacts": [{ "is_primary": false, "email": "other@client.example" }, { "is_primary": true, "email": format!("c{id}@client.example"), "phone": "" }] } });
        if id == 4 {
            one["client"]["group_settings"] = json!({ "id": group(id), "settings": { "currency_id": "17" } });
        }
        one
    };
    move |request| {
        assert_eq!(request.header("X-Requested-With"), Some("XMLHttpRequest"));
        if let Some(id) = request.path.strip_prefix("/api/v1/invoices/") {
            let id = id.trim_start_matches("VolejRej");
            return books.among(&numbers(id)).first().map_or_else(missing, |one| ok(&json!({ "data": invoice(*one) })));
        }
        if let Some(number) = request.field("number") {
            let found: Vec<Value> = books.among(&numbers(number)).into_iter().map(invoice).collect();
            return ok(&json!({ "data": found, "meta": { "pagination": { "total": 1 } } }));
        }
        let list = if request.field("client_status") == Some("unpaid") { books.open() } else { books.all() };
        let found = page(&list, (parameter(request, "page") - 1) * 2, 2);
        let found: Vec<Value> = found.into_iter().map(invoice).collect();
        ok(&json!({ "data": found, "meta": { "pagination": { "total": list.len(), "count": found.len() } } }))
    }
}

/// Odoo, by JSON-2 or inside JSON-RPC.
pub fn odoo(books: &Books, rpc: bool) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        json!({ "id": id, "name": format!("INV/2026/{id:05}"), "move_type": if cents < 0 { "out_refund" } else { "out_invoice" }, "state": "posted",
            "payment_state": if cents == 0 { "in_payment" } else { "not_paid" }, "invoice_date": "2026-09-26", "invoice_date_due": "2026-10-26",
            "amount_residual": number(cents.abs()), "amount_total": number(12_000), "currency_id": [1, "EUR"], "partner_id": [id + 40, format!("Maison {id}, Anne")],
            "payment_reference": false, "ref": false, "invoice_user_id": [2, "Anne"], "invoice_origin": false })
    };
    let partner = |id: u64| {
        json!({ "id": id, "name": format!("Maison {}", id - 40), "email": format!("c{}@client.example", id - 40), "phone": false,
            "lang": "nl_BE", "country_code": "BE", "vat": false, "is_company": true })
    };
    move |request| {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_else(|e| panic!("{e}: {}", request.body));
        let (model, domain, options) = if rpc {
            let arguments = &body["params"]["args"];
            assert_eq!(
                (&arguments[0], &arguments[1], &arguments[2]),
                (&json!("canal"), &json!(7), &json!(crate::support::config::LEDGER_KEY))
            );
            (arguments[3].as_str().unwrap().to_owned(), arguments[5][0].clone(), arguments[6].clone())
        } else {
            assert_eq!(request.header("X-Odoo-Database"), Some("canal"));
            let model = request.path.trim_start_matches("/json/2/").trim_end_matches("/search_read").to_owned();
            (model, body["domain"].clone(), body.clone())
        };
        let asked = domain.to_string();
        let ids = named(&asked, "[\"id\",\"in\",");
        let found: Vec<Value> = match (model.as_str(), ids) {
            ("res.partner", Some(ids)) => ids.into_iter().map(partner).collect(),
            (_, Some(ids)) => books.among(&ids).into_iter().map(invoice).collect(),
            (_, None) if asked.contains("\"name\"") => {
                books.all().into_iter().map(invoice).filter(|i| asked.contains(i["name"].as_str().unwrap())).collect()
            }
            (_, None) => {
                let list = if asked.contains("write_date") { books.all() } else { books.open() };
                let number = |key: &str| usize::try_from(options[key].as_u64().unwrap()).unwrap();
                assert_eq!(number("limit"), 200);
                page(&list, number("offset"), 200).into_iter().map(invoice).collect()
            }
        };
        ok(&if rpc { json!({ "jsonrpc": "2.0", "id": 1, "result": found }) } else { json!(found) })
    }
}

pub fn erpnext(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        json!({ "name": format!("ACC-SINV-{id}"), "customer": format!("C{id}"), "customer_name": format!("Maison {id}"), "posting_date": "2026-09-26",
            "due_date": "2026-10-26", "currency": "USD", "party_account_currency": "EUR", "conversion_rate": 0.9, "outstanding_amount": number(cents),
            "grand_total": number(12_000), "is_return": 0, "return_against": null, "docstatus": 1, "contact_email": format!("c{id}@client.example, b@x.example"),
            "contact_mobile": "", "language": "fr", "tax_id": null, "po_no": null })
    };
    move |request| {
        assert!(request.path.starts_with("/api/resource/Sales"), "{}", request.path);
        if let Some(name) = request.path.split("Invoice/").nth(1).or(request.path.split("Invoice%2F").nth(1)) {
            return books.among(&numbers(name)).first().map_or_else(missing, |one| ok(&json!({ "data": invoice(*one) })));
        }
        let filters: Value = serde_json::from_str(request.field("filters").unwrap()).unwrap();
        let found: Vec<(u64, i64)> = match filters[0][0].as_str().unwrap() {
            "name" => books.among(&numbers(&filters.to_string())),
            what => {
                let list = if what == "modified" { books.all() } else { books.open() };
                page(&list, parameter(request, "limit_start"), parameter(request, "limit_page_length"))
            }
        };
        ok(&json!({ "data": found.into_iter().map(invoice).collect::<Vec<_>>() }))
    }
}

pub fn stripe(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        // Of the third the bank debit is under way; the fourth is in yen, which have no cents.
        let intent = if id == 3 { json!({ "status": "processing" }) } else { json!({ "status": "requires_payment_method" }) };
        json!({ "id": format!("in_{id}"), "object": "invoice", "number": format!("A-{id}"), "amount_remaining": cents, "total": 12_000,
            "currency": if id == 4 { "jpy" } else { "eur" }, "due_date": 1_793_023_200, "created": 1_790_000_000, "status": if cents == 0 { "paid" } else { "open" },
            "customer_name": null, "customer_email": null, "hosted_invoice_url": "https://invoice.stripe.example/i/x", "payment_intent": intent,
            "customer": { "id": format!("cus_{id}"), "name": format!("Maison {id}"), "email": format!("c{id}@client.example"), "phone": null,
                "preferred_locales": ["fr-BE"], "address": { "country": "BE" } } })
    };
    move |request| {
        assert_eq!(request.header("Stripe-Version"), Some("2024-06-20"));
        if let Some(id) = request.path.strip_prefix("/v1/invoices/in_") {
            return books.among(&numbers(id)).first().map_or_else(missing, |one| ok(&invoice(*one)));
        }
        if let Some(query) = request.field("query") {
            let found: Vec<Value> = books.among(&numbers(query)).into_iter().map(invoice).collect();
            return ok(&json!({ "object": "search_result", "data": found, "has_more": false }));
        }
        assert_eq!((request.field("status"), request.field("collection_method")), (Some("open"), Some("send_invoice")));
        let expanded: Vec<&str> = request.fields.iter().filter(|(n, _)| n == "expand[]").map(|(_, v)| v.as_str()).collect();
        assert_eq!(expanded, ["data.customer", "data.payment_intent"]);
        let after = request.field("starting_after").map_or(0, |id| numbers(id)[0]);
        let list: Vec<(u64, i64)> = books.open().into_iter().filter(|(id, _)| *id > after).collect();
        let found: Vec<Value> = page(&list, 0, 2).into_iter().map(invoice).collect();
        ok(&json!({ "object": "list", "data": found, "has_more": list.len() > 2 }))
    }
}

pub fn lago(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        json!({ "lago_id": format!("1a901a90-{id}"), "number": format!("LAG-{id}"), "issuing_date": "2026-09-26", "payment_due_date": "2026-10-26",
            "invoice_type": "subscription", "status": "finalized", "payment_status": if cents == 0 { "succeeded" } else { "pending" }, "currency": "EUR",
            "total_amount_cents": 12_000, "total_due_amount_cents": cents, "payment_dispute_lost_at": null,
            "customer": { "lago_id": "x", "external_id": format!("c{id}"), "name": format!("Maison {id}"), "email": format!("c{id}@client.example"),
                "country": "BE", "billing_configuration": { "document_locale": "fr" } } })
    };
    move |request| {
        if let Some(id) = request.path.strip_prefix("/api/v1/invoices/1a901a90-") {
            return books.among(&numbers(id)).first().map_or_else(missing, |one| ok(&json!({ "invoice": invoice(*one) })));
        }
        if let Some(term) = request.field("search_term") {
            let found: Vec<Value> = books.among(&numbers(term)).into_iter().map(invoice).collect();
            return ok(&json!({ "invoices": found, "meta": { "total_count": found.len() } }));
        }
        let found: Vec<Value> = page(&books.open(), (parameter(request, "page") - 1) * 2, 2).into_iter().map(invoice).collect();
        ok(&json!({ "invoices": found, "meta": { "current_page": 1, "total_count": books.open().len() } }))
    }
}

pub fn quickbooks(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        json!({ "Id": id.to_string(), "DocNumber": format!("Q-{id}"), "TxnDate": "2026-09-26", "DueDate": "2026-10-26", "TotalAmt": number(12_000),
            "Balance": number(cents), "CurrencyRef": { "value": "EUR" }, "CustomerRef": { "value": format!("{}", id + 40), "name": format!("Maison {id}") },
            "MetaData": { "LastUpdatedTime": "2026-10-01T10:00:00-07:00" } })
    };
    let customer = |id: u64| {
        json!({ "Id": id.to_string(), "DisplayName": "x", "PrimaryEmailAddr": { "Address": format!("c{}@client.example", id - 40) },
            "PrimaryPhone": { "FreeFormNumber": "02 511 11 11" } })
    };
    move |request| {
        assert_eq!(request.path, "/v3/company/9130/query");
        let query = request.field("query").unwrap();
        let ids = named(query, " in (");
        if query.contains("from Customer") {
            let found: Vec<Value> = ids.unwrap().into_iter().map(customer).collect();
            return ok(&json!({ "QueryResponse": { "Customer": found, "maxResults": 1 } }));
        }
        let found: Vec<(u64, i64)> = match ids {
            Some(ids) => books.among(&ids),
            None if query.contains("DocNumber") => books.among(&numbers(query.split('\'').nth(1).unwrap())),
            None => {
                let list = if query.contains("LastUpdatedTime") { books.all() } else { books.open() };
                let word = |name: &str| numbers(query.split_once(name).unwrap().1)[0] as usize;
                page(&list, word("startposition ") - 1, word("maxresults "))
            }
        };
        let found: Vec<Value> = found.into_iter().map(invoice).collect();
        ok(&if found.is_empty() { json!({ "QueryResponse": {} }) } else { json!({ "QueryResponse": { "Invoice": found } }) })
    }
}

pub fn xero(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let invoice = |(id, cents): (u64, i64)| {
        let mut one = json!({ "InvoiceID": format!("243216c5-{id}"), "InvoiceNumber": format!("X-{id}"), "Type": "ACCREC", "Status": if cents == 0 { "PAID" } else { "AUTHORISED" },
            "DateString": "2026-09-26T00:00:00", "DueDateString": "2026-10-26T00:00:00", "AmountDue": number(cents), "Total": number(12_000), "CurrencyCode": "EUR",
            "Contact": { "ContactID": format!("0d0a-{id}"), "Name": format!("Maison {id}") } });
        if id == 2 {
            // The midnight of the 20th of November.
            one["ExpectedPaymentDate"] = json!("/Date(1795132800000+0000)/");
        }
        one
    };
    let contact = |id: u64| json!({ "ContactID": format!("0d0a-{id}"), "EmailAddress": format!("c{id}@client.example") });
    let ids = |text: &str| text.split(',').filter_map(|id| id.rsplit('-').next()?.parse().ok()).collect::<Vec<u64>>();
    move |request| {
        assert_eq!(request.header("xero-tenant-id"), Some("tenant-1"));
        if request.path == "/api.xro/2.0/Contacts" {
            let found: Vec<Value> = ids(request.field("IDs").unwrap()).into_iter().map(contact).collect();
            return ok(&json!({ "Contacts": found }));
        }
        let found = match (request.field("IDs"), request.field("InvoiceNumbers")) {
            (Some(list), _) => books.among(&ids(list)),
            (_, Some(number)) => books.among(&numbers(number)),
            _ => {
                assert_eq!(request.field("where"), Some("Type==\"ACCREC\""));
                let list = if request.header("If-Modified-Since").is_some() { books.all() } else { books.open() };
                page(&list, (parameter(request, "page") - 1) * 2, 2)
            }
        };
        ok(&json!({ "Invoices": found.into_iter().map(invoice).collect::<Vec<_>>() }))
    }
}

/// Tryton, out of its own recorded answer.
pub fn tryton(books: &Books) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let books = books.clone();
    let recorded = sample("tryton-8-rpc.jsonl");
    let line: Value = serde_json::from_str(recorded.lines().find(|l| l.contains("invoice.search_read")).unwrap()).unwrap();
    let template = line["answer"]["result"][1].clone();
    let invoice = move |(id, cents): (u64, i64)| {
        let mut one = template.clone();
        one["id"] = json!(id);
        one["number"] = json!(format!("T-{id}"));
        one["state"] = json!(if cents == 0 { "paid" } else { "posted" });
        one["amount_to_pay"] = json!({ "__class__": "Decimal", "decimal": text(cents) });
        one["party"] = json!(id);
        one["party."] = json!({ "id": id, "rec_name": format!("Maison {id}"), "email": format!("c{id}@client.example"), "lang.": { "code": "fr" } });
        let line = |month: u64, reconciled: Option<u64>| json!({ "id": 7, "maturity_date": { "__class__": "date", "year": 2026, "month": month, "day": 26 }, "reconciliation": reconciled });
        one["lines_to_pay."] = json!([line(12, None), line(10, None), line(9, Some(3))]);
        one
    };
    move |request| {
        assert_eq!(request.path, "/canal/");
        let body: Value = serde_json::from_str(&request.body).unwrap_or_else(|e| panic!("{e}: {}", request.body));
        assert_eq!(body["params"][4].as_array().unwrap().len(), 18);
        let asked = body["params"][0].to_string();
        let found: Vec<(u64, i64)> = match named(&asked, "[\"id\",\"in\",") {
            Some(ids) => books.among(&ids),
            None if asked.contains("\"number\"") => books.among(&numbers(&asked)),
            None => {
                let number = |at: usize| usize::try_from(body["params"][at].as_u64().unwrap()).unwrap();
                page(&books.open(), number(1), number(2))
            }
        };
        ok(&json!({ "id": 1, "result": found.into_iter().map(&invoice).collect::<Vec<_>>() }))
    }
}

/// The server of a preset, and what `[source]` says besides.
pub async fn server(preset: &str, books: &Books) -> (Http, String) {
    let key = "key = { file = \"ledger.secret\" }\n";
    let (server, more) = match preset {
        "dolibarr" => (Http::answering(dolibarr(books, 2)).await, ""),
        "invoice-ninja" => (Http::answering(invoice_ninja(books)).await, "currency = \"EUR\"\n"),
        "odoo" => (Http::answering(odoo(books, false)).await, "database = \"canal\"\n"),
        "odoo-rpc" => (Http::answering(odoo(books, true)).await, "database = \"canal\"\nuser = \"7\"\n"),
        "erpnext" => (Http::answering(erpnext(books)).await, "secret = { file = \"ledger.secret\" }\n"),
        "stripe" => (Http::answering(stripe(books)).await, ""),
        "lago" => (Http::answering(lago(books)).await, ""),
        "tryton" => (Http::answering(tryton(books)).await, "database = \"canal\"\nuser = \"relance\"\ncompany = \"1\"\n"),
        other => panic!("{other}"),
    };
    (server, format!("{key}{more}"))
}
