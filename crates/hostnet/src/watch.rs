//! News of interfaces: which came, changed, went.
//!
//! The kernel tells of "new" links both when one appears and when it changes, and drops messages
//! when the listener is slow. So the watch remembers which indexes it knows, and after a loss says
//! [`LinkEvent::Lost`]: whoever listens compares with a fresh list then.

use std::{collections::HashSet, io::PipeReader, io::PipeWriter, os::fd::AsFd, sync::Arc};

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use crate::{Error, Link, Links, Netns, Result, netlink::messages};

/// The multicast group of link messages (`RTNLGRP_LINK`).
const LINK_GROUP: u32 = 1;
/// Room for some thousand messages, for when many ports change at once.
const RECEIVE_BUFFER: libc::c_int = 4 << 20;

/// What happened to an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkEvent {
    /// It appeared: it was made, or moved here.
    Added(Link),
    /// Its name, state, MTU or another property changed.
    Changed(Link),
    /// It went: it was deleted, or moved away.
    Removed(Link),
    /// Events were lost: only a fresh list tells what is there.
    Lost,
}

/// The events of one namespace since the watch was made, one after another; ends when stopped.
#[derive(Debug)]
pub struct LinkWatch {
    socket: Socket,
    known: HashSet<u32>,
    links: Links,
    pending: std::collections::VecDeque<LinkEvent>,
    stopped: PipeReader,
}

/// Ends a [`LinkWatch`], also one that is waiting on another thread, when [`stop`](Self::stop) is
/// called or the last clone is dropped.
#[derive(Clone, Debug)]
pub struct WatchStop(#[expect(dead_code, reason = "held for its drop, which ends the watch")] Arc<PipeWriter>);

impl WatchStop {
    /// Ends the watch once no other clone of this handle is left.
    pub fn stop(self) {
        drop(self);
    }
}

impl LinkWatch {
    /// Watches the namespace of the calling thread. Interfaces that are there already bring no
    /// event: watch first, list then, and nothing is missed.
    pub fn open() -> Result<(Self, WatchStop)> {
        let open = || -> std::io::Result<_> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind(&SocketAddr::new(0, 0))?;
            socket.set_rx_buf_sz(RECEIVE_BUFFER)?;
            socket.set_non_blocking(true)?;
            socket.add_membership(LINK_GROUP)?;
            Ok((socket, std::io::pipe()?))
        };
        let (socket, (stopped, stop)) = open().map_err(|source| Error::io("watch interfaces", source))?;
        let links = Links::open()?;
        let known = indexes(&links)?;
        let watch = Self { socket, known, links, pending: std::collections::VecDeque::new(), stopped };
        Ok((watch, WatchStop(Arc::new(stop))))
    }

    /// Watches another namespace.
    pub fn open_in(netns: &Netns) -> Result<(Self, WatchStop)> {
        netns.run(Self::open)?
    }

    /// The next event; `None` once stopped.
    pub fn wait(&mut self) -> Result<Option<LinkEvent>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(event));
            }
            if !self.readable()? {
                return Ok(None);
            }
            self.receive()?;
        }
    }

    /// Waits for news; false when stopped.
    fn readable(&self) -> Result<bool> {
        let mut fds =
            [PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN), PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => return Ok(fds[0].revents().is_none_or(|events| events.is_empty())),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::io("wait for news of interfaces", errno)),
            }
        }
    }

    fn receive(&mut self) -> Result<()> {
        let bytes = match self.socket.recv_from_full() {
            Ok((bytes, _)) => bytes,
            Err(error) => {
                return match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::EAGAIN | Errno::EINTR) => Ok(()),
                    Some(Errno::ENOBUFS) => {
                        self.known = indexes(&self.links)?;
                        self.pending.push_back(LinkEvent::Lost);
                        Ok(())
                    }
                    _ => Err(Error::io("read news of interfaces", error)),
                };
            }
        };
        for message in messages(&bytes) {
            let message = message
                .map_err(|message| Error::Protocol { operation: "read news of interfaces".to_owned(), message })?;
            let NetlinkPayload::InnerMessage(message) = message.payload else { continue };
            match message {
                // A bridge tells of its ports in the same words, under its own family: "deleted"
                // then means that a port left the bridge.
                RouteNetlinkMessage::NewLink(link) if link.header.interface_family != AddressFamily::Bridge => {
                    let link = Link::from_message(&link);
                    let new = self.known.insert(link.ifindex);
                    self.pending.push_back(if new { LinkEvent::Added(link) } else { LinkEvent::Changed(link) });
                }
                RouteNetlinkMessage::DelLink(link) if link.header.interface_family != AddressFamily::Bridge => {
                    let link = Link::from_message(&link);
                    self.known.remove(&link.ifindex);
                    self.pending.push_back(LinkEvent::Removed(link));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Iterator for LinkWatch {
    type Item = Result<LinkEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.wait().transpose()
    }
}

fn indexes(links: &Links) -> Result<HashSet<u32>> {
    Ok(links.list()?.iter().map(|link| link.ifindex).collect())
}
