//! Maps, which are for good: which user is which customer, which addresses nothing is sent to.

use redis::Value;

use crate::value::Reply;
use crate::{Note, Queue, QueueError, Signed, script};

/// How many entries one look at a map may bring, more or less.
const CHUNK: usize = 1000;

impl Queue {
    /// What a key of a map stands for.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find(&self, map: &str, key: &str) -> Result<Option<String>, QueueError> {
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.map_of(map)).arg(key);
        self.link.command(&command).await
    }

    /// Which of these keys of a map, at most some thousand, stand for something.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find_which(&self, map: &str, keys: &[String]) -> Result<Vec<bool>, QueueError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.map_of(map)).arg(keys);
        let found: Vec<Option<Vec<u8>>> = self.link.command(&command).await?;
        Ok(found.iter().map(Option::is_some).collect())
    }

    /// Lets a key of a map stand for a value, unless it stands for one already; returns what it stands for.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn assign(&self, map: &str, key: &str, value: &str) -> Result<String, QueueError> {
        script::ASSIGN
            .on(&[&self.keys.map_of(map)])
            .arg(key)
            .arg(value)
            .run(&self.link)
            .await
    }

    /// Lets a key of a map stand for a value, at an operator's word, which is written down with it. `false` when it stands for
    /// one already.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn assign_signed(
        &self,
        map: &str,
        (key, value): (&str, &str),
        note: &Note<'_>,
        signed: &Signed,
    ) -> Result<bool, QueueError> {
        let added: u8 = script::ASSIGN_SIGNED
            .on(&[&self.keys.map_of(map), &self.keys.audit])
            .arg(key)
            .arg(&signed.by)
            .arg(note.action)
            .arg(note.target)
            .arg(&signed.reason)
            .arg(value)
            .run(&self.link)
            .await?;
        Ok(added == 1)
    }

    /// Lets a key of a map stand for another value from now on.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn reassign(&self, map: &str, key: &str, value: &str) -> Result<(), QueueError> {
        let mut command = redis::cmd("HSET");
        command.arg(self.keys.map_of(map)).arg(key).arg(value);
        self.link.command(&command).await
    }

    /// Lets a key of a map stand for nothing any more. `false` when it did not stand for anything.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn unassign(&self, map: &str, key: &str) -> Result<bool, QueueError> {
        let mut command = redis::cmd("HDEL");
        command.arg(self.keys.map_of(map)).arg(key);
        self.link.command(&command).await
    }

    /// The same at an operator's word, which is written down with it.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn unassign_signed(
        &self,
        map: &str,
        key: &str,
        note: &Note<'_>,
        signed: &Signed,
    ) -> Result<bool, QueueError> {
        let removed: u8 = script::UNASSIGN
            .on(&[&self.keys.map_of(map), &self.keys.audit])
            .arg(key)
            .arg(&signed.by)
            .arg(note.action)
            .arg(note.target)
            .arg(&signed.reason)
            .run(&self.link)
            .await?;
        Ok(removed == 1)
    }

    /// Hands over a map's entries, some thousand at a time. What is there all the while is handed over at least once.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn entries(
        &self,
        map: &str,
        mut each: impl FnMut(String, String),
    ) -> Result<(), QueueError> {
        let mut cursor = "0".to_owned();
        loop {
            let mut command = redis::cmd("HSCAN");
            command.arg(self.keys.map_of(map)).arg(&cursor);
            command.arg("COUNT").arg(CHUNK);
            let value: Value = self.link.command(&command).await?;
            let mut answer = Reply::new(value)?;
            cursor = answer.next()?;
            let mut pairs = answer.list()?;
            while !pairs.is_empty() {
                each(pairs.shown()?, pairs.shown()?);
            }
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}
