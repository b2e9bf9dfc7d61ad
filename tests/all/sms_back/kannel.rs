//! Kannel's recorded callbacks, replayed: what it asked of a dlr-url, with our URL and our marks in place of those of that day.

use super::{Line, PUBLIC, nothing_came, refusals};

const RECORDED: &str = include_str!("../../samples/sms/kannel-1.4.5-callbacks.txt");

/// The queries of the callbacks about a message of the recording, with another mark.
fn recorded(of: &str, mark: &str) -> Vec<String> {
    let asked = RECORDED.lines().filter_map(|line| line.strip_prefix("GET /dlr?"));
    let about = asked.filter(|query| query.starts_with(&format!("token={of}&")));
    about.map(|query| query.trim_end().replace(of, mark)).collect()
}

#[tokio::test]
async fn it_is_asked_for_all_that_it_can_tell() {
    let line = Line::open("kannel", "").await;
    let request = &line.gateway.requests()[0];
    assert_eq!(request.field("dlr-mask"), Some("31"));
    let url = request.field("dlr-url").unwrap();
    let wanted = format!("{PUBLIC}{}?token={}&type=%d&smsc=%i&from=%p&to=%P&at=%t&answer=%A&id=%I", line.path(), line.mark());
    assert_eq!(url, wanted);
    assert!(request.query.contains("dlr-url=https%3A%2F%2Fhooks"), "{}", request.query);
    line.finish().await;
}

#[tokio::test]
async fn a_delivered_message_was_first_on_its_way() {
    let line = Line::open("kannel", "").await;
    let queries = recorded("t33155", &line.mark());
    assert_eq!(queries.len(), 2);
    assert_eq!(line.get(&queries[0]).await, 200);
    nothing_came(&line).await;
    assert_eq!(line.get(&queries[1]).await, 200);
    assert_eq!(line.came().await, ["delivered token"]);
    assert!(line.delivered().await);
    // The same again, and the earlier one after it: nothing changes.
    for query in [&queries[1], &queries[0]] {
        assert_eq!(line.get(query).await, 200);
    }
    assert_eq!(line.came().await, ["delivered token"]);
    assert_eq!((line.state().await, refusals(&line)), ("accepted".to_owned(), vec![]));
    line.finish().await;
}

#[tokio::test]
async fn one_that_the_network_refused_voids_the_step_and_kills_no_number() {
    let line = Line::open("kannel", "").await;
    let queries = recorded("t49991", &line.mark());
    assert_eq!(queries.len(), 1);
    assert_eq!(line.get(&queries[0]).await, 200);
    assert_eq!(line.state().await, "refused");
    assert_eq!(line.world.outcomes().await[1..], ["refused sms reminder server returned"]);
    let said = line.world.log().await[1].answer.clone().unwrap();
    assert_eq!(said, "kannel says 16: NACK/ERR 36 absent subscriber");
    assert_eq!(line.world.peek("SELECT address FROM point").await, Vec::<String>::new());
    line.finish().await;
}

/// Bits and combined bits; a final one may never come.
#[tokio::test]
async fn each_bit_means_what_it_says() {
    for (bits, came, state) in [
        ("1", "delivered", "accepted"),
        ("2", "failed", "refused"),
        ("4", "", "accepted"),
        ("8", "", "accepted"),
        ("16", "failed", "refused"),
        ("34", "failed", "expired"),
        ("66", "other", "accepted"),
        ("0x22", "failed", "expired"),
        ("99", "other", "accepted"),
    ] {
        let line = Line::open("kannel", "").await;
        let query =
            format!("token={}&type={bits}&smsc=A&from=%2B32470000001&to=DUNNER&at=2026-11-02+10:00:05&answer=&id=1", line.mark());
        assert_eq!(line.get(&query).await, 200, "{bits}");
        let wanted: Vec<String> = if came.is_empty() { vec![] } else { vec![format!("{came} token")] };
        assert_eq!((line.came().await, line.state().await.as_str()), (wanted, state), "{bits}");
        line.finish().await;
    }
}

#[tokio::test]
async fn a_mark_that_is_made_up_or_old_changes_nothing() {
    let line = Line::open("kannel", "").await;
    let mark = line.mark();
    let other = format!("2-{}", mark.split_once('-').unwrap().1);
    for token in [other.as_str(), "t33155", &mark[..mark.len() - 1]] {
        assert_eq!(line.get(&format!("token={token}&type=16&from=%2B32470000001")).await, 200);
    }
    assert_eq!(line.came().await, ["failed nobody"; 3], "listed, and nothing else");
    assert_eq!(line.state().await, "accepted");
    line.world.days(61);
    assert_eq!(line.get(&format!("token={mark}&type=16")).await, 200);
    assert_eq!(line.state().await, "accepted", "no receipt comes after two months");
    line.finish().await;
}
