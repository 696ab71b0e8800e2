/* What every stage uses: headers of packets, byte order, the scratch record, dropping. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"
#include "maps.h"

/* Of linux/bpf.h from 6.6 on; the headers of Debian 12 are older. */
#define TCX_NEXT (-1)
#define TCX_PASS 0
#define TCX_DROP 2

#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define ETHERTYPE_QINQ 0x88a8

/* Stages return a drop reason, or one of these. */
#define NEXT_STAGE 0
#define TO_PORT 0x100
#define TO_WIRE 0x101
#define ECHO_ANSWER 0x102
#define NEXT_ROUTER 0x103

static const __u8 service_mac[6] = SERVICE_MAC;

static __always_inline struct scratch *scratch_record(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&scratch, &zero);
}

static __always_inline struct config *configuration(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&config, &zero);
}

/* The kernel's coarse clock: its ticks are finer than any timeout, and reading it is nearly free. */
static __always_inline __u64 clock_now(void)
{
	struct config *c = configuration();
	return bpf_ktime_get_coarse_ns() + (c ? c->clock_offset : 0);
}

static __always_inline __u32 forwarding_generation(void)
{
	__u32 zero = 0;
	__u32 *value = bpf_map_lookup_elem(&generation, &zero);
	return value ? *(volatile __u32 *)value : 0;
}

/* What is behind the device, or NULL. A device that changes hands changes the generation. */
static __always_inline struct device *find_device(__u32 ifindex, __u32 generation_now, __u32 kind)
{
	__u32 place = ifindex % SEEN_DEVICES;
	struct seen_device *seen = bpf_map_lookup_elem(&seen_devices, &place);
	struct device *device;

	if (!seen)
		return NULL;
	if (seen->ifindex != ifindex || seen->generation != generation_now) {
		device = bpf_map_lookup_elem(&devices, &ifindex);
		if (!device)
			return NULL;
		seen->device = *device;
		seen->generation = generation_now;
		seen->ifindex = ifindex;
	}
	return seen->device.kind == kind ? &seen->device : NULL;
}

/* Points on a wire have no groups: they share the generation of slot 0, which never changes. */
static __always_inline __u32 policy_generation(__u32 point)
{
	__u32 slot = point & POINT_WIRE ? 0 : point;
	__u32 *value = bpf_map_lookup_elem(&policies, &slot);
	return value ? *(volatile __u32 *)value : 0;
}

static __always_inline void copy_mac(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, ETH_ALEN);
}

static __always_inline int same_mac(const __u8 *a, const __u8 *b)
{
	/* Addresses may stand at any even offset: three words of two bytes. */
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

static __always_inline struct flow_key mirrored(const struct flow_key *key, __u32 point)
{
	struct flow_key mirror = {
		.point = point,
		.saddr = key->daddr,
		.daddr = key->saddr,
		.sport = key->dport,
		.dport = key->sport,
		.protocol = key->protocol,
	};
	return mirror;
}

static __always_inline int same_key(const struct flow_key *a, const struct flow_key *b)
{
	return a->point == b->point && a->saddr == b->saddr && a->daddr == b->daddr && a->sport == b->sport &&
	       a->dport == b->dport && a->protocol == b->protocol;
}

static __always_inline void count_traffic(__u32 in, __u32 out, __u32 length)
{
	struct traffic *traffic_in = bpf_map_lookup_elem(&traffic, &in);
	struct traffic *traffic_out;
	if (traffic_in) {
		traffic_in->sent_packets++;
		traffic_in->sent_bytes += length;
	}
	/* Slot 0 stands for what is no port. */
	if (out & POINT_WIRE)
		out = 0;
	traffic_out = bpf_map_lookup_elem(&traffic, &out);
	if (traffic_out) {
		traffic_out->received_packets++;
		traffic_out->received_bytes += length;
	}
}

/* Counts the packet at the port to blame and lets it go. */
static __noinline int drop(struct scratch *s, __u32 reason)
{
	struct pair key;
	struct count *count;

	if (!s)
		return TCX_DROP;
	s->verdict = VERDICT_DROP;
	s->reason = reason;
	if (!s->blame)
		return TCX_DROP;
	key.first = s->blame;
	key.second = reason;
	count = bpf_map_lookup_elem(&drops, &key);
	if (!count) {
		struct count none = {};
		bpf_map_update_elem(&drops, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&drops, &key);
	}
	if (count) {
		count->packets++;
		count->bytes += s->length;
	}
	return TCX_DROP;
}
