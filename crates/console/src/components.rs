//! What pages are made of, one file each. A component draws what it is given, and asks nobody.

pub(crate) mod act_form;
pub(crate) mod again;
pub(crate) mod announced;
pub(crate) mod answers;
pub(crate) mod attention_list;
pub(crate) mod band;
pub(crate) mod bar;
pub(crate) mod chip;
pub(crate) mod doing;
pub(crate) mod empty;
pub(crate) mod gauge;
pub(crate) mod job_rows;
pub(crate) mod moment;
pub(crate) mod notice;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod rehearsal;
pub(crate) mod shares;
pub(crate) mod sparkline;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod trend;
