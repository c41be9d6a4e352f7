//! A local stand-in for every provider, with faults on demand, and private Redis servers.
