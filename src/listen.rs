//! Sockets to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};
use url::Url;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on an address; port 0 picks a free one.
///
/// On 127.0.0.1 it listens on [::1] too where the machine has it, with the same port: clients
/// are given `http://localhost`, which many look up as IPv6 first and some as nothing else.
pub fn listen(address: SocketAddr) -> io::Result<Vec<TcpListener>> {
    let first = bind(address)?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        match bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port)) {
            Ok(second) => listeners.push(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => tracing::warn!(
                "another program listens on [::1]:{port}; clients that look up localhost may reach it instead"
            ),
            // A machine without IPv6.
            Err(_) => {}
        }
    }
    Ok(listeners)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// `http://localhost:<port>`, for what [`listen`] gave.
pub fn local_url(listeners: &[TcpListener]) -> io::Result<Url> {
    let listener = listeners
        .first()
        .ok_or_else(|| io::Error::other("there is nothing to listen on"))?;
    let port = listener.local_addr()?.port();
    Url::parse(&format!("http://localhost:{port}")).map_err(io::Error::other)
}
