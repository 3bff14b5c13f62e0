//! The output that a service is which is one request a letter.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use egret_http::{Http, HttpRequest, HttpResponse, ServiceContext};
use egret_model::AlertAction;

use crate::delivery::{Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;

/// So many requests to one service run at once.
const CONCURRENCY: usize = 16;

/// A service that is one request a letter.
pub trait HttpService: Send + Sync + fmt::Debug + 'static {
    /// What it is told of unless its block says otherwise.
    fn actions(&self) -> &'static [AlertAction];

    /// How what came from logs must be written there.
    fn escape(&self) -> Escape {
        Escape::Nothing
    }

    /// The request that tells a letter.
    ///
    /// # Errors
    /// If it cannot be told.
    fn request(&self, letter: &Letter, context: &ServiceContext) -> Result<HttpRequest, SendError>;

    /// What a successful answer says. Services that answer 200 to what they refuse look into it.
    ///
    /// # Errors
    /// If it is a refusal.
    fn receipt(&self, _letter: &Letter, _response: &HttpResponse) -> Result<Receipt, SendError> {
        Ok(Receipt::default())
    }
}

/// The output that a service is.
#[derive(Debug)]
pub struct HttpOutput<S> {
    http: Http,
    service: S,
}

impl<S: HttpService> HttpOutput<S> {
    /// The output, for the registry.
    pub fn output(http: Http, service: S) -> Arc<dyn Output> {
        Arc::new(Self { http, service })
    }

    async fn send_one(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let request = self.service.request(letter, self.http.context())?;
        let response = self.http.send(request).await?;
        self.service.receipt(letter, &response)
    }
}

#[async_trait]
impl<S: HttpService> Output for HttpOutput<S> {
    fn actions(&self) -> &'static [AlertAction] {
        self.service.actions()
    }

    fn escape(&self) -> Escape {
        self.service.escape()
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.send_one(letter)).await
    }
}
