//! driver-ebpf: see ARCHITECTURE.md.
