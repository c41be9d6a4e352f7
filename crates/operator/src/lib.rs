//! Dead letters, queues and pauses: the library behind the command line.
