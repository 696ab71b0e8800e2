/* All maps. User space alone writes the tables, from `config` to `members`; connections, counters and
 * the scratch record are the programs'. Part of the layout that pins promise: a change here, but in
 * comments, makes another layout. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

#define TABLE(name_, type_, key_, value_, max_, flags_)                                                                \
	struct {                                                                                                       \
		__uint(type, type_);                                                                                   \
		__uint(max_entries, max_);                                                                             \
		__uint(map_flags, flags_);                                                                             \
		__type(key, key_);                                                                                     \
		__type(value, value_);                                                                                 \
	} name_ SEC(".maps")

#define HASH(name_, key_, value_, max_) TABLE(name_, BPF_MAP_TYPE_HASH, key_, value_, max_, BPF_F_NO_PREALLOC)
#define LPM(name_, key_, value_, max_) TABLE(name_, BPF_MAP_TYPE_LPM_TRIE, key_, value_, max_, BPF_F_NO_PREALLOC)
#define ARRAY(name_, value_, max_) TABLE(name_, BPF_MAP_TYPE_ARRAY, __u32, value_, max_, 0)

/* Sizes of the arrays by port slot and of the table of connections are set before loading. */
ARRAY(config, struct config, 1);
/* The generation of the forwarding tables, alone, so that bumping it is one atomic store. */
ARRAY(generation, __u32, 1);
/* The generation of each port's groups. */
ARRAY(policies, __u32, 16384);

HASH(devices, __u32, struct device, 65536);
/* Spares the lookup above: devices that this processor has seen, by the low bits of their index. */
#define SEEN_DEVICES 4096
TABLE(seen_devices, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct seen_device, SEEN_DEVICES, 0);
HASH(ports, __u32, struct port, 65536);
HASH(port_groups, struct pair, __u32, 1 << 20);
HASH(source_macs, struct mac_key, __u32, 1 << 20);
LPM(sources, struct source_key, __u32, 1 << 20);
HASH(switches, __u32, struct logical_switch, 65536);
HASH(fdb, struct mac_key, __u32, 1 << 20);
HASH(neighbours, struct address_key, struct neighbour, 1 << 20);
/* Guest ports of a switch, by number; the counts are one above the highest number in use. */
HASH(floods, struct pair, __u32, 1 << 20);
HASH(flood_counts, __u32, __u32, 65536);
HASH(routers, __u32, __u32, 65536);
HASH(router_addresses, struct address_key, __u32, 1 << 20);
LPM(routes, struct range_key, struct route, 1 << 20);
HASH(floating_in, struct address_key, struct floating_in, 1 << 20);
HASH(floating_out, struct floating_out_key, __u32, 1 << 20);
HASH(source_nats, struct pair, __u32, 65536);
HASH(rules, struct rule_key, struct rule, 1 << 22);
HASH(rule_counts, struct pair, __u32, 1 << 20);
LPM(members, struct range_key, __u32, 1 << 22);

/* Not preallocated: memory follows the connections there are. Not LRU: nobody's connections make
 * room for somebody else's. */
HASH(flows, struct flow_key, struct flow, 1 << 20);
ARRAY(connections, __u32, 16384);
TABLE(traffic, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct traffic, 16384, 0);
TABLE(drops, BPF_MAP_TYPE_PERCPU_HASH, struct pair, struct count, 1 << 17, BPF_F_NO_PREALLOC);
TABLE(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct scratch, 1, 0);

/* Which number stands for which row: a driver that starts again goes on with the same. */
HASH(numbers, struct number_key, __u32, 1 << 23);
