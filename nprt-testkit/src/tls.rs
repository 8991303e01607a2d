//! Certificates for servers on loopback, by an authority of their own.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Signs certificates; nobody trusts it who was not told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = params("nprt-testkit", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes `<name>.crt` and `<name>.key` into `directory`.
    pub(crate) fn sign(&self, params: &CertificateParams, directory: &Path, name: &str) -> Result<()> {
        let key = KeyPair::generate()?;
        std::fs::write(directory.join(format!("{name}.crt")), params.signed_by(&key, &self.0)?.pem())?;
        secret(&directory.join(format!("{name}.key")), &key.serialize_pem())
    }
}

/// What a server is known by: `names` are those that clients connect to.
pub(crate) fn server(common_name: &str, names: &[&str]) -> Result<CertificateParams> {
    let mut params = params(common_name, names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

pub(crate) fn params(common_name: &str, names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

/// Writes what only the owner may read.
pub(crate) fn secret(path: &Path, pem: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(pem.as_bytes())?;
    Ok(())
}
