//! Saying who we are. What does not change is a header; OAuth tokens are fetched, kept until their time is over, and, where
//! a system gives another refresh token each time, kept on the disk before they are used: the old one is worth nothing then.

use super::client::{Client, PASSING, cause, retry_after};
use crate::clock::Stopwatch;
use crate::config::secret::Secret;
use crate::config::settings::HttpSettings;
use crate::config::system::{Auth, Grant, Name, OAuth};
use crate::domain::base64;
use crate::domain::json::{Json, Path};
use crate::source::SourceError;
use reqwest::header::{HeaderName, HeaderValue};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The most that is read of an answer with a token, and of the file.
const MAX_TOKEN: usize = 64 << 10;

/// A token is renewed so long before its time is over.
const EARLY: Duration = Duration::from_secs(60);

/// How often, and in what intervals, one waits for another program that renews the token.
const TURNS: u32 = 1000;
const TURN: Duration = Duration::from_millis(100);

/// How relance says who it is.
#[derive(Debug)]
pub(super) struct Login {
    auth: Auth,
    file: Option<PathBuf>,
    access: Arc<Mutex<Option<Access>>>,
    /// What was had, so that it can be kept out of words.
    held: Lock<Vec<Secret>>,
}

#[derive(Debug)]
struct Access {
    token: Secret,
    since: Stopwatch,
    lasts: Duration,
}

impl Login {
    pub(super) fn new(settings: &HttpSettings) -> Login {
        Login { auth: settings.system.auth.clone(), file: settings.tokens.clone(), access: Arc::default(), held: Lock::default() }
    }

    /// Whether another try with another token may help.
    pub(super) fn renews(&self) -> bool {
        matches!(self.auth, Auth::OAuth(_))
    }

    /// Tokens that were had lately.
    pub(super) fn held(&self) -> Vec<Secret> {
        self.held.lock().map(|held| held.clone()).unwrap_or_default()
    }

    fn hold(&self, token: &Secret) {
        if let Ok(mut held) = self.held.lock() {
            held.retain(|one| one != token);
            held.push(token.clone());
            let more = held.len().saturating_sub(8);
            held.drain(..more);
        }
    }

    /// Forgets the token: the other side did not take it.
    pub(super) async fn forget(&self) {
        self.access.lock().await.take();
    }

    /// The header that says it.
    pub(super) async fn header(&self, client: &Arc<Client>) -> Result<Option<(HeaderName, HeaderValue)>, SourceError> {
        let value = |name: Name| client.setting(name);
        Ok(Some(match &self.auth {
            Auth::None => return Ok(None),
            Auth::Header { name, value: template } => client.header(name, &template.fill(value))?,
            Auth::Bearer(template) => client.header("authorization", &format!("Bearer {}", template.fill(value)))?,
            Auth::Basic { user, password } => {
                let pair = Secret::new(in_base64(&format!("{}:{}", user.fill(value), password.fill(value))));
                self.hold(&pair);
                client.header("authorization", &format!("Basic {}", pair.reveal()))?
            }
            Auth::OAuth(oauth) => {
                let token = self.token(client, oauth).await?;
                client.header("authorization", &format!("Bearer {}", token.reveal()))?
            }
        }))
    }

    /// The token, a new one where there is none or its time is over. One request for all who wait.
    async fn token(&self, client: &Arc<Client>, oauth: &OAuth) -> Result<Secret, SourceError> {
        let access = self.access.clone().lock_owned().await;
        if let Some(have) = access.as_ref().filter(|a| a.since.elapsed() + EARLY < a.lasts) {
            return Ok(have.token.clone());
        }
        // Whoever waits may give up, and the token is fetched to its end all the same: where each refresh token is good for once, one
        // that was given and not kept locks relance out.
        let (own, oauth) = (client.clone(), oauth.clone());
        let renewed = tokio::spawn(async move { own.login().renew(&own, &oauth, access).await });
        renewed.await.map_err(|e| client.failed(format!("fetching a token ended unexpectedly: {e}")))?
    }

    async fn renew(
        &self,
        client: &Client,
        oauth: &OAuth,
        mut access: OwnedMutexGuard<Option<Access>>,
    ) -> Result<Secret, SourceError> {
        // The lock of the file: of several programs one renews, and the others read what it was given.
        let kept = match &self.file {
            Some(path) if oauth.grant == Grant::Refresh => Some(Kept::open(path).await.map_err(|e| client.failed(e))?),
            _ => None,
        };
        let refresh = kept.as_ref().and_then(|kept| kept.token.clone());
        let refresh = refresh.unwrap_or_else(|| Secret::new(client.setting(Name::Key)));
        self.hold(&refresh);
        let (token, lasts, next) = self.fetch(client, oauth, &refresh).await?;
        self.hold(&token);
        if let (Some(kept), Some(next)) = (kept, next) {
            self.hold(&next);
            if next != refresh {
                kept.keep(&next).map_err(|e| client.failed(e))?;
            }
        }
        *access = Some(Access { token: token.clone(), since: Stopwatch::start(), lasts });
        Ok(token)
    }

