//! intent: see ARCHITECTURE.md.
