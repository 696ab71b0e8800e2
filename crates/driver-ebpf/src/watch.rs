//! Hears of interfaces that come and go, on a thread of its own.

use std::{
    sync::mpsc::{Receiver, channel},
    thread::{Builder, JoinHandle},
};

use hostnet::{LinkEvent, LinkWatch, WatchStop};

use crate::{Error, error::Result};

/// What was heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// An interface came.
    Came {
        /// Its name.
        name: String,
        /// Its index.
        ifindex: u32,
    },
    /// An interface went.
    Went {
        /// Its index.
        ifindex: u32,
    },
    /// More happened than could be heard.
    Lost,
}

/// A listening thread; ends when dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    news: Receiver<News>,
    stop: Option<WatchStop>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Listens to the namespace of the calling thread.
    pub(crate) fn start() -> Result<Self> {
        let (watch, stop) = LinkWatch::open()?;
        let (sender, news) = channel();
        let listen = move || {
            for event in watch {
                let news = match event {
                    Ok(LinkEvent::Added(link)) => News::Came { name: link.name, ifindex: link.ifindex },
                    Ok(LinkEvent::Removed(link)) => News::Went { ifindex: link.ifindex },
                    Ok(LinkEvent::Changed(_)) => continue,
                    Ok(LinkEvent::Lost) => News::Lost,
                    Err(error) => {
                        tracing::warn!(%error, "news of interfaces were lost");
                        News::Lost
                    }
                };
                if sender.send(news).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new()
            .name("link-watch".to_owned())
            .spawn(listen)
            .map_err(|source| Error::System { operation: "start a thread".to_owned(), source })?;
        Ok(Self { news, stop: Some(stop), thread: Some(thread) })
    }

    /// What was heard since the last call.
    pub(crate) fn take(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
