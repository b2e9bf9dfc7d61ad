//! Where tests are played: a folder that is thrown away, an empty store to begin with, and what all tests have in common.

use crate::channel::outlet::Outlet;
use crate::clock::Clock;
use crate::config::{Setup, Stage};
use crate::flow::Desk;
use crate::flow::desk::Rehearsal;
use crate::store::Store;
use anyhow::Context as _;
use jiff::Timestamp;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder below the system's for what is thrown away; nobody else may look into it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> anyhow::Result<Folder> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = std::env::temp_dir();
        for _ in 0..1000 {
            let number = NEXT.fetch_add(1, Ordering::SeqCst);
            let path = base.join(format!("relance-test-{}-{number}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e).with_context(|| format!("cannot make the folder {}", path.display())),
            }
        }
        anyhow::bail!("no name is free below {}; remove the folders relance-test-… there", base.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(event = "file_left", folder = %self.0.display(), error = %e, "a test's folder stays behind");
        }
    }
}

/// What all tests have in common.
pub(super) struct Common {
    folder: Folder,
    desk: Desk,
}

impl Common {
    /// Makes an empty store, and checks the letters once.
    pub(super) async fn new(setup: &Setup) -> anyhow::Result<Common> {
        let folder = Folder::new()?;
        let stage = Stage { folder: folder.path(), country: None, channels: None, cadences: None, old_debts: None };
        let setup = setup.rehearsed(&stage);
        let store = Store::open(&setup.settings.store, &setup.environment).await?;
        let desk = Desk::new(setup, store, Clock::manual(Timestamp::UNIX_EPOCH)).await?;
        desk.dictionary().await?;
        desk.store.close().await;
        Ok(Common { folder, desk })
    }

    /// A desk for a test, on a copy of the empty store.
    pub(super) async fn desk(&self, setup: Setup, folder: &Path, clock: Clock, outlet: Outlet) -> anyhow::Result<Desk> {
        let place = folder.join("relance.db");
        if !place.exists() {
            std::fs::copy(self.folder.path().join("relance.db"), &place).context("no store for the test")?;
        }
        let store = Store::existing(&setup.settings.store, &setup.environment).await?;
        let store = store.join("test", &setup.agreement, clock.now()).await?;
        Ok(Desk::rehearse(setup, store, clock, self.rehearsal(outlet).await?).await?)
    }

    async fn rehearsal(&self, outlet: Outlet) -> anyhow::Result<Rehearsal> {
        Ok(Rehearsal { letters: self.desk.letters.clone(), dictionary: self.desk.dictionary().await?, outlet })
    }
}
