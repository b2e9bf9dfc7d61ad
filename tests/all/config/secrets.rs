//! Secrets: from a file or a credential, never printed, and an error names the place and not the content.

use relance::config::Environment;
use relance::config::secret::{Secret, SecretSource};

#[test]
fn the_first_line_of_a_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "hunter2 \nsecond line\n").unwrap();
    let secret = SecretSource::File(path.clone()).load(&Environment::new()).unwrap();
    assert_eq!(secret.reveal(), "hunter2");
    assert_eq!(format!("{secret:?}"), "(secret)");
    std::fs::write(&path, "\nhunter2\n").unwrap();
    let empty = SecretSource::File(path.clone()).load(&Environment::new()).unwrap_err().to_string();
    assert_eq!(empty, format!("cannot read the secret file {}: it is empty", path.display()));
    std::fs::remove_file(&path).unwrap();
    let missing = SecretSource::File(path.clone()).load(&Environment::new()).unwrap_err().to_string();
    assert_eq!(missing, format!("cannot read the secret file {}: No such file or directory (os error 2)", path.display()));
}

#[test]
fn a_credential_comes_from_systemd() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("smtp"), "hunter2\n").unwrap();
    let source = SecretSource::Credential("smtp".to_owned());
    let given = Environment::from([("CREDENTIALS_DIRECTORY".to_owned(), folder.path().display().to_string())]);
    assert_eq!(source.load(&given).unwrap(), Secret::new("hunter2"));
    let none = source.load(&Environment::new()).unwrap_err().to_string();
    assert_eq!(
        none,
        "cannot read the secret credential \"smtp\": systemd gave no credentials (CREDENTIALS_DIRECTORY is not set); add LoadCredential= to the unit"
    );
}

#[test]
fn a_credential_is_a_name_and_leads_nowhere_else() {
    for name in ["../l/pw", "/etc/shadow", "..", ""] {
        let line = format!("user = \"compta\"\npassword = {{ credential = \"{name}\" }}\n");
        let told = format!("relance.toml:20:27: \"credential\" is \"{name}\"; wanted the name of a systemd credential: no path");
        super::Tree::good(&line).tells(&[&told]);
    }
}
