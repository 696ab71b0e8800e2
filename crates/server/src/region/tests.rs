use super::*;
use crate::config::parse;

fn config(text: &str) -> Config {
    parse(Path::new("baryon.toml"), text).unwrap()
}

fn regions(names: &[&str]) -> Config {
    config(&names.iter().map(|name| format!("[[region]]\nname = \"{name}\"\n")).collect::<String>())
}

fn places(register: &mut Register, config: &Config) -> Vec<(String, u8, String)> {
    let regions = register.resolve(config).unwrap();
    regions.iter().map(|region| (region.name.to_string(), region.slot.0, region.prefix.to_string())).collect()
}

fn place(name: &str, slot: u8, prefix: &str) -> (String, u8, String) {
    (name.to_owned(), slot, prefix.to_owned())
}

#[test]
fn a_region_keeps_its_place_whatever_the_order() {
    let mut register = Register::default();
    let (cbk, dbl) = (place("cbk", 0, "198.51.100.0/24"), place("dbl", 1, "203.0.113.0/24"));
    assert_eq!(places(&mut register, &regions(&["cbk", "dbl"])), [cbk.clone(), dbl.clone()]);
    let fes = place("fes", 2, "192.0.2.0/24");
    assert_eq!(places(&mut register, &regions(&["fes", "dbl"])), [fes, dbl.clone()]);
    assert_eq!(places(&mut register, &regions(&["dbl", "cbk"])), [dbl, cbk]);
    let written = register.to_string();
    assert_eq!(written, "0 cbk 198.51.100.0/24\n1 dbl 203.0.113.0/24\n2 fes 192.0.2.0/24\n");
    assert_eq!(written.parse(), Ok(register));
}

#[test]
fn prefixes_are_chosen_around_those_that_are_given() {
    let text = "[[region]]\nname = \"a\"\n[[region]]\nname = \"b\"\nprefix = \"198.51.100.0/25\"\n";
    let mut register = Register::default();
    let expected = [place("a", 1, "203.0.113.0/24"), place("b", 0, "198.51.100.0/25")];
    assert_eq!(places(&mut register, &config(text)), expected);
}

#[test]
fn a_fourth_region_is_told_how_to_get_a_prefix() {
    let mut register = Register::default();
    let error = register.resolve(&regions(&["a", "b", "c", "d"])).unwrap_err().to_string();
    assert_eq!(
        error,
        "region d has no prefix for its ext-net, since 198.51.100.0/24 (a), 203.0.113.0/24 (b), 192.0.2.0/24 (c) are \
         taken: choose one for it, such as prefix = \"10.255.3.0/24\" in its [[region]] of the configuration file"
    );
}

#[test]
fn a_prefix_that_changes_or_overlaps_is_refused() {
    let mut register = Register::default();
    register.resolve(&regions(&["a", "b"])).unwrap();
    let mut error = |name: &str, prefix: &str| {
        let text = format!("[[region]]\nname = \"{name}\"\nprefix = \"{prefix}\"\n");
        register.resolve(&config(&text)).unwrap_err().to_string()
    };
    assert!(error("a", "10.9.0.0/24").starts_with("region a: its ext-net was made with the prefix 198.51.100.0/24"));
    let overlap = error("c", "203.0.113.128/25");
    assert!(
        overlap.starts_with("region c: its prefix 203.0.113.128/25 overlaps 203.0.113.0/24 of region b"),
        "{overlap}"
    );
}

#[test]
fn a_damaged_register_is_not_guessed_at() {
    for (text, reason) in [
        ("0 a 198.51.100.0/24\n2 b 203.0.113.0/24\n", "line 2: '2 b 203.0.113.0/24' is not '1 NAME PREFIX'"),
        ("0 a\n", "line 1: '0 a' is not '0 NAME PREFIX'"),
        ("0 a 198.51.100.7/24\n", "line 1: '198.51.100.7/24' is not a prefix"),
    ] {
        let error = text.parse::<Register>().unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn names_fit_into_what_the_kernel_takes_and_those_of_the_first_bear_no_number() {
    let instance: InstanceId = "00a1ff".parse().unwrap();
    let first = Part { instance, slot: Slot::FIRST };
    assert_eq!(
        [first.uplink_physical(), first.service_netns(), first.label()],
        ["bry00a1ffx", "baryon-00a1ff-svc", "00a1ff"]
    );
    let last = Part { instance, slot: Slot(Slot::COUNT - 1) };
    for name in [last.uplink_physical(), last.uplink_host(), last.service_device()] {
        assert!(name.len() <= 15 && name.contains("00a1ff") && name.ends_with("31"), "{name}");
    }
    // Indexes of interfaces are signed.
    assert!(i32::try_from(last.slot.first_ifindex()).is_ok());
}
