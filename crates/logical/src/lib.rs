//! logical: see ARCHITECTURE.md.
