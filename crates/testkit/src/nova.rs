//! Nova's ear: a listener in a namespace that takes `os-server-external-events` and answers as Nova does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::wait_for;

/// Where it listens, in its namespace.
const LISTEN: &str = "127.0.0.1:8774";

/// What was told to it, and how it answers.
#[derive(Debug, Default)]
struct State {
    events: Vec<Value>,
    tokens: Vec<String>,
    /// The status of its answers; 0 for one that fits the events.
    status: u16,
}

/// See the module's text. The listener lives as long as the test's process.
#[derive(Debug, Clone)]
pub struct Nova(Arc<Mutex<State>>);

impl Nova {
    /// Starts listening.
    pub fn start(netns: &Netns) -> Result<Self> {
        let listener = netns.enter(|| TcpListener::bind(LISTEN))?.map_err(Error::io(format!("listen on {LISTEN}")))?;
        let nova = Self(Arc::default());
        let ear = nova.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ear = ear.clone();
                // A client that goes away is no event.
                thread::spawn(move || drop(ear.serve(stream)));
            }
        });
        Ok(nova)
    }

    /// Its URL, as a catalogue has it.
    pub fn url() -> String {
        format!("http://{LISTEN}/v2.1")
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on answers have this status, whatever was told; 0 for what fits.
    pub fn answer_with(&self, status: u16) {
        self.state(|state| state.status = status);
    }

    /// Waits until it was told at least so many events, and takes them.
    pub fn take(&self, count: usize, limit: Duration) -> Result<Vec<Value>> {
        wait_for(&format!("{count} events"), limit, || {
            self.state(|state| {
                if state.events.len() >= count {
                    Ok(std::mem::take(&mut state.events))
                } else {
                    Err(format!("told so far: {:?}", state.events))
                }
            })
        })
    }

    /// The tokens with which it was told something.
    pub fn tokens(&self) -> Vec<String> {
        self.state(|state| state.tokens.clone())
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let request = line.trim_end().to_owned();
            let (mut length, mut token) = (0, String::new());
            loop {
                line.clear();
                reader.read_line(&mut line)?;
                let Some((name, value)) = line.trim_end().split_once(':') else { break };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap_or(0),
                    "x-auth-token" => value.trim().clone_into(&mut token),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let (status, answer) = self.answer(&request, token, &body);
            let text = answer.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            )?;
        }
    }

    fn answer(&self, request: &str, token: String, body: &[u8]) -> (u16, Value) {
        if request != "POST /v2.1/os-server-external-events HTTP/1.1" {
            return (404, json!({ "itemNotFound": { "code": 404, "message": request } }));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let events = body["events"].as_array().cloned().unwrap_or_default();
        self.state(|state| {
            if state.status != 0 {
                return (state.status, json!({ "computeFault": { "code": state.status, "message": "as told" } }));
            }
            state.tokens.push(token);
            let taken: Vec<Value> = events
                .iter()
                .map(|event| {
                    let mut event = event.clone();
                    event["code"] = json!(200);
                    event
                })
                .collect();
            state.events.extend(events);
            (200, json!({ "events": taken }))
        })
    }
}
