//! How a resource is defined: a struct, its patch and its attribute table from one list of fields.
//!
//! `resource!` makes data only: two structs, a table, and the copying of plain fields. What is done
//! with them is ordinary code in [`crate::request`], [`crate::view`] and the crates above.

use std::{fmt, hash::Hash, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use types::ProjectId;

use crate::{
    Timestamp,
    attribute::{Attribute, Constant},
};

/// A JSON object: a body, or an object on its way to a client.
pub type Body = Map<String, Value>;

/// What is known about a resource without its type.
#[derive(Debug)]
pub struct ResourceInfo {
    /// The name of one, as the key of a body: `security_group`.
    pub member: &'static str,
    /// The name of many, as the key of a list: `security_groups`.
    pub collection: &'static str,
    /// The path below `/v2.0`: `security-groups`.
    pub path: &'static str,
    /// The extension that it came with; empty for the core.
    pub since: &'static str,
    /// What one is.
    pub doc: &'static str,
    /// The attribute table.
    pub attributes: &'static [Attribute],
    /// Attributes of features that this service does not have yet.
    pub constants: &'static [Constant],
    /// Whether only administrators may touch it at all.
    pub admin_only: bool,
    /// The attribute that names the object whose part one is; its value is in the path, and in no
    /// body.
    pub parent: Option<&'static str>,
}

/// How a resource differs from most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) admin_only: bool,
    pub(crate) parent: Option<&'static str>,
    /// Revision and times are kept, and not shown.
    pub(crate) hides_history: bool,
    /// The owner is kept, and not shown: it is the parent's.
    pub(crate) hides_owner: bool,
}

impl Form {
    /// Like most.
    pub(crate) const fn usual() -> Self {
        Self { admin_only: false, parent: None, hides_history: false, hides_owner: false }
    }

    /// For administrators only.
    pub(crate) const fn admin_only(self) -> Self {
        Self { admin_only: true, ..self }
    }

    /// A part of another object, which this attribute names.
    pub(crate) const fn part_by(self, attribute: &'static str) -> Self {
        Self { parent: Some(attribute), hides_history: true, hides_owner: true, ..self }
    }
}

impl ResourceInfo {
    /// How many of a path's parts, from the first, name this collection, and which of them is the
    /// parent's id. Upstream takes `security_groups` for `security-groups`.
    #[must_use]
    pub fn claims<'p>(&self, parts: &[&'p str]) -> Option<(usize, Option<&'p str>)> {
        let underscored = |byte| if byte == b'-' { b'_' } else { byte };
        let mut parent = None;
        let mut length = 0;
        for wanted in self.path.split('/') {
            let part = *parts.get(length)?;
            if wanted.starts_with('{') {
                parent = Some(part);
            } else if !wanted.bytes().map(underscored).eq(part.bytes().map(underscored)) {
                return None;
            }
            length += 1;
        }
        Some((length, parent))
    }
}

impl ResourceInfo {
    /// The attribute of that name; `tenant_id` is the old name of `project_id`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        let name = if name == "tenant_id" { "project_id" } else { name };
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The constant of that name.
    #[must_use]
    pub fn constant(&self, name: &str) -> Option<&'static Constant> {
        self.constants.iter().find(|constant| constant.name == name)
    }

    /// Whether its objects carry tags.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.attribute("tags").is_some()
    }

    /// A map with every stored attribute at the value that a new object starts with.
    #[must_use]
    pub fn start(&self) -> Body {
        let value = |attribute: &Attribute| serde_json::from_str(attribute.start()).unwrap_or(Value::Null);
        self.attributes.iter().map(|attribute| (attribute.name.to_owned(), value(attribute))).collect()
    }
}

/// A resource of the API.
pub trait Resource: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of its id.
    type Id: Copy + Eq + Ord + Hash + fmt::Display + fmt::Debug + FromStr + Send + Sync + 'static;
    /// What a request asks for: every field optional.
    type Patch: Patch<Self>;
    /// What is known about it without its type.
    const INFO: &'static ResourceInfo;

    /// An id that no other object has.
    fn new_id() -> Self::Id;
    /// Its id.
    fn id(&self) -> Self::Id;
    /// Its owner.
    fn project_id(&self) -> &ProjectId;
    /// How often it was changed.
    fn revision_number(&self) -> u64;
    /// Counts a change.
    fn touch(&mut self, now: Timestamp);
    /// A new object: every attribute at its default, or at its kind's zero where the operation has
    /// yet to choose ([`Attribute::start`]).
    fn start(id: Self::Id, project_id: ProjectId, now: Timestamp) -> Self;
}

/// What a request asks of an object: `None` where it says nothing.
pub trait Patch<R>: Clone + fmt::Debug + Default + PartialEq + DeserializeOwned + Send + Sync + 'static {
    /// Copies the given plain fields into the object; fields whose request type differs from the
    /// stored type (fixed IPs, a gateway) are the operation's.
    fn apply(&self, object: &mut R);
}

/// Deserialises a field that is there, also when it is null: for `Option<Option<T>>`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

macro_rules! request_type {
    ($ty:ty) => {
        $ty
    };
    ($ty:ty, $req:ty) => {
        $req
    };
}

macro_rules! attribute_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $api:literal) => {
        $api
    };
}

