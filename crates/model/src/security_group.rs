//! Security groups.

use types::SecurityGroupId;

use crate::{
    attribute::{Kind, attribute, boolean, text},
    resource::resource,
};

/// The name of the group that every project has.
pub const DEFAULT: &str = "default";

resource! {
    /// A security group: rules that say which packets reach and leave the ports that are in it.
    SecurityGroup, SecurityGroupPatch, SecurityGroupId:
        "security_group" in "security_groups" at "security-groups" since "security-group"
    {
        /// A name for people; `default` is the project's own.
        name: String = text(255).create_update().default("\"\"");
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// Whether replies pass without a rule.
        stateful: bool = boolean().create_update().default("true").since("stateful-security-group");
        /// Whether other projects may use it.
        shared: bool = boolean().unsorted().initial("false").since("security-groups-shared-filtering");
        /// Whether it is its project's own group.
        is_default: bool = boolean().internal().initial("false");
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).since("standard-attr-tag");
    }
    constants []
}
