//! Each form in each language over a ledger with everything in it.

use super::full::firm;
use super::{object, text};
use crate::support::Smtp;
use relance::flow::report;

#[tokio::test]
async fn a_full_morning_in_each_language() {
    let server = Smtp::start().await;
    let world = firm(&server).await;
    let built = report::build(world.desk()).await.unwrap();
    for language in ["fr", "nl", "de", "en"] {
        insta::assert_snapshot!(format!("full_{language}"), text(&world, language).await);
        let html = report::page(world.desk(), &built, language, report::Form::Mail).unwrap().html().unwrap();
        if let Some(folder) = relance::config::environment().get("RELANCE_TEST_PAGES") {
            std::fs::write(format!("{folder}/{language}.html"), &html).unwrap();
        }
        insta::assert_snapshot!(format!("full_{language}_html"), html.split("<body").nth(1).unwrap());
    }
    let object = serde_json::to_string_pretty(&object(&world).await).unwrap();
    insta::assert_snapshot!("full_json", object);
    world.finish().await;
}
