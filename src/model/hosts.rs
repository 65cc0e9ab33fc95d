//! Hosts of the network that a fixture lets agents and checks reach, where they reach no others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ports that are reached where none is named: those of HTTPS and HTTP.
const USUAL_PORTS: [u16; 2] = [443, 80];
/// The longest name, in bytes.
const MOST_NAME: usize = 253;
/// The longest part of a name between dots, in bytes.
const MOST_LABEL: usize = 63;

/// A host that may be reached, as a fixture names it: `example.org`, `*.example.org`, an address; with a port or without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct AllowedHost {
    hosts: Hosts,
    port: Option<u16>,
}

/// Which hosts are meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Hosts {
    /// The one with this name.
    Named(String),
    /// All whose names end with this one and have something before it.
    Below(String),
    /// The one with this address.
    At(IpAddr),
}

/// Why a text names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is an address of the web.
    #[error("it is an address of the web")]
    Url,
    /// What follows the colon is no port.
    #[error("its port is no number from 1 to 65535")]
    Port,
    /// All hosts are meant, or all of a whole domain of the highest level.
    #[error("it names nearly everything")]
    TooWide,
    /// It is neither a name nor an address.
    #[error("it is neither a name nor an address")]
    NoName,
}

/// A host as a program asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// By its name, in lower case.
    Named(String),
    /// By its address.
    At(IpAddr),
}

impl Host {
    /// The host that a text names, which may be an address of version 6 in brackets; `None` where it names none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<IpAddr>() {
            Ok(address) => Some(Self::At(address.to_canonical())),
            Err(_) => name(text).map(Self::Named),
        }
    }
}

/// A name of a host, in lower case; `None` for what is none. One whose last part is a number could be taken for an address.
fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        (1..=MOST_LABEL).contains(&label.len()) && label.bytes().all(is_letter) && !label.starts_with('-')
    };
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        digits.unwrap_or(label).bytes().all(|byte| byte.is_ascii_hexdigit())
            && label.starts_with(|it: char| it.is_ascii_digit())
    };
    let is_name =
        text.len() <= MOST_NAME && text.split('.').all(is_label) && !text.rsplit('.').next().is_some_and(is_number);
    is_name.then(|| text.to_ascii_lowercase())
}

impl FromStr for AllowedHost {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.contains('/') {
            return Err(HostError::Url);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self { hosts: Hosts::At(IpAddr::V6(address).to_canonical()), port: None });
        }
        let (host, port) = match text.rsplit_once(':').filter(|_| !text.ends_with(']')) {
            Some((host, port)) => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|port| is_number && *port != 0);
                (host, Some(port.ok_or(HostError::Port)?))
            }
            None => (text, None),
        };
        let hosts = match host.strip_prefix("*.") {
            _ if host == "*" => return Err(HostError::TooWide),
            Some(above) => match name(above).ok_or(HostError::NoName)? {
                above if above.contains('.') => Hosts::Below(above),
                _ => return Err(HostError::TooWide),
            },
            None => match Host::read(host).ok_or(HostError::NoName)? {
                Host::Named(name) => Hosts::Named(name),
                Host::At(address) => Hosts::At(address),
            },
        };
        Ok(Self { hosts, port })
    }
}

