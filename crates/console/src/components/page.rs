//! A whole page: the band, what the page says, and how old that is.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{ICON, SCRIPT, STYLE};
use crate::components::band::Band;
use crate::components::moment::relative;
use crate::components::notice::notice;
use crate::components::state::Tone;
use crate::foreign::Short;
use crate::view::clock;

/// How old a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Age {
    /// It was read for this request.
    Fresh,
    /// It is the last picture: Redis does not answer, for this reason.
    Last {
        /// When it was read.
        at: jiff::Timestamp,
        /// Why there is none that is newer.
        why: String,
    },
}

/// What a page is made of.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) band: Band<'a>,
    pub(crate) title: &'a str,
    pub(crate) body: &'a Markup,
    pub(crate) age: Age,
    /// What an act has come to that led here.
    pub(crate) did: Option<String>,
}

impl Page<'_> {
    pub(crate) fn draw(&self) -> Markup {
        let view = self.band.view;
        html! {
            (DOCTYPE)
            html lang="en" data-theme=(self.band.theme.as_str()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (self.title) " · " (self.band.fleet.name) @if view.is_production { " · PRODUCTION" } }
                    link rel="icon" type="image/svg+xml" href=(view.to(&ICON.path()));
                    link rel="stylesheet" href=(view.to(&STYLE.path()));
                    script src=(view.to(&SCRIPT.path())) defer {}
                }
                body data-stream=[self.band.who.map(|_| view.to("/live"))] data-shortcuts=(view.to("/shortcuts")) {
                    (self.band.draw())
                    main id="main" class=[self.is_old().then_some("old")] tabindex="-1" {
                        (self.said())
                        (self.body)
                    }
                    footer {
                        @if self.band.who.is_some() {
                            span { "Times are UTC." }
                            span { a href=(view.to("/shortcuts")) { "Keyboard shortcuts" } " " kbd { "?" } }
                        }
                    }
                }
            }
        }
    }

    fn is_old(&self) -> bool {
        self.age != Age::Fresh
    }

    /// What stands above the page itself.
    fn said(&self) -> Markup {
        html! {
            @if let Age::Last { at, why } = &self.age {
                (notice(Tone::Bad, "Redis does not answer.", &html! {
                    "This is the page as of " (clock(*at)) " UTC, " (relative(self.band.view.now.as_second() - at.as_second()))
                    ". Nothing can be changed until Redis is back. "
                    span class="why" { (Short(why, 300)) }
                }))
            }
            @if let Some(did) = &self.did {
                p class="notice" role="status" { (Short(did, 400)) }
            }
        }
    }
}
