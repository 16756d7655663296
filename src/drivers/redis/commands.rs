//! What a command leaves behind in its connection. Whatever is not known to leave nothing counts as leaving something.

use redis::{Arg, Cmd, Value};

/// What a command leaves behind, once it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Nothing,
    /// Nothing, but its answer may never come.
    Blocks,
    /// A transaction, or watched keys.
    Transaction,
    /// Something that `RESET` undoes, or that nobody knows.
    Session,
    /// A subscription, by which answers are no longer one for one.
    Subscription,
    /// Something that only the end of the connection undoes.
    Lasting,
}

/// No name of a command is longer; what is, is unknown.
const LONGEST: usize = 32;

/// Reads and writes of keys, scripts, and questions about the server: they leave nothing. In alphabetical order.
///
/// A script cannot change the state of the connection that calls it: what would is refused in scripts, and `SELECT`
/// there is the script's own.
const HARMLESS: [&str; 204] = [
    "APPEND",
    "BITCOUNT",
    "BITFIELD",
    "BITFIELD_RO",
    "BITOP",
    "BITPOS",
    "COMMAND",
    "CONFIG",
    "COPY",
    "DBSIZE",
    "DECR",
    "DECRBY",
    "DEL",
    "DISCARD",
    "DUMP",
    "ECHO",
    "EVAL",
    "EVALSHA",
    "EVALSHA_RO",
    "EVAL_RO",
    "EXEC",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "FCALL",
    "FCALL_RO",
    "FLUSHALL",
    "FLUSHDB",
    "FUNCTION",
    "GEOADD",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO",
    "GEOSEARCH",
    "GEOSEARCHSTORE",
    "GET",
    "GETBIT",
    "GETDEL",
    "GETEX",
    "GETRANGE",
    "GETSET",
    "HDEL",
    "HEXISTS",
    "HEXPIRE",
    "HEXPIREAT",
    "HEXPIRETIME",
    "HGET",
    "HGETALL",
    "HGETDEL",
    "HGETEX",
    "HINCRBY",
    "HINCRBYFLOAT",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HMSET",
    "HPERSIST",
    "HPEXPIRE",
    "HPEXPIREAT",
    "HPEXPIRETIME",
    "HPTTL",
    "HRANDFIELD",
    "HSCAN",
    "HSET",
    "HSETEX",
    "HSETNX",
    "HSTRLEN",
    "HTTL",
    "HVALS",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "INFO",
    "KEYS",
    "LASTSAVE",
    "LATENCY",
    "LCS",
    "LINDEX",
    "LINSERT",
    "LLEN",
    "LMOVE",
    "LMPOP",
    "LOLWUT",
    "LPOP",
    "LPOS",
    "LPUSH",
    "LPUSHX",
    "LRANGE",
    "LREM",
    "LSET",
    "LTRIM",
    "MEMORY",
    "MGET",
    "MIGRATE",
    "MOVE",
    "MSET",
    "MSETNX",
    "OBJECT",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PFADD",
    "PFCOUNT",
    "PFMERGE",
    "PING",
    "PSETEX",
    "PTTL",
    "PUBLISH",
    "PUBSUB",
    "RANDOMKEY",
    "RENAME",
    "RENAMENX",
    "RESTORE",
    "ROLE",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCAN",
    "SCARD",
    "SDIFF",
    "SDIFFSTORE",
    "SET",
    "SETBIT",
    "SETEX",
    "SETNX",
    "SETRANGE",
    "SINTER",
    "SINTERCARD",
    "SINTERSTORE",
    "SISMEMBER",
    "SLOWLOG",
    "SMEMBERS",
    "SMISMEMBER",
    "SMOVE",
    "SORT",
    "SORT_RO",
    "SPOP",
    "SPUBLISH",
    "SRANDMEMBER",
    "SREM",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "SUNIONSTORE",
    "TIME",
    "TOUCH",
    "TTL",
    "TYPE",
    "UNLINK",
    "UNWATCH",
    "XACK",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XGROUP",
    "XINFO",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREVRANGE",
    "XSETID",
    "XTRIM",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZDIFF",
    "ZDIFFSTORE",
    "ZINCRBY",
    "ZINTER",
    "ZINTERCARD",
    "ZINTERSTORE",
    "ZLEXCOUNT",
    "ZMPOP",
    "ZMSCORE",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANGESTORE",
    "ZRANK",
    "ZREM",
    "ZREMRANGEBYLEX",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCAN",
    "ZSCORE",
    "ZUNION",
    "ZUNIONSTORE",
];

