//! hostnet: see ARCHITECTURE.md.
