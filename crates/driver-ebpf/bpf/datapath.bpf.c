/* The datapath. Stages, drop reasons and the meaning of every table are specified in the crate
 * `logical`, module `pipeline`; nothing here decides otherwise.
 *
 * A packet of a known connection is changed and sent by `fast`: one lookup, and a comparison of the
 * generations under which the remembered action was worked out. Everything else takes the long way,
 * which executes the stages and remembers. The stages are global functions: the verifier checks each
 * by itself, so that the whole stays checkable. */
#include "switch.h"
#include "arp.h"
#include "services.h"
#include "collect.h"

/* A connection's time is looked at no more often than this many ticks (4 to 80 ms), which spares the
 * clock and the cache line. Nothing runs out that fast. */
#define SEEN_TICKS 4

#define NOT_FAST 0x200

/* Sends a packet of a connection whose remembered action still holds; else NOT_FAST, with nothing
 * changed. A packet that this does not understand at once is for the long way to judge. */
static __always_inline int fast(struct __sk_buff *skb, struct scratch *s, __u32 generation_now, __u32 point,
				__u32 in_port)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = data + ETH_HLEN;
	__u16 *transport = data + ETH_HLEN + sizeof(*ip);
	struct flow_key key = { .point = point }, to;
	struct action *action;
	__u32 length, flags, generation, ticks, transport_header = 8;
	struct config *c;
	struct flow *flow;
	__u64 now;

	if ((void *)transport + 8 > end)
		return NOT_FAST;
	length = bpf_ntohs(ip->tot_len);
	if (ethernet->h_proto != bpf_htons(ETH_P_IP) || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) ||
	    skb->vlan_present || length + ETH_HLEN > skb->len)
		return NOT_FAST;
	key.saddr = ip->saddr;
	key.daddr = ip->daddr;
	key.protocol = ip->protocol;
	switch (ip->protocol) {
	case IPPROTO_TCP:
		if ((void *)transport + 20 > end || length < 40)
			return NOT_FAST;
		/* What opens or closes a connection moves its state. */
		if (((__u8 *)transport)[13] & (TCP_SYN | TCP_FIN | TCP_RST))
			return NOT_FAST;
		transport_header = (((__u8 *)transport)[12] >> 4) * 4;
		key.sport = transport[0];
		key.dport = transport[1];
		break;
	case IPPROTO_UDP:
		if (length < 28)
			return NOT_FAST;
		key.sport = transport[0];
		key.dport = transport[1];
		break;
	case IPPROTO_ICMP:
		if (length < 28 || *(__u8 *)transport & ~ICMP_ECHO_REQUEST)
			return NOT_FAST;
		key.sport = key.dport = transport[2];
		break;
	default:
		return NOT_FAST;
	}

	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return NOT_FAST;
	action = &flow->action;
	generation = *(volatile __u32 *)&action->generation;
	if (!generation || generation != generation_now ||
	    action->policy_in != policy_generation(point) ||
	    action->policy_out != policy_generation(action->out_point) ||
	    !same_mac(action->match_dst, ethernet->h_dest) || !same_mac(action->match_src, ethernet->h_source))
		return NOT_FAST;
	flags = flow->flags;
	/* The next packet of this direction would move the state. */
	if (!(flags & FLOW_CLOSING) && (flags & FLOW_ORIGINAL ?
		(flags & (FLOW_REPLIED | FLOW_ESTABLISHED)) == FLOW_REPLIED : !(flags & FLOW_REPLIED)))
		return NOT_FAST;
	if (action->routers >= ip->ttl)
		return NOT_FAST;
	/* A large segment is judged by the packets that it will become. */
	if (length > action->mtu &&
	    (!skb->gso_size || sizeof(*ip) + transport_header + skb->gso_size > action->mtu))
		return NOT_FAST;
	ticks = bpf_jiffies64();
	if (ticks - flow->ticks >= SEEN_TICKS) {
		c = configuration();
		if (!c)
			return NOT_FAST;
		now = clock_now();
		if (idle_for(now, flow->last_seen, lifetime(c, key.protocol, flags)) &&
		    expired(flow, key.protocol, now))
			return NOT_FAST;
		flow->last_seen = now;
		flow->ticks = ticks;
	}

	to = mirrored(&flow->partner, point);
	s->action = *action;
	/* Whoever writes an action takes its generation away meanwhile. */
	barrier();
	if (*(volatile __u32 *)&action->generation != generation)
		return NOT_FAST;

	s->verdict = s->action.out_point & POINT_WIRE ? VERDICT_WIRE : VERDICT_PORT;
	s->out_port = s->action.out_point & ~POINT_WIRE;
	s->next_hop = s->action.next_hop;
	s->fast = 1;
	count_traffic(in_port, s->action.out_point, skb->len);
	if (s->action.flags || s->action.routers) {
		if (rewrite(skb, ETH_HLEN + sizeof(struct iphdr), &key, &to, &s->action))
			return drop(s, DROP_INTERNAL);
	}
	return leave(&s->action);
}

