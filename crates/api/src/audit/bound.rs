//! Texts of strangers on their way into the trail.

/// The longest id: a UUID in any form, a region's name, and then some.
pub(super) const ID: usize = 64;
/// The longest name of a user.
pub(super) const NAME: usize = 255;
/// The longest reason.
pub(super) const REASON: usize = 200;

/// The first `longest` characters of a text, on one line.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
