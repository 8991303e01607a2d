use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use nprt_core::{Error, Result};

/// Another statsd server, which gets every datagram as it came. It is a help and no queue: what it does not take at once
/// is counted and gone.
#[derive(Debug)]
pub(super) struct Forward {
    to: String,
    address: Mutex<Option<SocketAddr>>,
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

/// How often the name is looked up: a Service may move.
const PERIOD: Duration = Duration::from_secs(30);

impl Forward {
    /// To `to`, a host and a port; it is looked up by [`Forward::follow`].
    ///
    /// # Errors
    /// `Invalid` without a port.
    pub(super) fn new(to: &str) -> Result<Arc<Self>> {
        let port = to.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            let message = "expected a host and a port, as in `statsd.monitoring:8125`";
            return Err(Error::invalid("statsd.config", message)
                .with("field", "forward")
                .with("value", format_args!("{to:?}")));
        }
        let open = |address: SocketAddr| {
            let socket = UdpSocket::bind(address).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some(socket)
        };
        Ok(Arc::new(Self {
            to: to.to_owned(),
            address: Mutex::new(to.parse().ok()),
            v4: open((Ipv4Addr::UNSPECIFIED, 0).into()),
            v6: open((Ipv6Addr::UNSPECIFIED, 0).into()),
        }))
    }

    /// Looks the name up, again and again, until nobody has it any more.
    pub(super) async fn follow(this: Weak<Self>) {
        while let Some(forward) = this.upgrade() {
            match tokio::net::lookup_host(&forward.to).await {
                Ok(mut found) => forward.set(found.next()),
                Err(error) => {
                    tracing::warn!(to = forward.to, %error, "the server to forward to is not found");
                }
            }
            drop(forward);
            tokio::time::sleep(PERIOD).await;
        }
    }

    fn set(&self, address: Option<SocketAddr>) {
        if address.is_some() {
            *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
        }
    }

    /// Sends them on; how many went, and how many did not.
    pub(super) fn send<'a>(&self, packets: impl Iterator<Item = &'a [u8]>) -> (u64, u64) {
        let address = *self.address.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = address.and_then(|address| {
            let socket = if address.is_ipv4() { &self.v4 } else { &self.v6 };
            Some((socket.as_ref()?, address))
        });
        let (mut sent, mut failed) = (0, 0);
        for packet in packets {
            let went =
                socket.as_ref().is_some_and(|(socket, address)| socket.send_to(packet, address).is_ok());
            *(if went { &mut sent } else { &mut failed }) += 1;
        }
        (sent, failed)
    }
}
