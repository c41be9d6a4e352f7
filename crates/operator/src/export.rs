//! Dead letters as a file: everything it takes to make them again, and only then out of Redis.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_job::{JobId, Kinds, Priority};
use longshore_queue::{Note, RawId, Signed, WholeLetter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dead::Target;
use crate::error::OperatorError;
use crate::job::HistoryRow;
use crate::meant::Meant;
use crate::operator::Operator;
use crate::time::rfc3339;

/// How many letters are discarded at a time.
const STEP: usize = 500;

/// One line of an export: a letter whole, with what is personal in it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: String,
    queue: &'a str,
    kind: Option<&'a str>,
    group: Option<&'a str>,
    cause: Option<String>,
    died_at: String,
    /// As it stands in Redis, in unix seconds: by it the letter is known as the same.
    died: &'a str,
    enqueued_at: Option<String>,
    expires_at: Option<String>,
    idempotency_key: Option<&'a str>,
    priority: Priority,
    tenant: Option<&'a str>,
    tags: &'a [String],
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
    attempt: u32,
    idempotency_generation: u32,
    may_have_been_sent: bool,
    progress: Option<&'a Value>,
    /// As its bytes were.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    /// Where they are no JSON on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    history: Vec<HistoryRow>,
    /// What of it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<&'a str>,
}

/// What of a line says which letter it is.
#[derive(Deserialize)]
struct Written {
    id: String,
    queue: String,
    died: String,
}

/// What an export came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// How many letters are in the file.
    pub exported: u64,
    /// How many letters were left where they are, since their payloads are too large to be read.
    pub left_out: u64,
    /// How many of them were discarded then.
    pub discarded: u64,
}

impl Operator {
    /// Writes the letters of a group or a queue to a new file, as JSON Lines, readable by its owner alone. That it is
    /// about to be done is written down first. When this returns, the file and its name are on the disk; if it fails,
    /// there is no file. Letters that die meanwhile are not in it.
    ///
    /// # Errors
    /// When there is no such queue or group, the file is there already or cannot be written, or Redis cannot be reached.
    pub async fn export(
        &self,
        target: &Target,
        file: &Path,
        signed: &Signed,
        mut progress: impl FnMut(u64),
    ) -> Result<Exported, OperatorError> {
        if file.exists() {
            return Err(OperatorError::FileExists(file.display().to_string()));
        }
        let failed = |error: io::Error| failed(file, &error);
        let meant = self.meant(target).await?;
        let mut part = Part::create(file).map_err(failed)?;
        let act = JobId::generate().to_string();
        let mut exported = Exported::default();
        let mut of_queues = Vec::new();
        for meant in meant {
            let about = meant.count().await?;
            let begun = format!("{about} dead letters are about to be written");
            note(&meant, signed, &act, &begun, None).await?;
            let before = exported.exported;
            let mut letters = meant.letters().await?;
            while let Some(page) = letters.page().await? {
                for letter in &page {
                    // It cannot be written whole, so it is not written: then it is not discarded either.
                    if letter.job.too_large.is_some() {
                        exported.left_out += 1;
                        continue;
                    }
                    part.write(&meant.info.name, letter).map_err(failed)?;
                    exported.exported += 1;
                }
                progress(exported.exported);
            }
            drop(letters);
            of_queues.push((meant, exported.exported - before));
        }
        part.keep(file).map_err(failed)?;
        for (meant, count) in of_queues {
            note(&meant, signed, &act, "written", Some(count)).await?;
        }
        Ok(exported)
    }

