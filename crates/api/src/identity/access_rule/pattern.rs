//! Which requests the access rules of an application credential let through.
//!
//! A rule names a service by its type, a method, and a pattern of the path as that service knows it:
//! `/v2.0/ports` and `/v3/users`, whatever this server puts before it. In a pattern `*` and `{name}`
//! stand for some text without a slash, `**` for any text, everything else for itself.

use store::identity::AccessRule;

use crate::edge::Request;

/// Services by the first part of their path here: their type, and how many parts go before the path
/// that they know. The second part of a regional service's path is the region; quotas across regions
/// are found at the root, too.
const SERVICES: [(&str, &str, usize); 6] = [
    ("identity", "identity", 1),
    ("v3", "identity", 0),
    ("network", "network", 2),
    ("load-balancer", "load-balancer", 2),
    ("dns", "dns", 1),
    ("key-manager", "key-manager", 1),
];

/// What a request asks for, as access rules name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    service: &'static str,
    method: String,
    path: String,
}

impl Asked {
    /// What a request asks for.
    pub(crate) fn of(request: &Request) -> Self {
        let known = SERVICES.into_iter().find(|(first, ..)| *first == request.service());
        // What is none of these no rule can name.
        let (_, service, skip) = known.unwrap_or(("", "", 0));
        // From the parts by which requests are answered, so that no other spelling gets past a rule.
        let mut path = String::new();
        for part in request.parts_after(skip) {
            path.push('/');
            path.push_str(&part.replace('/', "%2F"));
        }
        Self { service, method: request.method.to_string(), path }
    }

    /// Whether one of the rules lets it through. A token may be validated whatever the rules say.
    pub(crate) fn is_allowed(&self, rules: &[AccessRule]) -> bool {
        let validates = self.service == "identity" && self.method == "GET" && self.path == "/v3/auth/tokens";
        let allows = |rule: &AccessRule| {
            rule.service == self.service && rule.method == self.method && matches(&rule.path, &self.path)
        };
        validates || rules.iter().any(allows)
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// This character.
    One(char),
    /// At least one character, and no slash.
    Name,
    /// Anything.
    Any,
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let (piece, length) = match (next, rest.find('}')) {
            ('*', _) if rest.starts_with("**") => (Piece::Any, 2),
            ('*', _) => (Piece::Name, 1),
            ('{', Some(end)) => (Piece::Name, end + 1),
            (other, _) => (Piece::One(other), other.len_utf8()),
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

/// Whether a path fits a pattern. Takes time in proportion to the product of their lengths at most,
/// since users choose both: it follows all the ways to read the pattern at once.
fn matches(pattern: &str, path: &str) -> bool {
    let pieces = pieces(pattern);
    // reached[i]: what was read of the path may be the first i pieces.
    let mut reached = vec![false; pieces.len() + 1];
    reached[0] = true;
    pass_over(&pieces, &mut reached);
    for next in path.chars() {
        let mut after = vec![false; pieces.len() + 1];
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match piece {
                Piece::One(wanted) => after[at + 1] |= *wanted == next,
                // It may go on, which is to begin it anew, or end here.
                Piece::Name if next != '/' => {
                    after[at] = true;
                    after[at + 1] = true;
                }
                Piece::Name => {}
                Piece::Any => after[at] = true,
            }
        }
        pass_over(&pieces, &mut after);
        reached = after;
    }
    reached[pieces.len()]
}

/// `**` may stand for nothing.
fn pass_over(pieces: &[Piece], reached: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        if matches!(piece, Piece::Any) && reached[at] {
            reached[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_names_and_for_anything() {
        for (pattern, path, fits) in [
            ("/v2.0/ports", "/v2.0/ports", true),
            ("/v2.0/ports", "/v2x0/ports", false),
            ("/v2.0/ports", "/v2.0/ports/1", false),
            ("/v2.0/ports/*", "/v2.0/ports/1", true),
            ("/v2.0/ports/*", "/v2.0/ports/", false),
            ("/v2.0/ports/*", "/v2.0/ports/1/tags", false),
            ("/v2.0/ports/*/tags", "/v2.0/ports/1/tags", true),
            ("/v2.0/ports/{port_id}", "/v2.0/ports/1", true),
            ("/v2.0/ports/{port_id}/tags/{tag}", "/v2.0/ports/1/tags/x", true),
            ("/v2.0/p*s", "/v2.0/ports", true),
            ("/v2.0/p*s", "/v2.0/ps", false),
            ("/v2.0/**", "/v2.0/ports/1/tags", true),
            ("/v2.0/**", "/v2.0/", true),
            ("/v2.0/**", "/v2.0", false),
            ("**", "/anything/at/all", true),
            ("**/tags", "/v2.0/ports/1/tags", true),
            ("/**/**/x", "/a/b/c/x", true),
            ("/{", "/{", true),
            ("/grö*", "/größe", true),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let started = std::time::Instant::now();
        assert!(!matches(&"**a".repeat(75), &("/a".repeat(2000) + "/b")));
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }
}
