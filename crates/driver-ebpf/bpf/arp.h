/* Stage `arp`: requests are answered here, so that nobody else can; what nobody owns is flooded. */
#pragma once
#include "security.h"

struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
};

#define ARP_REQUEST 1
#define ARP_REPLY 2

static __always_inline __u32 address_of(const __u8 *bytes)
{
	__u32 address;
	__builtin_memcpy(&address, bytes, sizeof(address));
	return address;
}

static __always_inline int load_arp(struct __sk_buff *skb, struct arp_packet *arp)
{
	if (bpf_skb_load_bytes(skb, ETH_HLEN, arp, sizeof(*arp)) < 0)
		return DROP_MALFORMED;
	if (arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(ETH_P_IP) || arp->hardware_length != 6 ||
	    arp->protocol_length != 4 ||
	    (arp->operation != bpf_htons(ARP_REQUEST) && arp->operation != bpf_htons(ARP_REPLY)))
		return DROP_MALFORMED;
	return NEXT_STAGE;
}

/* Turns the request into its answer and sends it back. */
static __noinline int answer_arp(struct __sk_buff *skb, struct scratch *s, struct arp_packet *arp, const __u8 *mac)
{
	struct arp_packet answer = *arp;
	__u8 ethernet[12];

	answer.operation = bpf_htons(ARP_REPLY);
	copy_mac(answer.sender_mac, mac);
	__builtin_memcpy(answer.sender, arp->target, 4);
	copy_mac(answer.target_mac, arp->sender_mac);
	__builtin_memcpy(answer.target, arp->sender, 4);
	copy_mac(ethernet, s->eth_src);
	copy_mac(ethernet + 6, mac);
	if (bpf_skb_store_bytes(skb, 0, ethernet, sizeof(ethernet), 0) < 0 ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &answer, sizeof(answer), 0) < 0)
		return drop(s, DROP_INTERNAL);
	s->verdict = VERDICT_ANSWER;
	return bpf_redirect(skb->ifindex, 0);
}

struct flood {
	struct __sk_buff *skb;
	__u32 switch_slot;
	__u32 in_port;
};

static long flood_one(__u64 index, struct flood *flood)
{
	struct pair key = { .first = flood->switch_slot, .second = index };
	__u32 *slot = bpf_map_lookup_elem(&floods, &key);
	struct port *port;

	if (!slot || *slot == flood->in_port)
		return 0;
	port = bpf_map_lookup_elem(&ports, slot);
	/* A number that was given to a port of another switch in this moment must not leak. */
	if (!port || !(port->flags & PORT_ENABLED) || !port->ifindex || port->switch_slot != flood->switch_slot)
		return 0;
	bpf_clone_redirect(flood->skb, port->ifindex, 0);
	return 0;
}

static __noinline int flood(struct __sk_buff *skb, struct scratch *s)
{
	struct flood flood = { .skb = skb, .switch_slot = s->in_switch, .in_port = s->in_port };
	__u32 *count = bpf_map_lookup_elem(&flood_counts, &flood.switch_slot);

	s->verdict = VERDICT_FLOOD;
	if (count)
		bpf_loop(*count, flood_one, &flood, 0);
	return TCX_DROP;
}

/* From a guest port: all of ARP ends here. */
__noinline int arp_from_guest(struct __sk_buff *skb, struct scratch *s)
{
	struct address_key address = {};
	struct mac_key destination = {};
	struct neighbour *neighbour;
	struct arp_packet arp;
	struct port *port;
	__u32 *slot;
	__u32 sender, target;
	int reason;

	if (!s)
		return TCX_DROP;
	port = bpf_map_lookup_elem(&ports, &s->in_port);
	if (!port)
		return drop(s, DROP_INTERNAL);
	reason = load_arp(skb, &arp);
	if (reason)
		return drop(s, reason);
	sender = address_of(arp.sender);
	target = address_of(arp.target);

	if (port->flags & PORT_SECURE) {
		if (!may_use_mac(port, s->in_port, s->eth_src))
			return drop(s, DROP_SPOOFED_MAC);
		if (!same_mac(arp.sender_mac, s->eth_src))
			return drop(s, DROP_SPOOFED_ARP);
		if (sender && !may_use(port, s->in_port, arp.sender_mac, sender))
			return drop(s, DROP_SPOOFED_ARP);
	}

	if (arp.operation == bpf_htons(ARP_REQUEST)) {
		if (sender == target)
			return flood(skb, s);
		address.slot = s->in_switch;
		address.address = target;
		neighbour = bpf_map_lookup_elem(&neighbours, &address);
		if (neighbour && (neighbour->port != s->in_port || neighbour->flags & NEIGHBOUR_FLOATING))
			return answer_arp(skb, s, &arp, neighbour->mac);
		if (target == bpf_htonl(SERVICE_ADDRESS))
			return answer_arp(skb, s, &arp, service_mac);
		return flood(skb, s);
	}

	if ((s->eth_dst[0] & s->eth_dst[1] & s->eth_dst[2] & s->eth_dst[3] & s->eth_dst[4] & s->eth_dst[5]) == 0xff)
		return flood(skb, s);
	destination.slot = s->in_switch;
	copy_mac(destination.mac, s->eth_dst);
	slot = bpf_map_lookup_elem(&fdb, &destination);
	port = slot ? bpf_map_lookup_elem(&ports, slot) : NULL;
	if (!slot || !port)
		return drop(s, same_mac(s->eth_dst, service_mac) ? DROP_ARP_ABSORBED : DROP_UNKNOWN_DESTINATION);
	if (port->flags & PORT_ROUTER)
		return drop(s, DROP_ARP_ABSORBED);
	if (!(port->flags & PORT_GUEST))
		return drop(s, DROP_UNKNOWN_DESTINATION);
	if (*slot == s->in_port)
		return drop(s, DROP_HAIRPIN);
	if (!(port->flags & PORT_ENABLED)) {
		s->blame = *slot;
		return drop(s, DROP_PORT_DISABLED);
	}
	if (!port->ifindex) {
		s->blame = *slot;
		return drop(s, DROP_NO_DEVICE);
	}
	s->verdict = VERDICT_PORT;
	s->out_port = *slot;
	return port->flags & PORT_PEER ? bpf_redirect_peer(port->ifindex, 0) : bpf_redirect(port->ifindex, 0);
}

/* From a wire: we answer for addresses of routers and for floating IPs, the rest is the host's. */
__noinline int arp_from_wire(struct __sk_buff *skb, struct scratch *s)
{
	struct address_key address = {};
	struct neighbour *neighbour;
	struct arp_packet arp;
	struct port *port;

	if (!s)
		return TCX_DROP;
	s->verdict = VERDICT_FOREIGN;
	if (load_arp(skb, &arp) || arp.operation != bpf_htons(ARP_REQUEST))
		return TCX_NEXT;
	address.slot = s->in_switch;
	address.address = address_of(arp.target);
	neighbour = bpf_map_lookup_elem(&neighbours, &address);
	if (!neighbour)
		return TCX_NEXT;
	if (!(neighbour->flags & NEIGHBOUR_FLOATING)) {
		port = bpf_map_lookup_elem(&ports, &neighbour->port);
		if (!port || !(port->flags & PORT_ROUTER))
			return TCX_NEXT;
	}
	return answer_arp(skb, s, &arp, neighbour->mac);
}
