//! `baryon register-endpoints`: this instance in the catalogue of the Keystone of a cloud that is there already.
//!
//! Clients find a service by its catalogue. The command is the operator's: it logs in as one, makes what is missing,
//! corrects a URL that has changed, and touches nothing else, so that it may be run after every change.

use cloud_client::{CloudError, Http, HttpSettings, Method, Session};
use serde_json::{Value, json};

use crate::{Error, cli::RegisterEndpointsArgs, client::Cloud, config::Config, error::Result, output::say};

/// The type by which clients look for it.
const SERVICE: &str = "network";
/// The name that it has where Neutron is installed.
const NAME: &str = "neutron";

/// Registers every region of a configuration.
pub(super) fn register_endpoints(args: &RegisterEndpointsArgs) -> Result<()> {
    let config = Config::of_file(args.config.as_deref())?;
    let user = Cloud::operator(&args.cloud)?.service_user();
    let cacert = std::env::var_os("OS_CACERT").map(Into::into).or(config.identity.cacert.clone());
    let session = Session::new(Http::new(HttpSettings { cacert, ..HttpSettings::default() })?, user);
    let base = args.url.as_ref().map_or_else(|| config.api.base_url(), ToString::to_string);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::io("start the client"))?;
    runtime.block_on(async {
        let catalogue = Catalogue { session };
        let service = catalogue.service().await?;
        for region in &config.region {
            let region = region.name.to_string();
            catalogue.region(&region).await?;
            for interface in &args.interfaces {
                let url = format!("{base}/network/{region}");
                let done = catalogue.endpoint(&service, &region, interface, &url).await?;
                say!("{done}: {SERVICE} {interface} of region {region} at {url}")?;
            }
        }
        Ok(())
    })
}

/// A Keystone's catalogue, and whoever may change it.
struct Catalogue {
    session: Session,
}

impl Catalogue {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CloudError> {
        let url = self.session.user().url(path);
        let answer = self.session.ask(method, &url, &[], body).await?.success()?;
        answer.json()
    }

    /// The objects of a list that fit a query.
    async fn list(&self, collection: &str, query: &str) -> Result<Vec<Value>, CloudError> {
        let mut answer = self.ask(Method::GET, &format!("/{collection}?{query}"), None).await?;
        Ok(answer[collection].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// The id of the service, made if there is none.
    async fn service(&self) -> Result<String> {
        let found = self.list("services", &format!("type={SERVICE}")).await?;
        let service = match found.as_slice() {
            [] => {
                let body = json!({ "service": { "type": SERVICE, "name": NAME } });
                let mut made = self.ask(Method::POST, "/services", Some(&body)).await?;
                made["service"].take()
            }
            [one] => one.clone(),
            several => {
                let ids: Vec<_> = several.iter().filter_map(|service| service["id"].as_str()).collect();
                return Err(Error::Usage(format!(
                    "the catalogue has {} services of type {SERVICE} ({}): remove all but one",
                    several.len(),
                    ids.join(", ")
                )));
            }
        };
        Ok(service["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes a region that Keystone does not know.
    async fn region(&self, name: &str) -> Result<(), CloudError> {
        match self.ask(Method::GET, &format!("/regions/{name}"), None).await {
            Err(CloudError::Refused { status: 404, .. }) => {
                let body = json!({ "region": { "id": name } });
                self.ask(Method::POST, "/regions", Some(&body)).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Makes or corrects an endpoint; what was done.
    async fn endpoint(
        &self,
        service: &str,
        region: &str,
        interface: &str,
        url: &str,
    ) -> Result<&'static str, CloudError> {
        let query = format!("service_id={service}&interface={interface}&region_id={region}");
        let found = self.list("endpoints", &query).await?;
        let Some(endpoint) = found.first() else {
            let endpoint = json!({ "service_id": service, "interface": interface, "region_id": region, "url": url });
            self.ask(Method::POST, "/endpoints", Some(&json!({ "endpoint": endpoint }))).await?;
            return Ok("registered");
        };
        if endpoint["url"] == url {
            return Ok("is registered");
        }
        let id = endpoint["id"].as_str().unwrap_or_default();
        let body = json!({ "endpoint": { "url": url } });
        self.ask(Method::PATCH, &format!("/endpoints/{id}"), Some(&body)).await?;
        Ok("corrected")
    }
}
