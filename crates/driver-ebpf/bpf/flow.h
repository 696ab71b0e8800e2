/* Connections: two entries each, one per direction, keyed by the tuple at the point where packets of
 * that direction come in. Each has the other's key; mirrored, that is its own tuple after translation.
 * Expiry is decided here, when an entry is looked up; the collector only frees memory. */
#pragma once
#include "acl.h"

#define ORIGINAL 1
#define REPLY 2

static __always_inline __u64 lifetime(const struct config *c, __u32 protocol, __u32 flags)
{
	switch (protocol) {
	case IPPROTO_TCP:
		if (flags & FLOW_CLOSING)
			return c->tcp_closing;
		return flags & FLOW_ESTABLISHED ? c->tcp_established : c->tcp_opening;
	case IPPROTO_UDP:
		return flags & (FLOW_REPLIED | FLOW_ESTABLISHED) ? c->udp_established : c->udp_opening;
	case IPPROTO_ICMP:
		return c->icmp;
	default:
		return c->other;
	}
}

/* The signed difference: another processor's packet may be a little newer than this one's `now`. */
static __always_inline int idle_for(__u64 now, __u64 last_seen, __u64 limit)
{
	return (__s64)(now - last_seen) >= (__s64)limit;
}

static __noinline int expired(const struct flow *flow, __u32 protocol, __u64 now)
{
	struct config *c = configuration();
	struct flow *partner;
	__u64 limit;

	if (!flow || !c)
		return 1;
	limit = lifetime(c, protocol, flow->flags);
	if (!idle_for(now, flow->last_seen, limit))
		return 0;
	partner = bpf_map_lookup_elem(&flows, &flow->partner);
	return !partner || idle_for(now, partner->last_seen, limit);
}

static __always_inline void release(__u32 charged)
{
	__u32 *count = charged ? bpf_map_lookup_elem(&connections, &charged) : NULL;
	if (count)
		__sync_fetch_and_add(count, (__u32)-1);
}

/* Deletes both entries. Who deletes the original one, and nobody else, gives back its place. */
__noinline int forget(const struct flow_key *key)
{
	struct flow_key one, other;
	struct flow *flow;
	__u32 charged, flags;
	long gone;

	if (!key)
		return 0;
	one = *key;
	flow = bpf_map_lookup_elem(&flows, &one);
	if (!flow)
		return 0;
	other = flow->partner;
	charged = flow->charged;
	flags = flow->flags;
	gone = bpf_map_delete_elem(&flows, &one);
	if (flags & (FLOW_ORIGINAL | FLOW_SERVICES)) {
		if (!gone)
			release(charged);
		if (!(flags & FLOW_SERVICES) && !same_key(&one, &other))
			bpf_map_delete_elem(&flows, &other);
	} else if (!bpf_map_delete_elem(&flows, &other)) {
		release(charged);
	}
	return 0;
}

static __always_inline int point_is_open(__u32 point)
{
	struct logical_switch *sw;
	struct port *port;
	__u32 slot = point & ~POINT_WIRE;

	if (point & POINT_WIRE) {
		sw = bpf_map_lookup_elem(&switches, &slot);
		return sw && sw->flags & SWITCH_EXTERNAL;
	}
	port = bpf_map_lookup_elem(&ports, &point);
	return port && port->flags & PORT_ENABLED;
}

/* Whether the floating IPs and source NAT addresses that translated it are still there. */
static __always_inline int translations_stand(const struct scratch *s, const struct flow_key *original,
					      const struct flow_key *reply)
{
	if (s->dnat_router) {
		struct address_key key = { .slot = s->dnat_router, .address = original->daddr };
		struct floating_in *floating = bpf_map_lookup_elem(&floating_in, &key);
		if (!floating || floating->logical != reply->saddr)
			return 0;
	}
	if (s->snat_router && s->snat_shared) {
		struct pair key = { .first = s->snat_router, .second = s->snat_place };
		__u32 *address = bpf_map_lookup_elem(&source_nats, &key);
		if (!address || *address != reply->daddr)
			return 0;
	} else if (s->snat_router) {
		struct floating_out_key key = {
			.router = s->snat_router,
			.switch_slot = s->snat_place,
			.logical = original->saddr,
		};
		__u32 *address = bpf_map_lookup_elem(&floating_out, &key);
		if (!address || *address != reply->daddr)
			return 0;
	}
	return 1;
}

