//! Where a job's page is, and the way back from it.

use longshore_operator::JobView;
use maud::{Markup, html};

use crate::components::job_rows::job_link;
use crate::foreign::Short;
use crate::pages::queue::path_of as queue_path;
use crate::view::{View, part};

/// The path of a job's page.
pub(crate) fn path_of(id: &str) -> String {
    format!("/jobs/{}", part(id))
}

/// The way back to the job's queue.
pub(crate) fn crumbs(view: &View, job: &JobView) -> Markup {
    html! {
        p class="crumbs" {
            a href=(view.to("/")) { "Overview" } " / "
            a href=(view.to(&queue_path(&job.queue))) { (Short(&job.queue, 64)) } " / "
            (job_link(view, &job.id))
        }
    }
}
