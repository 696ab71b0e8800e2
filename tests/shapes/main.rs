//! Replays the recorded requests of the real service against ours and compares the answers.
//!
//! `recorded/` holds conversations with Neutron and Keystone. [`scenario`] puts them into an order in which they make
//! sense again, after what the recording found in place; ids and addresses of the recording become those of this run
//! ([`names`]). Compared are status, keys, types and media type of every answer, and type and message of every error
//! ([`compare`]). What belongs to a feature that this service does not have yet is listed in `later.json`, each with
//! its reason; a line there that nothing needs any more is a failure, so that the list only shrinks.
//!
//! Our side is the API with a store in a temporary directory and no datapath: what is compared needs none.

#![forbid(unsafe_code)]

mod client;
mod compare;
mod later;
mod names;
mod recording;
mod scenario;
mod service;

use std::{error::Error, io::Write as _, process::ExitCode};

use client::Client;
use later::Later;
use names::Names;
use recording::{Case, Recordings};
use scenario::{SCENARIO, Step};
use service::Service;

struct Run<'a> {
    client: Client<'a>,
    names: Names,
    recordings: Recordings,
    later: Later,
    passed: usize,
    failed: usize,
    out: std::io::StdoutLock<'a>,
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Box<dyn Error>> {
        match step {
            Step::Given { who, method, path, body, bind } => {
                let body = self.names.json(&serde_json::from_str(body)?);
                let answer = self.client.ask(*who, method, &self.names.text(path), Some(&body))?;
                if !(200..300).contains(&answer.status) {
                    let (status, body) = (answer.status, answer.body);
                    return self.report(&format!("given {method} {path}"), &[format!("status {status}: {body}")]);
                }
                for (pointer, recorded) in *bind {
                    let ours = answer.body.pointer(pointer).and_then(serde_json::Value::as_str);
                    self.names.bind(recorded, ours.ok_or_else(|| format!("no {pointer} in {}", answer.body))?);
                }
                Ok(())
            }
            Step::Replay { who, file, cases } => {
                for name in *cases {
                    let case = self.recordings.case(file, name)?;
                    self.replay(*who, &format!("{file}.{name}"), &case)?;
                }
                Ok(())
            }
            Step::ReplayWith { who, file, case: name, body } => {
                let mut case = self.recordings.case(file, name)?;
                case.request = Some(serde_json::from_str(body)?);
                self.replay(*who, &format!("{file}.{name}"), &case)
            }
            Step::ReplayText { who, file, case: name, text } => {
                let case = self.recordings.case(file, name)?;
                let answer = self.client.ask_text(*who, &case.method, &self.names.text(&case.path), text)?;
                self.judge(&format!("{file}.{name}"), &case, &answer)
            }
            Step::Extensions => {
                let case = self.recordings.case("extensions", "")?;
                let answer = self.client.ask(client::Who::Admin, "GET", &case.path, None)?;
                let differences = compare::extensions(&case.response, &answer.body, &mut self.later);
                self.report("extensions", &differences)
            }
        }
    }

    fn replay(&mut self, who: client::Who, name: &str, case: &Case) -> Result<(), Box<dyn Error>> {
        let body = case.request.as_ref().map(|body| self.names.json(body));
        let answer = self.client.ask_with(who, &case.method, &self.names.text(&case.path), body.as_ref(), name)?;
        self.judge(name, case, &answer)
    }

    fn judge(&mut self, name: &str, case: &Case, answer: &client::Answer) -> Result<(), Box<dyn Error>> {
        self.names.learn(&case.response, &answer.body);
        let differences = compare::answer(name, case, answer, &self.names, &mut self.later);
        self.report(name, &differences)
    }

    fn report(&mut self, name: &str, differences: &[String]) -> Result<(), Box<dyn Error>> {
        if differences.is_empty() {
            self.passed += 1;
            writeln!(self.out, "ok    {name}")?;
        } else {
            self.failed += 1;
            writeln!(self.out, "FAIL  {name}")?;
            for difference in differences {
                writeln!(self.out, "      {difference}")?;
            }
        }
        Ok(())
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let service = Service::start()?;
    let recordings = Recordings::read()?;
    let later = Later::read()?;
    let mut run = Run {
        client: Client::new(&service)?,
        names: Names::new(),
        recordings,
        later,
        passed: 0,
        failed: 0,
        out: std::io::stdout().lock(),
    };
    for (recorded, ours) in run.client.projects()? {
        run.names.bind(recorded, &ours);
    }
    for step in SCENARIO {
        run.step(step)?;
    }
    // Every recorded case is replayed or says why not.
    let unmentioned: Vec<_> = run
        .recordings
        .names()
        .into_iter()
        .filter(|name| !scenario::mentions(name) && !run.later.defers(name))
        .collect();
    for name in unmentioned {
        run.report(&name, &["recorded, but neither replayed nor listed in later.json".to_owned()])?;
    }
    for (name, reason) in run.later.used() {
        writeln!(run.out, "later {name}: {reason}")?;
    }
    let stale: Vec<_> = run.later.unused();
    for name in stale {
        run.report(&format!("later.json {name}"), &["nothing needs this line any more: remove it".to_owned()])?;
    }
    writeln!(run.out, "{} passed, {} failed", run.passed, run.failed)?;
    Ok(if run.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
