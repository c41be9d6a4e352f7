//! The stand-ins for Stripe and for the company's app, over real HTTP.

mod app;
mod stripe;
