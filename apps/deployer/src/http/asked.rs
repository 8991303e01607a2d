use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Path, Request};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use nprt::model::ServiceName;
use nprt::pipeline::Caller;
use nprt::wrap::in_time;
use nprt::{Error, ErrorKind};

use super::accept::{Form, preferred};
use super::auth;
use super::params::Params;
use super::peer::Peer;
use super::problem::Problem;
use crate::app::App;
use crate::compose::{Composed, Member, Told};
use crate::config::{Action, Limits, Token};

/// A request by somebody who is known, with what held when it came.
pub(crate) struct Asked {
    pub(crate) app: App,
    pub(crate) composed: Arc<Composed>,
    pub(crate) token: Token,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    query: Option<String>,
    service: Option<String>,
}

impl FromRequest<App> for Asked {
    type Rejection = Problem;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Problem> {
        let composed = app.current();
        // The server always says who it is.
        let peer = request.extensions().get::<Peer>().copied().unwrap_or_else(Peer::unknown);
        let token = auth::token(app, &composed, request.headers(), peer)?;
        tracing::Span::current().record("enduser.id", token.name.as_str());
        let service = request.extract_parts::<Path<String>>().await.ok().map(|Path(service)| service);
        let (parts, body) = request.into_parts();
        let body = receive(body, &composed.config.limits).await?;
        let query = parts.uri.query().map(str::to_owned);
        Ok(Self { app: app.clone(), composed, token, headers: parts.headers, body, query, service })
    }
}

async fn receive(body: Body, limits: &Limits) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(Duration::from_secs(limits.receive_seconds), whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Invalid,
            "the request body is too large",
        )
        .with("limit", limits.body_bytes)),
        Ok(Err(_)) => Err(Problem::invalid("the connection closed in the middle of the request body")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorKind::Timeout,
            "the body did not come in time",
        )),
    }
}

impl Asked {
    /// The service of the path, which the token may use for one of `actions`.
    pub(crate) fn service(&self, actions: &[Action]) -> Result<(ServiceName, &Member), Problem> {
        let text = self.service.as_deref().unwrap_or_default();
        let unknown = || {
            let error = Error::new(ErrorKind::NotFound, "deployer.service", "no such service");
            Problem::from(error.with("service", text))
                .with_available(self.composed.members.keys().filter(|name| self.token.has_service(name)))
        };
        // A name that cannot be is of no service that is there.
        let name = ServiceName::new(text).map_err(|_| unknown())?;
        auth::allow(&self.token, &name, actions)?;
        let member = self.composed.member(&name).map_err(|_| unknown())?;
        Ok((name, member))
    }

    /// The parameters, of those that the route takes.
    pub(crate) fn params(&self, names: &[&'static str]) -> Result<Params, Problem> {
        Params::read(names, self.query.as_deref(), &self.headers, &self.body)
    }

    pub(crate) fn caller(&self, reason: &str) -> Result<Caller, Problem> {
        Ok(Caller::new(self.token.name.clone(), reason)?)
    }

    /// What the notifiers get to know: a person with depctl has the answer already.
    pub(crate) fn told(&self, notify: Option<bool>) -> Told {
        match notify {
            Some(true) => Told::Everything,
            Some(false) => Told::Decisions,
            None if auth::is_depctl(&self.headers) => Told::Decisions,
            None => Told::Failures,
        }
    }

    /// The form that the client prefers of those.
    ///
    /// # Errors
    /// 406 where it takes none.
    pub(crate) fn form(&self, offers: &[Form]) -> Result<Form, Problem> {
        preferred(&self.headers, offers).ok_or_else(|| {
            let detail = "the answer comes in none of the forms that Accept names";
            Problem::new(StatusCode::NOT_ACCEPTABLE, ErrorKind::Unsupported, detail)
                .with_available(offers.iter().map(|form| form.mime()))
        })
    }

    /// # Errors
    /// 406 where the client does not take JSON.
    pub(crate) fn takes_json(&self) -> Result<(), Problem> {
        self.form(&[Form::Json]).map(drop)
    }

    /// How long a request that only reads may take.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let limit = Duration::from_secs(self.composed.config.limits.read_seconds);
        in_time(limit, work).await.unwrap_or_else(|| {
            let detail = "no answer in the time that a request may take";
            Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, ErrorKind::Timeout, detail)
                .with("limit", format_args!("{} s", limit.as_secs())))
        })
    }
}
