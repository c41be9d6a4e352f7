//! Who can read a bucket, and whether it keeps versions: what the store says, against what configuration says.

use aws_sdk_s3::types::{
    BucketVersioningStatus, Grant, PolicyStatus, PublicAccessBlockConfiguration,
};

use crate::bucket::{Access, Bucket};
use crate::error::{Error, ErrorClass};
use crate::session::Session;

/// The groups that are everybody: whoever comes, and whoever has an account at AWS.
const EVERYBODY: [&str; 2] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// It is as configuration says.
    Right(String),
    /// It could not be asked, or is not to be asked here.
    Unknown(String),
    /// It is otherwise.
    Wrong(String),
}

/// What is known of who may read a bucket.
#[derive(Debug, Default)]
struct Readers {
    block: Option<PublicAccessBlockConfiguration>,
    granted: Option<bool>,
    policy: Option<bool>,
    /// What could not be asked, and why.
    unasked: Vec<String>,
}

impl Session {
    /// Compares a bucket with what configuration says of it; nothing where it says nothing. Only reads.
    pub async fn exposure(&self, bucket: &Bucket) -> Vec<Exposure> {
        let name = bucket.name.as_str();
        if bucket.access.is_none() && bucket.versioned.is_none() {
            return Vec::new();
        }
        if !self.name().says_who_may_read() {
            let store = self.name();
            let why = format!(
                "{store} cannot be asked who may read a bucket or whether it keeps versions"
            );
            return vec![Exposure::Unknown(why)];
        }
        let mut found = Vec::new();
        if let Some(wanted) = bucket.access {
            found.push(self.readers(name).await.compare(wanted));
        }
        if let Some(wanted) = bucket.versioned {
            found.push(self.versions_are(name, wanted).await);
        }
        found
    }

    async fn versions_are(&self, bucket: &str, wanted: bool) -> Exposure {
        let asked = self.call(format!("say whether {bucket} is versioned"), |client| {
            client.get_bucket_versioning().bucket(bucket).send()
        });
        let is = match asked.await {
            Ok(answer) => answer.status() == Some(&BucketVersioningStatus::Enabled),
            Err(error) => return Exposure::Unknown(error.reason),
        };
        let words = match is {
            true => "keeps versions",
            false => "keeps no versions",
        };
        match is == wanted {
            true => Exposure::Right(words.to_owned()),
            false => Exposure::Wrong(words.to_owned()),
        }
    }

    async fn readers(&self, bucket: &str) -> Readers {
        let mut readers = Readers::default();
        let block = self.call(format!("say what blocks access to {bucket}"), |client| {
            client.get_public_access_block().bucket(bucket).send()
        });
        let none = || PublicAccessBlockConfiguration::builder().build();
        let block = block.await.map(|answer| {
            let told = answer.public_access_block_configuration;
            told.unwrap_or_else(none)
        });
        readers.block = readers.note(block, none());
        let acl = self.call(format!("say whom {bucket} is granted to"), |client| {
            client.get_bucket_acl().bucket(bucket).send()
        });
        let acl = acl
            .await
            .map(|answer| answer.grants().iter().any(to_everybody));
        readers.granted = readers.note(acl, false);
        let policy = self.call(
            format!("say whether {bucket} has a public policy"),
            |client| client.get_bucket_policy_status().bucket(bucket).send(),
        );
        let policy = policy.await.map(|answer| {
            let status = answer.policy_status();
            status.and_then(PolicyStatus::is_public) == Some(true)
        });
        readers.policy = readers.note(policy, false);
        readers
    }
}

fn to_everybody(grant: &Grant) -> bool {
    let uri = grant.grantee().and_then(|grantee| grantee.uri());
    uri.is_some_and(|uri| EVERYBODY.contains(&uri))
}

impl Readers {
    /// What was answered; what it means that there is none; nothing where it could not be asked.
    fn note<T>(&mut self, asked: Result<T, Error>, none: T) -> Option<T> {
        match asked {
            Ok(told) => Some(told),
            Err(error) if error.class == ErrorClass::Missing => Some(none),
            Err(error) => {
                self.unasked.push(error.reason);
                None
            }
        }
    }

    /// Whether anybody can read it, as far as that is known. What blocks it wins over what grants it.
    fn is_public(&self) -> Option<bool> {
        let blocks = |blocks: fn(&PublicAccessBlockConfiguration) -> Option<bool>| {
            self.block.as_ref().and_then(blocks) == Some(true)
        };
        let granted = match blocks(|block| block.ignore_public_acls) {
            true => Some(false),
            false => self.granted,
        };
        let policy = match blocks(|block| block.restrict_public_buckets) {
            true => Some(false),
            false => self.policy,
        };
        match (granted, policy) {
            (Some(false), Some(false)) => Some(false),
            // What blocks it was not asked, so it may be blocked all the same.
            (Some(true), _) | (_, Some(true)) if self.block.is_some() => Some(true),
            _ => None,
        }
    }

    fn compare(self, wanted: Access) -> Exposure {
        match (self.is_public(), wanted) {
            (Some(true), Access::Public) => Exposure::Right("anybody can read it".to_owned()),
            (Some(false), Access::Private) => {
                Exposure::Right("only those who are granted it can read it".to_owned())
            }
            (Some(true), Access::Private) => {
                let by = match self.granted {
                    Some(true) => "by its ACL",
                    _ => "by its policy",
                };
                Exposure::Wrong(format!("anybody can read it, {by}"))
            }
            (Some(false), Access::Public) => {
                Exposure::Wrong("not everybody can read it".to_owned())
            }
            (None, _) => Exposure::Unknown(self.unasked.join("; ")),
        }
    }
}
