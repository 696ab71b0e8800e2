/* Stages `router`, `destination-nat` and `source-nat`. Nothing is written to the packet here: the
 * record says what its addresses are by now, and the output stage makes them so. */
#pragma once
#include "flow.h"

/* Floating IPs inwards. For packets of a connection what was recorded; a reply is translated back
 * wholly before it is routed. */
static __always_inline int translate_destination(struct scratch *s)
{
	struct address_key key = { .slot = s->router, .address = s->current.daddr };
	struct floating_in *floating;

	if (s->direction == ORIGINAL) {
		if (s->dnat_router == s->router) {
			s->current.daddr = s->partner.saddr;
			s->translated = 1;
		}
		return NEXT_STAGE;
	}
	if (s->direction == REPLY) {
		if (s->dnat_router == s->router) {
			s->current.saddr = s->partner.daddr;
			s->translated = 1;
		}
		if (s->snat_router == s->router) {
			s->current.daddr = s->partner.saddr;
			s->current.dport = s->partner.sport;
			if (s->key.protocol == IPPROTO_ICMP)
				s->current.sport = s->current.dport;
			s->translated = 1;
		}
		return NEXT_STAGE;
	}
	floating = bpf_map_lookup_elem(&floating_in, &key);
	if (!floating)
		return NEXT_STAGE;
	if (s->dnat_router)
		return DROP_NOT_TRANSLATABLE;
	s->current.daddr = floating->logical;
	s->dnat_router = s->router;
	s->gateway = floating->port;
	s->translated = 1;
	return NEXT_STAGE;
}

/* The source becomes a floating IP of that switch, or the address of the router's source NAT. */
static __noinline int translate_new_source(struct scratch *s, __u32 switch_slot, __u32 port)
{
	struct floating_out_key floating = { .switch_slot = switch_slot };
	struct pair nat = { .second = port };
	__u32 *address;

	if (!s)
		return DROP_INTERNAL;
	floating.router = s->router;
	floating.logical = s->current.saddr;
	address = bpf_map_lookup_elem(&floating_out, &floating);
	if (address) {
		if (s->snat_router)
			return DROP_NOT_TRANSLATABLE;
		s->current.saddr = *address;
		s->snat_router = s->router;
		s->snat_place = switch_slot;
		s->snat_shared = 0;
		return NEXT_STAGE;
	}
	nat.first = s->router;
	address = bpf_map_lookup_elem(&source_nats, &nat);
	if (!address || port == s->router_port)
		return NEXT_STAGE;
	if (s->key.protocol != IPPROTO_TCP && s->key.protocol != IPPROTO_UDP &&
	    !(s->key.protocol == IPPROTO_ICMP && s->tracked))
		return DROP_NOT_TRANSLATABLE;
	if (s->snat_router)
		return DROP_NOT_TRANSLATABLE;
	/* Which port, is decided when it is known where replies will come in. */
	s->current.saddr = *address;
	s->snat_router = s->router;
	s->snat_place = port;
	s->snat_shared = 1;
	return NEXT_STAGE;
}

static __always_inline int translate_source(struct scratch *s, __u32 out_slot, const struct port *out, int external)
{
	struct port *gateway;

	if (s->direction == ORIGINAL) {
		if (s->snat_router == s->router) {
			s->current.saddr = s->partner.daddr;
			s->current.sport = s->partner.dport;
			if (s->key.protocol == IPPROTO_ICMP)
				s->current.dport = s->current.sport;
		}
		return NEXT_STAGE;
	}
	if (s->direction)
		return NEXT_STAGE;
	if (external)
		return translate_new_source(s, out->switch_slot, out_slot);
	/* Hairpin: the answer must come back through this router. */
	if (s->outside || s->dnat_router != s->router)
		return NEXT_STAGE;
	gateway = bpf_map_lookup_elem(&ports, &s->gateway);
	if (!gateway)
		return NEXT_STAGE;
	return translate_new_source(s, gateway->switch_slot, s->gateway);
}

/* One router: `s->router`, entered by its interface `s->router_port`. */
__noinline int route(struct scratch *s)
{
	struct address_key address = {};
	struct range_key range = { .bits = 64 };
	struct pair nat = {};
	struct neighbour *neighbour;
	struct logical_switch *sw;
	struct route *found;
	struct port *out, *port;
	__u32 *flags, out_slot, next_hop;
	int reason, external;

	if (!s)
		return DROP_INTERNAL;
	port = bpf_map_lookup_elem(&ports, &s->router_port);
	if (!port || !(port->flags & PORT_ENABLED))
		return DROP_PORT_DISABLED;
	flags = bpf_map_lookup_elem(&routers, &s->router);
	if (!flags || !(*flags & ROUTER_ENABLED))
		return DROP_ROUTER_DISABLED;
	s->translated = 0;
	reason = translate_destination(s);
	if (reason)
		return reason;

	address.slot = s->router;
	address.address = s->current.daddr;
	if (bpf_map_lookup_elem(&router_addresses, &address))
		return s->key.protocol == IPPROTO_ICMP && s->icmp >> 8 == ICMP_ECHO_REQUEST ? ECHO_ANSWER :
											     DROP_TO_ROUTER;
	if (s->ttl <= s->action.routers + 1)
		return DROP_TTL_EXPIRED;

	range.slot = s->router;
	range.address = s->current.daddr;
	found = bpf_map_lookup_elem(&routes, &range);
	if (!found)
		return DROP_NO_ROUTE;
	out_slot = found->port;
	next_hop = found->next_hop ? found->next_hop : s->current.daddr;
	nat.first = s->router;
	nat.second = s->router_port;
	if (!s->translated && bpf_map_lookup_elem(&source_nats, &nat))
		return DROP_NOT_TRANSLATED;
	out = bpf_map_lookup_elem(&ports, &out_slot);
	sw = out ? bpf_map_lookup_elem(&switches, &out->switch_slot) : NULL;
	if (!out || !sw)
		return DROP_INTERNAL;
	if (!(out->flags & PORT_ENABLED))
		return DROP_PORT_DISABLED;
	external = !!(sw->flags & SWITCH_EXTERNAL);

	reason = translate_source(s, out_slot, out, external);
	if (reason)
		return reason;
	s->action.routers++;
	if (sw->mtu < s->action.mtu)
		s->action.mtu = sw->mtu;
	if (s->ip_length > sw->mtu)
		return DROP_TOO_BIG;
	s->action.flags |= ACTION_ETHERNET;
	copy_mac(s->action.eth_src, out->mac);

	address.slot = out->switch_slot;
	address.address = next_hop;
	neighbour = bpf_map_lookup_elem(&neighbours, &address);
	port = neighbour ? bpf_map_lookup_elem(&ports, &neighbour->port) : NULL;
	if (!neighbour || !port || !(port->flags & (PORT_GUEST | PORT_ROUTER))) {
		if (!external)
			return DROP_NO_NEIGHBOUR;
		s->out_port = out->switch_slot;
		s->next_hop = next_hop;
		s->action.output = OUTPUT_NEIGHBOUR;
		s->action.ifindex = sw->ifindex;
		s->action.next_hop = next_hop;
		return TO_WIRE;
	}
	copy_mac(s->action.eth_dst, neighbour->mac);
	if (port->flags & PORT_ROUTER) {
		s->router = port->router;
		s->router_port = neighbour->port;
		s->outside = external;
		return NEXT_ROUTER;
	}
	s->out_port = neighbour->port;
	return TO_PORT;
}
