/* Stages `switch-lookup`, `egress-acl` and `ingress-acl`: from the point where a packet came in to the
 * one where it goes out. */
#pragma once
#include "router.h"

/* Stage `ingress-acl` of a packet for the guest port `s->out_port`. */
static __noinline int deliver(struct scratch *s)
{
	struct port *port;

	if (!s)
		return DROP_INTERNAL;
	port = bpf_map_lookup_elem(&ports, &s->out_port);
	if (!port)
		return DROP_INTERNAL;
	s->blame = s->out_port;
	if (!(port->flags & PORT_ENABLED))
		return DROP_PORT_DISABLED;
	if (!port->ifindex)
		return DROP_NO_DEVICE;
	if (!s->direction && !allowed(s->out_port, INGRESS, &s->current, s->icmp))
		return DROP_ACL_INGRESS;
	s->action.output = port->flags & PORT_PEER ? OUTPUT_PEER : OUTPUT_DEVICE;
	s->action.ifindex = port->ifindex;
	return TO_PORT;
}

/* Where the packet goes: `TO_PORT`, `TO_WIRE`, `ECHO_ANSWER` or a drop reason. */
__noinline int find_way(struct scratch *s)
{
	struct mac_key destination = {};
	struct logical_switch *sw;
	struct port *port;
	int step, crossed;
	__u32 *slot;

	if (!s)
		return DROP_INTERNAL;
	s->current = s->key;
	__builtin_memset(&s->action, 0, sizeof(s->action));
	s->action.generation = forwarding_generation();
	s->action.policy_in = policy_generation(s->point);
	s->action.mtu = 0xffffffff;
	copy_mac(s->action.match_dst, s->eth_dst);
	copy_mac(s->action.match_src, s->eth_src);
	s->blame = s->in_port;

	if (s->in_port && s->eth_dst[0] & 1)
		return DROP_MULTICAST;
	destination.slot = s->in_switch;
	copy_mac(destination.mac, s->eth_dst);
	slot = bpf_map_lookup_elem(&fdb, &destination);
	port = slot ? bpf_map_lookup_elem(&ports, slot) : NULL;
	sw = bpf_map_lookup_elem(&switches, &s->in_switch);
	if (!slot || !port || !(port->flags & (PORT_GUEST | PORT_ROUTER)))
		return DROP_UNKNOWN_DESTINATION;
	if (*slot == s->in_port)
		return DROP_HAIRPIN;
	if (!s->direction && s->in_port && !allowed(s->in_port, EGRESS, &s->key, s->icmp))
		return DROP_ACL_EGRESS;

	if (port->flags & PORT_GUEST) {
		s->out_port = *slot;
		step = TO_PORT;
	} else {
		if (!s->in_port)
			s->blame = *slot;
		s->router = port->router;
		s->router_port = *slot;
		s->outside = sw && sw->flags & SWITCH_EXTERNAL;
		step = NEXT_ROUTER;
		for (crossed = 0; crossed < MAX_ROUTERS && step == NEXT_ROUTER; crossed++)
			step = route(s);
		if (step == NEXT_ROUTER)
			return DROP_ROUTING_LOOP;
	}
	if (step == TO_PORT) {
		s->current.point = s->out_port;
		step = deliver(s);
	} else if (step == TO_WIRE) {
		s->current.point = s->out_port | POINT_WIRE;
	}
	s->action.out_point = s->current.point;
	s->action.policy_out = policy_generation(s->current.point);
	return step;
}
