//! The files: `default.toml`, then the profile's.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use longshore_integration::settings::{Finding, Findings, Severity};

use super::document::Document;
use super::layer::Layer;

/// Where files are looked for unless a directory is named. It need not exist.
const DEFAULT_DIR: &str = "config";

/// Where files are looked for.
pub(super) fn directory(named: Option<&Path>) -> &Path {
    named.unwrap_or(Path::new(DEFAULT_DIR))
}

/// The layers of the files that are there. What was named and is not there is a finding.
pub(super) fn layers(
    dir: Option<&Path>,
    profile: Option<&str>,
    findings: &mut Findings,
) -> Vec<Layer> {
    if let Some(named) = dir
        && !named.is_dir()
    {
        findings.error(
            "--config",
            None,
            format!("`{}` is not a directory", named.display()),
            "name the directory that holds default.toml, or leave the flag out for ./config",
        );
        return Vec::new();
    }
    let directory = directory(dir);

    let default = read(&directory.join("default.toml"), findings);
    if dir.is_some() && profile.is_none() && matches!(default, Read::Absent) {
        findings.push(Finding {
            severity: Severity::Warning,
            key: "--config".to_owned(),
            origin: None,
            problem: format!(
                "`{}` holds no default.toml and no profile is named, so no file is read",
                directory.display()
            ),
            cure: "check the directory, or name a profile with --profile".to_owned(),
        });
    }
    let named = profile.map(|name| profile_file(directory, name, findings));
    [Some(default), named]
        .into_iter()
        .flatten()
        .filter_map(Read::layer)
        .collect()
}

fn profile_file(directory: &Path, name: &str, findings: &mut Findings) -> Read {
    // The name becomes a path: it must not lead out of the directory.
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !plain {
        findings.error(
            "--profile",
            None,
            format!("`{name}` cannot be the name of a profile"),
            "use letters, digits, _ and -; the profile `local` is the file local.toml",
        );
        return Read::Broken;
    }
    let path = directory.join(format!("{name}.toml"));
    let file = read(&path, findings);
    if matches!(file, Read::Absent) {
        findings.error(
            "--profile",
            None,
            format!("{} does not exist", path.display()),
            match profiles(Some(directory)).as_slice() {
                [] => format!("there are no profiles in {}", directory.display()),
                known => format!("create it, or name one of: {}", known.join(", ")),
            },
        );
    }
    file
}

/// The profiles there are in this directory, sorted.
pub(crate) fn profiles(dir: Option<&Path>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory(dir)) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| name != "default")
        .collect();
    names.sort();
    names
}

enum Read {
    Absent,
    Broken,
    Layer(Layer),
}

impl Read {
    fn layer(self) -> Option<Layer> {
        match self {
            Self::Layer(layer) => Some(layer),
            Self::Absent | Self::Broken => None,
        }
    }
}

fn read(path: &Path, findings: &mut Findings) -> Read {
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Read::Absent,
        Err(error) => {
            findings.error(
                name,
                None,
                format!("cannot be read: {error}"),
                "make it a UTF-8 text file that this user may read",
            );
            return Read::Broken;
        }
    };
    match Document::parse(&text) {
        Ok(document) => {
            let origins = document
                .lines
                .into_iter()
                .map(|(path, line)| (path, format!("{name}:{line}")))
                .collect();
            Read::Layer(Layer::with_origins(name, document.values, origins))
        }
        Err(broken) => {
            findings.error(
                name,
                Some(format!("line {}, column {}", broken.line, broken.column)),
                format!("is not TOML: {}", broken.why),
                "correct that line; the rest of the file has not been checked",
            );
            Read::Broken
        }
    }
}