impl TryFrom<String> for AllowedHost {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<AllowedHost> for String {
    fn from(host: AllowedHost) -> Self {
        host.to_string()
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.hosts, self.port) {
            (Hosts::Named(name), _) => f.write_str(name)?,
            (Hosts::Below(above), _) => write!(f, "*.{above}")?,
            (Hosts::At(IpAddr::V6(address)), Some(_)) => write!(f, "[{address}]")?,
            (Hosts::At(address), _) => write!(f, "{address}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl AllowedHost {
    /// Whether this port of this host may be asked for.
    #[must_use]
    pub fn admits(&self, host: &Host, port: u16) -> bool {
        let is_meant = match (&self.hosts, host) {
            (Hosts::Named(name), Host::Named(asked)) => name == asked,
            (Hosts::Below(above), Host::Named(asked)) => {
                asked.strip_suffix(above.as_str()).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
            }
            (Hosts::At(address), Host::At(asked)) => address == asked,
            (Hosts::Named(_) | Hosts::Below(_), Host::At(_)) | (Hosts::At(_), Host::Named(_)) => false,
        };
        is_meant && self.port.map_or(USUAL_PORTS.contains(&port), |only| only == port)
    }
}

/// Whether a name that may be asked for may lead to this address: not to this machine or its neighbours, unless the list names
/// the address itself.
#[must_use]
pub fn may_lead_to(allowed: &[AllowedHost], address: IpAddr, port: u16) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|host| host.admits(&Host::At(address), port))
}

/// Whether an address is one of the internet, and not of a machine itself or of a network that is nobody else's.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let parts = address.segments();
            let inner = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match parts {
                // What leads to an address of version 4 is as public as that one.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inner(high, low),
                [first, ..] => first & 0xe000 == 0x2000,
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_of_protocols = (a, b, c) == (192, 0, 0) || a == 198 && b & 0xfe == 18;
    let is_own = a == 0 || address.is_loopback() || address.is_private() || address.is_link_local();
    !(is_own || is_shared || is_of_protocols || a >= 224)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> AllowedHost {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_is_a_name_all_names_below_one_or_an_address_and_nothing_wider() {
        for (text, written) in [
            ("Example.ORG.", "example.org"),
            ("*.Example.org:8443", "*.example.org:8443"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("::1", "::1"),
            ("[::1]:443", "[::1]:443"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            ("localhost", "localhost"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(allowed(text).to_string(), written);
            assert_eq!(allowed(written), allowed(text));
        }
        for (text, why) in [
            ("https://example.org", HostError::Url),
            ("example.org:0", HostError::Port),
            ("example.org:+1", HostError::Port),
            ("example.org:https", HostError::Port),
            ("*", HostError::TooWide),
            ("*.org", HostError::TooWide),
            ("exa mple.org", HostError::NoName),
            ("bücher.example", HostError::NoName),
            ("www.*.org", HostError::NoName),
            ("", HostError::NoName),
            ("example..org", HostError::NoName),
            ("127.1", HostError::NoName),
            ("0x7f000001", HostError::NoName),
        ] {
            assert_eq!(text.parse::<AllowedHost>(), Err(why), "{text}");
        }
    }

    #[test]
    fn a_host_is_reached_at_its_port_and_without_one_by_https_and_http() {
        let admits =
            |list: &str, host: &str, port| Host::read(host).is_some_and(|host| allowed(list).admits(&host, port));
        assert!(admits("example.org", "EXAMPLE.org.", 443) && admits("example.org", "example.org", 80));
        assert!(!admits("example.org", "example.org", 22) && !admits("example.org:22", "example.org", 443));
        assert!(admits("*.example.org", "a.b.example.org", 443));
        for other in ["example.org", ".example.org", "badexample.org", "example.org.evil.net", "93.184.216.34"] {
            assert!(!admits("*.example.org", other, 443), "{other}");
        }
        assert!(admits("127.0.0.1:8080", "127.0.0.1", 8080) && admits("127.0.0.1:8080", "[::ffff:127.0.0.1]", 8080));
        assert!(!admits("127.0.0.1:8080", "localhost", 8080) && !admits("127.0.0.1:8080", "127.1", 8080));
    }

    #[test]
    fn no_name_leads_to_this_machine_or_its_neighbours_unless_the_list_names_the_address() {
        let leads = |list: &[AllowedHost], address: &str| may_lead_to(list, address.parse().unwrap(), 443);
        for public in ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "172.32.0.1", "100.128.0.1"] {
            assert!(leads(&[], public), "{public}");
        }
        for own in [
            "127.0.0.1",
            "127.8.8.8",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!leads(&[allowed("example.org")], own), "{own}");
            assert!(leads(&[allowed(own)], own), "{own}");
        }
    }
}
