// What both sides of the kernel's edge agree on: constants, and the layouts of map keys and values.
//
// Everything is said once, here. The crate compiles this file as the module `layout`; `build.rs`
// includes it too (which is why it has no `//!`) and prints the C header that the programs are compiled
// with. Addresses and ports are in network byte order unless a comment says otherwise.

/// A plain value without padding, whose bytes are its meaning.
///
/// # Safety
///
/// The type is `repr(C)`, has no padding, and every pattern of bytes is a value of it.
#[allow(unsafe_code)]
pub unsafe trait Layout: Copy {
    /// Its bytes, as a map holds them.
    fn bytes(&self) -> Vec<u8> {
        let start = std::ptr::from_ref(self).cast::<u8>();
        // SAFETY: `self` is valid for reads of its size, and has no padding, so all bytes are initialised.
        unsafe { std::slice::from_raw_parts(start, size_of::<Self>()) }.to_vec()
    }

    /// The value with those bytes; `None` when the length is another.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // SAFETY: the length is checked, any bytes are a value, and the read needs no alignment.
        (bytes.len() == size_of::<Self>()).then(|| unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }
}

#[allow(unsafe_code)]
// SAFETY: a plain number.
unsafe impl Layout for u32 {}

macro_rules! layouts {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
            pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

            const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$kind>())*, "padding must be a field");

            #[allow(unsafe_code)]
            // SAFETY: `repr(C)` of plain fields; the assertion above excludes padding.
            unsafe impl Layout for $name {}
        )*

        /// Name and fields (name, type, offset) of every layout, in the words of Rust.
        pub const LAYOUTS: &[(&str, usize, &[(&str, &str, usize)])] = &[
            $((stringify!($name), size_of::<$name>(), &[
                $((stringify!($field), stringify!($kind), std::mem::offset_of!($name, $field)),)*
            ]),)*
        ];
    };
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: u32 = $value;)*

        /// Name and value of every constant.
        pub const CONSTANTS: &[(&str, u32)] = &[$((stringify!($name), $value),)*];
    };
}

constants! {
    /// Set in the point of a wire; the rest is the slot of the switch. Without it: a port's slot.
    POINT_WIRE = 0x8000_0000;
    /// The point where answers of the host services come in.
    POINT_SERVICES = 0xffff_ffff;

    /// A device of a guest port; `slot` is the port.
    DEVICE_GUEST = 1;
    /// The interface of a physical network; `slot` is the switch.
    DEVICE_WIRE = 2;

    /// The port's administrative state is up.
    PORT_ENABLED = 1;
    /// Anti-spoofing and groups apply.
    PORT_SECURE = 2;
    /// A server is behind it.
    PORT_GUEST = 4;
    /// It is an interface of a router.
    PORT_ROUTER = 8;
    /// DHCP answers it.
    PORT_DHCP = 16;
    /// Its device is a veth into another namespace.
    PORT_PEER = 32;
    /// Its Ethernet and first IPv4 address are a pair that it may use.
    PORT_OWN_PAIR = 64;

    /// The switch is connected to a wire.
    SWITCH_EXTERNAL = 1;

    /// The router's administrative state is up.
    ROUTER_ENABLED = 1;

    /// The neighbour is a floating IP, not a port's own address.
    NEIGHBOUR_FLOATING = 1;

    /// `protocol` counts.
    RULE_PROTOCOL = 1;
    /// `first_port` and `last_port` count.
    RULE_PORTS = 2;
    /// `icmp_type` counts.
    RULE_ICMP_TYPE = 4;
    /// `icmp_code` counts.
    RULE_ICMP_CODE = 8;
    /// `prefix` and `mask` count.
    RULE_PREFIX = 16;
    /// `set` counts.
    RULE_SET = 32;

    /// Direction of rules: towards the server.
    INGRESS = 0;
    /// Direction of rules: from the server.
    EGRESS = 1;

    /// The entry is of the direction of the connection's first packet.
    FLOW_ORIGINAL = 1;
    /// A reply has been seen.
    FLOW_REPLIED = 2;
    /// A packet in the original direction after a reply has been seen.
    FLOW_ESTABLISHED = 4;
    /// TCP: FIN or RST has been seen.
    FLOW_CLOSING = 8;
    /// A connection to the host services; it has this one entry.
    FLOW_SERVICES = 16;

    /// No output is known.
    OUTPUT_NONE = 0;
    /// To the peer, in another namespace, of the device.
    OUTPUT_PEER = 1;
    /// Out by the device.
    OUTPUT_DEVICE = 2;
    /// Out by the device, to the next hop that the host's neighbour table knows.
    OUTPUT_NEIGHBOUR = 3;

    /// The action changes addresses or ports.
    ACTION_TRANSLATE = 1;
    /// The action changes the Ethernet header.
    ACTION_ETHERNET = 2;

    /// Nothing was decided.
    VERDICT_NONE = 0;
    /// Dropped for `reason`.
    VERDICT_DROP = 1;
    /// To the guest port `out_port`.
    VERDICT_PORT = 2;
    /// To the wire of the switch `out_port`, for `next_hop`.
    VERDICT_WIRE = 3;
    /// To the host services.
    VERDICT_SERVICES = 4;
    /// Back to where it came from: an answer.
    VERDICT_ANSWER = 5;
    /// To all other guest ports of the switch.
    VERDICT_FLOOD = 6;
    /// Left to the host untouched.
    VERDICT_FOREIGN = 7;
}

