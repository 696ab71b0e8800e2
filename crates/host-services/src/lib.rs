//! host-services: see ARCHITECTURE.md.
