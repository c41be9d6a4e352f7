//! A table that folds into cards on a phone.

use maud::{Markup, html};

/// A column: its heading, and whether it holds numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) is_number: bool,
}

/// A column of text.
pub(crate) const fn text(heading: &'static str) -> Column {
    Column {
        heading,
        is_number: false,
    }
}

/// A column of numbers.
pub(crate) const fn numbers(heading: &'static str) -> Column {
    Column {
        heading,
        is_number: true,
    }
}

/// Rows under headings. Each row has a cell for each column; on a phone a row is a card whose cells name their columns.
pub(crate) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    let class = |column: &Column| column.is_number.then_some("number");
    html! {
        table class="folds" {
            caption class="unseen" { (caption) }
            thead {
                tr { @for column in columns { th scope="col" class=[class(column)] { (column.heading) } } }
            }
            tbody {
                @for row in rows {
                    tr {
                        @for (cell, column) in row.iter().zip(columns) {
                            td data-of=(column.heading) class=[class(column)] { (cell) }
                        }
                    }
                }
            }
        }
    }
}
