//! S3 and R2, as far as objects are kept, swept and uploaded there.

mod answer;
mod condition;
mod control;
mod page;
mod readers;
mod shelf;
mod uploads;
mod versions;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use longshore_sandbox::axum::Router;
use longshore_sandbox::axum::body::{Body, Bytes};
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{Method, Request, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{
    Draft, FaultCheck, Ids, Ledger, Refused, Server, StandInService, stand_in,
};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};

use answer::Answers;
pub use shelf::Planted;
use shelf::Shelf;

/// A stand-in for S3, and for R2, which speaks the same language.
///
/// The language is `s3s`'s: signatures, presigned URLs, clocks, checksums and XML are checked and written by it, so
/// that they are not ours twice. What is kept is kept in memory. Every bucket is there, but one with `nowhere` in its
/// name. Buckets are addressed by path. A request that writes is an effect in the ledger: its recipient is the bucket,
/// its template the operation: `put`, `delete`, `lifecycle`, `upload`.
#[derive(Debug)]
pub struct S3Sandbox {
    server: Server,
    shelf: Shelf,
    refused_keys: Refused,
}

stand_in!(S3Sandbox);

impl S3Sandbox {
    /// The one access key that it takes.
    pub const ACCESS_KEY_ID: &'static str = "sandbox-key";
    /// Its secret.
    pub const SECRET_ACCESS_KEY: &'static str = "sandbox-secret";

    /// S3, listening on this address; port 0 picks a free one. Stops when it is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        Self::start_with(addr, "s3", Ledger::default()).await
    }

    /// The same under another name, `s3` or `r2`, writing into a ledger that there is already.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(
        addr: SocketAddr,
        name: &'static str,
        ledger: Ledger,
    ) -> io::Result<Self> {
        let shelf = Shelf::default();
        let refused_keys = Refused::default();
        let mut service = S3ServiceBuilder::new(Answers::new(shelf.clone()));
        service.set_auth(CredentialSource(refused_keys.clone()));
        let provider = S3 {
            ids: Ids::new(),
            name,
            service: service.build(),
            shelf: shelf.clone(),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self {
            server,
            shelf,
            refused_keys,
        })
    }

    /// Puts an object there that was written so long ago.
    pub fn plant(&self, bucket: &str, key: &str, body: impl Into<Vec<u8>>, age: Duration) {
        self.shelf.plant(bucket, key, body.into(), age);
    }

    /// Begins an upload that was begun so long ago, and never finished.
    pub fn plant_upload(&self, bucket: &str, key: &str, age: Duration) {
        self.shelf.plant_upload(bucket, key, age);
    }

    /// Deletes an object as it was done so long ago: where there are versions, a marker comes to lie on them.
    pub fn plant_deletion(&self, bucket: &str, key: &str, age: Duration) {
        self.shelf.plant_deletion(bucket, key, age);
    }

    /// Gives what is under a key a tag.
    pub fn tag(&self, bucket: &str, key: &str, tag: (&str, &str)) {
        self.shelf.tag(bucket, key, tag);
    }

    /// Says who can read a bucket: whether its ACL is open to anybody, whether its policy is public, if it has one, and whether
    /// public access is blocked. Otherwise nobody can.
    pub fn expose(&self, bucket: &str, open: bool, policy: Option<bool>, blocked: bool) {
        self.shelf.expose(bucket, open, policy, blocked);
    }

    /// Lets a bucket keep versions from now on.
    pub fn keep_versions(&self, bucket: &str) {
        self.shelf.keep_versions(bucket);
    }

    /// Lets the next so many attempts to delete this key end with this code.
    pub fn fail_deletion(&self, bucket: &str, key: &str, code: &str, times: u32) {
        self.shelf.fail_deletion(bucket, key, code, times);
    }

    /// The keys in a bucket, in their order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.shelf.keys(bucket)
    }

    /// The bytes under a key.
    #[must_use]
    pub fn body(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.shelf.body(bucket, key)
    }

    /// How many versions and delete markers a bucket holds, of all its keys.
    #[must_use]
    pub fn versions(&self, bucket: &str) -> usize {
        self.shelf.versions(bucket)
    }

    /// The keys of unfinished uploads.
    #[must_use]
    pub fn uploads(&self, bucket: &str) -> Vec<String> {
        self.shelf.uploads(bucket)
    }

    /// Refuses its access key from now on.
    pub fn refuse_key(&self) {
        self.refused_keys.refuse(Self::ACCESS_KEY_ID);
    }

    /// Takes it again.
    pub fn accept_key(&self) {
        self.refused_keys.accept(Self::ACCESS_KEY_ID);
    }
}

struct CredentialSource(Refused);

#[async_trait::async_trait]
impl S3Auth for CredentialSource {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match access_key == S3Sandbox::ACCESS_KEY_ID && !self.0.has(access_key) {
            true => Ok(SecretKey::from(S3Sandbox::SECRET_ACCESS_KEY)),
            false => Err(s3_error!(InvalidAccessKeyId)),
        }
    }
}

struct S3 {
    ids: Ids,
    name: &'static str,
    service: S3Service,
    shelf: Shelf,
}

impl StandInService for S3 {
    fn name(&self) -> &'static str {
        self.name
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        if !check.carries_out(self.effects(request)) {
            // What the fault says is answered instead.
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let request = Request::from_parts(request.clone(), s3s::Body::from(body.clone()));
        // All it needs is in memory, so it never has to wait.
        match self.service.call(request).now_or_never() {
            Some(Ok(answer)) => answer.map(Body::new),
            Some(Err(_)) | None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn explain(&self, status: u16) -> String {
        let code = match status {
            400 => "InvalidRequest",
            401 => "Unauthorized",
            403 => "AccessDenied",
            404 => "NoSuchKey",
            409 => "OperationAborted",
            429 => "TooManyRequests",
            500 => "InternalError",
            501 => "NotImplemented",
            _ => "ServiceUnavailable",
        };
        format!("<Error><Code>{code}</Code><Message>A fault.</Message></Error>")
    }

    fn control(&self) -> Router {
        control::router(self.shelf.clone())
    }
}

impl S3 {
    /// What a request would do, as the ledger and the faults know it.
    fn effects(&self, request: &Parts) -> Vec<Draft> {
        let query = request.uri.query().unwrap_or_default();
        let has = |name: &str| {
            query
                .split('&')
                .any(|pair| pair.split('=').next() == Some(name))
        };
        let operation = match (&request.method, has("lifecycle")) {
            (&Method::GET | &Method::HEAD, _) => return Vec::new(),
            (_, true) => "lifecycle",
            (&Method::POST, _) if has("delete") => "delete",
            _ if has("uploads") || has("uploadId") => "upload",
            (&Method::DELETE, _) => "delete",
            _ => "put",
        };
        let path = request.uri.path().trim_start_matches('/');
        let bucket = path.split('/').next().unwrap_or_default();
        vec![Draft {
            job: None,
            template: Some(operation.to_owned()),
            recipient: bucket.to_owned(),
            id: self.ids.next("s3-"),
        }]
    }
}
