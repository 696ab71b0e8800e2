//! The listener's certificate on its way from its files to the role that serves with it.

use crate::{
    config::ApiConfig,
    error::Result,
    role::News,
    tls::{PairError, PairFiles, Watch},
};

/// Watches the files; without TLS there is nothing to watch.
pub(super) struct Renewal(Option<Watch>);

impl Renewal {
    /// What the files of a configuration hold, which a start needs, and their watch.
    pub(super) fn begin(config: &ApiConfig) -> Result<(Self, Option<String>)> {
        let Some(files) = PairFiles::of(config) else { return Ok((Self(None), None)) };
        let watch = Watch::new(files.clone());
        let (pair, certificate) = files.read()?;
        if let Some(host) = config.base_url().parse::<ureq::http::Uri>().ok().as_ref().and_then(|url| url.host())
            && !certificate.is_for(host)
        {
            tracing::warn!(
                "the certificate is not for {host}, by which clients reach this service: they will refuse it; give \
                 --public-url with a name that is in it"
            );
        }
        Ok((Self(Some(watch)), Some(news(Ok(pair)).to_line()?)))
    }

    /// Comes back when the files have changed.
    pub(super) async fn changed(&mut self) -> News {
        match &mut self.0 {
            Some(watch) => news(watch.changed().await),
            None => std::future::pending().await,
        }
    }

    /// What the files hold now; none without TLS.
    pub(super) fn now(&mut self) -> Option<News> {
        self.0.as_mut().map(|watch| news(watch.read()))
    }
}

fn news(read: Result<api::PemPair, PairError>) -> News {
    match read {
        Ok(api::PemPair { certificate, key }) => News::Certificate { certificate, key },
        Err(error) => News::NoCertificate { reason: error.to_string() },
    }
}