macro_rules! apply_plain {
    ($patch:ident, $object:ident, $field:ident) => {
        if let Some(value) = &$patch.$field {
            $object.$field = value.clone();
        }
    };
    ($patch:ident, $object:ident, $field:ident, $req:ty) => {};
}

/// Defines a resource; [`crate::network`] shows the form.
///
/// A field is `name ["api name"]: Type as RequestType = attribute;`, where the name in the API and
/// the type in requests are given only when they differ. Every resource also has `id`,
/// `project_id`, `revision_number`, `created_at` and `updated_at`. What differs from most stands in
/// brackets behind the extension: `[admin_only]`, `[part_by("router_id")]`, see [`Form`].
macro_rules! resource {
    (
        $(#[doc = $resource_doc:literal])+
        $name:ident, $patch:ident, $id:ty:
            $member:literal in $collection:literal at $path:literal since $since:literal
            $([$($form:ident $(($of:literal))?),+])?
        {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                $field:ident $([$api:literal])? : $ty:ty $(as $req:ty)? = $attribute:expr;
            )+
        }
        constants [$($constant:expr),* $(,)?]
    ) => {
        $(#[doc = $resource_doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            /// Its id.
            pub id: $id,
            /// The project that owns it.
            pub project_id: types::ProjectId,
            $(
                $(#[doc = $doc])+
                $(#[serde(rename = $api)])?
                $(#[serde($($serde)+)])?
                pub $field: $ty,
            )+
            /// How often it was changed.
            pub revision_number: u64,
            /// When it was created.
            pub created_at: $crate::Timestamp,
            /// When it was last changed.
            pub updated_at: $crate::Timestamp,
        }

        #[doc = concat!("What a request asks of a [`", stringify!($name), "`]: `None` where it says nothing.")]
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
        pub struct $patch {
            /// The project that is to own it.
            #[serde(default)]
            pub project_id: Option<types::ProjectId>,
            $(
                $(#[doc = $doc])+
                $(#[serde(rename = $api)])?
                #[serde(default, deserialize_with = "crate::resource::given")]
                pub $field: Option<crate::resource::request_type!($ty $(, $req)?)>,
            )+
        }

        impl $crate::Patch<$name> for $patch {
            fn apply(&self, object: &mut $name) {
                let patch = self;
                $( crate::resource::apply_plain!(patch, object, $field $(, $req)?); )+
            }
        }

        impl $crate::Resource for $name {
            type Id = $id;
            type Patch = $patch;
            const INFO: &'static $crate::ResourceInfo = &{
                const FORM: crate::resource::Form = crate::resource::Form::usual()$($(.$form($($of)?))+)?;
                $crate::ResourceInfo {
                member: $member,
                collection: $collection,
                path: $path,
                since: $since,
                doc: concat!($($resource_doc, "\n"),+),
                attributes: &[
                    $crate::attribute::uuid().named("id", "Its id."),
                    $crate::attribute::attribute($crate::Kind::Project)
                        .create().hidden_if(FORM.hides_owner).named("project_id", "The project that owns it."),
                    $(
                        $attribute.named(
                            crate::resource::attribute_name!($field $($api)?),
                            concat!($($doc, "\n"),+),
                        ),
                    )+
                    $crate::attribute::integer(0, i64::MAX)
                        .initial("1")
                        .hidden_if(FORM.hides_history)
                        .since("standard-attr-revisions").named("revision_number", "How often it was changed."),
                    $crate::attribute::attribute($crate::Kind::Timestamp)
                        .hidden_if(FORM.hides_history)
                        .since("standard-attr-timestamp").named("created_at", "When it was created."),
                    $crate::attribute::attribute($crate::Kind::Timestamp)
                        .hidden_if(FORM.hides_history)
                        .since("standard-attr-timestamp").named("updated_at", "When it was last changed."),
                ],
                constants: &[$($constant),*],
                admin_only: FORM.admin_only,
                parent: FORM.parent,
                }
            };

            fn new_id() -> $id {
                <$id>::random()
            }

            fn id(&self) -> $id {
                self.id
            }

            fn project_id(&self) -> &types::ProjectId {
                &self.project_id
            }

            fn revision_number(&self) -> u64 {
                self.revision_number
            }

            fn touch(&mut self, now: $crate::Timestamp) {
                self.revision_number += 1;
                self.updated_at = now;
            }

            fn start(id: $id, project_id: types::ProjectId, now: $crate::Timestamp) -> Self {
                static START: std::sync::LazyLock<$name> =
                    std::sync::LazyLock::new(|| crate::resource::start_of::<$name>());
                Self { id, project_id, created_at: now, updated_at: now, ..START.clone() }
            }
        }
    };
}

/// The object that [`Resource::start`] copies.
///
/// # Panics
/// When an attribute's start value is not of the field's type: a mistake in the table, which the
/// crate's tests find for every resource of the registry.
pub(crate) fn start_of<R: Resource>() -> R {
    match serde_json::from_value(Value::Object(R::INFO.start())) {
        Ok(object) => object,
        Err(error) => panic!("the attribute table of {} does not fit its struct: {error}", R::INFO.member),
    }
}

pub(crate) use {apply_plain, attribute_name, request_type, resource};
