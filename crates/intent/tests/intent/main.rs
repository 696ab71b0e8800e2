//! Operations against a real store: what a request answers and what it leaves behind.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test by a panic")]

mod attachment;
mod cloud;
mod concurrency;
mod conntrack_helper;
mod floating_ip;
mod network;
mod port;
mod quota;
mod quota_and_tags;
mod router;
mod security_group;
mod server_event;
mod shapes;
