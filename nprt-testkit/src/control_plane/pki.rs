//! Keys and certificates of one control plane: a CA of its own, the API server, the admin, service accounts.

use std::fs;
use std::path::PathBuf;

use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyPair};

use crate::Missing;
use crate::tls::{self, Authority, Result, secret};

/// Where the files lie.
#[derive(Debug)]
pub(super) struct Pki(PathBuf);

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
        let ca = Authority::new()?;
        // The certificate that the API server would sign itself is not valid for localhost.
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
        ca.sign(&tls::server("kube-apiserver", &names)?, &self.0, "tls")?;

        let mut admin = tls::params("admin", &[])?;
        admin.distinguished_name.push(DnType::OrganizationName, "system:masters");
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        ca.sign(&admin, &self.0, "admin")?;

        let accounts = KeyPair::generate()?;
        secret(&self.file("sa.key"), &accounts.serialize_pem())?;
        fs::write(self.file("sa.pub"), accounts.public_key_pem())?;
        // Last: its presence says that all is there.
        fs::write(self.file("ca.crt"), ca.pem())?;
        Ok(())
    }
}
