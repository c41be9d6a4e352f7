//! `call_service` jobs: providers that are described by configuration alone.
//!
//! In the order of a job's life: [`CallService`] names a service and one of its operations. [`family`] makes an integration of each
//! service that the configuration describes. Its [`CallServiceHandler`] builds the request of the [`ServiceOperation`], a [`Service`]
//! sends it with the service's credentials, and what the service answers becomes an outcome, or a
//! [`JobError`](longshore_job::JobError) in the one match that decides it.

pub mod args;
#[cfg(feature = "worker")]
mod auth;
#[cfg(feature = "worker")]
mod call;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod family;
#[cfg(feature = "worker")]
mod handler;
#[cfg(feature = "worker")]
mod operation;
#[cfg(feature = "worker")]
mod path;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod service;
#[cfg(feature = "worker")]
mod settings;
#[cfg(feature = "worker")]
mod token;

pub use args::{CallService, RequestBody};
#[cfg(feature = "worker")]
pub use auth::{AuthHeader, AuthMethod, InvalidCredentials};
#[cfg(feature = "worker")]
pub use error::{AnswerClass, AnswerClasses};
#[cfg(feature = "worker")]
pub use family::family;
#[cfg(feature = "worker")]
pub use handler::CallServiceHandler;
#[cfg(feature = "worker")]
pub use operation::ServiceOperation;
#[cfg(feature = "worker")]
pub use path::{InvalidPath, PathTemplate};
#[cfg(feature = "worker")]
pub use service::{Service, ServiceConfig, ServiceSetupError};
#[cfg(feature = "worker")]
pub use settings::{
    AuthSettings, AuthType, ConfiguredService, OperationSettings, ServiceSettings,
    ServicesSettings, TokenUrl,
};
#[cfg(feature = "worker")]
pub use token::{TokenConfig, TokenSource};