/// Their answers come when somebody else does something, or after a time that they name.
const BLOCKING: [&str; 10] = [
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "WAIT",
    "WAITAOF",
];

/// What a command leaves behind; `vouched` are further names, in capitals, that leave nothing.
pub(super) fn effect(command: &Cmd, vouched: &[String]) -> Effect {
    let mut words = command.args_iter().map(|word| match word {
        Arg::Simple(word) => word,
        _ => &[],
    });
    let mut name = [0; LONGEST];
    let Some(name) = words.next().and_then(|word| capitals(word, &mut name)) else {
        return Effect::Session;
    };
    if HARMLESS.binary_search(&name).is_ok() {
        return Effect::Nothing;
    }
    let mut second = [0; LONGEST];
    let mut rest = words.clone();
    let second = words.next().and_then(|word| capitals(word, &mut second)).unwrap_or("");
    match name {
        "MULTI" | "WATCH" => Effect::Transaction,
        "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE" | "SUNSUBSCRIBE" => {
            Effect::Subscription
        }
        "CLIENT" => client(second),
        "SCRIPT" if matches!(second, "EXISTS" | "FLUSH" | "HELP" | "KILL" | "LOAD" | "SHOW") => Effect::Nothing,
        // The script debugger takes the connection over; a replica is no client any more.
        "SCRIPT" | "MONITOR" | "SYNC" | "PSYNC" | "REPLCONF" | "QUIT" => Effect::Lasting,
        "XREAD" | "XREADGROUP" if !rest.any(|word| word.eq_ignore_ascii_case(b"BLOCK")) => Effect::Nothing,
        "XREAD" | "XREADGROUP" => Effect::Blocks,
        _ if BLOCKING.contains(&name) => Effect::Blocks,
        _ if vouched.iter().any(|vouched| vouched == name) => Effect::Nothing,
        _ => Effect::Session,
    }
}

/// Whether this answer to this command shows that there is no transaction and no watched key any more.
pub(super) fn ends_transaction(command: &Cmd, answer: &Value) -> bool {
    let mut name = [0; LONGEST];
    let name = match command.args_iter().next() {
        Some(Arg::Simple(word)) => capitals(word, &mut name),
        _ => None,
    };
    match (name, answer) {
        (Some("EXEC"), Value::ServerError(error)) => error.code() == "EXECABORT",
        (Some("EXEC"), _) => true,
        // Inside a transaction UNWATCH is queued.
        (Some("DISCARD" | "UNWATCH"), answer) => *answer == Value::Okay,
        _ => false,
    }
}

/// `CLIENT`: questions and what is done to others leave nothing. `RESET` undoes a name and tracking, but neither the
/// information nor the protection from eviction (before 7.2), and after `REPLY` nobody can count answers.
fn client(word: &str) -> Effect {
    match word {
        "GETNAME" | "GETREDIR" | "HELP" | "ID" | "INFO" | "KILL" | "LIST" | "PAUSE" | "TRACKINGINFO" | "UNBLOCK"
        | "UNPAUSE" => Effect::Nothing,
        "CACHING" | "SETNAME" | "TRACKING" => Effect::Session,
        _ => Effect::Lasting,
    }
}

/// The word in capitals, if it can be the name of a command.
fn capitals<'a>(word: &[u8], space: &'a mut [u8; LONGEST]) -> Option<&'a str> {
    let space = space.get_mut(..word.len())?;
    space.copy_from_slice(word);
    space.make_ascii_uppercase();
    std::str::from_utf8(space).ok()
}
