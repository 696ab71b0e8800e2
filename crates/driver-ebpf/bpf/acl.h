/* Groups: a packet is allowed when any rule of any group of the port matches. */
#pragma once
#include "base.h"

struct question {
	__u32 port;
	__u32 direction;
	/* The other side. */
	__u32 remote;
	__u32 protocol;
	/* Host byte order. */
	__u32 destination_port;
	__u32 has_ports;
	__u32 icmp;
	__u32 group;
	__u32 allowed;
};

static long ask_rule(__u64 index, struct question *q)
{
	struct rule_key key = { .group = q->group, .direction = q->direction, .index = index };
	struct rule *rule = bpf_map_lookup_elem(&rules, &key);

	if (!rule)
		return 0;
	if (rule->flags & RULE_PROTOCOL && rule->protocol != q->protocol)
		return 0;
	if (rule->flags & RULE_PORTS && (!q->has_ports || q->destination_port < rule->first_port ||
					 q->destination_port > rule->last_port))
		return 0;
	if (rule->flags & (RULE_ICMP_TYPE | RULE_ICMP_CODE) && q->protocol != IPPROTO_ICMP)
		return 0;
	if (rule->flags & RULE_ICMP_TYPE && rule->icmp_type != q->icmp >> 8)
		return 0;
	if (rule->flags & RULE_ICMP_CODE && rule->icmp_code != (q->icmp & 0xff))
		return 0;
	if (rule->flags & RULE_PREFIX && (q->remote & rule->mask) != rule->prefix)
		return 0;
	if (rule->flags & RULE_SET) {
		struct range_key member = { .bits = 64, .slot = rule->set, .address = q->remote };
		if (!bpf_map_lookup_elem(&members, &member))
			return 0;
	}
	q->allowed = 1;
	return 1;
}

static long ask_group(__u64 index, struct question *q)
{
	struct pair key = { .first = q->port, .second = index };
	__u32 *group = bpf_map_lookup_elem(&port_groups, &key);
	__u32 *count;

	if (!group)
		return 0;
	q->group = *group;
	key.first = *group;
	key.second = q->direction;
	count = bpf_map_lookup_elem(&rule_counts, &key);
	if (count)
		bpf_loop(*count, ask_rule, q, 0);
	return q->allowed;
}

/* Whether the groups of the port at `point` allow packets with this tuple; a wire has no groups. */
__noinline int allowed(__u32 point, __u32 direction, const struct flow_key *key, __u32 icmp)
{
	struct question q = { .port = point, .direction = direction };
	struct port *port;

	if (!key)
		return 0;
	if (point & POINT_WIRE)
		return 1;
	port = bpf_map_lookup_elem(&ports, &point);
	if (!port)
		return 0;
	if (!(port->flags & PORT_SECURE))
		return 1;
	q.remote = direction == INGRESS ? key->saddr : key->daddr;
	q.protocol = key->protocol;
	q.destination_port = bpf_ntohs(key->dport);
	q.has_ports = q.protocol == IPPROTO_TCP || q.protocol == IPPROTO_UDP || q.protocol == IPPROTO_SCTP;
	q.icmp = icmp;
	if (direction == INGRESS && q.protocol == IPPROTO_ICMP && bpf_ntohl(q.remote) >> 16 == 0xa9fe)
		return 1;
	bpf_loop(port->groups, ask_group, &q, 0);
	return q.allowed;
}
