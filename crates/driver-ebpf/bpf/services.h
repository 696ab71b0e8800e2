/* Stage `services`: DHCP, metadata and pings of 169.254.169.254 go to the host services, which see each
 * port at an address of its own in 100.64.0.0/10, so that tenants with equal addresses differ. */
#pragma once
#include "flow.h"
#include "output.h"

#define SERVICE_PORTS 0x64400000u /* 100.64.0.0 */
#define SERVICE_PORTS_MASK 0xffc00000u

#define BOOTP_SERVER 67
#define BOOTP_CLIENT 68

static __always_inline __u32 service_address(__u32 slot)
{
	return bpf_htonl(SERVICE_PORTS + slot);
}

static __always_inline int is_for_services(const struct scratch *s, const struct port *port)
{
	__u32 address = bpf_htonl(SERVICE_ADDRESS);
	if (s->key.protocol == IPPROTO_UDP && s->key.dport == bpf_htons(BOOTP_SERVER) &&
	    (s->key.daddr == address || s->key.daddr == 0xffffffff))
		return port->flags & PORT_DHCP ? 1 : -DROP_DHCP_DISABLED;
	if (s->key.daddr != address)
		return 0;
	if (s->key.protocol == IPPROTO_TCP && s->key.dport == bpf_htons(80))
		return 1;
	if (s->key.protocol == IPPROTO_ICMP && s->icmp >> 8 == ICMP_ECHO_REQUEST)
		return 1;
	return -DROP_NO_SUCH_SERVICE;
}

/* The way back leads to the port's own addresses. A server that asks from another one of its
 * addresses is remembered. */
static __noinline int remember_asker(struct scratch *s, const struct port *port)
{
	struct config *c = configuration();
	struct flow *flow;
	__u32 *count;

	if (!s || !port || !c)
		return DROP_INTERNAL;
	if (s->key.saddr == port->address && same_mac(s->eth_src, port->mac))
		return 0;
	s->partner = mirrored(&s->current, POINT_SERVICES);
	flow = bpf_map_lookup_elem(&flows, &s->partner);
	if (flow) {
		flow->last_seen = s->now;
		flow->partner = s->key;
		copy_mac(flow->action.eth_dst, s->eth_src);
		return 0;
	}
	count = bpf_map_lookup_elem(&connections, &s->in_port);
	if (count && *(volatile __u32 *)count >= c->max_connections)
		return DROP_CONNECTION_LIMIT;
	__builtin_memset(&s->draft, 0, sizeof(s->draft));
	s->draft.last_seen = s->now;
	s->draft.partner = s->key;
	s->draft.flags = FLOW_SERVICES;
	s->draft.charged = s->in_port;
	copy_mac(s->draft.action.eth_dst, s->eth_src);
	if (bpf_map_update_elem(&flows, &s->partner, &s->draft, BPF_NOEXIST))
		return DROP_CONNECTION_TABLE_FULL;
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

__noinline int to_services(struct __sk_buff *skb, struct scratch *s)
{
	struct config *c = configuration();
	struct port *port;
	int reason;

	if (!s || !c)
		return TCX_DROP;
	port = bpf_map_lookup_elem(&ports, &s->in_port);
	if (!port)
		return drop(s, DROP_INTERNAL);
	s->current = s->key;
	s->current.saddr = service_address(s->in_port);
	s->current.daddr = bpf_htonl(SERVICE_ADDRESS);
	if (s->key.protocol != IPPROTO_UDP) {
		reason = remember_asker(s, port);
		if (reason)
			return drop(s, reason);
	}
	s->verdict = VERDICT_SERVICES;
	if (!c->service_ifindex)
		return TCX_DROP;
	__builtin_memset(&s->action, 0, sizeof(s->action));
	s->action.flags = ACTION_ETHERNET | ACTION_TRANSLATE;
	copy_mac(s->action.eth_dst, c->service_mac);
	copy_mac(s->action.eth_src, service_mac);
	reason = rewrite(skb, ETH_HLEN + s->header_length, &s->key, &s->current, &s->action);
	if (reason)
		return drop(s, reason);
	count_traffic(s->in_port, 0, s->length);
	return bpf_redirect(c->service_ifindex, 0);
}

struct bootp {
	__u8 operation, hardware, length, hops;
	__u32 transaction;
	__u16 seconds, flags;
	__u32 client, yours;
};

/* To whom a DHCP answer goes (RFC 2131, 4.1). */
static __always_inline int dhcp_receiver(struct __sk_buff *skb, struct scratch *s)
{
	struct bootp bootp;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + s->header_length + 8, &bootp, sizeof(bootp)) < 0)
		return DROP_MALFORMED;
	if (bootp.client) {
		s->current.daddr = bootp.client;
	} else if (bootp.flags & bpf_htons(0x8000) || !bootp.yours) {
		s->current.daddr = 0xffffffff;
		__builtin_memset(s->action.eth_dst, 0xff, ETH_ALEN);
	} else {
		s->current.daddr = bootp.yours;
	}
	return 0;
}

/* From the services to the server that asked. */
__noinline int answer_from_services(struct __sk_buff *skb, struct scratch *s)
{
	struct flow *flow;
	struct port *port;
	__u32 slot;
	int reason;

	if (!s)
		return TCX_DROP;
	if (parse_ethernet(skb, s) || s->ethertype != ETH_P_IP || parse_ipv4(skb, s))
		return TCX_DROP;
	if (s->key.saddr != bpf_htonl(SERVICE_ADDRESS) ||
	    (bpf_ntohl(s->key.daddr) & SERVICE_PORTS_MASK) != SERVICE_PORTS)
		return TCX_DROP;
	slot = bpf_ntohl(s->key.daddr) - SERVICE_PORTS;
	port = bpf_map_lookup_elem(&ports, &slot);
	if (!port || !(port->flags & PORT_GUEST) || !(port->flags & PORT_ENABLED) || !port->ifindex)
		return TCX_DROP;

	s->blame = slot;
	s->current = s->key;
	s->current.daddr = port->address;
	__builtin_memset(&s->action, 0, sizeof(s->action));
	s->action.flags = ACTION_ETHERNET | ACTION_TRANSLATE;
	copy_mac(s->action.eth_dst, port->mac);
	copy_mac(s->action.eth_src, service_mac);
	s->action.output = port->flags & PORT_PEER ? OUTPUT_PEER : OUTPUT_DEVICE;
	s->action.ifindex = port->ifindex;
	s->out_port = slot;
	if (s->key.protocol == IPPROTO_UDP && s->key.sport == bpf_htons(BOOTP_SERVER)) {
		reason = dhcp_receiver(skb, s);
		if (reason)
			return drop(s, reason);
	} else {
		s->key.point = POINT_SERVICES;
		flow = bpf_map_lookup_elem(&flows, &s->key);
		if (flow) {
			flow->last_seen = s->now;
			s->current.daddr = flow->partner.saddr;
			copy_mac(s->action.eth_dst, flow->action.eth_dst);
		}
	}
	if (!s->current.daddr)
		return TCX_DROP;
	bpf_skb_pull_data(skb, ETH_HLEN + sizeof(struct iphdr));
	reason = rewrite(skb, ETH_HLEN + s->header_length, &s->key, &s->current, &s->action);
	if (reason)
		return drop(s, reason);
	s->verdict = VERDICT_PORT;
	count_traffic(0, slot, s->length);
	return leave(&s->action);
}
