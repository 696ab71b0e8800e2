/* Stage `admission`: is it a packet at all? Fills the scratch record with what the headers say. */
#pragma once
#include "base.h"

/* The Ethernet header, and a reason to drop what can be judged by it. The packet is made linear as
 * far as its headers reach. */
static __noinline int parse_ethernet(struct __sk_buff *skb, struct scratch *s)
{
	struct ethhdr header;

	if (!s)
		return DROP_INTERNAL;
	s->length = skb->len;
	if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)) < 0)
		return DROP_MALFORMED;
	copy_mac(s->eth_dst, header.h_dest);
	copy_mac(s->eth_src, header.h_source);
	s->ethertype = bpf_ntohs(header.h_proto);
	/* The kernel takes tags out of the frame before programs see it. */
	if (skb->vlan_present || s->ethertype == ETH_P_8021Q || s->ethertype == ETHERTYPE_QINQ)
		return DROP_VLAN_TAG;
	return NEXT_STAGE;
}

static __noinline int parse_ethertype(struct scratch *s)
{
	if (!s)
		return DROP_INTERNAL;
	if (s->ethertype == ETH_P_IPV6)
		return DROP_IPV6_UNSUPPORTED;
	if (s->ethertype != ETH_P_IP && s->ethertype != ETH_P_ARP)
		return DROP_ETHERTYPE;
	return NEXT_STAGE;
}

/* IPv4 and transport headers. */
__noinline int parse_ipv4(struct __sk_buff *skb, struct scratch *s)
{
	struct iphdr ip;
	__u32 offset, payload;
	__u8 transport[16] = {};

	if (!s)
		return DROP_INTERNAL;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) < 0)
		return DROP_MALFORMED;
	s->header_length = ip.ihl * 4;
	s->total_length = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || s->header_length < sizeof(ip) || s->total_length < s->header_length ||
	    s->total_length + ETH_HLEN > s->length)
		return DROP_MALFORMED;
	if (ip.frag_off & bpf_htons(0x3fff))
		return DROP_FRAGMENT;

	s->ttl = ip.ttl;
	s->ip_length = s->total_length;
	s->key.saddr = ip.saddr;
	s->key.daddr = ip.daddr;
	s->key.protocol = ip.protocol;
	s->key.sport = 0;
	s->key.dport = 0;
	s->tcp_flags = 0;
	s->icmp = 0;
	s->tracked = 1;
	s->ports = 0;

	offset = ETH_HLEN + s->header_length;
	payload = s->total_length - s->header_length;
	switch (ip.protocol) {
	case IPPROTO_TCP:
		if (payload < 20 || bpf_skb_load_bytes(skb, offset, transport, 14) < 0)
			return DROP_MALFORMED;
		s->tcp_flags = transport[13];
		s->ports = 1;
		break;
	case IPPROTO_UDP:
		if (payload < 8 || bpf_skb_load_bytes(skb, offset, transport, 8) < 0)
			return DROP_MALFORMED;
		s->ports = 1;
		break;
	case IPPROTO_SCTP:
		if (payload < 12 || bpf_skb_load_bytes(skb, offset, transport, 12) < 0)
			return DROP_MALFORMED;
		s->ports = 1;
		break;
	case IPPROTO_ICMP:
		if (payload < 8 || bpf_skb_load_bytes(skb, offset, transport, 8) < 0)
			return DROP_MALFORMED;
		s->icmp = (__u32)transport[0] << 8 | transport[1];
		if (transport[0] == ICMP_ECHO_REQUEST || transport[0] == ICMP_ECHO_REPLY) {
			s->key.sport = s->key.dport = *(__u16 *)&transport[4];
		} else {
			s->tracked = 0;
		}
		break;
	}
	if (s->ports) {
		s->key.sport = *(__u16 *)&transport[0];
		s->key.dport = *(__u16 *)&transport[2];
	}
	/* A large segment is judged by the packets that it will become. */
	if (skb->gso_size) {
		__u32 headers = s->header_length + (ip.protocol == IPPROTO_TCP ? (transport[12] >> 4) * 4 : 8);
		s->ip_length = headers + skb->gso_size;
	}
	return NEXT_STAGE;
}
