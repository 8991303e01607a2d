//! A door before the API server, at which a test holds single requests: so a client is stopped, or dies, in the
//! very middle of a write, and what it sent arrives late or never.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// The beginning of a request.
#[derive(Debug, Clone)]
pub struct GateRequest {
    /// `GET`, `PATCH` and so on.
    pub method: String,
    /// Path and query.
    pub target: String,
}

impl GateRequest {
    /// Whether it changes something; one that only tries does not.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.target.contains("dryRun=All")
    }

    /// Whether it is about a lease.
    #[must_use]
    pub fn is_of_lease(&self) -> bool {
        self.target.contains("/leases")
    }
}

/// A request at the door. Dropped, it never reaches the server, and its connection ends.
#[derive(Debug)]
pub struct Held {
    /// What it asks.
    pub request: GateRequest,
    go: oneshot::Sender<oneshot::Sender<u16>>,
}

impl Held {
    /// Lets it through, and answers with the status of the server's answer; `None` where there was none. The
    /// client gets the answer too, if it still lives.
    pub async fn pass(self) -> Option<u16> {
        let (status, answered) = oneshot::channel();
        self.go.send(status).ok()?;
        answered.await.ok()
    }
}

/// The door. Connections through it end when it is dropped.
#[derive(Debug)]
pub struct Gate {
    kubeconfig: PathBuf,
    door: Arc<Door>,
    accepts: JoinHandle<()>,
}

impl Gate {
    /// A door to the API server at `server`, and a kubeconfig like `user`'s that leads through it.
    pub(super) async fn open(server: SocketAddr, ca: &Path, user: &Path) -> crate::tls::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca)?)?;
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions()?;
        let tls = TlsConnector::from(Arc::new(tls.with_root_certificates(roots).with_no_client_auth()));
        let door = Arc::new(Door { server, tls, trap: Mutex::new(None), writes: Mutex::new(Vec::new()) });

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(user)?)?;
        config["clusters"][0]["cluster"] = serde_json::json!({ "server": format!("http://{address}") });
        let kubeconfig = user.with_extension(format!("gate-{}", address.port()));
        crate::tls::secret(&kubeconfig, &config.to_string())?;

        let accepts = tokio::spawn(Arc::clone(&door).accept(listener));
        Ok(Self { kubeconfig, door, accepts })
    }

    /// The kubeconfig that leads through it.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Holds the `nth` request of those from now on that are `such`, counted from 1. There is one such wish at a
    /// time: a new one replaces it.
    pub fn hold(
        &self,
        nth: usize,
        such: impl Fn(&GateRequest) -> bool + Send + 'static,
    ) -> oneshot::Receiver<Held> {
        let (caught, held) = oneshot::channel();
        *lock(&self.door.trap) = Some(Trap { left: nth, such: Box::new(such), caught });
        held
    }

    /// The writes that came since this was asked last.
    #[must_use]
    pub fn writes(&self) -> Vec<GateRequest> {
        std::mem::take(&mut *lock(&self.door.writes))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

struct Trap {
    left: usize,
    such: Box<dyn Fn(&GateRequest) -> bool + Send>,
    caught: oneshot::Sender<Held>,
}

impl std::fmt::Debug for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trap").field("left", &self.left).finish_non_exhaustive()
    }
}

struct Door {
    server: SocketAddr,
    tls: TlsConnector,
    trap: Mutex<Option<Trap>>,
    writes: Mutex<Vec<GateRequest>>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Who waits for the status of the next answer on a connection.
type Asked = Mutex<Option<oneshot::Sender<u16>>>;

impl Door {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            connections.spawn(Arc::clone(&self).connect(client));
            while connections.try_join_next().is_some() {}
        }
    }

    /// A connection that breaks ends as one to the server would.
    async fn connect(self: Arc<Self>, client: TcpStream) {
        let _ = self.serve(client).await;
    }

    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server).await?;
        let server = self.tls.connect(ServerName::IpAddress(self.server.ip().into()), server).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = tokio::io::split(server);
        let asked = Asked::default();
        tokio::select! {
            done = self.requests(BufReader::new(from_client), to_server, &asked) => done,
            done = answers(from_server, to_client, &asked) => done,
        }
    }

    async fn requests(
        &self,
        mut client: BufReader<impl AsyncRead + Unpin>,
        mut server: impl AsyncWrite + Unpin,
        asked: &Asked,
    ) -> io::Result<()> {
        while let Some((request, bytes)) = read(&mut client).await? {
            if let Some(go) = self.caught(&request) {
                let Ok(status) = go.await else { return Ok(()) };
                *lock(asked) = Some(status);
            }
            server.write_all(&bytes).await?;
            server.flush().await?;
        }
        // A server stops what it does for a client that hangs up; what was let through is to arrive.
        while lock(asked).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Waits for leave where this request is to be held.
    fn caught(&self, request: &GateRequest) -> Option<oneshot::Receiver<oneshot::Sender<u16>>> {
        if request.is_write() {
            lock(&self.writes).push(request.clone());
        }
        let mut trap = lock(&self.trap);
        let wish = trap.as_mut()?;
        if !(wish.such)(request) {
            return None;
        }
        wish.left = wish.left.saturating_sub(1);
        if wish.left > 0 {
            return None;
        }
        let (go, leave) = oneshot::channel();
        let held = Held { request: request.clone(), go };
        // Nobody waits for it any more: it goes on as all others.
        trap.take()?.caught.send(held).ok()?;
        Some(leave)
    }
}

/// Passes on what the server sends, also while nobody reads it any more.
async fn answers(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    asked: &Asked,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = server.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let _ = client.write_all(&buffer[..count]).await;
        if let Some(asked) = lock(asked).take() {
            // `HTTP/1.1 409 Conflict`
            let status = String::from_utf8_lossy(&buffer[..count.min(12)]).into_owned();
            let _ = asked.send(status.get(9..).and_then(|code| code.parse().ok()).unwrap_or_default());
        }
    }
}

/// The next request as a whole. Bodies have a length: kube sends no other.
async fn read(client: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<(GateRequest, Vec<u8>)>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let begin = bytes.len();
        if client.read_until(b'\n', &mut bytes).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&bytes[begin..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = head.split_ascii_whitespace().map(str::to_owned);
    let request =
        GateRequest { method: words.next().unwrap_or_default(), target: words.next().unwrap_or_default() };
    let begin = bytes.len();
    bytes.resize(begin + length, 0);
    client.read_exact(&mut bytes[begin..]).await?;
    Ok(Some((request, bytes)))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
