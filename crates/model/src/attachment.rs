//! Attachments: the devices of servers, as intent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{AttachmentId, PortId};

use crate::{
    attribute::{Kind, attribute, text, uuid},
    resource::resource,
};

/// The device that a port is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AttachmentTarget {
    /// An interface in a network namespace, one end of a veth pair.
    Netns {
        /// The namespace's name below `/run/netns`.
        name: String,
        /// The kernel's cookie of it when it was attached, so that a recreated namesake is not
        /// taken for it; good until the host boots again.
        identity: u64,
        /// The interface's name inside.
        ifname: String,
    },
    /// A tap device of a virtual machine monitor.
    Tap {
        /// The device's name.
        name: String,
    },
}

/// Bytes as Base64 text.
mod base64_text {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::de::Error;

    #[allow(clippy::ref_option, reason = "serde's `with` passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text).map_err(D::Error::custom)).transpose()
    }
}

/// The bytes that Base64 text stands for; `None` when it is no Base64 text.
#[must_use]
pub fn decode_user_data(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok()
}

resource! {
    /// An attachment: the device of a server that a port is connected to.
    Attachment, AttachmentPatch, AttachmentId:
        "attachment" in "attachments" at "baryon/attachments" since "baryon" [admin_only]
    {
        /// A text for people.
        description: String = text(255).create_update().default("\"\"");
        /// The port.
        port_id: PortId = uuid().required();
        /// The device: `{"type": "netns", "name", "identity", "ifname"}` or `{"type": "tap", "name"}`.
        target: AttachmentTarget = attribute(Kind::AttachmentTarget).required().initial("{\"type\": \"tap\", \"name\": \"\"}");
        /// The host that the device is on.
        host_id: String = text(255).create().default("\"\"");
        /// The server's name, which metadata shows as its host name.
        server_name: String = text(255).create_update().default("\"\"");
        /// What cloud-init reads, as Base64 text in requests.
        #[serde(with = "base64_text")]
        user_data: Option<Vec<u8>> as Option<String> = text(87_380).create_update().nullable().secret();
        /// SSH public keys for the server, in OpenSSH's format.
        public_keys: Vec<String> = attribute(Kind::TextList { max: 16_384 }).create_update().default("[]");
        /// ACTIVE when the device is connected.
        status: String = text(16).initial("\"DOWN\"");
        /// Why it is not.
        status_error ["baryon:error"]: Option<String> = text(1024).omit_null().unlisted();
    }
    constants []
}
