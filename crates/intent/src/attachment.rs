//! Attachments.

use model::{
    Attachment, AttachmentPatch, AttachmentTarget, Patch, Port, PortPatch, Request, RequestError, Resource, Timestamp,
    attachment, port::ATTACHED,
};
use serde_json::{Value, json};
use store::Tx;
use types::{AttachmentId, PortId, ProjectId};

use crate::{Context, Error, operations::Behaviour, port};

/// The behaviour of attachments.
pub(crate) struct Attachments;

impl Behaviour for Attachments {
    type Of = Attachment;

    fn not_found(id: &str) -> Error {
        Error::AttachmentNotFound { id: id.to_owned() }
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        _project: ProjectId,
        request: Request<AttachmentPatch>,
    ) -> Result<Attachment, Error> {
        let patch = request.patch;
        let Some(port_id) = patch.port_id else { return Err(RequestError::Required { name: "port_id" }.into()) };
        let port: Port =
            tx.get(&context.region, port_id)?.ok_or_else(|| Error::PortNotFound { id: port_id.to_string() })?;
        let mut attachment = Attachment::start(AttachmentId::random(), port.project_id.clone(), Timestamp::now());
        patch.apply(&mut attachment);
        set_user_data(&mut attachment, patch.user_data)?;
        if attachment.host_id.is_empty() {
            attachment.host_id.clone_from(&context.settings.host);
        }
        check_port(tx, context, &port)?;
        check_device(tx, context, &attachment)?;
        tx.insert(&context.region, &attachment)?;
        connect(tx, context, port, &attachment)?;
        Ok(attachment)
    }

    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: Attachment,
        request: Request<AttachmentPatch>,
    ) -> Result<Attachment, Error> {
        let mut new = old.clone();
        request.patch.apply(&mut new);
        set_user_data(&mut new, request.patch.user_data)?;
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, attachment: Attachment) -> Result<(), Error> {
        tx.delete::<Attachment>(&context.region, attachment.id)?;
        if let Some(port) = tx.get::<Port>(&context.region, attachment.port_id)? {
            let patch = PortPatch {
                device_id: Some(String::new()),
                device_owner: Some(String::new()),
                binding_host_id: Some(String::new()),
                ..PortPatch::default()
            };
            change_port(tx, context, port, &patch)?;
        }
        Ok(())
    }
}

fn change_port(tx: &mut Tx<'_>, context: &Context, port: Port, patch: &PortPatch) -> Result<(), Error> {
    let network = tx
        .get(&context.region, port.network_id)?
        .ok_or_else(|| Error::NetworkNotFound { id: port.network_id.to_string() })?;
    port::change(tx, context, &network, port, patch).map(drop)
}

/// Ties the port to the server, and gives it the server's name if it has none.
fn connect(tx: &mut Tx<'_>, context: &Context, port: Port, attachment: &Attachment) -> Result<(), Error> {
    let name: String = attachment.server_name.chars().filter(|c| !matches!(c, '_' | ' ')).collect();
    let name = name.to_ascii_lowercase();
    let is_label = name.len() <= 63
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    let patch = PortPatch {
        device_id: Some(attachment.id.to_string()),
        device_owner: Some(ATTACHED.to_owned()),
        binding_host_id: Some(attachment.host_id.clone()),
        dns_name: (is_label && port.dns_name.is_empty()).then_some(name),
        ..PortPatch::default()
    };
    change_port(tx, context, port, &patch)
}

fn set_user_data(attachment: &mut Attachment, data: Option<Option<String>>) -> Result<(), Error> {
    let Some(data) = data else { return Ok(()) };
    attachment.user_data = match data {
        None => None,
        Some(text) => Some(attachment::decode_user_data(&text).ok_or_else(|| RequestError::Invalid {
            name: "user_data".to_owned(),
            reason: "it is not Base64".to_owned(),
            value: Value::Null,
        })?),
    };
    Ok(())
}

/// One server per port, and none on the ports of routers and floating IPs.
fn check_port(tx: &Tx<'_>, context: &Context, port: &Port) -> Result<(), Error> {
    let found: Vec<Attachment> = tx.find(&context.region, &[("port_id", json!(port.id))])?;
    if let Some(other) = found.first() {
        return Err(Error::PortAlreadyAttached { port: port.id, attachment: other.id.to_string() });
    }
    let is_free = port.device_id.is_empty() || port.device_owner.starts_with("compute:");
    if port.is_ours() || !is_free {
        return Err(Error::PortInUse { port: port.id, network: port.network_id, device: port.device_id.clone() });
    }
    Ok(())
}

/// One port per device. A namespace that was deleted and made again has another identity, so an
/// attachment of the old one does not keep the new one's interface.
fn check_device(tx: &Tx<'_>, context: &Context, attachment: &Attachment) -> Result<(), Error> {
    let all: Vec<Attachment> = tx.find(&context.region, &[])?;
    for other in all.iter().filter(|other| other.host_id == attachment.host_id) {
        let device = match (&attachment.target, &other.target) {
            (
                AttachmentTarget::Netns { name, identity, ifname },
                AttachmentTarget::Netns { identity: other_identity, ifname: other_ifname, .. },
            ) if identity == other_identity && ifname == other_ifname => format!("{name}/{ifname}"),
            (AttachmentTarget::Tap { name }, AttachmentTarget::Tap { name: other }) if name == other => name.clone(),
            _ => continue,
        };
        return Err(Error::DeviceAlreadyAttached { device, attachment: other.id.to_string() });
    }
    Ok(())
}

/// The attachment of a port.
pub fn of_port(read: &store::Read<'_>, region: &str, port: PortId) -> Result<Option<Attachment>, Error> {
    Ok(read.find(region, &[("port_id", json!(port))])?.into_iter().next())
}
