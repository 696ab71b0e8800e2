/* Stage `output`: the packet is changed, once, and leaves. */
#pragma once
#include "base.h"

/* Sum of the ones' complement difference between old and new words. */
static __always_inline __u64 difference(__u32 old, __u32 new)
{
	return (__u64)(__u32)~old + new;
}

static __always_inline __u32 fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

static __always_inline __u16 fold16(__u64 sum)
{
	__u32 half = fold32(sum);
	half = (half & 0xffff) + (half >> 16);
	return (half & 0xffff) + (half >> 16);
}

/* Makes the packet, whose transport header is at `offset`, be as the action and the tuple `to` say.
 * Checksums are updated by difference (RFC 1624), so they stay as right or wrong as they were; the
 * helper knows about those that the sender left to its network card. Returns 0 or a drop reason. */
static __always_inline int rewrite(struct __sk_buff *skb, __u32 offset, const struct flow_key *from,
				   const struct flow_key *to, const struct action *action)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u64 addresses = 0, sum;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = data + ETH_HLEN;
	__u16 flags = action->flags;
	__u32 checksum = 0, mangled = 0;

	if (data + ETH_HLEN + sizeof(*ip) > end)
		return DROP_INTERNAL;
	if (flags & ACTION_ETHERNET) {
		copy_mac(ethernet->h_dest, action->eth_dst);
		copy_mac(ethernet->h_source, action->eth_src);
	}
	if (action->routers || flags & ACTION_TRANSLATE) {
		__u16 old = *(__u16 *)&ip->ttl;
		ip->ttl -= action->routers;
		sum = (__u64)(__u16)~ip->check + (__u16)~old + *(__u16 *)&ip->ttl;
		if (flags & ACTION_TRANSLATE) {
			addresses = difference(from->saddr, to->saddr) + difference(from->daddr, to->daddr);
			sum += fold32(addresses);
			ip->saddr = to->saddr;
			ip->daddr = to->daddr;
		}
		ip->check = ~fold16(sum);
	}
	if (!(flags & ACTION_TRANSLATE))
		return 0;

	switch (from->protocol) {
	case IPPROTO_TCP:
		checksum = offset + 16;
		break;
	case IPPROTO_UDP:
		checksum = offset + 6;
		mangled = BPF_F_MARK_MANGLED_0;
		break;
	case IPPROTO_ICMP:
		if (from->sport != to->sport) {
			__u16 identifier = to->sport;
			if (bpf_skb_store_bytes(skb, offset + 4, &identifier, 2, 0) < 0 ||
			    bpf_l4_csum_replace(skb, offset + 2, from->sport, to->sport, 2) < 0)
				return DROP_INTERNAL;
		}
		return 0;
	default:
		return 0;
	}
	if (from->sport != to->sport || from->dport != to->dport) {
		__u16 ports[2] = { to->sport, to->dport };
		if (bpf_skb_store_bytes(skb, offset, ports, sizeof(ports), 0) < 0)
			return DROP_INTERNAL;
		if (from->sport != to->sport &&
		    bpf_l4_csum_replace(skb, checksum, from->sport, to->sport, mangled | 2) < 0)
			return DROP_INTERNAL;
		if (from->dport != to->dport &&
		    bpf_l4_csum_replace(skb, checksum, from->dport, to->dport, mangled | 2) < 0)
			return DROP_INTERNAL;
	}
	if (bpf_l4_csum_replace(skb, checksum, 0, fold32(addresses), mangled | BPF_F_PSEUDO_HDR) < 0)
		return DROP_INTERNAL;
	return 0;
}

static __always_inline int leave(const struct action *action)
{
	struct bpf_redir_neigh next_hop = { .nh_family = 2 /* AF_INET */ };

	switch (action->output) {
	case OUTPUT_PEER:
		return bpf_redirect_peer(action->ifindex, 0);
	case OUTPUT_DEVICE:
		return bpf_redirect(action->ifindex, 0);
	case OUTPUT_NEIGHBOUR:
		next_hop.ipv4_nh = action->next_hop;
		return bpf_redirect_neigh(action->ifindex, &next_hop, sizeof(next_hop), 0);
	}
	return TCX_DROP;
}

/* A router answers an echo request: addresses swapped, TTL 64, back to the sender's MAC. */
static __noinline int answer_echo(struct __sk_buff *skb, struct scratch *s)
{
	struct action action = { .flags = ACTION_ETHERNET | ACTION_TRANSLATE };
	struct flow_key to;
	__u32 offset = ETH_HLEN + s->header_length;
	__u16 old = bpf_htons(s->icmp), new = bpf_htons(s->icmp & 0xff);
	__u16 old_ttl, new_ttl;
	void *data, *end;
	struct iphdr *ip;

	to = s->key;
	to.saddr = s->key.daddr;
	to.daddr = s->key.saddr;
	copy_mac(action.eth_dst, s->eth_src);
	copy_mac(action.eth_src, s->eth_dst);
	if (bpf_skb_pull_data(skb, ETH_HLEN + sizeof(struct iphdr)) < 0 ||
	    rewrite(skb, offset, &s->key, &to, &action))
		return drop(s, DROP_INTERNAL);
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = data + ETH_HLEN;
	if ((void *)(ip + 1) > end)
		return drop(s, DROP_INTERNAL);
	old_ttl = *(__u16 *)&ip->ttl;
	ip->ttl = 64;
	new_ttl = *(__u16 *)&ip->ttl;
	ip->check = ~fold16((__u64)(__u16)~ip->check + (__u16)~old_ttl + new_ttl);
	if (bpf_skb_store_bytes(skb, offset, &new, sizeof(new), 0) < 0 ||
	    bpf_l4_csum_replace(skb, offset + 2, old, new, 2) < 0)
		return drop(s, DROP_INTERNAL);
	s->verdict = VERDICT_ANSWER;
	return bpf_redirect(skb->ifindex, 0);
}
