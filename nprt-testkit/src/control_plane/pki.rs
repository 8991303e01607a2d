//! Keys and certificates of one control plane: a CA of its own, the API server, the admin, service accounts.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::Missing;

/// Where the files lie.
#[derive(Debug)]
pub(super) struct Pki(PathBuf);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

impl Pki {
    /// The files in `folder`, made now where they are not there from an earlier start.
    pub(super) fn new(folder: PathBuf) -> std::result::Result<Self, Missing> {
        let pki = Self(folder);
        if !pki.file("ca.crt").exists() {
            pki.write().map_err(|error| Missing::new(super::NAME, format_args!("certificates: {error}")))?;
        }
        Ok(pki)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self) -> Result<()> {
        fs::create_dir_all(&self.0)?;
        let mut ca = params("nprt-testkit", vec![])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;

        // The certificate that the API server would sign itself is not valid for localhost.
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
        let mut server = params("kube-apiserver", names.to_vec())?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign("tls", &server, &ca)?;

        let mut admin = params("admin", vec![])?;
        admin.distinguished_name.push(DnType::OrganizationName, "system:masters");
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign("admin", &admin, &ca)?;

        let accounts = KeyPair::generate()?;
        secret(&self.file("sa.key"), &accounts.serialize_pem())?;
        fs::write(self.file("sa.pub"), accounts.public_key_pem())?;
        // Last: its presence says that all is there.
        fs::write(self.file("ca.crt"), ca.pem())?;
        Ok(())
    }

    fn sign(&self, name: &str, params: &CertificateParams, ca: &CertifiedIssuer<'_, KeyPair>) -> Result<()> {
        let key = KeyPair::generate()?;
        fs::write(self.file(&format!("{name}.crt")), params.signed_by(&key, ca)?.pem())?;
        secret(&self.file(&format!("{name}.key")), &key.serialize_pem())
    }
}

fn params(common_name: &str, names: Vec<String>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

pub(super) fn secret(path: &Path, pem: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(pem.as_bytes())?;
    Ok(())
}
