//! TLS to servers of others, in one place: whom to trust, one provider, nothing older than 1.2. What is encrypted, and when,
//! is the business of whoever speaks.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// A connection in the clear or encrypted.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Encrypts a connection to a host. The system's authorities are trusted, or only those of the PEM file. Waits for as long
/// as the other side makes it wait; the error is in words.
pub async fn encrypt(host: &str, ca: Option<&Path>, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, String> {
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        Some(ca) => {
            roots.add_parsable_certificates(read_ca(ca)?);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|e| format!("TLS failed: {e}"))?;
    Ok(Box::new(stream))
}

fn read_ca(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>());
    let failed = |why: String| format!("cannot read the certificates in {}: {why}", path.display());
    let read = read.map_err(|e| failed(e.to_string()))?;
    if read.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(read) }
}
