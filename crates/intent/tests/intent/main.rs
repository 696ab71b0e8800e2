//! Operations against a real store: what a request answers and what it leaves behind.

mod attachment;
mod cloud;
mod concurrency;
mod floating_ip;
mod network;
mod port;
mod quota_and_tags;
mod router;
mod security_group;
mod shapes;
