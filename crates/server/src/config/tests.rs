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
         `trusted_proxies`, `proxy_headers`; `baryon check-config --example` shows every key"
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
    assert!(text.starts_with("baryon.toml:2: api.listen: invalid socket address syntax"), "{text}");
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
        ("[[region]]\nname = \"a\"\n[[region]]\nname = \"a\"\n", "baryon.toml: two [[region]] have the name a"),
        ("[[region]]\nname = \"a\"\n[[region]]\nname = \"b\"\n", "baryon.toml: 2 regions with agent.driver = \"ebpf\""),
        ("[api]\nlisten = \"127.0.0.1:9697\"\n", "baryon.toml: api.listen and api.metrics_listen are both"),
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
fn answers_point_to_where_a_client_can_connect() {
    let mut api = ApiConfig::default();
    assert_eq!(api.base_url(), "http://127.0.0.1:9696");
    api.listen = "0.0.0.0:80".parse().unwrap();
    assert_eq!(api.base_url(), "http://127.0.0.1:80");
    api.public_url = Some("https://cloud.example.org/".parse().unwrap());
    assert_eq!(api.base_url(), "https://cloud.example.org");
}
