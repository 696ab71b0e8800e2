/* Stage `port-security`: does the sender use its own addresses? */
#pragma once
#include "admission.h"

/* Whether the pair of addresses is one that the port may use. Most use their own, which the port's
 * record has; further pairs are in a table. */
static __always_inline int may_use(const struct port *port, __u32 slot, const __u8 *mac, __u32 address)
{
	struct source_key key = { .bits = 128, .port = slot, .address = address };
	if (port->flags & PORT_OWN_PAIR && same_mac(port->mac, mac) && port->address == address)
		return 1;
	copy_mac(key.mac, mac);
	return bpf_map_lookup_elem(&sources, &key) != NULL;
}

static __always_inline int may_use_mac(const struct port *port, __u32 slot, const __u8 *mac)
{
	struct mac_key key = { .slot = slot };
	if (port->flags & PORT_OWN_PAIR && same_mac(port->mac, mac))
		return 1;
	copy_mac(key.mac, mac);
	return bpf_map_lookup_elem(&source_macs, &key) != NULL;
}

static __noinline int check_ipv4_source(struct scratch *s, const struct port *port)
{
	int dhcp_request;

	if (!s || !port)
		return DROP_INTERNAL;
	if (!may_use_mac(port, s->in_port, s->eth_src))
		return DROP_SPOOFED_MAC;
	dhcp_request = s->key.protocol == IPPROTO_UDP && s->key.saddr == 0 && s->key.sport == bpf_htons(68) &&
		       s->key.dport == bpf_htons(67);
	if (!dhcp_request && !may_use(port, s->in_port, s->eth_src, s->key.saddr))
		return DROP_SPOOFED_IP;
	if (s->key.protocol == IPPROTO_UDP && s->key.sport == bpf_htons(67) && s->key.dport == bpf_htons(68))
		return DROP_DHCP_SERVER;
	return NEXT_STAGE;
}
