//! Who can read a bucket, and which tags an object has.

use longshore_sandbox::axum::http::StatusCode;
use s3s::dto::{
    GetBucketAclOutput, GetBucketPolicyStatusOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    GetPublicAccessBlockOutput, Grant, Grantee, Permission, PolicyStatus,
    PublicAccessBlockConfiguration, Tag, Type,
};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::shelf::Bucket;

/// As a bucket that was opened by its ACL, and nothing else, answers.
pub(super) fn acl(bucket: &Bucket) -> GetBucketAclOutput {
    let everybody = Grant {
        grantee: Some(Grantee {
            display_name: None,
            email_address: None,
            id: None,
            type_: Type::from_static(Type::GROUP),
            uri: Some("http://acs.amazonaws.com/groups/global/AllUsers".to_owned()),
        }),
        permission: Some(Permission::from_static(Permission::READ)),
    };
    GetBucketAclOutput {
        grants: Some(bucket.open.then_some(everybody).into_iter().collect()),
        owner: None,
    }
}

pub(super) fn block(bucket: &Bucket) -> S3Result<GetPublicAccessBlockOutput> {
    if !bucket.blocked {
        let code = S3ErrorCode::Custom("NoSuchPublicAccessBlockConfiguration".into());
        let mut error = S3Error::new(code);
        error.set_status_code(StatusCode::NOT_FOUND);
        return Err(error);
    }
    let all = PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    };
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(all),
    })
}

pub(super) fn policy(bucket: &Bucket) -> S3Result<GetBucketPolicyStatusOutput> {
    match bucket.public_policy {
        None => Err(s3_error!(NoSuchBucketPolicy)),
        Some(is_public) => Ok(GetBucketPolicyStatusOutput {
            policy_status: Some(PolicyStatus {
                is_public: Some(is_public),
            }),
        }),
    }
}

pub(super) fn tags(
    bucket: &Bucket,
    input: &GetObjectTaggingInput,
) -> S3Result<GetObjectTaggingOutput> {
    let entries = bucket.objects.get(&input.key).map(Vec::as_slice);
    let entry = entries.unwrap_or_default().iter().find(|entry| {
        let wanted = input.version_id.as_ref();
        wanted.is_none_or(|version| *version == entry.id)
    });
    let entry = entry.ok_or_else(|| s3_error!(NoSuchKey))?;
    let tags = entry.tags.iter().map(|(key, value)| Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    });
    Ok(GetObjectTaggingOutput {
        tag_set: tags.collect(),
        version_id: None,
    })
}
