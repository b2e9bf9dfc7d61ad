//! A PostgreSQL database, as `[store]` and `[source]` name one: a URL without a password, and the password apart.

use super::Environment;
use super::secret::{SecretError, SecretSource};
use super::section::Section;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// What may stand behind the question mark of a URL.
const PARAMETERS: [&str; 5] = ["host", "port", "sslmode", "sslrootcert", "application_name"];

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// `postgres://user@host:port/database`, with no password in it.
    url: String,
    /// The password, where one is needed.
    pub(super) password: Option<SecretSource>,
}

/// Whether a URL names a PostgreSQL database.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl DatabaseSettings {
    /// Reads `url` and `password` of a section.
    pub(super) fn read(section: &Section, base: &Path) -> Option<DatabaseSettings> {
        let password = SecretSource::read(section, "password", base);
        // Not repeated in the error, as other values are: it may hold a password.
        let url = checked(section.text("url", "a database")?.trim(), IN_SECTION)
            .map_err(|why| section.problem("url", format!("\"url\": {why}")))
            .ok()?;
        if section.has("password") && password.is_none() {
            return None;
        }
        Some(DatabaseSettings { url, password })
    }

    /// A database by its URL alone.
    pub fn at(url: &str) -> Result<DatabaseSettings, String> {
        Ok(DatabaseSettings { url: checked(url, ON_COMMAND_LINE)?, password: None })
    }

    /// The same with its password in a file.
    pub fn with_password_file(self, path: Option<PathBuf>) -> DatabaseSettings {
        DatabaseSettings { password: path.map(SecretSource::File), ..self }
    }

    /// Where the password is, to name another place.
    pub fn password_mut(&mut self) -> Option<&mut SecretSource> {
        self.password.as_mut()
    }

    /// What `url` says.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The place for messages: the URL without its parameters.
    pub fn place(&self) -> &str {
        self.url.split('?').next().unwrap_or(&self.url)
    }

    /// Whether two settings name one database, as far as their words tell.
    pub fn same_database(&self, other: &DatabaseSettings) -> bool {
        let (Ok(a), Ok(b)) = (PgConnectOptions::from_str(&self.url), PgConnectOptions::from_str(&other.url)) else {
            return false;
        };
        (a.get_host(), a.get_port(), a.get_socket(), a.get_database())
            == (b.get_host(), b.get_port(), b.get_socket(), b.get_database())
    }

    /// What a connection needs. A server elsewhere is spoken to over TLS and has to show who it is, unless the URL says
    /// otherwise: whoever stands between could else forge the ledger. Statements are never logged.
    pub fn options(&self, environment: &Environment) -> Result<PgConnectOptions, SecretError> {
        let unreadable = |e: sqlx::Error| SecretError::new(self.place(), e.to_string());
        let mut options = PgConnectOptions::from_str(&self.url).map_err(unreadable)?.disable_statement_logging();
        if !self.url.contains("sslmode=") && options.get_socket().is_none() && !super::read::is_loopback(options.get_host()) {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(password) = &self.password {
            options = options.password(password.load(environment)?.reveal());
        }
        Ok(options)
    }
}

/// Where a password belongs that stands in the URL of a section, and in one on the command line.
const IN_SECTION: &str = "and a secret never stands in the configuration; wanted password = { file = \"/path\" } or { credential = \"name\" } beside it";
const ON_COMMAND_LINE: &str =
    "and everybody on the machine can see a command line; wanted it in a file that --password-file names, or in ~/.pgpass";

/// A URL that names a user's database and holds no secret.
fn checked(url: &str, apart: &str) -> Result<String, String> {
    let wanted = "wanted \"postgres://user@host/database\"";
    let Some((_, rest)) = url.split_once("://").filter(|_| is_postgres(url)) else { return Err(wanted.to_owned()) };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let named = |p: &str| p.split('=').next().unwrap_or_default().to_owned();
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
        || parameters.split('&').any(|p| named(p) == "password")
    {
        return Err(format!("it holds a password, {apart}"));
    }
    if let Some(unknown) = parameters.split('&').map(named).find(|p| !p.is_empty() && !PARAMETERS.contains(&p.as_str())) {
        return Err(format!("its parameter \"{unknown}\" is not known; wanted one of: {}", PARAMETERS.join(", ")));
    }
    let options = PgConnectOptions::from_str(url).map_err(|e| format!("{e}; {wanted}"))?;
    if options.get_database().is_none() {
        return Err(format!("it names no database; {wanted}"));
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_database_and_no_secret() {
        for good in [
            "postgres://relance@db.example/relance",
            "postgresql://relance@127.0.0.1:5433/r?sslmode=disable",
            "postgres:///relance?host=/run/postgresql",
        ] {
            assert_eq!(checked(good, IN_SECTION).as_deref(), Ok(good));
        }
        for (bad, word) in [
            ("postgres://relance:hunter2@db.example/relance", "holds a password"),
            ("postgres://relance@db.example/relance?password=hunter2", "holds a password"),
            ("postgres://relance@db.example/relance?passwrd=x", "\"passwrd\" is not known"),
            ("postgres://relance@db.example", "names no database"),
            ("mysql://relance@db.example/relance", "wanted \"postgres://"),
        ] {
            let said = checked(bad, ON_COMMAND_LINE).unwrap_err();
            assert!(said.contains(word) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls() {
        let mode = |url: &str| {
            let settings = DatabaseSettings { url: url.to_owned(), password: None };
            settings.options(&Environment::new()).unwrap().get_ssl_mode()
        };
        assert!(matches!(mode("postgres://r@db.example/r"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://r@db.example/r?sslmode=require"), PgSslMode::Require));
        assert!(matches!(mode("postgres://r@db.example/r?sslmode=verify-full"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://r@localhost/r"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres:///r?host=/run/postgresql"), PgSslMode::Prefer));
    }
}
