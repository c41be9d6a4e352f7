//! `Content-MD5`, for stores that are like S3.
//!
//! S3 wants a checksum with deletions and rules. The SDK sends CRC32, which some stores do not know; they refuse requests
//! without `Content-MD5`, as S3 once did. Those that know both take both. AWS's own gets CRC32 alone.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::base64;
use md5::{Digest, Md5};

/// Adds it where S3 wants a checksum.
#[derive(Debug)]
pub(crate) struct ContentMd5;

#[dyn_dispatch_hint]
impl Intercept for ContentMd5 {
    fn name(&self) -> &'static str {
        "ContentMd5"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if !wants_checksum(request.method(), request.uri()) {
            return Ok(());
        }
        if let Some(body) = request.body().bytes() {
            let digest = base64::encode(Md5::digest(body));
            request.headers_mut().insert("content-md5", digest);
        }
        Ok(())
    }
}

/// Deletions of many, and whatever is written about a bucket.
fn wants_checksum(method: &str, uri: &str) -> bool {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    match method {
        "POST" => names.any(|name| name == "delete"),
        "PUT" => names.any(|name| name == "lifecycle"),
        _ => false,
    }
}