    /// Fetches a token: it, how long it lasts, and the next refresh token.
    async fn fetch(
        &self,
        client: &Client,
        oauth: &OAuth,
        refresh: &Secret,
    ) -> Result<(Secret, Duration, Option<Secret>), SourceError> {
        let url = if oauth.url.starts_with('/') { format!("{}{}", client.place(), oauth.url) } else { oauth.url.clone() };
        let (id, secret) = (client.setting(Name::ClientId), client.setting(Name::Secret));
        let mut form: Vec<(&str, &str)> = match oauth.grant {
            Grant::Client => vec![("grant_type", "client_credentials")],
            Grant::Refresh => vec![("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())],
        };
        form.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
        if oauth.in_body {
            form.extend([("client_id", id.as_str()), ("client_secret", secret.as_str())]);
        }
        let mut request = client.http().post(&url).header("accept", "application/json").form(&form);
        if !oauth.in_body {
            request = request.basic_auth(&id, Some(&secret));
        }
        let failed = |why: String| client.failed(format!("no token was given: {why}"));
        let mut response = request.send().await.map_err(|e| failed(cause(&e)))?;
        let headers = response.headers().clone();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(cause(&e)))? {
            if body.len() + chunk.len() > MAX_TOKEN {
                return Err(failed("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if PASSING.contains(&status) {
            return Err(failed(format!("HTTP {status}; it is tried again by itself")).asking(retry_after(&headers)));
        }
        if status != 200 {
            let what = if oauth.grant == Grant::Refresh {
                "key (the refresh token; get another one where the first came from)"
            } else {
                "client_id"
            };
            return Err(failed(format!("HTTP {status}; see [source] {what} and secret")));
        }
        let json = Json::parse(&String::from_utf8_lossy(&body)).map_err(failed)?;
        let word = |key: &str| Path::parse(key).and_then(|p| p.first(&json).and_then(Json::word)).filter(|w| !w.is_empty());
        let token = word("/access_token").ok_or_else(|| failed("the answer has no access_token".to_owned()))?;
        let lasts = word("/expires_in").and_then(|s| s.parse().ok()).unwrap_or(300);
        Ok((Secret::new(token), Duration::from_secs(lasts), word("/refresh_token").map(Secret::new)))
    }
}

/// The file of the refresh token, locked as long as this is held.
struct Kept {
    path: PathBuf,
    token: Option<Secret>,
    _lock: std::fs::File,
}

impl Kept {
    async fn open(path: &std::path::Path) -> Result<Kept, String> {
        let failed = |what: &str, e: std::io::Error| format!("cannot {what} {} ([source] tokens): {e}", path.display());
        let beside = |end: &str| PathBuf::from(format!("{}.{end}", path.display()));
        let lock = options().create(true).truncate(false).open(beside("lock")).map_err(|e| failed("write beside", e))?;
        give(&lock, path);
        let mut turns = 0;
        while let Err(e) = lock.try_lock() {
            turns += 1;
            match e {
                std::fs::TryLockError::WouldBlock if turns < TURNS => tokio::time::sleep(TURN).await,
                std::fs::TryLockError::WouldBlock => {
                    return Err(format!(
                        "another program, or a request for a token that is not answered, keeps {} ([source] tokens) locked",
                        path.display()
                    ));
                }
                std::fs::TryLockError::Error(e) => return Err(failed("lock", e)),
            }
        }
        let mut text = String::new();
        match std::fs::File::open(path) {
            Ok(file) => {
                file.take(MAX_TOKEN as u64).read_to_string(&mut text).map_err(|e| failed("read", e))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed("read", e)),
        }
        let token = text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new);
        Ok(Kept { path: path.to_path_buf(), token, _lock: lock })
    }

    /// Whole or not at all, and on the disk: the token before is worth nothing any more.
    fn keep(self, token: &Secret) -> Result<(), String> {
        let failed = |e: std::io::Error| {
            format!(
                "cannot write {} ([source] tokens): {e}; the system gave another token, so see to it before the next poll, or get a new one there",
                self.path.display()
            )
        };
        let draft = PathBuf::from(format!("{}.new", self.path.display()));
        let mut file = options().create(true).truncate(true).open(&draft).map_err(failed)?;
        give(&file, &self.path);
        writeln!(file, "{}", token.reveal()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&draft, &self.path).map_err(failed)?;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Whoever sets relance up may be root, and the service, whose folder it is, has to read and write this afterwards. Where it may
/// not be given away it is the service's already.
fn give(file: &std::fs::File, path: &std::path::Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    if let (Ok(folder), Ok(own)) = (std::fs::metadata(folder), file.metadata())
        && folder.uid() != own.uid()
    {
        drop(std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid())));
    }
}

/// Nobody but this user reads it.
fn options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// On one line.
fn in_base64(text: &str) -> String {
    let mut out = Vec::new();
    base64::lines(text.as_bytes(), &mut out);
    out.retain(|b| !b.is_ascii_whitespace());
    String::from_utf8(out).unwrap_or_default()
}
