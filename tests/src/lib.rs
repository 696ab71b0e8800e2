//! End-to-end scenarios, by feature: each directory beside this one is a program of its own.
//!
//! `slice` is the whole path by real clients; `shapes` replays the recorded requests of the real service;
//! `diff-trace` compares the interpreter with the eBPF programs; `dependency_rule` guards the shape of the code itself.
//! They share `testkit`, so this library is empty on purpose.

#![forbid(unsafe_code)]
