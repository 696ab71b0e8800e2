//! Lists: one statement whatever their length, and paging that visits everything once.

use model::{ListQuery, Port, Resource, query::SortKey};
use store::Scope;

use crate::{Directory, REGION, insert, network, port, subnet};

#[test]
fn pages_visit_every_object_once_in_order_with_equal_and_null_keys() {
    let directory = Directory::new();
    let store = directory.open();
    let network = network();
    let subnet = subnet(&network, "10.0.0.0/8");
    insert(&store, vec![network]).unwrap();
    insert(&store, vec![subnet.clone()]).unwrap();
    let ports: Vec<Port> = (1..=40)
        .map(|host| {
            let mut port = port(&subnet, host);
            port.name = ["a", "b", "c"][host as usize % 3].to_owned();
            port
        })
        .collect();
    insert(&store, ports.clone()).unwrap();
    for descending in [false, true] {
        let key = |name: &str| SortKey { attribute: Port::INFO.attribute(name).unwrap(), descending };
        let mut query = ListQuery { sort: vec![key("name"), key("status")], limit: Some(7), ..ListQuery::default() };
        let mut seen: Vec<(String, String)> = Vec::new();
        loop {
            let asked = query.clone();
            let page =
                store.read_blocking(move |read| read.list_bodies(Port::INFO, REGION, Scope::All, &asked)).unwrap();
            let text = |body: &model::Body, name: &str| body[name].as_str().unwrap().to_owned();
            seen.extend(page.iter().map(|body| (text(body, "name"), text(body, "id"))));
            let Some(last) = seen.last().filter(|_| !page.is_empty()) else { break };
            query.marker = Some(last.1.clone());
        }
        assert_eq!(seen.len(), ports.len());
        let mut sorted = seen.clone();
        sorted.sort_by(|(name, id), (other_name, other_id)| {
            let by_name = name.cmp(other_name);
            (if descending { by_name.reverse() } else { by_name }).then(id.cmp(other_id))
        });
        assert_eq!(seen, sorted);
    }
}

#[test]
fn the_first_free_number_is_found_behind_a_run() {
    let directory = Directory::new();
    let store = directory.open();
    let network = network();
    let subnet = subnet(&network, "10.0.0.0/8");
    insert(&store, vec![network]).unwrap();
    insert(&store, vec![subnet.clone()]).unwrap();
    insert(&store, [1, 2, 3, 5].map(|host| port(&subnet, host)).to_vec()).unwrap();
    let id = subnet.id;
    let free =
        |first: i64, last: i64| store.read_blocking(move |read| read.first_free(REGION, id, first, last)).unwrap();
    assert_eq!((free(1, 9), free(2, 3), free(4, 4), free(5, 5), free(7, 9)), (Some(4), None, Some(4), None, Some(7)));
}
