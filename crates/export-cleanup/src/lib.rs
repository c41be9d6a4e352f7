//! Bucket sweeps and lifecycle rules, carried out by S3 and R2.
