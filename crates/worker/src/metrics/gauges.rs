//! Families of gauges whose values are known only when somebody reads them.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// Writes gauges into what a collector is given.
#[derive(Debug)]
pub(super) struct Gauges<'a>(DescriptorEncoder<'a>);

impl<'a> Gauges<'a> {
    pub(super) fn into(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A family with a row for each set of labels.
    pub(super) fn family<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let help = sentence(help);
        let mut family = self
            .0
            .encode_descriptor(name, &help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// One gauge without labels; none where the value is not known.
    pub(super) fn one(&mut self, name: &str, help: &str, value: Option<u64>) -> fmt::Result {
        let Some(value) = value else {
            return Ok(());
        };
        let help = sentence(help);
        let gauge = self
            .0
            .encode_descriptor(name, &help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(gauge)
    }
}

/// The registry puts a full stop behind the help of what is registered, and none behind that of what is collected.
pub(super) fn sentence(help: &str) -> String {
    format!("{help}.")
}
