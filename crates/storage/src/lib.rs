//! Objects in S3 and its stand-in R2: what jobs and apps do with them.
