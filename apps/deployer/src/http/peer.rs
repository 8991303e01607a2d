use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Who is at the other end, as far as one can be told from another: an address of IPv4, or the /64 of one of IPv6, of which a
/// single machine has all. Behind a proxy all are the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// Whoever comes by another way than a connection.
    pub(crate) fn unknown() -> Self {
        Self(Ipv6Addr::UNSPECIFIED.into())
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self(match address.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            address => address,
        })
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V6(network) => write!(f, "{network}/64"),
            address => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_peer() {
        let peer = |address: &str| Peer::from(address.parse::<SocketAddr>().unwrap()).to_string();
        assert_eq!(peer("10.0.0.1:1"), "10.0.0.1");
        assert_eq!(peer("[::ffff:10.0.0.1]:2"), "10.0.0.1");
        assert_eq!(peer("[2001:db8:1:2:3:4:5:6]:3"), "2001:db8:1:2::/64");
    }
}
