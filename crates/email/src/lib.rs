//! send_email jobs, carried out by SendGrid.
