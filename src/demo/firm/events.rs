//! What each event does in the books.

use super::books::Paper;
use super::year::{Event, Year};
use crate::domain::time::plus_days;
use crate::store::holds::Found;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

impl Year<'_> {
    pub(super) async fn one(&mut self, event: Event, day: Date, at: Timestamp) -> anyhow::Result<()> {
        match event {
            Event::Row(number, paper) => {
                let customer = self.customers[paper.customer].id.clone();
                self.books.add(&number, *paper, &customer, at).await
            }
            Event::Received(number, part) => self.received(&number, part, at).await,
            Event::Unplaced(number) => self.unplaced(&number, day, at).await,
            Event::Placed(payment, number) => {
                self.books.book(&payment, 0, at).await?;
                self.received(&number, None, at).await
            }
            Event::Returned(number) => {
                let total = self.books.papers.get(&number).map(|p| p.total).unwrap_or_default();
                self.books.note(at, "returned", json!({"invoice": number}));
                self.books.book(&number, total, at).await?;
                self.transfer(&number, None, plus_days(day, 12));
                Ok(())
            }
            Event::Dispute(number) => self.dispute(&number, day, at).await,
            Event::Settled(number) => self.settled(&number, day, at).await,
            Event::AsksForTime(i) => self.asks_for_time(i, day, at).await,
            Event::GoesUnder(i) => {
                self.memory[i].gone = true;
                let id = self.customers[i].id.clone();
                self.books.tell(&id, "state", "insolvency", at).await
            }
            Event::Moves(i) => {
                self.memory[i].moved = true;
                let customer = &self.customers[i];
                let facts = json!({"customer": customer.id, "email": customer.email});
                if let Some(email) = &customer.email {
                    self.outlet.refuse(email);
                }
                self.books.note(at, "address_dies", facts);
                Ok(())
            }
            Event::Found(i) => self.found(i, at).await,
            Event::KindFound(i) => {
                let id = self.customers[i].id.clone();
                self.customers[i].kind = Some("business");
                self.books.tell(&id, "kind", "business", at).await
            }
            Event::WriteOff(i) => {
                for number in self.overdue(i, day) {
                    self.books.mark(&number, "status", "void", at).await?;
                    self.books.papers.remove(&number);
                }
                Ok(())
            }
        }
    }

    async fn received(&mut self, number: &str, part: Option<i64>, at: Timestamp) -> anyhow::Result<()> {
        let Some(paper) = self.books.papers.get(number) else { return Ok(()) };
        let (customer, left) = (paper.customer, part.map_or(0, |part| paper.balance - part.min(paper.balance)));
        self.memory[customer].reminded = 0;
        self.books.book(number, left, at).await
    }

    /// The money is there, as a row of its own; four working days later somebody has found out what it was for.
    async fn unplaced(&mut self, number: &str, day: Date, at: Timestamp) -> anyhow::Result<()> {
        let Some(paper) = self.books.papers.get(number).cloned() else { return Ok(()) };
        self.payments += 1;
        let name = format!("P-{:04}", self.payments);
        let customer = self.customers[paper.customer].id.clone();
        let balance = -paper.balance;
        let row = Paper { kind: "payment", issued_on: day, due_on: day, total: balance, balance, document: None, ..paper };
        self.books.add(&name, row, &customer, at).await?;
        let (day, hour) = (self.working_days_on(day, 4), self.morning());
        self.plan(day, hour, Event::Placed(name, number.to_owned()));
        Ok(())
    }

    /// The customer says that something is wrong: with all of it, or with a part.
    async fn dispute(&mut self, number: &str, day: Date, at: Timestamp) -> anyhow::Result<()> {
        let Some(paper) = self.books.papers.get_mut(number).filter(|p| p.balance > 0) else { return Ok(()) };
        paper.disputed = true;
        let (whole, currency, part) = (paper.balance % 3 != 0, paper.currency, paper.balance / 4);
        if whole {
            self.books.mark(number, "status", "disputed", at).await?;
        } else {
            let part = crate::domain::money::Money::new(part, currency).decimal();
            self.books.mark(number, "disputed_amount", &part, at).await?;
        }
        let (day, hour) = (plus_days(day, self.chance.between(12, 35)), self.morning());
        self.plan(day, hour, Event::Settled(number.to_owned()));
        Ok(())
    }

    /// It is settled: with a credit note in one case of two; then it is paid.
    async fn settled(&mut self, number: &str, day: Date, at: Timestamp) -> anyhow::Result<()> {
        let Some(paper) = self.books.papers.get_mut(number) else { return Ok(()) };
        paper.disputed = false;
        let paper = paper.clone();
        self.books.mark(number, "disputed_amount", "", at).await?;
        // Some pay while they object.
        if paper.balance == 0 {
            return self.books.mark(number, "status", "paid", at).await;
        }
        self.books.mark(number, "status", "open", at).await?;
        if self.chance.odds(50) {
            self.payments += 1;
            let balance = -(paper.balance / 5).max(1);
            let row = Paper {
                kind: "credit_note",
                issued_on: day,
                due_on: day,
                total: balance,
                balance,
                for_invoice: Some(number.to_owned()),
                document: None,
                ..paper.clone()
            };
            let customer = self.customers[paper.customer].id.clone();
            let name = format!("CN-{:04}", self.payments);
            self.books.add(&name, row, &customer, at).await?;
            // The credit note is used up on the day on which the rest is paid.
            let (paid, hour) = (self.working_days_on(day, 9), self.morning());
            self.plan(paid, hour, Event::Placed(name, number.to_owned()));
        } else {
            let day = plus_days(day, self.chance.between(4, 9));
            self.transfer(number, None, day);
        }
        Ok(())
    }

    /// Somebody asks for two more weeks and gets them.
    async fn asks_for_time(&mut self, i: usize, day: Date, at: Timestamp) -> anyhow::Result<()> {
        let id = self.customers[i].id.clone();
        let Found::One(named) = self.desk.store.find(&id).await? else { return Ok(()) };
        let until = plus_days(day, 14);
        self.desk.store.put_hold(named, until, "asked for two weeks by telephone", at).await?;
        self.books.note(at, "held", json!({"customer": id, "until": until.to_string()}));
        Ok(())
    }

    /// The new address is known.
    async fn found(&mut self, i: usize, at: Timestamp) -> anyhow::Result<()> {
        let id = self.customers[i].id.clone();
        let email = format!("new-address@{}.example", id.to_lowercase());
        self.memory[i].moved = false;
        self.customers[i].email = Some(email.clone());
        self.books.tell(&id, "email", &email, at).await?;
        if self.customers[i].phone.is_some() {
            let phone = format!("+32471000{i:03}");
            self.customers[i].phone = Some(phone.clone());
            self.books.tell(&id, "phone", &phone, at).await?;
        }
        Ok(())
    }
}
