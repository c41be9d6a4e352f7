//! The arguments of `presign`.

use clap::{ArgGroup, Args};

/// `presign`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["user", "get"]))]
pub struct Presign {
    /// The user's id; the file's key begins with it
    #[arg(long, value_name = "ID", requires_all = ["content_type", "length", "extension"])]
    pub user: Option<String>,
    /// The file's media type, such as image/png
    #[arg(long, value_name = "TYPE", requires = "user")]
    pub content_type: Option<String>,
    /// The file's length in bytes
    #[arg(long, value_name = "BYTES", requires = "user")]
    pub length: Option<u64>,
    /// What the file's key ends with, such as png
    #[arg(long, value_name = "EXTENSION", requires = "user")]
    pub extension: Option<String>,
    /// Prints a URL that gives the uploaded file with this key, instead of one that takes an upload
    #[arg(long, value_name = "KEY", conflicts_with = "user")]
    pub get: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
