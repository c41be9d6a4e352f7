//! Any text as a configuration: it is read, or all that is wrong with it is said, and nothing panics.

use longshore_testing::fuzz::{cases, text};
use proptest::prelude::*;

use crate::load_as;

const FILES: &[&str] = &[
    "redis.url = 'redis://127.0.0.1:6379'\nqueues.email.retry_seconds = [60, 300]\nkinds.send_email.timeout_seconds = 20\n",
    "[providers.stripe]\nsecret_key = 'sk_test_1'\nrate_per_second = 100\nbreaker = { failures = 5, open_seconds = 30 }\n",
    "[payments]\nprovider_for_new_customers = 'stripe'\nnew_customers_percent = 10\nnew_customers_users = ['a']\n",
    "[cron.tidy]\nschedule = '0 4 * * *'\nkind = 'sweep_bucket'\nargs = { bucket = 'exports', dry_run = true }\n",
    "[services.crm]\nbase_url = 'https://crm.example.com'\nauth = { type = 'bearer', token = 'x' }\noperations.ping = { method = 'GET', path = '/ping' }\n",
    "[buckets.uploads]\nname = 'u'\nrules = [{ prefix = 'tmp/', expire_days = 90, tag = 'a=b', larger_than = 1 }]\n",
    "[email]\nfrom = { email = 'a@b.c' }\ntemplates.welcome = { sendgrid = 'd-1', expires_seconds = 60 }\n",
];

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn any_file_is_read_or_refused_with_what_is_wrong(file in text(FILES)) {
        if let Err(findings) = load_as(None, &file, &[]) {
            prop_assert!(findings.has_errors() && findings.iter().count() > 0, "{file}");
        }
    }
}