/* Stages `connection` to `output`. */
__noinline int forward(struct __sk_buff *skb, struct scratch *s)
{
	int step, attempt, reason;

	if (!s)
		return TCX_DROP;
	find_connection(s);
	for (attempt = 0; attempt < 2; attempt++) {
		struct flow_key leaving;

		step = find_way(s);
		if (!s->direction || (step != TO_PORT && step != TO_WIRE))
			break;
		leaving = mirrored(&s->current, s->current.point);
		if (same_key(&leaving, &s->partner))
			break;
		/* It would leave otherwise than its connection says: begins again as new. */
		forget(&s->key);
		s->direction = 0;
		s->snat_router = 0;
		s->snat_shared = 0;
		s->dnat_router = 0;
	}
	if (step == ECHO_ANSWER)
		return answer_echo(skb, s);
	if (step != TO_PORT && step != TO_WIRE)
		return drop(s, step);

	if (s->key.saddr != s->current.saddr || s->key.daddr != s->current.daddr ||
	    s->key.sport != s->current.sport || s->key.dport != s->current.dport ||
	    (s->snat_router && s->snat_shared))
		s->action.flags |= ACTION_TRANSLATE;
	if (s->direction) {
		note_packet(s);
	} else if (s->tracked) {
		reason = make_connection(s);
		if (reason)
			return drop(s, reason);
	}
	if (bpf_skb_pull_data(skb, ETH_HLEN + sizeof(struct iphdr)) < 0)
		return drop(s, DROP_INTERNAL);
	reason = rewrite(skb, ETH_HLEN + s->header_length, &s->key, &s->current, &s->action);
	if (reason)
		return drop(s, reason);
	s->verdict = step == TO_WIRE ? VERDICT_WIRE : VERDICT_PORT;
	count_traffic(s->in_port, s->current.point, s->length);
	return leave(&s->action);
}

static __always_inline void begin(struct scratch *s)
{
	s->verdict = VERDICT_NONE;
	s->reason = 0;
	s->fast = 0;
	s->out_port = 0;
	s->next_hop = 0;
}

/* From a guest port, the long way. */
__noinline int guest_stages(struct __sk_buff *skb, struct scratch *s)
{
	struct port *port;
	int reason;

	if (!s)
		return TCX_DROP;
	s->now = clock_now();
	s->key.point = s->point;
	s->blame = s->in_port;
	reason = parse_ethernet(skb, s);
	if (reason)
		return drop(s, reason);
	port = bpf_map_lookup_elem(&ports, &s->in_port);
	if (!port)
		return drop(s, DROP_INTERNAL);
	if (!(port->flags & PORT_ENABLED))
		return drop(s, DROP_PORT_DISABLED);
	s->in_switch = port->switch_slot;
	reason = parse_ethertype(s);
	if (reason)
		return drop(s, reason);
	if (s->ethertype == ETH_P_ARP)
		return arp_from_guest(skb, s);
	reason = parse_ipv4(skb, s);
	if (reason)
		return drop(s, reason);
	if (port->flags & PORT_SECURE) {
		reason = check_ipv4_source(s, port);
		if (reason)
			return drop(s, reason);
	}
	reason = is_for_services(s, port);
	if (reason < 0)
		return drop(s, -reason);
	if (reason)
		return to_services(skb, s);
	return forward(skb, s);
}

/* From the interface of a physical network, the long way. */
__noinline int wire_stages(struct __sk_buff *skb, struct scratch *s)
{
	struct mac_key destination = {};
	struct port *port;
	__u32 *slot;
	int reason;

	if (!s)
		return TCX_DROP;
	s->now = clock_now();
	s->key.point = s->point;
	s->blame = 0;
	reason = parse_ethernet(skb, s);
	if (reason == DROP_MALFORMED)
		goto foreign;
	if (!reason && s->ethertype == ETH_P_ARP)
		return arp_from_wire(skb, s);
	destination.slot = s->in_switch;
	copy_mac(destination.mac, s->eth_dst);
	slot = bpf_map_lookup_elem(&fdb, &destination);
	port = slot ? bpf_map_lookup_elem(&ports, slot) : NULL;
	if (!slot || !port || !(port->flags & PORT_ROUTER))
		goto foreign;
	s->blame = *slot;
	if (!reason)
		reason = parse_ethertype(s);
	if (!reason)
		reason = parse_ipv4(skb, s);
	if (reason)
		return drop(s, reason);
	return forward(skb, s);
foreign:
	s->verdict = VERDICT_FOREIGN;
	return TCX_NEXT;
}

SEC("tcx/ingress")
int from_guest(struct __sk_buff *skb)
{
	struct scratch *s = scratch_record();
	__u32 generation_now = forwarding_generation(), slot;
	struct device *device = find_device(skb->ifindex, generation_now, DEVICE_GUEST);
	int action;

	if (!s || !device)
		return TCX_DROP;
	slot = device->slot;
	begin(s);
	action = fast(skb, s, generation_now, slot, slot);
	if (action != NOT_FAST)
		return action;
	s->point = slot;
	s->in_port = slot;
	return guest_stages(skb, s);
}

SEC("tcx/ingress")
int from_wire(struct __sk_buff *skb)
{
	struct scratch *s = scratch_record();
	__u32 generation_now = forwarding_generation(), slot;
	struct device *device = find_device(skb->ifindex, generation_now, DEVICE_WIRE);
	int action;

	if (!s || !device)
		return TCX_NEXT;
	slot = device->slot;
	begin(s);
	action = fast(skb, s, generation_now, slot | POINT_WIRE, 0);
	if (action != NOT_FAST)
		return action;
	s->point = slot | POINT_WIRE;
	s->in_port = 0;
	s->in_switch = slot;
	return wire_stages(skb, s);
}

SEC("tcx/ingress")
int from_service(struct __sk_buff *skb)
{
	struct scratch *s = scratch_record();

	if (!s)
		return TCX_DROP;
	begin(s);
	s->now = clock_now();
	s->point = POINT_SERVICES;
	s->in_port = 0;
	s->blame = 0;
	return answer_from_services(skb, s);
}

char LICENSE[] SEC("license") = "GPL";
