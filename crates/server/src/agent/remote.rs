//! The driver as the API process sees it: the agent behind a socket.
//!
//! The one thing that must not happen is that an agent starts anew unnoticed: its driver would know
//! nothing, and a sweep would remove everything. So every loss of the connection fails one call of
//! whoever keeps book of the rows ([`Knowledge`]), and on a new connection, whichever agent is behind
//! it, nothing is changed until [`Driver::observe`] has asked anew.

use std::{
    io::{self, BufReader, BufWriter},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use logical::{Capabilities, Change, Driver, DriverError, DropCount, Observed, Outcome, PortId, RowKey, Swept};
use uuid::Uuid;

use super::protocol::{Answer, GOOD_MESSAGE, Request, receive, send};

/// Longer than any verb takes on a host that is alive: a batch of thousands of rows, or the load of
/// all programs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A driver in another process.
#[derive(Debug)]
pub struct RemoteDriver {
    socket: PathBuf,
    region: String,
    connection: Option<Connection>,
    knowledge: Knowledge,
}

/// What the owner of a [`RemoteDriver`] may think of the agent's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// It knows that it knows nothing.
    None,
    /// It has asked, and the connection has stood since.
    Good,
    /// It has asked, but the connection broke while somebody asked for drop counters: it must be told.
    Void,
}

#[derive(Debug)]
struct Connection {
    input: BufReader<UnixStream>,
    output: BufWriter<UnixStream>,
}

impl RemoteDriver {
    /// A region's driver at the agent that listens, or will listen, at `socket`.
    #[must_use]
    pub fn new(socket: PathBuf, region: String) -> Self {
        Self { socket, region, connection: None, knowledge: Knowledge::None }
    }

    fn call(&mut self, request: &Request) -> Result<Answer, DriverError> {
        self.exchange(|connection| {
            send(&mut connection.output, request)?;
            connection.answer()
        })
    }

    /// Connects if need be and runs the exchange; whatever goes wrong ends the connection.
    fn exchange<T>(&mut self, run: impl FnOnce(&mut Connection) -> io::Result<T>) -> Result<T, DriverError> {
        let result = match &mut self.connection {
            Some(connection) => run(connection),
            none => Connection::open(&self.socket, &self.region).and_then(|(connection, start)| {
                tracing::info!(region = self.region, %start, "connected to the agent");
                run(none.insert(connection))
            }),
        };
        result.map_err(|error| {
            self.lost();
            DriverError::Unreachable(format!("{}: {error}", self.socket.display()))
        })
    }

    fn lost(&mut self) {
        self.connection = None;
        if self.knowledge == Knowledge::Good {
            self.knowledge = Knowledge::Void;
        }
    }

    /// A call of whoever keeps book of the rows; a failure tells it of the loss.
    fn keep_book<T>(&mut self, call: impl FnOnce(&mut Self) -> Result<T, DriverError>) -> Result<T, DriverError> {
        let result = match self.knowledge {
            Knowledge::Void => Err(DriverError::Unreachable("the connection to it was lost meanwhile".to_owned())),
            Knowledge::None | Knowledge::Good => call(self),
        };
        if self.knowledge == Knowledge::Void {
            self.knowledge = Knowledge::None;
        }
        result
    }

    /// Fails when the agent may be another one than the caller's knowledge is of.
    fn require_knowledge(&self) -> Result<(), DriverError> {
        match self.knowledge {
            Knowledge::Good => Ok(()),
            Knowledge::None | Knowledge::Void => Err(DriverError::Unreachable(
                "the connection to it is new: what it knows must be asked first".to_owned(),
            )),
        }
    }

    fn unexpected<T>(&mut self, answer: Answer) -> Result<T, DriverError> {
        match answer {
            Answer::Failed(error) => Err(error),
            _ => {
                self.lost();
                Err(DriverError::Unreachable("it gave the answer to another question".to_owned()))
            }
        }
    }

    fn read_observed(&mut self) -> Result<Observed, DriverError> {
        let mut all = Observed::new();
        let refused = self.exchange(|connection| {
            send(&mut connection.output, &Request::Observe)?;
            loop {
                match connection.answer()? {
                    Answer::Observed { rows, more } => {
                        all.extend(rows);
                        if !more {
                            return Ok(None);
                        }
                    }
                    other => return Ok(Some(other)),
                }
            }
        })?;
        match refused {
            Some(answer) => self.unexpected(answer),
            None => Ok(all),
        }
    }

    /// In messages of a good size.
    fn apply_all(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        let mut outcomes = Vec::with_capacity(changes.len());
        let mut batch = Vec::new();
        let mut size = 0;
        for change in changes {
            // Writing each change twice is cheap beside what the kernel does with it.
            let length = serde_json::to_vec(change).map_or(0, |text| text.len());
            if size + length > GOOD_MESSAGE && !batch.is_empty() {
                self.apply_batch(std::mem::take(&mut batch), &mut outcomes)?;
                size = 0;
            }
            size += length;
            batch.push(change.clone());
        }
        if !batch.is_empty() {
            self.apply_batch(batch, &mut outcomes)?;
        }
        Ok(outcomes)
    }

    fn apply_batch(&mut self, batch: Vec<Change>, outcomes: &mut Vec<Outcome>) -> Result<(), DriverError> {
        match self.call(&Request::Apply(batch))? {
            Answer::Applied(mut some) => {
                outcomes.append(&mut some);
                Ok(())
            }
            other => self.unexpected(other),
        }
    }
}

impl Connection {
    fn open(socket: &std::path::Path, region: &str) -> io::Result<(Self, Uuid)> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self { input: BufReader::new(stream.try_clone()?), output: BufWriter::new(stream) };
        let hello = Request::Hello { version: super::VERSION.to_owned(), region: region.to_owned() };
        send(&mut connection.output, &hello)?;
        match connection.answer()? {
            Answer::Hello { version, start } if version == super::VERSION => Ok((connection, start)),
            Answer::Hello { version, .. } => Err(io::Error::other(format!(
                "it is of version {version} and this process of {}: start `baryon up` again",
                super::VERSION
            ))),
            Answer::Failed(error) => Err(io::Error::other(error.to_string())),
            _ => Err(io::Error::other("it does not say who it is")),
        }
    }

    fn answer(&mut self) -> io::Result<Answer> {
        receive(&mut self.input)?
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"))
    }
}

impl Driver for RemoteDriver {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        match self.call(&Request::Capabilities)? {
            Answer::Capabilities(all) => Ok(all.into_iter().collect()),
            other => self.unexpected(other),
        }
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        let all = self.keep_book(|remote| remote.read_observed())?;
        self.knowledge = Knowledge::Good;
        Ok(all)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        self.keep_book(|remote| {
            remote.require_knowledge()?;
            remote.apply_all(changes)
        })
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        self.keep_book(|remote| {
            remote.require_knowledge()?;
            match remote.call(&Request::Sweep)? {
                Answer::Swept(swept) => Ok(swept),
                other => remote.unexpected(other),
            }
        })
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        self.keep_book(|remote| match remote.call(&Request::Disturbed)? {
            Answer::Disturbed(keys) => Ok(keys),
            other => remote.unexpected(other),
        })
    }

    fn drops(&mut self, port: PortId) -> Result<Vec<DropCount>, DriverError> {
        match self.call(&Request::Drops(port))? {
            Answer::Drops(counts) => Ok(counts),
            other => self.unexpected(other),
        }
    }
}