/* Whether a connection, copied into the scratch record, would still be made today. */
static __noinline int still_valid(struct scratch *s)
{
	const struct flow_key *original, *reply;
	struct flow_key seen_by_receiver;
	__u32 icmp;

	if (!s)
		return 0;
	icmp = s->draft.icmp;
	original = s->flow_flags & FLOW_ORIGINAL ? &s->key : &s->partner;
	reply = s->flow_flags & FLOW_ORIGINAL ? &s->partner : &s->key;
	if (!point_is_open(original->point) || !point_is_open(reply->point))
		return 0;
	if (!translations_stand(s, original, reply))
		return 0;
	seen_by_receiver = mirrored(reply, reply->point);
	return allowed(original->point, EGRESS, original, icmp) &&
	       allowed(reply->point, INGRESS, &seen_by_receiver, icmp);
}

/* Stage `connection`: sets the direction in the scratch record when the packet belongs to a valid
 * connection, and forgets an invalid one. */
__noinline int find_connection(struct scratch *s)
{
	struct flow *flow;
	int opens;

	if (!s)
		return 0;
	s->direction = 0;
	s->snat_router = 0;
	s->snat_shared = 0;
	s->dnat_router = 0;
	flow = s->tracked ? bpf_map_lookup_elem(&flows, &s->key) : NULL;
	if (!flow)
		return 0;
	opens = (s->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	if (expired(flow, s->key.protocol, s->now) ||
	    (opens && (flow->flags & (FLOW_ORIGINAL | FLOW_CLOSING)) == (FLOW_ORIGINAL | FLOW_CLOSING)))
		return forget(&s->key);
	s->partner = flow->partner;
	s->flow_flags = flow->flags;
	s->snat_router = flow->snat_router;
	s->snat_place = flow->snat_place;
	s->snat_shared = flow->snat_shared;
	s->dnat_router = flow->dnat_router;
	s->charged = flow->charged;
	s->draft.icmp = flow->icmp;
	if (!still_valid(s)) {
		s->snat_router = 0;
		s->snat_shared = 0;
		s->dnat_router = 0;
		return forget(&s->key);
	}
	s->direction = s->flow_flags & FLOW_ORIGINAL ? ORIGINAL : REPLY;
	return 0;
}

/* The state after a packet of this direction. */
static __always_inline __u32 advanced(__u32 flags, __u32 direction, __u32 tcp_flags)
{
	if (flags & FLOW_CLOSING)
		return flags;
	if (tcp_flags & (TCP_FIN | TCP_RST))
		return flags | FLOW_CLOSING;
	if (direction == REPLY)
		return flags | FLOW_REPLIED;
	if (flags & FLOW_REPLIED)
		return flags | FLOW_ESTABLISHED;
	return flags;
}

#define FLOW_STATE (FLOW_REPLIED | FLOW_ESTABLISHED | FLOW_CLOSING)

/* A packet of a valid connection goes out: remembers how, and moves the state. */
__noinline int note_packet(struct scratch *s)
{
	struct flow *flow, *partner;
	__u32 state;

	if (!s)
		return 0;
	flow = bpf_map_lookup_elem(&flows, &s->key);
	if (!flow)
		return 0;
	state = advanced(s->flow_flags, s->direction, s->tcp_flags) & FLOW_STATE;
	if ((flow->flags & state) != state) {
		__sync_fetch_and_or(&flow->flags, state);
		partner = bpf_map_lookup_elem(&flows, &flow->partner);
		if (partner)
			__sync_fetch_and_or(&partner->flags, state);
	}
	flow->last_seen = s->now;
	flow->ticks = bpf_jiffies64();
	/* While it is written the action has no generation: nobody uses half of it. */
	*(volatile __u32 *)&flow->action.generation = 0;
	barrier();
	__builtin_memcpy((void *)&flow->action + sizeof(__u32), (void *)&s->action + sizeof(__u32),
			 sizeof(struct action) - sizeof(__u32));
	barrier();
	*(volatile __u32 *)&flow->action.generation = s->action.generation;
	return 0;
}

#define EEXIST 17

/* Takes the reply key. Returns 0, or a drop reason; `connection-conflict` when it is taken. */
__noinline int take_reply_key(struct scratch *s)
{
	struct flow *other;
	long error;
	int i;

	if (!s)
		return DROP_INTERNAL;
	/* A packet that is its own answer: one entry is both. */
	if (same_key(&s->partner, &s->key))
		return 0;
	for (i = 0; i < 2; i++) {
		error = bpf_map_update_elem(&flows, &s->partner, &s->draft, BPF_NOEXIST);
		if (!error)
			return 0;
		if (error != -EEXIST)
			return DROP_CONNECTION_TABLE_FULL;
		other = bpf_map_lookup_elem(&flows, &s->partner);
		if (!other)
			continue;
		/* Two first packets at once, on two processors: the connection is made already. */
		if (same_key(&other->partner, &s->key) && !(other->flags & FLOW_ORIGINAL) &&
		    !expired(other, s->key.protocol, s->now))
			return 0;
		if (!expired(other, s->key.protocol, s->now))
			return DROP_CONNECTION_CONFLICT;
		forget(&s->partner);
	}
	return DROP_CONNECTION_CONFLICT;
}

struct port_choice {
	struct scratch *s;
	__u32 start;
	__u32 reason;
};

#define NAT_FIRST 1024u
#define NAT_COUNT (65536u - NAT_FIRST)
#define NAT_STEP 7919u

static long try_port(__u64 index, struct port_choice *choice)
{
	__u32 port = NAT_FIRST + (choice->start + (__u32)index * NAT_STEP) % NAT_COUNT;
	__u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s)
		return 1;
	s->partner.dport = bpf_htons(port);
	if (s->key.protocol == IPPROTO_ICMP)
		s->partner.sport = s->partner.dport;
	choice->reason = take_reply_key(s);
	return choice->reason != DROP_CONNECTION_CONFLICT;
}

