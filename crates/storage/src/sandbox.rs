//! A stand-in for S3 and R2, for development and tests: in builds with the feature `sandbox`.
//!
//! Beside ledger and faults, which every stand-in has over HTTP:
//!
//! | request | does |
//! |---|---|
//! | `PUT /sandbox/objects` | plants an object: `{"bucket","key","body","age_seconds"}` |
//! | `GET /sandbox/objects/{bucket}` | its keys, in their order |

mod s3;

pub use s3::{Planted, S3Sandbox};
