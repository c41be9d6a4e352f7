//! The band on top of each page: which fleet this is, who looks, where one can go.

use maud::{Markup, html};

use crate::components::state::{Tone, toned};
use crate::fleet::FleetFacts;
use crate::foreign::Short;
use crate::section::Section;
use crate::theme::Theme;
use crate::view::{TOKEN_MARK, View, clock};
use crate::who::{KnownBy, Who};

/// What the band says.
#[derive(Debug)]
pub(crate) struct Band<'a> {
    pub(crate) view: &'a View,
    pub(crate) fleet: &'a FleetFacts,
    pub(crate) who: Option<&'a Who>,
    pub(crate) theme: Theme,
    pub(crate) section: Section,
    /// Where the visitor is, to come back to.
    pub(crate) path: &'a str,
    /// Why Redis does not answer, if it does not.
    pub(crate) away: Option<&'a str>,
}

impl Band<'_> {
    pub(crate) fn draw(&self) -> Markup {
        let view = self.view;
        html! {
            header class={ "band" @if view.is_production { " production" } } {
                a class="skip" href="#main" { "Skip to the content" }
                div class="where" {
                    a class="fleet" href=(view.to("/")) { (Short(&self.fleet.name, 40)) }
                    (profile(self.fleet))
                    // Strangers need not know where Redis is.
                    @if self.who.is_some() {
                        span class="server" title="Redis server and namespace" {
                            (Short(&self.fleet.server, 60)) " · " (Short(&self.fleet.namespace, 40))
                        }
                        span class="health" data-live="health" { (health(view, self.away)) }
                    }
                    div class="self" {
                        (theme_switch(view, self.theme, self.path))
                        @if let Some(who) = self.who { (me(view, who)) }
                    }
                }
                @if self.who.is_some() {
                    div class="ways" {
                        nav aria-label="Main" {
                            ul {
                                @for (section, words, path, key) in Section::ALL {
                                    li {
                                        a href=(view.to(path)) data-key=(key) aria-current=[(section == self.section).then_some("page")] { (words) }
                                    }
                                }
                            }
                        }
                        form class="search" method="post" action=(view.to("/search")) role="search" {
                            input type="hidden" name="token" value=(TOKEN_MARK);
                            label class="unseen" for="search" { "Search by job id, key, tag or recipient" }
                            input id="search" name="q" type="search" placeholder="Job id, key, tag, recipient" autocomplete="off" spellcheck="false" maxlength="512";
                            kbd aria-hidden="true" { "/" }
                            button class="unseen" type="submit" { "Search" }
                        }
                    }
                }
            }
        }
    }
}

/// Whether Redis answers. `away` is why it does not.
pub(crate) fn health(view: &View, away: Option<&str>) -> Markup {
    html! {
        @match away {
            None => { (toned(Tone::Good, "as of")) " " time { (clock(view.now)) } " UTC" },
            Some(why) => span title=(why) { (toned(Tone::Bad, "Redis does not answer")) },
        }
    }
}

/// Production cannot be mistaken: by its word, its frame, its shape and its colour.
fn profile(fleet: &FleetFacts) -> Markup {
    html! {
        @match fleet.profile.as_deref() {
            Some("production") => strong class="profile production" { span aria-hidden="true" { "◆ " } "PRODUCTION" },
            Some(profile) => span class="profile" { (Short(profile, 30)) },
            None => span class="profile" { "no profile" },
        }
    }
}

fn me(view: &View, who: &Who) -> Markup {
    html! {
        span class="me" {
            (Short(&who.name, 40)) " " span class="role" { (who.role.as_str()) }
        }
        @match who.known_by {
            KnownBy::Session(_) => form method="post" action=(view.to("/logout")) {
                input type="hidden" name="token" value=(TOKEN_MARK);
                button class="plain" type="submit" { "Log out" }
            },
            KnownBy::Open => span class="role" title="The profile is local, and the console listens on this machine only" { "no login" },
            KnownBy::Others => {},
        }
    }
}

fn theme_switch(view: &View, theme: Theme, path: &str) -> Markup {
    let shape = match theme {
        Theme::System => "◑",
        Theme::Light => "☀",
        Theme::Dark => "☾",
    };
    let next = theme.next().as_str();
    let said = format!("Colours: {}; switch to {next}", theme.as_str());
    html! {
        form method="post" action=(view.to("/theme")) {
            input type="hidden" name="token" value=(TOKEN_MARK);
            input type="hidden" name="to" value=(path);
            button class="plain" type="submit" name="theme" value=(next) title=(said) aria-label=(said) {
                span aria-hidden="true" { (shape) }
            }
        }
    }
}