layouts! {
    /// What does not change from packet to packet.
    struct Config {
        /// Added to the kernel's clock; nothing but tests sets it.
        clock_offset: u64,
        /// Timeouts of connections in nanoseconds, by protocol and state.
        tcp_opening: u64,
        /// Established TCP.
        tcp_established: u64,
        /// TCP after FIN or RST.
        tcp_closing: u64,
        /// UDP without a reply.
        udp_opening: u64,
        /// UDP with replies.
        udp_established: u64,
        /// ICMP echo.
        icmp: u64,
        /// Any other protocol.
        other: u64,
        /// Most connections of one port.
        max_connections: u32,
        /// Host-side device of the link to the services; 0: there is none.
        service_ifindex: u32,
        /// Ethernet address of the services' end of that link.
        service_mac: [u8; 6],
        /// Zero.
        pad: [u8; 2],
    }

    /// What is behind a device.
    struct Device {
        /// `DEVICE_…`.
        kind: u32,
        /// Slot of the port or switch.
        slot: u32,
    }

    /// What a processor has found out about a device.
    struct SeenDevice {
        /// The device.
        ifindex: u32,
        /// Generation of the forwarding tables at that time.
        generation: u32,
        /// What is behind it.
        device: Device,
    }

    /// A port of any kind.
    struct Port {
        /// `PORT_…`.
        flags: u32,
        /// Slot of its switch.
        switch_slot: u32,
        /// Slot of its router, if it is an interface of one.
        router: u32,
        /// Its device, or 0.
        ifindex: u32,
        /// Its first IPv4 address, or 0.
        address: u32,
        /// How many groups it has.
        groups: u32,
        /// Its Ethernet address.
        mac: [u8; 6],
        /// Zero.
        pad: [u8; 2],
    }

    /// A switch.
    struct LogicalSwitch {
        /// `SWITCH_…`.
        flags: u32,
        /// Largest IP packet.
        mtu: u32,
        /// Interface of its physical network, or 0.
        ifindex: u32,
    }

    /// A pair of slots, or a slot and an index.
    struct Pair {
        /// The first.
        first: u32,
        /// The second.
        second: u32,
    }

    /// An Ethernet address at a switch or a port.
    struct MacKey {
        /// Slot of the switch or port.
        slot: u32,
        /// The address.
        mac: [u8; 6],
        /// Zero.
        pad: [u8; 2],
    }

    /// An IPv4 address at a switch or a router.
    struct AddressKey {
        /// Slot of the switch or router.
        slot: u32,
        /// The address.
        address: u32,
    }

    /// An IPv4 range of a router or set.
    struct RangeKey {
        /// Bits that count: 32 of the slot and those of the range.
        bits: u32,
        /// Slot of the router or set.
        slot: u32,
        /// The range.
        address: u32,
    }

    /// A pair of source addresses of a port.
    struct SourceKey {
        /// Bits that count: 96 and those of the range.
        bits: u32,
        /// Slot of the port.
        port: u32,
        /// Ethernet source.
        mac: [u8; 6],
        /// Zero.
        pad: [u8; 2],
        /// IP source.
        address: u32,
    }

    /// Who answers for an address on a switch.
    struct Neighbour {
        /// `NEIGHBOUR_…`.
        flags: u32,
        /// Slot of the port; of a floating IP, its router's gateway interface.
        port: u32,
        /// The answer.
        mac: [u8; 6],
        /// Zero.
        pad: [u8; 2],
    }

    /// Where a route leads.
    struct Route {
        /// Slot of the interface by which the packet leaves.
        port: u32,
        /// Whom to hand it to; 0: the destination.
        next_hop: u32,
    }

    /// A floating IP, inwards.
    struct FloatingIn {
        /// The inner address.
        logical: u32,
        /// Slot of the router's gateway interface.
        port: u32,
    }

    /// A floating IP, outwards: key.
    struct FloatingOutKey {
        /// Slot of the router.
        router: u32,
        /// Slot of the external switch.
        switch_slot: u32,
        /// The inner address.
        logical: u32,
    }

    /// A rule's place in its group.
    struct RuleKey {
        /// Slot of the group.
        group: u32,
        /// `INGRESS` or `EGRESS`.
        direction: u32,
        /// Number within the group and direction.
        index: u32,
    }

    /// A rule.
    struct Rule {
        /// `RULE_…`: what counts.
        flags: u32,
        /// IP protocol.
        protocol: u32,
        /// Lowest destination port, host byte order.
        first_port: u16,
        /// Highest destination port, host byte order.
        last_port: u16,
        /// ICMP type.
        icmp_type: u16,
        /// ICMP code.
        icmp_code: u16,
        /// Range of the other side.
        prefix: u32,
        /// Mask of that range.
        mask: u32,
        /// Set of the other side.
        set: u32,
    }

    /// The tuple of packets of one direction, at the point where they come in.
    struct FlowKey {
        /// The point.
        point: u32,
        /// Source.
        saddr: u32,
        /// Destination.
        daddr: u32,
        /// Source port, or the identifier of an ICMP echo.
        sport: u16,
        /// Destination port, or the identifier of an ICMP echo.
        dport: u16,
        /// IP protocol.
        protocol: u32,
    }

    /// What is done with the packets of one direction of a connection, worked out once.
    struct Action {
        /// Generation of the forwarding tables that it was worked out from; 0: not yet.
        generation: u32,
        /// Generation of the groups of the port where packets come in.
        policy_in: u32,
        /// The same of the port where they go out.
        policy_out: u32,
        /// `OUTPUT_…`.
        output: u16,
        /// `ACTION_…`.
        flags: u16,
        /// Where it goes.
        ifindex: u32,
        /// For `OUTPUT_NEIGHBOUR`.
        next_hop: u32,
        /// Slot of the port where it goes, or the wire's point.
        out_point: u32,
        /// Smallest MTU on the way through routers.
        mtu: u32,
        /// Routers on the way.
        routers: u32,
        /// Ethernet destination that the packet must have.
        match_dst: [u8; 6],
        /// Ethernet source that the packet must have.
        match_src: [u8; 6],
        /// New Ethernet destination.
        eth_dst: [u8; 6],
        /// New Ethernet source.
        eth_src: [u8; 6],
    }

    /// One direction of a connection.
    struct Flow {
        /// Time of the last packet, in nanoseconds.
        last_seen: u64,
        /// Key of the other direction. Mirrored, it is this direction's tuple after translation.
        partner: FlowKey,
        /// `FLOW_…`.
        flags: u32,
        /// Slot of the router that translated the source; 0: none did.
        snat_router: u32,
        /// Where the new source is from: the slot of the router's interface (source NAT), or of the
        /// external switch (floating IP).
        snat_place: u32,
        /// 1: the source NAT's address was used, 0: a floating IP.
        snat_shared: u32,
        /// Slot of the router that translated the destination; 0: none did.
        dnat_router: u32,
        /// Slot of the port that the connection is counted at; 0: none.
        charged: u32,
        /// ICMP type and code of the first packet.
        icmp: u32,
        /// What to do.
        action: Action,
        /// The kernel's ticks when `last_seen` was last compared with the clock.
        ticks: u32,
    }

    /// Packets and bytes.
    struct Count {
        /// How many.
        packets: u64,
        /// Their bytes.
        bytes: u64,
    }

    /// Traffic of a port.
    struct Traffic {
        /// Packets that the port sent.
        sent_packets: u64,
        /// Their bytes.
        sent_bytes: u64,
        /// Packets that were delivered to it.
        received_packets: u64,
        /// Their bytes.
        received_bytes: u64,
    }

    /// What the collector did.
    struct Collected {
        /// Connections that it removed.
        removed: u32,
    }

    /// What a number was given to; only user space reads it.
    struct NumberKey {
        /// Which numbers.
        pool: u32,
        /// Within which group or switch, for numbers that are counted there.
        scope: u32,
        /// The row, or an id that rows share.
        id: [u8; 16],
    }

    /// A packet on its way through the stages, and what was decided about it; one per processor.
    struct Scratch {
        /// `VERDICT_…`.
        verdict: u32,
        /// Number of the drop reason.
        reason: u32,
        /// Slot of the port, or of the switch of the wire, where it goes.
        out_port: u32,
        /// Whom the wire shall hand it to.
        next_hop: u32,
        /// 1: decided by a remembered action.
        fast: u32,
        /// Where a drop is counted; 0: nowhere.
        blame: u32,
        /// Time, in nanoseconds.
        now: u64,
        /// Point where it came in.
        point: u32,
        /// Port where it came in, or 0.
        in_port: u32,
        /// Switch where it came in.
        in_switch: u32,
        /// Length of the frame.
        length: u32,
        /// Length of the IP packet, or of the largest of its segments.
        ip_length: u32,
        /// Total length by the IP header.
        total_length: u32,
        /// Length of the IP header.
        header_length: u32,
        /// Time to live.
        ttl: u32,
        /// Flags of the TCP header.
        tcp_flags: u32,
        /// ICMP type and code.
        icmp: u32,
        /// 1: connections are made for it.
        tracked: u32,
        /// 1: its destination ports can match rules.
        ports: u32,
        /// Ethernet destination.
        eth_dst: [u8; 6],
        /// Ethernet source.
        eth_src: [u8; 6],
        /// EtherType, host byte order.
        ethertype: u32,
        /// Its tuple where it came in.
        key: FlowKey,
        /// Its tuple by now.
        current: FlowKey,
        /// 0: a new connection, else 1: original, 2: reply direction of a valid one.
        direction: u32,
        /// Key of the other direction of that connection.
        partner: FlowKey,
        /// As in [`Flow`].
        flow_flags: u32,
        /// As in [`Flow`].
        snat_router: u32,
        /// As in [`Flow`].
        snat_place: u32,
        /// As in [`Flow`].
        snat_shared: u32,
        /// As in [`Flow`].
        dnat_router: u32,
        /// As in [`Flow`].
        charged: u32,
        /// Router that it is in.
        router: u32,
        /// Interface by which it came into that router.
        router_port: u32,
        /// 1: it came in from an external switch.
        outside: u32,
        /// 1: its addresses were translated when it came into this router.
        translated: u32,
        /// Slot of the gateway interface of the floating IP that was its destination.
        gateway: u32,
        /// What will be done.
        action: Action,
        /// An entry in the making; too large for the stack.
        draft: Flow,
    }
}
