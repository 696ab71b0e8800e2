//! The recorded conversations.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use serde_json::Value;

/// A request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) request: Option<Value>,
    pub(crate) status: u64,
    pub(crate) media_type: Option<String>,
    pub(crate) response: Value,
}

/// Every recording, by file and case; a file that is one case has it under the empty name.
pub(crate) struct Recordings(BTreeMap<String, BTreeMap<String, Case>>);

impl Recordings {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes/recorded");
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            let json: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            files.insert(name.to_owned(), cases(&json).ok_or_else(|| format!("{} is no recording", path.display()))?);
        }
        Ok(Self(files))
    }

    pub(crate) fn case(&self, file: &str, name: &str) -> Result<Case, String> {
        let case = self.0.get(file).and_then(|cases| cases.get(name));
        case.cloned().ok_or_else(|| format!("recorded/{file}.json has no case '{name}'"))
    }

    /// Every case as `file.case`, or `file`.
    pub(crate) fn names(&self) -> Vec<String> {
        let full = |file: &str, case: &str| if case.is_empty() { file.to_owned() } else { format!("{file}.{case}") };
        self.0.iter().flat_map(|(file, cases)| cases.keys().map(move |case| full(file, case))).collect()
    }
}

fn cases(json: &Value) -> Option<BTreeMap<String, Case>> {
    let object = json.as_object()?;
    if object.contains_key("method") {
        return Some(BTreeMap::from([(String::new(), case(json)?)]));
    }
    object.iter().map(|(name, json)| Some((name.clone(), case(json)?))).collect()
}

fn case(json: &Value) -> Option<Case> {
    Some(Case {
        method: json["method"].as_str()?.to_owned(),
        path: json["path"].as_str()?.to_owned(),
        request: Some(json["request"].clone()).filter(|request| !request.is_null()),
        status: json["status"].as_u64()?,
        media_type: json["headers"]["content-type"].as_str().map(str::to_owned),
        response: json["response"].clone(),
    })
}
