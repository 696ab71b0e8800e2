//! Profiles: which features a region shall have, by a name or as a list.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Feature, Features, ParseFeatureError};

/// What a region shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// All there is.
    #[default]
    Full,
    /// What the reference service has in its region `cbk`.
    Cbk,
    /// What the reference service has in its region `dbl`.
    Dbl,
    /// What the reference service has in its region `fes`.
    Fes,
    /// A list of the operator's own.
    List(Features),
}

impl Profile {
    /// The names of the profiles.
    pub const NAMES: [&'static str; 4] = ["full", "cbk", "dbl", "fes"];

    /// The profile of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Full, Self::Cbk, Self::Dbl, Self::Fes].into_iter().find(|profile| profile.name() == Some(name))
    }

    /// Its name; a list has none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Full => Some("full"),
            Self::Cbk => Some("cbk"),
            Self::Dbl => Some("dbl"),
            Self::Fes => Some("fes"),
            Self::List(_) => None,
        }
    }

    /// The features of a region with it.
    #[must_use]
    pub fn features(self) -> Features {
        use Feature::{Byoip, Dns, Ipv6, Lbaas, Octavia, Trunk, Vpn};
        match self {
            Self::Full => Features::all(),
            Self::Cbk | Self::Dbl => [Vpn, Byoip, Lbaas, Octavia, Dns].into_iter().collect(),
            Self::Fes => [Vpn, Byoip, Octavia, Dns, Trunk, Ipv6].into_iter().collect(),
            Self::List(features) => features,
        }
    }

    fn list(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, ParseFeatureError> {
        names.into_iter().map(|name| name.as_ref().trim().parse()).collect::<Result<_, _>>().map(Self::List)
    }
}

/// The name, or the features joined by `+`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => f.write_str(&self.features().iter().map(Feature::name).collect::<Vec<_>>().join("+")),
        }
    }
}

impl FromStr for Profile {
    type Err = ParseFeatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::by_name(text) {
            Some(profile) => Ok(profile),
            None if text.contains('+') => Self::list(text.split('+')),
            None => text
                .parse()
                .map(|feature| Self::List([feature].into_iter().collect()))
                .map_err(|_| ParseFeatureError::Profile { value: text.to_owned() }),
        }
    }
}

/// How a profile is written in files: a name, or a list of features.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a profile's name, or a list of features")]
enum Written {
    Name(String),
    List(Vec<String>),
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self.name() {
            Some(name) => Written::Name(name.to_owned()),
            None => Written::List(self.features().iter().map(|feature| feature.name().to_owned()).collect()),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Name(name) => name.parse(),
            Written::List(names) => Self::list(names),
        }
        .map_err(D::Error::custom)
    }
}
