//! Translation: stages [`Stage::DestinationNat`] and [`Stage::SourceNat`].

use std::sync::Arc;

use super::{Flight, Stop, Walk, name};
use crate::{
    DropReason, FloatingIp, Point, Port, PortId, Router, RouterId, SourceNat, Stage, SwitchId, SwitchKind,
    flow::{ConnectionIndex, Key, Translation, Translator, Way},
    nat_ports,
};

impl Walk<'_> {
    /// [`Stage::DestinationNat`], and what a reply is translated back. Says whether this router
    /// translated.
    pub(super) fn translate_destination(&mut self, router: &Router, flight: &mut Flight) -> Result<bool, Stop> {
        if let Some((index, way)) = flight.connection {
            return Ok(self.translate_by_connection(router.id, index, way, flight));
        }
        let destination = flight.packet.destination();
        let Some(row) = self.floating_ip_of(router.id, |row| row.external == destination) else { return Ok(false) };
        self.refuse_second(flight.destination_translation.as_ref(), Stage::DestinationNat, "destination")?;
        flight.packet.set_destination(row.logical);
        flight.destination_translation =
            Some(Translation { router: router.id, by: by_floating_ip(&row), from: row.external, to: row.logical });
        let text = format!("{}: destination {} becomes {}", name(&row.origin), row.external, row.logical);
        self.step(Stage::DestinationNat, Some(&row.origin), text);
        Ok(true)
    }

    /// The recorded translation of a connection, as far as it is due before routing.
    fn translate_by_connection(
        &mut self,
        router: RouterId,
        index: ConnectionIndex,
        way: Way,
        flight: &mut Flight,
    ) -> bool {
        let connection = self.flows.get(index).clone();
        let here = |translation: Option<Translation>| translation.filter(|t| t.router == router);
        let source = here(connection.source_translation);
        let destination = here(connection.destination_translation);
        match way {
            Way::Original => {
                let Some(translation) = destination else { return false };
                flight.packet.set_destination(translation.to);
                self.step(Stage::DestinationNat, None, format!("as recorded, to {}", translation.to));
            }
            Way::Reply => {
                if let Some(translation) = destination {
                    flight.packet.set_source(translation.from);
                    self.step(Stage::SourceNat, None, format!("source back to {}", translation.from));
                }
                if let Some(translation) = source {
                    flight.packet.set_destination(translation.from);
                    if let Translator::SourceNat { .. } = translation.by {
                        flight.packet.set_destination_port(connection.original.tuple.source_port);
                    }
                    self.step(Stage::DestinationNat, None, format!("destination back to {}", translation.from));
                }
                if source.is_none() && destination.is_none() {
                    return false;
                }
            }
        }
        true
    }

    /// [`Stage::SourceNat`].
    pub(super) fn translate_source(
        &mut self,
        router: &Router,
        entry: &Port,
        exit: &Port,
        flight: &mut Flight,
    ) -> Result<(), Stop> {
        if let Some((index, way)) = flight.connection {
            self.translate_source_by_connection(router.id, index, way, flight);
            return Ok(());
        }
        let Some((switch, gateway)) = self.translates_as(router, entry, exit, flight)? else { return Ok(()) };
        let source = flight.packet.source();
        if let Some(row) = self.floating_ip_of(router.id, |row| row.switch == switch && row.logical == source) {
            self.refuse_second(flight.source_translation.as_ref(), Stage::SourceNat, "source")?;
            flight.packet.set_source(row.external);
            flight.source_translation =
                Some(Translation { router: router.id, by: by_floating_ip(&row), from: source, to: row.external });
            let text = format!("{}: source {source} becomes {}", name(&row.origin), row.external);
            self.step(Stage::SourceNat, Some(&row.origin), text);
            return Ok(());
        }
        // What came in through the gateway is not sent out there under the router's own name.
        let nat = self.network.source_nats.get(&(router.id, gateway)).filter(|_| entry.id != gateway).cloned();
        nat.map_or(Ok(()), |nat| self.translate_to_shared(&nat, flight))
    }

    /// The external switch and the gateway interface as whose traffic the packet's source is
    /// translated: those it leaves by, or those of its floating IP on a hairpin.
    fn translates_as(
        &mut self,
        router: &Router,
        entry: &Port,
        exit: &Port,
        flight: &Flight,
    ) -> Result<Option<(SwitchId, PortId)>, Stop> {
        if self.is_external(exit.switch)? {
            return Ok(Some((exit.switch, exit.id)));
        }
        if self.is_external(entry.switch)? {
            return Ok(None);
        }
        let Some(translation) = flight.destination_translation.filter(|t| t.router == router.id) else {
            return Ok(None);
        };
        let Translator::FloatingIp { switch, external, .. } = translation.by else { return Ok(None) };
        Ok(self.network.floating_ips.get(&(switch, external)).map(|row| (switch, row.port)))
    }

    fn translate_to_shared(&mut self, nat: &Arc<SourceNat>, flight: &mut Flight) -> Result<(), Stop> {
        let protocol = flight.packet.protocol();
        if !flight.packet.can_share_an_address() {
            let why = format!("this {protocol} packet has nothing that could tell it from others at {}", nat.address);
            return self.drop(Stage::SourceNat, Some(&nat.origin), DropReason::NotTranslatable, why);
        }
        self.refuse_second(flight.source_translation.as_ref(), Stage::SourceNat, "source")?;
        let source = flight.packet.source();
        flight.packet.set_source(nat.address);
        flight.source_translation = Some(Translation {
            router: nat.router,
            by: Translator::SourceNat { port: nat.port, address: nat.address },
            from: source,
            to: nat.address,
        });
        let text = format!("{}: source {source} becomes {}", name(&nat.origin), nat.address);
        self.step(Stage::SourceNat, Some(&nat.origin), text);
        Ok(())
    }

    fn translate_source_by_connection(
        &mut self,
        router: RouterId,
        index: ConnectionIndex,
        way: Way,
        flight: &mut Flight,
    ) {
        let connection = self.flows.get(index);
        let Some(translation) = connection.source_translation.filter(|t| t.router == router) else { return };
        // The source of a reply has been translated back before routing.
        if way == Way::Reply {
            return;
        }
        let port = connection.reply.tuple.destination_port;
        flight.packet.set_source(translation.to);
        if let Translator::SourceNat { .. } = translation.by {
            flight.packet.set_source_port(port);
        }
        self.step(Stage::SourceNat, None, format!("as recorded, from {}", translation.to));
    }

    /// Gives a packet from a shared address the port that tells its replies from others'.
    pub(super) fn choose_port(&mut self, flight: &mut Flight, point: Point) -> Result<(), Stop> {
        let Some(Translation { by: Translator::SourceNat { .. }, to, .. }) = flight.source_translation else {
            return Ok(());
        };
        let tuple = flight.packet.tuple();
        let free = nat_ports(tuple.source_port).find(|port| {
            let reply = Key { point, tuple: tuple.with_source_port(*port).mirrored() };
            self.flows.is_free(&reply, self.now)
        });
        let Some(port) = free else {
            return self.drop(Stage::Output, None, DropReason::NatExhausted, format!("no free port is left at {to}"));
        };
        flight.packet.set_source_port(port);
        self.step(Stage::Output, None, format!("source {to}:{port}"));
        Ok(())
    }

    fn refuse_second(&mut self, first: Option<&Translation>, stage: Stage, what: &str) -> Result<(), Stop> {
        let Some(first) = first else { return Ok(()) };
        let why = format!("the {what} was translated from {} to {} already", first.from, first.to);
        self.drop(stage, None, DropReason::NotTranslatable, why)
    }

    fn is_external(&mut self, switch: SwitchId) -> Result<bool, Stop> {
        Ok(matches!(self.switch_row(switch)?.kind, SwitchKind::External { .. }))
    }

    fn floating_ip_of(&self, router: RouterId, wanted: impl Fn(&FloatingIp) -> bool) -> Option<Arc<FloatingIp>> {
        self.network.floating_ips.values().find(|row| row.router == router && wanted(row)).cloned()
    }
}

fn by_floating_ip(row: &FloatingIp) -> Translator {
    Translator::FloatingIp { switch: row.switch, external: row.external, logical: row.logical }
}
