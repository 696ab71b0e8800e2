use std::path::Path;

use super::*;

fn error(text: &str) -> String {
    parse(Path::new("baryon.toml"), text).unwrap_err().to_string()
}

#[test]
fn the_example_is_the_default() {
    assert_eq!(parse(Path::new("example"), EXAMPLE).unwrap(), Config::default());
    assert_eq!(parse(Path::new("empty"), "").unwrap(), Config::default());
}

#[test]
fn the_example_with_every_line_switched_on_is_valid() {
    let all: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if key.contains(" = \"") && !key.contains(':') || line.starts_with("# public_url") => key,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = parse(Path::new("example"), &all).unwrap();
    assert_eq!(config.physical_networks.len(), 2);
    assert_eq!(config.api.base_url(), "https://cloud.example.org");
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_what_is_accepted() {
    assert_eq!(
        error("[api]\nlisten = \"127.0.0.1:1\"\nlisen = \"127.0.0.1:2\"\n"),
        "baryon.toml:3: api.lisen: unknown field `lisen`, expected one of `listen`, `metrics_listen`, `public_url`, \
         `tls_certificate`, `tls_key`, `ca_certificate`, `trusted_proxies`, `proxy_headers`, `preview`, `user`, \
         `failed_logins`, `failed_login_seconds`, `connections`, `connections_of_one_source`; `baryon check-config --example` shows every key"
    );
}

#[test]
fn a_value_of_the_wrong_form_is_named_with_what_is_accepted() {
    let text = error("[agent]\nuplink = \"a name far too long for it\"\n");
    assert!(
        text.starts_with("baryon.toml:2: agent.uplink: 'a name far too long for it' is not a name of a network"),
        "{text}"
    );
    let text = error("[agent]\ndriver = \"ovs\"\n");
    assert!(
        text.starts_with("baryon.toml:2: agent.driver: unknown variant `ovs`, expected `ebpf` or `null`"),
        "{text}"
    );
    let text = error("[api]\nlisten = \"9696\"\n");
    assert!(
        text.starts_with("baryon.toml:2: api.listen: '9696' is not an address to listen at: give ADDRESS:PORT"),
        "{text}"
    );
    let text = error("[api]\ntrusted_proxies = [\"10.0.0.2\", \"proxy.example\"]\n");
    assert!(
        text.starts_with("baryon.toml:2: api.trusted_proxies: 'proxy.example' is no address and no range"),
        "{text}"
    );
    let text = error("[identity]\nexternal = \"keystone.example\"\n");
    assert!(
        text.starts_with("baryon.toml:2: identity.external: 'keystone.example' is not a URL of a service"),
        "{text}"
    );
    let text = error("[agent.timeouts]\nicmp = 0\n");
    assert!(text.starts_with("baryon.toml: agent.timeouts.icmp = 0: no connection"), "{text}");
    let text = error("data_dir = 5\n");
    assert!(text.starts_with("baryon.toml:1: data_dir: invalid type: integer `5`, expected path string"), "{text}");
}

#[test]
fn broken_syntax_is_one_line_with_its_place() {
    let text = error("[api]\nlisten = \"127.0.0.1:9696\nmetrics_listen = 5\n");
    assert!(text.starts_with("baryon.toml:2: api.listen: "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    for (text, beginning) in [
        ("[[region]]\nname = \"a\"\n[[region]]\nname = \"a\"\n", "baryon.toml: two regions have the name a"),
        (
            "[agent]\nuplink = \"eth1\"\n[[region]]\nname = \"a\"\n[[region]]\nname = \"b\"\n",
            "baryon.toml: interface eth1 would carry networks of the regions a and b: one interface serves one region",
        ),
        (
            "[[region]]\nname = \"a\"\nprefix = \"10.1.0.0/16\"\n[[region]]\nname = \"b\"\nprefix = \"10.1.2.0/24\"\n",
            "baryon.toml: the prefixes 10.1.0.0/16 of region a and 10.1.2.0/24 of region b overlap",
        ),
        (
            "[[region]]\nname = \"a\"\nuplink = \"eth1\"\n[region.physical_networks]\npublic = \"eth2\"\n",
            "baryon.toml: region a: its external network is eth2 in physical_networks and eth1 as uplink: keep one",
        ),
        ("[api]\nlisten = \"127.0.0.1:9697\"\n", "baryon.toml: api.listen and api.metrics_listen are both"),
        (
            "[api]\ntls_key = \"k\"\n",
            "baryon.toml: api.tls_key is k without an api.tls_certificate: give both, or none",
        ),
        (
            "[api]\npublic_url = \"https://cloud.example/network/x\"\n",
            "baryon.toml: api.public_url is https://cloud.example/network/x, whose path begins with the name of a service",
        ),
        (
            "[api]\nconnections = 100\n",
            "baryon.toml: api.connections_of_one_source is 256, more than api.connections, which is 100: give at most that",
        ),
        ("[log]\nfilter = \"a=b=c\"\n", "baryon.toml: log.filter = \"a=b=c\": "),
        (
            "[agent]\nuplink = \"eth1\"\n[physical_networks]\npublic = \"eth2\"\n",
            "baryon.toml: the physical network public is eth2 in [physical_networks] and eth1 as uplink",
        ),
    ] {
        let error = error(text);
        assert!(error.starts_with(beginning), "{error}");
    }
}

#[test]
fn a_regions_profile_is_a_name_or_a_list() {
    let text =
        "[[region]]\nname = \"cbk\"\nprofile = \"cbk\"\n[[region]]\nname = \"own\"\nprofile = [\"vpn\", \"ipv6\"]\n";
    let config = parse(Path::new("baryon.toml"), text).unwrap();
    let profiles: Vec<_> = config.region.iter().map(|region| region.profile.to_string()).collect();
    assert_eq!(profiles, ["cbk", "basic+vpn+ipv6"]);
    let text = error("[[region]]\nname = \"a\"\nprofile = \"best\"\n");
    assert!(text.starts_with("baryon.toml:3: region.profile: 'best' is no profile: give one of full, cbk"), "{text}");
    let text = error("[[region]]\nname = \"a\"\nprofile = [\"wifi\"]\n");
    assert!(text.starts_with("baryon.toml:3: region.profile: 'wifi' is no feature: give one of basic, vpn"), "{text}");
    let text = error("[[region]]\nname = \"a\"\nprefix = \"10.0.0.1/24\"\n");
    assert!(text.starts_with("baryon.toml:3: region.prefix: '10.0.0.1/24' is not a prefix of an external"), "{text}");
    let text = error("[[region]]\nname = \"../b\"\n");
    assert!(text.starts_with("baryon.toml:2: region.name: '../b' is not a name of a region"), "{text}");
}

#[test]
fn regions_of_the_command_line_win_and_keep_what_the_file_says_of_them() {
    let file = "[[region]]\nname = \"one\"\nprofile = \"dbl\"\nprefix = \"10.1.0.0/24\"\n[[region]]\nname = \"two\"\n";
    let mut config = parse(Path::new("baryon.toml"), file).unwrap();
    let arguments = ["fes", "one", "cbk=full:null", "x=vpn+dns"].map(|text| text.parse::<RegionArg>().unwrap());
    config.take_regions(&arguments);
    let described: Vec<_> = config
        .region
        .iter()
        .map(|region| {
            let prefix = region.prefix.map_or_else(String::new, |prefix| prefix.to_string());
            format!("{} {} {:?} {prefix}", region.name, region.profile, region.driver)
        })
        .collect();
    let expected = ["fes fes None ", "one dbl None 10.1.0.0/24", "cbk full Some(Null) ", "x basic+vpn+dns None "];
    assert_eq!(described, expected);
    for (text, reason) in [
        ("a=b", "'b' is no profile: give one of full, cbk, dbl, fes, or a list of the features basic, vpn"),
        ("a=full:ovs", "'ovs' is no driver: give ebpf or null"),
        ("a b", "'a b' is not a name of a region"),
    ] {
        let error = text.parse::<RegionArg>().unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn wires_at_the_top_are_the_first_regions() {
    let text = "[agent]\nuplink = \"none\"\n[physical_networks]\nstorage = \"eth2\"\n[[region]]\nname = \"a\"\n\
                [[region]]\nname = \"b\"\n[region.physical_networks]\npublic = \"eth3\"\nbackup = \"eth4\"\n";
    let config = parse(Path::new("baryon.toml"), text).unwrap();
    let wires: Vec<_> = config.region.iter().map(|region| config.wires_of(region)).collect();
    let names = |index: usize| wires[index].1.keys().cloned().collect::<Vec<_>>();
    assert_eq!((&wires[0].0, names(0)), (&Uplink::None, vec!["storage".to_owned()]));
    assert_eq!((wires[1].0.to_string(), names(1)), ("eth3".to_owned(), vec!["backup".to_owned()]));
}

#[test]
fn external_prefixes_know_their_addresses() {
    let ends = |text: &str| {
        let prefix: ExternalPrefix = text.parse().unwrap();
        format!("{} {} {}", prefix.gateway(), prefix.pool().0, prefix.pool().1)
    };
    assert_eq!(ends("198.51.100.0/24"), "198.51.100.1 198.51.100.10 198.51.100.254");
    assert_eq!(ends("10.0.0.16/28"), "10.0.0.17 10.0.0.18 10.0.0.30");
    for bad in ["2001:db8::/64", "10.0.0.0/29", "0.0.0.0/0", "10.0.0.1", "here"] {
        assert!(bad.parse::<ExternalPrefix>().is_err(), "{bad}");
    }
}

#[test]
fn answers_point_to_where_a_client_can_connect() {
    let mut api = ApiConfig::default();
    assert_eq!(api.base_url(), "http://127.0.0.1:9696");
    api.listen = "0.0.0.0:80".parse().unwrap();
    assert_eq!(api.base_url(), "http://127.0.0.1:80");
    api.tls_certificate = Some("cert.pem".into());
    assert_eq!(api.base_url(), "https://127.0.0.1:80");
    api.public_url = Some("https://cloud.example.org/".parse().unwrap());
    assert_eq!(api.base_url(), "https://cloud.example.org");
}
