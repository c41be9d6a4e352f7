//! Longshore's queue on Redis: the only crate that knows Redis, key names and Lua.
