//! The doors of a daemon: everything over which somebody outside may speak to it. They open once, when it starts, and see each
//! desk that comes after.

use super::hooks::Hooks;
use super::page::Page;
use super::serve::Listener;
use crate::config::Settings;
use crate::flow::Desk;
use crate::flow::tally::Tally;
use std::sync::Arc;

/// The doors; cost nothing to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    hooks: Hooks,
    page: Page,
}

impl Doors {
    /// A daemon that starts.
    pub fn new(settings: &Settings, tally: &Arc<Tally>) -> Doors {
        Doors {
            hooks: Hooks::new(settings.listen.as_ref(), tally.clone()),
            page: Page::new(settings.answers.as_ref(), tally.clone()),
        }
    }

    /// Opens those that the configuration names. The error says what to do.
    pub async fn open(&self) -> Result<[Listener; 2], String> {
        Ok([self.hooks.listen().await?, self.page.listen().await?])
    }

    /// A desk is at work.
    pub fn sees(&self, desk: &Desk) {
        self.hooks.sees(desk);
        self.page.sees(desk);
    }

    /// None is.
    pub fn loses(&self) {
        self.hooks.loses();
        self.page.loses();
    }
}
