//! The console's router over a real Redis: who gets in, what they may do, and what they see.

mod access;
mod acts;
mod again;
mod bench;
mod deliveries;
mod family;
mod frame;
mod hostile;
mod lists;
mod many;
mod once;
mod pages;
mod search;
