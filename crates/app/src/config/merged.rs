//! All layers in one.

use std::ffi::OsString;
use std::path::Path;

use figment::Figment;
use longshore_integration::settings::Findings;

use super::schema::Schema;
use super::{env as variables, files};

/// All layers in one, and whether none of them is broken.
pub(super) fn merged<N, V>(
    dir: Option<&Path>,
    profile: Option<&str>,
    env: impl IntoIterator<Item = (N, V)>,
    schema: &Schema<'_>,
    findings: &mut Findings,
) -> (Figment, bool)
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    let mut figment = Figment::from(schema.built_in());
    for file in files::layers(dir, profile, findings) {
        figment = figment.merge(file);
    }
    // What a broken file holds is not known, so nothing it could have set is called missing.
    let complete = !findings.has_errors();
    let env = variables::layer(env, schema, &figment, findings);
    let figment = figment.merge(env);
    let by_name = schema.built_in_by_name(&figment);
    (figment.join(by_name), complete)
}
