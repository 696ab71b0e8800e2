//! `baryon trace`: asks the specification why a packet does or does not arrive.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Error, cli::TraceArgs, client::Client, error::Result, output::say};

/// Follows a packet; fails when it is dropped.
pub(super) fn trace(args: &TraceArgs) -> Result<()> {
    let has_ports = args.proto.has_ports();
    if !has_ports && (args.dport.is_some() || args.sport.is_some()) {
        return Err(Error::Usage(format!(
            "{} has no ports: leave out --dport and --sport, or say --proto tcp",
            args.proto
        )));
    }
    if has_ports && args.dport.is_none() {
        return Err(Error::Usage(format!("{} needs a destination port: say --dport", args.proto)));
    }
    let client = Client::connect(&args.cloud)?;
    let port = client.find("port", "ports", &args.from)?;
    let mut request = json!({"from": port["id"], "to": args.to, "protocol": args.proto.to_string()});
    if let Some(dport) = args.dport {
        request["destination_port"] = dport.into();
    }
    if let Some(sport) = args.sport {
        request["source_port"] = sport.into();
    }
    let answer = client.post("baryon/trace", &json!({"trace": request}))?;
    let report = &answer["trace"];
    let delivered = report["delivered"].as_bool().unwrap_or(false);
    if args.json {
        say!("{answer}")?;
    } else {
        print(&client, report)?;
    }
    if delivered { Ok(()) } else { Err(Error::Told) }
}

fn print(client: &Client, report: &Value) -> Result<()> {
    let steps = report["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stage = |step: &Value| step["stage"].as_str().unwrap_or_default().to_owned();
    let width = steps.iter().map(|step| stage(step).len()).max().unwrap_or(0);
    let mut names = Names { client, known: BTreeMap::new() };
    for (number, step) in steps.iter().enumerate() {
        let subject = match (step.pointer("/subject/kind"), step.pointer("/subject/id")) {
            (Some(Value::String(kind)), Some(Value::String(id))) => format!("  [{} {id}]", kind.replace('_', " ")),
            _ => String::new(),
        };
        say!(
            "{:>3}  {:width$}  {}{subject}",
            number + 1,
            stage(step),
            names.name_all(step["text"].as_str().unwrap_or_default())
        )?;
    }
    let verdict = report["verdict"].as_str().unwrap_or_default();
    let word = if report["delivered"].as_bool().unwrap_or(false) { "delivered" } else { "dropped" };
    let verdict = names.name_all(verdict);
    let verdict =
        [word, ": "].iter().try_fold(verdict.as_str(), |rest, part| rest.strip_prefix(part)).unwrap_or(&verdict);
    say!("{word}: {verdict}")
}

/// Names of objects by their ids, asked for where they are met.
struct Names<'a> {
    client: &'a Client,
    known: BTreeMap<String, Option<String>>,
}

/// A kind of object in the words of a step, and the path of its collection.
const NAMED: [(&str, &str); 5] = [
    ("port", "ports"),
    ("router", "routers"),
    ("network", "networks"),
    ("switch", "networks"),
    ("group", "security-groups"),
];

impl Names<'_> {
    /// The text with names in the place of ids, where an id follows the kind of a named object.
    fn name_all(&mut self, text: &str) -> String {
        let mut previous = "";
        let mut words = Vec::new();
        for word in text.split(' ') {
            let id = word.trim_end_matches([':', ',', ';', '.']);
            let path = NAMED.iter().find(|(kind, _)| *kind == previous).map(|(_, path)| *path);
            let name = path.filter(|_| uuid::Uuid::try_parse(id).is_ok()).and_then(|path| self.name(path, id));
            words.push(name.map_or_else(|| word.to_owned(), |name| word.replace(id, &name)));
            previous = word;
        }
        words.join(" ")
    }

    /// A name is a convenience: without one, or when it cannot be asked for, the id stands.
    fn name(&mut self, path: &str, id: &str) -> Option<String> {
        if let Some(name) = self.known.get(id) {
            return name.clone();
        }
        let answer = self.client.get(&format!("{path}/{id}?fields=name")).ok();
        let object = answer.as_ref().and_then(Value::as_object).and_then(|members| members.values().next());
        let name = object.and_then(|object| object["name"].as_str()).filter(|name| !name.is_empty()).map(str::to_owned);
        self.known.insert(id.to_owned(), name.clone());
        name
    }
}
