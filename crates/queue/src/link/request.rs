//! What is sent over a connection, and which key says where to.

use redis::aio::MultiplexedConnection;
use redis::{Arg, Cmd, Pipeline, RedisError, Value};

use super::meaning::first_of;

/// Commands without a key: any server will do.
const KEYLESS: &[&[u8]] = &[
    b"PING",
    b"INFO",
    b"TIME",
    b"CONFIG",
    b"SCAN",
    b"WAIT",
    b"SCRIPT",
    b"CLIENT",
    b"CLUSTER",
    b"ROLE",
    b"DBSIZE",
    b"FLUSHALL",
    b"FLUSHDB",
    b"BGSAVE",
    b"SAVE",
    b"REPLICAOF",
    b"ACL",
    b"DEBUG",
    b"KEYS",
    b"LASTSAVE",
    b"COMMAND",
    b"EVAL_RO",
];

/// One round trip.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    Command(&'a Cmd),
    /// A script's call, and its text where Redis does not have it (any more).
    Script(&'a str, &'a Cmd),
    /// All of them are of one slot.
    Pipeline(&'a Pipeline),
}

impl Request<'_> {
    /// The first key; the others are of the same slot.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Command(command) | Self::Script(_, command) => key_of(command),
            Self::Pipeline(commands) => commands.cmd_iter().find_map(key_of),
        }
    }

    /// Sends it. `asking`: the slot is on its way to this node, which takes calls only of those who say that they know.
    pub(super) async fn over(
        &self,
        connection: &mut MultiplexedConnection,
        asking: bool,
    ) -> Result<Value, RedisError> {
        let answer = match self {
            Self::Command(command) => send(command, connection, asking).await,
            Self::Pipeline(commands) => commands.query_async(connection).await,
            Self::Script(code, call) => {
                let answer = send(call, connection, asking).await;
                if !matches!(&answer, Err(error) if error.code() == Some("NOSCRIPT")) {
                    return answer;
                }
                let mut load = redis::cmd("SCRIPT");
                load.arg("LOAD").arg(*code);
                load.query_async::<Value>(connection).await?;
                send(call, connection, asking).await
            }
        };
        answer.map_err(first_of)
    }
}

async fn send(
    command: &Cmd,
    connection: &mut MultiplexedConnection,
    asking: bool,
) -> Result<Value, RedisError> {
    if !asking {
        return command.query_async(connection).await;
    }
    let mut both = redis::pipe();
    both.cmd("ASKING").ignore().add_command(command.clone());
    let (answer,) = both.query_async(connection).await.map_err(first_of)?;
    Ok(answer)
}

fn key_of(command: &Cmd) -> Option<&[u8]> {
    let mut args = command.args_iter().map(|arg| match arg {
        Arg::Simple(bytes) => bytes,
        _ => b"",
    });
    let name = args.next()?;
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    if is(b"EVALSHA") || is(b"EVAL") {
        let keys = args.nth(1)?;
        return (keys != b"0").then(|| args.next()).flatten();
    }
    // Their first word says what of the key is wanted.
    if is(b"OBJECT") || is(b"MEMORY") {
        return args.nth(1);
    }
    match KEYLESS.iter().any(|keyless| is(keyless)) {
        true => None,
        false => args.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_command_is_found() {
        let key = |words: &str| {
            let mut words = words.split(' ');
            let mut command = redis::cmd(words.next().unwrap_or_default());
            words.for_each(|word| {
                command.arg(word);
            });
            key_of(&command).map(|key| String::from_utf8_lossy(key).into_owned())
        };
        for (command, wanted) in [
            ("GET a", Some("a")),
            ("evalsha 0123 2 a b c", Some("a")),
            ("EVALSHA 0123 0 a", None),
            ("MEMORY USAGE a", Some("a")),
            ("PING", None),
            ("INFO server", None),
            ("SCAN 0 MATCH a*", None),
        ] {
            assert_eq!(key(command).as_deref(), wanted, "{command}");
        }
        let mut pipe = redis::pipe();
        pipe.cmd("TIME").cmd("GET").arg("b");
        assert_eq!(Request::Pipeline(&pipe).key(), Some(b"b".as_slice()));
    }
}