    /// Discards the letters that are in the file of an export, each only if it has not lived since. Returns how many are
    /// gone.
    ///
    /// # Errors
    /// When the file cannot be read back, or Redis cannot be reached; then what is gone is in the file.
    pub async fn discard_exported(
        &self,
        target: &Target,
        file: &Path,
        signed: &Signed,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, OperatorError> {
        let act = JobId::generate().to_string();
        let mut gone = 0;
        for meant in self.meant(target).await? {
            let (info, queue, target) = (meant.info, meant.queue, meant.target());
            let failed = |error: io::Error| failed(file, &error);
            let lines = BufReader::new(File::open(file).map_err(failed)?).lines();
            let mut step = Vec::with_capacity(STEP);
            for line in lines {
                let line: Written = serde_json::from_str(&line.map_err(failed)?)
                    .map_err(|error| failed(error.into()))?;
                if line.queue == info.name {
                    step.push((RawId::unescape(&line.id), line.died));
                }
                if step.len() == STEP {
                    gone += queue.discard_same(&step, &target, &act, signed).await? as u64;
                    progress(gone);
                    step.clear();
                }
            }
            gone += queue.discard_same(&step, &target, &act, signed).await? as u64;
            progress(gone);
        }
        Ok(gone)
    }
}

async fn note(
    meant: &Meant<'_>,
    signed: &Signed,
    act: &str,
    result: &str,
    count: Option<u64>,
) -> Result<(), OperatorError> {
    let note = Note {
        action: "export",
        target: &meant.target(),
        result,
        act,
        count,
    };
    Ok(meant.queue.note(signed, &note).await?)
}

fn failed(file: &Path, error: &io::Error) -> OperatorError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => OperatorError::FileExists(file.display().to_string()),
        _ => OperatorError::File {
            file: file.display().to_string(),
            reason: error.to_string(),
        },
    }
}

/// A file in the making, beside its place. Gone if it is not kept.
struct Part {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Part {
    fn create(file: &Path) -> io::Result<Self> {
        let name = file.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let name = format!(".{}.{}.part", name.to_string_lossy(), JobId::generate());
        let path = file.with_file_name(name);
        let mut options = OpenOptions::new();
        // What is in there is personal.
        let out = options.write(true).create_new(true).mode(0o600);
        let out = BufWriter::new(out.open(&path)?);
        Ok(Self { path, out })
    }

    fn write(&mut self, queue: &str, letter: &WholeLetter) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, &line(queue, letter))?;
        self.out.write_all(b"\n")
    }

    /// Puts it in its place, with everything on the disk. Nothing that is there by now is written over.
    fn keep(mut self, file: &Path) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        // A rename would replace what is there. Not every file system has links.
        match fs::hard_link(&self.path, file) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !file.exists() => {
                fs::rename(&self.path, file)?;
            }
            other => other?,
        }
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
        let synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        // Its name may not survive: then it is not there.
        synced.inspect_err(|_| drop(fs::remove_file(file)))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}

fn line<'a>(queue: &'a str, letter: &'a WholeLetter) -> Line<'a> {
    let job = &letter.job;
    let bytes = job.payload.as_deref();
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let payload = text
        .filter(|text| !text.contains(['\n', '\r']))
        .and_then(|text| serde_json::from_str(text).ok());
    let history = job.history.iter().cloned();
    Line {
        id: job.id.to_string(),
        queue,
        kind: letter.kind.as_deref(),
        group: job.group.as_deref(),
        cause: letter.cause.as_ref().map(ToString::to_string),
        died_at: rfc3339(letter.died_at_ms()),
        died: &letter.died,
        enqueued_at: job.enqueued_at_ms.map(rfc3339),
        expires_at: letter.expires_at_ms.map(rfc3339),
        idempotency_key: job.idempotency_key.as_deref(),
        priority: job.lane.priority,
        tenant: job.lane.tenant.as_deref(),
        tags: &job.tags,
        traceparent: letter.traceparent.as_deref(),
        tracestate: letter.tracestate.as_deref(),
        attempt: job.run.used,
        idempotency_generation: job.run.generation,
        may_have_been_sent: job.run.may_have_been_sent,
        progress: job.progress.as_ref(),
        payload_base64: bytes
            .filter(|_| payload.is_none())
            .map(|bytes| BASE64_STANDARD.encode(bytes)),
        payload,
        broken: job.broken.as_deref(),
        history: history
            .map(|recorded| {
                HistoryRow::new(&Kinds::default(), recorded, letter.kind.as_deref(), true)
            })
            .collect(),
    }
}
