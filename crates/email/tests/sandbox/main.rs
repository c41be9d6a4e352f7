//! The stand-ins over real HTTP.

mod postmark;
mod sendgrid;
