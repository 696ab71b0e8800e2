/* Frees what nothing looks at any more: connections whose time has run out or whose port is gone, and
 * drop counters of ports that are gone. Run by user space now and then; no packet waits for it. */
#pragma once
#include "flow.h"

struct bpf_map;

struct collection {
	__u64 now;
	__u32 removed;
};

static __always_inline int point_exists(__u32 point)
{
	__u32 slot = point & ~POINT_WIRE;
	if (point == POINT_SERVICES)
		return 1;
	return bpf_map_lookup_elem(point & POINT_WIRE ? (void *)&switches : (void *)&ports, &slot) != NULL;
}

static long collect_flow(struct bpf_map *map, struct flow_key *key, struct flow *flow, struct collection *c)
{
	struct flow_key copy = *key;

	if (!expired(flow, copy.protocol, c->now) && point_exists(copy.point) && point_exists(flow->partner.point))
		return 0;
	forget(&copy);
	c->removed++;
	return 0;
}

static long collect_drop(struct bpf_map *map, struct pair *key, struct count *count, void *context)
{
	struct pair copy = *key;

	if (!bpf_map_lookup_elem(&ports, &copy.first))
		bpf_map_delete_elem(&drops, &copy);
	return 0;
}

SEC("syscall")
int collect(struct collected *collected)
{
	struct config *configured = configuration();
	/* The fine clock: programs without a packet have no other. */
	struct collection c = { .now = bpf_ktime_get_ns() + (configured ? configured->clock_offset : 0) };

	bpf_for_each_map_elem(&flows, collect_flow, &c, 0);
	bpf_for_each_map_elem(&drops, collect_drop, NULL, 0);
	collected->removed = c.removed;
	return 0;
}