/* A new packet goes out at `s->current.point`: makes its connection. */
__noinline int make_connection(struct scratch *s)
{
	struct config *c = configuration();
	__u32 *count, reason;
	long error;

	if (!s || !c)
		return DROP_INTERNAL;
	s->charged = s->in_port ? s->in_port : s->current.point & POINT_WIRE ? 0 : s->current.point;
	s->partner = mirrored(&s->current, s->current.point);
	s->draft.last_seen = s->now;
	s->draft.partner = s->key;
	s->draft.flags = s->tcp_flags & (TCP_FIN | TCP_RST) ? FLOW_CLOSING : 0;
	s->draft.snat_router = s->snat_router;
	s->draft.snat_place = s->snat_place;
	s->draft.snat_shared = s->snat_shared;
	s->draft.dnat_router = s->dnat_router;
	s->draft.charged = s->charged;
	s->draft.icmp = s->icmp;
	s->draft.ticks = bpf_jiffies64();
	s->draft.action = s->action;
	s->draft.action.generation = 0;

	if (s->snat_router && s->snat_shared) {
		__u32 port = bpf_ntohs(s->current.sport);
		struct port_choice choice = { .start = (port + NAT_COUNT - NAT_FIRST) % NAT_COUNT };
		choice.reason = DROP_CONNECTION_CONFLICT;
		bpf_loop(NAT_TRIES, try_port, &choice, 0);
		reason = choice.reason == DROP_CONNECTION_CONFLICT ? DROP_NAT_EXHAUSTED : choice.reason;
		s->current.sport = s->partner.dport;
		s->current.dport = s->partner.sport;
	} else {
		reason = take_reply_key(s);
	}
	if (reason)
		return reason;
	count = s->charged ? bpf_map_lookup_elem(&connections, &s->charged) : NULL;
	if (count && *(volatile __u32 *)count >= c->max_connections) {
		bpf_map_delete_elem(&flows, &s->partner);
		return DROP_CONNECTION_LIMIT;
	}

	s->draft.partner = s->partner;
	s->draft.flags |= FLOW_ORIGINAL;
	s->draft.action.generation = s->action.generation;
	error = bpf_map_update_elem(&flows, &s->key, &s->draft, BPF_NOEXIST);
	if (error == -EEXIST)
		return 0;
	if (error) {
		bpf_map_delete_elem(&flows, &s->partner);
		return DROP_CONNECTION_TABLE_FULL;
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
